"""What a kind of number has to offer, and one kind: real numbers of 80 digits at a point.

Derivatives are central differences of about 50 correct digits; no rule of calculus is needed.
"""

import operator
import random
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Protocol

import mpmath

DIGITS = 80  # of a calculation; two values are equal if half as many are, whatever it had
ROUNDS = {"real": (0.2, 3.0), "positive": (0.2, 3.0), "unit": (0.05, 0.95), "small": (0.05, 0.95)}

# Of a result, as a power of e; with larger ones a sine or a whole number takes minutes.
LARGEST_EXPONENT = 10**4

Scalar = Any


class OutOfDomainError(ArithmeticError):
    """An operation has no real value here, such as the logarithm of a negative number."""


class TooLargeError(OutOfDomainError):
    """There is a value, which would take minutes to calculate."""


class Algebra(Protocol):
    """What `evaluate` needs of a kind of number; a leaf is the value of a free symbol."""

    functions: dict[str, Callable[..., Scalar]]
    number: Callable[[str], Scalar]

    def leaf(self, key: str, domain: str, point: int) -> Scalar: ...
    def power(self, a: Scalar, b: Scalar) -> Scalar: ...
    def derivative(self, function: Callable[[Scalar], Scalar], at: Scalar) -> Scalar: ...
    def holds(self, relation: str, a: Scalar, b: Scalar) -> bool: ...

    def divide(self, a: Scalar, b: Scalar) -> Scalar:
        if b == 0:
            raise OutOfDomainError("division by zero")
        return a / b


def draw(key: str, domain: str, point: int, far: bool = False) -> float | int:
    """A random number of a domain, the same for the same key and point; ``far`` from all of it."""
    rng = random.Random(f"{'far ' if far else ''}{point}/{key}")
    if domain == "integer":
        return rng.randint(0, 3)
    size = _far(rng, domain) if far else rng.uniform(*ROUNDS[domain])
    return -size if domain in ("real", "small") and rng.random() < 0.5 else size


def _far(rng: random.Random, domain: str) -> float:
    """Where few look: near 0, near the end of a bounded domain, and far out."""
    if domain in ("real", "positive"):
        return float(10 ** rng.uniform(-4, 3))
    close = float(10 ** rng.uniform(-6, -1))
    return close if rng.random() < 0.5 else 1 - close


def _of_moderate(function: Callable[[Scalar], Scalar], x: Scalar) -> Scalar:
    if abs(x) > LARGEST_EXPONENT:
        raise TooLargeError("a power or an angle too large to calculate")
    return function(x)


class Numeric(Algebra):
    """Real numbers calculated with so many digits."""

    def __init__(self, digits: int = DIGITS) -> None:
        self.context = mpmath.mp.clone()
        self.context.dps = digits
        self.number: Callable[[str], Scalar] = cache(self.context.mpf)
        self.step = self.context.mpf(10) ** (-digits * 5 // 16)
        self.tolerance = self.context.mpf(10) ** (-DIGITS // 2)
        c = self.context
        hard = ("exp", "sin", "cos", "sinh", "cosh")
        self.functions: dict[str, Callable[..., Scalar]] = {
            **{rf"\{name}": partial(_of_moderate, getattr(c, name)) for name in hard},
            r"\log": self._log,
            r"\plog": lambda x: self._log(1 + x),
            r"\sqrt": lambda x: self.power(x, c.mpf("0.5")),
            r"\tanh": c.tanh,
            r"\artanh": lambda x: self._log(self.divide(1 + x, 1 - x)) / 2,
            r"\sech": lambda x: 1 / self.functions[r"\cosh"](x),
            r"\sign": c.sign,
            r"\pi": lambda: +c.pi,
            r"\relu": lambda x: max(x, 0),
            r"\max": max,
            r"\min": min,
            r"\abs": abs,
        }

    def leaf(self, key: str, domain: str, point: int) -> Scalar:
        return self.context.mpf(draw(key, domain, point, far=point % 5 >= 3))

    def _log(self, x: Scalar) -> Scalar:
        if x <= 0:
            raise OutOfDomainError("logarithm of a number that is not positive")
        return self.context.log(x)

    def power(self, a: Scalar, b: Scalar) -> Scalar:
        if (a < 0 and b != int(b)) or (a == 0 and b < 0):
            raise OutOfDomainError("a power that is not a real number")
        if a != 0 and abs(b * self.context.log(abs(a))) > LARGEST_EXPONENT:
            raise TooLargeError("a power too large to calculate")
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
