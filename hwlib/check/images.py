"""Checks of chapters 4, 6 and 7 that need NumPy only."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hwlib.check.engine import (
    Array,
    Known,
    Parts,
    as_array,
    call,
    compare,
    describe,
    evaluate_known,
    task,
)
from hwlib.check.outcome import Fault
from hwlib.course import mistakes


def _pictures() -> tuple[Any, Any, Any]:
    """Training images of three classes, their labels, and new images, all uint8."""
    rng = np.random.default_rng(0)
    labels = np.array([0, 1, 2, 1, 0, 2, 2, 0])
    noise = rng.integers(-50, 50, (8, 28, 28))
    images = (np.array([60, 120, 180])[labels][:, None, None] + noise).astype(np.uint8)
    noise = rng.integers(-50, 50, (5, 28, 28))
    new = (np.array([75, 170, 105, 200, 85])[:, None, None] + noise).astype(np.uint8)
    return images, labels, new


def _nearest(images: Any, labels: Any, new: Any, *, kind: str) -> Array:
    bytes_only = kind == "bytes"
    means = np.stack([images[labels == c].mean(axis=0) for c in np.unique(labels)])
    if bytes_only:
        means = means.astype(np.uint8)
    x = new if bytes_only else new.astype(float)
    difference = x[:, None] - means[None]
    distance = difference.sum(axis=(2, 3)) if kind == "signed" else (difference**2).sum(axis=(2, 3))
    return distance.argmax(axis=1) if kind == "farthest" else distance.argmin(axis=1)


NEAREST = [
    Known("bytes wrap around", "Bytes wrap around: 3 - 5 is 254 in uint8, and a square keeps its "
          "last 8 bits only. In which type is the distance computed?",
          lambda *a: _nearest(*a, kind="bytes")),
    Known("farthest", "These are the classes whose means are farthest away.",
          lambda *a: _nearest(*a, kind="farthest")),
    Known("signed differences", "Differences of both signs cancel in a sum, so it is no distance.",
          lambda *a: _nearest(*a, kind="signed")),
]  # fmt: skip


@task
def nearest_mean(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_nearest_mean(images, labels, new)``: the class of the closest mean image."""
    args = _pictures()
    given = "8 images of 3 classes (uint8) and 5 new ones"

    def read(value: Any) -> Parts:
        return {"the classes": as_array(value, "the classes", (5,), given=given)}

    yield "shape and dtype"
    got = read(call(answer, *args, given=given))
    yield "value"
    compare(got, read(_nearest(*args, kind="right")), given=given,
            known=evaluate_known(NEAREST, read, *args))  # fmt: skip


PARAMETERS = [
    Known("biases forgotten", "Every map of the output has a bias as "
                              "well.", lambda r, q, m: q * r * m * m),
    Known("one kernel for all inputs", "Each output map has a kernel of its own for every input "
                                       "map.",
          lambda _, q, m: q * (m * m + 1)),
    Known("one bias", "Every map of the output has a bias of its own.",
          lambda r, q, m: q * r * m * m + 1),
    Known("side not squared", "A kernel of side M has M rows of M weights.",
          lambda r, q, m: q * (r * m + 1)),
    Known("a bias per kernel", "The bias belongs to the output map, not to each of its kernels.",
          lambda r, q, m: q * r * (m * m + 1)),
    Known("maps swapped", "Which of the two numbers of maps has the biases?",
          lambda r, q, m: r * (q * m * m + 1)),
]  # fmt: skip


