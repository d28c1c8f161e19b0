"""Judge an answer: is each of its sides equal to the right formula, wherever that has a value."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwlib.formulas.algebra import OutOfDomainError, TooLargeError
from hwlib.formulas.arrays import ShapeError, Value, shape
from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.hand import Side, read
from hwlib.formulas.judge import NUMERIC, STRICT, short
from hwlib.formulas.names import Letters
from hwlib.formulas.notation import Free, Key, Scope
from hwlib.formulas.tree import Node, NotationError

DIGITS = 6  # of a number that is shown
POINTS = 20
POINTS_OF_ARRAYS, POINTS_OF_DERIVATIVES = 8, 3
UNDEFINED = "has no value at this point"
MOST = 50_000  # operations for one answer; of all that were tried, none took 11,000


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


def judge(answer: str, question: Question, *, last: bool = False) -> Verdict:
    """Read an answer and decide whether it is right; with ``last``, only its last formula."""
    try:
        sides = _asserted(read(answer, question.letters))
        if last:
            sides = [side for side in sides if not side.left_over][-1:]
        unknown = [name for side in sides for name in side.unknown]
        # As an unknown letter may cancel, it is any number.
        scope = question.letters.scope.extended({Key(name): Free("real") for name in unknown})
        budget = iter(range(MOST))
        verdict = _first_wrong(sides, question.right, scope, budget, gaps=last)
        if verdict and len(sides) > 1:
            for other in question.also:
                if _first_wrong(sides, other, scope, budget) is None:
                    return Verdict("right")
        if verdict and unknown:
            raise _no_letter(unknown[0])
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
        raise _no_letter(name)
    if all(side.left_over for side in sides):
        raise NotationError(
            f"{sides[-1].left_over[0]} is left over: write it out by what is asked for"
        )
    return sides


def _no_letter(name: str) -> NotationError:
    return NotationError(f"{name} is no letter of this task: use those of the text")


def _is_name(side: Side) -> bool:
    return side.node.op == "symbol" and bool(side.unknown)


def _first_wrong(
    sides: list[Side],
    right: Node,
    scope: Scope,
    budget: Iterator[int],
    gaps: bool = False,
) -> Verdict | None:
    """A point at which a side is not equal to the right formula, or None.

    With ``gaps``, a side has to have no value where the right formula has none. Where a side is too
    large to calculate, nothing is decided, unless it is at most points so far.
    """
    too_large = [0] * len(sides)
    for number in range(POINTS):
        at, exact = (
            Evaluator(scope, algebra, number, budget=budget, no_case=OutOfDomainError)
            for algebra in (NUMERIC, STRICT)
        )
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


def _value(at: Evaluator, node: Node) -> Value | None:
    """The value, or None where there is none, or not with these digits."""
    try:
        return at.value(node)
    except OutOfDomainError:
        return None


def _differs(at: Evaluator, node: Node, expected: Value | None) -> str:
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


def _wrong(at: Evaluator, side: Side, sentence: str, expected: Value, got: Value = None) -> Verdict:
    value = "" if expected is None else short(expected, DIGITS)
    came = "" if got is None else short(got, DIGITS)
    if came == value and got is not None:
        came, value = short(got, 40), short(expected, 40)
    remark = "".join(side.remarks[:1])
    if side.left_over:
        remark = "The left side of an equation states something, too, and this one is not true."
    text = side.text if len(side.text) <= 60 else f"{side.text[:60]}…"
    return Verdict("wrong", f"“{text}” {sentence}", _point(at, side), came, value, remark)


def _point(at: Evaluator, side: Side) -> str:
    """The numbers of a point, as far as they are no arrays."""
    prediction = Key(r"\hat{y}")
    values = dict(at.drawn)
    if prediction.name in side.text and prediction in at.known:
        values[prediction] = at.known[prediction]
    words = [f"{k.name} = {short(v, DIGITS)}" for k, v in values.items() if not shape(v)]
    return ", ".join(words[:8]) or "entries drawn at random"
