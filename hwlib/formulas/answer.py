"""Judge an answer: is each of its sides equal to the right formula, wherever that has a value."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hwlib.formulas.algebra import OutOfDomainError, TooLargeError
from hwlib.formulas.arrays import ShapeError, Value, scalar, shape
from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.hand import Side, read
from hwlib.formulas.judge import NUMERIC, STRICT
from hwlib.formulas.names import Letters
from hwlib.formulas.normalise import NotationError
from hwlib.formulas.notation import Free, Key, Scope
from hwlib.formulas.symbols import Bound
from hwlib.formulas.tree import Node

POINTS = 20
POINTS_OF_ARRAYS, POINTS_OF_DERIVATIVES = 8, 3
UNDEFINED = "has no value at this point"
LONGEST_SUM = 1000
MOST = 50_000  # operations for one answer; of all that were tried, none took 11,000


class TooLongError(NotationError):
    """The answer would take too long to compute."""


@dataclass(frozen=True)
class Question:
    """What is asked: the right formula, and the letters that it may be written in.

    ``also`` are what an equation may state instead, each a symbol of the scope.
    """

    letters: Letters
    right: Node
    also: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """ "right", "wrong" or "not read", why, and a point at which the answer is wrong."""

    verdict: str
    sentence: str = ""
    point: str = ""
    got: str = ""
    expected: str = ""
    remark: str = ""


class AnswerEvaluator(Evaluator):
    """Evaluates what `hand` reads, and stops where that would take too long."""

    spent: ClassVar = [0]

    def value(self, node: Node, bound: Bound | None = None) -> Value:
        """The value of ``node``."""
        self.spent[0] += 1
        if self.spent[0] > MOST:
            raise TooLongError("it takes too long to compute: write a shorter formula")
        return super().value(node, bound)

    def _star(self, node: Node, bound: Bound) -> Value:
        if all(shape(self.value(a, bound)) for a in node.args):
            raise NotationError(
                "* between arrays can be two products: write A B, or A \\odot B entry by entry"
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

    def holds(self, test: Node, bound: Bound) -> bool:
        """Is a condition of numbers true."""
        if any(shape(self.value(a, bound)) for a in test.args):
            raise NotationError("a condition of an array: write it for numbers")
        return super().holds(test, bound)

    def _cases(self, node: Node, bound: Bound) -> Value:
        for case in node.args:
            if self.holds(case.args[1], bound):
                return self.value(case.args[0], bound)
        raise OutOfDomainError("none of the cases applies")

    def _entry(self, node: Node, bound: Bound) -> Value:
        array = self.value(node.args[0], bound)
        index = [self.integer(a, bound) - 1 for a in node.args[1:]]
        if len(shape(array)) != 2 or len(index) > 2 or (len(index) == 1 and array.shape[1] > 1):
            raise ShapeError("an entry of this array has other indices")
        row, column = [*index, 0][:2]
        if not (0 <= row < array.shape[0] and 0 <= column < array.shape[1]):
            raise ShapeError("the array has no such entry")
        return array[row, column]

    def _big(self, node: Node, bound: Bound) -> Value:
        first, last = (self.integer(a, bound) for a in node.args[:2])
        if last - first > LONGEST_SUM:
            raise OutOfDomainError("a sum of very many terms")
        command, letter = node.name.split(" ")
        if command in (r"\max", r"\min"):
            numbers = [self.algebra.number(str(i)) for i in range(first, last + 1)]
            values = [self.value(node.args[2], {**bound, letter: n}) for n in numbers]
            return self.algebra.functions[command]([scalar(v, "a term") for v in values])
        return super()._big(node, bound)


def judge(answer: str, question: Question, *, last: bool = False) -> Verdict:
    """Read an answer and decide whether it is right; with ``last``, only its last formula."""
    try:
        sides = _asserted(read(answer, question.letters))
        if last:
            sides = [side for side in sides if not side.left_over][-1:]
        counted = type("Counted", (AnswerEvaluator,), {"spent": [0]})
        scope = _with_unknown(question.letters.scope, sides)
        verdict = _first_wrong(counted, sides, question.right, scope, gaps=last)
        if verdict and len(sides) > 1:
            for other in question.also:
                if _first_wrong(counted, sides, other, scope) is None:
                    return Verdict("right")
        unknown = [name for side in sides for name in side.unknown]
        if verdict and unknown:
            raise NotationError(f"{unknown[0]} is no letter of this task: use those of the text")
        return verdict or Verdict("right")
    except NotationError as error:
        return Verdict("not read", str(error))


def _asserted(sides: list[Side]) -> list[Side]:
    """The sides that state something: a name for the answer states nothing."""
    if len(sides) > 1 and _is_name(sides[0]):
        sides = sides[1:]
    elif len(sides) > 1 and _is_name(sides[-1]):
        sides = sides[:-1]
    for name in (name for side in sides for name in side.unknown if "_" in name):
        raise NotationError(f"{name} is no letter of this task: use those of the text")
    if all(side.left_over for side in sides):
        raise NotationError(
            f"{sides[-1].left_over[0]} is left over: write it out by what is asked for"
        )
    return sides


def _with_unknown(scope: Scope, sides: list[Side]) -> Scope:
    """The scope with any number for each unknown letter, as one may cancel."""
    names = {name for side in sides for name in side.unknown}
    more = {Key(name): Free("real") for name in names}
    return scope.extended(dict(more))


def _is_name(side: Side) -> bool:
    return side.node.op == "symbol" and bool(side.unknown)


def _first_wrong(
    kind: type[AnswerEvaluator],
    sides: list[Side],
    right: Node,
    scope: Scope,
    gaps: bool = False,
) -> Verdict | None:
    """A point at which a side is not equal to the right formula, or None.

    With ``gaps``, a side has to have no value where the right formula has none. Where a side is too
    large to calculate, nothing is decided, unless it is at most points so far.
    """
    too_large = [0] * len(sides)
    for number in range(POINTS):
        at, exact = kind(scope, NUMERIC, number), kind(scope, STRICT, number)
        expected = _value(at, right)
        if shape(expected) and number >= POINTS_OF_ARRAYS:
            break
        for place, side in enumerate(sides):
            if side.left_over and number >= POINTS_OF_DERIVATIVES:
                continue
            try:
                found: bool | str = expected is None or _differs(at, side.node, expected)
                if not found or (side.left_over and str(found).startswith(UNDEFINED)):
                    continue
                precise = _value(exact, right)
                if precise is None and not gaps:
                    continue
                found = _differs(exact, side.node, precise)
            except TooLargeError as error:
                too_large[place] += 1
                if 2 * too_large[place] > number + 1:
                    return _wrong(at, side, f"{UNDEFINED}: {error}", expected)
                continue
            except ShapeError as error:
                return _wrong(at, side, f"has shapes that do not fit: {error}", expected)
            if found:
                return _wrong(at, side, str(found), precise, _value(exact, side.node))
    return None


def _value(at: AnswerEvaluator, node: Node) -> Value | None:
    """The value, or None where there is none, or not with these digits."""
    try:
        return at.value(node)
    except OutOfDomainError:
        return None


def _differs(at: AnswerEvaluator, node: Node, expected: Value | None) -> str:
    """How a formula differs from the right value at a point, in words, or nothing."""
    try:
        got = at.value(node)
    except TooLargeError:
        raise
    except OutOfDomainError as error:
        return "" if expected is None else f"{UNDEFINED}: {error}"
    if expected is None:
        return "has a value at this point"
    if shape(got) != shape(expected):
        return f"has the shape {shape(got)}, and what is asked {shape(expected)}"
    pairs = zip(np.ravel(got), np.ravel(expected), strict=True)
    equal = all(at.algebra.holds("=", a, b) for a, b in pairs)
    return "" if equal else "has another value at this point"


def _wrong(
    at: AnswerEvaluator, side: Side, sentence: str, expected: Value, got: Value = None
) -> Verdict:
    value = "" if expected is None else _short(expected)
    came = "" if got is None else _short(got)
    if came == value and got is not None:
        came, value = _short(got, 40), _short(expected, 40)
    remark = "".join(side.remarks[:1])
    if side.left_over:
        remark = "The left side of an equation states something, too, and this one is not true."
    text = side.text if len(side.text) <= 60 else f"{side.text[:60]}…"
    return Verdict("wrong", f"“{text}” {sentence}", _point(at, side), came, value, remark)


def _point(at: AnswerEvaluator, side: Side) -> str:
    """The numbers of a point, as far as they are no arrays."""
    drawn = [(p, v) for p, v in at.drawn.items() if isinstance(p, Key) and not shape(v)]
    words = [f"{key.name} = {_short(value)}" for key, value in drawn]
    name = r"\hat{y}"
    value = at.known.get(Key(name))
    if name in side.text and value is not None and not shape(value):
        words.append(f"{name} = {_short(value)}")
    return ", ".join(words[:8]) or "entries drawn at random"


def _short(value: Value, digits: int = 6) -> str:
    if not shape(value):
        return str(NUMERIC.context.nstr(value, digits))
    rows = ["[" + ", ".join(NUMERIC.context.nstr(v, digits) for v in row) + "]" for row in value]
    return f"[{', '.join(rows)}]"
