"""Decide every link of the book, and say how."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwlib.formulas.judge import Context, Failure, Link, find_failure
from hwlib.formulas.symbolic import prove
from tools.equations.extract import read_book
from tools.equations.fingerprint import STORED, Written, fingerprints, read_tables
from tools.equations.tables import contexts

BOOK = Path(__file__).parents[2] / "book"
WRONG = "eq-wrong-"


@dataclass(frozen=True)
class Decision:
    """How one link was decided; ``failure`` if it does not hold."""

    link: Link
    how: str
    failure: Failure | str | None = None


def decide(link: Link) -> Decision:
    """Decide one link: at random points always, and with SymPy if it can."""
    label = link.context.label
    if link.kind == "definition":
        return Decision(link, "definition", find_failure(link))
    if link.kind == "update":
        return Decision(link, "update, compared with the code by a test")
    if link.kind == "approximation":
        return Decision(link, "undecided", f"{link.context.place}: nothing decides {link.text}")
    failure = find_failure(link)
    if label.startswith(WRONG):
        refuted = failure is not None and not failure.refused
        problem = None if refuted else failure or f"{label} holds, but should not"
        return Decision(link, "refuted, as the text says", problem)
    if failure:
        return Decision(link, "does not hold", failure)
    return Decision(link, "proven by SymPy" if prove(link) else "holds at random points")


def read() -> list[Context]:
    """Every statement of the book with the meanings in force there."""
    return list(contexts(read_book(BOOK)))


def decisions(book: Sequence[Context]) -> Iterator[Decision]:
    """Decide every link of the book, in reading order."""
    return (decide(link) for context in book for link in context.links)


def verdicts(found: Sequence[Decision]) -> dict[str, dict[str, Any]]:
    """What the website shows: how the relations of each equation were decided, and of what text."""
    written = [Written(e.chapter, e.label, e.latex) for e in read_book(BOOK)]
    digests = fingerprints(written, read_tables())
    stored: dict[str, dict[str, Any]] = {}
    for decision in found:
        label = decision.link.context.label
        stored.setdefault(label, {"of": digests[label], "how": []})["how"].append(decision.how)
    return stored


def store(found: Sequence[Decision]) -> None:
    """Store the verdicts for the website, which is built without the checker."""
    rows = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in verdicts(found).items()]
    STORED.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def lines(found: Sequence[Decision]) -> Iterator[str]:
    """The report: a line per link, then the failures, then the counts."""
    for decision in found:
        yield f"{decision.link.context.place}: {decision.how}"
    for decision in found:
        if decision.failure:
            yield f"\n{decision.failure}"
    yield ""
    for how, count in Counter(d.how for d in found).most_common():
        yield f"{count:4d} {how}"
