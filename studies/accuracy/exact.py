"""The logistic loss as it is defined, in mpmath: the reference for `studies.accuracy`."""

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


def sigmoid(_y: Any, z: Any) -> list[Any]:
    """σ(z)."""
    return [1 / (1 + mpmath.exp(-z))]


def softplus(_y: Any, z: Any) -> list[Any]:
    """ζ(z)."""
    return [mpmath.log1p(mpmath.exp(z))]


def loss(y: Any, z: Any) -> list[Any]:
    """The terms y ζ(-z) and (1 - y) ζ(z)."""
    return [y * softplus(y, -z)[0], (1 - y) * softplus(y, z)[0]]


def derivative(y: Any, z: Any) -> list[Any]:
    """The terms (1 - y) σ(z) and -y σ(-z), which may cancel."""
    return [(1 - y) * sigmoid(y, z)[0], -y * sigmoid(y, -z)[0]]


TERMS = {"sigmoid": sigmoid, "softplus": softplus, "loss": loss, "derivative": derivative}


def _exact_chunk(job: tuple[str, Array, Array]) -> list[tuple[float, float, int]]:
    name, y, z = job
    info = np.finfo(z.dtype)
    found = []
    for label, logit in zip(y.tolist(), z.tolist(), strict=True):
        # At y = 1/2 and z near 0 the derivative cancels 1074 bits; elsewhere a hundred at most.
        with mpmath.workprec(1500 if abs(logit) < 1e-6 else 300):
            terms = TERMS[name](mpmath.mpf(label), mpmath.mpf(logit))
            value = sum(terms)
            largest = max(abs(number) for number in (value, *terms))
            exponent = mpmath.frexp(largest)[1] - 1 if largest else info.minexp
            ulp = int(max(exponent, info.minexp) - info.nmant)
            found.append((float(value), float(mpmath.ldexp(value - float(value), -ulp)), ulp))
    return found


def exact_values(name: str, y: Array, z: Array, pool: Any) -> Exact:
    """Return the values of one function at all points, and the ulp of them or a larger term."""
    pieces = zip(np.array_split(y, 40), np.array_split(z, 40), strict=True)
    rows = [row for piece in pool.map(_exact_chunk, [(name, *p) for p in pieces]) for row in piece]
    return Exact(*(np.array(column) for column in zip(*rows, strict=True)))
