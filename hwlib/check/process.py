"""The process of a hand-in: start it, kill it when its time is up, read what it has left."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from hwlib.check.hand_in import HandIn, plain
from hwlib.check.tasks import tasks_of

PROGRAM = "from hwlib.check import runner; runner.main()"
WORDS = "stderr.txt"
COURSE = Path(__file__).parents[2]
LARGEST_RESULT = 100_000  # bytes of what a process says about one task
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP", "HWLIB_CLASS_SEED")
TEXTS = ("failed", "sentence", "given", "got", "expected", "hint", "mistake")
LISTS = ("steps", "notes", "calls")


@dataclass(frozen=True)
class Limits:
    """What one hand-in may use.

    ``seconds`` on the clock for all of it, ``task_seconds`` for each cell and for each answer, and
    ``megabytes`` of memory that it allocates.
    """

    seconds: float = 120.0
    task_seconds: float = 20.0
    megabytes: int = 2048


class ForkServer:
    """A Python that has loaded the checks, and does each job in a copy of itself.

    Loading PyTorch takes seconds, copying a process that has it milliseconds. Where the system
    makes no copies (Windows), it does one job itself, and ends.
    """

    def __init__(self) -> None:
        self._python = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=COURSE,  # not where the grader is, whose files it would import
            env=_environment(str(Path.home())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._stdin = cast(IO[bytes], self._python.stdin)
        self._stdout = cast(IO[bytes], self._python.stdout)
        self._job = 0
        self._late = False

    def run(self, job: dict[str, Any], seconds: float) -> int | None:
        """Do a job, end what it has started, and return its exit status; None if out of time."""
        timer = threading.Timer(seconds, self._stop)
        timer.start()
        try:
            self._stdin.write(json.dumps(job).encode() + b"\n")
            self._stdin.flush()
            self._job = self._told_of(job)
            code = self._told_of(job)
        except (OSError, EOFError):  # it has ended
            code = self._python.wait()
        timer.cancel()
        timer.join()  # it may just be stopping the job
        self.kill()
        self._job = 0
        return None if self._late else code

    def _told_of(self, job: dict[str, Any]) -> int:
        """The next number that is told of this job; a hand-in may have written other lines."""
        for line in iter(partial(self._stdout.readline, 1000), b""):
            target, _, number = line.strip().rpartition(b" ")
            if target == os.fsencode(job["target"]) and re.fullmatch(rb"-?\d{1,9}", number):
                return int(number)
        raise EOFError

    def _stop(self) -> None:
        self._late = True
        self.kill()
        self._python.kill()  # of a job that has ended unheard there is nothing to wait for

    def kill(self) -> None:
        """Kill the job and all that it started in its session; before it starts, the server."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._job or self._python.pid, signal.SIGKILL)
            else:
                self._python.kill()

    @property
    def ready(self) -> bool:
        """Whether it can do another job: one that was killed may not have died yet."""
        return not self._late and self._python.poll() is None

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._stdout.close()
        self._python.wait()


IDLE: list[ForkServer] = []  # those that wait for a job, of this grading or the next


@atexit.register
def close_idle(keep: int = 0) -> None:
    """End the servers that wait for a job, except as many as are to be kept."""
    while len(IDLE) > keep:
        IDLE.pop().close()


if hasattr(os, "register_at_fork"):  # two processes cannot talk with one server
    os.register_at_fork(after_in_child=IDLE.clear)


class Processes:
    """The processes that run, to be killed together; after that, none may start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[ForkServer] = set()
        self._stopped = False

    def run(self, job: dict[str, Any], seconds: float) -> int | None:
        """Do a job in a process of its own, or return None when all were stopped."""
        with self._lock:
            if self._stopped:
                return None
            try:
                server = IDLE.pop()
            except IndexError:
                server = ForkServer()
            self._running.add(server)
        code = server.run(job, seconds)
        with self._lock:
            self._running.discard(server)
        if server.ready:
            IDLE.append(server)
        else:
            server.close()
        return code

    def stop(self) -> None:
        """Kill all, and let no other start."""
        with self._lock:
            self._stopped = True
            for server in self._running:
                server.kill()


@dataclass
class Run:
    """What a process left: its exit status (None when out of time), and what it wrote."""

    code: int | None
    tail: str
    cell: int
    finished: bool
    results: dict[str, dict[str, Any]]
    errors: dict[str, str]


def execute(hand_in: HandIn, skip: set[int], limits: Limits, processes: Processes) -> Run:
    """Run a hand-in to its end or to that of its time."""
    with (
        tempfile.TemporaryDirectory(prefix="hwlib-hand-in-", ignore_cleanup_errors=True) as work,
        tempfile.TemporaryDirectory(prefix="hwlib-results-", ignore_cleanup_errors=True) as left,
    ):
        job = {
            "folder": work,
            "target": left,
            "environment": _environment(work),
            "chapter": hand_in.chapter,
            "cells": [asdict(cell) for cell in hand_in.cells],
            "skip": sorted(skip),
            "limits": asdict(limits),
        }
        code = processes.run(job, limits.seconds)
        return _left(Path(left), hand_in.chapter, code)


def _environment(home: str) -> dict[str, str]:
    """The harmless variables that a hand-in gets of those of the grader, and what it needs."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "PYTHONPATH": str(COURSE),
        "HOME": home,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _left(target: Path, chapter: int, code: int | None) -> Run:
    """Read what a process has written. It is the hand-in's word, and nothing of it is trusted."""
    results = {}
    for task in tasks_of(chapter):
        found = _read(target / f"{task.name}.json")
        texts = all(isinstance(found.get(key), str) for key in TEXTS)
        lists = (found.get(key) for key in LISTS)
        if texts and all(isinstance(x, list) and all(isinstance(t, str) for t in x) for x in lists):
            results[task.name] = {key: found[key] for key in (*TEXTS, *LISTS)}
    cell = _read(target / "at.json").get("cell")
    errors = _read(target / "cells.json").get("errors")
    errors = errors if isinstance(errors, dict) else {}
    return Run(
        code,
        _tail(target / WORDS),
        cell if isinstance(cell, int) else 0,
        code == 0 and (target / "done.json").is_file(),
        results,
        {plain(n, 10): plain(text) for n, text in errors.items()},
    )


def _read(path: Path) -> dict[str, Any]:
    """The dictionary in an ordinary JSON file of limited size, or an empty one."""
    try:
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_RESULT:
                return {}
            found = json.loads(file.read(LARGEST_RESULT))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as words:
        words.seek(max(0, path.stat().st_size - 2000))
        lines = words.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""
    return ""


def death(run: Run, limits: Limits) -> tuple[str, str]:
    """Status and detail of a process that did not come to its end."""
    where = f" in cell {run.cell}" if run.cell else ""
    if run.code is None:
        return "out of time", f"stopped after {limits.seconds:g} s{where}"
    memory = ("MemoryError", "bad_alloc", "not enough memory", "Cannot allocate memory")
    if any(word in run.tail for word in memory):
        return "out of memory", f"more than {limits.megabytes} MB{where}"
    if run.code == -getattr(signal, "SIGXCPU", -1):
        return "out of time", f"too much processor time{where}"
    code, names = run.code, {number.value: number.name for number in signal.Signals}
    what = f"signal {names.get(-code, -code)}" if code < 0 else f"exit status {code}"
    return "crashed", f"{what}{where}{': ' + run.tail if run.tail else ''}"
