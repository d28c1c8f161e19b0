"""Render math to MathML when the book is built: no script, no other host, readable aloud.

Every current browser draws MathML itself, so a page shows its equations without JavaScript. But
browsers do not break a line inside MathML, or break it anywhere. So a displayed equation is rows of
pieces, each a ``math`` element of its own: a line may end before a relation such as =, and, where a
side is wider than the page, before a + or − that stands outside of brackets.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

RELATIONS = frozenset("=≔≈≠≤≥<>←→∼∝∈")
SIGNS = frozenset("+−±")
_STEP = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_TALL = {"mfrac", "munderover", "munder", "mtable", "msqrt"}
_THIN = "0.1667em"
_CONVERTER = LatexToMathML()


def to_mathml(latex: str, *, display: bool) -> Element:
    """Return ``latex`` as a MathML element, set as TeX sets it on a line or in a display."""
    # A colon and an equals sign are read aloud as two; this is one character.
    latex = latex.replace(":=", r"\coloneqq ")
    converted = _CONVERTER.convert_with_local_state(latex, displaystyle=display)
    math = ElementTree.fromstring(converted.replace("&ApplyFunction;", "\u2061"))
    _polish(math)
    return math


def _polish(math: Element) -> None:
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
            if index + 1 < len(row) and row[index + 1].text not in ("(", ")"):
                row.insert(index + 1, Element("mspace", width=_THIN))
            if index and not _operator(row[index - 1]):
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


def _split(children: Sequence[Element], signs: frozenset[str]) -> list[list[Element]]:
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


def _piece(children: Sequence[Element]) -> str:
    math = Element("math", displaystyle="true")
    math.extend(children)
    return ElementTree.tostring(math, encoding="unicode", short_empty_elements=False)


def _side(cell: Element) -> str:
    parts = ["<wbr>".join(map(_piece, _split(part, SIGNS))) for part in _split(cell[:], RELATIONS)]
    joined = "<wbr>".join(f'<span class="part">{part}</span>' for part in parts)
    return f'<span class="side">{joined}</span>'


def formula(math: Element) -> str:
    """Return the HTML of a displayed equation, which scrolls by itself where it does not fit."""
    aligned = len(math) == 1 and math[0].tag == "mtable"
    rows = ["".join(map(_side, row)) for row in (math[0] if aligned else [[math]])]
    lines = "".join(f'<div class="row-of-equation">{row}</div>' for row in rows)
    return f'<div class="formula" tabindex="0" role="group" aria-label="Equation">{lines}</div>'


def _convert(node: nodes.Element, *, display: bool) -> Element:
    try:
        math = to_mathml(node.astext(), display=display)
    except LatexError as error:
        logger.warning("math cannot be rendered: %s: %s", error, node.astext(), location=node)
        return Element("math")
    if legend := node.get("legend"):
        legend.mark(math, node.get("label", ""))
    return math


def visit_inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(ElementTree.tostring(_convert(node, display=False), encoding="unicode"))
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math display-math"))
    translator.body.append(formula(_convert(node, display=True)))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(node.get("verdict", "") + "</div>")
    raise nodes.SkipNode
