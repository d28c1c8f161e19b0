"""Checks of chapter 7: the loss of an epoch, and points that tell losses apart."""

from collections.abc import Iterator

import numpy as np

from hwlib.check.engine import Answer, Mistakes, call, examine, task
from hwlib.check.examples import draws
from hwlib.check.texts import fault
from hwlib.check.values import any_array, as_array, named, several
from hwlib.course import mistakes

MEANS: Mistakes = {
    "mean of means": lambda means, _: np.mean(means),
    "sum divided by the images": lambda means, sizes: np.sum(means) / np.sum(sizes),
    "sum of means": lambda means, _: np.sum(means),
    "sum over the images": lambda means, sizes: np.dot(means, sizes),
    "divided by the batches": lambda means, sizes: np.dot(means, sizes) / len(sizes),
    "last batch": lambda means, _: means[-1],
}


def mean_per_image(means: list[float], sizes: list[int]) -> float:
    """The mean of batch means, each weighed by the images of its batch."""
    return float(np.average(means, weights=sizes))


@task
def mean_loss(answer: Answer) -> Iterator[str]:
    """Check ``my_mean_loss(batch_means, batch_sizes)``: the mean loss per image of an epoch."""
    rng = draws(0)
    drawn = rng.uniform(0.2, 3, 6).round(2).tolist(), rng.permutation(np.arange(3, 60))[:6].tolist()
    lists = (
        ([0.5, 2.0, 3.5], [2500, 2500, 100]),
        ([1.25, 0.75], [64, 40]),
        ([0.4, 1.5, 2.5, 0.2, 3.0], [10, 3, 25, 4, 7]),
        drawn,
    )
    for args in lists:
        yield "input: batch_means {}, batch_sizes {}".format(*args)
        read, sizes = named("the loss"), [args[1][0]]
        yield from examine(answer, mean_per_image, read, args, mistakes=MEANS, sizes=sizes)


@task
def test_points(answer: Answer) -> Iterator[str]:
    """Check ``my_test_points() -> (y, yhat)``: points at which every wrong loss is caught."""
    yield "input: no arguments"
    yield "shape and dtype"
    labels, predictions = several(call(answer), "labels", "predictions").values()
    shape = any_array(labels).shape
    y = as_array(labels, "y", shape).ravel()
    yhat = as_array(predictions, "yhat", shape).ravel()
    points = f"y = {y.tolist()}, yhat = {yhat.tolist()}"
    if not (len(y) and np.isin(y, (0, 1)).all() and ((yhat > 0) & (yhat < 1)).all()):
        raise fault("range", points)
    yield "value"
    truth = -np.log(np.where(y == 1, yhat, 1 - yhat))
    for name, wrong in mistakes.NAIVE_LOSSES.items():
        each = [wrong(y[i : i + 1], yhat[i : i + 1]) for i in range(len(y))]
        if np.allclose(each, truth, rtol=1e-3, atol=1e-6):
            raise fault("points too easy", given=points, name=name)


# Pytest collects functions by this name; it is a task of the book, and no test.
test_points.__test__ = False  # pyrefly: ignore[missing-attribute]
