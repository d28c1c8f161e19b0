"""Wrong on purpose: the mistakes of the NumPy part, one function each, for chapter 7 and tests.

Each function has the signature of the right one that it imitates, so that a check can run both
and recognise which mistake an answer holds. Nothing else in the package imports this module.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hwlib.losses import Float, sigmoid, softplus
from hwlib.two_layer import Weights, logistic_loss_grad, predict

# Three cells of one notebook. The gradient looks its helper up by name, at the time of the call.
CELLS_THAT_SHARE_A_NAME = (
    "def predict(X, W):\n    return X @ W\n",
    "def gradient(X, y, W):\n    return X.T @ (predict(X, W) - y) / len(X)\n",
    "def predict(model, loader, device):\n    return 'loss and accuracy'\n",
)


def stable_loss_wrong_sign(y: Float, z2: Float) -> float:
    """Mean of -y z2 + log(exp(-z2) + 1).

    Wrong: the exponent has the wrong sign. Right is log(1 + exp(z2)) - y z2, larger by z2.
    """
    return float(np.mean(-y * z2 + softplus(-z2)))


def stable_loss_one_softplus(y: Float, z2: Float) -> float:
    """Mean of ζ(z2) - y z2.

    Wrong in floating point only: for y = 1 and large z2 it subtracts nearly equal numbers.
    """
    return float(np.mean(softplus(z2) - y * z2))


def prediction_derivative_label_below(y: Float, yhat: Float) -> Float:
    """(ŷ - y) / (y (1 - ŷ)), one value per example.

    Wrong: the denominator holds the label. Right is (ŷ - y) / (ŷ (1 - ŷ)).
    """
    with np.errstate(divide="ignore"):
        return np.divide(yhat - y, y * (1 - yhat))


def gradient_one_product(X: Float, y: Float, W: Weights) -> Weights:
    """∂L/∂w2 with the slope σ'(w2_k a_k) of one product in place of the slope of the whole sum.

    Wrong: the logit is the sum of all K products, and its sigmoid cannot be taken one by one.
    """
    z1, _, yhat = predict(X, W)
    a1 = sigmoid(z1)  # (B, K)
    alone = sigmoid(a1 * W["w2"].T)  # (B, K)
    steepness = (yhat - y) / (yhat * (1 - yhat)) / len(X)  # (B, 1)
    w2 = (steepness * alone * (1 - alone) * a1).sum(axis=0)[:, None]  # (K, 1)
    return {**logistic_loss_grad(X, y, W), "w2": w2}


def gradient_without_chain(X: Float, y: Float, W: Weights) -> Weights:
    """∂L/∂w1 = Xᵀδ / B in every column.

    Wrong: the links through the hidden unit, w2 and σ'(z1), are missing, so that all hidden units
    get one and the same gradient.
    """
    delta = (predict(X, W)[2] - y) / len(X)  # (B, 1)
    w1 = np.repeat(X.T @ delta, W["w1"].shape[1], axis=1)  # (D, K)
    return {**logistic_loss_grad(X, y, W), "w1": w1}


def names_defined_twice(cells: Iterable[str]) -> dict[str, int]:
    """Names of functions that more than one of the source texts defines, and how often.

    This is no mistake but the check that finds one: a later definition replaces the earlier one
    for everybody who looks the name up from then on.

    Raises
    ------
    SyntaxError
        If a source text is not Python.
    """
    names = Counter(
        node.name
        for cell in cells
        for node in ast.parse(cell).body
        if isinstance(node, ast.FunctionDef)
    )
    return {name: count for name, count in names.items() if count > 1}


def wrong_naive_losses(y: Float, yhat: Float) -> dict[str, NDArray[np.floating]]:
    """Six losses with one mistake each, none reduced: what a test must be able to tell apart.

    The right one is -y log(ŷ) - (1 - y) log(1 - ŷ).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        yes, no = y * np.log(yhat), (1 - y) * np.log(1 - yhat)
        return {
            "first term dropped": -no,
            "second term dropped": -yes,
            "both signs turned": yes + no,
            "logarithm to base 10": -(yes + no) / np.log(10),
            "same logarithm twice": -y * np.log(1 - yhat) - no,
            "labels swapped": -(1 - y) * np.log(yhat) - y * np.log(1 - yhat),
        }
