"""Writing IDX files, from the description of the format, for tests of what reads them."""

import gzip

import numpy as np

from hwlib.idx import TYPES

CODES = {np.dtype(name): code for code, name in TYPES.items()}


def write_idx(path, array):
    """Write ``array`` as an IDX file, gzip-compressed if the name ends in ``.gz``."""
    code = CODES[array.dtype.newbyteorder(">")]
    sizes = np.array(array.shape, ">u4").tobytes()
    content = bytes([0, 0, code, array.ndim]) + sizes + array.astype(TYPES[code]).tobytes()
    path.write_bytes(gzip.compress(content, 1, mtime=0) if path.suffix == ".gz" else content)
