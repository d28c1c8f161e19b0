"""Remove each guard against a fault, and see whether its test fails: `make guards`.

The guards stand in `guards.toml`. Each is removed in a copy of the package, since some tests start
processes of their own; the tests themselves are the ones of this folder.
"""

import gc
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).parents[1]
TABLE = TOP / "tools" / "guards.toml"
COPIED = ("hwlib", "tests", "pyproject.toml", "conftest.py")
TIMEOUT = 100  # seconds; without its guard, a download may wait for ever
JOBS = 2


class Guard(NamedTuple):
    """One guard: a text that occurs once in a module, the text without it, and its test."""

    module: str
    test: str
    guard: str
    without: str


def guards() -> list[Guard]:
    """Return the table of guards."""
    with TABLE.open("rb") as file:
        return [Guard(**row) for row in tomllib.load(file)["guard"]]


def copy(target: Path) -> None:
    """Copy the package and its tests."""
    for name in COPIED:
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)


def start(folder: Path, tests: Sequence[str], timeout: int = TIMEOUT) -> int:
    """Run tests of the copy in ``folder`` in a process of its own; return the process."""
    child = os.fork()
    if child:
        return child
    os.setsid()  # out of reach of the terminal, which stops what writes to it in the background
    signal.alarm(timeout)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    arguments = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider"]
    # 1 is "a test failed"; a test that is not there, say, is another code.
    os._exit(int(pytest.main([*arguments, *(f"tests/{test}" for test in tests)])))


def remove(found: Guard, folder: Path) -> int:
    """Copy the package without one guard and start its test; return the process."""
    copy(folder)
    path = folder / "hwlib" / f"{found.module}.py"
    text = path.read_text(encoding="utf-8")
    if text.count(found.guard) != 1:
        raise SystemExit(
            f"{path.name}: expected once, got {text.count(found.guard)} times:\n{found.guard}"
        )
    path.write_text(text.replace(found.guard, found.without), encoding="utf-8")
    return start(folder, [found.test])


def noticed(status: int) -> bool:
    """Return whether a test failed, waited until it was stopped, or let a Ctrl-C through."""
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGALRM
    return os.WEXITSTATUS(status) in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


def unnoticed(table: Sequence[Guard], folder: Path) -> list[Guard]:
    """Return the guards whose tests pass without them."""
    running: dict[int, Guard] = {}
    missed, waiting = [], list(enumerate(table))
    while waiting or running:
        while waiting and len(running) < JOBS:
            number, found = waiting.pop(0)
            (folder / str(number)).mkdir()
            running[remove(found, folder / str(number))] = found
        child, status = os.wait()
        found = running.pop(child)
        if not noticed(status):
            missed.append(found)
            print(f"not noticed by {found.test} (status {status}), hwlib/{found.module}.py:")
            print(found.guard, flush=True)
    return missed


def main() -> int:
    """Try the guards of the named modules, or all, once their tests pass with them."""
    os.environ.update(OMP_NUM_THREADS="1", TQDM_DISABLE="1")
    for package in ("torch", "torch._dynamo", "hypothesis.extra.numpy", "sklearn.metrics"):
        importlib.import_module(package)
    gc.freeze()  # or each child would search all of it for garbage
    modules, began = sys.argv[1:], time.perf_counter()
    table = [found for found in guards() if not modules or found.module in modules]
    with tempfile.TemporaryDirectory(prefix="guards-") as name:
        folder = Path(name)
        (folder / "with").mkdir()
        copy(folder / "with")
        tests = sorted({found.test for found in table})
        if os.waitpid(start(folder / "with", tests, 10 * TIMEOUT), 0)[1]:
            raise SystemExit("a test fails with every guard in place; mend that first")
        missed = unnoticed(table, folder)
    caught, seconds = len(table) - len(missed), time.perf_counter() - began
    print(f"{caught} of {len(table)} removed guards noticed, {seconds:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
