"""Wrong on purpose: the mistakes of the NumPy part, one function each, for chapter 7 and tests.

Each function has the signature of the right one that it imitates, so that a check can run both
and recognise which mistake an answer holds. Its docstring says what is wrong, and what is right.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from hwlib.losses import Float, sigmoid, softplus
from hwlib.two_layer import Weights, logistic_loss_grad, predict

# Three cells of one notebook. The gradient looks its helper up by name, at the time of the call.
CELLS_THAT_SHARE_A_NAME = (
    "def predict(X, W):\n    return X @ W\n",
    "def gradient(X, y, W):\n    return X.T @ (predict(X, W) - y) / len(X)\n",
    "def predict(model, loader, device):\n    return 'loss and accuracy'\n",
)


# By the names that chapter 7 and the checks show. Right: mean of -y log(ŷ) - (1 - y) log(1 - ŷ).
NAIVE_LOSSES: dict[str, Callable[[Float, Float], Any]] = {
    "first term dropped": lambda y, p: np.mean(-(1 - y) * np.log(1 - p)),
    "second term dropped": lambda y, p: np.mean(-y * np.log(p)),
    "both signs turned": lambda y, p: np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)),
    "logarithm to base 10": lambda y, p: np.mean(-y * np.log10(p) - (1 - y) * np.log10(1 - p)),
    "same logarithm twice": lambda y, p: np.mean(-y * np.log(1 - p) - (1 - y) * np.log(1 - p)),
    "labels swapped": lambda y, p: np.mean(-(1 - y) * np.log(p) - y * np.log(1 - p)),
}


def stable_loss_wrong_sign(y: Float, z2: Float) -> float:
    """Wrong: exp(-z2) for exp(z2). Right: mean of log(1 + exp(z2)) - y z2, larger by z2."""
    return float(np.mean(-y * z2 + softplus(-z2)))


def stable_loss_one_softplus(y: Float, z2: Float) -> float:
    """Wrong: ζ(z2) - y z2 cancels for y = 1 and large z2. Right: mean of y ζ(-z2) + (1 - y) ζ(z2).

    In real numbers both are the same; in floating point they are not.
    """
    return float(np.mean(softplus(z2) - y * z2))


def prediction_derivative_label_below(y: Float, yhat: Float) -> Float:
    """Wrong: the label in the denominator. Right: (ŷ - y) / (ŷ (1 - ŷ)), one value per example."""
    with np.errstate(divide="ignore"):
        return np.divide(yhat - y, y * (1 - yhat))


def gradient_one_product(X: Float, y: Float, W: Weights) -> Weights:
    """Wrong: the slope σ'(w2_k a_k) of one product. Right: the slope σ'(z2) of the whole sum.

    The logit is the sum of all K products, and its sigmoid cannot be taken one by one.
    """
    z1, _, yhat = predict(X, W)
    a1 = sigmoid(z1)  # (B, K)
    alone = sigmoid(a1 * W["w2"].T)  # (B, K)
    steepness = (yhat - y) / (yhat * (1 - yhat)) / len(X)  # (B, 1)
    w2 = (steepness * alone * (1 - alone) * a1).sum(axis=0)[:, None]  # (K, 1)
    return {**logistic_loss_grad(X, y, W), "w2": w2}


def gradient_without_chain(X: Float, y: Float, W: Weights) -> Weights:
    """Wrong: ∂L/∂w1 = Xᵀδ / B in every column. Right: Xᵀ(δ w2ᵀ ⊙ σ'(z1)) / B.

    The links through the hidden unit, w2 and σ'(z1), are missing: all hidden units get the same.
    """
    delta = (predict(X, W)[2] - y) / len(X)  # (B, 1)
    w1 = np.repeat(X.T @ delta, W["w1"].shape[1], axis=1)  # (D, K)
    return {**logistic_loss_grad(X, y, W), "w1": w1}


def names_defined_twice(cells: Iterable[str]) -> dict[str, int]:
    """Names of functions that more than one of the source texts defines, and how often.

    This is no mistake but the check that finds one: a later definition replaces the earlier one
    for everybody who looks the name up from then on. SyntaxError if a text is not Python.
    """
    names = Counter(
        node.name
        for cell in cells
        for node in ast.parse(cell).body
        if isinstance(node, ast.FunctionDef)
    )
    return {name: count for name, count in names.items() if count > 1}
