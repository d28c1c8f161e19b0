"""The IDX format of the MNIST family: one array per file, gzip-compressed or not.

Layout, all numbers big-endian: two zero bytes, one byte for the type, one for the number of
dimensions, four bytes for each dimension, then the entries in row-major order.
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class IdxError(ValueError):
    """A file is not a complete IDX file; the message says what was expected and what came."""


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
    content = Path(path).read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise IdxError(
                f"{path}: expected a complete gzip file, got a damaged one ({error}); "
                "delete it and load again."
            ) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise IdxError(
            f"{path}: expected an IDX header (00 00, a type, a number of dimensions), got "
            f"{content[:4].hex(' ') or 'nothing'}; it may be a web page saved under this name."
        )
    dtype, start = np.dtype(TYPES[content[2]]), 4 + 4 * content[3]
    if len(content) < start or content[3] > 32:
        raise IdxError(
            f"{path}: expected the sizes of at most 32 dimensions, got {content[3]} dimensions in "
            f"{len(content)} bytes; the file is cut off or damaged: delete it and load again."
        )
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4"))
    expected = dtype.itemsize * math.prod(shape)
    if len(content) - start != expected or max(shape, default=0) >= 2**31:
        raise IdxError(
            f"{path}: expected {expected} bytes of entries for the shape {shape}, got "
            f"{len(content) - start}; the file is cut off or damaged: delete it and load again."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
