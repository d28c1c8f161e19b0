"""Fashion-MNIST as arrays and tensors, the stand-in for it, and MNIST.

The data set is by Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747, under the MIT licence of
Zalando SE. MNIST is here only because the chapter on mistakes needs it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwlib import stand_in
from hwlib.fetch import FILES, MissingDataError, cache_folder, find_or_download
from hwlib.idx import read_idx, write_idx
from hwlib.stand_in import draw_stand_in

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
STAND_IN_SEED = 28


class StandInWarning(UserWarning):
    """Drawn garments take the place of Fashion-MNIST: no number of this run is about it."""


@dataclass(frozen=True)
class ImageData:
    """Images uint8 (n, 28, 28), 0 black to 255 white, and labels uint8 (n,), 0 to 9."""

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]

    @property
    def is_stand_in(self) -> bool:
        """Whether these are drawn garments instead of the real data."""
        return self.name == "stand-in"


def stand_in_allowed() -> bool:
    """Whether the environment variable ``HWLIB_STAND_IN`` is 1: the command line's permission."""
    return os.environ.get("HWLIB_STAND_IN") == "1"


def load_fashion_mnist(*, allow_stand_in: bool | None = None, download: bool = True) -> ImageData:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images.

    It is looked for in the folder ``HWLIB_DATA`` (``FashionMNIST/raw/*.gz`` below it, the layout
    of torchvision), then in `cache_folder`, then downloaded there. Checksums are verified always.

    Parameters
    ----------
    allow_stand_in : bool, optional
        Whether garments drawn by code may take its place, announced by a `StandInWarning`.
        None asks `stand_in_allowed`.
    download : bool
        Whether the network may be used.

    Returns
    -------
    ImageData

    Raises
    ------
    DataError
        If a file is damaged or altered, or nothing was found and no stand-in is allowed.
    """
    try:
        return _read("Fashion-MNIST", find_or_download("FashionMNIST", download=download))
    except MissingDataError as error:
        if not (stand_in_allowed() if allow_stand_in is None else allow_stand_in):
            raise
        warnings.warn(
            f"Fashion-MNIST was not found, drawn garments stand in for it ({error})",
            StandInWarning,
            stacklevel=2,
        )
        return load_stand_in()


def load_mnist(*, download: bool = True) -> ImageData:
    """Load MNIST, the handwritten digits, from the same places as `load_fashion_mnist`.

    Raises
    ------
    DataError
        If a file is damaged or altered, or nothing was found.
    """
    return _read("MNIST", find_or_download("MNIST", download=download))


def _read(name: str, raw: Path) -> ImageData:
    arrays = [read_idx(raw / file) for file in FILES]
    for images, labels in (arrays[:2], arrays[2:]):
        check_images(images, labels)
    return ImageData(name, *arrays)


def load_stand_in(train: int = 60_000, test: int = 10_000) -> ImageData:
    """Draw garments of ten classes, as IDX files read back by the same reader as the real data.

    Parameters
    ----------
    train, test : int
        Number of images. Drawing the full number takes some seconds, so it is cached.

    Returns
    -------
    ImageData
        With ``is_stand_in`` true.
    """
    raw = cache_folder() / "stand-in" / f"{_drawing_version()}-{STAND_IN_SEED}-{train}-{test}"
    if all((raw / file).is_file() for file in FILES):
        with contextlib.suppress(ValueError):
            return _read("stand-in", raw)
    with tempfile.TemporaryDirectory(prefix="hwlib-stand-in-") as temporary:
        drawn = Path(temporary)
        for part, (n, seed) in enumerate(((train, STAND_IN_SEED), (test, STAND_IN_SEED + 1))):
            for file, array in zip(FILES[2 * part :], draw_stand_in(n, seed=seed), strict=False):
                write_idx(drawn / file, array)
        data = _read("stand-in", drawn)
        with contextlib.suppress(OSError):  # a read-only cache only costs the next run its time
            raw.mkdir(parents=True, exist_ok=True)
            for file in FILES:
                _copy_whole(drawn / file, raw / file)
    return data


def _drawing_version() -> str:
    """Another text for every change of the code that draws, so that no old drawing is reused."""
    return hashlib.sha256(Path(stand_in.__file__).read_bytes()).hexdigest()[:16]


def _copy_whole(source: Path, target: Path) -> None:
    """Copy so that a reader of ``target`` sees the old file or the new one, never half."""
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def check_images(images: Any, labels: Any, classes: int = len(CLASS_NAMES)) -> None:
    """Raise unless images and labels form a data set (NumPy arrays or tensors alike).

    Raises
    ------
    ValueError
        If images are not (n, 28, 28) or (n, 1, 28, 28) with n of at least 1, are as many as the
        labels, hold finite pixels, and the labels are integers from 0 to ``classes`` - 1.
    """
    images, labels = torch.as_tensor(images), torch.as_tensor(labels)
    if tuple(images.shape[1:]) not in ((28, 28), (1, 28, 28)) or len(images) == 0:
        raise ValueError(
            "images: expected shape (n, 28, 28) or (n, 1, 28, 28) with n of at least 1, "
            f"got {tuple(images.shape)}."
        )
    whole = not (labels.is_floating_point() or labels.dtype == torch.bool)
    if tuple(labels.shape) != (len(images),) or not whole:
        raise ValueError(
            f"labels: expected {len(images)} integers, one per image, got shape "
            f"{tuple(labels.shape)} of {labels.dtype}; one-hot labels need argmax(1) first."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"labels: expected classes 0 to {classes - 1}, got {low} to {high}; "
            "count classes from 0."
        )
    if images.is_floating_point() and not bool(torch.isfinite(images).all()):
        raise ValueError("images: expected finite pixels, got NaN or infinity; clean them first.")


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
