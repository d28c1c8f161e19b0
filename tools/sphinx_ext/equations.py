"""Displayed equations as HTML: rows of pieces, so that a narrow page breaks them where one would.

Browsers do not break a line inside MathML, or break it anywhere. So each piece that belongs
together is a ``math`` element of its own: a line may end before a relation such as =, and, where a
side is wider than the page, before a + or − that stands outside of brackets.
"""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

RELATIONS = frozenset("=≔≈≠≤≥<>←→∼∝∈")
SIGNS = frozenset("+−±")
_STEP = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


_TALL = {"mfrac", "munderover", "munder", "mtable", "msqrt"}


_THIN = "0.1667em"


def polish(math: Element) -> None:
    """Set what the converter leaves to the browsers, and they do not do alike.

    Brackets that may stretch, around something low, have air inside in one browser and behind in
    the other. A prime is raised by its own shape: as an exponent it would be raised, and made
    smaller, twice.
    """
    for element in list(math.iter()):
        if element.tag == "mrow" and len(element) > 2:
            ends = element[0], element[-1]
            if [e.text for e in ends] == ["(", ")"] and not _TALL & {e.tag for e in element.iter()}:
                for bracket in ends:
                    bracket.set("stretchy", "false")
        if element.tag == "msup" and element[1].text in ("′", "″"):
            element.tag = "mrow"
            element[1].attrib.update(form="postfix", lspace="0", rspace="0")
        _space_sums(element)


def _space_sums(row: Element) -> None:
    """Put spaces of their own around sums: Firefox measures the sums' own ones wrongly."""
    for index, child in reversed(list(enumerate(row))):
        if child.tag in ("munderover", "munder") and child[0].text in ("∑", "∏"):
            child[0].attrib.update(lspace="0", rspace="0")
            behind = row[index + 1] if index + 1 < len(row) else None
            if behind is not None and behind.text not in ("(", ")"):
                row.insert(index + 1, Element("mspace", width=_THIN))
            before = row[index - 1] if index else None
            if before is not None and (before.tag != "mo" or before.get("rspace") == "0"):
                row.insert(index, Element("mspace", width=_THIN))


def _operator(element: Element) -> str:
    """Return the sign of an operator between two things, or nothing."""
    between = element.tag == "mo" and element.get("rspace") != "0"
    return (element.text or "") if between else ""


def _depth(elements: Iterable[Element]) -> int:
    """Return how many brackets are open behind ``elements``."""
    signs = [e for element in elements for e in element.iter("mo")]
    bars = sum(e.text in ("|", "‖") for e in signs) % 2
    return bars + sum(_STEP.get(e.text or "", 0) for e in signs)


def split(children: Sequence[Element], signs: frozenset[str]) -> list[list[Element]]:
    """Cut a row before each of ``signs`` that stands between two things, outside of brackets.

    A wide space ends a piece too: behind it stands a condition.
    """
    pieces: list[list[Element]] = [[]]
    for index, child in enumerate(children):
        begins = _operator(child) in signs and index > 0 and _depth(children[:index]) == 0
        if begins and pieces[-1]:
            child.set("form", "infix")  # the first in a row would be taken for a prefix
            pieces.append([])
        pieces[-1].append(child)
        if child.tag == "mspace" and child.get("width") in ("1em", "2em"):
            pieces.append([])
    return [piece for piece in pieces if piece]


def _math(parent: Element, children: Sequence[Element]) -> None:
    SubElement(parent, "math", displaystyle="true").extend(children)


def _side(parent: Element, children: Sequence[Element]) -> None:
    """Add the parts of one side of a row."""
    for place, relation in enumerate(split(children, RELATIONS)):
        if place:
            SubElement(parent, "wbr")
        part = SubElement(parent, "span", {"class": "part"})
        for number, piece in enumerate(split(relation, SIGNS)):
            if number:
                SubElement(part, "wbr")
            _math(part, piece)


def rows(math: Element) -> list[list[list[Element]]]:
    """Return the cells of each row; an equation that is not aligned is one row of one cell."""
    if len(math) == 1 and math[0].tag == "mtable":
        return [[list(cell) for cell in row] for row in math[0]]
    return [[list(math)]]


def formula(math: Element) -> str:
    """Return the HTML of a displayed equation, which scrolls by itself where it does not fit."""
    box = Element("div", {"class": "formula", "tabindex": "0", "role": "group"})
    box.set("aria-label", "Equation")
    for cells in rows(math):
        line = SubElement(box, "div", {"class": "row-of-equation"})
        for cell in cells:
            _side(SubElement(line, "span", {"class": "side"}), cell)
    return ElementTree.tostring(box, encoding="unicode", short_empty_elements=False).replace(
        "</wbr>", ""
    )
