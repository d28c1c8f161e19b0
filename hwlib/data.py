"""Fashion-MNIST as arrays and tensors, the stand-in for it, and MNIST: found, verified, read.

The data set is by Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747, under the MIT licence of
Zalando SE. MNIST is here only because the chapter on mistakes needs it. The compressed files are
read as they are: nothing is unpacked to disk, so nothing can be left half unpacked.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import socket
import tempfile
import warnings
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import platformdirs
from numpy.typing import NDArray

from hwlib.idx import read_idx
from hwlib.stand_in import stored_stand_in

if TYPE_CHECKING:  # building the website needs the files, and installs no PyTorch
    import torch

CLASS_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
SHA256 = {
    "FashionMNIST": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    "MNIST": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}
DOWNLOAD_TIMEOUT = 30.0  # seconds without a byte; torchvision itself would wait for ever


class DataError(ValueError):
    """The data could not be had, or are not what they should be; the message says what to do."""


class MissingDataError(DataError):
    """The data are nowhere, and no folder was named for them: the stand-in may take their place."""


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


def cache_folder() -> Path:
    """The user's cache folder for this package, whether it exists or not."""
    return Path(platformdirs.user_cache_dir("hwlib", appauthor=False))


def find_in(folder: Path, name: str) -> Path | None:
    """Return ``folder/<name>/raw`` if the four verified ``.gz`` files of ``name`` are in it.

    Parameters
    ----------
    folder : path
    name : "FashionMNIST" or "MNIST"

    Returns
    -------
    path, or None where at least one of the files is not there

    Raises
    ------
    DataError
        If a file cannot be read, or is not the published one.
    """
    raw = folder / name / "raw"
    try:
        if not all((raw / file).exists() for file in FILES):
            return None
        for file, expected in zip(FILES, SHA256[name], strict=True):
            with (raw / file).open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
            if found != expected:
                raise DataError(
                    f"{raw / file}: expected the SHA-256 checksum {expected}, got {found}: the "
                    "file is cut off, damaged or altered; delete it and load again."
                )
    except OSError as error:
        raise DataError(
            f"{raw}: expected four files that can be read, got {error}; "
            "let your user read them (chmod -R u+rX), or move them away."
        ) from error
    return raw


def find_or_download(name: str, *, download: bool = True) -> Path:
    """Return the folder that holds the four verified ``.gz`` files of ``name``.

    Parameters
    ----------
    name : "FashionMNIST" or "MNIST"
        Looked for as ``<name>/raw/*.gz`` in the folder that the environment variable
        ``HWLIB_DATA`` names, and nowhere else, if it is set; ``~`` is the home folder. Otherwise
        looked for in `cache_folder`, and downloaded there.
    download : bool
        Whether the network may be used.

    Raises
    ------
    MissingDataError
        If ``HWLIB_DATA`` is not set, and the files are not in the cache and not downloaded.
    DataError
        If ``HWLIB_DATA`` names a folder without them, or files that were found cannot be read or
        are not the published ones.
    """
    if given := os.environ.get("HWLIB_DATA"):
        raw = find_in(Path(given).expanduser().resolve(), name)
        if raw is None:
            raise DataError(
                f"HWLIB_DATA={given!r}: expected {name}/raw with {', '.join(FILES)} in this "
                "folder; correct the variable, or unset it to download them once."
            )
        return raw
    raw = find_in(cache_folder(), name)
    if raw is not None:
        return raw
    hint = "set HWLIB_DATA to a folder that holds it, or connect to the network once."
    if not download:
        raise MissingDataError(f"{name}: expected the four .gz files in {cache_folder()}; {hint}")
    try:
        return _download(name, cache_folder())
    except (OSError, HTTPException, RuntimeError, DataError) as error:
        why = f"{type(error).__name__}: {error}".strip().rstrip(".")
        raise MissingDataError(
            f"{name}: not in {cache_folder()}, and the download failed: {why}; {hint}"
        ) from error


def _download(name: str, folder: Path) -> Path:
    """Download and verify beside the final place, then move each complete file into it.

    Moving is atomic, and every file that arrives has been verified: a second process that
    downloads at the same time replaces each file by an equal one.
    """
    raw = folder / name / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=raw.parent, prefix="download-") as temporary:
        _fetch(name, Path(temporary))
        fetched = find_in(Path(temporary), name)
        if fetched is None:
            raise DataError(f"expected the files {', '.join(FILES)} of {name}, got fewer")
        for file in FILES:
            (fetched / file).replace(raw / file)
    return raw


def _fetch(name: str, folder: Path) -> None:
    """Let torchvision download ``name`` into ``folder``, in silence and with a time limit."""
    dataset = getattr(torchvision_module("datasets"), name)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            dataset(folder, download=True)
    finally:
        socket.setdefaulttimeout(before)


def torchvision_module(name: str) -> ModuleType:
    """Import ``torchvision.<name>``, also where its operators do not fit the installed torch.

    A CPU-only torch beside the ordinary torchvision is common, and there ``import torchvision``
    stops at an operator that data sets and transforms never use: declaring it is enough.

    Raises
    ------
    ImportError, RuntimeError
        Whatever the import raises, unless it is the missing operator and declaring it helps.
    """
    try:
        return importlib.import_module(f"torchvision.{name}")
    except RuntimeError as error:
        if _libraries or "operator torchvision::nms does not exist" not in str(error):
            raise
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _libraries.append(library)
    return importlib.import_module(f"torchvision.{name}")


_libraries: list[torch.library.Library] = []  # a declaration lasts as long as its Library object


def stand_in_allowed() -> bool:
    """Whether the environment variable ``HWLIB_STAND_IN`` is 1: the command line's permission."""
    return os.environ.get("HWLIB_STAND_IN") == "1"


def load_fashion_mnist(*, allow_stand_in: bool | None = None, download: bool = True) -> ImageData:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images.

    Where it is looked for says `find_or_download`; checksums are verified always.

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
        If a file is damaged or altered, or nothing was found and no stand-in is allowed: it never
        is where ``HWLIB_DATA`` is set.
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
    return ImageData(name, *(read_idx(raw / file) for file in FILES))


def load_stand_in(train: int = 60_000, test: int = 10_000) -> ImageData:
    """Draw garments of ten classes; the drawing takes some seconds, so it is kept in the cache.

    Parameters
    ----------
    train, test : int
        Number of images.

    """
    return ImageData("stand-in", *stored_stand_in(cache_folder() / "stand-in", train, test))
