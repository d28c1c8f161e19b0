"""Decide whether the relations of a statement hold, at random points with 80 digits."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hwlib.formulas.algebra import Numeric, OutOfDomainError
from hwlib.formulas.arrays import Value, shape
from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.notation import Index, Key, Scope, definition
from hwlib.formulas.tree import Node, NotationError, Statement

POINTS = {":=": 1, "=": 10}  # a wrong equality hardly survives at a single point
POINTS_OF_ORDER = 100  # for an inequality, which a wrong one may well survive at many
ATTEMPTS = 400
NUMERIC = Numeric()
STRICT = Numeric(600)  # so that a rounding error is never taken for a false formula

STRICTLY = ("<", ">", r"\ne")
KINDS = {":=": "definition", r"\leftarrow": "update", r"\approx": "approximation"}


@dataclass(frozen=True)
class Context:
    """One statement with the meanings in force at its place, and a label if it has one."""

    statement: Statement
    scope: Scope
    label: str = ""
    place: str = ""

    @property
    def links(self) -> list["Link"]:
        """The relations of the statement, each with its two sides."""
        pairs = pairwise(self.statement.sides)
        relations = self.statement.relations
        return [Link(self, r, pair) for r, pair in zip(relations, pairs, strict=True)]

    @property
    def single(self) -> bool:
        """Does the statement speak of a single example: is no array in sight."""
        return not any(self.scope.has_array(side) for side in self.statement.sides)


@dataclass(frozen=True)
class Link:
    """One relation, ``=``, ``\\ge``, ``:=``..., between neighbouring sides."""

    context: Context
    relation: str
    sides: tuple[Node, Node]

    @property
    def kind(self) -> str:
        """definition, update, approximation or assertion."""
        return KINDS.get(self.relation, "assertion")

    @property
    def text(self) -> str:
        """The link as LaTeX."""
        left, right = (self.context.statement.text[slice(*side.span)] for side in self.sides)
        return f"{left.strip()} {self.relation} {right.strip()}"


@dataclass(frozen=True)
class Failure:
    """Why a link does not hold, with both sides at a point where they differ."""

    link: Link
    reason: str
    refused: bool = False  # it could not be evaluated at all

    def __str__(self) -> str:
        return f"{self.link.context.place}: {self.link.text}\n{self.reason}"


def _condition_holds(evaluator: Evaluator, test: Node) -> bool:
    """Is a condition true for all values of the indices in it."""
    sizes: dict[str, int] = {}
    for node in test.walk():
        meaning = evaluator.scope.meanings.get(Key(node.name, len(node.args)))
        if node.op == "symbol" and isinstance(meaning, Index):
            sizes[node.name] = int(evaluator.named(meaning.size))
    for values in np.ndindex(*sizes.values()):
        numbers = [evaluator.algebra.number(str(v + 1)) for v in values]
        if not evaluator.holds(test, dict(zip(sizes, numbers, strict=True))):
            return False
    return True


def find_failure(link: Link, count: int = 0) -> Failure | None:
    """Try to refute a link: None if it holds at ``count`` random points, to half the digits.

    A definition asserts nothing, but its right side must have a value.
    """
    count = count or POINTS.get(link.relation, POINTS_OF_ORDER)
    context, single = link.context, link.context.single
    tried = 0
    try:
        for number in range(ATTEMPTS):
            at, exact = (Evaluator(context.scope, a, number, single) for a in (NUMERIC, STRICT))
            if not all(_condition_holds(at, c) for c in context.statement.conditions):
                continue
            try:
                reason = _difference(at, link) and _difference(exact, link)
            except OutOfDomainError:
                continue
            if reason:
                return Failure(link, reason)
            tried += 1
            if tried == count:
                return None
    except (NotationError, ArithmeticError) as error:
        return Failure(link, f"cannot be evaluated: {error}", refused=True)
    found = (
        f"defined at {tried} of {ATTEMPTS} points only."
        if tried
        else "has no value at any point tried."
    )
    return Failure(link, found, refused=True)


def _difference(evaluator: Evaluator, link: Link) -> str:
    """Why a link is false at a point, or nothing."""
    relation = link.relation
    if relation == ":=" and (defined := definition(link.context.statement)):
        bound = {name: evaluator.named(name) for name in defined[1].parameters}
        evaluator.value(link.sides[1], bound)
        return ""
    a, b = (evaluator.value(side) for side in link.sides)
    if shape(a) != shape(b):
        return f"shapes differ: left {shape(a)}, right {shape(b)}."
    for index in np.ndindex(shape(a)):
        one, other = (np.asarray(v, dtype=object)[index] for v in (a, b))
        if relation in STRICTLY and evaluator.algebra.holds("=", one, other):
            raise OutOfDomainError("too close to each other to tell which is larger")
        if not evaluator.algebra.holds(relation, one, other):
            where = f" in entry {tuple(i + 1 for i in index)}" if index else ""
            return (
                f"left  = {short(one)}{where}\nright = {short(other)}{where}\n"
                f"at {_where(evaluator)}"
            )
    return ""


def short(value: Value, digits: int = 12) -> str:
    """A number, or an array of them, with so many digits."""
    if shape(value):
        return f"[{', '.join(short(part, digits) for part in value)}]"
    return str(NUMERIC.context.nstr(value, digits))


def _where(evaluator: Evaluator) -> str:
    """The free values of the point, as far as they are numbers."""
    known = evaluator.drawn | evaluator.known
    values = []
    for key, value in known.items():
        below = f"_{{{','.join(map(str, key.entry))}}}" if key.entry else ""
        if not shape(value):
            values.append(f"{key.name}{below} = {short(value)}")
    return f"point {evaluator.point}: " + ", ".join(values[:12])
