"""Checks of chapter 4: nearest means, images to tensors, and the cut of a validation set."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hwlib.check.engine import (
    Array,
    Parts,
    call,
    compare,
    describe,
    evaluate_known,
    examine,
    known,
    pair,
    reader,
    task,
)
from hwlib.check.outcome import Fault


def tensor(
    value: Any, name: str, shape: tuple[int, ...], dtype: torch.dtype, given: str, hint: str = ""
) -> Tensor:
    """Return ``value`` once it is a tensor of this shape and dtype.

    Raises
    ------
    Fault
    """
    if not isinstance(value, Tensor):
        raise Fault(
            f"returns {name} as something else than a tensor",
            given=given,
            got=describe(value),
            expected=f"a tensor {shape} of {dtype}",
            hint="torch.from_numpy or torch.as_tensor makes a tensor of an array.",
            mistake="no tensor",
        )
    if tuple(value.shape) != shape:
        raise Fault(
            f"returns {name} in the wrong shape",
            given=given,
            got=f"shape {tuple(value.shape)}",
            expected=f"shape {shape}",
            hint=hint or "Follow the shapes line by line.",
            mistake="shape",
        )
    if value.dtype != dtype:
        raise Fault(
            f"returns {name} in the wrong dtype",
            given=given,
            got=str(value.dtype),
            expected=str(dtype),
            hint="Networks compute in float32, and cross_entropy takes classes as int64 (long).",
            mistake="dtype",
        )
    return value


def _pictures(seed: int) -> tuple[Any, Any, Any]:
    """Training images of three classes, their labels, and new images, all uint8 noise.

    Without a pattern the means differ little, so that another distance, another mean or the nearest
    single image gives other classes.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1, 2], (3, 4, 5)))
    bytes_of = lambda n: (255 * rng.random((n, 28, 28)) ** 3).astype(np.uint8)  # noqa: E731
    return bytes_of(12), labels, bytes_of(30 + seed)


def nearest(images: Any, labels: Any, new: Any, *, kind: str = "right") -> Array:
    """The class of the mean that is nearest, or one mistake in finding it."""
    bytes_only = kind == "bytes"
    means = np.stack([images[labels == c].mean(axis=0) for c in np.unique(labels)])
    if bytes_only:
        means = means.astype(np.uint8)
    x = new if bytes_only else new.astype(float)
    difference = x[:, None] - means[None]
    distance = difference.sum(axis=(2, 3)) if kind == "signed" else (difference**2).sum(axis=(2, 3))
    return distance.argmax(axis=1) if kind == "farthest" else distance.argmin(axis=1)


NEAREST = known(
    {
        "bytes wrap around": lambda *a: nearest(*a, kind="bytes"),
        "farthest": lambda *a: nearest(*a, kind="farthest"),
        "signed differences": lambda *a: nearest(*a, kind="signed"),
    },
    {
        "bytes wrap around": "Bytes wrap around: 3 - 5 is 254 in uint8, and a square keeps its "
        "last 8 bits only. In which type is the distance computed?",
        "farthest": "These are the classes whose means are farthest away.",
        "signed differences": "Differences of both signs cancel in a sum, so it is no distance.",
    },
)


@task
def nearest_mean(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_nearest_mean(images, labels, new)``: the class of the closest mean image."""
    for seed in (0, 1):
        args = _pictures(seed)
        given = f"12 images of 3 classes (uint8) and {30 + seed} new ones"
        read = reader("the classes", (30 + seed,), given)
        yield from examine(answer, nearest, read, args, given=given, mistakes=NEAREST)


def _parts(images: Any, labels: Any) -> Parts:
    return {"images": np.asarray(images, dtype=float), "labels": np.asarray(labels, dtype=float)}


SCALING = known(
    {
        "not divided": lambda x, y: (x, y),
        "divided by 256": lambda x, y: (x / 256, y),
        "divided as bytes": lambda x, y: (x // 255, y),
        "divided by the largest pixel": lambda x, y: (x / x.max(), y),
    },
    {
        "not divided": "The pixels still go from 0 to 255; a network works best with numbers "
        "around 1.",
        "divided by 256": "A white pixel is 255, and is to become exactly 1.",
        "divided as bytes": "Nearly everything is 0: the division was done before the change of "
        "type, in whole numbers.",
        "divided by the largest pixel": "Your result depends on the brightest pixel of these "
        "images. Two data sets would be scaled differently.",
    },
)


@task
def to_tensors(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_to_tensors(images, labels)``: uint8 arrays to float32 and int64 tensors."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 200, (5, 28, 28)).astype(np.uint8)
    labels = np.array([3, 0, 9, 1, 1], dtype=np.uint8)
    given = "images (5, 28, 28) and labels (5,), both uint8"

    def read(value: Any) -> Parts:
        x, y = pair(value, given, "images and labels")
        tensor(
            x,
            "images",
            (5, 1, 28, 28),
            torch.float32,
            given,
            "A convolution wants the number of colour channels as well, after the batch.",
        )
        tensor(y, "labels", (5,), torch.int64, given)
        return _parts(x, y)

    yield "shape and dtype"
    got = read(call(answer, images, labels, given=given))
    yield "value"
    known = evaluate_known(SCALING, lambda v: _parts(v[0][:, None], v[1]), images, labels)
    compare(got, _parts(images[:, None] / 255, labels), given=given, known=known)


@task
def split_validation(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_split_validation(n, validation, generator) -> (train, validation)``: indices."""
    given = "n = 1000, validation = 200, a generator with seed 0"

    def read(seed: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        value = call(answer, 1000, 200, generator, given=given, changes=True)
        train, held = pair(value, given, "the indices for training, and those for validation")
        hint = "Which of the two comes first?" if len(held) == 800 else ""
        return (
            tensor(train, "the training indices", (800,), torch.int64, given, hint),
            tensor(held, "the validation indices", (200,), torch.int64, given),
        )

    yield "shape and dtype"
    train, held = read(0)
    yield "value"
    common = len(set(train.tolist()) & set(held.tolist()))
    both = torch.cat([train, held])
    if common:
        raise Fault(
            "puts images into both parts",
            given=given,
            got=f"{common} in both",
            expected="none in both",
            hint="Draw one random order and cut it in two.",
            mistake="overlap",
        )
    if not torch.equal(both.sort().values, torch.arange(1000)):
        raise Fault(
            "does not use every index from 0 to n - 1 once",
            given=given,
            got=f"{len(both.unique())} different ones, from {both.min()} to {both.max()}",
            expected="1000 different ones",
            mistake="with replacement",
            hint="Numbers drawn one by one repeat: which function permutes?",
        )
    if torch.equal(held.sort().values, held[0].sort().values + torch.arange(200)):
        raise Fault(
            "does not cut at random",
            given=given,
            got=f"{held[:4].tolist()}, ...",
            expected="a random selection",
            mistake="not shuffled",
            hint="If the file is sorted by class, whole classes go into one part.",
        )
    if torch.equal(train, train.sort().values):
        raise Fault(
            "returns sorted training indices",
            given=given,
            got=f"{train[:4].tolist()}, ...",
            expected="a random order",
            mistake="order not random",
            hint="The indices of both parts come in the random order in which they were drawn.",
        )
    again, other = read(0)[1], read(1)[1]
    if not torch.equal(again, held) or torch.equal(other, held):
        raise Fault(
            "does not draw from the generator that it is given",
            given=given,
            got="another cut for the same seed, or the same for another seed",
            expected="one cut per seed",
            mistake="generator ignored",
            hint="Pass `generator=` on to the function that draws.",
        )
