"""A small network and a few batches, drawn from a seed, on which answers train and evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hwlib.check import examples
from hwlib.check.values import Array

Batch = tuple[Tensor, Tensor]
LENGTHS = (20, 20, 8)  # the last batch is smaller, as it is when 60,000 is not a multiple


class Watch(nn.Module):
    """A layer that hands its input on, and keeps in which modes it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.training_modes: list[bool] = []
        self.grad_modes: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` as it is."""
        self.training_modes.append(self.training)
        self.grad_modes.append(torch.is_grad_enabled())
        return x

    def trained_share(self) -> float:
        """Share of the calls that recorded gradients in which the model was in training mode."""
        modes = [t for t, g in zip(self.training_modes, self.grad_modes, strict=True) if g]
        return sum(modes) / max(len(modes), 1)


def small_model(dropout: float = 0.0, seed: int = 3) -> nn.Sequential:
    """A small classifier with weights drawn from a seed.

    It turns images (B, 1, 28, 28) into logits (B, 10). Its convolution takes no other
    shape, as that of chapter 6.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(examples.seed(seed))
        layers = nn.Sequential(
            *(Watch(), nn.Conv2d(1, 4, 4, stride=4), nn.ReLU(), nn.Flatten()),
            *(nn.Dropout(dropout), nn.Linear(196, 10)),
        )
        with torch.no_grad():
            # Logits of some size, so that a softmax too many is seen.
            layers.get_parameter("5.weight").mul_(6)
    return layers


class Loader(list[Batch]):
    """Batches with what else a DataLoader and `hwlib.batches.Batches` have."""

    generator = None

    @property
    def dataset(self) -> range:
        """As many entries as there are images."""
        return range(sum(len(y) for _, y in self))


def batches(lengths: Sequence[int] = LENGTHS, model: nn.Module | None = None) -> Loader:
    """Batches of random images, with labels of which ``model`` gets two thirds right."""
    generator = torch.Generator().manual_seed(examples.seed(sum(lengths)))
    found = Loader()
    for n in lengths:
        x = torch.rand((n, 1, 28, 28), generator=generator)
        y = torch.randint(10, (n,), generator=generator)
        if model is not None:
            with torch.no_grad():
                y = torch.where(torch.arange(n) % 3 > 0, model(x).argmax(1), y)
        found.append((x, y))
    return found


def images(n: int, seed: int = 0) -> Tensor:
    """Random images (n, 1, 28, 28) with pixels from 0 to 1."""
    generator = torch.Generator().manual_seed(examples.seed(seed))
    return torch.rand((n, 1, 28, 28), generator=generator)


def weights_of(model: nn.Module) -> Array:
    """All parameters of a model as one float64 vector."""
    parameters: Any = torch.cat([p.detach().flatten() for p in model.parameters()])
    return parameters.double().numpy()
