"""Checks of chapter 1: sigmoid, forward pass, and the two logistic losses."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib import losses, two_layer
from hwlib.check import mistakes_numpy
from hwlib.check.engine import Answer, Mistakes, call, examine, task
from hwlib.check.examples import LABELS_AND_LOGITS, SIZES, draws, network, row, sizes_of
from hwlib.check.texts import Fault, fault
from hwlib.check.values import RTOL, Array, as_array, named, near, number
from hwlib.two_layer import Weights


@task
def sigmoid(answer: Answer) -> Iterator[str]:
    """Check ``my_sigmoid(z)`` on an array of any shape."""
    z = LABELS_AND_LOGITS[0][1]
    drawn = draws(1).uniform(-4, 4, 5).round(2)
    for array in (z, z[1:6, 0], z[:6].reshape(2, 3), z[1:].reshape(3, 1, 2), drawn):
        yield f"input: z = {array.tolist()}"
        read = named("sigmoid(z)")
        yield from examine(answer, losses.sigmoid, read, (array,), mistakes=mistakes_numpy.SIGMOID)
    yield "extreme inputs"
    for t, right in ((-25.0, losses.sigmoid(-25.0)), (-1000.0, 0.0), (1000.0, 1.0)):
        yield f"input: z = {t:g}"
        # Beyond t: what is clipped there gives the same number, though not the right one.
        came, beyond = (
            as_array(call(answer, np.array([[v]])), "sigmoid(z)", (1, 1)) for v in (t, 3 * t)
        )
        if not abs(came - right) <= 1e-4 * right + 1e-300:
            name = "extreme sigmoid"
            if np.isnan(came):
                name = "inf / inf"
            elif came == beyond and came not in (0, 1):
                name = "clipped sigmoid"
            raise fault(name, number(came[0, 0]), right=number(right))
    mixed = np.array([-1000.0, -3, 0, 2, 1000])
    yield f"input: z = {mixed.tolist()}"
    yield from examine(answer, losses.sigmoid, named("sigmoid(z)"), (mixed,))


@task
def predict(answer: Answer) -> Iterator[str]:
    """Check ``my_predict(X, W) -> (z1, z2, yhat)`` with X (B, D), w1 (D, K), w2 (K, 1)."""
    for size in SIZES:
        X, _, W = network(*size)
        yield from _predicted(answer, X, W, sizes_of(W, X=X))
    yield "extreme inputs"
    X, _, W = network(7)
    yield from _predicted(answer, 50 * X, W, "X 50 times as large")
    W["w2"] = np.full((6, 1), -32 / losses.sigmoid(X[:1] @ W["w1"]).sum())
    yield from _predicted(answer, X[:1], W, "one example with the logit -32", rtol=0.02)


def _predicted(
    answer: Answer, X: Array, W: Weights, given: str, rtol: float = RTOL
) -> Iterator[str]:
    yield f"input: {given}"
    right, read, mistakes = two_layer.predict, named("z1", "z2", "yhat"), mistakes_numpy.PREDICT
    yield from examine(answer, right, read, (X, W), mistakes=mistakes, rtol=rtol)


def _losses(answer: Answer, right: Answer, mistakes: Mistakes, *, logits: bool) -> Iterator[str]:
    """Compare a mean loss of labels, and of logits or predictions."""
    rng = draws(1)
    drawn = rng.uniform(0.05, 0.95, (5, 1)).round(2), rng.uniform(-3, 3, (5, 1)).round(2)
    for y, z in (*LABELS_AND_LOGITS, drawn):
        name, second = ("z2", z) if logits else ("yhat", losses.sigmoid(z))
        yield f"input: {len(y)} examples: y = {row(y)}, {name} = {row(second)}"
        # The mistakes are named after what they do to such labels.
        known = mistakes if np.isin(y, (0, 1)).all() else None
        read, sizes = named("loss"), [len(y), 2]
        yield from examine(answer, right, read, (y, second), mistakes=known, sizes=sizes)
    yield "extreme inputs"


@task
def logistic_loss(answer: Answer) -> Iterator[str]:
    """Check ``my_logistic_loss(y, yhat)``, the mean over the batch by the formula as it stands."""
    yield from _losses(answer, losses.logistic_loss, mistakes_numpy.LOSS, logits=False)
    tiny = 2.0**-20  # 1 - tiny is a float32 number too
    for y, p in ((1, 1e-30), (0, 1 - tiny), (1, 0), (0, 1)):
        right = -np.log(p if y else 1 - p)
        yield f"input: y = {y:g}, yhat = {p:.15g}"
        try:
            value = call(answer, np.full((1, 1), float(y)), np.full((1, 1), p))
        except Fault:  # math.log raises at 0, which says as much as infinity
            if np.isinf(right):
                continue
            raise
        came = as_array(value, "loss")
        # Where the formula is infinite, PyTorch's own function, which may be used, stops at 100.
        infinite = np.isinf(right) and (np.isnan(came) or came == 100)
        if not infinite and not near(came, np.array(right), 1e-3):
            raise fault("clipped loss", number(came), right=number(right))


# PyTorch's function loses its digits at y = 0 and z = -40, and counts as right: not asked for here.
EXTREME = (
    *((0, 60), (1, -60), (0, 100), (1, -100), (0, 1000), (1, -1000)),
    *((1, 1000), (0, -1000), (1, 40), (1, 80), (0, 1e10), (0.7, 1000)),
)


@task
def stable_logistic_loss(answer: Answer) -> Iterator[str]:
    """Check ``my_stable_logistic_loss(y, z2)``, the mean over the batch, from the logits."""
    yield from _losses(answer, losses.stable_logistic_loss, mistakes_numpy.STABLE, logits=True)

    def loss(y: float, z: Any) -> float:
        z = np.atleast_2d(np.asarray(z, dtype=float)).T
        return float(as_array(call(answer, np.full(z.shape, float(y)), z), "loss"))

    for y, z in (*EXTREME, (0, (1000, -1000, 3)), (1, (-1000, 1000, 3))):
        yield f"input: y = {y:g}, z2 = {z}"
        right = losses.stable_logistic_loss(np.full((np.size(z), 1), y), np.reshape(z, (-1, 1)))
        came = loss(y, z)
        if not abs(came - right) <= 1e-3 * right + 1e-40:
            name = _extreme_mistake(loss, y, z, came)
            raise fault(name, number(came), right=number(right))


def _extreme_mistake(loss: Callable[[float, Any], float], y: float, z: Any, came: float) -> str:
    """Name of what a wrong loss gives away at large logits."""
    if np.isnan(came):
        return "infinity minus infinity"
    if not np.isfinite(came):
        return {60: "prediction rounded", 100: "float32 overflow"}.get(
            np.max(np.abs(z)), "overflow"
        )
    if came == 0:
        sure = np.arange(30.0, 42.0)
        zeros = [loss(1, t) == 0 for t in sure]
        for name, wrong in mistakes_numpy.SURE.items():
            if zeros == [t == 0 for t in wrong(sure)]:
                return name
    size = -1500 if y else 1500
    return "clipped" if loss(y, size) == loss(y, 2 * size) else "extreme loss"
