"""Checkpoints: written so that they are whole or not there, read without executing anything."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or belongs to another run."""


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write ``state`` to ``path`` so that a reader sees the old file or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _verify(path: Path) -> None:
    """Raise if a part of the file differs from its checksum, which torch writes but never reads."""
    with zipfile.ZipFile(path) as file:
        damaged = file.testzip()
    if damaged is not None:
        raise ValueError(f"the checksum of {damaged} is wrong")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote: tensors and plain values only, never code.

    Raises
    ------
    CheckpointError
        If the file is damaged, or holds anything that would have to be executed to be read.
    """
    try:
        _verify(path)
        return torch.load(path, weights_only=True)
    except Exception as error:  # torch.load raises many types for damaged files
        raise CheckpointError(
            f"{path}: expected a checkpoint of this package, got {type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]}; delete it to start the run again."
        ) from error


class RunState:
    """Everything `fit` must put back to go on as if it had never stopped."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        scheduler: LRScheduler | None,
        generator: torch.Generator | None,
    ) -> None:
        self.parts: dict[str, Any] = {"model": model, "optimizer": optimizer}
        if scheduler is not None:
            self.parts["scheduler"] = scheduler
        self.generator = generator
        # Not in the state dicts: PyTorch would load the state of one optimiser into another.
        self.kind = (
            f"{' with '.join(type(part).__name__ for part in self.parts.values())}, "
            f"settings {optimizer.defaults}, "
            f"{'in the order of the images' if generator is None else 'shuffled'}"
        )

    def save(self, path: Path, history: Mapping[str, Any]) -> None:
        state: dict[str, Any] = {name: part.state_dict() for name, part in self.parts.items()}
        state["kind"], state["history"] = self.kind, dict(history)
        state["rng"] = torch.get_rng_state()  # dropout draws from the global generator
        if self.generator is not None:
            state["generator"] = self.generator.get_state()
        save_checkpoint(path, state)

    def restore(self, path: Path) -> dict[str, Any]:
        state = load_checkpoint(path)
        try:
            if state["kind"] != self.kind:
                raise ValueError(f"{state['kind']} instead of {self.kind}")
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            torch.set_rng_state(state["rng"])
            if self.generator is not None:
                self.generator.set_state(state["generator"])
            return dict(state["history"])
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise CheckpointError(
                f"{path}: expected a checkpoint of this model and optimiser, got another "
                f"({error}); give each run a path of its own."
            ) from error
