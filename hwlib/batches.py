"""Mini-batches: cut from tensors in memory, or the usual way, image by image through a loader."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hwlib.data import check_images
from hwlib.torchvision_import import torchvision_module


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


class _PerImage(Dataset[tuple[Tensor, int]]):
    """What torchvision's data sets do for each image: array → PIL image → ``ToTensor``."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
        self.images, self.labels = images, labels
        self.to_tensor = torchvision_module("transforms").ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.to_tensor(Image.fromarray(self.images[index])), int(self.labels[index])


def per_image_loader(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    batch_size: int,
    *,
    shuffle: bool = False,
    workers: int = 0,
    generator: torch.Generator | None = None,
) -> DataLoader[tuple[Tensor, int]]:
    """The usual ``DataLoader`` over single images with ``ToTensor``, for comparison.

    It yields the same kind of batches as `Batches`; where data do not fit in memory, or need a
    different transformation each time, this is the way to read them.

    Parameters
    ----------
    images : uint8 array (n, 28, 28)
    labels : uint8 array (n,)
    batch_size : int
    shuffle : bool
    workers : int
        Number of processes that decode images; 0 decodes in this one.
    generator : torch.Generator, optional
        Decides the order where ``shuffle`` is true.
    """
    check_images(images, labels)
    return DataLoader(
        _PerImage(images, labels),
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        generator=generator,
    )
