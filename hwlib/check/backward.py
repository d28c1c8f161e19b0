"""Checks of chapters 2 and 3: gradients, finite differences, and descents."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from hwlib import gradcheck, losses, two_layer
from hwlib.check import wrong_numpy
from hwlib.check.engine import (
    Array,
    Known,
    Parts,
    as_array,
    call,
    compare,
    describe,
    evaluate_known,
    near,
    number,
    task,
)
from hwlib.check.forward import network
from hwlib.check.outcome import Fault
from hwlib.two_layer import Weights

Read = Callable[[Any], Parts]


def _reader(W: Weights, given: str, what: str = "the gradient by ") -> Read:
    """Read a dictionary with one array for each array of weights."""

    def read(value: Any) -> Parts:
        if not isinstance(value, Mapping) or set(value) != set(W):
            raise Fault(
                "does not return one array for each array of weights",
                given=given,
                got=describe(value),
                expected="a dictionary with the keys " + ", ".join(map(repr, W)),
                hint='Return {"w1": ..., "w2": ...}.',
                mistake="keys",
            )
        return {
            f"{what}{name}": as_array(value[name], f"{what}{name}", w.shape, given=given)
            for name, w in W.items()
        }

    return read


def _sizes(X: Array, W: Weights) -> str:
    return f"X {X.shape}, y {(len(X), 1)}, w1 {W['w1'].shape}, w2 {W['w2'].shape}"


@task
def logistic_loss_grad(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_logistic_loss_grad(X, y, W) -> {"w1", "w2"}``: the gradient of the mean loss."""
    X, y, W = network(7)
    given = _sizes(X, W)
    read = _reader(W, given)
    yield "shape and dtype"
    got = read(call(answer, X, y, W, given=given))
    yield "value"
    compare(got, read(two_layer.logistic_loss_grad(X, y, W)), given=given, sizes=[("7", 7)],
            known=evaluate_known(wrong_numpy.GRADIENT, read, X, y, W))  # fmt: skip
    yield "gradient"
    X, y, W = network(3, seed=2)
    given = _sizes(X, W)
    _judge(_reader(W, given)(call(answer, X, y, W, given=given)), X, y, W, given)
    yield "extreme inputs"
    X, y, W = network(7)
    W = {"w1": W["w1"], "w2": 1000 * W["w2"]}
    given = "w2 1000 times as large: every prediction is 0 or 1 after rounding"
    got = _reader(W, given)(call(answer, X, y, W, given=given))
    if not all(np.isfinite(part).all() for part in got.values()):
        raise Fault(
            "is not finite for a very sure network",
            given=given,
            got="nan or inf",
            expected="finite numbers",
            hint="The prediction is rounded to 0 or 1, and something divides by it. On paper that "
            "denominator cancels: cancel it before computing.",
            mistake="0 / 0",
        )
    right = two_layer.logistic_loss_grad(X, y, W)
    compare(got, _reader(W, given)(right), given=given, known={}, rtol=1e-3)


