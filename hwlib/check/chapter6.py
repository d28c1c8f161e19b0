"""Checks of chapter 6: convolutions, counted, computed and built into a network."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from hwlib.check.engine import Array, examine, known, reader, task
from hwlib.check.models import build, check_gradients, check_logits, images, logits
from hwlib.check.outcome import Fault
from hwlib.models import count_parameters

PARAMETERS = known(
    {
        "biases forgotten": lambda r, q, m: q * r * m * m,
        "one kernel for all inputs": lambda _, q, m: q * (m * m + 1),
        "one bias": lambda r, q, m: q * r * m * m + 1,
        "side not squared": lambda r, q, m: q * (r * m + 1),
        "a bias per kernel": lambda r, q, m: q * r * (m * m + 1),
        "maps swapped": lambda r, q, m: r * (q * m * m + 1),
    },
    {
        "biases forgotten": "Every map of the output has a bias as well.",
        "one kernel for all inputs": "Each output map has a kernel of its own for every input map.",
        "one bias": "Every map of the output has a bias of its own.",
        "side not squared": "A kernel of side M has M rows of M weights.",
        "a bias per kernel": "The bias belongs to the output map, not to each of its kernels.",
        "maps swapped": "Which of the two numbers of maps has the biases?",
    },
)


@task
def convolution_parameters(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_convolution_parameters(maps_in, maps_out, side)``."""
    for args in ((1, 16, 3), (16, 32, 5), (7, 3, 2)):
        yield from examine(
            answer,
            lambda r, q, m: q * (r * m * m + 1),
            reader("the number", (), given := "maps_in {}, maps_out {}, side {}".format(*args)),
            args,
            given=given,
            mistakes=PARAMETERS,
            rtol=1e-9,
        )


def correlate(image: Array, kernel: Array) -> Array:
    """s_ij = sum of w_mn x_(i+m, j+n): the valid cross-correlation."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (windows * kernel).sum(axis=(2, 3))


CORRELATION = known(
    {
        "kernel turned around": lambda x, w: correlate(x, w[::-1, ::-1]),
        "kernel transposed": lambda x, w: correlate(x, w.T),
        "mean over the window": lambda x, w: correlate(x, w) / w.size,
        "weights left out": lambda x, w: correlate(x, np.ones_like(w)),
    },
    {
        "kernel turned around": "That is the convolution of mathematics, with the kernel turned "
        "around. Asked for is the sum without turning it.",
        "kernel transposed": "Rows and columns of the kernel are swapped.",
        "mean over the window": "That is a mean over the window; the weights are not divided.",
        "weights left out": "The window is summed without its weights.",
    },
)


@task
def cross_correlation(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_cross_correlation(image, kernel)`` on an image (N, P) and a square kernel."""
    rng = np.random.default_rng(0)
    for image, side in (((6, 8), 3), ((7, 5), 2), ((9, 9), 4), ((3, 3), 3)):
        given = f"an image {image} and a kernel {(side, side)}"
        hint = (
            f"How many places has a window of side {side} on {image[0]} rows? The map is smaller "
            "than the image, and nothing is added at the border."
        )
        read = reader("the map", (image[0] - side + 1, image[1] - side + 1), given, hint)
        if image == (3, 3):
            yield "extreme inputs"
        yield from examine(
            answer,
            correlate,
            read,
            (rng.standard_normal(image), rng.standard_normal((side, side))),
            given=given,
            mistakes=CORRELATION,
            sizes=[(str(side**2), side**2)],
        )


class _Calls(TorchFunctionMode):
    """The names of the torch functions that are called, by modules too."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def _check_pooling(model: nn.Module) -> None:
    with torch.no_grad(), _Calls() as calls:
        model.eval()(images(2))
    if not any("pool" in name or name in ("amax", "max", "mean") for name in calls.names):
        raise Fault(
            "has no pooling",
            given="two images",
            got="maps that no function summarises",
            expected="pooling behind the convolutions",
            hint="Which layer takes the largest or the mean value of each window?",
            mistake="no pooling",
        )


@task
def cnn(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_cnn()``: convolutions, pooling, and about as many parameters as the MLP."""
    yield "shape and dtype"
    model = build(answer)
    logits(model, images(3))
    yield "value"
    kernels = [p for p in model.parameters() if p.ndim == 4]
    if len(kernels) < 2:
        raise Fault(
            "has fewer than two convolutions",
            given="no arguments",
            got=f"{len(kernels)} kernels",
            expected="two",
            hint="nn.Conv2d holds kernels of shape (maps out, maps in, M, M); layers in a plain "
            "list are not found.",
            mistake="no convolution",
        )
    check_logits(model)
    _check_pooling(model)
    count = count_parameters(model)
    if not 80_600 <= count <= 98_600:
        raise Fault(
            "is no fair partner of the MLP",
            given="no arguments",
            got=f"{count:,} parameters",
            expected="80,600 to 98,600: a tenth around the MLP's 89,610",
            hint="Most parameters stand in the first linear layer: how large are the maps that "
            "reach it? Pooling halves their side."
            if count > 98_600
            else "There is room for more maps or hidden units.",
            mistake="another size",
        )
    yield "gradient"
    check_gradients(model)
    yield "extreme inputs"
    logits(model, images(1))
