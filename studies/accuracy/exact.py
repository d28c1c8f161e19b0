"""The logistic loss as it is defined, in mpmath: the reference for `studies.accuracy`."""

from functools import partial
from typing import Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Exact(NamedTuple):
    """Exact values as ``high + rest · 2^ulp``, which are good to far below 0.01 ulp."""

    high: Array
    rest: Array
    ulp: Array


def sigmoid(z: Any) -> Any:
    """σ(z)."""
    return 1 / (1 + mpmath.exp(-z))


def softplus(z: Any) -> Any:
    """ζ(z)."""
    return mpmath.log1p(mpmath.exp(z))


# The terms of each function; those of the derivative may cancel.
TERMS = {
    "sigmoid": lambda _, z: [sigmoid(z)],
    "softplus": lambda _, z: [softplus(z)],
    "loss": lambda y, z: [y * softplus(-z), (1 - y) * softplus(z)],
    "derivative": lambda y, z: [(1 - y) * sigmoid(z), -y * sigmoid(-z)],
}


def _exact(name: str, dtype: np.dtype[Any], point: tuple[float, float]) -> tuple[float, float, int]:
    info = np.finfo(dtype)
    # At y = 1/2 and z near 0 the derivative cancels 1074 bits; elsewhere a hundred at most.
    with mpmath.workprec(1500 if abs(point[1]) < 1e-6 else 300):
        terms = TERMS[name](*map(mpmath.mpf, point))
        value = sum(terms)
        largest = max(abs(number) for number in (value, *terms))
        exponent = mpmath.frexp(largest)[1] - 1 if largest else info.minexp
        ulp = int(max(exponent, info.minexp) - info.nmant)
        return float(value), float(mpmath.ldexp(value - float(value), -ulp)), ulp


def exact_values(name: str, y: Array, z: Array, pool: Any) -> Exact:
    """Return the values of one function at all points, and the ulp of them or a larger term."""
    points = zip(y.tolist(), z.tolist(), strict=True)
    rows = pool.map(partial(_exact, name, z.dtype), points)
    return Exact(*(np.array(column) for column in zip(*rows, strict=True)))