def _judge(got: Parts, X: Array, y: Array, W: Weights, given: str) -> None:
    """Compare with finite differences of the loss, which know nothing of any formula."""
    quotients = gradcheck.numerical_gradient(
        lambda weights: losses.stable_logistic_loss(y, two_layer.predict(X, weights)[1]), W
    )
    for (name, mine), (key, q) in zip(got.items(), quotients.items(), strict=True):
        if near(mine, q, 1e-3):
            continue
        place = np.unravel_index(int(np.argmax(np.abs(mine - q))), q.shape)
        index = tuple(int(i) for i in place)
        raise Fault(
            "disagrees with the finite differences of the loss",
            given=f"{given}, another batch",
            got=f"{name}{list(index)} = {number(mine[index])}",
            expected=f"about {number(q[index])}: nudge {key}{list(index)} and watch the loss",
            hint="It was right for the first batch and is not for this one: does a size, or an "
            "array from outside, stand in the function?",
            mistake="tied to one batch",
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


DIFFERENCES = [
    Known("one-sided", "That is the difference in one direction, whose error shrinks with the step "
          "only, not with its square. Go both ways.", _quotients("one-sided")),
    Known("one-sided, backwards", "That is the difference in one direction, whose error shrinks "
          "with the step only, not with its square. Go both ways.", _quotients("backward")),
    Known("weight not restored", "The first entry is right and the later ones are not: is each "
          "weight put back before the next one is nudged?", _quotients("not restored")),
]  # fmt: skip


@task
def numerical_gradient(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_numerical_gradient(loss, weights, step)``: central differences for any loss."""
    W = {"a": np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]), "b": np.array([[1.0], [-2.0]])}
    step = 0.01
    given = "the loss sum(a³) + sum(b³) + a[0, 0]² b[0, 0]², a (2, 3), b (2, 1), step 0.01"

    def loss(weights: Weights) -> float:
        a, b = np.asarray(weights["a"]), np.asarray(weights["b"])
        return float((a**3).sum() + (b**3).sum() + (a[0, 0] * b[0, 0]) ** 2)

    read = _reader(W, given)
    yield "shape and dtype"
    got = read(call(answer, loss, W, step, given=given))
    yield "value"
    right = gradcheck.numerical_gradient(loss, W, step)
    compare(got, read(right), given=given, known=evaluate_known(DIFFERENCES, read, loss, W, step),
            sizes=[("2", 2), ("the step", step), ("2 · step", 2 * step)], rtol=1e-6)  # fmt: skip


def decayed(X: Array, y: Array, W: Weights, decay: float) -> Weights:
    """Gradient of L + decay/2 · (sum of all squared weights)."""
    gradient = two_layer.logistic_loss_grad(X, y, W)
    return {name: gradient[name] + decay * w for name, w in W.items()}


def _decay_variant(change: Callable[[Weights, float, int], Weights]) -> Callable[..., Weights]:
    def gradient(X: Array, y: Array, W: Weights, decay: float) -> Weights:
        plain, extra = two_layer.logistic_loss_grad(X, y, W), change(W, decay, len(X))
        return {name: plain[name] + extra[name] for name in W}

    return gradient


DECAY = [
    Known("penalty missing", "That is the gradient without the penalty.",
          _decay_variant(lambda W, *_: {name: 0 * w for name, w in W.items()})),
    Known("factor 2", "The penalty has a factor of one half. What is the derivative of w² / 2?",
          _decay_variant(lambda W, c, _: {name: 2 * c * w for name, w in W.items()})),
    Known("factor one half", "The penalty is a square. What is the derivative of w² / 2?",
          _decay_variant(lambda W, c, _: {name: c * w / 2 for name, w in W.items()})),
    Known("sign of the penalty", "With your sign the penalty rewards large weights.",
          _decay_variant(lambda W, c, _: {name: -c * w for name, w in W.items()})),
    Known("penalty divided by the batch", "The penalty belongs to the weights, not to the "
                                          "examples: "
          "it is added once, whatever the size of the batch.",
          _decay_variant(lambda W, c, n: {name: c * w / n for name, w in W.items()})),
    Known("one layer only", "The penalty is on all weights, of both layers.",
          _decay_variant(lambda W, c, _: {"w1": c * W["w1"], "w2": 0 * W["w2"]})),
]  # fmt: skip


@task
def decayed_gradient(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_decayed_gradient(X, y, W, decay)``: with a penalty on squared weights."""
    X, y, W = network(7)
    given = f"{_sizes(X, W)}, decay 0.3"
    read = _reader(W, given)
    yield "shape and dtype"
    got = read(call(answer, X, y, W, 0.3, given=given))
    yield "value"
    compare(got, read(decayed(X, y, W, 0.3)), given=given,
            known=evaluate_known(DECAY, read, X, y, W, 0.3))  # fmt: skip


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
            W[name] -= rate * g
        curve.append(loss())
        if kind == "one step":
            curve += [curve[-1]] * (steps - 1)
            break
    return W, np.array(curve)


def _wrong_descent(kind: str) -> Callable[..., object]:
    return lambda X, y, W, learning_rate, steps: _descend(X, y, W, learning_rate, steps, kind)


DESCENT = [
    Known("uphill", "Your loss rises: the gradient points uphill.", _wrong_descent("ascent")),
    Known("learning rate ignored", "Your step does not depend on the learning rate.",
          _wrong_descent("no rate")),
    Known("layers in turn", "Your second layer sees the first one already changed: both gradients "
          "of a step are taken at the same weights.", _wrong_descent("in turn")),
    Known("gradient taken once", "The gradient changes with the weights: where is it computed, "
          "before the loop or in it?", _wrong_descent("one gradient")),
    Known("return in the loop", "Only one step was taken. How far is `return` indented?",
          _wrong_descent("one step")),
]  # fmt: skip


@task
def gradient_descent(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_gradient_descent(X, y, W, learning_rate, steps) -> (weights, losses)``."""
    X, y, W = network(7)
    args = (X, y, W, 0.5, 6)
    given = f"{_sizes(X, W)}, learning_rate 0.5, steps 6"
    weights_of = _reader(W, given, "the last ")

    def read(value: Any) -> Parts:
        weights, curve = _pair(value, given)
        hint = ""
        if np.shape(curve) in ((6,), (1,)):
            hint = "6 steps have 7 losses: one before the first step, and one after each."
        return {**weights_of(weights),
                "losses": as_array(curve, "losses", (7,), given=given, hint=hint)}  # fmt: skip

    yield "shape and dtype"
    got = read(call(answer, *args, given=given))
    yield "value"
    right = two_layer.gradient_descent(X, y, W, learning_rate=0.5, steps=6)
    compare(got, read(right), given=given, known=evaluate_known(DESCENT, read, *args))
    yield "extreme inputs"
    none = f"{_sizes(X, W)}, steps 0"
    weights, curve = _pair(call(answer, X, y, W, 0.5, 0, given=none), none)
    as_array(curve, "losses", (1,), given=none, hint="Without a step there is one loss.")
    compare(_reader(W, none)(weights), _reader(W, none)(W), given=none, known={})


def _pair(value: Any, given: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Fault(
            "does not return two results", given=given, got=describe(value),
            expected="the weights after the last step, and the losses",
            hint="`return weights, losses`", mistake="number of results",
        )  # fmt: skip
    return value[0], value[1]


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


MOMENTUM = [
    Known("velocity forgotten", "That is plain gradient descent: is the velocity set to 0 "
                                "inside the "
          "loop?", _momentum("forgotten")),
    Known("running mean", "Your velocity is a mean of gradients. Here it is a sum: the new "
                          "gradient "
          "enters undiminished.", _momentum("mean")),
    Known("Nesterov", "That is Nesterov momentum, which looks ahead. Asked for is the plain one.",
          _momentum("nesterov")),
    Known("rate twice", "The learning rate enters twice.", _momentum("rate twice")),
]  # fmt: skip


@task
def momentum_descent(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_momentum_descent(gradient, theta, learning_rate, momentum, steps)``."""
    theta = np.array([2.0, -1.0, 0.5])

    def gradient(point: Array) -> Array:
        return np.array([1.0, 4.0, 9.0]) * point + np.sin(point)

    args = (gradient, theta, 0.05, 0.8, 5)
    given = "theta = [2, -1, 0.5], learning_rate 0.05, momentum 0.8, steps 5"

    def read(value: Any) -> Parts:
        return {"theta": as_array(value, "theta", (3,), given=given)}

    yield "shape and dtype"
    got = read(call(answer, *args, given=given))
    yield "value"
    compare(got, read(_momentum("plain")(*args)), given=given,
            known=evaluate_known(MOMENTUM, read, *args))  # fmt: skip
    yield "extreme inputs"
    none = "steps 0"
    came = as_array(call(answer, *args[:4], 0, given=none), "theta", (3,), given=none)
    compare({"theta": came}, {"theta": theta}, given=none, known={})
