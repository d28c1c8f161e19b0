"""Checking a gradient against finite differences of the loss it claims to belong to."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwlib.losses import Weights


class GradientError(AssertionError):
    """A gradient differs from the finite differences of its loss by more than the tolerance."""


def numerical_gradient(
    loss: Callable[[Weights], float], weights: Weights, step: float = 6e-6
) -> Weights:
    """Central differences (L(w + h) - L(w - h)) / 2h for every weight, in float64.

    Equation: eq-central-difference

    Parameters
    ----------
    loss : callable
        Maps a dictionary of arrays to one number. It is called twice per weight.
    weights : dict of arrays, any shapes
        The point at which to differentiate. It is copied, not changed.
    step : float
        h. The default is near the cube root of the rounding error of float64, where the sum of
        truncation error (grows as h²) and rounding error (grows as 1/h) is smallest.

    Returns
    -------
    dict of float64 arrays with the keys and shapes of ``weights``

    Raises
    ------
    ValueError
        If ``step`` is not a positive number.
    """
    if not step > 0:
        raise ValueError(f"step: expected a positive number, got {step}; 6e-6 is a good start.")
    point: Weights = {name: np.array(w, dtype=np.float64) for name, w in weights.items()}
    gradient: Weights = {name: np.zeros_like(w) for name, w in point.items()}
    for name, w in point.items():
        for index in np.ndindex(w.shape):
            centre = w[index]
            w[index] = centre + step
            above = loss(point)
            w[index] = centre - step
            below = loss(point)
            w[index] = centre
            gradient[name][index] = (above - below) / (2 * step)
    return gradient


def relative_error(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """‖a - b‖ / max(‖a‖, ‖b‖) in the Euclidean norm, 0 for two zero arrays.

    Equation: eq-relative-error

    A norm over all entries is used because single entries may be close to 0, where a quotient
    entry by entry would report rounding noise as a large error.

    Raises
    ------
    ValueError
        If the shapes differ, or an array holds NaN or infinity.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(
            f"expected two arrays of one shape, got {a.shape} and {b.shape}; "
            "a gradient has the shape of the weights it belongs to."
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("expected finite numbers, got NaN or infinity; check the inputs' range.")
    largest = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    if largest == 0:
        return 0.0
    a, b = a / largest, b / largest
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b)))


def check_gradient(
    loss: Callable[[Weights], float],
    gradient: Weights,
    weights: Weights,
    *,
    step: float = 6e-6,
    tolerance: float = 1e-6,
) -> dict[str, float]:
    """Compare ``gradient`` with central differences of ``loss`` at ``weights``.

    Parameters
    ----------
    loss, weights, step
        As in `numerical_gradient`.
    gradient : dict of arrays
        What is to be checked, with the keys and shapes of ``weights``.
    tolerance : float
        The largest accepted relative error per array. 1e-6 lies far above the error of the
        differences (about 1e-9 here) and far below any mistake in a formula.

    Returns
    -------
    dict of str to float
        The relative error of each array.

    Raises
    ------
    GradientError
        If an array's relative error exceeds ``tolerance``; the message names the worst entry.
    ValueError
        If keys or shapes differ.
    """
    if set(gradient) != set(weights):
        raise ValueError(
            f"gradient: expected the keys {sorted(weights)}, got {sorted(gradient)}; "
            "return one array for each array of weights."
        )
    expected = numerical_gradient(loss, weights, step)
    errors = {name: relative_error(gradient[name], expected[name]) for name in weights}
    for name, error in errors.items():
        if error > tolerance:
            worst = np.unravel_index(
                np.argmax(np.abs(gradient[name] - expected[name])), expected[name].shape
            )
            raise GradientError(
                f"{name}: relative error {error:.1e} exceeds {tolerance:.1e}; the worst entry is "
                f"{tuple(int(i) for i in worst)}, where the gradient says "
                f"{gradient[name][worst]:.6g} and the differences say {expected[name][worst]:.6g}."
            )
    return errors
