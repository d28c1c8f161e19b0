"""Checks of chapter 3: gradient descent, plain and with momentum."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib import losses, two_layer
from hwlib.check.chapter2 import read_weights
from hwlib.check.engine import Array, Parts, as_array, examine, known, pair, reader, task
from hwlib.check.examples import SIZES, network, sizes_of
from hwlib.two_layer import Weights


def _descend(
    X: Array, y: Array, W: Weights, learning_rate: float, steps: int, kind: str
) -> tuple[Weights, Array]:
    """Gradient descent with one mistake."""
    W = {name: w.copy() for name, w in W.items()}
    loss = lambda: losses.stable_logistic_loss(y, two_layer.predict(X, W)[1])  # noqa: E731
    curve = [loss()]
    first = two_layer.logistic_loss_grad(X, y, W)
    for _ in range(steps):
        gradient = two_layer.logistic_loss_grad(X, y, W)
        for name in W:
            if kind == "in turn":
                gradient = two_layer.logistic_loss_grad(X, y, W)
            g = first[name] if kind == "one gradient" else gradient[name]
            rate = {"ascent": -learning_rate, "no rate": 1.0}.get(kind, learning_rate)
            W[name] -= rate * g * (kind != "w2 only" or name == "w2")
        curve.append(loss())
        if kind == "one step":
            curve += [curve[-1]] * (steps - 1)
            break
    return W, np.array(curve)


def _wrong_descent(kind: str) -> Callable[..., object]:
    return lambda X, y, W, learning_rate, steps: _descend(X, y, W, learning_rate, steps, kind)


DESCENT = known(
    {
        "second layer only": _wrong_descent("w2 only"),
        "uphill": _wrong_descent("ascent"),
        "learning rate ignored": _wrong_descent("no rate"),
        "layers in turn": _wrong_descent("in turn"),
        "gradient taken once": _wrong_descent("one gradient"),
        "return in the loop": _wrong_descent("one step"),
    },
    {
        "second layer only": "Your first layer never moves.",
        "uphill": "Your loss rises: the gradient points uphill.",
        "learning rate ignored": "Your step does not depend on the learning rate.",
        "layers in turn": "Your second layer sees the first one already changed: both gradients "
        "of a step are taken at the same weights.",
        "gradient taken once": "The gradient changes with the weights: where is it computed, "
        "before the loop or in it?",
        "return in the loop": "Only one step was taken. How far is `return` indented?",
    },
)


def _right_descent(X: Array, y: Array, W: Weights, rate: float, steps: int) -> Any:
    return two_layer.gradient_descent(X, y, W, learning_rate=rate, steps=steps)


@task
def gradient_descent(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_gradient_descent(X, y, W, learning_rate, steps) -> (weights, losses)``."""
    settings = ((0.5, 6), (0.01, 9), (2.0, 3))
    for size, (rate, steps) in zip(SIZES, settings, strict=True):
        yield from _descended(answer, *network(*size), rate, steps)
    yield "extreme inputs"
    yield from _descended(answer, *network(7), 0.5, 0)


def _descended(
    answer: Callable[..., Any], X: Array, y: Array, W: Weights, rate: float, steps: int
) -> Iterator[str]:
    given = f"{sizes_of(X, W)}, learning_rate {rate}, steps {steps}"
    weights_of = read_weights(W, given, "the last ")

    def read(value: Any) -> Parts:
        what = "the weights after the last step, and the losses"
        weights, curve = pair(value, given, what)
        hint = ""
        if steps and np.shape(curve) in ((steps,), (1,)):
            hint = (
                f"{steps} steps have {steps + 1} losses: one before the first step, and one after "
                "each."
            )
        elif not steps:
            hint = "Without a step there is one loss."
        curve = as_array(curve, "losses", (steps + 1,), given=given, hint=hint)
        return {**weights_of(weights), "losses": curve}

    args, known = (X, y, W, rate, steps), DESCENT if steps else ()
    yield from examine(answer, _right_descent, read, args, given=given, mistakes=known)


def _momentum(kind: str) -> Callable[..., Array]:
    def descend(
        gradient: Callable[[Array], Array], theta: Array, eta: float, mu: float, steps: int
    ) -> Array:
        theta = np.array(theta, dtype=float)
        u: Array = np.zeros(np.shape(theta))
        for _ in range(steps):
            g = gradient(theta)
            u = g if kind == "forgotten" else mu * u + (1 - mu if kind == "mean" else 1) * g
            theta = theta - eta * (g + mu * u if kind == "nesterov" else u)
            if kind == "rate twice":
                theta = theta + eta * u - eta * eta * u
        return theta

    return descend


MOMENTUM = known(
    {
        "velocity forgotten": _momentum("forgotten"),
        "running mean": _momentum("mean"),
        "Nesterov": _momentum("nesterov"),
        "steps + 1": lambda g, t, eta, mu, steps: _momentum("plain")(g, t, eta, mu, steps + 1),
        "rate twice": _momentum("rate twice"),
    },
    {
        "velocity forgotten": "That is plain gradient descent: is the velocity set to 0 inside "
        "the loop?",
        "running mean": "Your velocity is a mean of gradients. Here it is a sum: the new gradient "
        "enters undiminished.",
        "Nesterov": "That is Nesterov momentum, which looks ahead. Asked for is the plain one.",
        "steps + 1": "One step more was taken than asked for.",
        "rate twice": "The learning rate enters twice.",
    },
)


@task
def momentum_descent(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_momentum_descent(gradient, theta, learning_rate, momentum, steps)``."""
    settings = (([2.0, -1.0, 0.5], 0.05, 0.8, 5), ([1.5, -0.5], 0.1, 0.6, 8), ([1.0], 0.1, 0.9, 0))
    for theta, rate, momentum, steps in settings:
        bowl = np.array([1.0, 4.0, 9.0])[: len(theta)]

        def gradient(point: Array, bowl: Array = bowl) -> Array:
            return bowl * point + np.sin(point)

        given = f"theta = {theta}, learning_rate {rate}, momentum {momentum}, steps {steps}"
        args = (gradient, np.array(theta), rate, momentum, steps)
        read, known = reader("theta", (len(theta),), given), MOMENTUM if steps else ()
        yield from examine(answer, _momentum("plain"), read, args, given=given, mistakes=known)
        if steps == 8:
            yield "extreme inputs"
