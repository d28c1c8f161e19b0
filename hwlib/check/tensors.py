"""Checks of chapter 4 that need PyTorch: images to tensors, and the cut of a validation set."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hwlib.check.engine import Known, Parts, call, compare, describe, evaluate_known, task
from hwlib.check.outcome import Fault


def tensor(value: Any, name: str, shape: tuple[int, ...], dtype: torch.dtype, given: str,
           hint: str = "") -> Tensor:  # fmt: skip
    """Return ``value`` once it is a tensor of this shape and dtype.

    Raises
    ------
    Fault
    """
    if not isinstance(value, Tensor):
        raise Fault(f"returns {name} as something else than a tensor", given=given,
                    got=describe(value), expected=f"a tensor {shape} of {dtype}",
                    hint="torch.from_numpy or torch.as_tensor makes a tensor of an array.",
                    mistake="no tensor")  # fmt: skip
    if tuple(value.shape) != shape:
        raise Fault(f"returns {name} in the wrong shape", given=given,
                    got=f"shape {tuple(value.shape)}", expected=f"shape {shape}",
                    hint=hint or "Follow the shapes line by line.", mistake="shape")  # fmt: skip
    if value.dtype != dtype:
        raise Fault(f"returns {name} in the wrong dtype", given=given, got=str(value.dtype),
                    expected=str(dtype),
                    hint="Networks compute in float32, and cross_entropy takes classes as int64 "
                    "(long).", mistake="dtype")  # fmt: skip
    return value


def _parts(images: Any, labels: Any) -> Parts:
    return {"images": np.asarray(images, dtype=float), "labels": np.asarray(labels, dtype=float)}


SCALING = [
    Known("not divided", "The pixels still go from 0 to 255; a network works best with numbers "
          "around 1.", lambda x, y: (x, y)),
    Known("divided by 256", "A white pixel is 255, and is to become exactly 1.",
          lambda x, y: (x / 256, y)),
    Known("divided as bytes", "Nearly everything is 0: the division was done before the change of "
          "type, in whole numbers.", lambda x, y: (x // 255, y)),
    Known("divided by the largest pixel", "Your result depends on the brightest pixel of these "
          "images. Two data sets would be scaled differently.", lambda x, y: (x / x.max(), y)),
]  # fmt: skip


@task
def to_tensors(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_to_tensors(images, labels)``: uint8 arrays to float32 and int64 tensors."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 200, (5, 28, 28)).astype(np.uint8)
    labels = np.array([3, 0, 9, 1, 1], dtype=np.uint8)
    given = "images (5, 28, 28) and labels (5,), both uint8"

    def read(value: Any) -> Parts:
        x, y = two(value, given, "images and labels")
        tensor(x, "images", (5, 1, 28, 28), torch.float32, given,
               "A convolution wants the number of colour channels as well, after the "
               "batch.")  # fmt: skip
        tensor(y, "labels", (5,), torch.int64, given)
        return _parts(x, y)

    yield "shape and dtype"
    got = read(call(answer, images, labels, given=given))
    yield "value"
    known = evaluate_known(SCALING, lambda v: _parts(v[0][:, None], v[1]), images, labels)
    compare(got, _parts(images[:, None] / 255, labels), given=given, known=known)


def two(value: Any, given: str, what: str) -> tuple[Any, Any]:
    """Return the two results of an answer.

    Raises
    ------
    Fault
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Fault("does not return two results", given=given, got=describe(value), expected=what,
                    hint="`return first, second`", mistake="number of results")  # fmt: skip
    return value[0], value[1]


@task
def split_validation(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_split_validation(n, validation, generator) -> (train, validation)``: indices."""
    given = "n = 1000, validation = 200, a generator with seed 0"

    def read(seed: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        value = call(answer, 1000, 200, generator, given=given, changes=True)
        train, held = two(value, given, "the indices for training, and those for validation")
        hint = "Which of the two comes first?" if len(held) == 800 else ""
        return (tensor(train, "the training indices", (800,), torch.int64, given, hint),
                tensor(held, "the validation indices", (200,), torch.int64, given))  # fmt: skip

    yield "shape and dtype"
    train, held = read(0)
    yield "value"
    common = len(set(train.tolist()) & set(held.tolist()))
    both = torch.cat([train, held])
    if common:
        raise Fault("puts images into both parts", given=given, got=f"{common} in both",
                    expected="none in both",
                    hint="Draw one random order and cut it in two.", mistake="overlap")  # fmt: skip
    if not torch.equal(both.sort().values, torch.arange(1000)):
        raise Fault("does not use every index from 0 to n - 1 once", given=given,
                    got=f"{len(both.unique())} different ones, from {both.min()} to {both.max()}",
                    expected="1000 different ones", mistake="with replacement",
                    hint="Numbers drawn one by one repeat: which function permutes?")  # fmt: skip
    if torch.equal(held.sort().values, held[0].sort().values + torch.arange(200)):
        raise Fault("does not cut at random", given=given, got=f"{held[:4].tolist()}, ...",
                    expected="a random selection", mistake="not shuffled",
                    hint="If the file is sorted by class, whole classes go into one "
                         "part.")  # fmt: skip
    again, other = read(0)[1], read(1)[1]
    if not torch.equal(again, held) or torch.equal(other, held):
        raise Fault("does not draw from the generator that it is given", given=given,
                    got="another cut for the same seed, or the same for another seed",
                    expected="one cut per seed", mistake="generator ignored",
                    hint="Pass `generator=` on to the function that draws.")  # fmt: skip
