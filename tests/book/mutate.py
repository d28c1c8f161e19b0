"""Plant errors in the displayed LaTeX: one sign, factor, index, transpose, exponent... at a time.

The errors are made from the tree of each statement, by editing the text at the span of a node, so
they go the whole way again: through the grammar, the notation and the evaluation.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hwlib.formulas.judge import Context
from hwlib.formulas.notation import Index, literal
from hwlib.formulas.tree import Node

SWAPS = {
    r"\log": r"\exp",
    r"\exp": r"\log",
    r"\max": r"\min",
    r"\min": r"\max",
    r"\cos": r"\sin",
    r"\sigma": r"\zeta",
    r"\zeta": r"\sigma",
    r"\sum": r"\prod",
    r"\prod": r"\sum",
    r"\ge": r"\le",
    r"\le": r"\ge",
    "y": r"\hat{y}",
    r"\hat{y}": "y",
}
SINGLE = ("sum", "product", "hadamard")

Edit = tuple[str, int, int, str]  # what was done, from, to, new text


@dataclass(frozen=True)
class Mutant:
    """A statement with one planted error."""

    context: Context
    what: str
    text: str


def mutants(context: Context) -> list[Mutant]:
    """All planted errors of one statement, each text once."""
    statement = context.statement
    defined = statement.relations[0] in (":=", r"\leftarrow")
    found: dict[str, Mutant] = {}
    for side in statement.sides[1 if defined else 0 :]:
        for what, start, end, new in _edits(statement.text, side, context):
            text = statement.text[:start] + new + statement.text[end:]
            if re.sub(r"\s", "", text) != re.sub(r"\s", "", statement.text):
                found.setdefault(text, Mutant(context, what, text))
    for match in re.finditer(r"\\[gl]e(?![A-Za-z])", statement.text.split(r"\quad")[0]):
        text = statement.text[: match.start()] + SWAPS[match[0]] + statement.text[match.end() :]
        found[text] = Mutant(context, "relation turned", text)
    return list(found.values())


def _edits(text: str, side: Node, context: Context) -> Iterator[Edit]:
    if side.op != "sum":
        yield ("sign put before a side", side.span[0], side.span[0], "-")
    for node in side.walk():
        for rule in RULES:
            yield from rule(text, node, context)


def _signs(text: str, node: Node, _context: Context) -> Iterator[Edit]:
    """Flip each sign of a sum, and put one before arguments and exponents that have none."""
    if node.op == "sum":
        position = node.span[0]
        for number, (sign, term) in enumerate(zip(node.name, node.args, strict=True)):
            at = text.find(sign, position, term.span[0])
            if at >= 0:
                flipped = "" if number == 0 else "-+"[sign == "-"]
                yield "sign flipped", at, at + 1, flipped
            else:
                yield "sign flipped", term.span[0], term.span[0], "-"
            position = term.span[1]
    arguments = node.args[1:] if node.op == "power" else node.args
    if node.op in ("call", "builtin", "exponential", "power"):
        for argument in arguments:
            if argument.op != "sum" and text[argument.span[0] - 1] in "({":
                yield "sign put before an argument", argument.span[0], argument.span[0], "-"


def _terms_and_factors(text: str, node: Node, _context: Context) -> Iterator[Edit]:
    """Drop each term of a sum and each factor of a product."""
    if node.op == "sum" and len(node.args) > 1:
        for number, term in enumerate(node.args):
            if number:
                yield "term dropped", node.args[number - 1].span[1], term.span[1], ""
            else:
                plus = text.find(node.name[1], term.span[1])
                end = plus + 1 if node.name[1] == "+" else node.args[1].span[0] - 2
                yield "term dropped", node.span[0], end, ""
    if node.op in ("product", "hadamard"):
        for number, factor in enumerate(node.args):
            last = number == len(node.args) - 1
            start = node.args[number - 1].span[1] if last else factor.span[0]
            end = factor.span[1] if last else node.args[number + 1].span[0]
            yield "factor dropped", start, end, " "
    if node.op in ("power", "root", "absolute"):
        inner = text[slice(*node.args[0].span)]
        yield f"{node.op} dropped", *node.span, inner if node.op == "power" else f"({inner})"


def _fractions(text: str, node: Node, _context: Context) -> Iterator[Edit]:
    if node.op == "fraction":
        above, below = (text[slice(*a.span)] for a in node.args)
        yield "fraction turned over", *node.span, rf"\frac{{{below}}}{{{above}}}"
        yield "denominator dropped", *node.span, f"({above})"


def _numbers(_text: str, node: Node, _context: Context) -> Iterator[Edit]:
    if node.op == "number":
        yield "number changed", *node.span, str(int(float(node.name)) + 1)


def _matrices(text: str, node: Node, context: Context) -> Iterator[Edit]:
    """Drop and add transposes, and exchange the two kinds of product."""
    if node.op == "transpose":
        yield "transpose dropped", *node.span, text[slice(*node.args[0].span)]
    if node.op == "symbol":
        name = literal(node)
        followed = text[node.span[1] : node.span[1] + 1]
        if name and context.scope.is_array(name) and followed != "^" and not _single(name, context):
            yield "transpose added", node.span[1], node.span[1], r"^{\top}"
    if node.op == "hadamard":
        for first, second in zip(node.args, node.args[1:], strict=False):
            yield "entrywise product made a matrix product", first.span[1], second.span[0], " "
    if node.op == "product":
        for first, second in zip(node.args, node.args[1:], strict=False):
            if context.scope.has_array(first) and context.scope.has_array(second):
                yield "matrix product made entrywise", first.span[1], second.span[0], r" \odot "


def _single(name: str, context: Context) -> bool:
    return any(key.name == name for key in context.scope.one_example)


def _indices(text: str, node: Node, context: Context) -> Iterator[Edit]:
    """Change each index, and exchange the two of a pair."""
    if node.op != "symbol" or not node.args:
        return
    if number := literal(node):
        other = "2" if number.endswith("1") else "1"
        yield "index changed", *node.args[0].span, other
        return
    letters = [n.name for side in context.statement.sides for n in side.walk() if n.op == "symbol"]
    used = [n for n in dict.fromkeys(letters) if _is_index(n, context)] + ["b", "d", "k"]
    for arg in node.args:
        others = [n for n in used if n != arg.name]
        yield "index changed", *arg.span, others[0]
    if len(node.args) == 2:
        first, second = node.args
        between = text[first.span[1] : second.span[0]]
        swapped = text[slice(*second.span)] + between + text[slice(*first.span)]
        yield "indices exchanged", first.span[0], second.span[1], swapped


def _is_index(name: str, context: Context) -> bool:
    return context.scope.knows(name) and isinstance(context.scope.find(name)[1], Index)


def _names(text: str, node: Node, _context: Context) -> Iterator[Edit]:
    """Exchange y and ŷ, functions for their neighbours, and values for slopes."""
    start = node.span[0]
    if node.op in ("symbol", "call", "builtin", "big"):
        name = node.name.split(" ")[0].rstrip("'")
        if name in SWAPS and text.startswith(name, start):
            yield f"{name} made {SWAPS[name]}", start, start + len(name), SWAPS[name]
        if node.op == "call":
            end = start + len(name)
            primed = node.name.endswith("'")
            yield (
                ("value for slope" if primed else "slope for value"),
                end,
                end + primed,
                "'"[primed:],
            )


RULES: tuple[Callable[[str, Node, Context], Iterator[Edit]], ...] = (
    _signs,
    _terms_and_factors,
    _fractions,
    _numbers,
    _matrices,
    _indices,
    _names,
)
