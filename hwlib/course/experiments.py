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
from hwlib.course.ranking import DIGITS, curves_of, one_thread, parts_of
from hwlib.course.sweep import Setting, SweepError, read_runs, setting_key
from hwlib.evaluate import evaluate, predict_labels
from hwlib.models import CNN, MLP
from hwlib.train import OPTIMIZERS, compare_optimizers, fit, fit_one_cycle

SEEDS = (0, 1, 2)
NETWORKS = {"CNN": CNN, "MLP": MLP}
BATCH_SIZE, EPOCHS, LONG = 250, 4, 8
ALL = 55_000  # training images, without those for validation
FEW, FEW_EPOCHS = 5000, 30  # training images where overfitting is to be seen
MOVES = range(5)  # pixels to the right
REMEDIES = ("none", "weight decay", "dropout", "augmentation")


def cnn_settings(data: str = "Fashion-MNIST") -> list[dict[str, Any]]:
    """Return every training of chapter 6, seed by seed."""
    runs: list[tuple[str, str, int, int]] = [
        *((network, name, ALL, EPOCHS) for network in NETWORKS for name in OPTIMIZERS),
        ("CNN", "one cycle", ALL, EPOCHS),
        ("CNN", "one cycle", ALL, LONG),
        ("MLP", "one cycle", ALL, LONG),
        ("CNN", "augmented", ALL, LONG),
        ("CNN", "one cycle", FEW, FEW_EPOCHS),
        ("CNN", "augmented", FEW, FEW_EPOCHS),
    ]
    names = ("network", "recipe", "images", "epochs")
    return [
        {"data": data, **dict(zip(names, run, strict=True)), "seed": seed}
        for seed in SEEDS
        for run in runs
    ]


def cnn_setting(
    *, data: str, network: str, recipe: str, images: int, epochs: int, seed: int
) -> dict[str, Any]:
    """Train one network as chapter 6 says, and measure it; on one thread.

    Parameters
    ----------
    data : "Fashion-MNIST" or "stand-in"
    network : "CNN" or "MLP"
    recipe : a name in `hwlib.train.OPTIMIZERS`, "one cycle" or "augmented" (with one cycle)
    images : int
        Number of training images, the first of all that are not for validation.
    epochs : int
    seed : int

    Returns
    -------
    dict
        The curves ``train_loss``, ``validation_loss`` (nats) and ``validation_accuracy`` (shares
        of 1); ``moved``, the last for images moved to the right by 0 to 4 pixels; and
        ``recognised``, the test images that it classifies correctly, for `recognised_images`.
    """
    with one_thread():
        parts = parts_of(data, 60_000)
        x, y = parts.images[:images], parts.labels[:images]
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
        right = predict_labels(run.model, parts.test) == parts.test.labels.numpy()
        return curves_of(run.history) | {
            "moved": [evaluate(run.model, moved(parts.validation, by)).accuracy for by in MOVES],
            "recognised": np.packbits(right).tobytes().hex(),
        }


def cnn_results(path: Path) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """Results of chapter 6's trainings, in the order of the seeds, by network, recipe and epochs.

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


def final_accuracies(results: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Validation accuracy of each result after its last epoch, in %."""
    return 100 * np.array([one["validation_accuracy"][-1] for one in results])


def recognised_images(result: Mapping[str, Any], images: int) -> NDArray[np.bool_]:
    """Which of the test images a stored network recognised, shape (images,)."""
    packed = np.frombuffer(bytes.fromhex(result["recognised"]), dtype=np.uint8)
    return np.unpackbits(packed, count=images).astype(bool)


def moved(batches: Batches, by: int) -> Batches:
    """The same images moved to the right by some pixels."""
    still = torch.zeros_like(batches.labels)
    return Batches(shift_images(batches.images, still, still + by), batches.labels, 1000)


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
