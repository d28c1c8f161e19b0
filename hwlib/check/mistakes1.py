"""Typical wrong answers of the NumPy chapters, with the hint that each deserves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.check.engine import Mistakes
from hwlib.check.values import Array
from hwlib.course import mistakes
from hwlib.losses import sigmoid, softplus, stable_logistic_loss
from hwlib.two_layer import Weights

Map = Callable[..., Any]

SIGMOID: Mistakes = {
    "sign of the exponent": lambda z: sigmoid(-z),
    "missing parentheses": lambda z: 1 + np.exp(-z),
    "tanh": np.tanh,
    "exponential only": np.exp,
    "softplus": softplus,
    "slope of the sigmoid": lambda z: sigmoid(z) * sigmoid(-z),
}


def _forward(
    X: Array, W: Weights, hidden: Map = sigmoid, output: Map = sigmoid
) -> tuple[Array, Array, Array]:
    z1 = X @ W["w1"]
    z2 = hidden(z1) @ W["w2"]
    return z1, z2, output(z2)


def _same(z: Array) -> Array:
    return z


PREDICT: Mistakes = {
    "no sigmoid in the hidden layer": lambda X, W: _forward(X, W, hidden=_same),
    "no sigmoid at the output": lambda X, W: _forward(X, W, output=_same),
    "sign in the sigmoid": lambda X, W: _forward(
        X, W, lambda z: sigmoid(-z), lambda z: sigmoid(-z)
    ),
    "tanh": lambda X, W: _forward(X, W, hidden=np.tanh),
    "tanh at both layers": lambda X, W: _forward(X, W, np.tanh, np.tanh),
    "ReLU": lambda X, W: _forward(X, W, hidden=lambda z: np.maximum(z, 0)),
    "z1 after its sigmoid": lambda X, W: (sigmoid(X @ W["w1"]), *_forward(X, W)[1:]),
    "z2 after its sigmoid": lambda X, W: [_forward(X, W)[i] for i in (0, 2, 2)],
    "sigmoid twice": lambda X, W: _forward(X, W, output=lambda z: sigmoid(sigmoid(z))),
    "softmax over the batch": lambda X, W: _forward(
        X, W, output=lambda z: np.exp(z) / np.exp(z).sum()
    ),
}


def _loss(y: Array, p: Array) -> float:
    return float(np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p)))


LOSS: Mistakes = {
    **mistakes.NAIVE_LOSSES,
    "sum instead of mean": lambda y, p: _loss(y, p) * len(y),
    "divided twice": lambda y, p: _loss(y, p) / len(y),
    "logarithm to base 2": lambda y, p: _loss(y, p) / np.log(2),
    "squared error": lambda y, p: np.mean((y - p) ** 2),
    "arguments swapped": lambda y, p: _loss(p, y),
    "sign of the first term": lambda y, p: np.mean(y * np.log(p) - (1 - y) * np.log(1 - p)),
    "first example only": lambda y, p: _loss(y[:1], p[:1]) / len(y),
    "row and column": lambda y, p: _loss(y.ravel(), p),
    "log1p for the logarithm": lambda y, p: np.mean(-y * np.log(p) - (1 - y) * np.log1p(p)),
}
STABLE: Mistakes = {
    "wrong sign in the exponent": mistakes.stable_loss_wrong_sign,
    "sum instead of mean": lambda y, z: stable_logistic_loss(y, z) * len(y),
    "divided twice": lambda y, z: stable_logistic_loss(y, z) / len(y),
    "label term missing": lambda _, z: np.mean(softplus(z)),
    "label 1 everywhere": lambda _, z: np.mean(softplus(-z)),
    "sign of the label term": lambda y, z: np.mean(softplus(z) + y * z),
    "labels swapped": lambda y, z: stable_logistic_loss(1 - y, z),
    "sign of the loss": lambda y, z: -stable_logistic_loss(y, z),
    "probabilities taken for logits": lambda y, z: stable_logistic_loss(y, sigmoid(z)),
    "row and column": lambda y, z: np.mean(
        y.ravel() * softplus(-z) + (1 - y.ravel()) * softplus(z)
    ),
}
# Two forms that are right on paper, at label 1 and large logits z: from where on is the loss 0?
SURE: dict[str, Map] = {
    "cancellation": lambda z: softplus(z) - z,
    "log for log1p": lambda z: np.log(1 + np.exp(-z)),
}
