"""The drawn garments: form, determinism, and a difficulty between chance and trivial."""

import hashlib
from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from hwlib.stand_in import CHUNK, GARMENTS, draw_stand_in

RECORDED_LABELS = [9, 3, 4, 3, 6, 0, 5, 5, 7, 8, 8, 2, 9, 2, 1, 0, 6, 1, 7, 4]
RECORDED_SUMS = [19884, 36973, 27416, 32811, 52251, 80148, 42956, 67887, 29447, 56005]
TOPS = (0, 2, 4, 6)  # T-shirt, pullover, coat, shirt


@pytest.fixture(scope="module")
def drawn():
    return draw_stand_in(4000, seed=0)


@pytest.fixture(scope="module")
def predictions(drawn):
    """Labels that a softmax regression trained on 2,000 images gives to 2,000 others."""
    images, labels = drawn
    pixels = images.reshape(len(images), -1) / 255
    # lbfgs stops at a tolerance before the limit of iterations; a warning would be an error here.
    model = LogisticRegression(C=0.01, tol=1e-2, max_iter=500)
    return model.fit(pixels[:2000], labels[:2000]).predict(pixels[2000:])


@pytest.mark.parametrize("n", [1, 9, 10, 137, 10 * CHUNK + 1])
def test_shapes_types_and_balance(n):
    images, labels = draw_stand_in(n, seed=3)
    assert images.shape == (n, 28, 28)
    assert labels.shape == (n,)
    assert images.dtype == labels.dtype == np.uint8
    counts = np.bincount(labels, minlength=len(GARMENTS))
    assert len(counts) == 10
    assert counts.max() - counts.min() <= 1


def test_numpy_integers_are_accepted():
    assert len(draw_stand_in(np.int64(5), seed=0)[0]) == 5


@pytest.mark.parametrize("n", [0, -1, 2.5, "10", None])
def test_invalid_n_is_named(n):
    with pytest.raises(ValueError, match=r"n: expected a whole number of at least 1, got"):
        draw_stand_in(n, seed=0)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="non-negative"):
        draw_stand_in(1, seed=-1)


def test_same_seed_same_garments(drawn):
    images, labels = draw_stand_in(4000, seed=0)
    np.testing.assert_array_equal(images, drawn[0])
    np.testing.assert_array_equal(labels, drawn[1])


def test_global_random_state_is_neither_read_nor_changed():
    np.random.seed(1)  # noqa: NPY002
    first = draw_stand_in(20, seed=5)[0]
    after = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert after == np.random.random()  # noqa: NPY002
    np.testing.assert_array_equal(draw_stand_in(20, seed=5)[0], first)


def test_other_seed_other_garments_and_order(drawn):
    images, labels = draw_stand_in(4000, seed=1)
    assert (images != drawn[0]).any(axis=(1, 2)).all()
    assert (labels != drawn[1]).mean() == pytest.approx(0.9, abs=0.03)  # chance of ten classes


def test_labels_of_a_seed_are_the_recorded_ones():
    # Recorded once: a change here means that stored results no longer belong to the drawings.
    labels = draw_stand_in(20, seed=28)[1]
    assert labels.tolist() == RECORDED_LABELS


def test_images_of_a_seed_are_the_recorded_ones():
    # Sums over the 784 pixels of ten images; rounding may move each pixel by one grey level.
    sums = draw_stand_in(10, seed=28)[0].sum(axis=(1, 2), dtype=int)
    np.testing.assert_allclose(sums, RECORDED_SUMS, atol=784, rtol=0)


def test_labels_are_shuffled(drawn):
    labels = drawn[1]
    assert (labels[1:] == labels[:-1]).mean() == pytest.approx(0.1, abs=0.03)


def test_no_two_images_are_equal_and_none_is_empty(drawn):
    images = drawn[0]
    assert len({hashlib.sha256(image.tobytes()).digest() for image in images}) == len(images)
    assert (images.max(axis=(1, 2)) > 60).all()


def test_pixel_statistics_resemble_the_real_data(drawn):
    pixels = drawn[0] / 255  # Fashion-MNIST: mean 0.286, standard deviation 0.353
    assert 0.2 < pixels.mean() < 0.35
    assert 0.25 < pixels.std() < 0.45
    assert 0.3 < (pixels == 0).mean() < 0.75  # half of Fashion-MNIST's pixels are 0


def test_all_class_means_differ(drawn):
    images, labels = drawn
    means = [images[labels == label].mean(axis=0) / 255 for label in range(10)]
    halves = [images[labels == label][::2].mean(axis=0) / 255 for label in range(10)]
    noise = max(np.abs(m - h).mean() for m, h in zip(means, halves, strict=True))
    for one, other in combinations(range(10), 2):
        # Two classes lie further apart than a class from half of itself.
        assert np.abs(means[one] - means[other]).mean() > 2 * noise, (one, other)


def test_linear_classifier_is_between_chance_and_perfect(drawn, predictions):
    accuracy = (predictions == drawn[1][2000:]).mean()
    assert 0.7 < accuracy < 0.92


def test_every_class_is_recognised_above_chance(drawn, predictions):
    labels = drawn[1][2000:]
    for label in range(10):
        assert (predictions[labels == label] == label).mean() > 0.2, label


def test_most_errors_are_among_the_tops(drawn, predictions):
    labels = drawn[1][2000:]
    wrong = predictions != labels
    among_tops = wrong & np.isin(labels, TOPS) & np.isin(predictions, TOPS)
    assert among_tops.sum() > 0.5 * wrong.sum()
