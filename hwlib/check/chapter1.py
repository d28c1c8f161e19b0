"""Checks of chapter 1: sigmoid, forward pass, and the two logistic losses."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib import losses, two_layer
from hwlib.check import mistakes1
from hwlib.check.engine import Array, Parts, as_array, call, examine, near, number, reader, task
from hwlib.check.examples import SIZES, network
from hwlib.check.outcome import Fault

LOGITS = np.array([[-3.0], [-0.5], [0.0], [1.25], [4.0], [0.75], [2.0]])
LABELS = np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0], [1.0]])
MORE_LOGITS = np.array([[0.3], [-1.4], [-2.2], [0.9]])
MORE_LABELS = np.array([[1.0], [0.0], [1.0], [0.0]])
SURE = np.ones((1, 1)), np.full((1, 1), 7.0)
SOFT_LABELS = np.array([[0.25], [0.9], [0.6], [0.0]])


@task
def sigmoid(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_sigmoid(z)`` on an array of any shape."""
    for z in (LOGITS, LOGITS[1:6, 0], LOGITS[:6].reshape(2, 3)):
        given = f"z = {z.tolist()}" if z.ndim < 2 or z.shape[1] > 1 else f"z = {_row(z)}, a column"
        read = reader("sigmoid(z)", z.shape, given)
        yield from examine(
            answer, losses.sigmoid, read, (z,), given=given, mistakes=mistakes1.SIGMOID
        )
    yield "extreme inputs"
    for t, right in ((-20.0, losses.sigmoid(-20.0)), (-1000.0, 0.0), (1000.0, 1.0)):
        given = f"z = {t:g}"
        value = call(answer, np.array([[t]]), given=given)
        came = as_array(value, "sigmoid(z)", (1, 1), given=given)[0, 0]
        if abs(came - right) <= 1e-4 * right + 1e-300:
            continue
        lost = not np.isfinite(came)
        raise Fault(
            "is wrong for large or small inputs",
            given=given,
            got=number(came),
            expected=number(right),
            hint="It is infinity divided by infinity. Which form of the fraction has no "
            "exponential of a positive number here?"
            if lost
            else "The result of a very large or small number is 1 or 0. Is something clipped or "
            "added that keeps it away from them?",
            mistake="inf / inf" if lost else "clipped",
        )


PREDICT_SHAPE = {
    "z1": "z1 has one row per example and one column per hidden unit: X times which matrix?",
    "z2": "z2 is a column: one logit per example.",
    "yhat": "yhat is a column: one probability per example.",
}


