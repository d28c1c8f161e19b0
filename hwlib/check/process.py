"""The process of a hand-in: start it with limits, kill it, read what it has left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwlib.check.hand_in import HandIn, plain
from hwlib.check.tasks import tasks_of

PROGRAM = "import os; from hwlib.check import runner; os._exit(runner.main())"
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


class Processes:
    """The processes that run, to be killed together; after that, none may start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes] | None:
        """Start a process in a session of its own, or return None when all were stopped."""
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(command, start_new_session=True, **options)
            self._running.add(process)
            return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process and all that it started in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        with self._lock:
            self._running.discard(process)

    def stop(self) -> None:
        """Kill all, and let no other start."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            self.kill(process)


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
        target = Path(left)
        job = {
            "target": left,
            "chapter": hand_in.chapter,
            "cells": [asdict(cell) for cell in hand_in.cells],
            "skip": sorted(skip),
            "limits": asdict(limits),
        }
        words = target / "stderr.txt"
        with words.open("wb") as stderr:
            process = processes.start(
                [sys.executable, "-c", PROGRAM],
                cwd=work,
                env=_environment(work),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
            if process is None:
                return Run(None, "", 0, finished=False, results={}, errors={})
            code: int | None = None
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(json.dumps(job).encode(), limits.seconds)
                code = process.returncode
            processes.kill(process)
        return _left(target, hand_in.chapter, code, _tail(words))


def _environment(home: str) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "HOME": home,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _left(target: Path, chapter: int, code: int | None, tail: str) -> Run:
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
        tail,
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
    code = run.code
    what = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    return "crashed", f"{what}{where}{': ' + run.tail if run.tail else ''}"
