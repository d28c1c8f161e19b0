"""The IDX reader: whatever can be written is read back, and anything else is an IdxError."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from idx_files import write_idx

from hwlib.idx import IdxError, read_idx

DTYPES = st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0))
)
IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
PLAIN = bytes([0, 0, 8, 3]) + struct.pack(">III", 2, 3, 4) + IMAGES.tobytes()
PAGE = b"<!DOCTYPE html><html><title>404 Not Found</title></html>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples of a property: hypothesis forbids a fixture per test."""
    return tmp_path_factory.mktemp("idx")


def read_bytes(folder, content):
    path = folder / "some.idx"
    path.write_bytes(content)
    return read_idx(path)


@given(array=ARRAYS, big_endian=st.booleans(), suffix=st.sampled_from(["", ".gz"]))
def test_what_is_written_is_read_back(folder, array, big_endian, suffix):
    path = folder / f"round{suffix}"
    write_idx(path, array.astype(array.dtype.newbyteorder(">")) if big_endian else array)
    found = read_idx(path)
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()  # NaN, -0.0 and all


def test_format_is_the_published_one(folder):
    np.testing.assert_array_equal(read_bytes(folder, PLAIN), IMAGES)
    np.testing.assert_array_equal(read_bytes(folder, gzip.compress(PLAIN)), IMAGES)
    numbers = bytes([0, 0, 0x0B, 1]) + struct.pack(">I3h", 3, -1, 256, 7)
    assert read_bytes(folder, numbers).tolist() == [-1, 256, 7]


def test_result_can_be_changed(folder):
    read_bytes(folder, PLAIN)[0, 0, 0] = 255  # torch warns about arrays that are read-only


@given(content=st.binary(max_size=64))
@example(b"")
@example(b"\0\0")
@example(b"\x1f\x8b")
@example(b"\x1f\x8b\x08")
@example(b"\0\0\x08\0")
@example(b"\0\0\x08\xff")
@example(b"\0\0\x08\x03" + b"\xff" * 12)
@example(b"\0\0\x0e\x03" + struct.pack(">III", 0, 2**32 - 1, 2**32 - 1))
def test_arbitrary_bytes_are_read_or_refused(folder, content):
    for start in (b"", b"\0\0\x08", b"\0\0\x0d\x01", b"\x1f\x8b\x08\0"):
        try:
            found = read_bytes(folder, start + content)
        except IdxError:
            continue
        # The header is followed by exactly the entries that it claims.
        assert 4 + 4 * found.ndim + found.nbytes == len(start + content)


@given(content=st.binary(max_size=64))
def test_arbitrary_bytes_inside_gzip_are_read_or_refused(folder, content):
    try:
        found = read_bytes(folder, gzip.compress(b"\0\0" + content))
    except IdxError:
        return
    assert 4 + 4 * found.ndim + found.nbytes == len(content) + 2


@pytest.mark.parametrize("content", [PLAIN, gzip.compress(PLAIN, mtime=0)], ids=["plain", "gzip"])
def test_every_truncation_is_refused(folder, content):
    for n in range(len(content)):
        with pytest.raises(IdxError, match="expected"):
            read_bytes(folder, content[:n])


@given(place=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_flipped_byte_in_gzip_is_never_taken_for_other_data(folder, place, flip):
    content = bytearray(gzip.compress(PLAIN, mtime=0))
    content[place % len(content)] ^= flip
    try:
        found = read_bytes(folder, bytes(content))
    except IdxError:
        return
    np.testing.assert_array_equal(found, IMAGES)  # time stamp, system and the like carry no data


@pytest.mark.parametrize("place", range(16))
def test_flipped_byte_in_a_plain_header_is_refused(folder, place):
    content = bytearray(PLAIN)
    content[place] ^= 0xFF
    with pytest.raises(IdxError, match="expected"):
        read_bytes(folder, bytes(content))


@pytest.mark.parametrize("extra", [b"\0", b"x" * 100])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_extra_bytes_are_refused(folder, pack, extra):
    with pytest.raises(IdxError, match=r"expected 24 bytes .* \(2, 3, 4\), got"):
        read_bytes(folder, pack(PLAIN + extra))


def test_extra_bytes_behind_the_gzip_are_refused(folder):
    with pytest.raises(IdxError, match="damaged"):
        read_bytes(folder, gzip.compress(PLAIN) + b"tail")
    with pytest.raises(IdxError, match="got 64"):
        read_bytes(folder, gzip.compress(PLAIN) * 2)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_web_page_is_named_as_such(folder, pack):
    with pytest.raises(IdxError, match=r"some\.idx: expected an IDX header .* web page"):
        read_bytes(folder, pack(PAGE))


def test_wrong_checksum_in_gzip_is_refused(folder):
    content = bytearray(gzip.compress(PLAIN))
    content[-8] ^= 1  # the CRC of the content
    with pytest.raises(IdxError, match="complete gzip file, got a damaged one"):
        read_bytes(folder, bytes(content))


@pytest.mark.parametrize("sides", [(2**32 - 1,), (2**31,) * 3, (1,) * 33, (1,) * 99])
def test_absurd_header_is_refused(folder, sides):
    header = bytes([0, 0, 8, len(sides)]) + struct.pack(f">{len(sides)}I", *sides)
    with pytest.raises(IdxError, match="expected"):
        read_bytes(folder, header + (b"few" if len(sides) < 9 else b"x"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "got nothing; it may be a web page"),
        (PAGE, "got 3c 21 44 4f; it may be a web page"),
        (b"\0\0\x08\0", r"expected 1 bytes of entries for the shape \(\), got 0"),
        (b"\x1f\x8b\x08\0", "delete it and load again"),
    ],
)
def test_error_says_what_came(folder, content, said):
    with pytest.raises(IdxError, match=said):
        read_bytes(folder, content)


@pytest.mark.parametrize("sides", [(1,) * 32, (0, 2**31 - 1)])
def test_largest_header_is_read(folder, sides):
    header = bytes([0, 0, 8, len(sides)]) + struct.pack(f">{len(sides)}I", *sides)
    assert read_bytes(folder, header + b"x" * min(sides)).shape == sides


def test_huge_sides_beside_an_empty_one_are_refused(folder):
    # No entry at all, and complete as it is, but of a shape that no array can have.
    for sides in ((0, 2**31), (0, 2**32 - 1)):
        header = bytes([0, 0, 0x08, 2]) + struct.pack(">2I", *sides)
        with pytest.raises(IdxError, match="expected 0 bytes"):
            read_bytes(folder, header)


def test_missing_file_is_an_os_error(folder):
    with pytest.raises(FileNotFoundError):
        read_idx(folder / "nowhere")
