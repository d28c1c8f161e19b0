"""Find the files of a data set, or download them, and verify them before anyone reads them.

The compressed files are read as they are: nothing is unpacked to disk, so nothing can be left
half unpacked.
"""

import contextlib
import hashlib
import io
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import platformdirs

from hwlib.torchvision_import import torchvision_module

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
TEMPORARY = "download-"  # how the names of temporary folders begin
ABANDONED = 24 * 3600.0  # seconds after which a temporary folder has no owner any more


class DataError(ValueError):
    """The data could not be had, or are not what they should be; the message says what to do."""


class MissingDataError(DataError):
    """The data are in none of the places where they were looked for."""


class DownloadError(DataError):
    """A download did not deliver the expected files."""


def cache_folder() -> Path:
    """The user's cache folder for this package, whether it exists or not."""
    return Path(platformdirs.user_cache_dir("hwlib", appauthor=False))


def _verify(name: str, raw: Path) -> None:
    for file, expected in zip(FILES, SHA256[name], strict=True):
        with (raw / file).open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != expected:
            raise DataError(
                f"{raw / file}: expected the SHA-256 checksum {expected}, got {found}: the file "
                "is cut off, damaged or altered; delete it and load again."
            )


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _fetch(name: str, folder: Path) -> Path:
    """Let torchvision download ``name`` into ``folder``; return the folder of the .gz files."""
    dataset = getattr(torchvision_module("datasets"), name)
    with _socket_timeout(DOWNLOAD_TIMEOUT), contextlib.redirect_stdout(io.StringIO()):
        dataset(folder, download=True)
    return folder / name / "raw"


def _remove_abandoned(folder: Path) -> None:
    """Remove what downloads left here that were killed, sparing those that may still run."""
    for left in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left)


def _download(name: str, raw: Path) -> Path:
    """Download and verify beside the final place, then move each complete file into it.

    Moving is atomic, and every file that arrives has been verified: a second process that
    downloads at the same time replaces each file by an equal one.
    """
    try:
        raw.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(raw.parent)
        with tempfile.TemporaryDirectory(dir=raw.parent, prefix=TEMPORARY) as temporary:
            fetched = _fetch(name, Path(temporary))
            _verify(name, fetched)
            raw.mkdir(exist_ok=True)
            for file in FILES:
                (fetched / file).replace(raw / file)
    except (OSError, HTTPException, RuntimeError, DataError) as error:
        raise DownloadError(f"{type(error).__name__}: {error}".strip().rstrip(".")) from error
    return raw


def find_or_download(name: str, *, download: bool = True) -> Path:
    """Return the folder that holds the four verified ``.gz`` files of ``name``.

    Parameters
    ----------
    name : "FashionMNIST" or "MNIST"
        Looked for as ``<name>/raw/*.gz`` in the folder named by ``HWLIB_DATA``, then in
        `cache_folder`, then downloaded there.
    download : bool
        Whether the network may be used.

    Raises
    ------
    MissingDataError
        If the files are in none of these places and could not be downloaded.
    DataError
        If files were found but are not the published ones.
    """
    given = os.environ.get("HWLIB_DATA")
    places = [Path(folder) / name / "raw" for folder in (given, cache_folder()) if folder]
    for raw in places:
        if all((raw / file).is_file() for file in FILES):
            _verify(name, raw)
            return raw
    looked = " and ".join(map(str, places))
    hint = "set HWLIB_DATA to a folder that holds it, or connect to the network once."
    if not download:
        raise MissingDataError(f"{name}: expected the four .gz files in {looked}; {hint}")
    try:
        return _download(name, places[-1])
    except DownloadError as error:
        raise MissingDataError(
            f"{name}: not in {looked}, and the download failed: {error}; {hint}"
        ) from error
