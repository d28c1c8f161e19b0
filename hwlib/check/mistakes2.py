"""Typical wrong gradients, differences and penalties, with the hint that each deserves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.check.engine import Array, known
from hwlib.course import mistakes
from hwlib.losses import sigmoid
from hwlib.two_layer import Weights, logistic_loss_grad, predict

Map = Callable[..., Any]


def _gradient(
    X: Array,
    y: Array,
    W: Weights,
    *,
    w2: bool = True,
    slope: str = "a(1-a)",
    scale: Map | None = None,
) -> Weights:
    z1, _, yhat = predict(X, W)
    a1 = sigmoid(z1)
    delta = (yhat - y) / len(X)
    if scale is not None:
        delta = delta * scale(y, yhat)
    back = delta @ W["w2"].T if w2 else delta
    factor: Any = {"a(1-a)": a1 * (1 - a1), "none": 1.0, "a": a1, "z(1-z)": z1 * (1 - z1)}[slope]
    return {"w1": X.T @ (back * factor), "w2": a1.T @ delta}


def _times(factor: Callable[[Array, Weights], float]) -> Callable[..., Weights]:
    def scaled(X: Array, y: Array, W: Weights) -> Weights:
        return {name: factor(X, W) * g for name, g in logistic_loss_grad(X, y, W).items()}

    return scaled


def _tanh_slope(X: Array, y: Array, W: Weights) -> Weights:
    a1 = sigmoid(X @ W["w1"])
    delta = (predict(X, W)[2] - y) / len(X)
    return {"w1": X.T @ (delta @ W["w2"].T * (1 - a1**2)), "w2": a1.T @ delta}


GRADIENT = known(
    {
        "one product for the sum": mistakes.gradient_one_product,
        "links missing from the chain": mistakes.gradient_without_chain,
        "sign": _times(lambda *_: -1.0),
        "sum instead of mean": _times(lambda X, _: len(X)),
        "divided twice": _times(lambda X, _: 1 / len(X)),
        "slope of the sigmoid missing": lambda X, y, W: _gradient(X, y, W, slope="none"),
        "half of the slope": lambda X, y, W: _gradient(X, y, W, slope="a"),
        "slope of z1": lambda X, y, W: _gradient(X, y, W, slope="z(1-z)"),
        "slope of tanh": _tanh_slope,
        "divided by the hidden units": _times(lambda X, W: len(X) / W["w1"].shape[1]),
        "divided by the features": _times(lambda X, _: len(X) / X.shape[1]),
        "sign, and sum instead of mean": _times(lambda X, _: -len(X)),
        "w2 missing": lambda X, y, W: _gradient(X, y, W, w2=False),
        "gradient of the squared error": lambda X, y, W: _gradient(
            X, y, W, scale=lambda _, p: p * (1 - p)
        ),
        "slope not cancelled": lambda X, y, W: _gradient(
            X, y, W, scale=lambda _, p: 1 / (p * (1 - p))
        ),
        "label in the denominator": lambda X, y, W: _gradient(
            X, y, W, scale=lambda t, p: np.divide(p * (1 - p), t * (1 - p))
        ),
        "z1 in place of the activation": lambda X, y, W: {
            "w1": logistic_loss_grad(X, y, W)["w1"],
            "w2": X.shape[0] ** (-1) * (X @ W["w1"]).T @ (predict(X, W)[2] - y),
        },
    },
    {
        "one product for the sum": "Your gradient by w2 is a little off, the more so the larger "
        "the weights. The logit is the sum over all hidden units: is its sigmoid taken of the "
        "whole sum, or of one product?",
        "links missing from the chain": "All columns of your gradient by w1 are equal, so all "
        "hidden units would be pushed alike. Which links lie between the logit and w1?",
        "sign": "Your gradient is the negative of the right one: is it label minus prediction?",
        "sum instead of mean": "Your gradient is as many times too large as there are examples: "
        "the loss is a mean over them.",
        "divided twice": "Your gradient is too small by the number of examples: is it divided by "
        "B twice?",
        "slope of the sigmoid missing": "The gradient by w2 is right. On the way to w1 the chain "
        "passes through the hidden sigmoid: where is its slope?",
        "half of the slope": "The slope of the hidden sigmoid has two factors; one of them is "
        "missing.",
        "slope of tanh": "1 - a² is the slope of tanh; the hidden units are sigmoids.",
        "divided by the hidden units": "The mean is over the examples, and not over the hidden "
        "units.",
        "divided by the features": "The mean is over the examples, and not over the features.",
        "sign, and sum instead of mean": "Your gradient is the negative of the right one: is it "
        "label minus prediction? And it is a sum, where the loss is a mean.",
        "slope of z1": "The slope a (1 - a) is written in the activations, not in z1.",
        "w2 missing": "On the way to w1 the chain passes through the second layer: how much of "
        "the error is each hidden unit to blame for?",
        "gradient of the squared error": "There is one slope of the sigmoid too many at the "
        "output: with the logistic loss it cancels.",
        "slope not cancelled": "The derivative by yhat stands alone: the slope of the last "
        "sigmoid is missing.",
        "label in the denominator": "With a label of 0 your denominator is 0. Which of y and yhat "
        "stands below in the derivative of the loss?",
        "z1 in place of the activation": "The second layer multiplies the activations, so its "
        "gradient holds the activations, and not z1.",
    },
)


def _quotients(kind: str) -> Callable[..., Weights]:
    """Wrong finite differences of one kind."""

    def difference(loss: Callable[[Weights], float], W: Weights, step: float) -> Weights:
        gradient: Weights = {name: np.zeros(w.shape) for name, w in W.items()}
        point = {name: np.array(w, dtype=float) for name, w in W.items()}
        for name, w in point.items():
            for index in np.ndindex(w.shape):
                centre = w[index]
                here, w[index] = loss(point), centre + step
                above, w[index] = loss(point), centre - step
                below = loss(point)
                if kind != "not restored":
                    w[index] = centre
                gradient[name][index] = {
                    "one-sided": (above - here) / step,
                    "backward": (here - below) / step,
                    "not restored": (above - below) / (2 * step),
                }[kind]
        return gradient

    return difference


DIFFERENCES = known(
    {
        "one-sided": _quotients("one-sided"),
        "one-sided, backwards": _quotients("backward"),
        "weight not restored": _quotients("not restored"),
    },
    {
        "one-sided": "That is the difference in one direction, whose error shrinks with the step "
        "only, not with its square. Go both ways.",
        "one-sided, backwards": "That is the difference in one direction, whose error shrinks "
        "with the step only, not with its square. Go both ways.",
        "weight not restored": "The first entry is right and the later ones are not: is each "
        "weight put back before the next one is nudged?",
    },
)


def _decay_variant(change: Callable[[Weights, float, int], Weights]) -> Callable[..., Weights]:
    def gradient(X: Array, y: Array, W: Weights, decay: float) -> Weights:
        plain, extra = logistic_loss_grad(X, y, W), change(W, decay, len(X))
        return {name: plain[name] + extra[name] for name in W}

    return gradient


DECAY = known(
    {
        "penalty missing": _decay_variant(lambda W, *_: {name: 0 * w for name, w in W.items()}),
        "factor 2": _decay_variant(lambda W, c, _: {name: 2 * c * w for name, w in W.items()}),
        "factor one half": _decay_variant(
            lambda W, c, _: {name: c * w / 2 for name, w in W.items()}
        ),
        "sign of the penalty": _decay_variant(
            lambda W, c, _: {name: -c * w for name, w in W.items()}
        ),
        "penalty divided by the batch": _decay_variant(
            lambda W, c, n: {name: c * w / n for name, w in W.items()}
        ),
        "one layer only": _decay_variant(lambda W, c, _: {"w1": c * W["w1"], "w2": 0 * W["w2"]}),
    },
    {
        "penalty missing": "That is the gradient without the penalty.",
        "factor 2": "The penalty has a factor of one half. What is the derivative of w² / 2?",
        "factor one half": "The penalty is a square. What is the derivative of w² / 2?",
        "sign of the penalty": "With your sign the penalty rewards large weights.",
        "penalty divided by the batch": "The penalty belongs to the weights, not to the examples: "
        "it is added once, whatever the size of the batch.",
        "one layer only": "The penalty is on all weights, of both layers.",
    },
)
