"""Executing each chapter again, and the memory that it takes at most; `make benchbook`."""

import os
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jupytext
import pytest
from nbclient import NotebookClient

from conftest import TOP

CHAPTERS = sorted((TOP / "book").glob("[0-9]*.md"))


def execute(chapter: Path) -> float:
    """Execute a chapter, write nothing, and return the peak memory of its kernel in MB."""
    os.environ["TQDM_DISABLE"] = "1"
    folder = {"metadata": {"path": str(chapter.parent)}}
    NotebookClient(jupytext.read(chapter), timeout=1800, resources=folder).execute()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def bench_chapter(timed: Any, chapter: Path) -> None:
    """In a process of its own, whose largest child is the kernel."""
    peaks = []

    def run() -> None:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            peaks.append(pool.submit(execute, chapter).result())

    timed("executing a chapter", chapter.stem, run)
    timed.info(peak_megabytes=peaks[0])
