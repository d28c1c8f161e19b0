"""Sweeps: one function called for many settings, its results stored one by one as they finish.

The work is done by any `concurrent.futures.Executor`: processes of this machine by default, or a
Dask cluster, whose client offers the same interface. Only the calling process writes, one line
per finished run, so that an interrupted sweep loses what was running and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from hwlib.course.claims import environment
from hwlib.course.digest import code_digest

Setting = Mapping[str, Any]
StoredRun = dict[str, Any]
RunFunction = Callable[..., Mapping[str, Any]]
# How every stored line begins, so that half of one can be told from what somebody else wrote.
_BEGIN = b'{"code":"'
_HEAD = re.compile(_BEGIN + rb'[0-9a-f]{12}","environment":')


class SweepError(RuntimeError):
    """A sweep cannot be continued; what is finished is stored, and the message says what to do."""


class OtherCodeWarning(UserWarning):
    """Stored runs were made by another function, or by another state of its code."""


@contextmanager
def open_executor(address: str | None = None, workers: int | None = None) -> Iterator[Executor]:
    """Processes on this machine, or with an ``address`` the workers of a Dask cluster.

    Parameters
    ----------
    address : str, optional
        Of a Dask scheduler, such as ``"tcp://10.0.0.1:8786"``. Needs ``dask.distributed`` here, and
        this package and the data on every worker, each with one thread (``--nthreads 1``).
    workers : int, optional
        Number of processes on this machine; as many as it has processors if not given.
    """
    if address is None:
        # Spawned, since a fork of a process that has used PyTorch's threads can hang.
        with futures.ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    from distributed import Client

    with Client(address) as client:
        yield client.get_executor()


def setting_key(setting: Setting) -> str:
    """Return the text by which a setting is recognised: its JSON with sorted names."""
    return json.dumps(setting, sort_keys=True, allow_nan=False)


def read_runs(path: Path) -> list[StoredRun]:
    """Return the finished runs stored in ``path``, in the order in which they finished.

    The first half of a line, which a machine that lost its power leaves behind, is skipped.

    Raises
    ------
    SweepError
        If any other line is not a run.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[StoredRun], int]:
    """Return the runs, and how many bytes of the file to keep: all but half a line of ours."""
    content = path.read_bytes() if path.exists() else b""
    *lines, rest = content.split(b"\n")
    if rest and not _is_half_a_line(rest, after_runs=bool(lines)):
        lines, rest = [*lines, rest], b""
    return [_run(path, n, line) for n, line in enumerate(lines, 1)], len(content) - len(rest)


def _is_half_a_line(rest: bytes, *, after_runs: bool) -> bool:
    try:
        json.loads(rest)
    except ValueError:
        return bool(_HEAD.match(rest)) or (after_runs and _BEGIN.startswith(rest[: len(_BEGIN)]))
    return False


def _run(path: Path, number: int, line: bytes) -> StoredRun:
    try:
        one: StoredRun = json.loads(line)
        setting_key({**one["setting"]}), {**one["result"]}
    except (ValueError, TypeError, KeyError) as error:
        raise SweepError(
            f"{path}, line {number}: expected one finished run as JSON, got {line[:60]!r}; "
            "delete the line, and the sweep runs it again."
        ) from error
    return one


def sweep(
    run: RunFunction,
    settings: Sequence[Setting],
    path: Path,
    executor: Executor,
    *,
    progress: str | None = None,
) -> list[StoredRun]:
    """Call ``run(**setting)`` for every setting that ``path`` does not hold yet, and store it.

    Stored runs are taken as they are; those of other code are named in an `OtherCodeWarning`.

    Parameters
    ----------
    run : callable
        Importable by name, since other processes call it. Takes a setting's entries as keyword
        arguments and returns values that JSON can hold. All randomness must come from them.
    settings : sequence of mappings
        Values that JSON can hold. Settings that are equal are run once.
    path : path
        One line of JSON per finished run; appended to, never rewritten.
    executor : concurrent.futures.Executor
        See `open_executor`.
    progress : str, optional
        Label of a progress bar with the time left.

    Returns
    -------
    list of dict
        One per setting, in their order: ``setting``, ``result``, ``seconds``, the time ``finished``
        in UTC, the name of the function ``run``, its `code_digest` as ``code``, and the
        ``environment``.

    Raises
    ------
    SweepError
        If another sweep writes to ``path``, or ``path`` holds something else, and nothing is
        changed; or if runs were cancelled, as they are when Dask's scheduler dies.
    Exception
        What the first failing run raised, after all others are finished and stored. If a process
        of a pool was killed this is `concurrent.futures.BrokenExecutor`: call again to continue.
    """
    wanted = {setting_key(setting): dict(setting) for setting in settings}
    with _only_writer(path):
        runs, keep = _read(path)
        stored = {setting_key(one["setting"]): one for one in runs}
        _name_other_code(run, [stored[key] for key in wanted if key in stored], path)
        _cut(path, keep)
        missing = [setting for key, setting in wanted.items() if key not in stored]
        bar = tqdm(
            total=len(wanted),
            initial=len(wanted) - len(missing),
            desc=progress,
            unit="run",
            **({} if progress else {"disable": True}),
        )
        failures: list[BaseException] = []
        with bar:
            for done in _as_they_finish(run, missing, executor):
                if isinstance(done, BaseException):
                    failures.append(done)
                    continue
                _append(path, done)
                stored[setting_key(done["setting"])] = done
                bar.update()
    if failures:
        raise _worst(failures, path)
    return [stored[setting_key(setting)] for setting in settings]


