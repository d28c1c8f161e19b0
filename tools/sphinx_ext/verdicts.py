"""How each displayed equation was decided: the same tick as a claim's, and a card that it opens.

The checker takes minutes and packages that the website does not need, so `make equations` stores
its verdicts. One is shown only of the very text that it was passed on: an equation that has
changed since, or whose symbols have, gets a question mark.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from tools.equations.fingerprint import STORED, Written, fingerprints, named_in, read_tables

CHAPTER = re.compile(r"\d\d_")
# What the checker says, and what it means to a reader.
HOW = {
    "proven by SymPy": ("Proven", "by SymPy, and equal at random points with 80 digits"),
    "holds at random points": ("Holds", "at random points, evaluated with 80 digits"),
    "definition": ("Definition", "has a value; the checks of other equations use it"),
    "update, compared with the code by a test": ("Update", "a test compares it with the code"),
    "refuted, as the text says": ("Refuted", "as the text says: the two sides differ"),
}
_DECIDED = set(HOW) - {"definition"}
_CHANGED = ("Changed", "since it was last decided; <code>make equations</code> decides it")


def _mark(how: Sequence[str]) -> tuple[str, str]:
    """Return the mark and the class of its colour."""
    if not how:
        return "?", "claim-measured"
    if "refuted, as the text says" in how:
        return "✗", "claim-refuted"
    return "✓", "claim-holds" if _DECIDED & set(how) else "claim-measured"


def card(how: Sequence[str], code: str = "") -> str:
    """Return the tick of an equation whose relations were decided as ``how`` says, in HTML.

    ``code`` is HTML: the functions that a test compares with the equation.
    """
    mark, kind = _mark(how)
    counted = Counter(how)
    rows = [HOW[one] for one in counted] or [_CHANGED]
    if len(counted) > 1:
        shares = [f"{n} of {len(how)} relations: " for n in counted.values()]
        rows = [(name, share + text) for share, (name, text) in zip(shares, rows, strict=True)]
    if code:
        rows.append(("In code", f"{code}; a test compares them"))
    said = " and ".join(name.lower() for name, _ in rows[: len(counted) or 1])
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows)
    return (
        f'<details class="claim {kind}" name="claim"><summary><span class="claim-mark">{mark}'
        f'</span><span class="visually-hidden"> How it was decided: {said}</span></summary>'
        f'<dl class="claim-card">{items}</dl></details>'
    )


@cache
def written(env: BuildEnvironment) -> list[Written]:
    """Return the displayed equations of all chapters as the pages show them, in reading order."""
    return [
        Written(Path(docname).name, block.get("label") or "", block.astext())
        for docname in sorted(env.found_docs)
        if CHAPTER.match(Path(docname).name)
        for block in env.get_doctree(docname).findall(nodes.math_block)
    ]


def fresh(
    equations: Iterable[Written], stored: Mapping[str, Mapping[str, Any]]
) -> dict[str, Sequence[str]]:
    """Return how each equation was decided; empty where that was another text."""
    digests = fingerprints(equations, read_tables())
    verdicts = {label: stored.get(label, {}) for label in digests}
    return {
        label: verdict["how"] if verdict.get("of") == digests[label] else ()
        for label, verdict in verdicts.items()
    }


@cache
def _known(app: Sphinx) -> tuple[dict[str, Sequence[str]], dict[str, list[str]]]:
    """Return the verdicts and the named functions, once all pages are read."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    return fresh(written(app.env), stored), named_in(Path(app.srcdir) / "hwlib")


def _link(app: Sphinx, docname: str, name: str) -> str:
    """Return a function's name, as a link to the reference if it stands there."""
    entry = app.env.get_domain("py").objects.get(f"hwlib.{name}")  # type: ignore[attr-defined]
    code = f"<code>{html.escape(name.partition('.')[2])}</code>"
    if entry is None:
        return code
    address = app.builder.get_relative_uri(docname, entry.docname)
    return f'<a href="{address}#{entry.node_id}">{code}</a>'


def _mark_equations(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    verdicts, functions = _known(app)
    for block in doctree.findall(nodes.math_block):
        label = block.get("label")
        if (how := verdicts.get(label)) is not None:
            names = functions.get(label, [])
            block["verdict"] = card(how, ", ".join(_link(app, docname, n) for n in names))


def register(app: Sphinx) -> None:
    """Mark the equations of a page when it is written."""
    app.connect("doctree-resolved", _mark_equations)
