"""Proofs with SymPy, for links of numbers and, at small sizes, of arrays written out in full."""

from itertools import product

import numpy as np
import sympy as sp

from tools.equations.algebra import OutOfDomainError, Symbolic
from tools.equations.arrays import shape
from tools.equations.check import Context, Link, is_single
from tools.equations.evaluate import Evaluator, Point
from tools.equations.parse import Node, NotationError

LARGEST = 80  # operations; beyond it SymPy may take minutes, and the numbers have to do


def prove(link: Link) -> bool:
    """Can SymPy prove this link?"""
    if link.relation != "=":
        return False
    return bool(prove_equal(link.context, link.sides[0], link.context, link.sides[1]))


def prove_equal(one: Context, left: Node, other: Context, right: Node) -> str:
    """Prove that two sides are equal, each at its place; say how, or nothing."""
    try:
        a, b = _symbolic(one, left), _symbolic(other, right)
        if shape(a) != shape(b):
            return ""
        pairs = zip(*(np.asarray(v, dtype=object).ravel() for v in (a, b)), strict=True)
        proven = all(_equal(x, y) for x, y in pairs)
    except (
        NotationError,
        ArithmeticError,
        OutOfDomainError,
        TypeError,
        ValueError,
        AttributeError,
    ):
        return ""
    return "SymPy: the difference is 0" if proven else ""


def _symbolic(context: Context, node: Node) -> object:
    return Evaluator(context.scope, Symbolic(), Point(0), is_single(context)).value(node)


def _equal(a: sp.Expr, b: sp.Expr) -> bool:
    """Try on each combination of signs of the real symbols, as |x| and max(x, 0) need it."""
    difference = sp.sympify(a) - sp.sympify(b)
    if difference == 0:
        return True
    if sp.count_ops(difference) > LARGEST:
        return False
    if not difference.has(sp.Abs, sp.Max, sp.Min):
        return _is_zero(difference)
    symbols = [s for s in difference.free_symbols if not s.is_positive]
    if len(symbols) > 3:
        return False
    for signs in product((1, -1), repeat=len(symbols)):
        parts = [
            s * sp.Symbol(f"{symbol}p", positive=True)
            for s, symbol in zip(signs, symbols, strict=True)
        ]
        if not _is_zero(difference.subs(dict(zip(symbols, parts, strict=True)))):
            return False
    return True


def _is_zero(difference: sp.Expr) -> bool:
    """Show that an expression is 0, from cheap to dear."""
    if sp.expand(difference) == 0:
        return True
    split = sp.expand_log(sp.expand_power_exp(difference))
    return bool(sp.expand(sp.numer(sp.together(split))) == 0 or sp.simplify(difference) == 0)
