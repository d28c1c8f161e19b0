"""What all benchmarks share: the data, and a number of repeats that interleaves them.

pytest runs everything that uses one value of the session-wide ``repeat`` before it goes on to the
next. So all ways of doing one thing are timed in turn, repeat by repeat, and whatever else the
machine does meanwhile meets them alike; their ratios are taken within a repeat.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from hwlib.batches import Batches
from hwlib.data import ImageData, load_fashion_mnist, to_tensors

TOP = Path(__file__).parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the number of repeats be given."""
    parser.addoption("--repeats", type=int, default=3, help="how often everything is timed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the fixture ``repeat`` its values."""
    if "repeat" in metafunc.fixturenames:
        repeats = range(metafunc.config.getoption("--repeats"))
        metafunc.parametrize("repeat", repeats, scope="session")


@pytest.fixture(scope="session")
def fashion() -> ImageData:
    """Fashion-MNIST; the stand-in is not timed."""
    return load_fashion_mnist(allow_stand_in=False)


@pytest.fixture(scope="session")
def tensors(fashion: ImageData) -> tuple[torch.Tensor, torch.Tensor]:
    """All 60,000 training images and labels as tensors."""
    return to_tensors(fashion.train_images, fashion.train_labels)


@pytest.fixture(scope="session")
def test_set(fashion: ImageData) -> Batches:
    """The test set in batches."""
    return Batches(*to_tensors(fashion.test_images, fashion.test_labels), 1000)


class Timed:
    """Time a function once per repeat, under the names of what is done and of the way to do it."""

    def __init__(self, benchmark: Any, repeat: int) -> None:
        self.benchmark, self.repeat = benchmark, repeat

    def __call__(self, what: str, way: str, function: Any, rounds: int = 1) -> None:
        self.info(what=what, way=way, repeat=self.repeat)
        self.benchmark.pedantic(function, rounds=rounds)

    def info(self, **more: Any) -> None:
        """Store more beside the times."""
        self.benchmark.extra_info.update(more)


@pytest.fixture
def timed(benchmark: Any, request: pytest.FixtureRequest) -> Timed:
    """The stop-watch of a benchmark."""
    callspec = getattr(request.node, "callspec", None)
    return Timed(benchmark, callspec.params.get("repeat", 0) if callspec else 0)
