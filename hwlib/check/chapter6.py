"""Checks of chapter 6: convolutions, counted, computed and built into a network."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hwlib.check.engine import Answer, Mistakes, examine, loud, task
from hwlib.check.examples import draws
from hwlib.check.networks import built, check_gradients, images, logits
from hwlib.check.texts import HINTS, fault
from hwlib.check.values import Array, named
from hwlib.models import count_parameters

PARAMETERS: Mistakes = {
    "biases forgotten": lambda r, q, m: q * r * m * m,
    "one kernel for all inputs": lambda _, q, m: q * (m * m + 1),
    "one bias": lambda r, q, m: q * r * m * m + 1,
    "side not squared": lambda r, q, m: q * (r * m + 1),
    "a bias per kernel": lambda r, q, m: q * r * (m * m + 1),
    "maps swapped": lambda r, q, m: r * (q * m * m + 1),
    "times the pixels": lambda r, q, m: 28 * 28 * q * (r * m * m + 1),
}


def _parameters(maps_in: int, maps_out: int, side: int) -> int:
    return maps_out * (maps_in * side**2 + 1)


@task
def convolution_parameters(answer: Answer) -> Iterator[str]:
    """Check ``my_convolution_parameters(maps_in, maps_out, side)``."""
    drawn = draws(0).permutation(np.arange(2, 30))[:3].tolist()
    for args in ((2, 16, 3), (16, 32, 5), (7, 3, 2), drawn):
        yield "input: maps_in {}, maps_out {}, side {}".format(*args)
        read = named("the number")
        yield from examine(answer, _parameters, read, args, mistakes=PARAMETERS, rtol=1e-9)


def correlate(image: Array, kernel: Array) -> Array:
    """s_ij = sum of w_mn x_(i+m, j+n): the valid cross-correlation."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (windows * kernel).sum(axis=(2, 3))


CORRELATION: Mistakes = {
    "kernel turned around": lambda x, w: correlate(x, w[::-1, ::-1]),
    "kernel transposed": lambda x, w: correlate(x, w.T),
    "mean over the window": lambda x, w: correlate(x, w) / w.size,
    "weights left out": lambda x, w: correlate(x, np.ones_like(w)),
    "last row and column left out": lambda x, w: np.pad(
        correlate(x, w)[:-1, :-1], ((0, 1), (0, 1))
    ),
}


@task
def cross_correlation(answer: Answer) -> Iterator[str]:
    """Check ``my_cross_correlation(image, kernel)`` on an image (N, P) and a square kernel."""
    rng = draws(0)
    for image, side in (((6, 8), 3), ((7, 5), 2), ((9, 9), 4), ((3, 3), 3)):
        yield f"input: an image {image} and a kernel {(side, side)}"
        hint = HINTS["map"].format(side=side, rows=image[0])
        if image == (3, 3):
            yield "extreme inputs"
        read = named("the map", hint=hint)
        args, sizes = (rng.standard_normal(image), rng.standard_normal((side, side))), [side**2]
        yield from examine(answer, correlate, read, args, mistakes=CORRELATION, sizes=sizes)
    yield "input: an image (4, 6) of whole numbers (uint8), and a kernel (2, 2) of fractions"
    args = rng.integers(0, 9, (4, 6)).astype(np.uint8), 4 * rng.random((2, 2))
    yield from loud(examine(answer, correlate, named("the map"), args))


class _Calls(TorchFunctionMode):
    """The torch functions that are called, by modules too.

    Of each the name, the side of a kernel that is new or 0, and whether it makes a map smaller.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, int, bool]] = []
        self.weights: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "").strip("_").replace("_", "")
        weight = (kwargs or {}).get("weight", args[1] if len(args) > 1 else None)
        new = "conv" in name and not any(weight is earlier for earlier in self.weights)
        side = max(weight.shape[2:]) if new and getattr(weight, "ndim", 0) == 4 else 0
        self.weights.append(weight)
        value = func(*args, **(kwargs or {}))
        maps = [t for t in (value, *args[:1]) if isinstance(t, Tensor)]
        smaller = len(maps) == 2 and maps[0].numel() < maps[1].numel()
        # A mean over the maps leaves their sides as they are.
        self.found.append((name, side, smaller and maps[0].shape[-2:] != maps[1].shape[-2:]))
        return value


POOLING = ("pool", "amax", "mean", "max")
# What PyTorch has as activations, and what they are written with by hand.
BENDS = {name.lower() for name in nn.modules.activation.__all__} | {
    *("clamp", "clampmin", "clip", "maximum", "max", "where", "abs", "gt", "ge", "lt", "le")
}


def _check_layers(model: nn.Module) -> None:
    """Raise a fault unless kernels see neighbours, with an activation behind each, and pooling."""
    with torch.no_grad(), _Calls() as calls:
        model.eval()(images(2))
    kernels = [i for i, (_, side, _) in enumerate(calls.found) if 1 < side < 28]
    if len(kernels) < 2:
        sides = [side for _, side, _ in calls.found if side]
        raise fault("no convolution", f"kernels of side {sides}")
    behind = calls.found[kernels[0] :]
    if not any(smaller and any(w in name for w in POOLING) for name, _, smaller in behind):
        raise fault("no pooling")
    rest = range(kernels[-1], len(calls.found))
    linear = [i for i in rest if calls.found[i][0] in ("linear", "matmul", "addmm")]
    ends = [*kernels[1:], linear[0] if linear else len(calls.found)]
    for number, (start, end) in enumerate(zip(kernels, ends, strict=True), start=1):
        if not any(name in BENDS for name, *_ in calls.found[start:end]):
            raise fault("no activation behind a convolution", number=number)


@task
def cnn(answer: Answer) -> Iterator[str]:
    """Check ``my_cnn()``: convolutions, pooling, and about as many parameters as the MLP."""
    model = yield from built(answer)
    yield "input: two images"
    _check_layers(model)
    yield "input: no arguments"
    count = count_parameters(model)
    if not 80_600 <= count <= 98_600:
        hint = HINTS["smaller" if count > 98_600 else "larger"]
        raise fault("another size", f"{count:,} parameters", hint=hint)
    yield from check_gradients(model)
    yield "extreme inputs"
    yield "input: one image (1, 1, 28, 28) of float32"
    logits(model, images(1))
