"""How far the choice of the test images reaches: an interval for one accuracy, a test for two."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Disagreement(NamedTuple):
    """Images that only the first, or only the second network gets right, and the chance of luck."""

    first: int
    second: int
    chance: float


def wilson(share: float, images: int, deviations: float = 1.96) -> tuple[float, float]:
    """The true shares that make the ``share`` seen unsurprising: Wilson's interval, as (low, high).

    Equation: eq-wilson

    Parameters
    ----------
    share : float
        Of right answers, from 0 to 1.
    images : int
        Images that it was measured on, drawn independently of the network.
    deviations : float
        How many standard deviations are no surprise; 1.96 makes it an interval of 95 %.

    Raises
    ------
    ValueError
        If the share is not one, or there is no image.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if not (0 <= share <= 1 and images >= 1):
        raise ValueError(f"expected a share of at least one image, got {share} of {images}.")
    squared = deviations**2 / images
    middle = (share + squared / 2) / (1 + squared)
    half = math.sqrt(squared * (share * (1 - share) + squared / 4)) / (1 + squared)
    return middle - half, middle + half


def paired_images(first: ArrayLike, second: ArrayLike) -> Disagreement:
    """Compare two networks on the same images, of which only those with one right answer count.

    The arrays (n,) of bool say which images each network gets right; ValueError if they are not
    equally long. The ``chance`` is that of an imbalance at least as large, had a fair coin decided
    each of those images (the exact test of McNemar).
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"expected two arrays (n,) of bool, got {a.shape} and {b.shape}.")
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    n, rarer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(rarer + 1))
    return Disagreement(only_first, only_second, min(1.0, 2 * tail / 2**n))
