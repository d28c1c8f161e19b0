"""Inputs that the checks of several chapters share, drawn from a seed."""

import os

import numpy as np

from hwlib.check.values import Array
from hwlib.two_layer import Weights

# B examples, D features, K hidden units: no two sizes of one case are equal, and no case has a size
# of another one, so that a size that stands fixed in an answer shows.
SIZES = ((7, 5, 6), (4, 3, 2), (1, 8, 9))
# Labels and logits: both labels; fewer of them; soft labels; one example, and a small loss.
LABELS_AND_LOGITS = tuple(
    (np.array(labels, dtype=float)[:, None], np.array(logits)[:, None])
    for labels, logits in (
        ([0, 1, 1, 0, 1, 0, 1], [-3.0, -0.5, 0.0, 1.25, 4.0, 0.75, 2.0]),
        ([1, 0, 1, 0], [0.3, -1.4, -2.2, 0.9]),
        ([0.25, 0.9, 0.6, 0], [0.3, -1.4, -2.2, 0.9]),
        ([1], [7.0]),
    )
)


def network(examples: int, features: int = 5, hidden: int = 6) -> tuple[Array, Array, Weights]:
    """X (B, D), y (B, 1) with both labels, and w1 (D, K), w2 (K, 1), for 4 examples in turn.

    A single example has the label 0: beside 1, float32 loses the digits of a sure prediction.
    """
    rng = draws(100 * examples + hidden)
    X = rng.standard_normal((examples, features))
    y = (np.arange(examples, 0, -1) % 3 == 0).astype(float).reshape(-1, 1)
    w1, w2 = rng.standard_normal((features, hidden)), 2 * rng.standard_normal((hidden, 1))
    return X, y, {"w2": w2, "w1": w1} if examples == 4 else {"w1": w1, "w2": w2}


def sizes_of(W: Weights, **arrays: Array) -> str:
    """The shapes of a network's arrays, in words, in the order of its weights."""
    return ", ".join(f"{name} {array.shape}" for name, array in (arrays | W).items())


def row(column: Array) -> str:
    """The numbers of a column, in words."""
    return "[" + ", ".join(f"{v:.3g}" for v in column[:, 0]) + "]"


def draws(number: int) -> np.random.Generator:
    """The draws of this number, others for each class."""
    return np.random.default_rng(seed(number))


def seed(number: int) -> int:
    """``number``, moved on for each class, which HWLIB_CLASS_SEED tells apart; as it is without."""
    return number + 10_000 * int(os.environ.get("HWLIB_CLASS_SEED") or 0)
