"""Which data are loaded from where, and what they are; the real files are checked where present."""

import errno
import hashlib
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from idx_files import write_idx

from hwlib import data, stand_in
from hwlib.batches import check_images, to_tensors
from hwlib.data import (
    CLASS_NAMES,
    FILES,
    DataError,
    ImageData,
    MissingDataError,
    StandInWarning,
    find_or_download,
    load_fashion_mnist,
    load_mnist,
    load_stand_in,
    stand_in_allowed,
    torchvision_module,
)
from hwlib.stand_in import draw_stand_in

IMAGES, LABELS = draw_stand_in(12, seed=0)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no network: nothing is found unless a test puts it there."""
    monkeypatch.delenv("HWLIB_DATA", raising=False)
    monkeypatch.delenv("HWLIB_STAND_IN", raising=False)
    monkeypatch.setattr(data, "cache_folder", lambda: tmp_path)

    def offline(*_):
        raise RuntimeError("no network")

    monkeypatch.setattr(data, "_fetch", offline)
    return tmp_path


@pytest.fixture
def small(monkeypatch):
    """A stand-in of a few images where the full one would take seconds."""
    monkeypatch.setattr(data, "load_stand_in", lambda: load_stand_in(30, 10))


def write_data_set(raw, train=(IMAGES, LABELS), test=(IMAGES[:5], LABELS[:5])):
    raw.mkdir(parents=True, exist_ok=True)
    for file, array in zip(FILES, (*train, *test), strict=True):
        write_idx(raw / file, array)
    return raw


def accept(monkeypatch, raw):
    """Take the files in ``raw`` for the published ones."""
    sums = tuple(hashlib.sha256((raw / file).read_bytes()).hexdigest() for file in FILES)
    monkeypatch.setattr(data, "SHA256", {"FashionMNIST": sums, "MNIST": sums})


# --- Where the data come from ---------------------------------------------------------------


def test_missing_data_is_an_error_that_says_what_to_do(cache):
    with pytest.raises(MissingDataError, match="no network; set HWLIB_DATA") as raised:
        load_fashion_mnist()
    assert str(cache) in str(raised.value)
    assert list(cache.rglob("*.gz")) == []


@pytest.mark.usefixtures("cache", "small")
@pytest.mark.parametrize(("variable", "argument"), [("1", None), ("", True), ("0", True)])
def test_stand_in_takes_over_when_allowed_and_says_so(monkeypatch, variable, argument):
    monkeypatch.setenv("HWLIB_STAND_IN", variable)
    with pytest.warns(StandInWarning, match="Fashion-MNIST was not found.*no network") as caught:
        loaded = load_fashion_mnist(allow_stand_in=argument)
    assert loaded.is_stand_in
    assert loaded.name == "stand-in"
    assert len(caught) == 1


@pytest.mark.usefixtures("cache", "small")
def test_the_warning_points_at_the_line_that_asked():
    with pytest.warns(StandInWarning) as caught:
        load_fashion_mnist(allow_stand_in=True)
    assert caught[0].filename == __file__


@pytest.mark.usefixtures("cache", "small")
@pytest.mark.parametrize(
    ("variable", "argument"), [("1", False), ("", None), ("0", None), ("yes", None), ("", False)]
)
def test_stand_in_never_takes_over_unasked(monkeypatch, variable, argument):
    monkeypatch.setenv("HWLIB_STAND_IN", variable)
    with pytest.raises(MissingDataError):
        load_fashion_mnist(allow_stand_in=argument)


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("0", False), ("", False)])
def test_permission_of_the_command_line(monkeypatch, value, allowed):
    monkeypatch.setenv("HWLIB_STAND_IN", value)
    assert stand_in_allowed() is allowed


@pytest.mark.parametrize(
    ("load", "name"), [(load_fashion_mnist, "FashionMNIST"), (load_mnist, "MNIST")]
)
def test_loading_downloads_unless_told_not_to(monkeypatch, load, name):
    asked = []

    def find(*names, download):
        asked.append((*names, download))
        raise MissingDataError("none")

    monkeypatch.setattr(data, "find_or_download", find)
    monkeypatch.setenv("HWLIB_STAND_IN", "0")
    for arguments in ({}, {"download": False}):
        with pytest.raises(MissingDataError):
            load(**arguments)
    assert asked == [(name, True), (name, False)]


def test_the_older_data_set_has_its_own_name(cache, monkeypatch):
    accept(monkeypatch, write_data_set(cache / "MNIST" / "raw"))
    assert load_mnist().name == "MNIST"


def test_found_data_are_not_the_stand_in(cache, monkeypatch):
    raw = write_data_set(cache / "FashionMNIST" / "raw")
    accept(monkeypatch, raw)
    loaded = load_fashion_mnist(allow_stand_in=True)  # a StandInWarning would be an error here
    assert (loaded.name, loaded.is_stand_in) == ("Fashion-MNIST", False)
    np.testing.assert_array_equal(loaded.train_images, IMAGES)
    np.testing.assert_array_equal(loaded.train_labels, LABELS)
    np.testing.assert_array_equal(loaded.test_images, IMAGES[:5])
    np.testing.assert_array_equal(loaded.test_labels, LABELS[:5])
    assert sorted(path.name for path in raw.iterdir()) == sorted(FILES)  # nothing is unpacked


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("load", [lambda: load_fashion_mnist(allow_stand_in=True), load_mnist])
def test_damaged_data_are_an_error_even_where_the_stand_in_is_allowed(cache, monkeypatch, load):
    for name in ("FashionMNIST", "MNIST"):
        write_data_set(cache / name / "raw")  # drawn garments under the names of the real files
    monkeypatch.setenv("HWLIB_STAND_IN", "1")
    with pytest.raises(DataError, match="SHA-256"):
        load()


@pytest.mark.usefixtures("cache")
def test_mnist_has_no_stand_in(monkeypatch):
    monkeypatch.setenv("HWLIB_STAND_IN", "1")
    with pytest.raises(MissingDataError, match="MNIST"):
        load_mnist(download=False)


# --- The cache of the stand-in --------------------------------------------------------------


def assert_is_the_drawing(loaded, train=30, test=10):
    images, labels = draw_stand_in(train, seed=28)
    np.testing.assert_array_equal(loaded.train_images, images)
    np.testing.assert_array_equal(loaded.train_labels, labels)
    images, labels = draw_stand_in(test, seed=29)
    np.testing.assert_array_equal(loaded.test_images, images)
    np.testing.assert_array_equal(loaded.test_labels, labels)


def forbid_drawing(monkeypatch):
    def drawn(*_, **__):
        raise AssertionError("drawn again")

    monkeypatch.setattr(stand_in, "draw_stand_in", drawn)


def test_stand_in_is_drawn_once(cache, monkeypatch):
    assert_is_the_drawing(load_stand_in(30, 10))
    assert sum(path.is_file() for path in cache.rglob("*")) == 1
    with monkeypatch.context() as patched:
        forbid_drawing(patched)
        assert_is_the_drawing(load_stand_in(30, 10))
    assert_is_the_drawing(load_stand_in(20, 10), 20, 10)  # another size is another stand-in


@pytest.mark.usefixtures("cache")
def test_stand_in_of_other_drawing_code_is_not_reused(monkeypatch, tmp_path):
    load_stand_in(30, 10)
    source = Path(stand_in.__file__)
    changed = tmp_path / "changed.py"
    changed.write_bytes(source.read_bytes() + b"# one more line\n")
    monkeypatch.setattr(stand_in, "__file__", str(changed))

    def draw_nothing(n, *, seed):
        return np.zeros((n, 28, 28), np.uint8), np.full(n, seed % 10, np.uint8)

    with monkeypatch.context() as patched:
        patched.setattr(stand_in, "draw_stand_in", draw_nothing)
        assert load_stand_in(30, 10).train_images.max() == 0
    forbid_drawing(monkeypatch)
    monkeypatch.setattr(stand_in, "__file__", str(source))
    assert load_stand_in(30, 10).train_images.max() > 0  # back to the old code and its drawing


@pytest.mark.parametrize("damage", ["cut", "empty", "page", "flip", "gone"])
def test_damaged_stand_in_is_drawn_again(cache, monkeypatch, damage):
    load_stand_in(30, 10)
    (path,) = cache.rglob("*.npz")
    body = path.read_bytes()
    flipped = bytearray(body)
    flipped[1000] ^= 255  # among the pixels: only the checksum notices
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {"cut": body[:-5], "empty": b"", "page": b"<html>", "flip": flipped}[damage]
        )
    assert_is_the_drawing(load_stand_in(30, 10))
    forbid_drawing(monkeypatch)  # and the cache is whole again
    assert_is_the_drawing(load_stand_in(30, 10))


def test_read_only_cache_costs_only_time(cache, monkeypatch):
    # The user root may write anywhere, so the refusal of the system is played.
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    assert_is_the_drawing(load_stand_in(30, 10))
    assert list(cache.iterdir()) == []


def test_full_disk_leaves_no_partial_file_in_the_cache(cache, monkeypatch):
    def full(opened, *_):
        opened.write(b"some bytes still fit")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stand_in.np, "savez", full)
    assert_is_the_drawing(load_stand_in(30, 10))
    assert [path for path in cache.rglob("*") if path.is_file()] == []


# --- What is a data set ---------------------------------------------------------------------

PIXELS, CLASSES = torch.rand(4, 1, 28, 28), torch.tensor([0, 9, 3, 3])
WITH_NAN, WITH_INFINITY = PIXELS.clone(), PIXELS.clone()
WITH_NAN[2, 0, 5, 5], WITH_INFINITY[0, 0, 27, 27] = float("nan"), float("inf")


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:, None], IMAGES / 255.0])
def test_data_sets_are_accepted_as_arrays_and_tensors(images):
    check_images(images, LABELS)
    check_images(torch.as_tensor(images), torch.as_tensor(LABELS).long())


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (PIXELS[:, :, :27], CLASSES, r"images: expected shape .* got \(4, 1, 27, 28\)"),
        (PIXELS[:0], CLASSES[:0], r"n of at least 1, got \(0, 1, 28, 28\)"),
        (PIXELS[0, 0], CLASSES[:1], r"got \(28, 28\)"),
        (PIXELS[0, 0, 0], CLASSES, r"got \(28,\)"),
        (PIXELS[None], CLASSES[:1], r"got \(1, 4, 1, 28, 28\)"),
        (PIXELS.expand(4, 3, 28, 28), CLASSES, r"got \(4, 3, 28, 28\)"),
        (PIXELS.flatten(1), CLASSES, r"got \(4, 784\)"),
        (PIXELS, CLASSES[:3], r"labels: expected 4 integers, one per image, got shape \(3,\)"),
        (PIXELS, CLASSES[:, None], r"got shape \(4, 1\)"),
        (PIXELS, torch.eye(10)[:4], r"one-hot labels need argmax"),
        (PIXELS, CLASSES.float(), "of float32"),
        (PIXELS, CLASSES > 2, "of bool"),
        (PIXELS, CLASSES + 1, "classes 0 to 9, got 1 to 10; count classes from 0"),
        (PIXELS, CLASSES - 1, "classes 0 to 9, got -1 to 8"),
        (WITH_NAN, CLASSES, "finite pixels, got NaN or infinity"),
        (WITH_INFINITY, CLASSES, "finite pixels, got NaN or infinity"),
    ],
)
def test_what_is_not_a_data_set_is_refused(images, labels, message):
    with pytest.raises(ValueError, match=message):
        check_images(images, labels)
    with pytest.raises(ValueError, match=message):
        check_images(images.numpy(), labels.numpy())


def test_number_of_classes_can_be_given():
    check_images(PIXELS, CLASSES + 1, classes=11)
    with pytest.raises(ValueError, match="classes 0 to 8"):
        check_images(PIXELS, CLASSES, classes=9)


def test_to_tensors_is_what_torchvision_does():
    from PIL import Image

    images, labels = to_tensors(IMAGES, LABELS)
    to_tensor = torchvision_module("transforms").ToTensor()
    expected = torch.stack([to_tensor(Image.fromarray(image)) for image in IMAGES])
    assert torch.equal(images, expected)
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert labels.tolist() == LABELS.tolist()


def test_to_tensors_leaves_its_arguments_alone():
    before = IMAGES.copy(), LABELS.copy()
    images, labels = to_tensors(IMAGES, LABELS)
    images.zero_()
    labels.zero_()
    np.testing.assert_array_equal(IMAGES, before[0])
    np.testing.assert_array_equal(LABELS, before[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_pixels_that_may_be_scaled_already_are_refused(dtype):
    with pytest.raises(ValueError, match="expected uint8 pixels from 0 to 255, got"):
        to_tensors(IMAGES.astype(dtype), LABELS)


def test_ten_names_for_ten_classes():
    assert len(set(CLASS_NAMES)) == 10
    assert CLASS_NAMES[0] == "T-shirt/top"
    assert CLASS_NAMES[9] == "Ankle boot"


# --- The real data, where they are ----------------------------------------------------------


def real(name, load):
    """Load real data from this machine, or skip: tests do not download."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", StandInWarning)
        try:
            find_or_download(name, download=False)
        except MissingDataError:
            pytest.skip(f"{name} is not on this machine: set HWLIB_DATA to check the real files")
        return load()


