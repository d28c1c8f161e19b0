"""Judge an answer: is each of its sides equal to the right formula, wherever that has a value."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from hwlib.formulas.algebra import OutOfDomainError
from hwlib.formulas.arrays import ShapeError, Value, shape
from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.hand import Side, read
from hwlib.formulas.judge import NUMERIC, STRICT
from hwlib.formulas.normalise import NotationError
from hwlib.formulas.notation import Key, Scope
from hwlib.formulas.parse import Node
from hwlib.formulas.symbols import Bound

POINTS = 20
POINTS_OF_ARRAYS, POINTS_OF_DERIVATIVES = 8, 3
UNDEFINED = "it has no value there"
LONGEST_SUM = 1000
MOST = 100_000  # operations for one answer


class TooLongError(NotationError):
    """The answer would take too long to compute."""


@dataclass(frozen=True)
class Question:
    """What is asked: the right formula, and the letters that it may be written in.

    ``also`` are what an equation may state instead, each a symbol of the scope; ``withheld`` are
    names that are to be written out; ``left`` are names that only the left side may hold.
    """

    scope: Scope
    right: Node
    also: tuple[Node, ...] = ()
    withheld: Collection[str] = ()
    single: bool = False
    loss: str = ""
    sizes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """"right", "wrong" or "not read", why, and a point at which the answer is wrong."""

    verdict: str
    sentence: str = ""
    point: str = ""
    got: str = ""
    expected: str = ""


class AnswerEvaluator(Evaluator):
    """Evaluates what `hand` reads, and stops where that would take too long."""

    spent = [0]

    def value(self, node: Node, bound: Bound | None = None) -> Value:
        """The value of ``node``."""
        self.spent[0] += 1
        if self.spent[0] > MOST:
            raise TooLongError("it takes too long to compute: write a shorter formula")
        return super().value(node, bound)

    def _star(self, node: Node, bound: Bound) -> Value:
        if all(shape(self.value(a, bound)) for a in node.args):
            raise NotationError(
                "* between arrays is a matrix product or one entry by entry: write A B or A \\odot B"
            )
        return self._product(node, bound)

    def _power(self, node: Node, bound: Bound) -> Value:
        if shape(self.value(node.args[0], bound)):
            raise NotationError("a power of an array: write A \\odot A for its entries' squares")
        return super()._power(node, bound)

    def _fraction(self, node: Node, bound: Bound) -> Value:
        if shape(self.value(node.args[1], bound)):
            raise NotationError("an array in a denominator: use the functions of the task")
        return super()._fraction(node, bound)

    def _cases(self, node: Node, bound: Bound) -> Value:
        for case in node.args:
            if self.holds(case.args[1], bound):
                return self.value(case.args[0], bound)
        raise OutOfDomainError("none of the cases applies")

    def _big(self, node: Node, bound: Bound) -> Value:
        first, last = (self.integer(a, bound) for a in node.args[:2])
        if last - first > LONGEST_SUM:
            raise OutOfDomainError("a sum of very many terms")
        return super()._big(node, bound)


def judge(answer: str, question: Question, *, last: bool = False) -> Verdict:
    """Read an answer and decide whether it is right; with ``last``, only its last formula."""
    try:
        sides = _asserted(read_for(answer, question))
        if last:
            sides = [side for side in sides if not side.left_over][-1:]
        counted = type("Counted", (AnswerEvaluator,), {"spent": [0]})
        verdict = _first_wrong(counted, sides, question.right, question)
        if verdict and len(sides) > 1:
            for other in question.also:
                if _first_wrong(counted, sides, other, question) is None:
                    return Verdict("right")
        return verdict or Verdict("right")
    except NotationError as error:
        return Verdict("not read", str(error))


def read_for(answer: str, question: Question) -> list[Side]:
    """The sides of an answer."""
    return read(
        answer,
        question.scope,
        loss=question.loss,
        single=question.single,
        withheld=question.withheld,
        sizes=question.sizes,
    )


def _asserted(sides: list[Side]) -> list[Side]:
    """The sides that state something: a name for the answer states nothing.

    Raises
    ------
    NotationError
        If a letter is unknown, or no side is written out.
    """
    if len(sides) > 1 and _is_name(sides[0]):
        sides = sides[1:]
    elif len(sides) > 1 and _is_name(sides[-1]):
        sides = sides[:-1]
    for side in sides:
        if side.unknown:
            raise NotationError(
                f"{side.unknown[0]} is no letter of this task: write the formula in the letters of "
                "the text"
            )
    if all(side.left_over for side in sides):
        raise NotationError(
            f"{sides[-1].left_over[0]} is left over: write it out by what is asked for"
        )
    return sides


def _is_name(side: Side) -> bool:
    return side.node.op == "symbol" and bool(side.unknown)


def _first_wrong(
    kind: type[AnswerEvaluator], sides: list[Side], right: Node, question: Question
) -> Verdict | None:
    """A point at which a side is not equal to the right formula, or None."""
    for number in range(POINTS):
        at, exact = kind(question.scope, NUMERIC, number), kind(question.scope, STRICT, number)
        expected = _value(at, right)
        if shape(expected) and number >= POINTS_OF_ARRAYS:
            break
        for side in sides:
            if side.left_over and number >= POINTS_OF_DERIVATIVES:
                continue
            try:
                found = expected is None or _differs(at, side.node, expected)
                if not found or (side.left_over and str(found).startswith(UNDEFINED)):
                    continue
                found = _differs(exact, side.node, exact.value(right))
            except ShapeError as error:
                return _wrong(at, side, f"the shapes do not fit: {error}", expected)
            if found:
                return _wrong(at, side, found, exact.value(right), _value(exact, side.node))
    return None


def _value(at: AnswerEvaluator, node: Node) -> Value | None:
    """The value, or None where there is none, or not with these digits."""
    try:
        return at.value(node)
    except OutOfDomainError:
        return None


def _differs(at: AnswerEvaluator, node: Node, expected: Value) -> str:
    """How a formula differs from the right value at a point, in words, or nothing."""
    try:
        got = at.value(node)
    except OutOfDomainError as error:
        return f"{UNDEFINED}: {error}"
    if shape(got) != shape(expected):
        return f"it has the shape {shape(got)}, and what is asked {shape(expected)}"
    pairs = zip(np.ravel(got), np.ravel(expected), strict=True)
    return "" if all(at.algebra.holds("=", a, b) for a, b in pairs) else "it has another value"


def _wrong(
    at: AnswerEvaluator, side: Side, sentence: str, expected: Value, got: Value = None
) -> Verdict:
    value = "" if expected is None else _short(expected)
    return Verdict("wrong", sentence, _point(at), "" if got is None else _short(got), value)


def _point(at: AnswerEvaluator) -> str:
    """The numbers of a point, as far as they are no arrays."""
    known = [*at.drawn.items(), *at.known.items()]
    words = []
    for place, value in known:
        if isinstance(place, Key) and not shape(value):
            words.append(f"{place.name} = {_short(value)}")
    return ", ".join(words[:8])


def _short(value: Value) -> str:
    if not shape(value):
        return str(NUMERIC.context.nstr(value, 8))
    rows = ["[" + ", ".join(NUMERIC.context.nstr(v, 4) for v in row) + "]" for row in value]
    return f"[{', '.join(rows)}]"
