"""What each letter of a formula stands for, from the table that the checker of equations reads.

A letter means what the chapter, or the equation, says. Each letter of a page gets the number of
its text, and the page holds each text once; `hints.js` shows it. Without a script nothing changes.
"""

import json
import re
from collections import ChainMap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

from docutils import nodes
from sphinx.application import Sphinx

from tools.equations.fingerprint import Written, defined, meaning, read_tables, visible
from tools.sphinx_ext.mathml import to_mathml
from tools.sphinx_ext.verdicts import CHAPTER, written

# What the checker knows of the range, as a reader says it.
_RANGES = {
    "real": "any real number",
    "positive": "positive",
    "unit": "from 0 to 1",
    "small": "from −1 to 1",
    "integer": "a whole number",
}


class Key(NamedTuple):
    """A name as MathML shows it, with its number of indices; -1 for a function."""

    name: str
    indices: int = 0


def range_of(row: str) -> str:
    """Return a row's range or shape in words."""
    kind, _, shape = meaning(row).partition("[")
    if shape:
        return shape.rstrip("]").replace(",", " × ")
    if kind.startswith("index "):
        return kind.replace("index", "from 1 to")
    return _RANGES.get(kind, "")


class Meaning(NamedTuple):
    """What a page says of a symbol, and the label of the equation that defines it."""

    words: str
    range: str
    label: str


Meanings: TypeAlias = dict[str, dict[Key, Meaning]]


def _plain(element: Element) -> str:
    return "".join(element.itertext()).strip()


def _name(element: Element) -> str:
    """Return the name of a letter, with its accent; nothing for what is no symbol."""
    if element.tag == "mi" and _plain(element).isalpha():
        return _plain(element)
    accented = element.tag == "mover" and _name(element[0])
    return _plain(element) if accented else ""


def _label(script: Element) -> str:
    """Return a superscript that belongs to the name, as in h* and w^(2)."""
    text = _plain(script)
    return text if re.fullmatch(r"[*∗]|\(\d\)", text) else ""


def keys(element: Element) -> list[Key]:
    """Return what an element may be the symbol of, the whole before its parts' base."""
    if element.tag not in ("msub", "msup", "msubsup"):
        return [Key(name)] if (name := _name(element)) else []
    name = _name(element[0])
    label = _label(element[-1]) if element.tag != "msub" else ""
    if element.tag == "msup":
        return [Key(name + label)] if name and label else []
    subscript = _plain(element[1])
    whole = [Key(f"{name}_{subscript}")] if subscript.isdigit() else []
    return [*whole, Key(name + label, subscript.count(",") + 1)] if name else []


def _differentials(math: Element) -> set[int]:
    """Return the letters d that belong to a derivative."""
    found: set[int] = set()
    for fraction in math.iter("mfrac"):
        leaves = [[e for e in part.iter() if e.text] for part in fraction]
        if all(part and part[0].text == "d" for part in leaves) and len(leaves[1]) > 1:
            found |= {id(part[0]) for part in leaves}
    return found


def _symbols(
    row: Element | list[Element], skipped: set[int]
) -> Iterator[tuple[Element, list[Key]]]:
    """Yield each element that is a symbol, with the keys to look for; a function's comes first."""
    for index, child in enumerate(row):
        found = keys(child) if id(child) not in skipped else []
        behind = "".join(_plain(e) for e in row[index + 1 : index + 3]).lstrip("′")
        if found and found[0].indices == 0:
            call = Key(found[0].name, -1)
            found = [call, *found] if behind.startswith("(") else [*found, call]
        if found:
            yield child, found
        # The base is explained as a part of the whole.
        yield from _symbols(child[1:] if found else child, skipped)


def key_of(latex: str) -> Key:
    r"""Return the key of a symbol that the table or the left of := writes, ``p_c``, ``T(h)``."""
    return next(_symbols(to_mathml(latex, display=False), set()))[1][0]


def read_meanings(equations: Iterable[Written]) -> Meanings:
    """Return what each table says of its symbols, and where the text defines them."""
    labels = {(chapter, key_of(left)): label for chapter, left, label in defined(equations)}
    found: Meanings = {}
    for name, rows in read_tables().items():
        found[name] = {}
        for symbol, row in rows.items():
            if symbol != "uses" and (words := row.partition(";")[2].strip()):
                key = key_of(symbol)
                found[name][key] = Meaning(words, range_of(row), labels.get((name, key), ""))
    return found


class Legend:
    """The texts of one page, each with its number."""

    def __init__(self, meanings: Meanings, chapter: str) -> None:
        self.meanings = meanings
        self.tables = [*reversed(visible(chapter, read_tables())), "book"]
        self.texts: dict[Meaning, int] = {}

    def _in_force(self, *nearest: str) -> ChainMap[Key, Meaning]:
        return ChainMap(*(self.meanings.get(name, {}) for name in (*nearest, *self.tables)))

    def mark(self, math: Element, label: str = "") -> None:
        """Give each symbol of a formula the number of its text."""
        found = list(_symbols(math, _differentials(math)))
        told = self._in_force(label)
        plain = {key for _, keys in found for key in keys} - set(self.meanings["one-example"])
        if not any("×" in told[key].range for key in plain if key in told):
            told = self._in_force(label, "one-example")
        for element, candidates in found:
            if meant := next(filter(None, map(told.get, candidates)), None):
                element.set("data-s", str(self.texts.setdefault(meant, len(self.texts))))


@cache
def _meanings(app: Sphinx) -> Meanings:
    return read_meanings(written(app.env))  # once all pages are read


@cache
def _legend(app: Sphinx, docname: str) -> Legend | None:
    chapter = Path(docname).name
    return Legend(_meanings(app), chapter) if CHAPTER.match(chapter) else None


def prepare(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        node["legend"] = _legend(app, docname)


def _place(app: Sphinx, docname: str, label: str) -> list[str]:
    """Return the address and the number of an equation."""
    found = app.env.get_domain("math").resolve_xref(
        app.env, docname, app.builder, "eq", label, nodes.Element(), nodes.Element()
    )
    if found is None:
        return []
    return [found.get("refuri") or f"#{found['refid']}", found.astext().strip("()")]


def texts(app: Sphinx, docname: str) -> str:
    """Return what a page holds for its letters, in the order of their numbers."""
    legend = _legend(app, docname)
    if legend is None or not legend.texts:
        return ""
    rows = [[m.words, m.range, *_place(app, docname, m.label)] for m in legend.texts]
    data = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="symbols">{data}</script>'
