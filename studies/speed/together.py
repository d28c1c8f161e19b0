"""Several seeds of the MLP: one after the other, or together in one batched product."""

from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from hwlib.batches import to_tensors
from hwlib.data import ImageData
from hwlib.models import MLP
from hwlib.train import OPTIMIZERS
from studies.speed.stopwatch import Case, Timed

SEEDS = 5
DISTINCT = 8  # batches, which are repeated
STEPS = {32: 200, 128: 104, 2500: 8}  # per batch size: as many as take about half a second

Batch = tuple[Tensor, Tensor]


def in_turn(batches: list[Batch]) -> Timed:
    """Return the training of one model after the other."""
    models = [MLP() for _ in range(SEEDS)]
    optimizers = [OPTIMIZERS["Adam 0.01"](model.parameters()) for model in models]

    def train() -> None:
        for seed, (model, optimizer) in enumerate(zip(models, optimizers, strict=True)):
            for images, labels in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(images[seed]), labels[seed]).backward()
                optimizer.step()

    return train


def together(batches: list[Batch]) -> Timed:
    """Return the training of all models at once, their parameters stacked, by ``torch.func``."""
    parameters, _ = stack_module_state([MLP() for _ in range(SEEDS)])
    optimizer = OPTIMIZERS["Adam 0.01"](parameters.values())
    skeleton = MLP()

    def loss(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(skeleton, weights, (images,)), labels)

    def train() -> None:
        for images, labels in batches:
            optimizer.zero_grad()
            vmap(loss)(parameters, images, labels).sum().backward()
            optimizer.step()

    return train


def cases(data: ImageData) -> Iterator[Case]:
    """Yield one case for each batch size; every seed meets batches of its own, as in a sweep."""
    images, labels = to_tensors(data.train_images, data.train_labels)
    for size, steps in STEPS.items():
        shape = (DISTINCT, SEEDS, size)
        order = torch.randint(len(images), shape, generator=torch.Generator().manual_seed(0))
        batches = [(images[index], labels[index]) for index in order] * (steps // DISTINCT)
        ways = {"ours": partial(in_turn, batches), "together": partial(together, batches)}
        yield Case(f"{SEEDS} seeds of the MLP, batch {size}", ways)
