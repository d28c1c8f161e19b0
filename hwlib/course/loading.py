"""Reading a data set the usual way, image by image, and how long it takes to read it once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hwlib.batches import check_images
from hwlib.data import torchvision_module


def seconds_per_pass(batches: Iterable[object], passes: int = 1) -> float:
    """Seconds for one pass over ``batches``, throwing them away: the shortest of ``passes``.

    The shortest, because whatever else the machine does can only make a pass longer. Each pass
    starts the batches anew; ValueError if ``passes`` is below 1, or a pass delivers nothing.
    """
    if passes < 1:
        raise ValueError(f"passes: expected at least 1, got {passes}.")
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        last = deque(batches, maxlen=1)  # runs through them at the speed of C
        seconds.append(time.perf_counter() - start)
        if not last:
            raise ValueError(
                "batches: expected at least one batch in every pass, got none; "
                "an iterator can be used only once: pass the loader itself."
            )
    return min(seconds)


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
    images: NDArray[np.uint8], labels: NDArray[np.uint8], batch_size: int, **options: Any
) -> DataLoader[tuple[Tensor, int]]:
    """The usual ``DataLoader`` over images (n, 28, 28) with ``ToTensor``, for comparison.

    It yields the same kind of batches as `hwlib.batches.Batches`; where data do not fit in memory,
    or need a different transformation each time, this is the way to read them. ``options`` are
    those of the ``DataLoader``.
    """
    check_images(images, labels)
    return DataLoader(_PerImage(images, labels), batch_size, **options)
