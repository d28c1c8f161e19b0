"""What the property tests draw: logits, labels, networks with batches, and arrays for files."""

from typing import NamedTuple

import hypothesis.extra.numpy as arrays_of
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[np.floating]

# One step of the smallest magnitude, the smallest normal number, the largest, and the infinities.
CORNERS = {
    np.float32: [0.0, -0.0, 2.0**-149, 2.0**-126, 1.0, float(np.finfo(np.float32).max), np.inf],
    np.float64: [0.0, -0.0, 2.0**-1074, 2.0**-1022, 1.0, float(np.finfo(np.float64).max), np.inf],
}
DTYPES = st.sampled_from([np.float32, np.float64])
IDX_TYPES = ["u1", "i1", "i2", "i4", "f4", "f8"]


class Problem(NamedTuple):
    """A batch and a network that fits it."""

    X: Array  # (B, D)
    y: Array  # (B, 1)
    W: dict[str, Array]  # w1 (D, K), w2 (K, 1)


def logits(dtype: type[np.floating] = np.float64) -> st.SearchStrategy[float]:
    """Any number of ``dtype`` but NaN: subnormals, extremes and infinities included."""
    corners = [sign * corner for corner in CORNERS[dtype] for sign in (1, -1)]
    width = 32 if dtype is np.float32 else 64
    anything = st.floats(allow_nan=False, allow_infinity=True, width=width)
    ordinary = st.floats(-50, 50, width=width)
    return st.sampled_from(corners) | anything | ordinary


def labels(dtype: type[np.floating] = np.float64) -> st.SearchStrategy[float]:
    """Hard labels, and soft ones down to the smallest positive number."""
    width = 32 if dtype is np.float32 else 64
    return st.sampled_from([0.0, 1.0]) | st.floats(0, 1, width=width)


def finite(limit: float) -> st.SearchStrategy[float]:
    """Numbers of moderate size, for laws that hold only up to rounding."""
    return st.floats(-limit, limit, allow_subnormal=False)


@st.composite
def labelled_logits(
    draw: st.DrawFn, dtype: type[np.floating] = np.float64, most: int = 6
) -> tuple[Array, Array]:
    """Labels and logits, (B, 1) each."""
    n = draw(st.integers(1, most))
    y = draw(st.lists(labels(dtype), min_size=n, max_size=n))
    z = draw(st.lists(logits(dtype), min_size=n, max_size=n))
    return np.array(y, dtype).reshape(n, 1), np.array(z, dtype).reshape(n, 1)


@st.composite
def problems(draw: st.DrawFn, scale: float = 2.0, soft: bool = True) -> Problem:
    """A small float64 batch and network, with entries of about ``scale``."""
    B, D, K = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.uniform(size=(B, 1)) if soft and draw(st.booleans()) else rng.integers(0, 2, (B, 1))
    return Problem(
        X=scale * rng.standard_normal((B, D)),
        y=y.astype(np.float64),
        W={
            "w1": scale * rng.standard_normal((D, K)),
            "w2": scale * rng.standard_normal((K, 1)),
        },
    )


def idx_arrays() -> st.SearchStrategy[NDArray[np.generic]]:
    """Any array that the IDX format can hold: every type, up to four dimensions, empty ones too."""
    shapes = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    return st.sampled_from(IDX_TYPES).flatmap(lambda kind: arrays_of.arrays(kind, shapes))
