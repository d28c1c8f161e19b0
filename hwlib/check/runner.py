"""Run the cells of one hand-in, in this process, and check each answer in a copy of it.

A hand-in is a program. `hwlib.check.process` runs this module in a process of its own with limits;
nothing here protects the process from what it executes. The job comes through standard input, and
for each task a small file is written, so that what was found stays when the process is stopped.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import hwlib.check
from hwlib.check.cells import Session, needs_experiment, said
from hwlib.check.hand_in import Cell, plain, store
from hwlib.check.outcome import Result
from hwlib.check.process import TEXTS, WORDS, Limits
from hwlib.check.tasks import Task, tasks_of
from hwlib.check.texts import fault

if hasattr(os, "fork"):  # not Windows
    import resource

MEGABYTE = 1 << 20
Check = Callable[[Any], Result]
WAITING = 4  # times the seconds of the processor that an answer may take on the clock


def limit_this_process(seconds: float, megabytes: int) -> None:
    """Limit memory, processor time and size of files, before anything of a hand-in is run.

    It is done here: a function between fork and exec is not safe in a program with threads.
    """
    if not hasattr(os, "fork"):  # Windows
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


def reset_state() -> None:
    """Undo what the cells may have set for the whole process."""
    np.seterr(all="warn")
    np.set_printoptions(edgeitems=3, precision=8, suppress=False, threshold=1000)
    warnings.resetwarnings()
    sys.setrecursionlimit(1000)
    if torch := sys.modules.get("torch"):
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_grad_enabled(True)
        if torch.are_deterministic_algorithms_enabled():  # to set it loads a compiler
            torch.use_deterministic_algorithms(False)
        torch.autograd.set_detect_anomaly(False)


def watch(found: set[str], frame: types.FrameType, event: str, _: Any) -> None:
    """Collect the name of a function of the package that code of a cell calls."""
    module = frame.f_globals.get("__name__", "")
    if event != "call" or not str(module).startswith("hwlib."):
        return
    caller = frame.f_back
    while caller and not str(caller.f_globals.get("__name__", "")).startswith("hwlib"):
        if caller.f_code.co_filename.startswith("<cell "):
            found.add(f"{module}.{frame.f_code.co_qualname}")
            return
        caller = caller.f_back


def check(task: Task, run: Check, session: Session) -> dict[str, Any]:
    """Check one answer, and return the result with the package's functions that it called."""
    answer = session.names[task.answer]
    calls = set()
    whole = getattr(answer, "func", answer)  # of functools.partial
    if str(getattr(whole, "__module__", "")).startswith("hwlib."):
        calls.add(f"{whole.__module__}.{getattr(whole, '__qualname__', '')}")
    reset_state()
    sys.setprofile(partial(watch, calls))
    try:
        result = run(answer)
    except BaseException as error:  # the check itself met a value that it does not know
        result = unfinished("odd value", said(error), what=type(error).__name__)
    finally:
        sys.setprofile(None)
    missing = [name for name in session.left_out if f"'{name}' is not defined" in result.sentence]
    if missing:
        mistake = f"needs {missing[0]}, a variable of an experiment"
        result = replace(result, hint=needs_experiment(missing[0]), mistake=mistake)
    return told(result, calls)


def told(result: Result, calls: Iterable[str] = ()) -> dict[str, Any]:
    """A result as `process` reads it, in texts that any console takes."""
    texts = {key: plain(getattr(result, key), 2000) for key in TEXTS}
    lists = {key: [plain(text, 500) for text in getattr(result, key)] for key in ("steps", "notes")}
    return texts | lists | {"calls": sorted(map(plain, calls))}


def check_apart(work: Callable[[], dict[str, Any]], target: Path, seconds: float) -> None:
    """Check in a copy of this process, which an endless answer or a crash costs, and no more."""
    if not hasattr(os, "fork"):  # Windows
        _write(target, work())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if not pid:
        try:
            # Of the processor, and on the clock more: as for a cell.
            limit = math.ceil(seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            _write(target, work())
        finally:
            os._exit(0)
    end = time.monotonic() + WAITING * seconds
    while not (done := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(0.01)
    if not done[0]:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    stopped = os.WIFSIGNALED(done[1]) and os.WTERMSIG(done[1]) == signal.SIGXCPU
    if stopped or not done[0]:
        _write(target, told(unfinished("out of time", seconds=seconds)))
    elif not target.exists():
        _write(target, told(unfinished("crash", status=done[1])))


def unfinished(name: str, got: str = "", **words: Any) -> Result:
    """The result of an answer whose check did not come to its end, by the name of its fault."""
    return Result("", 0, 0, failed="call", **fault(name, got, **words).details)


def _write(target: Path, found: dict[str, Any]) -> None:
    store(target, json.dumps(found))


def do(job: dict[str, Any], checks: dict[Task, Check]) -> None:
    """Do a job in this process."""
    target, limits = Path(job["target"]), Limits(**job["limits"])
    limit_this_process(limits.seconds, limits.megabytes)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    session = Session(limits.task_seconds, limits.seconds / 2)
    for number, cell in enumerate(job["cells"], 1):
        if number in job["skip"]:
            session.errors[number] = "ends the process, or never ends"
            continue
        _write(target / "at.json", {"cell": number})
        session.run(number, Cell(**cell))
    _write(target / "cells.json", {"errors": {str(n): text for n, text in session.errors.items()}})
    for task, run in checks.items():
        if task.answer in session.names:
            work = partial(check, task, run, session)
            check_apart(work, target / f"{task.name}.json", limits.task_seconds)
    _write(target / "done.json", {})


def tell(job: dict[str, Any], number: int) -> None:
    """Tell the grader a number, on a line of its own that says of which job it is."""
    os.write(1, b"\n%s %d\n" % (os.fsencode(job["target"]), number))


# pyrefly: ignore[bad-return]
def do_and_end(job: dict[str, Any], checks: dict[Task, Check]) -> NoReturn:
    """Do a job in this process, which gets a session, a folder and variables of its own, and end.

    Its number goes to standard output first: whom to kill when the time is up.
    """
    code = 1
    try:
        if hasattr(os, "setsid") and os.getsid(0) != os.getpid():
            os.setsid()
        tell(job, os.getpid())
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        do(job, checks)
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def main() -> None:
    """Do the jobs that come through standard input, one a line, each in a copy of this process.

    When a copy has ended, its exit status goes to standard output.
    """
    for line in sys.stdin.buffer:
        job = json.loads(line)
        words = os.open(Path(job["target"]) / WORDS, os.O_WRONLY | os.O_CREAT)
        os.dup2(words, 2)
        os.close(words)
        import_module("matplotlib.pyplot")  # which every chapter imports
        # This loads PyTorch where a check needs it. A hand-in may put others in their place.
        checks = {task: getattr(hwlib.check, task.name) for task in tasks_of(job["chapter"])}
        if "torch" in sys.modules:
            import_module("torch._dynamo")  # which the first optimiser loads, for seconds
        copy = os.fork() if hasattr(os, "fork") else 0
        if not copy:
            do_and_end(job, checks)
        _, status = os.waitpid(copy, 0)
        tell(job, os.waitstatus_to_exitcode(status))
