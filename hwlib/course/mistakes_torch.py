"""Wrong on purpose: the mistakes of the PyTorch part, one function each, for chapter 7 and tests.

As in `hwlib.course.mistakes`, each function has the arguments of the right one that it imitates.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from hwlib.batches import Batches
from hwlib.data import (
    ImageData,
    MissingDataError,
    StandInWarning,
    load_mnist,
    load_stand_in,
    stand_in_allowed,
)
from hwlib.models import seeded_model
from hwlib.train import OPTIMIZERS, History, MakeBatches, fit


def load_digits_by_mistake(*, download: bool = True) -> ImageData:
    """Wrong: MNIST. Right: Fashion-MNIST, with the same shapes, dtypes and number of classes.

    Where MNIST cannot be had, and `stand_in_allowed`, the stand-in takes its place, announced;
    otherwise the DataError of `hwlib.data.load_mnist` is raised.
    """
    try:
        return load_mnist(download=download)
    except MissingDataError as error:
        if not stand_in_allowed():
            raise
        warnings.warn(
            f"MNIST was not found, drawn garments stand in for it ({error})",
            StandInWarning,
            stacklevel=2,
        )
        return load_stand_in()


def train_epoch_divided_by_images(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], optimizer: Optimizer, images: int
) -> float:
    """Wrong: Σ batch mean / images. Right: Σ batch mean · batch size / images.

    It trains as `hwlib.train.train_epoch`. Each batch mean has been divided by its batch size
    already, so the result is too small by that factor.
    """
    model.train()
    running = 0.0
    for pixels, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(pixels), labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / images


def train_one_model_in_turn(
    make_model: Callable[[], nn.Module],
    make_batches: MakeBatches,
    validation: Batches,
    *,
    optimizers: Sequence[str] = tuple(OPTIMIZERS),
    epochs: int,
    seed: int,
) -> dict[str, History]:
    """Wrong: one model for all optimisers. Right: a fresh one for each, as in `compare_optimizers`.

    Only the first starts from initial weights; each of the others where the last one ended.
    """
    model = seeded_model(make_model, seed)
    return {
        name: fit(
            model,
            make_batches(torch.Generator().manual_seed(seed)),
            validation,
            OPTIMIZERS[name](model.parameters()),
            epochs=epochs,
        )
        for name in optimizers
    }


def losses_in_turn(untrained: float, runs: Mapping[str, History]) -> dict[str, list[float]]:
    """Validation losses of `train_one_model_in_turn`, each with the loss it started from first.

    That is the last loss of the one before, and of the first, the loss of the ``untrained`` model:
    lists (epochs + 1,), by the labels of the ``runs``, which are in the order of training.
    """
    curves, start = {}, untrained
    for name, history in runs.items():
        curves[name] = [start, *history.validation_loss]
        start = curves[name][-1]
    return curves
