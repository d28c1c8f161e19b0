"""How long until a network is right on 85, 88, 90 and 92 % of the test images."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from hwlib.batches import Batches, to_tensors
from hwlib.data import ImageData
from hwlib.evaluate import evaluate
from hwlib.models import CNN, MLP
from hwlib.train import fit_one_cycle
from studies.speed.epochs import MODELS, usual
from studies.speed.stopwatch import seconds

# Each recipe is the shortest of those tried on the validation set that passes the level safely.
RECIPES: dict[int, tuple[str, Callable[[], nn.Module], int, float]] = {
    85: ("MLP, one cycle of 2 epochs", MLP, 2, 0.01),
    88: ("MLP, one cycle of 8 epochs", MLP, 8, 0.01),
    90: ("CNN, one cycle of 4 epochs", CNN, 4, 0.01),
    92: ("CNN of 32 and 64 maps, one cycle of 8 epochs", partial(CNN, (32, 64), 128), 8, 0.005),
}
USUAL_EPOCHS = {"MLP": 5, "CNN": 8}


def ours(level: int, data: ImageData, test: Batches) -> dict[str, Any]:
    """Train by the recipe for this level, from the first to the last step."""
    recipe, make_model, epochs, learning_rate = RECIPES[level]
    images, labels = to_tensors(data.train_images, data.train_labels)
    train = Batches(images, labels, 250, generator=torch.Generator().manual_seed(0))
    few = Batches(images[:10], labels[:10], 1)  # evaluated after each epoch
    fit = partial(fit_one_cycle, make_model, seed=0, learning_rate=learning_rate)
    fit(few, few, epochs=1)  # what PyTorch loads at a first step is no part of any recipe
    runs: list[Any] = []
    taken = seconds(lambda: runs.append(fit(train, few, epochs=epochs)))
    accuracy = evaluate(runs[0].model, test).accuracy
    assert accuracy >= level / 100, f"{recipe}: expected {level} %, got {100 * accuracy:.2f} %"
    return {"level": level, "recipe": recipe, "test_accuracy": accuracy, "seconds": taken}


def course(name: str, data: ImageData, test: Batches) -> list[tuple[float, float]]:
    """Train with the loader, batches of 64 and Adam at its rate; return seconds and accuracies."""
    torch.manual_seed(0)
    model = MODELS[name]()
    epoch = usual(model, 64, data, 0.001)
    found, spent = [], 0.0
    for _ in range(USUAL_EPOCHS[name]):
        spent += seconds(epoch)
        found.append((spent, evaluate(model, test).accuracy))
    return found


def compared(
    rows: list[dict[str, Any]], courses: list[list[tuple[float, float]]]
) -> list[dict[str, Any]]:
    """Add to each level the time of PyTorch's example, of the sooner network, or None."""
    for row in rows:
        passed = [s for course in courses for s, a in course if a >= row["level"] / 100]
        row["usual_seconds"] = min(passed, default=None)
    return rows


def times(data: ImageData) -> list[dict[str, Any]]:
    """Return for each level our time and that of PyTorch's example."""
    test = Batches(*to_tensors(data.test_images, data.test_labels), 1000)
    rows = [ours(level, data, test) for level in RECIPES]
    return compared(rows, [course(name, data, test) for name in USUAL_EPOCHS])
