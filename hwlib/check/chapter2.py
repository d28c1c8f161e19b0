"""Checks of chapter 2: gradients and finite differences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from hwlib import gradcheck, two_layer
from hwlib.check import mistakes2
from hwlib.check.engine import Parts, as_array, call, compare, describe, examine, task
from hwlib.check.examples import SIZES, Array, network, sizes_of
from hwlib.check.outcome import Fault
from hwlib.two_layer import Weights


def read_weights(W: Weights, given: str, what: str = "the gradient by ") -> Callable[[Any], Parts]:
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


@task
def logistic_loss_grad(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_logistic_loss_grad(X, y, W) -> {"w1", "w2"}``: the gradient of the mean loss."""
    for number, size in enumerate(SIZES):
        X, y, W = network(*size)
        given = sizes_of(X, W)
        try:
            yield from examine(
                answer,
                two_layer.logistic_loss_grad,
                read_weights(W, given),
                (X, y, W),
                given=given,
                mistakes=mistakes2.GRADIENT,
                sizes=[(str(size[0]), size[0])],
            )
        except Fault as fault:
            raise _tied_to_one_batch(fault) if number else fault from None
    yield "extreme inputs"
    X, y, W = network(7)
    W["w2"] *= 1000
    given = "w2 1000 times as large: every prediction is 0 or 1 after rounding"
    got = read_weights(W, given)(call(answer, X, y, W, given=given))
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
    right = read_weights(W, given)(two_layer.logistic_loss_grad(X, y, W))
    compare(got, right, given=given, known={}, rtol=1e-3)


def _tied_to_one_batch(fault: Fault) -> Fault:
    """What is right for the first sizes and wrong for others gets a hint of its own."""
    fault.details["hint"] = (
        "It was right for the first batch and is not for this one: does a size, or an array from "
        "outside, stand in the function?"
    )
    fault.details["mistake"] = "tied to one batch"
    return fault


@task
def numerical_gradient(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_numerical_gradient(loss, weights, step)``: central differences for any loss."""

    def loss(weights: Weights) -> float:
        a, b = (np.asarray(weights[name]) for name in sorted(weights))
        return float((a**3).sum() + (b**3).sum() + (a.flat[0] * b.flat[0]) ** 2)

    rng = np.random.default_rng(6)
    for names, shape, step in ((("a", "b"), (2, 3), 0.01), (("u", "v"), (3, 1), 0.05)):
        W: Weights = {names[0]: rng.standard_normal(shape), names[1]: rng.standard_normal((2, 1))}
        one, two = names
        given = (
            f"the loss sum({one}³) + sum({two}³) + {one}[0, 0]² {two}[0, 0]², {one} {shape}, "
            f"{two} (2, 1), step {step}"
        )
        yield from examine(
            answer,
            gradcheck.numerical_gradient,
            read_weights(W, given),
            (loss, W, step),
            given=given,
            mistakes=mistakes2.DIFFERENCES,
            sizes=[("2", 2), ("the step", step), ("2 · step", 2 * step)],
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
