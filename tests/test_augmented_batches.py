"""Shifts and flips against SciPy's and NumPy's own, and what the augmented batches keep."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from hwlib.batches import AugmentedBatches, random_changes, shift_images


@pytest.fixture
def images():
    return torch.rand(6, 2, 28, 28, generator=torch.Generator().manual_seed(1))


def test_shift_is_scipys(images):
    down = torch.tensor([0, 1, -2, 3, 0, -28])
    right = torch.tensor([0, -1, 2, 0, -4, 5])
    moved = shift_images(images, down, right)
    for image, by_down, by_right, result in zip(images, down, right, moved, strict=True):
        expected = ndimage.shift(image.numpy(), (0, by_down, by_right), order=0)
        np.testing.assert_array_equal(result.numpy(), expected)


def test_shifts_by_more_than_the_image_leave_nothing(images):
    far = torch.full((6,), 28)
    assert not shift_images(images, far, far).any()


def test_shift_of_no_images_is_no_images():
    nothing = torch.zeros(0, dtype=torch.int64)
    assert shift_images(torch.zeros(0, 1, 28, 28), nothing, nothing).shape == (0, 1, 28, 28)


@pytest.mark.parametrize(
    ("shape", "down", "right"),
    [((6, 28, 28), 6, 6), ((6, 1, 28, 28), 5, 5), ((6, 1, 28, 28), 5, 6), ((6, 1, 28, 28), 6, 5)],
)
def test_shapes_that_do_not_fit_are_named(shape, down, right):
    shifts = (torch.zeros(count, dtype=torch.int64) for count in (down, right))
    with pytest.raises(ValueError, match=r"^expected images \(B, C, H, W\)"):
        shift_images(torch.zeros(shape), *shifts)


def test_every_change_is_a_flip_and_a_shift_that_was_allowed(images):
    changed = random_changes(images, torch.Generator().manual_seed(0), shift=1, flip=True)
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    for image, result in zip(images.numpy(), changed.numpy(), strict=True):
        allowed = [
            ndimage.shift(side, (0, *step), order=0)
            for side in (image, image[:, :, ::-1])
            for step in steps
        ]
        assert any(np.array_equal(result, each) for each in allowed)


def test_all_shifts_and_both_sides_come_up_equally_often():
    n, spot = 18_000, torch.zeros(1, 1, 28, 28)
    spot[..., 10, 5] = 1  # mirrored to column 22
    many = random_changes(
        spot.expand(n, 1, 28, 28), torch.Generator().manual_seed(0), shift=1, flip=True
    )
    counts = many.sum(dim=(0, 1)).numpy()
    places = np.concatenate([counts[9:12, 4:7].ravel(), counts[9:12, 21:24].ravel()])
    assert places.sum() == n
    # 18 equally likely places: five standard deviations of a binomial count around 1000.
    assert np.abs(places - 1000).max() < 5 * np.sqrt(1000)


def test_without_changes_images_stay_what_they_are(images):
    same = random_changes(images, torch.Generator(), shift=0, flip=False)
    assert torch.equal(same, images)


def test_negative_shift_is_named(images):
    with pytest.raises(ValueError, match="shift: expected 0 or a positive"):
        random_changes(images, torch.Generator(), shift=-1, flip=True)


def test_batches_hold_every_label_once_and_change_in_every_pass():
    labels = torch.arange(10)
    pictures = torch.rand(10, 1, 28, 28)
    batches = AugmentedBatches(
        pictures, labels, 4, generator=torch.Generator().manual_seed(2), shift=2
    )
    assert len(batches) == 3
    passes = [
        dict(zip(torch.cat(ys).tolist(), torch.cat(xs), strict=True))
        for xs, ys in (zip(*batches, strict=True) for _ in range(2))
    ]
    assert [sorted(seen) for seen in passes] == [list(range(10))] * 2
    assert any(not torch.equal(passes[0][k], passes[1][k]) for k in range(10))
    assert torch.equal(pictures, batches.images)


def test_the_same_generator_gives_the_same_passes(images):
    labels = torch.arange(6)
    first, second = (
        torch.cat(
            [
                x
                for x, _ in AugmentedBatches(
                    images[:, :1], labels, 4, generator=torch.Generator().manual_seed(5)
                )
            ]
        )
        for _ in range(2)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize("options", [{}, {"shift": 3}, {"flip": False}, {"shift": 0}])
def test_batches_are_in_an_order_of_the_generator_and_changed_by_it(images, options):
    generator = torch.Generator().manual_seed(5)
    order = torch.randperm(6, generator=generator)
    wanted = {"shift": 1, "flip": True} | options
    expected = random_changes(images[order[:4], :1], generator, **wanted)
    batches = AugmentedBatches(
        images[:, :1], torch.arange(6), 4, torch.Generator().manual_seed(5), **options
    )
    found, labels = next(iter(batches))
    assert torch.equal(labels, order[:4])
    assert torch.equal(found, expected)
