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
from tools.sphinx_ext.cells import tick

CHAPTER = re.compile(r"\d\d_")
# What the checker says, and what it means to a reader.
HOW = {
    "proven by SymPy": ("Proven", "by SymPy, and equal at random points with 80 digits"),
    "holds at random points": ("Holds", "at random points, evaluated with 80 digits"),
    "definition": ("Definition", "has a value; the checks of other equations use it"),
    "update, compared with the code by a test": ("Update", "a test compares it with the code"),
    "refuted, as the text says": ("Refuted", "as the text says: the two sides differ"),
}
_CHANGED = {"Changed": "since it was last decided; <code>make equations</code> decides it"}


def card(how: Sequence[str], code: str = "") -> str:
    """Return the tick of an equation whose relations were decided as ``how`` says, in HTML.

    ``code`` is HTML: the functions that a test compares with the equation.
    """
    mark = "✓" if how else "?"
    kind = "holds" if set(how) - {"definition"} else "measured"
    if "refuted, as the text says" in how:
        mark, kind = "✗", "refuted"
    rows = {} if how else dict(_CHANGED)
    counted = Counter(how)
    for one, count in counted.items():
        name, text = HOW[one]
        share = f"{count} of {len(how)} relations: " if len(counted) > 1 else ""
        rows[name] = share + text
    said = " and ".join(rows).lower()
    words = f'<span class="visually-hidden"> How it was decided: {said}</span>'
    if code:
        rows["In code"] = f"{code}; a test compares them"
    return tick(mark, kind, words, rows)


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
    return {
        label: stored[label]["how"] if stored.get(label, {}).get("of") == digest else ()
        for label, digest in digests.items()
    }


@cache
def _known(app: Sphinx) -> tuple[dict[str, Sequence[str]], dict[str, list[str]]]:
    """Return the verdicts and the named functions, once all pages are read."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    return fresh(written(app.env), stored), named_in(Path(app.srcdir) / "hwlib")


def _link(app: Sphinx, docname: str, name: str) -> str:
    """Return a function's name, as a link to the reference if it stands there."""
    entry = app.env.get_domain("py").objects.get(f"hwlib.{name}")
    code = f"<code>{html.escape(name.partition('.')[2])}</code>"
    if entry is None:
        return code
    address = app.builder.get_relative_uri(docname, entry.docname)
    return f'<a href="{address}#{entry.node_id}">{code}</a>'


def mark_equations(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    verdicts, functions = _known(app)
    for block in doctree.findall(nodes.math_block):
        label = block.get("label")
        if (how := verdicts.get(label)) is not None:
            names = functions.get(label, [])
            block["verdict"] = card(how, ", ".join(_link(app, docname, n) for n in names))
