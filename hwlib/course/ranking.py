"""The experiment of chapter 8: one run of the MLP for each optimiser, rate, batch size and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hwlib.batches import Batches, hold_out, to_tensors
from hwlib.data import ImageData, load_fashion_mnist, load_stand_in
from hwlib.evaluate import evaluate
from hwlib.models import MLP
from hwlib.train import History, compare_optimizers

# The methods of the homework, their learning rate left open.
METHODS: dict[str, Callable[..., Optimizer]] = {
    "SGD": partial(torch.optim.SGD, fused=True),
    "Nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True, fused=True),
    "Adam": partial(torch.optim.Adam, fused=True),
}
RATES = {
    "SGD": (0.01, 0.03, 0.1, 0.3, 1.0),
    "Nesterov": (0.01, 0.03, 0.1, 0.3),
    "Adam": (0.0003, 0.001, 0.003, 0.01, 0.03),
}
BATCH_SIZES = (250, 2500)
SEEDS = tuple(range(10))
EPOCHS = 10
CURVES = ("train_loss", "validation_loss", "validation_accuracy")
DIGITS = 6  # more decimals than a run on another processor shares with this one


class Parts(NamedTuple):
    images: Tensor
    labels: Tensor
    validation: Batches
    test: Batches


def grid() -> list[dict[str, Any]]:
    """Return the settings of the whole sweep, seed by seed, so that early results cover it all."""
    return [
        {"data": "Fashion-MNIST", "optimizer": name, "learning_rate": rate}
        | {"batch_size": batch_size, "epochs": EPOCHS, "seed": seed}
        for seed in SEEDS
        for batch_size in BATCH_SIZES
        for name, rates in RATES.items()
        for rate in rates
    ]


def train_setting(
    *,
    data: str,
    optimizer: str,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    seed: int,
    images: int = 60_000,
    test: bool = False,
) -> dict[str, Any]:
    """Train one MLP and return its course, as plain numbers.

    It computes on one thread, so that the sums, and with them the last digits, do not depend on
    the number of processors, and several runs can share a machine.

    Parameters
    ----------
    data : "Fashion-MNIST" or "stand-in"
    optimizer : "SGD", "Nesterov" or "Adam"
    learning_rate : float
    batch_size, epochs : int
    seed : int
        Of initial weights and batch order.
    images : int
        Number of training images, those for validation (at most 5000) included.
    test : bool
        Whether the test accuracy is measured too, on which no choice may rest.

    Returns
    -------
    dict
        ``validation_accuracy`` (shares of 1), ``validation_loss`` and ``train_loss`` (nats), one
        entry per finished epoch; ``status`` and ``message`` as in `hwlib.train.History`;
        ``test_accuracy`` if asked for.

    Raises
    ------
    ValueError
        If the optimiser or the data set is unknown.
    DataError
        If Fashion-MNIST is not there: nothing else is taken in its place.
    """
    if optimizer not in METHODS:
        raise ValueError(f"optimizer: expected one of {sorted(METHODS)}, got {optimizer!r}.")

    def make(parameters: Iterable[nn.Parameter]) -> Optimizer:
        return METHODS[optimizer](parameters, lr=learning_rate)

    with one_thread():
        parts = parts_of(data, images)
        [run] = compare_optimizers(
            MLP,
            partial(Batches, parts.images, parts.labels, batch_size),
            parts.validation,
            optimizers={optimizer: make},
            epochs=epochs,
            seeds=[seed],
        )[optimizer]
        history = run.history
        result = {"status": history.status, "message": history.message, **curves_of(history)}
        if test:
            result["test_accuracy"] = round(evaluate(run.model, parts.test).accuracy, DIGITS)
    return result


def curves_of(history: History) -> dict[str, Any]:
    """Return the curves of a run, rounded for storing."""
    return {name: [round(v, DIGITS) for v in getattr(history, name)] for name in CURVES}


@contextmanager
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _load(data: str, images: int) -> ImageData:
    if data == "Fashion-MNIST":
        return load_fashion_mnist(allow_stand_in=False)
    if data == "stand-in":
        return load_stand_in(images, max(1, images // 6))
    raise ValueError(f"data: expected 'Fashion-MNIST' or 'stand-in', got {data!r}.")


@lru_cache(maxsize=1)
def parts_of(data: str, images: int) -> Parts:
    """Load and split once per process, as in chapter 5."""
    loaded = _load(data, images)
    x, y = to_tensors(loaded.train_images[:images], loaded.train_labels[:images])
    test = to_tensors(loaded.test_images, loaded.test_labels)
    return Parts(*hold_out(x, y, min(5000, len(y) // 4)), Batches(*test, 1000))
