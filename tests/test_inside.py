"""Dead units, planted by hand and found again."""

import pytest
import torch
from torch import nn

from hwlib.batches import Batches
from hwlib.evaluate import dead_shares
from hwlib.models import CNN, MLP


@pytest.fixture
def batches():
    images = torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return Batches(images, torch.zeros(30, dtype=torch.int64), 7)


def test_planted_dead_units_are_counted(batches):
    model = MLP((20, 10))
    with torch.no_grad():
        for layer, units in ((0, 5), (2, 3)):
            model.layers[layer].weight[:] = 0
            model.layers[layer].bias[:] = 1
            model.layers[layer].bias[:units] = -1
    assert dead_shares(model, batches) == [0.25, 0.3]


def test_a_unit_alive_for_one_image_only_is_alive(batches):
    model = MLP((2,))
    brightest = batches.images.sum(dim=(1, 2, 3)).sort().values
    with torch.no_grad():
        model.layers[0].weight[:] = 1
        model.layers[0].bias[0] = -(brightest[-1] + brightest[-2]) / 2
        model.layers[0].bias[1] = -2 * brightest[-1]
    assert dead_shares(model, batches) == [0.5]


def test_a_channel_is_dead_where_it_gives_nothing_at_any_place(batches):
    model = CNN()
    with torch.no_grad():
        model.features[0].weight[:] = 0
        model.features[0].bias[:4] = -1
        model.features[0].bias[4:] = 0.5  # an output below 1 is alive, too
    first, *others = dead_shares(model, batches)
    assert first == 4 / 16
    assert len(others) == 2


def test_a_channel_that_gives_something_in_one_corner_only_is_alive():
    corner = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    images = torch.zeros(3, 1, 4, 4)
    images[1, 0, 3, 2] = 1
    with torch.no_grad():
        corner[0].weight[:] = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
        corner[0].bias[:] = 0
    assert dead_shares(corner, [(images, torch.zeros(3))]) == [0.5]


def test_the_model_is_left_as_it_was(batches):
    model = MLP((5,)).train()
    dead_shares(model, batches)
    assert model.training
    assert not model.layers[1]._forward_hooks


def test_what_cannot_be_counted_is_named(batches):
    with pytest.raises(ValueError, match=r"at least one torch\.nn\.ReLU"):
        dead_shares(nn.Linear(2, 2), batches)
    with pytest.raises(ValueError, match="expected at least one image"):
        dead_shares(MLP(), [])
