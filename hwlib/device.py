"""Which device computes: the processor, or a GPU if one is asked for."""

from __future__ import annotations

import torch

NAMES = ("cpu", "cuda", "mps")


def find_device(name: str = "auto") -> torch.device:
    """Return the device called ``name``, or with "auto" a GPU if there is one.

    Nothing in this package moves to a GPU by itself: pass the device to `hwlib.batches.Batches`,
    which keeps the images there, and to `hwlib.train.compare_optimizers`, which puts the models
    there. Initial weights and the order of batches are drawn on the CPU on every device, so runs
    start alike everywhere; sums are taken in another order, so their last digits differ.

    Parameters
    ----------
    name : "auto", "cpu", "cuda" (NVIDIA, and AMD by ROCm) or "mps" (Apple)

    Raises
    ------
    ValueError
        If the name is another one, or this machine or this build of PyTorch has no such device.
    """
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        name = next(gpu for gpu in ("cuda", "mps", "cpu") if there[gpu])
    if not there.get(name, False):
        raise ValueError(
            f"device: expected one of {[n for n in NAMES if there[n]]} on this machine, or 'auto', "
            f"got {name!r}; for a GPU, check its driver and the build of PyTorch."
        )
    return torch.device(name)
