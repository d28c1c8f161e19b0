"""What it costs before anything is trained, and to execute the chapters again."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jupytext
from nbclient import NotebookClient

from hwlib.batches import to_tensors
from hwlib.data import load_fashion_mnist
from studies.speed.stopwatch import Case, seconds

TOP = Path(__file__).parents[2]
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
    yield Case("loading the data set into tensors", {"ours": lambda: load})
    for what, arguments in PROCESSES.items():
        command = [sys.executable, *arguments]
        run = partial(subprocess.run, command, check=True, cwd=TOP, capture_output=True)
        yield Case(what, {"ours": partial(partial, run)})


def execute(chapter: Path) -> dict[str, Any]:
    """Execute a chapter, write nothing, and return its time and the peak memory of its kernel."""
    os.environ["TQDM_DISABLE"] = "1"
    folder = {"metadata": {"path": str(chapter.parent)}}
    client = NotebookClient(jupytext.read(chapter), timeout=1800, resources=folder)
    taken = seconds(client.execute)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e3)
    return {"chapter": chapter.stem, "seconds": taken, "peak_megabytes": megabytes}


def chapters() -> list[dict[str, Any]]:
    """Return time and memory of each chapter, whose kernel is the only child of a process."""
    found = sorted((TOP / "book").glob("[0-9]*.md"))
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        return list(pool.map(execute, found))
