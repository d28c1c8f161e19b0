"""What it costs before anything is trained, and to execute the chapters again."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jupytext
from nbclient import NotebookClient

from hwlib.batches import to_tensors
from hwlib.data import load_fashion_mnist
from studies.speed.stopwatch import Case, Timed, seconds

TOP = Path(__file__).parents[2]
IMPORTS = {
    "a process that imports NumPy alone": "import numpy",
    "a process that imports hwlib": "import hwlib",
    "a process that imports hwlib.train, with PyTorch": "import hwlib.train",
}


def load() -> None:
    """From the compressed files, checksums verified, to tensors."""
    data = load_fashion_mnist(allow_stand_in=False)
    to_tensors(data.train_images, data.train_labels)
    to_tensors(data.test_images, data.test_labels)


def process(*arguments: str) -> Timed:
    """A new process of this Python that runs and ends."""
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, check=True, cwd=TOP, capture_output=True)


def cases() -> Iterator[Case]:
    """Yield loading, each import, and building the website."""
    yield Case("loading the data set into tensors", {"ours": lambda: load})
    for what, code in IMPORTS.items():
        yield Case(what, {"ours": lambda code=code: process("-c", code)})  # type: ignore[misc]
    build = process("-m", "tools.build_book")
    yield Case("building the website", {"ours": lambda: build})


def execute(chapter: Path) -> float:
    """Execute a chapter, write nothing, and return the peak memory of its kernel in MB."""
    os.environ["TQDM_DISABLE"] = "1"
    folder = {"metadata": {"path": str(chapter.parent)}}
    NotebookClient(jupytext.read(chapter), timeout=1800, resources=folder).execute()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def chapter(path: Path) -> dict[str, Any]:
    """Return time and memory of a chapter, whose kernel is the largest child of a process."""
    peaks: list[float] = []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        taken = seconds(lambda: peaks.append(pool.submit(execute, path).result()))
    return {"chapter": path.stem, "seconds": taken, "peak_megabytes": peaks[0]}


def chapters() -> list[dict[str, Any]]:
    """Return time and memory of all chapters."""
    return [chapter(path) for path in sorted((TOP / "book").glob("[0-9]*.md"))]
