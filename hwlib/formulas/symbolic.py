"""Proofs with SymPy, for links of numbers and, at small sizes, of arrays written out in full.

Nothing here searches for long: `sympy.simplify` and `equals` may take seconds and then not know.
What the few rewritings below do not prove is left to random points.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import sympy as sp

from hwlib.formulas.algebra import Algebra, OutOfDomainError, Scalar, draw
from hwlib.formulas.arrays import shape
from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.judge import Context, Link
from hwlib.formulas.tree import Node, NotationError

LARGEST = 80  # operations; beyond it SymPy may take minutes, and the numbers have to do
LARGEST_POWER = 50  # of a number, and of a sum that is multiplied out
MOST_SIGNED = 3  # symbols; each combination of their signs is tried


class Symbolic(Algebra):
    """SymPy expressions, differentiated by SymPy; equal means proven equal."""

    def __init__(self) -> None:
        same = ("exp", "log", "sqrt", "sin", "cos", "tanh")
        others = {r"\pi": lambda: sp.pi, r"\max": sp.Max, r"\min": sp.Min, r"\abs": sp.Abs}
        self.functions = {rf"\{name}": getattr(sp, name) for name in same} | others
        self.number: Callable[[str], Scalar] = sp.Rational

    def leaf(self, key: str, domain: str, point: int) -> Scalar:
        if domain == "integer":
            return sp.Integer(draw(key, domain, point))
        known = {"real": True} if domain in ("real", "small") else {"positive": True}
        return sp.Symbol(key, **known)

    def power(self, a: Scalar, b: Scalar) -> Scalar:
        if b.is_number and abs(b) > LARGEST_POWER:
            raise OutOfDomainError("a power too large to write out")
        return a**b

    def derivative(self, function: Callable[[Scalar], Scalar], at: Scalar) -> Scalar:
        place = sp.Dummy("place", real=True)
        value = sp.sympify(function(place))
        if sp.count_ops(value) > LARGEST:
            raise ArithmeticError("too large to differentiate")
        return sp.diff(value, place).subs(place, at)

    def holds(self, relation: str, a: Scalar, b: Scalar) -> bool:
        difference = sp.sympify(a - b)
        if relation == "=" and is_zero(difference):
            return True
        truth = _RELATIONS[relation](difference, 0)
        if truth not in (sp.true, sp.false):
            raise ArithmeticError(f"SymPy cannot tell whether {a} {relation} {b}")
        return bool(truth)


_RELATIONS = {"=": sp.Eq, r"\ne": sp.Ne, r"\ge": sp.Ge, r"\le": sp.Le, ">": sp.Gt, "<": sp.Lt}


def prove(link: Link) -> bool:
    """Can SymPy prove this link?"""
    left, right = link.sides
    return link.relation == "=" and prove_equal(link.context, left, link.context, right)


def prove_equal(one: Context, left: Node, other: Context, right: Node) -> bool:
    """Can SymPy prove that two sides are equal, each at its place?"""
    try:
        a, b = (
            Evaluator(context.scope, Symbolic(), 0, context.single).value(side)
            for context, side in ((one, left), (other, right))
        )
        if shape(a) != shape(b):
            return False
        pairs = zip(*(np.asarray(v, dtype=object).ravel() for v in (a, b)), strict=True)
        return all(is_zero(sp.sympify(x) - sp.sympify(y)) for x, y in pairs)
    except (NotationError, ArithmeticError, TypeError, ValueError, AttributeError):
        return False


def is_zero(difference: sp.Expr) -> bool:
    """Show that an expression is 0, for each combination of signs as |x| and max(x, 0) need it."""
    if difference == 0:
        return True
    if sp.count_ops(difference) > LARGEST:
        return False
    if not difference.has(sp.Abs, sp.Max, sp.Min):
        return _vanishes(difference)
    symbols = [s for s in difference.free_symbols if not s.is_positive]
    if len(symbols) > MOST_SIGNED:
        return False
    sizes = [sp.Symbol(f"{symbol}p", positive=True) for symbol in symbols]
    return all(
        _vanishes(difference.subs(dict(zip(symbols, signed, strict=True))))
        for signed in product(*((size, -size) for size in sizes))
    )


def _vanishes(difference: sp.Expr) -> bool:
    """Rewrite without searching: multiplied out, logarithms and powers split, one denominator."""
    if sp.expand(difference) == 0:
        return True
    split = sp.expand_power_exp(difference.rewrite(sp.exp)).replace(
        sp.log, lambda x: sp.expand_log(sp.log(sp.together(x)))
    )
    return bool(sp.expand(sp.numer(sp.together(split))) == 0)
