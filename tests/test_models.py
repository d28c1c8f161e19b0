"""The two networks: shapes, sizes, what they compute, and what they refuse."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hwlib.models import CNN, MLP, count_parameters

IMAGES = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
MODELS = pytest.mark.parametrize("make", [MLP, CNN])


@MODELS
@pytest.mark.parametrize("n", [1, 2, 5])
def test_images_become_ten_logits_each(make, n):
    logits = make()(IMAGES[:n])
    assert logits.shape == (n, 10)
    assert logits.dtype == torch.float32
    assert logits.requires_grad


@MODELS
def test_channel_may_be_left_out(make):
    model = make()
    assert torch.equal(model(IMAGES[:, 0]), model(IMAGES))


def test_numbers_of_parameters():
    # Weights plus biases, layer by layer.
    assert count_parameters(MLP()) == (784 * 100 + 100) + (100 * 100 + 100) + (100 * 10 + 10)
    features = (9 * 16 + 16) + (9 * 16 * 32 + 32)
    assert count_parameters(CNN()) == features + (49 * 32 * 54 + 54) + (54 * 10 + 10)
    assert count_parameters(CNN()) / count_parameters(MLP()) == pytest.approx(1, abs=0.01)


def test_frozen_parameters_are_not_counted():
    model = nn.Linear(3, 2)
    model.bias.requires_grad_(False)
    assert count_parameters(model) == 6


@pytest.mark.parametrize(
    ("hidden", "sizes"), [((), [784, 10]), ((7,), [784, 7, 10]), ((9, 8, 7), [784, 9, 8, 7, 10])]
)
def test_mlp_is_its_formula(hidden, sizes):
    model = MLP(hidden).double()
    weights = [p for p in model.parameters() if p.ndim == 2]
    biases = [p for p in model.parameters() if p.ndim == 1]
    assert [w.shape for w in weights] == [(b, a) for a, b in pairwise(sizes)]
    activations = IMAGES.double().reshape(5, 784)
    for number, (w, b) in enumerate(zip(weights, biases, strict=True)):
        activations = activations @ w.T + b
        if number < len(weights) - 1:
            activations = activations.clamp(min=0)
    torch.testing.assert_close(model(IMAGES.double()), activations, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", [3, 5])
def test_cnn_is_its_formula(kernel):
    model = CNN(channels=(3, 4), hidden=6, kernel=kernel).double()
    w1, b1, w2, b2, w3, b3, w4, b4 = model.parameters()
    assert w1.shape == (3, 1, kernel, kernel)
    x = IMAGES.double()
    for w, b in ((w1, b1), (w2, b2)):
        # ReLU before pooling, as textbooks have it; the maximum commutes with it.
        x = F.conv2d(x, w, b, padding=(kernel - 1) // 2).clamp(min=0)
        side = x.shape[-1] // 2
        x = x.unflatten(3, (side, 2)).unflatten(2, (side, 2)).amax(dim=(3, 5))
    hidden = (x.reshape(5, -1) @ w3.T + b3).clamp(min=0)
    torch.testing.assert_close(model(IMAGES.double()), hidden @ w4.T + b4, rtol=1e-12, atol=1e-12)


@MODELS
def test_there_is_no_softmax_at_the_end(make):
    torch.manual_seed(0)
    logits = make()(IMAGES)
    assert (logits < 0).any()
    assert (logits.sum(dim=1) - 1).abs().max() > 0.01


@MODELS
def test_images_are_not_changed(make):
    images = IMAGES.clone()
    make()(images).sum().backward()
    assert torch.equal(images, IMAGES)


@MODELS
def test_every_parameter_gets_a_gradient(make):
    torch.manual_seed(0)
    model = make()
    F.cross_entropy(model(IMAGES), torch.arange(5)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@MODELS
def test_a_nan_pixel_is_not_hidden(make):
    images = IMAGES.clone()
    images[2, 0, 14, 14] = float("nan")
    logits = make()(images)
    assert logits[2].isnan().all()
    assert torch.isfinite(logits[[0, 1, 3, 4]]).all()


@MODELS
@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES[:0], r"B of at least 1, got \(0, 1, 28, 28\)"),
        (IMAGES[0, 0], r"got \(28, 28\); a single image needs images.unsqueeze"),
        (IMAGES[..., :27], r"got \(5, 1, 28, 27\)"),
        (IMAGES.expand(5, 3, 28, 28), r"got \(5, 3, 28, 28\)"),
        (IMAGES.flatten(1), r"got \(5, 784\)"),
        (IMAGES[None], r"got \(1, 5, 1, 28, 28\)"),
        ((255 * IMAGES).to(torch.uint8), r"float pixels from 0 to 1, got torch.uint8; see to_ten"),
        (IMAGES.to(torch.int64), r"float pixels from 0 to 1, got torch.int64"),
    ],
)
def test_what_is_not_a_batch_of_images_is_refused(make, images, message):
    with pytest.raises(ValueError, match=message):
        make()(images)
