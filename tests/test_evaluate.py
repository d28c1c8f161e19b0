"""Evaluation against scikit-learn, its independence of batches, and what it leaves alone."""

import numpy as np
import pytest
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hwlib.batches import Batches, to_tensors
from hwlib.data import CLASS_NAMES
from hwlib.evaluate import (
    confusion_matrix,
    evaluate,
    evaluating,
    predict_image,
    predict_labels,
    predict_probabilities,
)
from hwlib.models import CNN, MLP, seeded_model
from hwlib.stand_in import draw_stand_in

IMAGES, LABELS = to_tensors(*draw_stand_in(60, seed=1))
MODEL = seeded_model(lambda: MLP((20,)), 5)


class GivenLogits(nn.Module):
    """A model that answers with the logits it was made with, whatever it is shown."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.as_tensor(logits)

    def forward(self, images):
        return self.logits[: len(images)]


def batches(size=60):
    return Batches(IMAGES, LABELS, size)


def test_loss_and_accuracy_are_scikit_learns():
    with torch.no_grad():
        probabilities = torch.softmax(MODEL(IMAGES).double(), dim=1).numpy()
    found = evaluate(MODEL, batches())
    assert found.loss == pytest.approx(
        sklearn.metrics.log_loss(LABELS, probabilities, labels=range(10)), rel=1e-12
    )
    expected = sklearn.metrics.accuracy_score(LABELS, probabilities.argmax(axis=1))
    assert found.accuracy == expected
    assert 0 < found.accuracy < 1
    assert found.n == 60


@settings(max_examples=20)
@given(size=st.integers(1, 70), seed=st.none() | st.integers(0, 100))
def test_result_does_not_depend_on_the_batches(size, seed):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    found = evaluate(MODEL, Batches(IMAGES, LABELS, size, generator=generator))
    expected = evaluate(MODEL, batches())
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)  # logits are float32
    assert (found.accuracy, found.n) == (expected.accuracy, 60)


def test_small_last_batch_is_not_overweighted():
    # Two easy images, then one hopeless one alone in its batch: (0 + 0 + 40) / 3.
    logits = torch.full((3, 10), -40.0)
    logits[:, 0] = 0
    images, labels = IMAGES[:3], torch.tensor([0, 0, 1])
    parts = [(images[:2], labels[:2]), (images[2:], labels[2:])]
    found = evaluate(GivenLogits(logits), parts)
    assert found.loss == pytest.approx(40 / 3, rel=1e-12)
    assert found.accuracy == 2 / 3


def test_sums_keep_the_digits_of_float64():
    logits = torch.zeros(2, 10)
    logits[:, 0] = 30  # loss log(1 + 9 e^-30): all digits lost in float32
    found = evaluate(GivenLogits(logits), [(IMAGES[:2], torch.tensor([0, 0]))])
    assert found.loss == pytest.approx(9 * np.exp(-30), rel=1e-9)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: evaluate(model, batches()),
        lambda model: predict_labels(model, batches()),
        lambda model: predict_probabilities(model, batches()),
        lambda model: predict_image(model, IMAGES[0]),
    ],
    ids=["evaluate", "predict_labels", "predict_probabilities", "predict_image"],
)
def test_model_is_in_evaluation_mode_within_and_left_as_it_was(use):
    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.frozen, self.last = nn.Dropout(0.5), nn.Linear(784, 10)

        def forward(self, images):
            assert not self.training
            assert not self.frozen.training
            assert not torch.is_grad_enabled()
            return self.last(self.frozen(images.flatten(1)))

    model = Watched().train()
    model.frozen.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    use(model)
    assert model.training
    assert model.last.training
    assert not model.frozen.training
    assert torch.is_grad_enabled()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.eval()
    use(model)
    assert not model.training


def test_mode_is_restored_after_an_error():
    model = MLP((5,)).train()
    with pytest.raises(ValueError, match="images"):
        evaluate(model, [(IMAGES[:, :, :5], LABELS)])
    assert model.training
    assert torch.is_grad_enabled()


def test_evaluating_records_no_gradients():
    with evaluating(MODEL):
        assert not MODEL(IMAGES).requires_grad


def test_no_image_is_an_error():
    for use in (evaluate, predict_labels, predict_probabilities):
        with pytest.raises(ValueError, match=r"^batches: .* one image, got none; .* set\.$"):
            use(MODEL, [])


@pytest.mark.parametrize("size", [1, 7, 60])
def test_labels_and_probabilities_are_in_order(size):
    with torch.no_grad():
        logits = MODEL(IMAGES).double().numpy()
    labels = predict_labels(MODEL, batches(size))
    probabilities = predict_probabilities(MODEL, batches(size))
    np.testing.assert_array_equal(labels, logits.argmax(axis=1))
    assert labels.dtype == np.int64
    powers = np.exp(logits)
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)
    assert probabilities.dtype == np.float64


# --- One image ------------------------------------------------------------------------------


@pytest.mark.parametrize("image", [IMAGES[3], IMAGES[3, 0]], ids=["with channel", "without"])
def test_confidence_is_the_largest_probability(image):
    found = predict_image(MODEL, image)
    expected = predict_probabilities(MODEL, [(IMAGES[3:4], LABELS[3:4])])[0]
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-6)
    assert found.probabilities.sum() == pytest.approx(1, rel=1e-12)
    assert found.label == expected.argmax()
    assert found.name == CLASS_NAMES[found.label]
    assert found.confidence == pytest.approx(expected.max(), rel=1e-6)


def test_confidence_of_known_logits():
    logits = torch.zeros(1, 10)
    logits[0, 7] = float(np.log(91))  # 91 against nine ones: 91 %
    found = predict_image(GivenLogits(logits), IMAGES[0])
    assert (found.label, found.name) == (7, "Sneaker")
    assert found.confidence == pytest.approx(0.91, rel=1e-6)


def test_huge_logits_do_not_overflow():
    logits = torch.zeros(1, 10)
    logits[0, 2] = 1e4
    assert predict_image(GivenLogits(logits), IMAGES[0]).confidence == 1


def test_model_is_given_a_batch_of_one_image_with_its_channel():
    class Strict(nn.Module):
        def forward(self, images):
            assert images.shape == (1, 1, 28, 28)
            return torch.zeros(1, 10)

    assert predict_image(Strict(), IMAGES[0, 0]).confidence == pytest.approx(0.1)


def test_cnn_is_served_too():
    assert 0.1 <= predict_image(CNN(), IMAGES[0]).confidence <= 1


@pytest.mark.parametrize("image", [IMAGES[:1], IMAGES[:2], IMAGES[0, 0, 0], IMAGES[0, :, :5]])
def test_what_is_not_one_image_is_refused(image):
    with pytest.raises(ValueError, match=r"image: expected one image .* pick one .* images\[0\]"):
        predict_image(MODEL, image)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_pixels_that_are_not_finite_are_refused(value):
    image = IMAGES[0].clone()
    image[0, 3, 3] = value
    with pytest.raises(ValueError, match=r"^image: expected finite pixels, got NaN or infinity\.$"):
        predict_image(MODEL, image)


# --- Confusions -----------------------------------------------------------------------------

CLASSES = st.integers(0, 9)


@given(pairs=st.lists(st.tuples(CLASSES, CLASSES), min_size=1, max_size=50))
def test_confusion_matrix_is_scikit_learns(pairs):
    labels, predictions = np.array(pairs).T
    expected = sklearn.metrics.confusion_matrix(labels, predictions, labels=range(10))
    found = confusion_matrix(labels, predictions)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(confusion_matrix(torch.tensor(labels), predictions), expected)


def test_confusion_matrix_of_other_classes():
    assert confusion_matrix([0, 1, 1], [0, 0, 1], classes=2).tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([1, 2], [1], "predictions: expected 2 integers"),
        ([], [], "labels: expected 1 integers"),
        ([[1], [2]], [[1], [2]], r"labels: expected 2 integers.*\(2, 1\)"),
        ([1, 10], [1, 2], "labels: expected classes 0 to 9, got 1 to 10"),
        ([1, 2], [-1, 2], "predictions: expected classes 0 to 9, got -1 to 2"),
        ([1, 2], [0.5, 2.0], "predictions: expected 2 integers, .* of float64"),
        ([True, False], [1, 0], "labels: expected 2 integers, .* of bool"),
    ],
)
def test_confusion_matrix_refuses(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(labels, predictions)


@pytest.mark.parametrize("bad", [-100, -1, 10])
def test_labels_out_of_range_are_refused_everywhere(bad):
    one = torch.tensor([bad])
    for measure in (evaluate,):
        with pytest.raises(ValueError, match=f"classes 0 to 9, got {bad}"):
            measure(MODEL, [(IMAGES[:1], one)])
    with pytest.raises(ValueError, match=f"classes 0 to 9, got {bad}"):
        confusion_matrix([bad], [0])


def test_logits_that_are_no_numbers_have_no_class():
    from torch import nn

    class Broken(nn.Module):
        def forward(self, images):
            return torch.full((len(images), 10), float("nan"))

    for predict in (predict_labels, predict_probabilities):
        with pytest.raises(ValueError, match="logits: expected numbers, got NaN"):
            predict(Broken(), [(IMAGES[:2], LABELS[:2])])
    with pytest.raises(ValueError, match="logits: expected numbers, got NaN"):
        predict_image(Broken(), IMAGES[0])


def test_masked_labels_are_refused():
    masked = np.ma.masked_array([1, 2], [False, True])
    with pytest.raises(ValueError, match="got a masked array"):
        confusion_matrix(masked, [1, 2])
