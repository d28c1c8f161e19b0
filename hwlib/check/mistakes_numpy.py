"""Typical wrong answers of chapters 1 and 2, under the names of their hints."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from hwlib.check.engine import Mistakes
from hwlib.check.values import Array
from hwlib.course import mistakes
from hwlib.losses import logistic_loss, sigmoid, softplus, stable_logistic_loss
from hwlib.two_layer import Weights, logistic_loss_grad, predict

Map = Callable[..., Any]


def _turned(z: Array) -> Array:
    return sigmoid(-z)


SIGMOID: Mistakes = {
    "sign of the exponent": _turned,
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


PREDICT: Mistakes = {
    "no sigmoid in the hidden layer": partial(_forward, hidden=np.positive),
    "no sigmoid at the output": partial(_forward, output=np.positive),
    "sign in the sigmoid": partial(_forward, hidden=_turned, output=_turned),
    "tanh": partial(_forward, hidden=np.tanh),
    "tanh at both layers": partial(_forward, hidden=np.tanh, output=np.tanh),
    "ReLU": partial(_forward, hidden=lambda z: np.maximum(z, 0)),
    "z1 after its sigmoid": lambda X, W: (sigmoid(X @ W["w1"]), *_forward(X, W)[1:]),
    "z2 after its sigmoid": lambda X, W: [_forward(X, W)[i] for i in (0, 2, 2)],
    "sigmoid twice": partial(_forward, output=lambda z: sigmoid(sigmoid(z))),
    "softmax over the batch": partial(_forward, output=lambda z: np.exp(z) / np.exp(z).sum()),
}


LOSS: Mistakes = {
    **mistakes.NAIVE_LOSSES,
    "sum instead of mean": lambda y, p: logistic_loss(y, p) * len(y),
    "divided twice": lambda y, p: logistic_loss(y, p) / len(y),
    "logarithm to base 2": lambda y, p: logistic_loss(y, p) / np.log(2),
    "squared error": lambda y, p: np.mean((y - p) ** 2),
    "arguments swapped": lambda y, p: logistic_loss(p, y),
    "sign of the first term": lambda y, p: np.mean(y * np.log(p) - (1 - y) * np.log(1 - p)),
    "first example only": lambda y, p: logistic_loss(y[:1], p[:1]) / len(y),
    "row and column": lambda y, p: np.mean(
        -y.ravel() * np.log(p) - (1 - y.ravel()) * np.log(1 - p)
    ),
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


def _chain(
    X: Array,
    y: Array,
    W: Weights,
    slope: Map = lambda a, _: a * (1 - a),
    scale: Map = lambda *_: 1,
    back: Map = lambda delta, w2: delta @ w2.T,
) -> Weights:
    """The gradient with another slope of the hidden units, derivative by z2, or way back."""
    z1, _, yhat = predict(X, W)
    a1 = sigmoid(z1)
    delta = (yhat - y) / len(X) * scale(y, yhat)
    return {"w1": X.T @ (back(delta, W["w2"]) * slope(a1, z1)), "w2": a1.T @ delta}


def _times(factor: Callable[[Array, Weights], float]) -> Map:
    return lambda X, y, W: {n: factor(X, W) * g for n, g in logistic_loss_grad(X, y, W).items()}


GRADIENT: Mistakes = {
    "one product for the sum": mistakes.gradient_one_product,
    "links missing from the chain": mistakes.gradient_without_chain,
    "sign": _times(lambda *_: -1.0),
    "sum instead of mean": _times(lambda X, _: len(X)),
    "divided twice": _times(lambda X, _: 1 / len(X)),
    "slope of the sigmoid missing": partial(_chain, slope=lambda *_: 1),
    "half of the slope": partial(_chain, slope=lambda a, _: a),
    "slope of z1": partial(_chain, slope=lambda _, z: z * (1 - z)),
    "slope of tanh": partial(_chain, slope=lambda a, _: 1 - a**2),
    "sigmoid of the activation": partial(_chain, slope=lambda a, _: sigmoid(a) * sigmoid(-a)),
    "divided by the hidden units": _times(lambda X, W: len(X) / W["w1"].shape[1]),
    "divided by the features": _times(lambda X, _: len(X) / X.shape[1]),
    "sign, and sum instead of mean": _times(lambda X, _: -len(X)),
    "fixed batch size": _times(lambda X, _: len(X) / 7),
    "w2 missing": partial(_chain, back=lambda delta, _: delta),
    "gradient of the squared error": partial(_chain, scale=lambda _, p: p * (1 - p)),
    "slope not cancelled": partial(_chain, scale=lambda _, p: 1 / (p * (1 - p))),
    "label in the denominator": partial(_chain, scale=lambda t, p: np.divide(p, t)),
    "z1 in place of the activation": lambda X, y, W: {
        "w1": logistic_loss_grad(X, y, W)["w1"],
        "w2": (X @ W["w1"]).T @ (predict(X, W)[2] - y) / len(X),
    },
}


def _quotients(
    loss: Map, W: Weights, step: float, up: int = 1, down: int = 1, restored: bool = True
) -> Weights:
    """Differences between so many steps up and so many down."""
    gradient: Weights = {name: np.zeros(w.shape) for name, w in W.items()}
    point = {name: np.array(w, dtype=float) for name, w in W.items()}
    for name, w in point.items():
        for index in np.ndindex(w.shape):
            centre = w[index]
            w[index] = centre + up * step
            above = loss(point)
            w[index] = centre - down * step
            gradient[name][index] = (above - loss(point)) / ((up + down) * step)
            if restored:
                w[index] = centre
    return gradient


DIFFERENCES: Mistakes = {
    "one-sided": partial(_quotients, down=0),
    "one-sided, backwards": partial(_quotients, up=0),
    "no difference": lambda _, W, __: {name: 0 * w for name, w in W.items()},
    "step ignored": lambda loss, W, _: _quotients(loss, W, 1e-5),
    "weight not restored": partial(_quotients, restored=False),
}


def differences_of(X: Array, y: Array, W: Weights) -> Iterator[tuple[str, Weights]]:
    """The gradient by differences of the loss, with the steps that are used for it."""

    def loss(weights: Weights) -> float:
        return stable_logistic_loss(y, predict(X, weights)[1])

    mistake = "finite differences"
    for step in (1e-3, 1e-4, 1e-5, 6e-6, 1e-6, 1e-7, 1e-8):
        for down, ways in enumerate(("one way", "both ways")):
            yield f"{mistake}, step {step:g} {ways}", _quotients(loss, W, step, down=down)


def decayed(
    X: Array, y: Array, W: Weights, decay: float, penalty: Map = lambda w, c, _: c * w
) -> Weights:
    """Gradient of L + decay/2 · (sum of all squared weights), or with another derivative of that.

    ``penalty`` is the derivative, by the weights, the decay and the batch size.
    """
    plain = logistic_loss_grad(X, y, W)
    return {name: plain[name] + penalty(w, decay, len(X)) for name, w in W.items()}


DECAY: Mistakes = {
    "penalty missing": partial(decayed, penalty=lambda w, *_: 0 * w),
    "factor 2": partial(decayed, penalty=lambda w, c, _: 2 * c * w),
    "factor one half": partial(decayed, penalty=lambda w, c, _: c * w / 2),
    "sign of the penalty": partial(decayed, penalty=lambda w, c, _: -c * w),
    "penalty divided by the batch": partial(decayed, penalty=lambda w, c, n: c * w / n),
    "one layer only": partial(decayed, penalty=lambda w, c, _: c * w if w.shape[1] > 1 else 0 * w),
    "square of the weights": partial(decayed, penalty=lambda w, c, _: c / 2 * w**2),
    "sum of the penalty": lambda X, y, W, c: {
        name: g + c / 2 * sum((w**2).sum() for w in W.values())
        for name, g in logistic_loss_grad(X, y, W).items()
    },
}
