"""Grade many hand-ins, each in a process of its own with a limit on time and memory.

This keeps an honest mistake (an endless loop, an array that is too large, a crash) from stopping
the others. It is no sandbox: see `grade`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hwlib.check.hand_in import HandIn, HandInError, plain, read_hand_in
from hwlib.check.process import Limits, Processes, close_idle, death, execute
from hwlib.check.tasks import tasks_of

RERUNS = 3  # how often a hand-in starts again without the cell that ended its process


@dataclass(frozen=True)
class Grade:
    """What is to be said about one hand-in.

    ``status`` is "graded", "refused" (no notebook), "out of time", "out of memory" or "crashed";
    ``detail`` says more where it is not graded; ``modified`` is the time of the file.
    ``credit`` holds the points of each task, once the grade stands in a gradebook.
    ``results`` has an entry for each task of the chapter, None where the answer is missing;
    ``errors`` are those of cells, by number; ``remarks`` are for the teacher.
    """

    path: str
    status: str
    chapter: int = 0
    points: float = 0
    possible: int = 0
    seconds: float = 0.0
    modified: float = 0.0
    detail: str = ""
    credit: dict[str, float] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line that any console can print."""
        if self.status != "graded":
            return plain(f"{self.path}: {self.status}: {self.detail}")
        failed = [
            f"{name} ({(result['mistake'] or result['failed']) if result else 'missing'})"
            for name, result in self.results.items()
            if result is None or result["failed"]
        ]
        parts = [f"{self.path}: chapter {self.chapter}, {self.points:g}/{self.possible} points"]
        parts += [f"not: {', '.join(failed)}"] if failed else []
        parts += [f"cell {n} stopped: {text}" for n, text in list(self.errors.items())[:1]]
        return plain("; ".join([*parts, *self.remarks]), 500)


def grade(
    paths: Sequence[Path],
    limits: Limits | None = None,
    jobs: int | None = None,
    chapter: int | None = None,
) -> Generator[Grade, None, None]:
    """Grade each notebook and yield each grade as soon as it is there, several at a time.

    Isolation. Each hand-in runs in a Python process of its own, a copy of one that has loaded the
    checks and nothing else, in an empty folder that is removed afterwards, with an environment of a
    few harmless variables. When its time is up, or when this
    generator is closed, the process and those it started are killed. Memory, the size of the files
    it writes and processor time are limited by the operating system where Python offers it (Linux
    and macOS, not Windows). Each answer is checked in a copy of that process, so that an endless
    one costs one task.

    It is not kept from reading your files, from using the network, or from changing the checks in
    its own process to give itself points. For hand-ins of people you do not trust, run this in a
    container or a virtual machine without network.
    """
    limits = limits or Limits()
    yield from each([partial(grade_one, path, limits, chapter) for path in paths], jobs)


def each(
    work: Sequence[Callable[..., Grade]], jobs: int | None = None
) -> Generator[Grade, None, None]:
    """Do what returns grades, several at a time; kill what still runs when this is closed.

    Each is called with the `Processes` among which it starts its own.
    """
    processes, pool = Processes(), ThreadPoolExecutor(jobs or os.cpu_count() or 1)
    try:
        waiting = [pool.submit(do, processes=processes) for do in work]
        for done in as_completed(waiting):
            yield done.result()
    finally:
        processes.stop()
        pool.shutdown(cancel_futures=True)
        close_idle(keep=1)  # each holds the memory of PyTorch


def grade_one(
    path: Path, limits: Limits, chapter: int | None = None, processes: Processes | None = None
) -> Grade:
    """Grade one hand-in in a process of its own."""
    try:
        hand_in = read_hand_in(path, chapter)
    except HandInError as error:
        return Grade(str(path), "refused", detail=str(error))
    return grade_cells(hand_in, path, limits, processes or Processes())


def grade_cells(hand_in: HandIn, path: Path, limits: Limits, processes: Processes) -> Grade:
    """Grade what was read from the file ``path``."""
    start, skip = time.monotonic(), set[int]()
    while True:
        run = execute(hand_in, skip, limits, processes)
        found = run.results
        if run.finished or run.cell in skip | {0} or len(skip) == RERUNS or found:
            break
        skip.add(run.cell)  # without the cell that ended the process, the answers may count
    tasks = tasks_of(hand_in.chapter)
    whole = Grade(
        str(path),
        "graded",
        hand_in.chapter,
        possible=sum(task.points for task in tasks),
        seconds=round(time.monotonic() - start, 1),
        modified=os.path.getmtime(path),
        errors=run.errors,
        remarks=list(hand_in.remarks),
    )
    if not run.finished:
        status, detail = death(run, limits)
        if not found:
            return replace(whole, status=status, detail=detail)
        whole.remarks.append(f"{status}: {detail}")
    results = {task.name: found.get(task.name) for task in tasks}
    points = sum(task.points for task in tasks if (r := found.get(task.name)) and not r["failed"])
    return replace(whole, points=points, results=results)