def _as_they_finish(
    run: RunFunction, settings: Iterable[Setting], executor: Executor
) -> Iterator[StoredRun | BaseException]:
    waiting = {executor.submit(measured_run, run, setting): setting for setting in settings}
    try:
        for future in futures.as_completed(waiting):
            try:
                error = future.exception()
            except CancelledError as cancelled:
                error = cancelled
            if error and not isinstance(error, futures.BrokenExecutor):  # which all runs share
                error.add_note(f"This was the run of {waiting[future]}.")
            yield error or future.result()
    finally:
        for future in waiting:
            future.cancel()


def _worst(failures: Sequence[BaseException], path: Path) -> BaseException:
    """Return the failure to raise: a cluster or pool that is gone before what a run raised."""
    if cancelled := sum(isinstance(error, CancelledError) for error in failures):
        return SweepError(
            f"{cancelled} runs were cancelled: the scheduler or executor that had them is gone. "
            f"Those that were finished are stored in {path}: start it again, and call sweep again."
        )
    error = min(failures, key=lambda error: not isinstance(error, futures.BrokenExecutor))
    error.add_note(f"{len(failures)} runs failed; those that were finished are stored in {path}.")
    return error


def measured_run(run: RunFunction, setting: Setting) -> StoredRun:
    """Call ``run`` where the work is done, and add how long it took and what it ran on.

    Raises
    ------
    ValueError, TypeError
        If JSON cannot hold the result, such as NaN, before anything tries to store it.
    """
    start = time.perf_counter()
    done = {"setting": dict(setting), "result": dict(run(**setting))}
    seconds = round(time.perf_counter() - start, 2)
    return {
        **json.loads(json.dumps(done, allow_nan=False)),  # as it will be read: tuples are lists
        "seconds": seconds,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": _name(run),
        "code": code_digest(run),
        "environment": environment(),
    }


def _name(run: RunFunction) -> str:
    return f"{run.__module__}.{run.__qualname__}"


def _name_other_code(run: RunFunction, runs: Sequence[StoredRun], path: Path) -> None:
    """Warn of runs that another function made, or another state of its code."""
    todays = f"{_name(run)}, code {code_digest(run)}"
    found = Counter(f"{one.get('run', 'unnamed')}, code {one.get('code')}" for one in runs)
    del found[todays]
    if found:
        origins = "; ".join(f"{count} by {origin}" for origin, count in found.items())
        warnings.warn(
            f"{path}: {found.total()} stored runs are kept that other code made than {todays}: "
            f"{origins}. Delete their lines to run them again.",
            OtherCodeWarning,
            stacklevel=3,
        )


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{path}.lock", timeout=0):
            yield
    except Timeout as error:
        raise SweepError(
            f"{path}: another sweep is writing to this file; wait for it, or give another path."
        ) from error


def _cut(path: Path, keep: int) -> None:
    """Cut what follows the first ``keep`` bytes, and end the last line."""
    if not keep and not path.exists():
        return
    with path.open("r+b") as file:
        file.truncate(keep)
        file.seek(max(keep - 1, 0))
        if file.read(1) not in (b"", b"\n"):
            file.write(b"\n")


def _append(path: Path, one: StoredRun) -> None:
    """Append one line and wait until it is on the disk."""
    line = json.dumps(one, sort_keys=True, allow_nan=False, separators=(",", ":"))
    with path.open("ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