@task
def convolution_parameters(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_convolution_parameters(maps_in, maps_out, side)``."""
    yield "value"
    for sizes in ((1, 16, 3), (16, 32, 5)):
        given = f"maps_in {sizes[0]}, maps_out {sizes[1]}, side {sizes[2]}"

        def read(value: Any, given: str = given) -> Parts:
            return {"the number": as_array(value, "the number", (), given=given)}

        r, q, m = sizes
        compare(read(call(answer, *sizes, given=given)), read(q * (r * m * m + 1)), given=given,
                known=evaluate_known(PARAMETERS, read, *sizes), rtol=1e-9)  # fmt: skip


def correlate(image: Array, kernel: Array) -> Array:
    """s_ij = sum of w_mn x_(i+m, j+n): the valid cross-correlation."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (windows * kernel).sum(axis=(2, 3))


CORRELATION = [
    Known("kernel turned around", "That is the convolution of mathematics, with the kernel turned "
          "around. Asked for is the sum without turning it.",
          lambda x, w: correlate(x, w[::-1, ::-1])),
    Known("kernel transposed", "Rows and columns of the kernel are swapped.",
          lambda x, w: correlate(x, w.T)),
    Known("mean over the window", "That is a mean over the window; the weights are not divided.",
          lambda x, w: correlate(x, w) / w.size),
    Known("weights left out", "The window is summed without its weights.",
          lambda x, w: correlate(x, np.ones_like(w))),
]  # fmt: skip


@task
def cross_correlation(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_cross_correlation(image, kernel)`` on an image (N, P) and a square kernel."""
    rng = np.random.default_rng(0)
    image, kernel = rng.standard_normal((6, 8)), rng.standard_normal((3, 3))
    given = "an image (6, 8) and a kernel (3, 3)"
    hint = (
        "How many places has a window of side 3 on 6 rows? The map is smaller than the image, and "
        "nothing is added at the border."
    )

    def read(value: Any) -> Parts:
        return {"the map": as_array(value, "the map", (4, 6), given=given, hint=hint)}

    yield "shape and dtype"
    got = read(call(answer, image, kernel, given=given))
    yield "value"
    compare(got, read(correlate(image, kernel)), given=given,
            known=evaluate_known(CORRELATION, read, image, kernel), sizes=[("9", 9)])  # fmt: skip
    yield "extreme inputs"
    one = "an image as large as the kernel"
    came = as_array(call(answer, image[:3, :3], kernel, given=one), "the map", (1, 1), given=one)
    compare({"the map": came}, {"the map": correlate(image[:3, :3], kernel)}, given=one, known={})


MEANS = [
    Known("mean of means", "The last batch is smaller and counts as much as the others in your "
          "mean.", lambda means, _: np.mean(means)),
    Known("sum divided by the images", "The means have been divided by their batch sizes "
                                       "already: a "
          "sum of them, divided by the number of images, is divided once too often.",
          lambda means, sizes: np.sum(means) / np.sum(sizes)),
    Known("sum of means", "That is a sum; the loss per image is a mean.",
          lambda means, _: np.sum(means)),
    Known("sum over the images", "That is the sum over all images, not yet the mean.",
          lambda means, sizes: np.dot(means, sizes)),
    Known("divided by the batches", "The sum over all images is to be divided by their number, not "
          "by that of the batches.", lambda means, sizes: np.dot(means, sizes) / len(sizes)),
    Known("last batch", "That is the loss of one batch only.", lambda means, _: means[-1]),
]  # fmt: skip


@task
def mean_loss(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_mean_loss(batch_means, batch_sizes)``: the mean loss per image of an epoch."""
    args = ([0.5, 2.0, 3.5], [2500, 2500, 100])
    given = f"batch_means {args[0]}, batch_sizes {args[1]}"

    def read(value: Any) -> Parts:
        return {"the loss": as_array(value, "the loss", (), given=given)}

    yield "shape and dtype"
    got = read(call(answer, *args, given=given))
    yield "value"
    compare(got, read(np.average(args[0], weights=args[1])), given=given,
            known=evaluate_known(MEANS, read, *args), sizes=[("2500", 2500)])  # fmt: skip


@task
def test_points(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_test_points() -> (y, yhat)``: points at which every wrong loss is caught."""
    given = "no arguments"
    yield "shape and dtype"
    value = call(answer, given=given)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Fault("does not return two lists", given=given, got=describe(value),
                    expected="labels y and predictions yhat, equally long",
                    hint="`return y, yhat`", mistake="number of results")  # fmt: skip
    y = as_array(value[0], "y", np.shape(value[0]), given=given).ravel()
    yhat = as_array(value[1], "yhat", np.shape(value[0]), given=given).ravel()
    if not (len(y) and np.isin(y, (0, 1)).all() and ((yhat > 0) & (yhat < 1)).all()):
        raise Fault("does not return labels and probabilities", given=given,
                    got=f"y = {y.tolist()}, yhat = {yhat.tolist()}",
                    expected="labels 0 or 1, and predictions between 0 and 1",
                    hint="At exactly 0 or 1 a logarithm is infinite.", mistake="range")  # fmt: skip
    yield "value"
    truth = -np.log(np.where(y == 1, yhat, 1 - yhat))
    for name, wrong in mistakes.NAIVE_LOSSES.items():
        each = [wrong(*point) for point in zip(y, yhat, strict=True)]
        if np.allclose(each, truth, rtol=1e-3, atol=1e-6):
            raise Fault(
                f"lets a wrong loss pass: “{name}”",
                given=f"y = {y.tolist()}, yhat = {yhat.tolist()}",
                got="the wrong loss equals the right one at all of your points",
                expected="at least one point at which they differ",
                hint="Which term of this wrong loss is switched off at your points? Choose a point "
                "at which it counts.",
                mistake="points too easy",
            )


# Pytest collects functions by this name; it is a task of the book, and no test.
test_points.__test__ = False  # type: ignore[attr-defined]
