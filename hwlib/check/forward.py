"""Checks of chapter 1: sigmoid, forward pass, and the two logistic losses."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib import losses, two_layer
from hwlib.check import wrong_numpy
from hwlib.check.engine import (
    Array,
    Parts,
    as_array,
    call,
    compare,
    evaluate_known,
    near,
    number,
    task,
)
from hwlib.check.outcome import Fault

LOGITS = np.array([[-3.0], [-0.5], [0.0], [1.25], [4.0], [0.75], [2.0]])
LABELS = np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0], [1.0]])


def network(examples: int, seed: int = 1) -> tuple[Array, Array, two_layer.Weights]:
    """X (B, 5), y (B, 1) with both labels, weights of 6 hidden units: no two sizes are equal."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((examples, 5))
    y = (np.arange(examples) % 3 == 0).astype(float).reshape(-1, 1)
    return X, y, {"w1": rng.standard_normal((5, 6)), "w2": 2 * rng.standard_normal((6, 1))}


@task
def sigmoid(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_sigmoid(z)`` on an array of any shape."""
    z = LOGITS
    given = f"z = {[float(t) for t in z[:, 0]]}, as a column"

    def read(value: Any) -> Parts:
        return {"sigmoid(z)": as_array(value, "sigmoid(z)", z.shape, given=given)}

    yield "shape and dtype"
    got = read(call(answer, z, given=given))
    yield "value"
    compare(got, read(losses.sigmoid(z)), given=given,
            known=evaluate_known(wrong_numpy.SIGMOID, read, z))  # fmt: skip
    yield "extreme inputs"
    for t in (-1000.0, 1000.0, -40.0, 40.0):
        column = np.array([[t]])
        came = as_array(call(answer, column, given=f"z = {t:g}"), "sigmoid(z)", (1, 1),
                        given=f"z = {t:g}")  # fmt: skip
        right = losses.sigmoid(column)
        if (not near(came, right, 1e-3) and abs(right[0, 0]) > 1e-300) or not np.isfinite(
            came
        ).all():
            raise Fault(
                "is wrong for large or small inputs",
                given=f"z = {t:g}",
                got=number(came[0, 0]),
                expected=number(right[0, 0]),
                hint="It is infinity divided by infinity. Which form of the fraction has no "
                "exponential of a positive number here?"
                if np.isnan(came).any()
                else "Nearly equal numbers are subtracted, or rounded to 1, and the digits are "
                "gone.",
                mistake="inf / inf" if np.isnan(came).any() else "cancellation",
            )


PREDICT_SHAPE = {
    "z1": "z1 has one row per example and one column per hidden unit: X times which matrix?",
    "z2": "z2 is a column: one logit per example.",
    "yhat": "yhat is a column: one probability per example.",
}


@task
def predict(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_predict(X, W) -> (z1, z2, yhat)`` with X (B, D), w1 (D, K), w2 (K, 1)."""
    for examples in (7, 1):
        X, _, W = network(examples)
        given = f"X {X.shape}, w1 {W['w1'].shape}, w2 {W['w2'].shape}"
        shapes = {"z1": (examples, 6), "z2": (examples, 1), "yhat": (examples, 1)}

        def read(value: Any, given: str = given, shapes: dict = shapes) -> Parts:
            if not isinstance(value, tuple | list) or len(value) != 3:
                raise Fault(
                    "does not return three arrays",
                    given=given,
                    got=f"{type(value).__name__}"
                    + (f" of {len(value)}" if isinstance(value, tuple | list) else ""),
                    expected="z1, z2, yhat",
                    hint="The later steps need the intermediate results, too.",
                    mistake="number of results",
                )
            return {
                name: _column(part, name, shape, given)
                for part, (name, shape) in zip(value, shapes.items(), strict=True)
            }

        if examples == 7:
            yield "shape and dtype"
        got = read(call(answer, X, W, given=given))
        if examples == 7:
            yield "value"
        compare(got, read(two_layer.predict(X, W)), given=given,
                known=evaluate_known(wrong_numpy.PREDICT, read, X, W))  # fmt: skip
    yield "extreme inputs"
    X, _, W = network(7)
    given = "X 1000 times as large"
    got = read_last(call(answer, 1000 * X, W, given=given), given)
    compare(got, {"yhat": two_layer.predict(1000 * X, W)[2]}, given=given, known={})


def read_last(value: Any, given: str) -> Parts:
    """The last of three results, yhat (7, 1)."""
    return {"yhat": as_array(value[2], "yhat", (7, 1), given=given)}


def _column(part: Any, name: str, shape: tuple[int, ...], given: str) -> Array:
    came = tuple(np.shape(part))
    hint = PREDICT_SHAPE[name]
    if came == shape[:1]:
        hint += " Yours has one dimension only: a row and a column broadcast to a matrix."
    return as_array(part, name, shape, given=given, hint=hint)


def _scalar(name: str, given: str) -> Callable[[Any], Parts]:
    return lambda value: {name: as_array(value, name, (), given=given)}


@task
def logistic_loss(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_logistic_loss(y, yhat)``, the mean over the batch by the formula as it stands."""
    yhat = losses.sigmoid(LOGITS)
    given = f"7 examples: y = {_row(LABELS)}, yhat = {_row(yhat)}"
    read = _scalar("loss", given)
    yield "shape and dtype"
    got = read(call(answer, LABELS, yhat, given=given))
    yield "value"
    known = wrong_numpy.naive_losses(LABELS, yhat)
    compare(got, read(losses.logistic_loss(LABELS, yhat)), given=given,
            known=evaluate_known(known, read, LABELS, yhat), sizes=[("7", 7)])  # fmt: skip
    for y, p in ((0.25, 0.5), (1.0, 0.9)):  # a soft label, and a batch of one
        few = f"y = {y:g}, yhat = {p:g}"
        value = call(answer, np.array([[y]]), np.array([[p]]), given=few)
        right = losses.logistic_loss([[y]], [[p]])
        compare(_scalar("loss", few)(value), {"loss": np.array(right)}, given=few, known={})
    yield "extreme inputs"
    few = "y = 1, yhat = 1e-30"
    came = as_array(call(answer, np.ones((1, 1)), np.full((1, 1), 1e-30), given=few), "loss", (),
                    given=few)  # fmt: skip
    right = -np.log(1e-30)
    if not near(came, np.array(right), 1e-3):
        raise Fault(
            "does not follow the formula for a tiny prediction",
            given=few,
            got=number(came),
            expected=number(right),
            hint="A small number is added inside the logarithm, or the prediction is clipped. That "
            "hides the trouble and changes the loss; the stable form removes it.",
            mistake="clipped",
        )


def _row(column: Array) -> str:
    return "[" + ", ".join(f"{v:.3g}" for v in column[:, 0]) + "]"


@task
def stable_logistic_loss(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_stable_logistic_loss(y, z2)``, the mean over the batch, from the logits."""
    given = f"7 examples: y = {_row(LABELS)}, z2 = {_row(LOGITS)}"
    read = _scalar("loss", given)
    yield "shape and dtype"
    got = read(call(answer, LABELS, LOGITS, given=given))
    yield "value"
    known = wrong_numpy.stable_losses(LABELS, LOGITS)
    compare(got, read(losses.stable_logistic_loss(LABELS, LOGITS)), given=given,
            known=evaluate_known(known, read, LABELS, LOGITS), sizes=[("7", 7)])  # fmt: skip
    few = "y = 0.25, z2 = 1.5, one example with a soft label"
    came = _scalar("loss", few)(call(answer, np.array([[0.25]]), np.array([[1.5]]), given=few))
    right = losses.stable_logistic_loss([[0.25]], [[1.5]])
    compare(came, {"loss": np.array(right)}, given=few, known={})
    yield "extreme inputs"
    for y, z in ((0, 60), (1, -60), (0, 100), (1, -100), (0, 1000), (1, -1000), (1, 1000),
                 (0, -1000), (1, 40), (0, -40), (0, 1e10)):  # fmt: skip
        _extreme_loss(answer, float(y), float(z))


def _extreme_loss(answer: Callable[..., Any], y: float, z: float) -> None:
    given = f"y = {y:g}, z2 = {z:g}"
    value = call(answer, np.array([[y]]), np.array([[z]]), given=given)
    came = float(as_array(value, "loss", (), given=given))
    right = losses.stable_logistic_loss([[y]], [[z]])
    if abs(came - right) <= 1e-3 * right + 1e-30:
        return
    if not np.isfinite(came):
        if abs(z) <= 60:
            mistake, hint = (
                "prediction rounded",
                (
                    "No exponential overflows at this logit yet, so a prediction was rounded to "
                    "0 or 1 "
                    "before its logarithm was taken. Do not form the prediction at all; start "
                    "from z2."
                ),
            )
        elif np.isnan(came):
            mistake, hint = (
                "infinity minus infinity",
                (
                    "nan comes from inf - inf, inf / inf or 0 · inf: which exponential "
                    "overflowed before?"
                ),
            )
        elif abs(z) == 100:
            mistake, hint = (
                "float32 overflow",
                (
                    "exp(100) is more than float32 can hold; in float64 the same happens from "
                    "710 on. "
                    "Factor the exponential out, so that no exponent is positive."
                ),
            )
        else:
            mistake, hint = (
                "overflow",
                ("exp of a positive number overflows. Factor it out before the computer meets it."),
            )
    elif came == 0 and right > 0:
        mistake, hint = (
            "cancellation",
            (
                "Every digit is lost: two nearly equal numbers are subtracted, as in "
                "softplus(z) - y z. "
                "It is right on paper. Which form adds positive terms only, for both labels?"
            ),
        )
    else:
        mistake, hint = (
            "clipped",
            (
                "The value is finite and wrong: something is clipped, or a small number is "
                "added inside "
                "a logarithm. That hides the trouble and does not remove it."
            ),
        )
    raise Fault("is wrong for a very sure network", given=given, got=number(came),
                expected=number(right), hint=hint, mistake=mistake)  # fmt: skip
