"""Decide every link of the book, and say how."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.equations.check import (
    WRONG,
    Context,
    Failure,
    Link,
    check_definition,
    contexts,
    find_failure,
    links,
    read_book,
)
from tools.equations.functions import ADAPTERS, disagreement
from tools.equations.notation import Tables
from tools.equations.symbolic import prove

BOOK = Path(__file__).parents[2] / "book"

# The links that assert something and that no machine decides, each with its reason. A test keeps
# this list from growing, and from holding an entry that is no longer needed.
UNDECIDED: dict[str, str] = {}


@dataclass(frozen=True)
class Decision:
    """How one link was decided; ``failure`` if it does not hold."""

    link: Link
    how: str
    failure: Failure | str | None = None


def decide(link: Link) -> Decision:
    """Decide one link: with SymPy if it can, always at random points too."""
    label = link.context.equation.label
    if link.kind == "definition":
        return Decision(link, "definition", check_definition(link))
    if link.kind == "assertion":
        failure = find_failure(link)
        if label.startswith(WRONG):
            how = "refuted, as the text says"
            return Decision(link, how, None if failure else f"{label} holds, but should not")
        if failure:
            return Decision(link, "does not hold", failure)
        return Decision(link, "proven by SymPy" if prove(link) else "equal at random points")
    if label in ADAPTERS:
        return Decision(link, "compared with the code")
    if label in UNDECIDED:
        return Decision(link, f"undecided: {UNDECIDED[label]}")
    return Decision(link, "undecided", f"nothing decides this {link.kind}")


def read(book: Path = BOOK) -> list[Context]:
    """Every statement of the book with the meanings in force there."""
    return list(contexts(read_book(book), Tables()))


def decisions(book: Sequence[Context]) -> Iterator[Decision]:
    """Decide every link of the book, in reading order."""
    for context in book:
        for link in links(context):
            yield decide(link)


def disagreements(book: Sequence[Context]) -> dict[str, str]:
    """Equation label to where it differs from the code that implements it; empty if nowhere."""
    statements: dict[str, list[Context]] = {}
    for context in book:
        statements.setdefault(context.equation.label, []).append(context)
    found = {label: disagreement(label, statements) for label in ADAPTERS}
    return {label: text for label, text in found.items() if text}


def lines(found: Sequence[Decision]) -> Iterator[str]:
    """The report: a line per link, then the failures, then the counts."""
    for decision in found:
        yield f"{decision.link.context.equation.place}: {decision.how}"
    for decision in found:
        if decision.failure:
            yield f"\n{decision.failure}"
    yield ""
    for how, count in Counter(d.how.split(":")[0] for d in found).most_common():
        yield f"{count:4d} {how}"
