"""Typical wrong answers of the NumPy chapters, with the hint that each deserves."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.check.engine import Array, known
from hwlib.course import mistakes
from hwlib.losses import sigmoid, softplus, stable_logistic_loss
from hwlib.two_layer import Weights

Map = Callable[..., Any]

SIGMOID = known(
    {
        "sign of the exponent": lambda z: sigmoid(-z),
        "missing parentheses": lambda z: 1 + np.exp(-z),
        "tanh": np.tanh,
        "exponential only": np.exp,
        "softplus": softplus,
    },
    {
        "sign of the exponent": "Try z = 3: the sigmoid of a large number is close to 1. Which "
        "sign does the exponent have?",
        "missing parentheses": "Try z = 0 by hand. In Python, division comes before addition: "
        "what exactly is divided?",
        "tanh": "The values go from -1 to 1. That is another S-shaped function.",
        "exponential only": "That is not bounded by 1: part of the fraction is missing.",
        "softplus": "That is the softplus; the sigmoid is its slope.",
    },
)


def _forward(
    X: Array, W: Weights, hidden: Map = sigmoid, output: Map = sigmoid
) -> tuple[Array, Array, Array]:
    z1 = X @ W["w1"]
    z2 = hidden(z1) @ W["w2"]
    return z1, z2, output(z2)


def _same(z: Array) -> Array:
    return z


PREDICT = known(
    {
        "no sigmoid in the hidden layer": lambda X, W: _forward(X, W, hidden=_same),
        "no sigmoid at the output": lambda X, W: _forward(X, W, output=_same),
        "sign in the sigmoid": lambda X, W: _forward(
            X, W, lambda z: sigmoid(-z), lambda z: sigmoid(-z)
        ),
        "tanh": lambda X, W: _forward(X, W, hidden=np.tanh),
        "tanh at both layers": lambda X, W: _forward(X, W, np.tanh, np.tanh),
        "ReLU": lambda X, W: _forward(X, W, hidden=lambda z: np.maximum(z, 0)),
        "z1 after its sigmoid": lambda X, W: (sigmoid(X @ W["w1"]), *_forward(X, W)[1:]),
        "z2 after its sigmoid": lambda X, W: (
            _forward(X, W)[0],
            _forward(X, W)[2],
            _forward(X, W)[2],
        ),
        "sigmoid twice": lambda X, W: _forward(X, W, output=lambda z: sigmoid(sigmoid(z))),
        "softmax over the batch": lambda X, W: _forward(
            X, W, output=lambda z: np.exp(z) / np.exp(z).sum()
        ),
    },
    {
        "no sigmoid in the hidden layer": "Without a sigmoid between the two layers they are one "
        "matrix product. What does the second layer multiply?",
        "no sigmoid at the output": "yhat is to be a probability, between 0 and 1. What turns a "
        "logit into one?",
        "sign in the sigmoid": "A large logit is to give a probability near 1. Which sign does "
        "the exponent of your sigmoid have?",
        "tanh": "tanh goes from -1 to 1; this network's units are sigmoids.",
        "tanh at both layers": "tanh goes from -1 to 1; a probability does not.",
        "ReLU": "The hidden units of this network are sigmoids, not rectified linear units.",
        "z1 after its sigmoid": "z1 is the input of the hidden units, before their sigmoid.",
        "z2 after its sigmoid": "z2 is the logit, before the last sigmoid: any real number.",
        "sigmoid twice": "One sigmoid too many: yhat is the sigmoid of z2, once.",
        "softmax over the batch": "The examples of a batch are independent: the probability of "
        "one must not depend on the others.",
    },
)


def _loss(y: Array, p: Array) -> float:
    return float(np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p)))


SUMMED = "Your loss is too large by a factor, the number of examples: a sum, or a mean over them?"
DIVIDED = (
    "Your loss is too small by a factor, the number of examples: was a mean divided once more?"
)
LOSS = known(
    {
        **mistakes.NAIVE_LOSSES,
        "sum instead of mean": lambda y, p: _loss(y, p) * len(y),
        "divided twice": lambda y, p: _loss(y, p) / len(y),
        "logarithm to base 2": lambda y, p: _loss(y, p) / np.log(2),
        "squared error": lambda y, p: np.mean((y - p) ** 2),
        "arguments swapped": lambda y, p: _loss(p, y),
        "log1p for the logarithm": lambda y, p: np.mean(-y * np.log(p) - (1 - y) * np.log1p(p)),
    },
    {
        "first term dropped": "An example with label 1 costs nothing in your loss.",
        "second term dropped": "An example with label 0 costs nothing in your loss.",
        "both signs turned": "A loss that is negative rewards mistakes: the logarithm of a "
        "probability is below 0.",
        "logarithm to base 10": "Your loss is 2.3 times too small: which logarithm is `np.log10`?",
        "same logarithm twice": "Both terms take the logarithm of the same number. The two labels "
        "ask for the probabilities of two events.",
        "labels swapped": "At label 1 a prediction near 1 is good. In your loss it is expensive: "
        "which label belongs to which term?",
        "sum instead of mean": SUMMED,
        "divided twice": DIVIDED,
        "logarithm to base 2": "Your loss is 1.44 times too large: which logarithm is it?",
        "squared error": "That is the mean squared error: which loss does maximum likelihood ask "
        "for?",
        "arguments swapped": "The logarithms are to be of the predictions, not of the labels.",
        "log1p for the logarithm": "log1p adds 1 to its argument: what is its logarithm of here?",
    },
)
STABLE = known(
    {
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
    },
    {
        "wrong sign in the exponent": "Your loss differs from the right one by exactly the mean of "
        "z2. Put in y = 0 and z2 = 3: a confident wrong answer must cost a lot. Which sign does "
        "the exponent have?",
        "sum instead of mean": SUMMED,
        "divided twice": DIVIDED,
        "label term missing": "Your loss does not depend on the label.",
        "label 1 everywhere": "Your loss treats every label as 1.",
        "sign of the label term": "A right and sure answer at label 1 gets more expensive the "
        "surer it is: which sign does the label's term have?",
        "labels swapped": "At label 1 a large logit is good. In your loss it is expensive.",
        "sign of the loss": "A loss that is negative rewards mistakes.",
        "probabilities taken for logits": "z2 is the logit; no sigmoid is needed before the "
        "softplus.",
        "row and column": "A row (B,) and a column (B, 1) make a matrix (B, B) when they meet: "
        "keep the column.",
    },
)
