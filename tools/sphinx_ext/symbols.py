"""What each letter of a formula stands for, from the table that the checker of equations reads.

A letter means what the chapter, or the equation, says. Each letter of a page gets the number of
its text, and the page holds each text once; `hints.js` shows it. Without a script nothing changes.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from docutils import nodes
from sphinx.application import Sphinx

from tools.equations.fingerprint import Written, defined, meaning, read_tables, visible
from tools.sphinx_ext.verdicts import CHAPTER, written

_NAMES = "alpha beta gamma delta epsilon zeta eta theta lambda mu rho sigma tau phi phi pi ell"
_GREEK: dict[str, str] = dict(zip("αβγδϵζηθλμρστφϕπℓ", _NAMES.split(), strict=True))
_ACCENTS = {"ˆ": "hat", "^": "hat", "¯": "bar", "˜": "tilde"}
_WRITTEN = re.compile(r"(?P<base>.+?)(?:_(?P<subscript>\{.*\}|\w))?(?P<call>\(.*\))?")
# What the checker knows of the range, as a reader says it.
_RANGES = {
    "real": "any real number",
    "positive": "positive",
    "unit": "from 0 to 1",
    "small": "from −1 to 1",
    "integer": "a whole number",
}


class Key(NamedTuple):
    """A name as the checker spells it, with its number of indices; -1 for a function."""

    name: str
    indices: int = 0


def key_of(latex: str) -> Key:
    r"""Return the key of a symbol that the table or the left of := writes, ``p_c``, ``T(h)``."""
    found = _WRITTEN.fullmatch(latex.strip())
    assert found is not None, latex
    base, subscript = found["base"], (found["subscript"] or "").strip("{}")
    if found["call"]:
        return Key(base, -1)
    if subscript.isdigit():
        return Key(f"{base}_{subscript}")
    return Key(base, subscript.count(",") + 1 if subscript else 0)


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


class Meanings:
    """The table, and where the text defines what."""

    def __init__(self, equations: Iterable[Written]) -> None:
        self.tables = read_tables()
        self.rows = {
            name: {key_of(k): v for k, v in rows.items() if k != "uses"}
            for name, rows in self.tables.items()
        }
        self.labels: dict[tuple[str, Key], str] = {}
        for chapter, left, label in defined(equations):
            self.labels[chapter, key_of(left)] = label

    def find(
        self, key: Key, chapter: str, label: str = "", *, single: bool = False
    ) -> Meaning | None:
        """Return what a symbol means there, or None where no table has words for it."""
        nearest = [label, *(["one-example"] if single else [])]
        for name in (*nearest, *reversed(visible(chapter, self.tables)), "book"):
            row = self.rows.get(name, {}).get(key, "")
            if words := row.partition(";")[2].strip():
                return Meaning(words, range_of(row), self.labels.get((name, key), ""))
        return None


def _plain(element: Element) -> str:
    return "".join(element.itertext()).strip()


def _name(element: Element) -> str:
    """Return the checker's name of a letter, with its accent; nothing for what is no symbol."""
    text = _plain(element)
    if element.tag == "mi":
        if text in _GREEK or len(text) > 1:
            return f"\\{_GREEK.get(text, text)}"
        return text if text.isascii() else ""
    if element.tag == "mover" and element[1].text in _ACCENTS and _name(element[0]):
        return f"\\{_ACCENTS[element[1].text]}{{{_name(element[0])}}}"
    return ""


def _label(script: Element) -> str:
    """Return a superscript that belongs to the name, as in h* and w^(2)."""
    text = _plain(script).replace("∗", "*")
    return f"^{{{text}}}" if text == "*" or re.fullmatch(r"\(\d\)", text) else ""


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


class Legend:
    """The texts of one page, each with its number."""

    def __init__(self, meanings: Meanings, chapter: str) -> None:
        self.meanings, self.chapter = meanings, chapter
        self.texts: dict[Meaning, int] = {}

    def mark(self, math: Element, label: str = "") -> list[list[Key]]:
        """Give each symbol of a formula the number of its text; return the keys without one."""
        found = list(_symbols(math, _differentials(math)))
        find = partial(self.meanings.find, chapter=self.chapter, label=label)
        plain = {key for _, keys in found for key in keys} - set(self.meanings.rows["one-example"])
        single = not any("×" in meant.range for key in plain if (meant := find(key)))
        unknown = []
        for element, candidates in found:
            told = (find(key, single=single) for key in candidates)
            if meaning := next(filter(None, told), None):
                element.set("data-s", str(self.texts.setdefault(meaning, len(self.texts))))
            else:
                unknown.append(candidates)
        return unknown


@cache
def _meanings(app: Sphinx) -> Meanings:
    return Meanings(written(app.env))  # once all pages are read


@cache
def _legend(app: Sphinx, docname: str) -> Legend | None:
    chapter = Path(docname).name
    return Legend(_meanings(app), chapter) if CHAPTER.match(chapter) else None


def prepare(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        node["legend"] = _legend(app, docname)


def _place(app: Sphinx, docname: str, label: str) -> list[str]:
    """Return the address and the number of an equation."""
    equation = app.env.get_domain("math").equations.get(label)
    if equation is None:
        return []
    home, anchor = equation[0], f"equation-{label}"
    numbers = app.env.toc_fignumbers.get(home, {}).get("displaymath", {}).get(anchor, ())
    address = app.builder.get_relative_uri(docname, home) if home != docname else ""
    return [f"{address}#{anchor}", ".".join(map(str, numbers))]


def texts(app: Sphinx, docname: str) -> str:
    """Return what a page holds for its letters, in the order of their numbers."""
    legend = _legend(app, docname)
    if legend is None or not legend.texts:
        return ""
    rows = [[m.words, m.range, *_place(app, docname, m.label)] for m in legend.texts]
    data = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="symbols">{data}</script>'
