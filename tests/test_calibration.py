"""Calibration against scikit-learn, probabilities against SciPy, and the drawings of both."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from hwlib import plot
from hwlib.batches import Batches
from hwlib.evaluate import calibration, predict_image, predict_probabilities
from hwlib.models import MLP

mpl.use("agg")


@pytest.fixture
def guesses():
    rng = np.random.default_rng(0)
    p = softmax(3 * rng.normal(size=(500, 10)), axis=1)
    return p, np.where(rng.random(500) < 0.6, p.argmax(axis=1), rng.integers(0, 10, 500))


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_calibration_is_scikit_learns(guesses, bins):
    p, labels = guesses
    found = calibration(p, labels, bins)
    accuracy, confidence = calibration_curve(p.argmax(1) == labels, p.max(1), n_bins=bins)
    used = found.images > 0
    np.testing.assert_allclose(found.accuracy[used], accuracy, rtol=1e-12)
    np.testing.assert_allclose(found.confidence[used], confidence, rtol=1e-12)
    assert found.images.sum() == 500
    assert np.isnan(found.accuracy[~used]).all()


def test_certainty_lies_in_the_last_bin():
    found = calibration(np.eye(3), [0, 1, 0])
    assert found.images.tolist() == [0] * 9 + [3]
    assert found.accuracy[-1] == pytest.approx(2 / 3)


def test_bins_without_an_image_are_there_and_empty():
    found = calibration([[0.55, 0.45], [0.41, 0.59]], [0, 0])
    assert found.images.tolist() == [0] * 5 + [2] + [0] * 4
    np.testing.assert_allclose(found.confidence, [np.nan] * 5 + [0.57] + [np.nan] * 4)
    np.testing.assert_allclose(found.accuracy, [np.nan] * 5 + [0.5] + [np.nan] * 4)


def test_a_sum_of_probabilities_that_was_rounded_up_stays_in_the_last_bin():
    assert calibration([[1 + 1e-9, 0]], [0]).images.tolist() == [0] * 9 + [1]


@pytest.mark.parametrize(
    ("p", "labels", "message"),
    [
        (
            np.eye(3),
            [0, 1],
            r"^labels: expected 3 integers, one per image, got shape \(2,\)",
        ),
        (np.zeros((0, 3)), [], "at least 1"),
        (np.eye(3) * 2, [0, 1, 2], "^probabilities: expected rows that sum to 1; .* first.$"),
        ([[1.5, -0.5]], [0], "rows that sum to 1"),
        (np.eye(3), [0, 1, 99], r"^labels: expected classes 0 to 2, got 0 to 99"),
        (np.eye(3), [0, 1, -1], r"^labels: expected classes 0 to 2, got -1 to 1"),
        (np.eye(3), ["0", "1", "2"], r"^labels: expected 3 integers"),
        (np.eye(3), np.ma.masked_equal([0, 1, 2], 1), r"^labels: .* masked array"),
        ([[np.nan, 1.0]], [0], "rows that sum to 1"),
    ],
)
def test_what_is_no_prediction_is_named(p, labels, message):
    with pytest.raises(ValueError, match=message):
        calibration(p, labels)


def test_probabilities_are_scipys_softmax_and_those_of_single_images():
    images = torch.rand(9, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    model = MLP((8,))
    found = predict_probabilities(model, Batches(images, torch.zeros(9, dtype=torch.int64), 4))
    with torch.no_grad():
        logits = model(images).double().numpy()
    # The logits are float32 and depend on how the images are cut into batches.
    np.testing.assert_allclose(found, softmax(logits, axis=1), rtol=1e-5)
    np.testing.assert_allclose(found[3], predict_image(model, images[3]).probabilities, rtol=1e-5)


def test_reliability_draws_the_used_bins_only(guesses):
    _, ax = plot.plt.subplots()
    bins = calibration(*guesses)
    plot.plot_reliability(ax, *bins)
    np.testing.assert_allclose(
        ax.collections[0].get_offsets(),
        100 * np.column_stack(bins[:2])[bins.images > 0],
    )
    plot.plt.close("all")


def test_tiles_are_laid_out_row_by_row():
    _, ax = plot.plt.subplots()
    plot.plot_tiles(ax, np.arange(3)[:, None, None] * np.ones((3, 2, 2)), columns=2)
    drawn = ax.images[0].get_array()
    assert drawn.shape == (5, 5)
    np.testing.assert_array_equal(drawn[0:2, 3:5], 1)
    np.testing.assert_array_equal(drawn[3:5, 0:2], 2)
    assert np.isnan(drawn.filled(np.nan)[2]).all()
    plot.plt.close("all")
