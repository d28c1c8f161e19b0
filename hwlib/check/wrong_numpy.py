"""Typical wrong answers of the NumPy chapters, with the hint that each deserves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.check.engine import Array, Known
from hwlib.course import mistakes
from hwlib.losses import sigmoid, softplus, stable_logistic_loss
from hwlib.two_layer import Weights, logistic_loss_grad, predict

Map = Callable[..., Any]

SIGMOID = [
    Known("sign of the exponent", "Try z = 3: the sigmoid of a large number is close to 1. Which "
          "sign does the exponent have?", lambda z: sigmoid(-z)),
    Known("missing parentheses", "Try z = 0 by hand. In Python, division comes before addition: "
          "what exactly is divided?", lambda z: 1 + np.exp(-z)),
    Known("tanh", "The values go from -1 to 1. That is another S-shaped function.", np.tanh),
    Known("exponential only", "That is not bounded by 1: part of the fraction is missing.", np.exp),
    Known("softplus", "That is the softplus; the sigmoid is its slope.", softplus),
]  # fmt: skip


def _forward(
    X: Array, W: Weights, hidden: Map = sigmoid, output: Map = sigmoid
) -> tuple[Array, Array, Array]:
    z1 = X @ W["w1"]
    z2 = hidden(z1) @ W["w2"]
    return z1, z2, output(z2)


def _same(z: Array) -> Array:
    return z


PREDICT = [
    Known("no sigmoid in the hidden layer", "Without a sigmoid between the two layers they are one "
          "matrix product. What does the second layer multiply?",
          lambda X, W: _forward(X, W, hidden=_same)),
    Known("no sigmoid at the output", "yhat is to be a probability, between 0 and 1. What turns a "
          "logit into one?", lambda X, W: _forward(X, W, output=_same)),
    Known("sign in the sigmoid", "A large logit is to give a probability near 1. Which sign does "
          "the exponent of your sigmoid have?",
          lambda X, W: _forward(X, W, lambda z: sigmoid(-z), lambda z: sigmoid(-z))),
    Known("tanh", "tanh goes from -1 to 1; this network's units are sigmoids.",
          lambda X, W: _forward(X, W, hidden=np.tanh)),
    Known("tanh at both layers", "tanh goes from -1 to 1; a probability does not.",
          lambda X, W: _forward(X, W, np.tanh, np.tanh)),
    Known("ReLU", "The hidden units of this network are sigmoids, not rectified linear units.",
          lambda X, W: _forward(X, W, hidden=lambda z: np.maximum(z, 0))),
    Known("z1 after its sigmoid", "z1 is the input of the hidden units, before their sigmoid.",
          lambda X, W: (sigmoid(X @ W["w1"]), *_forward(X, W)[1:])),
    Known("z2 after its sigmoid", "z2 is the logit, before the last sigmoid: any real number.",
          lambda X, W: (_forward(X, W)[0], _forward(X, W)[2], _forward(X, W)[2])),
    Known("sigmoid twice", "One sigmoid too many: yhat is the sigmoid of z2, once.",
          lambda X, W: _forward(X, W, output=lambda z: sigmoid(sigmoid(z)))),
    Known("softmax over the batch", "The examples of a batch are independent: the probability of "
          "one must not depend on the others.",
          lambda X, W: _forward(X, W, output=lambda z: np.exp(z) / np.exp(z).sum())),
]  # fmt: skip

SUM = (
    "Your loss is {} times too large, and {} is the number of examples: a sum, or a mean over them?"
)


def _sum_hint(y: Array) -> str:
    return SUM.format(len(y), len(y))


def naive_losses(y: Array, yhat: Array) -> list[Known]:
    """The wrong losses of chapter 7 averaged over the batch, and some more."""
    hints = {
        "first term dropped": "An example with label 1 costs nothing in your loss.",
        "second term dropped": "An example with label 0 costs nothing in your loss.",
        "both signs turned": "A loss that is negative rewards mistakes: the logarithm of a "
        "probability is below 0.",
        "logarithm to base 10": "Your loss is 2.3 times too small: which logarithm is `np.log10`?",
        "same logarithm twice": "Both terms take the logarithm of the same number. The two labels "
        "ask for the probabilities of two events.",
        "labels swapped": "At label 1 a prediction near 1 is good. In your loss it is expensive: "
        "which label belongs to which term?",
    }
    n = len(y)
    right = float(np.mean(-y * np.log(yhat) - (1 - y) * np.log(1 - yhat)))
    found = [
        Known(name, hints[name], _constant(wrong(y, yhat)))
        for name, wrong in mistakes.NAIVE_LOSSES.items()
    ]
    swapped = float(np.mean(-yhat * np.log(np.clip(y, 1e-9, 1)) - (1 - yhat)
                            * np.log(np.clip(1 - y, 1e-9, 1))))  # fmt: skip
    return [
        *found,
        Known("sum instead of mean", _sum_hint(y), _constant(right * n)),
        Known("divided twice", f"Your loss is {n} times too small, the number of examples: was a "
              "mean divided once more?", _constant(right / n)),
        Known("logarithm to base 2", "Your loss is 1.44 times too large: which logarithm is it?",
              _constant(right / np.log(2))),
        Known("squared error", "That is the mean squared error: which loss does maximum likelihood "
              "ask for?", _constant(float(np.mean((y - yhat) ** 2)))),
        Known("arguments swapped", "The logarithms are to be of the predictions, not of the "
                                   "labels.",
              _constant(swapped)),
    ]  # fmt: skip


def stable_losses(y: Array, z: Array) -> list[Known]:
    """Wrong stable losses: the printed formula of chapter 7 and its relatives."""
    n, right = len(y), stable_logistic_loss(y, z)
    return [
        Known("wrong sign in the exponent", "Your loss differs from the right one by exactly the "
              "mean of z2. Put in y = 0 and z2 = 3: a confident wrong answer must cost a lot. "
              "Which "
              "sign does the exponent have?", _constant(mistakes.stable_loss_wrong_sign(y, z))),
        Known("sum instead of mean", _sum_hint(y), _constant(right * n)),
        Known("divided twice", f"Your loss is {n} times too small, the number of examples: was a "
              "mean divided once more?", _constant(right / n)),
        Known("label term missing", "Your loss does not depend on the label.",
              _constant(float(np.mean(softplus(z))))),
        Known("label 1 everywhere", "Your loss treats every label as 1.",
              _constant(float(np.mean(softplus(-z))))),
        Known("sign of the label term", "A right and sure answer at label 1 gets more expensive "
                                        "the "
              "surer it is: which sign does the label's term have?",
              _constant(float(np.mean(softplus(z) + y * z)))),
        Known("labels swapped", "At label 1 a large logit is good. In your loss it is expensive.",
              _constant(stable_logistic_loss(1 - y, z))),
        Known("sign of the loss", "A loss that is negative rewards mistakes.", _constant(-right)),
        Known("probabilities taken for logits", "z2 is the logit; no sigmoid is needed before the "
              "softplus.", _constant(stable_logistic_loss(y, sigmoid(z)))),
    ]  # fmt: skip


def _constant(value: float) -> Callable[..., float]:
    return lambda *_: value


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


def _times(factor: float | Callable[[Array], float]) -> Callable[..., Weights]:
    def scaled(X: Array, y: Array, W: Weights) -> Weights:
        f = factor(X) if callable(factor) else factor
        return {name: f * g for name, g in logistic_loss_grad(X, y, W).items()}

    return scaled


GRADIENT = [
    Known("one product for the sum", "Your gradient by w2 is a little off, the more so the larger "
          "the weights. The logit is the sum over all hidden units: is its sigmoid taken of the "
          "whole sum, or of one product?", mistakes.gradient_one_product),
    Known("links missing from the chain", "All columns of your gradient by w1 are equal, so all "
          "hidden units would be pushed alike. Which links lie between the logit and w1?",
          mistakes.gradient_without_chain),
    Known("sign", "Your gradient is the negative of the right one: is it label minus prediction?",
          _times(-1.0)),
    Known("sum instead of mean", "Your gradient is as many times too large as there are examples: "
          "the loss is a mean over them.", _times(len)),
    Known("divided twice", "Your gradient is too small by the number of examples: is it divided by "
          "B twice?", _times(lambda X: 1 / len(X))),
    Known("slope of the sigmoid missing", "The gradient by w2 is right. On the way to w1 the chain "
          "passes through the hidden sigmoid: where is its slope?",
          lambda X, y, W: _gradient(X, y, W, slope="none")),
    Known("half of the slope", "The slope of the hidden sigmoid has two factors; one of them is "
          "missing.", lambda X, y, W: _gradient(X, y, W, slope="a")),
    Known("slope of z1", "The slope a (1 - a) is written in the activations, not in z1.",
          lambda X, y, W: _gradient(X, y, W, slope="z(1-z)")),
    Known("w2 missing", "On the way to w1 the chain passes through the second layer: how much of "
          "the error is each hidden unit to blame "
          "for?", lambda X, y, W: _gradient(X, y, W, w2=False)),
    Known("gradient of the squared error", "There is one slope of the sigmoid too many at the "
          "output: with the logistic loss it cancels.",
          lambda X, y, W: _gradient(X, y, W, scale=lambda _, p: p * (1 - p))),
    Known("slope not cancelled", "The derivative by yhat stands alone: the slope of the last "
          "sigmoid is missing.",
          lambda X, y, W: _gradient(X, y, W, scale=lambda _, p: 1 / (p * (1 - p)))),
    Known("label in the denominator", "With a label of 0 your denominator is 0. Which of y and "
                                      "yhat "
          "stands below in the derivative of the loss?",
          lambda X, y, W: _gradient(
              X, y, W, scale=lambda t, p: np.divide(p * (1 - p), t * (1 - p)))),
    Known("z1 in place of the activation", "The second layer multiplies the activations, so its "
          "gradient holds the activations, and not z1.",
          lambda X, y, W: {"w1": logistic_loss_grad(X, y, W)["w1"],
                           "w2": X.shape[0] ** -1 * (X @ W["w1"]).T @ (predict(X, W)[2] - y)}),
]  # fmt: skip
