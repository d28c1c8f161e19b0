"""Two ways to calculate: with 80 digits at a point, and with SymPy symbols.

Derivatives are taken by machine in both: by central differences of about 50 correct digits, and
by SymPy. Neither knows a rule of the book.
"""

import operator
import random
from collections.abc import Callable
from typing import Any, Protocol

import mpmath
import sympy as sp

DIGITS = 80
ROUNDS = {"real": (0.2, 3.0), "positive": (0.2, 3.0), "unit": (0.05, 0.95), "small": (0.05, 0.95)}

Scalar = Any


class OutOfDomainError(ArithmeticError):
    """An operation has no real value here, such as the logarithm of a negative number."""


class Algebra(Protocol):
    """What `evaluate` needs of a kind of number."""

    functions: dict[str, Callable[..., Scalar]]

    def number(self, text: str) -> Scalar:
        """The number written ``text``."""

    def leaf(self, key: str, domain: str, seed: str) -> Scalar:
        """A value for a free symbol."""

    def divide(self, a: Scalar, b: Scalar) -> Scalar:
        """a / b."""

    def power(self, a: Scalar, b: Scalar) -> Scalar:
        """a to the power of b."""

    def derivative(self, function: Callable[[Scalar], Scalar], at: Scalar) -> Scalar:
        """The derivative of ``function`` at ``at``."""

    def holds(self, relation: str, a: Scalar, b: Scalar) -> bool:
        """Is ``a relation b`` true."""


def draw(key: str, domain: str, seed: str) -> float | int:
    """A random number of a domain, the same for the same key and seed."""
    rng = random.Random(f"{seed}/{key}")
    if domain == "integer":
        return rng.randint(0, 3)
    size = rng.uniform(*ROUNDS[domain])
    return -size if domain in ("real", "small") and rng.random() < 0.5 else size


class Numeric:
    """Real numbers of 80 digits; equal means equal to 40."""

    def __init__(self) -> None:
        self.context = mpmath.mp.clone()
        self.context.dps = DIGITS
        self.numbers: dict[str, Scalar] = {}
        self.step = self.context.mpf(10) ** -25
        self.tolerance = self.context.mpf(10) ** -40
        c = self.context
        self.functions = {
            r"\exp": c.exp,
            r"\log": self._log,
            r"\sqrt": lambda x: self.power(x, c.mpf("0.5")),
            r"\sin": c.sin,
            r"\cos": c.cos,
            r"\tanh": c.tanh,
            r"\pi": lambda: +c.pi,
            r"\max": max,
            r"\min": min,
            "abs": abs,
        }

    def number(self, text: str) -> Scalar:
        if text not in self.numbers:
            self.numbers[text] = self.context.mpf(text)
        return self.numbers[text]

    def leaf(self, key: str, domain: str, seed: str) -> Scalar:
        return self.context.mpf(draw(key, domain, seed))

    def _log(self, x: Scalar) -> Scalar:
        if x <= 0:
            raise OutOfDomainError("logarithm of a number that is not positive")
        return self.context.log(x)

    def divide(self, a: Scalar, b: Scalar) -> Scalar:
        if b == 0:
            raise OutOfDomainError("division by zero")
        return a / b

    def power(self, a: Scalar, b: Scalar) -> Scalar:
        if (a < 0 and b != int(b)) or (a == 0 and b < 0):
            raise OutOfDomainError("a power that is not a real number")
        return a**b

    def derivative(self, function: Callable[[Scalar], Scalar], at: Scalar) -> Scalar:
        h = self.step
        return (function(at + h) - function(at - h)) / (2 * h)

    def holds(self, relation: str, a: Scalar, b: Scalar) -> bool:
        close = abs(a - b) <= self.tolerance * max(1, abs(a), abs(b))
        if relation in ("=", r"\ne"):
            return close == (relation == "=")
        return bool(_ORDER[relation](a, b)) or (close and relation in (r"\ge", r"\le"))


_ORDER = {r"\ge": operator.ge, r"\le": operator.le, ">": operator.gt, "<": operator.lt}


class Symbolic:
    """SymPy expressions; equal means proven equal."""

    def __init__(self) -> None:
        self.functions = {
            r"\exp": sp.exp,
            r"\log": sp.log,
            r"\sqrt": sp.sqrt,
            r"\sin": sp.sin,
            r"\cos": sp.cos,
            r"\tanh": sp.tanh,
            r"\pi": lambda: sp.pi,
            r"\max": sp.Max,
            r"\min": sp.Min,
            "abs": sp.Abs,
        }

    def number(self, text: str) -> Scalar:
        return sp.Rational(text)

    def leaf(self, key: str, domain: str, seed: str) -> Scalar:
        if domain == "integer":
            return sp.Integer(draw(key, domain, seed))
        return (
            sp.Symbol(key, real=True)
            if domain in ("real", "small")
            else sp.Symbol(key, positive=True)
        )

    def divide(self, a: Scalar, b: Scalar) -> Scalar:
        if b == 0:
            raise OutOfDomainError("division by zero")
        return sp.sympify(a) / b

    def power(self, a: Scalar, b: Scalar) -> Scalar:
        return sp.sympify(a) ** b

    def derivative(self, function: Callable[[Scalar], Scalar], at: Scalar) -> Scalar:
        place = sp.Dummy("place", real=True)
        return sp.diff(function(place), place).subs(place, at)

    def holds(self, relation: str, a: Scalar, b: Scalar) -> bool:
        """Try, from cheap to dear, to show that a - b is 0; other relations are not attempted."""
        if relation != "=":
            return False
        difference = sp.sympify(a - b)
        if difference == 0 or sp.expand(difference) == 0:
            return True
        rational = sp.together(sp.expand(sp.expand_log(difference)))
        return bool(sp.expand(sp.numer(rational)) == 0)
