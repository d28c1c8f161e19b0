"""Checks of chapter 3: gradient descent, plain and with momentum."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from hwlib import losses, two_layer
from hwlib.check.engine import Answer, Mistakes, examine, task
from hwlib.check.examples import SIZES, draws, network, sizes_of
from hwlib.check.texts import HINTS
from hwlib.check.values import Array, Parts, any_array, as_array, named, several
from hwlib.two_layer import Weights


def _descent(
    X: Array, y: Array, W: Weights, rate: float, steps: int, kind: str = "right"
) -> tuple[Weights, Array]:
    """Gradient descent, right or with one mistake."""
    W = {name: W[name].copy() for name in ("w1", "w2")}
    output = 2 if kind == "probabilities" else 1
    curve = [losses.stable_logistic_loss(y, two_layer.predict(X, W)[output])]
    gradient = two_layer.logistic_loss_grad(X, y, W)
    for step in range(steps):
        for name in W:
            if kind == "in turn" or (kind != "one gradient" and name == "w1"):
                gradient = two_layer.logistic_loss_grad(X, y, W)
            stays = step > 0 if kind == "one step" else kind == "w2 only" and name == "w1"
            W[name] -= 0 if stays else rate * gradient[name]
        curve.append(losses.stable_logistic_loss(y, two_layer.predict(X, W)[output]))
    return W, np.array(curve)


DESCENT: Mistakes = {
    "second layer only": partial(_descent, kind="w2 only"),
    "uphill": lambda X, y, W, rate, steps: _descent(X, y, W, -rate, steps),
    "learning rate ignored": lambda X, y, W, _, steps: _descent(X, y, W, 1.0, steps),
    "layers in turn": partial(_descent, kind="in turn"),
    "losses of the probabilities": partial(_descent, kind="probabilities"),
    "gradient taken once": partial(_descent, kind="one gradient"),
    "return in the loop": partial(_descent, kind="one step"),
}


@task
def gradient_descent(answer: Answer) -> Iterator[str]:
    """Check ``my_gradient_descent(X, y, W, learning_rate, steps) -> (weights, losses)``."""
    sizes = (*SIZES, (6, 4, 5))
    X, y, W = network(*sizes[-1])
    rates = 5 * 2.0 ** np.arange(20)
    curves = (_descent(X, y, W, rate, 1)[1] for rate in rates)
    too_fast = next(r for r, (before, after) in zip(rates, curves, strict=False) if after > before)
    settings = ((0.5, 6), (0.0005, 9), (2.0, 3), (20.0, 7), (too_fast, 1), (0.5, 0))
    for size, (rate, steps) in zip((*sizes, sizes[-1], (7,)), settings, strict=True):
        X, y, W = network(*size)
        yield f"input: {sizes_of(W, X=X, y=y)}, learning_rate {rate}, steps {steps}"
        if not steps:
            yield "extreme inputs"
        args, mistakes = (X, y, W, rate, steps), DESCENT if steps else None
        yield from examine(answer, _descent, _read_descent, args, mistakes=mistakes)


def _read_descent(value: Any, right: Any) -> Parts:
    weights, curve = several(value, "the weights after the last step", "the losses").values()
    hint, steps = "", len(right[1]) - 1
    if any_array(curve).shape == (steps,) or not steps:
        hint = HINTS["losses"].format(steps=steps, losses=steps + 1)
    curve = as_array(curve, "losses", (steps + 1,), hint)
    return {**named("the last ")(weights, right[0]), "losses": curve}


def _momentum(
    gradient: Callable[[Array], Array],
    theta: Array,
    eta: float,
    mu: float,
    steps: int,
    ahead: bool = False,
) -> Array:
    """Descent with momentum, plain or with Nesterov's look ahead."""
    u = np.zeros_like(theta)
    for _ in range(steps):
        g = gradient(theta)
        u = mu * u + g
        theta = theta - eta * (g + mu * u if ahead else u)
    return theta


MOMENTUM: Mistakes = {
    "velocity forgotten": lambda g, theta, eta, _, n: _momentum(g, theta, eta, 0, n),
    "running mean": lambda g, theta, eta, mu, n: _momentum(g, theta, eta * (1 - mu), mu, n),
    "Nesterov": partial(_momentum, ahead=True),
    "steps + 1": lambda g, theta, eta, mu, n: _momentum(g, theta, eta, mu, n + 1),
    "uphill": lambda g, theta, eta, mu, n: _momentum(g, theta, -eta, mu, n),
    "steps - 1": lambda g, theta, eta, mu, n: _momentum(g, theta, eta, mu, n - 1),
    "rate twice": lambda g, theta, eta, mu, n: _momentum(g, theta, eta**2, mu, n),
    "gradient taken once": lambda g, theta, *args: _momentum(lambda _: g(theta), theta, *args),
    "rate and momentum swapped": lambda g, theta, eta, mu, n: _momentum(g, theta, mu, eta, n),
}


def _bowl(slopes: Array, point: Array) -> Array:
    return slopes * point + np.sin(point)


@task
def momentum_descent(answer: Answer) -> Iterator[str]:
    """Check ``my_momentum_descent(gradient, theta, learning_rate, momentum, steps)``."""
    rng = draws(7)
    settings = (
        ((3,), 0.05, 0.8, 5, "a bowl"),
        ((3,), 0.1, 0.6, 8, "a bowl"),
        ((2, 3), 0.1, 0.9, 4, "a bowl"),
        ((2,), 0.1, 0.7, 3, "a plane, the same array each time"),
        ((1,), 0.1, 0.9, 0, "a bowl"),
    )
    for shape, rate, momentum, steps, name in settings:
        theta, slopes = rng.standard_normal(shape), rng.uniform(1, 9, shape)
        # `partial` carries the slopes, so that each call gets its own copy of them.
        gradient = partial(_bowl if name == "a bowl" else lambda slopes, _: slopes, slopes)
        rates = f"learning_rate {rate}, momentum {momentum}"
        yield f"input: the gradient of {name}, theta {shape}, {rates}, steps {steps}"
        if not steps:
            yield "extreme inputs"
        args = (gradient, theta, rate, momentum, steps)
        read, mistakes = named("theta"), MOMENTUM if steps else None
        yield from examine(answer, _momentum, read, args, mistakes=mistakes)
