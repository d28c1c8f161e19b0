"""The stored experiments of chapters 6 and 9: one call is one run, its numbers plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hwlib.batches import AugmentedBatches, Batches, shift_images
from hwlib.course.ranking import one_thread, parts_of
from hwlib.course.sweep import Setting, SweepError, read_runs, setting_key
from hwlib.evaluate import evaluate, predict_labels
from hwlib.models import CNN, MLP
from hwlib.train import OPTIMIZERS, History, compare_optimizers, fit, fit_one_cycle

SEEDS = (0, 1, 2)
STORED = (1, 2)  # chapter 6 trains with the first seed itself
NETWORKS = {"CNN": CNN, "MLP": MLP}
BATCH_SIZE, EPOCHS, LONG = 250, 4, 8
FEW = 5000  # training images of chapter 9's experiment on overfitting
MOVES = range(5)  # pixels to the right
CYCLES = [("CNN", "one cycle", EPOCHS), ("CNN", "one cycle", LONG), ("MLP", "one cycle", LONG)]
REMEDIES = ("none", "weight decay", "dropout", "augmentation")
CURVES = ("train_loss", "validation_loss", "validation_accuracy")
DIGITS = 6  # more decimals than a run on another processor shares with this one


def cnn_settings(data: str = "Fashion-MNIST") -> list[dict[str, Any]]:
    """Return the trainings of chapter 6 that are stored, seed by seed."""
    runs = [
        *((network, "Adam 0.01", EPOCHS) for network in NETWORKS),
        *CYCLES,
        ("CNN", "augmented", LONG),
        ("MLP", "SGD 0.01", EPOCHS),  # the one to be repeated: at its rate it repeats anywhere
    ]
    names = ("network", "recipe", "epochs")
    return [
        {"data": data, **dict(zip(names, run, strict=True)), "seed": seed}
        for seed in STORED
        for run in runs
    ]


def cnn_setting(*, data: str, network: str, recipe: str, epochs: int, seed: int) -> dict[str, Any]:
    """Train one network as chapter 6 does, and measure it; on one thread.

    Parameters
    ----------
    data : "Fashion-MNIST" or "stand-in"
    network : "CNN" or "MLP"
    recipe : a name in `hwlib.train.OPTIMIZERS`, "one cycle" or "augmented" (with one cycle)
    epochs : int
    seed : int

    Returns
    -------
    dict
        The curves ``train_loss``, ``validation_loss`` (nats) and ``validation_accuracy`` (shares
        of 1); ``moved``, the last for images moved to the right by 0 to 4 pixels; and
        ``test_right``, how many test images of each class were recognised.
    """
    with one_thread():
        parts = parts_of(data, 60_000)
        x, y = parts.images, parts.labels
        make, generator = NETWORKS[network], torch.Generator().manual_seed(seed)
        if recipe in OPTIMIZERS:
            [run] = compare_optimizers(
                make,
                partial(Batches, x, y, BATCH_SIZE),
                parts.validation,
                optimizers=[recipe],
                epochs=epochs,
                seeds=[seed],
            )[recipe]
        else:
            kind = AugmentedBatches if recipe == "augmented" else Batches
            batches = kind(x, y, BATCH_SIZE, generator=generator)
            run = fit_one_cycle(make, batches, parts.validation, epochs=epochs, seed=seed)
        truth = parts.test.labels
        right = truth[torch.from_numpy(predict_labels(run.model, parts.test)) == truth]
        return curves_of(run.history) | {
            "moved": [evaluate(run.model, moved(parts.validation, by)).accuracy for by in MOVES],
            "test_right": right.bincount(minlength=10).tolist(),
        }


def stored_seeds(path: Path) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """Results of the stored seeds, in their order, by network, recipe and epochs.

    Raises
    ------
    SweepError
        If a run of `cnn_settings` is missing.
    """
    found: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for setting, result in _stored(path, cnn_settings()):
        key = (setting["network"], setting["recipe"], setting["epochs"])
        found.setdefault(key, []).append(result)
    return found


def final_values(history: History, stored: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Validation accuracies in % after the last epoch: of this run, then of the stored seeds."""
    curves = [history.validation_accuracy, *(one["validation_accuracy"] for one in stored)]
    return 100 * np.array([curve[-1] for curve in curves])


def moved(batches: Batches, by: int) -> Batches:
    """The same images moved to the right by some pixels."""
    still = torch.zeros_like(batches.labels)
    return Batches(shift_images(batches.images, still, still + by), batches.labels, 1000)


def curves_of(history: History) -> dict[str, list[float]]:
    """The curves of a run, rounded for storing."""
    return {name: np.round(getattr(history, name), DIGITS).tolist() for name in CURVES}


def remedy_settings(data: str = "Fashion-MNIST") -> list[dict[str, Any]]:
    """Return every training of chapter 9's experiment on overfitting, seed by seed."""
    return [{"data": data, "remedy": name, "seed": s} for s in SEEDS for name in REMEDIES]


def remedy_setting(*, data: str, remedy: str, seed: int, epochs: int = 60) -> dict[str, Any]:
    """Train an MLP on few images with Adam at 0.001 and one remedy against overfitting.

    Parameters
    ----------
    data : "Fashion-MNIST" or "stand-in"
    remedy : a name in `REMEDIES`
    seed : int
    epochs : int

    Returns
    -------
    dict
        The curves of `cnn_setting`, and ``fresh_loss`` and ``fresh_accuracy`` after each epoch, on
        10,000 images of the training file that neither train nor validate.
    """
    generator = torch.Generator().manual_seed(seed)
    with one_thread(), torch.random.fork_rng():
        parts = parts_of(data, 60_000)
        kind = AugmentedBatches if remedy == "augmentation" else Batches
        train = kind(parts.images[:FEW], parts.labels[:FEW], BATCH_SIZE, generator=generator)
        others = slice(FEW, FEW + 10_000)
        fresh = Batches(parts.images[others], parts.labels[others], 1000)
        torch.manual_seed(seed)  # of the weights, and of the dropout
        model = dropout_mlp(0.3 if remedy == "dropout" else 0.0)
        decay = 1.0 if remedy == "weight decay" else 0.0
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=decay, fused=True)
        found: dict[str, list[float]] = {}
        for _ in range(epochs):
            measured = curves_of(fit(model, train, parts.validation, optimizer, epochs=1))
            loss, accuracy, _ = evaluate(model, fresh)
            measured |= {"fresh_loss": [round(loss, DIGITS)], "fresh_accuracy": [accuracy]}
            for name, values in measured.items():
                found.setdefault(name, []).extend(values)
    return found


def remedy_results(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The stored results of each remedy, in the order of the seeds.

    Raises
    ------
    SweepError
        If a run of `remedy_settings` is missing.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in REMEDIES}
    for setting, result in _stored(path, remedy_settings()):
        found[setting["remedy"]].append(result)
    return found


def _stored(path: Path, settings: Sequence[Setting]) -> Iterator[tuple[Setting, dict[str, Any]]]:
    runs = {setting_key(one["setting"]): one["result"] for one in read_runs(path)}
    for setting in settings:
        if setting_key(setting) not in runs:
            raise SweepError(f"{path}: expected a run of {setting}, got none; run: make seeds")
        yield setting, runs[setting_key(setting)]


def dropout_mlp(dropout: float = 0.0) -> nn.Module:
    """The MLP of the book with dropout after each hidden layer."""
    hidden = [
        module
        for inputs in (784, 100)
        for module in (nn.Linear(inputs, 100), nn.ReLU(), nn.Dropout(dropout))
    ]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(100, 10))
