"""Sweeps: one function called for many settings, its results stored one by one as they finish.

The work is done by any `concurrent.futures.Executor`: processes of this machine by default, or a
Dask cluster, whose client offers the same interface. Only the calling process writes, one line
per finished run, so that an interrupted sweep loses what was running and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from hwlib.course.claims import environment

Setting = Mapping[str, Any]
Record = dict[str, Any]


class SweepError(RuntimeError):
    """A sweep cannot be continued; what is finished is stored, and the message says what to do."""


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
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    from distributed import Client

    with Client(address) as client:
        yield client.get_executor()


def setting_key(setting: Setting) -> str:
    """Return the text by which a setting is recognised: its JSON with sorted names."""
    return json.dumps(setting, sort_keys=True, allow_nan=False)


def read_records(path: Path) -> list[Record]:
    """Return the finished runs stored in ``path``, in the order in which they finished.

    A last line without an end is what a machine that lost its power leaves behind; it is skipped.

    Raises
    ------
    SweepError
        If any other line is not a record.
    """
    if not path.exists():
        return []
    *lines, _ = path.read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["setting"], record["result"]
        except (ValueError, TypeError, KeyError) as error:
            raise SweepError(
                f"{path}, line {number}: expected one finished run as JSON, got {line[:60]!r}; "
                "delete the line, and the sweep runs it again."
            ) from error
        records.append(record)
    return records


def sweep(
    run: Callable[..., Mapping[str, Any]],
    settings: Sequence[Setting],
    path: Path,
    executor: Executor,
    *,
    progress: str | None = None,
) -> list[Record]:
    """Call ``run(**setting)`` for every setting that ``path`` does not hold yet, and store it.

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
        One record per setting, in their order: ``setting``, ``result``, ``seconds``, the time
        ``finished`` in UTC, a digest of this package's ``code``, and the ``environment``.

    Raises
    ------
    SweepError
        If another sweep writes to ``path``, or ``path`` holds something else.
    Exception
        What the first failing run raised, after all others are finished and stored. If a process
        of a pool was killed this is `concurrent.futures.BrokenExecutor`: call again to continue.
    """
    wanted = {setting_key(setting): dict(setting) for setting in settings}
    with _only_writer(path):
        _drop_half_a_line(path)
        stored = {setting_key(record["setting"]): record for record in read_records(path)}
        missing = [setting for key, setting in wanted.items() if key not in stored]
        futures = [executor.submit(measured_run, run, setting) for setting in missing]
        failures = []
        bar = tqdm(
            total=len(wanted),
            initial=len(wanted) - len(missing),
            desc=progress,
            unit="run",
            **({} if progress else {"disable": True}),
        )
        try:
            for future in as_completed(futures):
                if error := future.exception():
                    failures.append(error)
                    continue
                record = future.result()
                _append(path, record)
                stored[setting_key(record["setting"])] = record
                bar.update()
        finally:
            bar.close()
            for future in futures:
                future.cancel()
    if failures:
        raise failures[0]
    return [stored[setting_key(setting)] for setting in settings]


def measured_run(run: Callable[..., Mapping[str, Any]], setting: Setting) -> Record:
    """Call ``run`` where the work is done, and add how long it took and what it ran on."""
    start = time.perf_counter()
    result = dict(run(**setting))
    return {
        "setting": dict(setting),
        "result": result,
        "seconds": round(time.perf_counter() - start, 2),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": _code_digest(),
        "environment": environment(),
    }


@cache
def _code_digest() -> str:
    """Twelve hexadecimal digits that change with any file of this package."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


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


def _drop_half_a_line(path: Path) -> None:
    if path.exists():
        whole = path.read_bytes().rfind(b"\n") + 1
        if whole < path.stat().st_size:
            os.truncate(path, whole)


def _append(path: Path, record: Record) -> None:
    """Append one line and wait until it is on the disk."""
    line = json.dumps(record, sort_keys=True, allow_nan=False, separators=(",", ":"))
    with path.open("ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
