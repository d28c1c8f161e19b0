"""What it costs before anything is trained: loading, importing, building the site."""

import subprocess
import sys
from typing import Any

import pytest

from conftest import TOP
from hwlib.data import load_fashion_mnist, to_tensors

IMPORTS = {
    "NumPy alone": "import numpy",
    "hwlib": "import hwlib",
    "hwlib.train, with PyTorch": "import hwlib.train",
}


def bench_loading(timed: Any, repeat: int) -> None:
    """From the compressed files, checksums verified, to tensors."""

    def load() -> None:
        data = load_fashion_mnist(allow_stand_in=False)
        to_tensors(data.train_images, data.train_labels)
        to_tensors(data.test_images, data.test_labels)

    timed("loading the data set into tensors", "ours", load)


@pytest.mark.parametrize("way", IMPORTS)
def bench_import(timed: Any, repeat: int, way: str) -> None:
    """A new process that imports and ends."""
    command = [sys.executable, "-c", IMPORTS[way]]
    timed("a process that imports", way, lambda: subprocess.run(command, check=True))


def bench_site(timed: Any) -> None:
    """The whole website from the stored outputs."""
    command = [sys.executable, "-m", "tools.build_book"]
    timed(
        "building the website",
        "ours",
        lambda: subprocess.run(command, check=True, cwd=TOP, capture_output=True),
    )
