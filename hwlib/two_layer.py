"""A network with one hidden layer of sigmoid units, in NumPy: D inputs → K hidden units → 1 logit.

Forward and backward pass stand side by side, so that each line of `logistic_loss_grad` can be
read against the line of `predict` that it differentiates.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.losses import (
    Float,
    Weights,
    as_float,
    logistic_loss_logit_grad,
    sigmoid,
    sigmoid_and_slope,
    stable_logistic_loss,
)


class Descent(NamedTuple):
    """The end point and the course of one run of `gradient_descent`."""

    weights: Weights
    losses: NDArray[np.float64]


def init_weights(
    inputs: int, hidden: int, rng: np.random.Generator, dtype: type[np.floating] = np.float64
) -> Weights:
    """Draw weights from a normal distribution of variance 1 / (number of inputs of the layer).

    Parameters
    ----------
    inputs, hidden : int
        D and K.
    rng : numpy.random.Generator
        The source of randomness; the caller seeds it.
    dtype : float32 or float64

    Returns
    -------
    dict
        ``{"w1": (D, K), "w2": (K, 1)}`` of ``dtype``.

    Raises
    ------
    ValueError
        If a size is below 1.
    """
    if inputs < 1 or hidden < 1:
        raise ValueError(
            f"expected at least one input and one hidden unit, got inputs={inputs} and "
            f"hidden={hidden}; pass X.shape[1] and the number of hidden units."
        )
    return {
        "w1": (rng.standard_normal((inputs, hidden)) / np.sqrt(inputs)).astype(dtype),
        "w2": (rng.standard_normal((hidden, 1)) / np.sqrt(hidden)).astype(dtype),
    }


def _checked(X: ArrayLike, W: Weights) -> tuple[Float, Float, Float]:
    """Return X (B, D), w1 (D, K) and w2 (K, 1), once they are known to fit each other."""
    if not {"w1", "w2"} <= set(W):
        raise ValueError(f'W: expected the keys "w1" and "w2", got {sorted(W)}; see init_weights.')
    X = as_float("X", X, nan_allowed=True)  # NaN in a row makes its logit NaN: it is found there
    w1, w2 = as_float("W['w1']", W["w1"]), as_float("W['w2']", W["w2"])
    if X.ndim != 2 or w1.ndim != 2 or X.shape[1] != w1.shape[0]:
        raise ValueError(
            f"expected X (B, D) and w1 (D, K) with one D, got X {X.shape} and w1 {w1.shape}; "
            "examples are rows of X, and W['w1'] has one row per column of X."
        )
    if w2.shape != (w1.shape[1], 1):
        raise ValueError(
            f"W['w2']: expected shape {(w1.shape[1], 1)}, one row per hidden unit, "
            f"got {w2.shape}; try w2.reshape(-1, 1)."
        )
    return X, w1, w2


def predict(X: ArrayLike, W: Weights) -> tuple[Float, Float, Float]:
    """ŷ = σ(z2) with z2 = σ(z1) w2 and z1 = X w1: the forward pass.

    Equation: eq-forward

    Parameters
    ----------
    X : array (B, D), float32 or float64 (other dtypes become float64)
        One example per row.
    W : dict
        ``{"w1": (D, K), "w2": (K, 1)}``.

    Returns
    -------
    z1 : array (B, K)
        Inputs of the hidden units.
    z2 : array (B, 1)
        Logits.
    yhat : array (B, 1)
        Predicted probabilities of class 1.

    Raises
    ------
    ValueError
        If the shapes do not fit, the batch is empty, or X or W holds NaN.
    """
    X, w1, w2 = _checked(X, W)
    z1 = X @ w1  # (B, K)
    z2 = sigmoid(z1) @ w2  # (B, 1)
    return z1, z2, sigmoid(z2)


def logistic_loss_grad(X: ArrayLike, y: ArrayLike, W: Weights) -> Weights:
    """∂L/∂w1 = Xᵀ((δ w2ᵀ) ⊙ a1 ⊙ (1 - a1)) / B and ∂L/∂w2 = a1ᵀ δ / B, with δ = ŷ - y.

    Equation: eq-gradient

    Parameters
    ----------
    X : array (B, D), float32 or float64 (other dtypes become float64)
        One example per row.
    y : array (B, 1)
        Labels in [0, 1].
    W : dict
        ``{"w1": (D, K), "w2": (K, 1)}``.

    Returns
    -------
    dict
        ``{"w1": (D, K), "w2": (K, 1)}``: the gradient of the batch mean `stable_logistic_loss`.

    Raises
    ------
    ValueError
        If the shapes do not fit, the batch is empty, X or W holds NaN, or a label leaves [0, 1].
    """
    X, w1, w2 = _checked(X, W)
    a1, slope = sigmoid_and_slope(X @ w1)  # (B, K) each: slope = a1 ⊙ (1 - a1)
    delta = logistic_loss_logit_grad(y, a1 @ w2)  # (B, 1)
    slope *= w2.T
    slope *= delta
    return {"w1": X.T @ slope / len(X), "w2": a1.T @ delta / len(X)}


def gradient_descent(
    X: ArrayLike, y: ArrayLike, W: Weights, *, learning_rate: float, steps: int
) -> Descent:
    """w ← w - η ∂L/∂w, ``steps`` times over the whole batch.

    Equation: eq-gradient-descent

    Parameters
    ----------
    X, y, W
        As in `logistic_loss_grad`. W is copied, not changed.
    learning_rate : float
        η, positive.
    steps : int
        Number of updates, at least 0.

    Returns
    -------
    Descent
        ``weights`` after the last step, and ``losses`` (steps + 1,), float64: the loss before
        each step and after the last.

    Raises
    ------
    ValueError
        If the learning rate or the number of steps is out of range, or as `logistic_loss_grad`.
    """
    if not learning_rate > 0 or steps < 0:
        raise ValueError(
            "expected learning_rate > 0 and steps >= 0, "
            f"got learning_rate={learning_rate} and steps={steps}."
        )
    weights = {name: np.array(w) for name, w in W.items()}
    losses = [stable_logistic_loss(y, predict(X, weights)[1])]
    for _ in range(steps):
        gradient = logistic_loss_grad(X, y, weights)
        for name, w in weights.items():
            w -= learning_rate * gradient[name]
        losses.append(stable_logistic_loss(y, predict(X, weights)[1]))
    return Descent(weights, np.array(losses))
