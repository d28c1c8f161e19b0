"""Training: one epoch, one run, one cycle of the rate, and a fair comparison of optimisers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm import tqdm

from hwlib.batches import Batches, check_classes
from hwlib.evaluate import evaluate
from hwlib.models import seeded, seeded_model

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
MakeBatches = Callable[[torch.Generator], Batches]  # in an order drawn from the generator

# The four optimisers of the homework. ``fused`` updates all parameters in one pass over memory.
OPTIMIZERS: dict[str, MakeOptimizer] = {
    "SGD 0.01": lambda p: torch.optim.SGD(p, lr=0.01, fused=True),
    "Nesterov 0.01": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, fused=True),
    "Adam 0.01": lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
    "Adam 1": lambda p: torch.optim.Adam(p, lr=1.0, fused=True),
}


class DivergenceError(ArithmeticError):
    """The training loss became NaN or infinite; the message names epoch and step."""


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training: it carries what was finished before.

    ``history`` is that of the run that was interrupted, None between two runs; ``runs`` are the
    finished runs of `compare_optimizers`.
    """

    def __init__(
        self, history: History | None = None, runs: dict[str, list[Run]] | None = None
    ) -> None:
        finished = sum(map(len, (runs or {}).values()))
        epochs = len(history.train_loss) if history else 0
        super().__init__(f"interrupted after {finished} whole runs and {epochs} epochs of the next")
        self.history, self.runs = history, runs or {}


@dataclass
class History:
    """What happened in one run, one entry per finished epoch.

    ``train_loss`` is the mean over the epoch's images, each taken before the step it led to;
    ``validation_loss`` and ``validation_accuracy`` (a share of 1) are taken after the epoch;
    ``seconds`` is the time for training alone. ``status`` is "finished" or "diverged", and
    ``message`` says where a run diverged.
    """

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    status: str = "finished"
    message: str = ""


class Run(NamedTuple):
    """One trained model with its history and the seed of its initial weights and batch order."""

    seed: int
    model: nn.Module
    history: History


def train_epoch(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    optimizer: Optimizer,
    scheduler: LRScheduler | None = None,
) -> float:
    """Take one optimiser step per batch; return the mean loss per image of the epoch, in nats.

    Losses stay on the device until the epoch ends, so that a GPU need not wait for Python.

    Parameters
    ----------
    model : nn.Module
        Maps images to logits (B, C). It is put into training mode.
    scheduler : optional
        Stepped after every batch.

    Raises
    ------
    DivergenceError
        If the loss of a step is NaN or infinite.
    ValueError
        If there is no batch.
    """
    _keep_freed_memory()
    model.train()
    losses, sizes = [], []
    for images, labels in batches:
        optimizer.zero_grad()
        logits = model(images)
        if not isinstance(batches, Batches):  # which has looked at all labels once
            check_classes("labels", labels, len(logits), logits.shape[1])
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.detach())
        sizes.append(len(labels))
    if not losses:
        raise ValueError("batches: expected at least one batch, got none; check the data set.")
    per_step = torch.stack(losses).cpu().double()  # in this order: Apple's GPUs have no float64
    bad = torch.nonzero(~torch.isfinite(per_step))
    if len(bad):
        step = int(bad[0])
        raise DivergenceError(f"step {step + 1}: the loss became {per_step[step].item()}")
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float(per_step @ weights / weights.sum())


def _keep_freed_memory() -> None:
    """Let a step use the memory again that the step before it has freed.

    glibc hands large blocks back to the system, which clears every page before the next step has
    it again: up to a third of a convolutional network's time. Once a block has been freed that is
    as large as the threshold may become, 32 MB, glibc keeps twice as much (mallopt(3),
    M_MMAP_THRESHOLD). Elsewhere this does nothing.
    """
    torch.empty(2**25 - 2**16, dtype=torch.uint8)


