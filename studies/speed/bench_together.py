"""Several seeds of the MLP: one after the other, or together in one batched product."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from hwlib.models import MLP
from hwlib.train import make_optimizer

SEEDS = 5
DISTINCT = 8  # batches, which are repeated
STEPS = {32: 200, 128: 104, 2500: 8}  # per batch size: as many as take about half a second

Batch = tuple[Tensor, Tensor]


def in_turn(batches: list[Batch]) -> Callable[[], None]:
    """Return the training of one model after the other."""
    models = [MLP() for _ in range(SEEDS)]
    optimizers = [make_optimizer("Adam 0.01", model.parameters()) for model in models]

    def train() -> None:
        for seed, (model, optimizer) in enumerate(zip(models, optimizers, strict=True)):
            for images, labels in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(images[seed]), labels[seed]).backward()
                optimizer.step()

    return train


def together(batches: list[Batch]) -> Callable[[], None]:
    """Return the training of all models at once, their parameters stacked, by ``torch.func``."""
    parameters, _ = stack_module_state([MLP() for _ in range(SEEDS)])
    optimizer = make_optimizer("Adam 0.01", parameters.values())
    skeleton = MLP()

    def loss(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(skeleton, weights, (images,)), labels)

    def train() -> None:
        for images, labels in batches:
            optimizer.zero_grad()
            vmap(loss)(parameters, images, labels).sum().backward()
            optimizer.step()

    return train


WAYS = {"ours": in_turn, "together": together}


@pytest.mark.parametrize("batch_size", STEPS)
@pytest.mark.parametrize("way", WAYS)
def bench_seeds(
    timed: Any, repeat: int, tensors: tuple[Tensor, Tensor], batch_size: int, way: str
) -> None:
    """Every seed meets batches of its own, as in a sweep."""
    images, labels = tensors
    generator = torch.Generator().manual_seed(0)
    shape = (DISTINCT, SEEDS, batch_size)
    order = torch.randint(len(images), shape, generator=generator)
    batches = [(images[index], labels[index]) for index in order]  # copied before the clock
    train = WAYS[way](batches * (STEPS[batch_size] // DISTINCT))
    timed(f"{SEEDS} seeds of the MLP, batch {batch_size}", way, train)
