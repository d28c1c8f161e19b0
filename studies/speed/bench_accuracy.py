"""How long until a network is right on 85, 88, 90 and 92 % of the test images."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from bench_epochs import train_as_usual
from torch import Tensor, nn

from hwlib.batches import Batches
from hwlib.course.loading import per_image_loader
from hwlib.data import ImageData
from hwlib.evaluate import evaluate
from hwlib.models import CNN, MLP
from hwlib.train import fit_one_cycle

# Each recipe is the shortest of those tried on the validation set that passes the level safely.
RECIPES: dict[int, tuple[str, Callable[[], nn.Module], int, float]] = {
    85: ("MLP, one cycle of 2 epochs", MLP, 2, 0.01),
    88: ("MLP, one cycle of 8 epochs", MLP, 8, 0.01),
    90: ("CNN, one cycle of 4 epochs", CNN, 4, 0.01),
    92: ("CNN of 32 and 64 maps, one cycle of 8 epochs", partial(CNN, (32, 64), 128), 8, 0.005),
}
BATCH_SIZE = 250
USUAL_EPOCHS = {"MLP": 5, "CNN": 8}


@pytest.mark.parametrize("level", RECIPES)
def bench_ours(timed: Any, tensors: tuple[Tensor, Tensor], test_set: Batches, level: int) -> None:
    """Train by the recipe for this level, from the first to the last step."""
    recipe, make_model, epochs, learning_rate = RECIPES[level]
    train = Batches(*tensors, BATCH_SIZE, generator=torch.Generator().manual_seed(0))
    few = Batches(train.images[:10], train.labels[:10], 1)  # evaluated after each epoch
    # What PyTorch loads at the first step of a process is no part of any recipe.
    fit_one_cycle(make_model, few, few, epochs=1, seed=0, learning_rate=learning_rate)
    runs = []

    def run() -> None:
        runs.append(
            fit_one_cycle(
                make_model, train, few, epochs=epochs, seed=0, learning_rate=learning_rate
            )
        )

    timed("accuracy", "ours", run)
    accuracy = evaluate(runs[0].model, test_set).accuracy
    timed.info(level=level, recipe=recipe, test_accuracy=accuracy)
    assert accuracy >= level / 100


@pytest.mark.parametrize("name", USUAL_EPOCHS)
def bench_as_usual(timed: Any, fashion: ImageData, test_set: Batches, name: str) -> None:
    """Train with the loader, batches of 64 and Adam at its default rate, epoch by epoch."""
    torch.manual_seed(0)
    model = {"MLP": MLP, "CNN": CNN}[name]().to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.Adam(model.parameters())
    loader = per_image_loader(
        fashion.train_images, fashion.train_labels, 64, shuffle=True, workers=2
    )
    course: list[tuple[float, float]] = []

    def run() -> None:
        seconds = 0.0
        for _ in range(USUAL_EPOCHS[name]):
            start = time.perf_counter()
            train_as_usual(model, loader, optimizer)
            seconds += time.perf_counter() - start
            course.append((seconds, evaluate(model, test_set).accuracy))

    timed("accuracy", f"usual recipe, {name}", run)
    timed.info(course=course)
