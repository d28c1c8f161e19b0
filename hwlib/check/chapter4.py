"""Checks of chapter 4: nearest means, images to tensors, and the cut of a validation set."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hwlib.check.engine import Answer, Mistakes, call, examine, task
from hwlib.check.examples import draws, seed
from hwlib.check.texts import HINTS, fault
from hwlib.check.values import Array, any_array, named, several, tensor


def _pictures(number: int, classes: int, new: int, below: int) -> tuple[Any, Any, Any]:
    """Training images of some classes, their labels, and new images, all uint8 noise.

    Without a pattern the means differ little, so that another distance, another mean or the nearest
    single image gives other classes; drawn again until rounding to float32 does not. Of images
    with no pixel above 1, means that were rounded to whole numbers give other classes, too.
    """
    while True:
        rng = draws(number)
        counts = np.arange(3, 3 + classes)
        labels = rng.permutation(np.repeat(np.arange(classes, dtype=np.uint8), counts))
        images, others = (
            (below * rng.random((n, 28, 28)) ** 3).astype(np.uint8) for n in (len(labels), new)
        )
        first, second = np.sort(_distances(images, labels, others), axis=1)[:, :2].T
        if np.all(second - first > 1e-5 * first):
            return images, labels, others
        number += 100


def _distances(
    images: Any, labels: Any, new: Any, each: Any = np.square, dtype: type = float
) -> Array:
    means = np.stack([images[labels == c].mean(axis=0) for c in np.unique(labels)])
    return each(new[:, None] - means.astype(dtype)).sum(axis=(2, 3))


def nearest(*args: Any, **kind: Any) -> Array:
    """The class of the mean that is nearest, or one mistake in finding it."""
    return _distances(*args, **kind).argmin(axis=1)


NEAREST: Mistakes = {
    "bytes wrap around": partial(nearest, dtype=np.uint8),
    "farthest": lambda *args: _distances(*args).argmax(axis=1),
    "signed differences": partial(nearest, each=np.positive),
    "absolute differences": partial(nearest, each=np.abs),
    "nearest single image": lambda x, y, new: y[nearest(x, np.arange(len(x)), new)],
}


@task
def nearest_mean(answer: Answer) -> Iterator[str]:
    """Check ``my_nearest_mean(images, labels, new)``: the class of the closest mean image."""
    for number, classes, new, below in ((37, 3, 40, 255), (50, 5, 50, 255), (14, 2, 400, 2)):
        args = _pictures(number, classes, new, below)
        images = f"{len(args[0])} images of {classes} classes and {new} new ones"
        yield f"input: {images}, uint8 below {below}"
        mistakes = NEAREST if below > 2 else None  # of dark images, several give the same
        yield from examine(answer, nearest, named("the classes"), args, mistakes=mistakes)


def _scaled(images: Any, labels: Any) -> tuple[Tensor, Tensor]:
    return torch.tensor(images[:, None] / 255).float(), torch.tensor(labels).long()


SCALING: Mistakes = {
    "not divided": lambda x, y: _scaled(255.0 * x, y),
    "divided by 256": lambda x, y: _scaled(x * (255 / 256), y),
    "divided as bytes": lambda x, y: _scaled(255 * (x // 255), y),
    "smallest pixel subtracted": lambda x, y: _scaled(x - x.min(), y),
    "divided by the largest pixel": lambda x, y: _scaled(x * (255 / x.max()), y),
}


@task
def to_tensors(answer: Answer) -> Iterator[str]:
    """Check ``my_to_tensors(images, labels)``: uint8 arrays to float32 and int64 tensors."""
    rng = draws(0)
    for n in (5, 3, 1):
        images = rng.integers(5, 200, (n, 28, 28)).astype(np.uint8)
        args = images, rng.permutation(10)[:n].astype(np.uint8)
        yield f"input: images ({n}, 28, 28) and labels ({n},), both uint8"
        read = named("images", "labels")
        yield from examine(answer, _scaled, read, args, mistakes=SCALING)


@task
def split_validation(answer: Answer) -> Iterator[str]:
    """Check ``my_split_validation(n, validation, generator) -> (train, validation)``: indices."""
    cuts = []
    for n, validation in ((1000, 200), (60, 25)):
        yield f"input: n = {n}, validation = {validation}, a generator"
        generators = [torch.Generator().manual_seed(seed(number)) for number in (0, 0, 1)]
        # The first one is drawn from twice, and must not give the same again.
        for generator in (*generators, generators[0]):
            yield "shape and dtype"
            value = call(answer, n, validation, generator, changes=True)
            names = "indices for training", "indices for validation"
            train, held = several(value, *names).values()
            hint = HINTS["parts swapped"] if any_array(train).shape == (validation,) else ""
            tensor(train, "the training indices", (n - validation,), torch.int64, hint)
            tensor(held, "the validation indices", (validation,), torch.int64)
            yield "value"
            _check_cut(train, held)
            cuts.append((train.tolist(), set(held.tolist())))
        first, same, other, again = cuts[-4:]
        if first != same or first[1] in (other[1], again[1]):
            raise fault("generator ignored")


def _check_cut(train: Tensor, held: Tensor) -> None:
    """Raise a fault unless the two parts are all indices, each once and in a random order."""
    both, n = torch.cat([train, held]), len(train) + len(held)
    common = len(set(train.tolist()) & set(held.tolist()))
    if common:
        raise fault("overlap", f"{common} in both")
    if not torch.equal(both.sort().values, torch.arange(n)):
        got = f"{len(both.unique())} different ones, from {both.min()} to {both.max()}"
        raise fault("with replacement", got, n=n)
    if torch.equal(held.sort().values, held.min() + torch.arange(len(held))):
        raise fault("not shuffled", f"{held[:4].tolist()}, ...")
    for name, part in (("training", train), ("validation", held)):
        if torch.equal(part, part.sort().values):
            raise fault("order not random", f"{part[:4].tolist()}, ...", name=name)
