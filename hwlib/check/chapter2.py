"""Checks of chapter 2: gradients and finite differences."""

from collections.abc import Iterator

import numpy as np

from hwlib import gradcheck, two_layer
from hwlib.check.engine import Answer, call, examine, task
from hwlib.check.examples import SIZES, draws, network, sizes_of
from hwlib.check.mistakes_numpy import (
    DECAY,
    DIFFERENCES,
    GRADIENT,
    decayed,
    differences_of,
)
from hwlib.check.texts import fault
from hwlib.check.values import compare, named
from hwlib.two_layer import Weights

READ = named("the gradient by ")


@task
def logistic_loss_grad(answer: Answer) -> Iterator[str]:
    """Check ``my_logistic_loss_grad(X, y, W) -> {"w1", "w2"}``: the gradient of the mean loss."""
    right = two_layer.logistic_loss_grad
    for size in SIZES:
        X, y, W = network(*size)
        yield f"input: {sizes_of(W, X=X, y=y)}"
        args, sizes = (X, y, W), [size[0], 2]
        yield from examine(answer, right, READ, args, mistakes=GRADIENT, sizes=sizes)
    X, y, W = network(*SIZES[1])
    y = 0.2 + 0.7 * y
    yield f"input: {sizes_of(W, X=X, y=y)}, labels 0.2 and 0.9"
    yield from examine(answer, right, READ, (X, y, W))
    yield "extreme inputs"
    X, y, W = network(7)
    W["w2"] *= 1000
    yield "input: w2 1000 times as large: every prediction is 0 or 1 after rounding"
    expected = right(X, y, W)
    got = READ(call(answer, X, y, W), expected)
    if not all(np.isfinite(part).all() for part in got.values()):
        raise fault("0 / 0", "nan or inf")
    compare(got, READ(expected, expected), rtol=1e-3)
    # Here no step is small enough for differences: w1 is tiny, and what it is multiplied by large.
    X, y, W = network(4)
    X, W["w1"] = 1e9 * X, 1e-9 * W["w1"]
    yield "input: X 10⁹ times as large, and w1 as many times as small"
    expected = right(X, y, W)
    got = READ(call(answer, X, y, W), expected)
    by_steps = ((mistake, READ(value, expected)) for mistake, value in differences_of(X, y, W))
    compare(got, READ(expected, expected), known=by_steps, rtol=1e-3)
    # Labels of 0 only: beside 1, float32 and the tanh form have lost these digits.
    X, y, W = network(7)
    X, W["w1"], W["w2"] = 1 + abs(X) / 10, -2.5 - abs(W["w1"]) / 10, -1 - abs(W["w2"])
    W["w2"] *= -32 / two_layer.predict(X, W)[1].max()
    yield "input: labels 0, every hidden unit below 0.001, every prediction below 1e-13, and right"
    yield from examine(answer, right, READ, (X, 0 * y, W), rtol=0.02)


@task
def numerical_gradient(answer: Answer) -> Iterator[str]:
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
        W: Weights = {n: np.asfortranarray(rng.standard_normal(s)) for n, s in shapes.items()}
        yield f"input: a loss of the third power of {shapes}, stored by columns, step {step}"
        right, args, sizes = gradcheck.numerical_gradient, (loss, W, step), [2, step, 2 * step]
        yield from examine(answer, right, READ, args, mistakes=DIFFERENCES, sizes=sizes, rtol=1e-6)


@task
def decayed_gradient(answer: Answer) -> Iterator[str]:
    """Check ``my_decayed_gradient(X, y, W, decay)``: with a penalty on squared weights."""
    for size, decay in zip(SIZES, (0.3, 0.05, 2.0), strict=True):
        X, y, W = network(*size)
        yield f"input: {sizes_of(W, X=X, y=y)}, decay {decay}"
        args = (X, y, W, decay)
        yield from examine(answer, decayed, READ, args, mistakes=DECAY)
