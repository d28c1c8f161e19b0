"""The logistic loss in MPFR and in mpmath: references for `studies.accuracy`."""

from typing import Any, NamedTuple

import gmpy2
import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Exact(NamedTuple):
    """Exact values as ``high + rest · 2^ulp``."""

    high: Array
    rest: Array
    ulp: Array


def _value(name: str, y: float, z: float) -> Any:
    """Return the value of one function at one point."""
    # At y = 1/2 and z near 0 the derivative cancels 1074 bits; elsewhere a hundred at most.
    gmpy2.get_context().precision = 1500 if abs(z) < 1e-6 else 300
    label, logit = gmpy2.mpfr(y), abs(gmpy2.mpfr(z))
    e = gmpy2.exp(-logit)
    if name == "sigmoid":
        return (e if z < 0 else 1) / (1 + e)
    if name == "softplus":
        return gmpy2.log1p(e) + (logit if z > 0 else 0)
    if name == "loss":
        return gmpy2.log1p(e) + (1 - label if z > 0 else label) * logit
    up, down = ((1 - label) * e, label) if z < 0 else (1 - label, label * e)
    return (up - down) / (1 + e)


def _exact_chunk(job: tuple[str, Array, Array, int, int]) -> list[tuple[float, float, int]]:
    name, y, z, lowest, digits = job
    found = []
    for label, logit in zip(y.tolist(), z.tolist(), strict=True):
        value = _value(name, label, logit)
        ulp = max(gmpy2.frexp(value)[0] - 1 if value else lowest, lowest) - digits
        high = float(value)
        rest = float((value - gmpy2.mpfr(high)) * gmpy2.exp2(-ulp))
        found.append((high, rest, ulp))
    return found


def exact_values(name: str, y: Array, z: Array, pool: Any) -> Exact:
    """Return the values of one function at all points, good to far below 0.01 ulp."""
    info = np.finfo(z.dtype)
    pieces = zip(np.array_split(y, 40), np.array_split(z, 40), strict=True)
    jobs = [(name, a, b, int(info.minexp), int(info.nmant)) for a, b in pieces]
    rows = [row for piece in pool.map(_exact_chunk, jobs) for row in piece]
    exact = Exact(*(np.array(column) for column in zip(*rows, strict=True)))
    _compare_with_mpmath(name, y, z, exact)
    return exact


def _definition(name: str, y: float, z: float) -> Any:
    """Return the value of one function as it is defined, in mpmath."""
    label, logit = mpmath.mpf(y), mpmath.mpf(z)
    if name == "sigmoid":
        return 1 / (1 + mpmath.exp(-logit))
    if name == "softplus":
        return mpmath.log1p(mpmath.exp(logit))
    if name == "loss":
        return label * _definition("softplus", y, -z) + (1 - label) * _definition("softplus", y, z)
    return (1 - label) * _definition("sigmoid", y, z) - label * _definition("sigmoid", y, -z)


def _compare_with_mpmath(name: str, y: Array, z: Array, exact: Exact, points: int = 400) -> None:
    """Raise if mpmath differs by 0.001 ulp at any of some points."""
    with mpmath.workprec(1500):
        for i in range(0, len(z), max(1, len(z) // points)):
            value = _definition(name, float(y[i]), float(z[i]))
            value = (value - float(exact.high[i])) / mpmath.mpf(2) ** int(exact.ulp[i])
            if not abs(value - float(exact.rest[i])) < 1e-3:
                raise ArithmeticError(f"{name}: two references differ at y={y[i]}, z={z[i]}")
