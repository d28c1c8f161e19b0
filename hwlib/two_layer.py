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
    check_labels,
    logistic_loss_logit_grad,
    sigmoid,
    sigmoid_and_slope,
    stable_logistic_loss,
)

# Rows of the hidden layer taken at a time between the two large matrix products: few enough to
# stay in the processor's cache through all operations, many enough to make Python's cost small.
ROWS = 256


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


def _check_weights(X: Float, W: Weights) -> tuple[Float, Float]:
    """Return w1 (D, K) and w2 (K, 1), once they are known to fit X (B, D) and each other."""
    missing = {"w1", "w2"} - set(W)
    if missing:
        raise ValueError(f'W: expected the keys "w1" and "w2", got {sorted(W)}; see init_weights.')
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
    return w1, w2


def _hidden_inputs(X: ArrayLike, W: Weights) -> tuple[Float, Float, Float]:
    """Return X (B, D), z1 = X w1 (B, K) and w2 (K, 1), all checked."""
    X = np.asarray(X)
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if X.ndim != 2 or X.size == 0:
        as_float("X", X)  # names an empty batch
    w1, w2 = _check_weights(X, W)
    z1 = X @ w1  # (B, K)
    # One NaN in a row of X makes the whole row of z1 NaN: looking there is K/D times cheaper.
    if np.isnan(z1).any():
        as_float("X", X)
        raise ValueError(
            "z1 = X @ w1 holds NaN: infinities of both signs met in one sum; scale X first."
        )
    return X, z1, w2


@np.errstate(under="ignore")
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
    _, z1, w2 = _hidden_inputs(X, W)
    z2 = sigmoid(z1) @ w2  # (B, 1)
    return z1, z2, sigmoid(z2)


@np.errstate(under="ignore")
def logistic_loss_grad(X: ArrayLike, y: ArrayLike, W: Weights) -> Weights:
    """∂L/∂w1 = Xᵀ((δ w2ᵀ) ⊙ a1 ⊙ (1 - a1)) and ∂L/∂w2 = a1ᵀ δ, with δ = (ŷ - y) / B.

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
    X, z1, w2 = _hidden_inputs(X, W)
    y = check_labels(y, "z", X[:, :1])
    B = X.dtype.type(len(X))
    w2_gradient = np.zeros(w2.shape, np.result_type(z1, w2))
    for start in range(0, len(X), ROWS):
        rows = slice(start, start + ROWS)
        a1, slope = sigmoid_and_slope(z1[rows])  # (ROWS, K) each
        delta = logistic_loss_logit_grad(y[rows], a1 @ w2, refine=False) / B  # (ROWS, 1)
        w2_gradient += a1.T @ delta
        # z1 is not needed again, and overwriting it is cheaper than touching new memory.
        np.multiply(slope, delta * w2.T, out=z1[rows])
    return {"w1": X.T @ z1, "w2": w2_gradient}


@np.errstate(under="ignore")
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