@pytest.fixture(scope="module")
def fashion() -> ImageData:
    return real("FashionMNIST", lambda: load_fashion_mnist(allow_stand_in=False, download=False))


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return real("MNIST", lambda: load_mnist(download=False))


def test_real_shapes_and_types(fashion, digits):
    for loaded in (fashion, digits):
        assert loaded.train_images.shape == (60_000, 28, 28)
        assert loaded.test_images.shape == (10_000, 28, 28)
        assert loaded.train_labels.shape == (60_000,)
        assert loaded.test_labels.shape == (10_000,)
        for array in (loaded.train_images, loaded.test_images, loaded.train_labels):
            assert array.dtype == np.uint8
        assert (loaded.train_images.min(), loaded.train_images.max()) == (0, 255)
        assert not loaded.is_stand_in


def test_real_fashion_is_balanced(fashion):
    assert Counter(fashion.train_labels.tolist()) == dict.fromkeys(range(10), 6000)
    assert Counter(fashion.test_labels.tolist()) == dict.fromkeys(range(10), 1000)


def test_real_labels_are_the_published_ones(fashion, digits):
    # The first labels, as every tutorial on these data shows them.
    assert fashion.train_labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert fashion.test_labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert digits.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert (fashion.name, digits.name) == ("Fashion-MNIST", "MNIST")


def test_real_pixels_have_the_published_moments(fashion, digits):
    # Mean and standard deviation of pixel / 255 that are used to normalise these data.
    for loaded, mean, deviation in ((fashion, 0.2860, 0.3530), (digits, 0.1307, 0.3081)):
        assert loaded.train_images.mean() / 255 == pytest.approx(mean, abs=5e-5)
        assert loaded.train_images.std() / 255 == pytest.approx(deviation, abs=5e-5)


def test_real_files_decode_as_torchvision_decodes_them(fashion, tmp_path):
    """The reader of another library, on the same files."""
    import gzip

    raw = find_or_download("FashionMNIST", download=False)
    mnist = torchvision_module("datasets.mnist")
    for file, array, read in (
        (FILES[2], fashion.test_images, mnist.read_image_file),
        (FILES[3], fashion.test_labels, mnist.read_label_file),
    ):
        unpacked = tmp_path / file.removesuffix(".gz")
        unpacked.write_bytes(gzip.decompress((raw / file).read_bytes()))
        np.testing.assert_array_equal(read(str(unpacked)).numpy(), array)
