"""Choosing a device: explicit, and an error where it is not there."""

import pytest
import torch

from hwlib.device import find_device


@pytest.fixture
def gpus(monkeypatch):
    def pretend(*there):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)

    return pretend


@pytest.mark.parametrize(
    ("there", "expected"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda")]
)
def test_auto_takes_a_gpu_if_there_is_one(gpus, there, expected):
    gpus(*there)
    assert find_device() == torch.device(expected)
    assert find_device(expected) == torch.device(expected)
    assert find_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "mps", "gpu", ""])
def test_a_device_that_is_not_there_is_refused_by_name(gpus, name):
    gpus()
    with pytest.raises(ValueError, match=rf"expected one of \['cpu'\] .*got '{name}'; for a GPU"):
        find_device(name)
