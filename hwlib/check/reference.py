"""Answers known to be good: graded first, they tell a broken installation from wrong answers."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from hwlib.check.grade import Grade, each, grade_cells
from hwlib.check.hand_in import HandIn, HandInError, read_hand_in
from hwlib.check.process import Limits
from hwlib.check.tasks import tasks_of

TOP = Path(__file__).parents[2]


class BrokenError(RuntimeError):
    """Good answers fail here, so that no grade would mean anything."""


class Reference:
    """The notebooks with solutions: the chapters of the book, or the instructor's edition.

    They are looked for in ``folder``; without it, in the book beside the package, as in a checkout,
    and beside the package itself, as in the instructor's archive. ``steps`` are those that a right
    answer passes, ``notes`` what the teacher should know.
    """

    def __init__(self, folder: Path | None = None) -> None:
        places = [folder] if folder else [TOP / "book", TOP]
        found = (place.glob("[0-9][0-9]_*.ipynb") for place in places)
        notebooks = next((paths for paths in map(sorted, found) if paths), [])
        self.notebooks = {int(path.stem[:2]): path for path in notebooks}
        self.steps: dict[str, list[str]] = {}
        self.notes: list[str] = []
        self._calls: dict[str, set[str]] = {}

    def chapters_of(self, paths: Iterable[Path], chapter: int | None = None) -> set[int]:
        """Return the chapters that are to be graded."""
        found = set()
        for path in paths:
            with contextlib.suppress(HandInError):
                found.add(read_hand_in(path, chapter).chapter)
        return found

    def prove(self, chapters: Collection[int], limits: Limits, jobs: int | None = None) -> None:
        """Grade the known answers of ``chapters``; an error if one does not get all points."""
        missing = sorted(set(chapters) - self.notebooks.keys())
        if missing:
            numbers = ", ".join(map(str, missing))
            self.notes.append(
                f"No known-good answers to chapter {numbers}: a broken installation would look "
                "like wrong answers. Name the folder of the instructor's edition with --reference."
            )
        paths = [self.notebooks[chapter] for chapter in chapters if chapter in self.notebooks]
        # These are honest, and must pass on a busy machine, too.
        ample = replace(limits, seconds=4 * limits.seconds, task_seconds=4 * limits.task_seconds)
        work = [partial(grade_cells, _solutions(path), path, ample) for path in paths]
        with contextlib.closing(each(work, jobs)) as grades:
            for grade in grades:
                if grade.status != "graded" or grade.points < grade.possible:
                    raise BrokenError(
                        f"The known-good answers do not pass here, so nothing was graded: {grade}"
                    )
                for name, result in grade.results.items():
                    self.steps[name] = result["steps"]
                    self._calls[name] = set(result["calls"])

    def flag(self, grade: Grade) -> Grade:
        """Return a grade with remarks on answers that call what the known-good ones do not."""
        remarks = list(grade.remarks)
        for name, result in grade.results.items():
            calls = sorted(set(result["calls"] if result else ()) - self._calls.get(name, set()))
            if calls:
                remarks.append(f"my_{name} calls the package's {', '.join(calls)}")
        return replace(grade, remarks=remarks)


def _solutions(path: Path) -> HandIn:
    """The book's own cells are no student's: of them only imports and helpers are run."""
    number = int(path.stem[:2])
    if not tasks_of(number):
        raise BrokenError(f"{path}: chapter {number} has no tasks.")
    read = read_hand_in(path, number)
    cells = [
        replace(cell, changed=False)
        if {"solution", "check"} & set(cell.tags)
        else replace(cell, tags=(*cell.tags, "chapter"), changed=False)
        for cell in read.cells
    ]
    return replace(read, cells=cells)