@task
def predict(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_predict(X, W) -> (z1, z2, yhat)`` with X (B, D), w1 (D, K), w2 (K, 1)."""
    for size in SIZES:
        X, _, W = network(*size)
        yield from _predicted(answer, X, W, f"X {X.shape}, w1 {W['w1'].shape}, w2 {W['w2'].shape}")
    yield "extreme inputs"
    X, _, W = network(7)
    yield from _predicted(answer, 1000 * X, W, "X 1000 times as large")
    W["w2"] = np.full((6, 1), -25 / losses.sigmoid(X[:1] @ W["w1"]).sum())
    yield from _predicted(answer, X[:1], W, "one example with the logit -25")


def _predicted(answer: Callable[..., Any], X: Array, W: Any, given: str) -> Iterator[str]:
    B, K = len(X), W["w1"].shape[1]
    shapes = {"z1": (B, K), "z2": (B, 1), "yhat": (B, 1)}

    def read(value: Any) -> Parts:
        several = isinstance(value, tuple | list)
        if not several or len(value) != 3:
            raise Fault(
                "does not return three arrays",
                given=given,
                got=type(value).__name__ + (f" of {len(value)}" if several else ""),
                expected="z1, z2, yhat",
                hint="The later steps need the intermediate results, too.",
                mistake="number of results",
            )
        parts = zip(value, shapes.items(), strict=True)
        return {name: _column(part, name, shape, given) for part, (name, shape) in parts}

    known = mistakes1.PREDICT
    yield from examine(answer, two_layer.predict, read, (X, W), given=given, mistakes=known)


def _column(part: Any, name: str, shape: tuple[int, ...], given: str) -> Array:
    hint = PREDICT_SHAPE[name]
    if tuple(np.shape(part)) == shape[:1]:
        hint += " Yours has one dimension only: a row and a column broadcast to a matrix."
    return as_array(part, name, shape, given=given, hint=hint)


@task
def logistic_loss(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_logistic_loss(y, yhat)``, the mean over the batch by the formula as it stands."""
    right = losses.logistic_loss
    for y, z in ((LABELS, LOGITS), (MORE_LABELS, MORE_LOGITS), (SOFT_LABELS, MORE_LOGITS), SURE):
        args = y, losses.sigmoid(z)
        given = f"{len(y)} examples: y = {_row(y)}, yhat = {_row(args[1])}"
        read, sizes = reader("loss", (), given), [(str(len(y)), len(y))]
        known = mistakes1.LOSS if np.isin(y, (0, 1)).all() else ()  # named after hard labels only
        yield from examine(answer, right, read, args, given=given, mistakes=known, sizes=sizes)
    yield "extreme inputs"
    for p, allowed in ((1e-30, [-np.log(1e-30)]), (0.0, [np.inf, 100.0])):
        # At 0 the formula is infinite; PyTorch's own function, which may be used, stops at 100.
        given = f"y = 1, yhat = {p:g}"
        try:
            value = call(answer, np.ones((1, 1)), np.full((1, 1), p), given=given)
        except Fault:  # math.log raises at 0, which says as much as infinity
            if p == 0:
                continue
            raise
        came = as_array(value, "loss", (), given=given)
        if any(near(came, np.array(a), 1e-3) for a in allowed) or (p == 0 and np.isnan(came)):
            continue
        raise Fault(
            "does not follow the formula for a tiny prediction",
            given=given,
            got=number(came),
            expected=number(allowed[0]),
            hint="A small number is added inside the logarithm, or the prediction is clipped. That "
            "hides the trouble and changes the loss; the stable form removes it.",
            mistake="clipped",
        )


def _row(column: Array) -> str:
    return "[" + ", ".join(f"{v:.3g}" for v in column[:, 0]) + "]"


# PyTorch's function loses its digits at y = 0 and z = -40, and counts as right: not asked for here.
EXTREME = (
    *((0, 60), (1, -60), (0, 100), (1, -100), (0, 1000), (1, -1000)),
    *((1, 1000), (0, -1000), (1, 40), (0, 1e10)),
)


@task
def stable_logistic_loss(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_stable_logistic_loss(y, z2)``, the mean over the batch, from the logits."""
    right = losses.stable_logistic_loss
    for y, z in ((LABELS, LOGITS), (MORE_LABELS, MORE_LOGITS), (SOFT_LABELS, MORE_LOGITS), SURE):
        given = f"{len(y)} examples: y = {_row(y)}, z2 = {_row(z)}"
        read, sizes = reader("loss", (), given), [(str(len(y)), len(y))]
        known = mistakes1.STABLE if np.isin(y, (0, 1)).all() else ()  # named after hard labels only
        yield from examine(
            answer,
            right,
            read,
            (y, z),
            given=given,
            mistakes=known,
            sizes=sizes,
        )
    yield "extreme inputs"
    for label, logit in EXTREME:
        _extreme_loss(answer, float(label), float(logit))


def _extreme_loss(answer: Callable[..., Any], y: float, z: float) -> None:
    given = f"y = {y:g}, z2 = {z:g}"
    value = call(answer, np.array([[y]]), np.array([[z]]), given=given)
    came = float(as_array(value, "loss", (), given=given))
    right = losses.stable_logistic_loss([[y]], [[z]])
    if abs(came - right) <= 1e-3 * right + 1e-30:
        return
    mistake, hint = _extreme_mistake(came, right, z)
    raise Fault(
        "is wrong for a very sure network",
        given=given,
        got=number(came),
        expected=number(right),
        hint=hint,
        mistake=mistake,
    )


def _extreme_mistake(came: float, right: float, z: float) -> tuple[str, str]:
    """Name and hint of what a wrong loss gives away at a large logit."""
    if not np.isfinite(came) and abs(z) <= 60:
        return "prediction rounded", (
            "No exponential overflows at this logit yet, so a prediction was rounded to 0 or 1 "
            "before its logarithm was taken. Do not form the prediction at all; start from z2."
        )
    if np.isnan(came):
        return "infinity minus infinity", (
            "nan comes from inf - inf, inf / inf or 0 · inf: which exponential overflowed before?"
        )
    if not np.isfinite(came) and abs(z) == 100:
        return "float32 overflow", (
            "exp(100) is more than float32 can hold; in float64 the same happens from 710 on. "
            "Factor the exponential out, so that no exponent is positive."
        )
    if not np.isfinite(came):
        return "overflow", (
            "exp of a positive number overflows. Factor it out before the computer meets it."
        )
    if came == 0 and right > 0:
        return "cancellation", (
            "Every digit is lost: two nearly equal numbers are subtracted, as in softplus(z) - y z."
            " It is right on paper. Which form adds positive terms only, for both labels?"
        )
    return "clipped", (
        "The value is finite and wrong: something is clipped, or a small number is added inside "
        "a logarithm. That hides the trouble and does not remove it."
    )
