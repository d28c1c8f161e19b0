"""Grade many hand-ins, each in a process of its own with a limit on time and memory.

This keeps an honest mistake (an endless loop, an array that is too large, a crash) from stopping
the others. It is no sandbox: see `grade`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST = 20_000_000  # bytes of a hand-in that is read at all
MEGABYTE = 1 << 20
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP")


@dataclass(frozen=True)
class Limits:
    """What one hand-in may use: seconds on the clock, and megabytes of memory it allocates."""

    seconds: float = 60.0
    megabytes: int = 2048


@dataclass(frozen=True)
class Grade:
    """What is to be said about one hand-in.

    ``status`` is "graded", "refused" (no notebook, or too large), "out of time", "out of memory"
    or "crashed"; ``detail`` says more where it is not graded.
    """

    path: str
    status: str
    points: int = 0
    possible: int = 0
    seconds: float = 0.0
    detail: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line."""
        if self.status != "graded":
            return f"{self.path}: {self.status}: {self.detail}"
        failed = [
            f"{name} ({result['mistake'] or result['failed'] if result else 'missing'})"
            for name, result in self.results.items()
            if result is None or result["failed"]
        ]
        rest = f"; not: {', '.join(failed)}" if failed else ""
        broken = "".join(f"; cell {n} stopped: {text}" for n, text in list(self.errors.items())[:1])
        return f"{self.path}: {self.points}/{self.possible} points{rest}{broken}"


def grade(
    paths: Sequence[Path], limits: Limits | None = None, jobs: int | None = None
) -> Iterator[Grade]:
    """Grade each hand-in and yield the grades in the order of ``paths``.

    Isolation. Each hand-in runs in a fresh Python process, in an empty folder that is removed
    afterwards, with an environment of a few harmless variables. When its time is up, the process
    and those it started are killed. Memory, the size of the files it writes and processor time are
    limited by the operating system where Python offers it (Linux and macOS, not Windows).

    It is not kept from reading your files, from using the network, or from changing the checks in
    its own process to give itself points. For hand-ins of people you do not trust, run this in a
    container or a virtual machine without network.

    Parameters
    ----------
    paths : sequence of Path
        Notebook files.
    limits : Limits, optional
    jobs : int, optional
        How many run at the same time; the number of processors by default.
    """
    limits = limits or Limits()
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        yield from pool.map(lambda path: grade_one(path, limits), paths)


def grade_one(path: Path, limits: Limits) -> Grade:
    """Grade one hand-in in a process of its own."""
    try:
        size = path.stat().st_size
    except OSError as error:
        return Grade(str(path), "refused", detail=f"cannot be read: {error.strerror}")
    if size > LARGEST:
        return Grade(str(path), "refused", detail=f"{size / 1e6:.0f} MB are too large")
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hwlib-hand-in-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "result.json"
        code, tail = _execute(path.resolve(), target, Path(folder), limits)
        found = _read(target)
    seconds = round(time.monotonic() - start, 1)
    if code is None:
        detail = f"stopped after {limits.seconds:g} s"
        return Grade(str(path), "out of time", seconds=seconds, detail=detail)
    if not found:
        status, detail = _death(code, tail, limits)
        return Grade(str(path), status, seconds=seconds, detail=detail)
    if "refused" in found:
        return Grade(str(path), "refused", seconds=seconds, detail=found["refused"])
    report = found["report"]
    return Grade(
        str(path),
        "graded",
        report["points"],
        report["possible"],
        seconds,
        results=report["results"],
        errors=found["errors"],
    )


def _execute(path: Path, target: Path, folder: Path, limits: Limits) -> tuple[int | None, str]:
    """Run a hand-in; return the exit status (None when out of time) and its last words."""
    # The limits are set by the new process itself, before it imports or runs anything: a function
    # between fork and exec is not safe in a program with threads.
    code = (
        "import os, sys; from hwlib.check import grade; "
        "grade.limit_this_process(float(sys.argv[3]), int(sys.argv[4])); from hwlib.check import "
        "runner; os._exit(runner.main())"
    )
    package = str(Path(__file__).parents[2])
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "PYTHONPATH": package,
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        sys.executable,
        "-c",
        code,
        str(path),
        str(target),
        str(limits.seconds),
        str(limits.megabytes),
    ]
    words = folder / "stderr.txt"
    with words.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill(process)
    return status, _tail(words)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def limit_this_process(seconds: float, megabytes: int) -> None:
    """Limit memory, processor time and size of files of the process that calls it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    # The data limit counts what is allocated, not the libraries that are mapped; macOS ignores it.
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    wanted = {
        kind: megabytes * MEGABYTE,
        resource.RLIMIT_CPU: int(4 * seconds) + 1,
        resource.RLIMIT_FSIZE: 100 * MEGABYTE,
        resource.RLIMIT_CORE: 0,
    }
    for name, value in wanted.items():
        _, hard = resource.getrlimit(name)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(name, (ceiling, ceiling))


def _read(target: Path) -> dict[str, Any]:
    """The result that a process has written, or nothing."""
    try:
        if target.stat().st_size > LARGEST:
            return {}
        found = json.loads(target.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"refused", "report"} & set(found) else {}


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as words:
        words.seek(max(0, path.stat().st_size - 2000))
        lines = words.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""
    return ""


def _death(code: int, tail: str, limits: Limits) -> tuple[str, str]:
    memory = ("MemoryError", "bad_alloc", "not enough memory", "Cannot allocate memory")
    if any(word in tail for word in memory):
        return "out of memory", f"more than {limits.megabytes} MB"
    if code == -getattr(signal, "SIGXCPU", -1):
        return "out of time", "too much processor time"
    what = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    return "crashed", f"{what}{': ' + tail if tail else ''}"