def fit(
    model: nn.Module,
    train: Batches,
    validation: Iterable[tuple[Tensor, Tensor]],
    optimizer: Optimizer,
    *,
    epochs: int,
    scheduler: LRScheduler | None = None,
    progress: str | None = None,
) -> History:
    """Train for ``epochs`` epochs, evaluating on the validation set after each.

    Parameters
    ----------
    model, optimizer, scheduler
        As in `train_epoch`.
    progress : str, optional
        If given, a progress bar with this label appears on stderr once five seconds have passed.

    Returns
    -------
    History
        With the status "diverged" and the epochs before, if the loss becomes NaN or infinite.

    Raises
    ------
    ValueError
        If ``epochs`` is below 1.
    TrainingInterrupted
        After Ctrl-C, with the finished epochs as its ``history``.
    """
    if epochs < 1:
        raise ValueError(f"epochs: expected at least 1, got {epochs}.")
    history = History()
    # Without a label the bar is off; with one, the environment's TQDM_DISABLE=1 turns it off.
    off = {} if progress else {"disable": True}
    with tqdm(range(epochs), desc=progress, delay=5, leave=False, **off) as bar:
        try:
            for _ in bar:
                start = time.perf_counter()
                loss = train_epoch(model, train, optimizer, scheduler)
                seconds = time.perf_counter() - start
                measured = evaluate(model, validation)
                if not math.isfinite(measured.loss):  # the last step of the epoch was the fatal one
                    raise DivergenceError(f"validation: the loss became {measured.loss}")
                history.train_loss.append(loss)
                history.seconds.append(seconds)
                history.validation_loss.append(measured.loss)
                history.validation_accuracy.append(measured.accuracy)
        except DivergenceError as error:
            history.status = "diverged"
            history.message = f"epoch {len(history.train_loss) + 1}, {error}"
        except KeyboardInterrupt as error:
            raise TrainingInterrupted(history) from error
    return history


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
    make_model
        As in `compare_optimizers`.
    train, validation, progress
        As in `fit`, which says what is raised.
    epochs : int
        Known in advance: the schedule ends with the last step.
    seed : int
        Of the initial weights; the order of the batches is up to ``train``.

    References
    ----------
    Smith and Topin (2019), doi:10.1117/12.2520589.
    """
    model = seeded_model(make_model, seed).to(train.images.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    schedule = OneCycleLR(optimizer, learning_rate, total_steps=epochs * len(train))
    history = fit(
        model, train, validation, optimizer, epochs=epochs, scheduler=schedule, progress=progress
    )
    return Run(seed, model, history)


def compare_optimizers(
    make_model: Callable[[], nn.Module],
    make_batches: MakeBatches,
    validation: Iterable[tuple[Tensor, Tensor]],
    *,
    optimizers: Mapping[str, MakeOptimizer] | Sequence[str] = tuple(OPTIMIZERS),
    epochs: int,
    seeds: Sequence[int],
    progress: bool = False,
) -> dict[str, list[Run]]:
    """Train a fresh model with each optimiser and each seed, all else equal.

    For one seed, every optimiser starts from the same initial weights and sees the same batches in
    the same order, so that differences are the optimiser's. Models are put where the batches are.
    PyTorch's global random state is left as it was.

    Parameters
    ----------
    make_model : callable
        Returns a new model, initialised from PyTorch's global generator, which is seeded here.
    make_batches : callable
        Returns training batches in an order drawn from the generator it is given, such as
        ``partial(Batches, images, labels, 250)``.
    optimizers : mapping of label to factory, or names from `OPTIMIZERS`

    Returns
    -------
    dict of label to list of Run, one per seed
        A run that diverged is among them, marked in its history.

    Raises
    ------
    ValueError
        If an optimiser's name is unknown, or there is no seed.
    TrainingInterrupted
        After Ctrl-C, with the finished runs as its ``runs``.
    """
    if not seeds:
        raise ValueError("seeds: expected at least one, got none; several show the spread.")
    if not isinstance(optimizers, Mapping):
        if unknown := set(optimizers) - set(OPTIMIZERS):
            raise ValueError(
                f"optimizers: expected names from {sorted(OPTIMIZERS)}, got {sorted(unknown)}; "
                "pass a mapping of name to function for others."
            )
        optimizers = {name: OPTIMIZERS[name] for name in optimizers}
    runs: dict[str, list[Run]] = {name: [] for name in optimizers}
    try:
        for seed, (name, make) in product(seeds, optimizers.items()):
            label = f"{name}, seed {seed}" if progress else None
            batches = make_batches(torch.Generator().manual_seed(seed))
            with seeded(seed):  # dropout, too, draws from the global generator
                model = make_model().to(batches.images.device)
                optimizer = make(model.parameters())
                history = fit(model, batches, validation, optimizer, epochs=epochs, progress=label)
            runs[name].append(Run(seed, model, history))
    except KeyboardInterrupt as error:
        raise TrainingInterrupted(getattr(error, "history", None), runs) from error
    return runs
