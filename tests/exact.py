"""The functions of `hwlib.losses` in mpmath, as exact as asked for, and errors in ulp."""

from collections.abc import Callable, Sequence

import mpmath
import numpy as np
from mpmath import mpf
from numpy.typing import NDArray

# 1 - y is exact for the smallest soft label, 2^-1074, and near a root 100 digits remain.
mpmath.mp.prec = 1500


def sigmoid(z: float) -> mpf:
    """σ(z)."""
    return 1 / (1 + mpmath.exp(-mpf(z)))


def softplus(z: float) -> mpf:
    """ζ(z)."""
    return mpmath.log1p(mpmath.exp(mpf(z)))


def loss(y: float, z: float) -> mpf:
    """y ζ(-z) + (1 - y) ζ(z)."""
    return mpf(y) * softplus(-z) + (1 - mpf(y)) * softplus(z)


def derivative(y: float, z: float) -> mpf:
    """σ(z) - y; with a hard label of 1 it is -σ(-z), which 1500 bits could not resolve."""
    if y == 1:
        return -sigmoid(-z)
    return sigmoid(z) - mpf(y)


def ulp(exact: mpf, dtype: type[np.floating]) -> mpf:
    """Distance between the two numbers of ``dtype`` around ``exact``, which may be subnormal."""
    info = np.finfo(dtype)
    exponent = max(mpmath.frexp(exact)[1] - 1, info.minexp) if exact else info.minexp
    return mpf(2) ** (exponent - info.nmant)


def ulp_errors(
    computed: NDArray[np.floating], function: Callable[..., mpf], *arguments: Sequence[float]
) -> NDArray[np.float64]:
    """Distance of each entry from the exact value, in units of the spacing at the exact value."""
    flat = [np.ravel(argument) for argument in arguments]
    errors = []
    for value, *point in zip(np.ravel(computed), *flat, strict=True):
        exact = function(*(float(p) for p in point))
        spacing = ulp(exact, computed.dtype.type)
        errors.append(float(abs(mpf(float(value)) - exact) / spacing))
    return np.array(errors)
