"""Answers known to be good: graded first, they tell a broken installation from wrong answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hwlib.check.grade import Grade, grade
from hwlib.check.hand_in import HandIn, HandInError, SetupError, read_hand_in
from hwlib.check.process import Limits

TOP = Path(__file__).parents[2]


def solutions(folder: Path | None = None) -> dict[int, Path]:
    """Return the notebooks with solutions by chapter: the book's, or the instructor's edition.

    They are looked for in ``folder``; without it, in the book beside the package, as in a checkout,
    and beside the package itself, as in the instructor's archive.
    """
    for place in [folder] if folder else [TOP / "book", TOP]:
        if notebooks := sorted(place.glob("[0-9][0-9]_*.ipynb")):
            return {int(path.stem[:2]): path for path in notebooks}
    return {}


def chapters_of(paths: Iterable[Path], chapter: int | None = None) -> set[int]:
    """Return the chapters that are to be graded."""
    found = set()
    for path in paths:
        with contextlib.suppress(HandInError):
            found.add(read_hand_in(path, chapter).chapter)
    return found


def prove(paths: Sequence[Path], limits: Limits, jobs: int | None = None) -> dict[str, Any]:
    """Grade notebooks with solutions, and return the result of each task as a right answer has it.

    Raises
    ------
    SetupError
        If one does not get all points, so that no grade would mean anything.
    """
    # These are honest, and must pass on a busy machine, too.
    ample = replace(limits, seconds=4 * limits.seconds, task_seconds=4 * limits.task_seconds)
    right: dict[str, Any] = {}
    with contextlib.closing(grade(paths, ample, jobs, read=_read_solutions)) as grades:
        for done in grades:
            if done.status != "graded" or done.points < done.possible:
                raise SetupError(
                    f"The known-good answers do not pass here, so nothing was graded: {done}"
                )
            right |= done.results
    return right


def flag(done: Grade, right: Mapping[str, Any]) -> Grade:
    """Return a grade with remarks on answers that call what the right ones do not."""
    remarks = list(done.remarks)
    for name, result in done.results.items():
        usual = right[name]["calls"] if name in right else ()
        if result and (calls := sorted(set(result["calls"]).difference(usual))):
            remarks.append(f"my_{name} calls the package's {', '.join(calls)}")
    return replace(done, remarks=remarks)


def _read_solutions(path: Path, _: int | None) -> HandIn:
    """The book's own cells are no student's: of them only imports and helpers are run."""
    read, kept = read_hand_in(path, int(path.stem[:2])), {"solution", "check"}
    cells = [
        replace(cell, tags=cell.tags if kept & set(cell.tags) else ("chapter",), changed=False)
        for cell in read.cells
    ]
    return replace(read, cells=cells)
