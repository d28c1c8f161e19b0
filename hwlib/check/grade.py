"""Grade many hand-ins, each in a process of its own with a limit on time and memory.

This keeps an honest mistake (an endless loop, an array that is too large, a crash) from stopping
the others. It is no sandbox: see `grade`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwlib.check.hand_in import HandIn, HandInError, plain, read_hand_in
from hwlib.check.process import Limits, Processes, close_idle, death, execute
from hwlib.check.tasks import tasks_of

RERUNS = 3  # how often a hand-in starts again without the cell that ended its process
Reader = Callable[[Path, int | None], HandIn]  # of a file, and of the chapter if it is known


@dataclass(frozen=True)
class Grade:
    """What is to be said about one hand-in.

    ``status`` is "graded", "refused" (no notebook), "out of time", "out of memory" or "crashed";
    ``detail`` says more where it is not graded; ``modified`` is the time of the file.
    ``student`` and ``credit``, the points of each task, are there once it stands in a gradebook.
    ``results`` has an entry for each task of the chapter, None where the answer is missing;
    ``errors`` are those of cells, by number; ``remarks`` are for the teacher.
    """

    path: str
    status: str
    chapter: int = 0
    points: float = 0
    possible: int = 0
    modified: float = 0.0
    detail: str = ""
    credit: dict[str, float] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    student: str = ""

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
    read: Reader = read_hand_in,
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

    ``read`` is called with each path and ``chapter``, and returns the `HandIn`.
    """
    processes, pool = Processes(), ThreadPoolExecutor(jobs or os.cpu_count() or 1)
    given = (limits or Limits(), chapter, processes, read)
    try:
        for done in as_completed([pool.submit(grade_one, path, *given) for path in paths]):
            yield done.result()
    finally:
        processes.stop()
        pool.shutdown(cancel_futures=True)
        close_idle(keep=1)  # each holds the memory of PyTorch


def grade_one(
    path: Path,
    limits: Limits,
    chapter: int | None = None,
    processes: Processes | None = None,
    read: Reader = read_hand_in,
) -> Grade:
    """Grade one hand-in in a process of its own, one of ``processes``."""
    skip: set[int] = set()
    try:
        hand_in, modified = read(path, chapter), os.path.getmtime(path)
    except (HandInError, OSError) as error:  # another hand-in may have removed it
        return Grade(str(path), "refused", detail=str(error))
    while True:
        run = execute(hand_in, skip, limits, processes or Processes())
        if run.finished or run.cell in skip | {0} or len(skip) == RERUNS or run.results:
            break
        skip.add(run.cell)  # without the cell that ended the process, the answers may count
    tasks, remarks = tasks_of(hand_in.chapter), list(hand_in.remarks)
    status, detail = ("graded", "") if run.finished else death(run, limits)
    if run.results and not run.finished:
        remarks.append(f"{status}: {detail}")
        status, detail = "graded", ""
    results = {task.name: run.results.get(task.name) for task in tasks}
    passed = [task for task in tasks if (r := results[task.name]) and not r["failed"]]
    return Grade(
        str(path),
        status,
        hand_in.chapter,
        points=sum(task.points for task in passed),
        possible=sum(task.points for task in tasks),
        modified=modified,
        detail=detail,
        results=results if status == "graded" else {},
        errors=run.errors,
        remarks=remarks,
    )
