"""Decide every asserted link of every display equation of the book."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.equations.algebra import Algebra, Numeric, OutOfDomainError
from tools.equations.arrays import shape
from tools.equations.evaluate import Evaluator, Point
from tools.equations.extract import Equation, chapters, read_chapter
from tools.equations.notation import Index, Scope, Tables, definition
from tools.equations.parse import Node, NotationError, Statement

POINTS = 8  # for an equality, which a wrong one hardly survives at a single point
POINTS_OF_ORDER = 100  # for an inequality, which a wrong one may well survive at many
ATTEMPTS = 400
NUMERIC = Numeric()
WRONG = "eq-wrong-"

KINDS = {":=": "definition", r"\leftarrow": "update", r"\approx": "approximation"}


@dataclass(frozen=True)
class Context:
    """One statement at its place in the book, with the meanings in force there."""

    equation: Equation
    number: int
    scope: Scope

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self.equation.statements[self.number]


@dataclass(frozen=True)
class Link:
    """One relation between neighbouring sides."""

    context: Context
    number: int

    @property
    def relation(self) -> str:
        """``=``, ``\\ge``, ``:=``..."""
        return self.context.statement.relations[self.number]

    @property
    def kind(self) -> str:
        """definition, update, approximation or assertion."""
        return KINDS.get(self.relation, "assertion")

    @property
    def sides(self) -> tuple[Node, Node]:
        """Left and right of the relation."""
        left, right = self.context.statement.sides[self.number : self.number + 2]
        return left, right

    @property
    def text(self) -> str:
        """The link as LaTeX."""
        left, right = (shown(self.context.statement, side) for side in self.sides)
        return f"{left} {self.relation} {right}"


@dataclass(frozen=True)
class Failure:
    """Why a link does not hold, with both sides at a point where they differ."""

    link: Link
    reason: str
    refused: bool = False  # it could not be evaluated at all

    def __str__(self) -> str:
        return f"{self.link.context.equation.place}: {self.link.text}\n{self.reason}"


def shown(statement: Statement, node: Node) -> str:
    """The LaTeX of a node."""
    return statement.text[slice(*node.span)].strip()


def read_book(book: Path) -> list[Equation]:
    """All display equations of all chapters, in reading order."""
    return [equation for path in chapters(book) for equation in read_chapter(path)]


def contexts(equations: list[Equation], tables: Tables) -> Iterator[Context]:
    """Every statement with its scope; a definition is in force from its own statement on."""
    finished: dict[str, Scope] = {}
    for equation in equations:
        if equation.chapter not in finished:
            finished[equation.chapter] = tables.start(equation.chapter, finished)
        scope = finished[equation.chapter]
        for number, statement in enumerate(equation.statements):
            if defined := definition(statement):
                scope = scope.extended(dict([defined]))
            yield Context(equation, number, tables.at(scope, equation))
        finished[equation.chapter] = scope


def links(context: Context) -> list[Link]:
    """The links of one statement."""
    return [Link(context, n) for n in range(len(context.statement.relations))]


def is_single(context: Context) -> bool:
    """Does the statement speak of a single example: is no array in sight."""
    return not any(context.scope.has_array(side) for side in context.statement.sides)


def points(context: Context, algebra: Algebra = NUMERIC, draws: str = "0") -> Iterator[Evaluator]:
    """Evaluators at random points that satisfy the statement's conditions."""
    single = is_single(context)
    for attempt in range(ATTEMPTS):
        evaluator = Evaluator(context.scope, algebra, Point(attempt, draws), single)
        if all(_condition_holds(evaluator, c) for c in context.statement.conditions):
            yield evaluator


def _condition_holds(evaluator: Evaluator, condition: Statement) -> bool:
    """Is a condition true for all values of the indices in it."""
    test = Node("condition", condition.sides, " ".join(condition.relations))
    sizes: dict[str, int] = {}
    for node in test.walk():
        if node.op == "symbol" and not node.args and evaluator.scope.knows(node.name):
            meaning = evaluator.scope.find(node.name)[1]
            if isinstance(meaning, Index):
                sizes[node.name] = int(evaluator.named(meaning.size))
    for values in np.ndindex(*sizes.values()):
        numbers = [evaluator.algebra.number(str(v + 1)) for v in values]
        if not evaluator.holds(test, dict(zip(sizes, numbers, strict=True))):
            return False
    return True


def find_failure(link: Link, count: int = 0, draws: str = "0") -> Failure | None:
    """Try to refute a link: None if it holds at ``count`` random points to 40 digits."""
    count = count or (POINTS if link.relation in ("=", r"\approx") else POINTS_OF_ORDER)
    left, right = link.sides
    tried = 0
    try:
        for evaluator in points(link.context, draws=draws):
            try:
                a, b = evaluator.value(left), evaluator.value(right)
            except OutOfDomainError:
                continue
            if reason := compare(evaluator, link.relation, a, b):
                return Failure(link, reason)
            tried += 1
            if tried == count:
                return None
    except (NotationError, ArithmeticError) as error:
        return Failure(link, f"cannot be evaluated: {error}", refused=True)
    return Failure(link, f"defined at {tried} of {ATTEMPTS} points only.", refused=True)


def compare(evaluator: Evaluator, relation: str, a: object, b: object) -> str:
    """Why ``a relation b`` is false, or nothing."""
    if shape(a) != shape(b):
        return f"shapes differ: left {shape(a)}, right {shape(b)}."
    for index in np.ndindex(shape(a)):
        one, other = (np.asarray(v, dtype=object)[index] for v in (a, b))
        if not evaluator.algebra.holds(relation, one, other):
            where = f" in entry {tuple(i + 1 for i in index)}" if index else ""
            return (
                f"left  = {_short(one)}{where}\nright = {_short(other)}{where}\n"
                f"at {_where(evaluator)}"
            )
    return ""


def _short(value: object) -> str:
    return NUMERIC.context.nstr(value, 12)


def _where(evaluator: Evaluator) -> str:
    """The free values of the point, as far as they are numbers."""
    known = {k: v for k, v in evaluator.known.items() if not shape(v)}
    shown_values = [f"{key} = {_short(value)}" for key, value in known.items()]
    return f"point {evaluator.point.number}: " + ", ".join(shown_values[:12])


def checked_links(all_contexts: list[Context]) -> list[Link]:
    """The links that assert something."""
    return [link for c in all_contexts for link in links(c) if link.kind == "assertion"]


def check_definition(link: Link) -> Failure | None:
    """A definition asserts nothing, but its right side must have a value."""
    parameters = definition(link.context.statement)
    assert parameters is not None
    for evaluator in points(link.context):
        try:
            bound = {p: evaluator.named(p) for p in parameters[1].parameters}
            evaluator.value(link.sides[1], bound)
            return None
        except OutOfDomainError:
            continue
        except (NotationError, ArithmeticError) as error:
            return Failure(link, f"cannot be evaluated: {error}", refused=True)
    return Failure(link, "has no value at any point tried.", refused=True)
