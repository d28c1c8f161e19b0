"""A small problem in the plane, drawn at random, for the chapter on gradient descent."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def two_moons(
    examples: int, noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw points from two interleaved half circles, the upper one labelled 0, the lower one 1.

    Parameters
    ----------
    examples : int
        Number of points, at least 2 and even, half of them of each label.
    noise : float
        Standard deviation of the normal noise added to both coordinates; the radius is 1.
    rng : numpy.random.Generator
        The source of randomness; the caller seeds it.

    Returns
    -------
    points : array (examples, 2), float64
    labels : array (examples, 1), float64, each 0 or 1

    Raises
    ------
    ValueError
        If the number of examples is odd or below 2, or the noise is negative.
    """
    if examples < 2 or examples % 2:
        raise ValueError(
            f"examples: expected an even number of at least 2, got {examples}; "
            "half of the points go to each moon."
        )
    if not noise >= 0:
        raise ValueError(f"noise: expected a standard deviation of at least 0, got {noise}.")
    angle = rng.uniform(0, np.pi, examples)
    labels = np.arange(examples, dtype=np.float64)[:, None] % 2
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    # The lower moon is the upper one turned by 180° and moved so that the tips interlock.
    points = np.where(labels == 0, upper, [1.0, 0.5] - upper)
    return points + noise * rng.standard_normal((examples, 2)), labels


def with_constant_column(points: ArrayLike) -> NDArray[np.float64]:
    """Append a feature that is 1 for every example: (B, D) becomes (B, D + 1).

    Its weights are the biases of the hidden units. ValueError if ``points`` is not a matrix.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(
            f"points: expected a matrix with one example per row, got shape {points.shape}."
        )
    return np.hstack([points, np.ones((len(points), 1))])


def plane_grid(
    x_range: tuple[float, float], y_range: tuple[float, float], steps: int
) -> NDArray[np.float64]:
    """Return the points of a regular grid over a rectangle, for drawing a function of the plane.

    They are a float64 array (steps * steps, 2), line by line from the lowest y upwards: reshape a
    result to (steps, steps) to draw it. ValueError if ``steps`` is below 2 or a range is empty.
    """
    if steps < 2 or not (x_range[0] < x_range[1] and y_range[0] < y_range[1]):
        raise ValueError(
            "expected steps >= 2 and ranges (low, high) with low < high, "
            f"got steps={steps}, x_range={x_range}, y_range={y_range}."
        )
    x, y = np.meshgrid(np.linspace(*x_range, steps), np.linspace(*y_range, steps))
    return np.column_stack([x.ravel(), y.ravel()])
