"""Mini-batches in memory: order, completeness, reproducibility, and equality with a DataLoader."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwlib.batches import Batches, hold_out, split_validation, to_tensors
from hwlib.course.loading import per_image_loader
from hwlib.stand_in import draw_stand_in

DRAWN = draw_stand_in(23, seed=4)
IMAGES, LABELS = to_tensors(*DRAWN)


def numbered(n):
    """Images whose first pixel is their number, so that order and pairing can be seen."""
    images = torch.zeros(n, 1, 28, 28)
    images[:, 0, 0, 0] = torch.arange(n)
    return images, torch.arange(n) % 10


def numbers(batches):
    return [int(x) for images, _ in batches for x in images[:, 0, 0, 0]]


@given(n=st.integers(1, 40), size=st.integers(1, 50))
def test_in_order_every_image_comes_once(n, size):
    batches = Batches(*numbered(n), size)
    sizes = [len(labels) for _, labels in batches]
    assert numbers(batches) == list(range(n))
    assert len(sizes) == len(batches)
    assert sizes[:-1] == [size] * (len(sizes) - 1)  # only the last may be smaller
    assert 1 <= sizes[-1] <= size


@given(n=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 2**32))
def test_shuffled_every_image_comes_once_with_its_label(n, size, seed):
    batches = Batches(*numbered(n), size, generator=torch.Generator().manual_seed(seed))
    parts = list(batches)
    assert [len(labels) for _, labels in parts] == [len(y) for _, y in Batches(*numbered(n), size)]
    assert sorted(numbers(parts)) == list(range(n))
    for images, labels in parts:
        assert torch.equal(images[:, 0, 0, 0] % 10, labels.float())


def test_order_changes_with_every_pass_and_repeats_with_the_seed():
    def passes(seed):
        batches = Batches(*numbered(50), 7, generator=torch.Generator().manual_seed(seed))
        return [numbers(batches) for _ in range(3)]

    assert passes(1) == passes(1)
    assert passes(1) != passes(2)
    first, second, third = passes(1)
    assert first != second != third
    assert first != list(range(50))


def test_global_random_state_is_neither_read_nor_changed():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = numbers(Batches(*numbered(50), 7, generator=torch.Generator().manual_seed(3)))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    again = numbers(Batches(*numbered(50), 7, generator=torch.Generator().manual_seed(3)))
    assert first == again


def test_batches_in_order_are_views():
    (images, labels), *_ = Batches(IMAGES, LABELS, 5)
    assert images.data_ptr() == IMAGES.data_ptr()
    assert labels.data_ptr() == LABELS.data_ptr()


@pytest.mark.parametrize("size", [1, 5, 23, 100])
def test_equal_to_a_data_loader_of_single_images(size):
    loader = per_image_loader(*DRAWN, size)
    batches = Batches(IMAGES, LABELS, size)
    assert len(loader) == len(batches)
    for (x, y), (images, labels) in zip(loader, batches, strict=True):
        assert torch.equal(x, images)
        assert torch.equal(y, labels)
        assert (x.dtype, y.dtype) == (images.dtype, labels.dtype)


def test_worker_processes_deliver_the_same():
    def delivered(workers):
        generator = torch.Generator().manual_seed(8)
        return list(
            per_image_loader(*DRAWN, 6, shuffle=True, num_workers=workers, generator=generator)
        )

    for (x, y), (images, labels) in zip(delivered(0), delivered(2), strict=True):
        assert torch.equal(x, images)
        assert torch.equal(y, labels)


def test_loader_shuffles_every_image_once():
    generator = torch.Generator().manual_seed(0)
    loader = per_image_loader(*DRAWN, 6, shuffle=True, generator=generator)
    images = torch.cat([x for x, _ in loader]).flatten(1)
    assert not torch.equal(images, IMAGES.flatten(1))
    assert torch.equal(images.sum(1).sort().values, IMAGES.flatten(1).sum(1).sort().values)


def test_tensors_are_moved_once_to_the_device():
    # The device "meta" holds shapes only: it is there on every machine, unlike a GPU.
    batches = Batches(IMAGES, LABELS, 10, device="meta")
    assert batches.images.device.type == batches.labels.device.type == "meta"
    assert [images.device.type for images, _ in batches] == ["meta"] * 3
    shuffled = Batches(IMAGES, LABELS, 10, device="meta", generator=torch.Generator())
    assert [tuple(images.shape) for images, _ in shuffled][-1] == (3, 1, 28, 28)


@pytest.mark.parametrize("size", [0, -1])
def test_batch_size_below_one_is_refused(size):
    with pytest.raises(ValueError, match=f"batch_size: expected at least 1, got {size}"):
        Batches(IMAGES, LABELS, size)


def test_bad_data_are_refused_before_training():
    broken = IMAGES.clone()
    broken[0, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        Batches(broken, LABELS, 5)
    with pytest.raises(ValueError, match="labels: expected classes 0 to 9"):
        Batches(IMAGES, LABELS + 5, 5)
    with pytest.raises(ValueError, match="n of at least 1"):
        Batches(IMAGES[:0], LABELS[:0], 5)
    with pytest.raises(ValueError, match="one per image"):
        per_image_loader(DRAWN[0], DRAWN[1][:-1], 5)


@given(n=st.integers(2, 60), seed=st.integers(0, 1000), data=st.data())
def test_validation_split_covers_every_index_once(n, seed, data):
    validation = data.draw(st.integers(1, n - 1))
    train, held = split_validation(n, validation, torch.Generator().manual_seed(seed))
    assert (len(train), len(held)) == (n - validation, validation)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(n))
    again = split_validation(n, validation, torch.Generator().manual_seed(seed))
    assert torch.equal(train, again[0])


def test_validation_split_is_random():
    train, held = split_validation(1000, 500, torch.Generator().manual_seed(0))
    # The mean of 500 of 1000 numbers: standard deviation 9, so 50 is more than five of them.
    assert np.mean(held.tolist()) == pytest.approx(499.5, abs=50)
    assert train.tolist() != sorted(train.tolist())


@pytest.mark.parametrize("validation", [0, -1, 10, 11])
def test_empty_part_is_refused(validation):
    with pytest.raises(ValueError, match=f"between 1 and 9 of 10, got {validation}"):
        split_validation(10, validation, torch.Generator())


def test_what_is_held_out_is_the_split_of_the_seed_in_batches_of_a_thousand():
    images, labels = numbered(2500)
    for seed, options in ((0, {}), (3, {"seed": 3})):
        learn, held = split_validation(2500, 1200, torch.Generator().manual_seed(seed))
        kept, kept_labels, validation = hold_out(images, labels, 1200, **options)
        assert torch.equal(kept, images[learn])
        assert torch.equal(kept_labels, labels[learn])
        assert [len(batch) for batch, _ in validation] == [1000, 200]
        assert numbers(validation) == held.tolist()
        assert torch.equal(torch.cat([y for _, y in validation]), labels[held])
