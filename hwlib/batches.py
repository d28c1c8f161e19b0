"""Mini-batches cut from tensors in memory, as they are or changed a little each time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from hwlib.data import check_images


class Batches:
    """Iterate over (images, labels) in mini-batches that are cut from two tensors in memory.

    Parameters
    ----------
    images : float32 tensor (n, 1, 28, 28)
    labels : int64 tensor (n,)
    batch_size : int
        The last batch is smaller where n is not a multiple of it.
    generator : torch.Generator, optional
        If given, every pass draws a new random order from it; without it the order is kept.
    device : torch.device or str
        Where the tensors are kept, moved once instead of batch by batch.

    Raises
    ------
    ValueError
        If images and labels do not form a data set, or the batch size is below 1.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        check_images(images, labels)
        if batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {batch_size}.")
        self.images, self.labels = images.to(device), labels.to(device)
        self.batch_size, self.generator = batch_size, generator

    def __len__(self) -> int:
        """Number of batches in one pass."""
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one pass."""
        if self.generator is None:
            # Slices of the tensors: nothing is copied.
            yield from zip(
                self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True
            )
            return
        order = torch.randperm(len(self.labels), generator=self.generator)
        for index in order.to(self.labels.device).split(self.batch_size):
            yield self.images[index], self.labels[index]


def split_validation(n: int, validation: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Split the indices 0..n-1 at random into training (n - validation) and validation.

    Returns
    -------
    two int64 tensors
        Without common entries; together they hold every index once.

    Raises
    ------
    ValueError
        If either part would be empty.
    """
    if not 0 < validation < n:
        raise ValueError(f"validation: expected between 1 and {n - 1} of {n}, got {validation}.")
    order = torch.randperm(n, generator=generator)
    return order[validation:], order[:validation]


def shift_images(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """shifted[b, c, i, j] = images[b, c, i - down[b], j - right[b]], and 0 outside.

    Parameters
    ----------
    images : tensor (B, C, H, W)
    down, right : int64 tensors (B,)
        By how many pixels each image moves; negative moves it up and to the left.

    Returns
    -------
    tensor (B, C, H, W)

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    n = len(images)
    if images.ndim != 4 or tuple(down.shape) != (n,) or tuple(right.shape) != (n,):
        raise ValueError(
            "expected images (B, C, H, W) and one shift down and one right for each, got "
            f"{tuple(images.shape)}, {tuple(down.shape)} and {tuple(right.shape)}."
        )
    if n == 0:
        return images
    margin = int(torch.maximum(down.abs().max(), right.abs().max()))
    height, width = images.shape[2:]
    padded = F.pad(images, (margin, margin, margin, margin))
    rows = margin + torch.arange(height, device=images.device) - down[:, None]  # (B, H)
    columns = margin + torch.arange(width, device=images.device) - right[:, None]  # (B, W)
    index = torch.arange(n, device=images.device)[:, None, None]
    # Index arrays around the full slice of the channels put those last: (B, H, W, C).
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def random_changes(images: Tensor, generator: torch.Generator, *, shift: int, flip: bool) -> Tensor:
    """Move every image at random by up to ``shift`` pixels each way, and mirror half of them.

    Parameters
    ----------
    images : tensor (B, C, H, W)
    generator : torch.Generator
        On the CPU; decides what happens to each image.
    shift : int
        Every whole number from -shift to shift is equally likely, down and to the right alike.
    flip : bool
        Whether left and right are swapped with probability 1/2.

    Raises
    ------
    ValueError
        If ``shift`` is negative.
    """
    if shift < 0:
        raise ValueError(f"shift: expected 0 or a positive whole number of pixels, got {shift}.")
    n = len(images)
    if flip:
        swap = torch.rand(n, generator=generator) < 0.5
        images = torch.where(swap.to(images.device)[:, None, None, None], images.flip(3), images)
    if shift:
        moves = torch.randint(-shift, shift + 1, (2, n), generator=generator).to(images.device)
        images = shift_images(images, *moves)
    return images


class AugmentedBatches(Batches):
    """`Batches` whose images pass through `random_changes`, different in every pass.

    Parameters
    ----------
    images, labels, batch_size, generator, device
        As for `Batches`; the generator is required, it draws the order and the changes.
    shift, flip
        As for `random_changes`.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        *,
        generator: torch.Generator,
        shift: int = 1,
        flip: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(images, labels, batch_size, generator=generator, device=device)
        self.changes, self.shift, self.flip = generator, shift, flip

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one pass."""
        for images, labels in super().__iter__():
            changed = random_changes(images, self.changes, shift=self.shift, flip=self.flip)
            yield changed, labels
