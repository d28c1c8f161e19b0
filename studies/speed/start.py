"""What it costs before anything is trained, and to execute the chapters again."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jupytext

from hwlib.batches import to_tensors
from hwlib.data import load_fashion_mnist
from studies.speed.stopwatch import Case
from tools import TOP
from tools.kernels import prepare_kernels
from tools.notebooks import execute

PROCESSES = {
    "building the website": ("-m", "tools.build_book"),
    "a process that imports NumPy alone": ("-c", "import numpy"),
    "a process that imports hwlib": ("-c", "import hwlib"),
    "a process that imports hwlib.train, with PyTorch": ("-c", "import hwlib.train"),
}


def load() -> None:
    """From the compressed files, checksums verified, to tensors."""
    data = load_fashion_mnist(allow_stand_in=False)
    to_tensors(data.train_images, data.train_labels)
    to_tensors(data.test_images, data.test_labels)


def cases() -> Iterator[Case]:
    """Yield loading, and new processes of this Python: building the website, and each import."""
    yield Case("loading the data set into tensors", {"ours": load})
    for what, arguments in PROCESSES.items():
        command = [sys.executable, *arguments]
        run = partial(subprocess.run, command, check=True, cwd=TOP, capture_output=True)
        yield Case(what, {"ours": run})


def cost(chapter: Path) -> dict[str, Any]:
    """Execute a chapter, write nothing, and return its time and the peak memory of its kernel."""
    prepare_kernels()
    notebook = jupytext.read(chapter)
    execute(notebook, chapter.parent)
    taken = notebook.metadata["run"]["seconds"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e3)
    return {"chapter": chapter.stem, "seconds": taken, "peak_megabytes": megabytes}


def chapters() -> list[dict[str, Any]]:
    """Return time and memory of each chapter, whose kernel is the only child of a process."""
    found = sorted((TOP / "book").glob("[0-9]*.md"))
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.map(cost, found, chunksize=1)
