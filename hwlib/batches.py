"""Images and labels as tensors: checked, split, cut into mini-batches, changed at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hwlib.data import CLASS_NAMES


def check_images(images: Any, labels: Any, classes: int = len(CLASS_NAMES)) -> None:
    """Raise unless images and labels form a data set (NumPy arrays or tensors alike).

    Raises
    ------
    ValueError
        If images are not (n, 28, 28) or (n, 1, 28, 28) with n of at least 1, are as many as the
        labels, hold finite pixels, and the labels are integers from 0 to ``classes`` - 1.
    """
    if isinstance(images, np.ma.MaskedArray):
        raise ValueError("images: expected plain pixels, got a masked array; select images first.")
    images = torch.as_tensor(images)
    if tuple(images.shape[1:]) not in ((28, 28), (1, 28, 28)) or len(images) == 0:
        raise ValueError(
            "images: expected shape (n, 28, 28) or (n, 1, 28, 28) with n of at least 1, "
            f"got {tuple(images.shape)}."
        )
    check_classes("labels", labels, len(images), classes)
    if images.is_floating_point() and not bool(torch.isfinite(images).all()):
        raise ValueError("images: expected finite pixels, got NaN or infinity; clean them first.")


def check_classes(name: str, values: Any, n: int, classes: int = len(CLASS_NAMES)) -> None:
    """Raise unless ``values`` (an array or a tensor) are n classes from 0 to ``classes`` - 1.

    Raises
    ------
    ValueError
        If they are another number or no integers, one is masked, or one is out of range.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected plain numbers, got a masked array; select rows first.")
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: expected {n} integers, one per image, got shape {array.shape} of "
            f"{array.dtype}; one-hot labels need argmax(1) first."
        )
    if n and (array.min() < 0 or array.max() >= classes):
        raise ValueError(
            f"{name}: expected classes 0 to {classes - 1}, got {array.min()} to "
            f"{array.max()}; count classes from 0."
        )


def to_tensors(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """pixel / 255 as float32 (n, 1, 28, 28), and labels as int64 (n,).

    Raises
    ------
    ValueError
        As `check_images`, or if the pixels are not uint8.
    """
    check_images(images, labels)
    if images.dtype != np.uint8:
        raise ValueError(f"images: expected uint8 pixels from 0 to 255, got {images.dtype}.")
    scaled = torch.from_numpy(images).to(torch.float32).div_(255)
    return scaled.reshape(-1, 1, 28, 28), torch.from_numpy(labels).to(torch.int64)


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
        generator: torch.Generator | None = None,
        *,
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


def hold_out(
    images: Tensor, labels: Tensor, validation: int, *, seed: int = 0
) -> tuple[Tensor, Tensor, Batches]:
    """Split images and labels at random, the same way for the same ``seed``.

    Returns
    -------
    training images, training labels, and ``validation`` others as batches of up to 1000

    Raises
    ------
    ValueError
        As `split_validation`.
    """
    generator = torch.Generator().manual_seed(seed)
    learn, held = split_validation(len(labels), validation, generator)
    return images[learn], labels[learn], Batches(images[held], labels[held], 1000)


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
        generator: torch.Generator,
        *,
        shift: int = 1,
        flip: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(images, labels, batch_size, generator, device=device)
        self.changes, self.shift, self.flip = generator, shift, flip

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one pass."""
        for images, labels in super().__iter__():
            changed = random_changes(images, self.changes, shift=self.shift, flip=self.flip)
            yield changed, labels
