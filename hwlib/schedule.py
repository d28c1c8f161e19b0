"""Training with a learning rate that rises and falls once, used in chapter 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from hwlib.batches import Batches
from hwlib.train import Run, fit, seeded_model


def fit_one_cycle(
    make_model: Callable[[], nn.Module],
    train: Batches,
    validation: Iterable[tuple[Tensor, Tensor]],
    *,
    epochs: int,
    seed: int,
    learning_rate: float = 0.01,
    progress: str | None = None,
) -> Run:
    """Train a fresh model with Adam, its rate rising to ``learning_rate`` and falling to almost 0.

    The rate rises from 1/25 of its peak during the first 30 % of the steps, and falls to
    1/250,000 of it during the rest, each time along half a cosine; β₁ goes from 0.95 to 0.85 and
    back (the defaults of `torch.optim.lr_scheduler.OneCycleLR`).

    Equation: eq-one-cycle

    Parameters
    ----------
    make_model : callable
        Returns a new model, initialised from PyTorch's global generator, which is seeded here.
    train : Batches
    validation : iterable of (images, labels)
    epochs : int
        Known in advance: the schedule ends with the last step.
    seed : int
        Of the initial weights; the order of the batches is up to ``train``.
    learning_rate : float
        The peak.
    progress : str, optional
        Label of a progress bar, as in `hwlib.train.fit`.

    Raises
    ------
    ValueError
        If ``epochs`` is below 1.

    References
    ----------
    Smith and Topin (2019), doi:10.1117/12.2520589.
    """
    if epochs < 1:
        raise ValueError(f"epochs: expected at least 1, got {epochs}.")
    model = seeded_model(make_model, seed).to(train.images.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = OneCycleLR(optimizer, learning_rate, total_steps=epochs * len(train))
    history = fit(
        model, train, validation, optimizer, epochs=epochs, scheduler=schedule, progress=progress
    )
    return Run(seed, model, history)
