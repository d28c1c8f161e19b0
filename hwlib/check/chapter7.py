"""Checks of chapter 7: the loss of an epoch, and points that tell losses apart."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib.check.engine import as_array, call, examine, known, pair, reader, task
from hwlib.check.outcome import Fault
from hwlib.course import mistakes

MEANS = known(
    {
        "mean of means": lambda means, _: np.mean(means),
        "sum divided by the images": lambda means, sizes: np.sum(means) / np.sum(sizes),
        "sum of means": lambda means, _: np.sum(means),
        "sum over the images": lambda means, sizes: np.dot(means, sizes),
        "divided by the batches": lambda means, sizes: np.dot(means, sizes) / len(sizes),
        "last batch": lambda means, _: means[-1],
    },
    {
        "mean of means": "The last batch is smaller and counts as much as the others in your mean.",
        "sum divided by the images": "The means have been divided by their batch sizes already: a "
        "sum of them, divided by the number of images, is divided once too often.",
        "sum of means": "That is a sum; the loss per image is a mean.",
        "sum over the images": "That is the sum over all images, not yet the mean.",
        "divided by the batches": "The sum over all images is to be divided by their number, not "
        "by that of the batches.",
        "last batch": "That is the loss of one batch only.",
    },
)


@task
def mean_loss(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_mean_loss(batch_means, batch_sizes)``: the mean loss per image of an epoch."""
    for means, sizes in (([0.5, 2.0, 3.5], [2500, 2500, 100]), ([1.25, 0.75], [64, 40])):
        yield from examine(
            answer,
            lambda m, n: np.average(m, weights=n),
            reader("the loss", (), given := f"batch_means {means}, batch_sizes {sizes}"),
            (means, sizes),
            given=given,
            mistakes=MEANS,
            sizes=[(str(sizes[0]), sizes[0])],
        )


@task
def test_points(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_test_points() -> (y, yhat)``: points at which every wrong loss is caught."""
    given = "no arguments"
    yield "shape and dtype"
    value = call(answer, given=given)
    value = pair(value, given, "labels y and predictions yhat, equally long")
    y = as_array(value[0], "y", np.shape(value[0]), given=given).ravel()
    yhat = as_array(value[1], "yhat", np.shape(value[0]), given=given).ravel()
    if not (len(y) and np.isin(y, (0, 1)).all() and ((yhat > 0) & (yhat < 1)).all()):
        raise Fault(
            "does not return labels and probabilities",
            given=given,
            got=f"y = {y.tolist()}, yhat = {yhat.tolist()}",
            expected="labels 0 or 1, and predictions between 0 and 1",
            hint="At exactly 0 or 1 a logarithm is infinite.",
            mistake="range",
        )
    yield "value"
    truth = -np.log(np.where(y == 1, yhat, 1 - yhat))
    for name, wrong in mistakes.NAIVE_LOSSES.items():
        each = [wrong(y[i : i + 1], yhat[i : i + 1]) for i in range(len(y))]
        if np.allclose(each, truth, rtol=1e-3, atol=1e-6):
            raise Fault(
                f"lets a wrong loss pass: “{name}”",
                given=f"y = {y.tolist()}, yhat = {yhat.tolist()}",
                got="the wrong loss equals the right one at all of your points",
                expected="at least one point at which they differ",
                hint="Which term of this wrong loss is switched off at your points? Choose a "
                "point at which it counts.",
                mistake="points too easy",
            )


# Pytest collects functions by this name; it is a task of the book, and no test.
test_points.__test__ = False  # type: ignore[attr-defined]
