"""The IDX format of the MNIST family: one array per file, gzip-compressed or not.

Layout, all numbers big-endian: two zero bytes, one byte for the type, one for the number of
dimensions, four bytes for each dimension, then the entries in row-major order.
"""

import contextlib
import gzip
import math
import os
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CODES = {np.dtype(name): code for code, name in TYPES.items()}
LARGEST = 2**32  # bytes; a header that claims more is corrupt, and is refused before any allocation
PIECE = 2**20  # bytes read at once


class IdxError(ValueError):
    """A file is not a complete IDX file; the message says what was expected and what came."""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """Open ``path``, unpacking on the way if it is gzip."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not compressed:
            yield file
            return
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise IdxError(
                f"{path}: expected a complete gzip file, got a damaged one ({error}); "
                "delete it and load again."
            ) from error


def _read(file: BufferedIOBase, n: int) -> bytearray:
    """Read up to ``n`` bytes piece by piece: memory grows with what comes, not with ``n``."""
    content = bytearray()
    while piece := file.read(min(n - len(content), PIECE)):
        content += piece
    return content


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Decode one IDX file.

    Parameters
    ----------
    path : path of a file, gzip-compressed or not

    Returns
    -------
    array of the shape and type that the file's header names, in the machine's byte order

    Raises
    ------
    IdxError
        If the file is cut off, has bytes left over, or is not IDX at all.
    OSError
        If the file cannot be opened.
    """
    path = Path(path)
    with _opened(path) as file:
        header = _read(file, 4)
        if len(header) < 4 or header[:2] != b"\0\0" or header[2] not in TYPES:
            raise IdxError(
                f"{path}: expected an IDX header (00 00, a type, a number of dimensions), got "
                f"{header.hex(' ') or 'nothing'}; it may be a web page saved under this name."
            )
        dtype, dimensions = np.dtype(TYPES[header[2]]), header[3]
        sizes = _read(file, 4 * dimensions)
        if len(sizes) < 4 * dimensions or dimensions > 32:
            raise IdxError(
                f"{path}: expected at most 32 dimensions of 4 bytes each, got {dimensions} in "
                f"{len(sizes)} bytes; the file is cut off or damaged: delete it and load again."
            )
        shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
        if dtype.itemsize * math.prod(max(n, 1) for n in shape) > LARGEST:
            raise IdxError(f"{path}: expected at most {LARGEST} bytes of entries, got {shape}.")
        expected = dtype.itemsize * math.prod(shape)
        content = _read(file, expected + 1)  # the end of a gzip file holds its checksum
    if len(content) != expected:
        found = len(content) if len(content) < expected else "more"
        raise IdxError(
            f"{path}: expected {expected} bytes of entries for the shape {shape}, got {found}; "
            "the file is cut off or damaged: delete it and load again."
        )
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write ``array`` as an IDX file, gzip-compressed if the name ends in ``.gz``.

    Raises
    ------
    ValueError
        If the dtype has no code in the format, or there are more than 32 dimensions.
    """
    code = CODES.get(array.dtype.newbyteorder(">"))
    if code is None or array.ndim > 32:
        raise ValueError(
            f"expected up to 32 dimensions of one of {[str(d) for d in CODES]}, "
            f"got {array.ndim} of {array.dtype}."
        )
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = header + array.astype(TYPES[code]).tobytes()
    path = Path(path)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=1, mtime=0)
    path.write_bytes(content)
