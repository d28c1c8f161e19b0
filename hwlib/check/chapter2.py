"""Checks of chapter 2: gradients and finite differences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from hwlib import gradcheck, two_layer
from hwlib.check import mistakes2
from hwlib.check.engine import call, examine, task
from hwlib.check.examples import SIZES, draws, network, sizes_of
from hwlib.check.texts import TEXTS, fault
from hwlib.check.values import Array, Parts, Read, as_array, compare, describe
from hwlib.two_layer import Weights


def read_weights(W: Weights, given: str, what: str = "the gradient by ") -> Read:
    """Read a dictionary with one array for each array of weights."""

    def read(value: Any) -> dict[str, Array]:
        if not isinstance(value, Mapping) or set(value) != set(W):
            raise fault("keys", given, describe(value), keys=", ".join(map(repr, W)))
        return {
            f"{what}{name}": as_array(value[name], f"{what}{name}", w.shape, given=given)
            for name, w in W.items()
        }

    return read


@task
def logistic_loss_grad(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_logistic_loss_grad(X, y, W) -> {"w1", "w2"}``: the gradient of the mean loss."""
    right = two_layer.logistic_loss_grad
    for size in SIZES:
        X, y, W = network(*size)
        given = sizes_of(X, W)
        yield from examine(
            answer,
            right,
            read_weights(W, given),
            (X, y, W),
            given=given,
            mistakes=mistakes2.GRADIENT,
            sizes=[size[0], 2],
        )
    X, y, W = network(*SIZES[1])
    y = 0.2 + 0.7 * y
    given = f"{sizes_of(X, W)}, labels 0.2 and 0.9"
    yield from examine(answer, right, read_weights(W, given), (X, y, W), given=given)
    yield "extreme inputs"
    X, y, W = network(7)
    W["w2"] *= 1000
    given = "w2 1000 times as large: every prediction is 0 or 1 after rounding"
    read = read_weights(W, given)
    got = read(call(answer, X, y, W, given=given))
    if not all(np.isfinite(part).all() for part in got.values()):
        raise fault("0 / 0", given, "nan or inf")
    compare(got, read(right(X, y, W)), given=given, rtol=1e-3)
    # Here no step is small enough for differences: w1 is tiny, and what it is multiplied by large.
    X, y, W = network(4)
    X, W["w1"] = 1e9 * X, 1e-9 * W["w1"]
    given = "X 10⁹ times as large, and w1 as many times as small"
    got = read(call(answer, X, y, W, given=given))
    hint = TEXTS["hints"]["finite differences"]

    def by_steps() -> dict[str, tuple[str, Parts]]:
        found = mistakes2.differences_of(X, y, W).items()
        return {f"finite differences, step {step}": (hint, read(value)) for step, value in found}

    compare(got, read(right(X, y, W)), given=given, known=by_steps, rtol=1e-3)


@task
def numerical_gradient(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_numerical_gradient(loss, weights, step)``: central differences for any loss."""

    def loss(weights: Weights) -> float:
        first, *others = (np.asarray(weights[name]) for name in sorted(weights))
        cubes = sum(float((w**3).sum()) for w in (first, *others))
        return cubes + sum(float((first.flat[0] * w.flat[-1]) ** 2) for w in others)

    rng = draws(6)
    settings = (
        ({"a": (2, 3), "b": (2, 1)}, 0.01),
        ({"u": (3, 1), "v": (2, 2)}, 0.05),
        ({"kernel": (2, 2, 2), "bias": (3,), "w1": (1, 2)}, 0.02),
    )
    for shapes, step in settings:
        W: Weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
        given = f"a loss of the third power of the arrays {shapes}, step {step}"
        yield from examine(
            answer,
            gradcheck.numerical_gradient,
            read_weights(W, given),
            (loss, W, step),
            given=given,
            mistakes=mistakes2.DIFFERENCES,
            sizes=[2, step, 2 * step],
            rtol=1e-6,
        )


def decayed(X: Array, y: Array, W: Weights, decay: float) -> Weights:
    """Gradient of L + decay/2 · (sum of all squared weights)."""
    gradient = two_layer.logistic_loss_grad(X, y, W)
    return {name: gradient[name] + decay * w for name, w in W.items()}


@task
def decayed_gradient(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_decayed_gradient(X, y, W, decay)``: with a penalty on squared weights."""
    for size, decay in zip(SIZES, (0.3, 0.05, 2.0), strict=True):
        X, y, W = network(*size)
        given = f"{sizes_of(X, W)}, decay {decay}"
        read, args = read_weights(W, given), (X, y, W, decay)
        yield from examine(answer, decayed, read, args, given=given, mistakes=mistakes2.DECAY)
