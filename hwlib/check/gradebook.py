"""From grades of hand-ins to those of students: tables, other people's formats, corrections."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from hwlib.check import feedback
from hwlib.check.grade import Grade
from hwlib.check.hand_in import SetupError, plain, store
from hwlib.check.tasks import TASKS, tasks_of

# Names of files and folders as platforms hand them out; without one of these see `student_of`.
PLATFORMS = (
    r"([^/\\]+?)_\d+_assignsubmission_file",  # Moodle
    r"([a-z]+(?:_LATE)?_\d+)_\d+_[^/\\]*$",  # Canvas
    r"(submission_\d+)(?=[/\\])",  # Gradescope
)
# What each platform knows a student by; the roster of the course may hold these columns.
KNOWN_BY = {
    "moodle": ("Full name", "Username", "ID number", "Email address"),
    "canvas": ("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
    "gradescope": ("First Name", "Last Name", "SID", "Email"),
}


class Override(NamedTuple):
    """Points that a teacher gives for one task, whatever the check said, and why."""

    points: float
    comment: str


def student_of(path: Path, notebooks: Iterable[str] = (), pattern: str = "") -> str:
    """Return whose hand-in a file is, by its name or that of its folder.

    ``pattern`` is a regular expression whose first group is the student; without it, the names that
    Moodle, Canvas and Gradescope give are known. Otherwise it is the file's name without that of
    the notebook (`anna_01_logistic_loss.ipynb`), or where nothing is left, that of its folder.
    """
    for known in [pattern] if pattern else PLATFORMS:
        if found := re.search(known, str(path)):
            return plain(found[1].replace("_LATE", ""))
    stem = re.sub(r"(-Copy\d+| ?\(\d+\))+$", "", path.stem)
    for notebook in notebooks:
        stem = stem.replace(notebook, "")
    return plain(stem.strip(" _-.") or path.parent.resolve().name)


def chosen(grades: Iterable[Grade], take: str) -> dict[str, list[Grade]]:
    """Return one grade for each chapter of each student: of several hand-ins the best or the last.

    Hand-ins that were not graded are kept beside, since somebody has to look at them.
    """
    rank = attrgetter(*{"best": ("points", "modified"), "last": ("modified", "points")}[take])
    found: dict[str, dict[Any, Grade]] = {}
    for grade in sorted(grades, key=rank, reverse=True):
        key = grade.chapter if grade.status == "graded" else grade.path
        found.setdefault(grade.student, {}).setdefault(key, grade)
    return {s: sorted(found[s].values(), key=lambda g: (g.chapter, g.path)) for s in sorted(found)}


def task_points(grade: Grade, steps: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the points of each task: those of the steps that were passed, in halves, rounded down.

    ``steps`` are all steps of each task, as a right answer passes them; without them nothing is
    given for a part of them.
    """
    points = dict.fromkeys(grade.results, 0.0)
    for name, result in grade.results.items():
        possible, all_steps = TASKS[name].points, set(steps.get(name, ()))
        if result and not result["failed"]:
            points[name] = possible
        elif result and all_steps:
            share = len(all_steps & set(result["steps"])) / len(all_steps)
            points[name] = math.floor(2 * possible * share) / 2
    return points


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV file with a head, as spreadsheets save it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: cannot be read as UTF-8: {error}") from None
    delimiter = ";" if ";" in text[:200] else ","
    divided = csv.DictReader(text.splitlines(), delimiter=delimiter, restval="")
    columns = divided.fieldnames or ()
    if not set(needed) <= set(columns):
        raise SetupError(
            f"{path}: expected the columns {', '.join(needed)} in its first line, "
            f"got {', '.join(columns)}."
        )
    return [{k: v.strip() for k, v in row.items() if k} for row in divided]


def read_roster(path: Path) -> dict[str, dict[str, str]]:
    """Read what the course knows of each student: a column "student", and those of `KNOWN_BY`."""
    return {row["student"]: row for row in read_table(path, ("student",))}


def read_overrides(path: Path) -> dict[str, dict[str, Override]]:
    """Read the corrections of a teacher, by student, then by task."""
    found: dict[str, dict[str, Override]] = {}
    for row in read_table(path, ("student", "task", "points")):
        name, points = row["task"].removeprefix("my_"), row["points"].replace(",", ".")
        if name not in TASKS:
            raise SetupError(f"{path}: there is no task {name!r}; there are: {', '.join(TASKS)}.")
        if not re.fullmatch(r"\d+(\.\d+)?", points) or float(points) > TASKS[name].points:
            most = TASKS[name].points
            raise SetupError(f"{path}: {name}: expected points from 0 to {most}, got {points!r}.")
        override = Override(float(points), row.get("comment", ""))
        found.setdefault(row["student"], {})[name] = override
    return found


@dataclass
class Gradebook:
    """All grades of a course so far; `write` puts them into a folder.

    ``overrides`` are by student and then by task; ``roster`` holds a row of `read_roster` for each
    student; with ``steps``, those of right answers, there is partial credit.
    """

    take: str = "best"
    overrides: Mapping[str, Mapping[str, Override]] = field(default_factory=dict)
    roster: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    steps: Mapping[str, Sequence[str]] = field(default_factory=dict)
    grades: list[Grade] = field(default_factory=list)

    def add(self, student: str, grade: Grade) -> Grade:
        """Add the grade of a hand-in; return it with its student and the points of each task."""
        credit = task_points(grade, self.steps)
        grade = replace(grade, student=student, points=sum(credit.values()), credit=credit)
        self.grades.append(grade)
        return grade

    def unknown(self) -> set[str]:
        """Return the students of overrides who have handed nothing in."""
        return self.overrides.keys() - {grade.student for grade in self.grades}

    def _rows(self, students: Mapping[str, Sequence[Grade]]) -> list[dict[str, Any]]:
        """One row for each student: points of each task and chapter, the sum, remarks."""
        chapters = sorted({g.chapter for mine in students.values() for g in mine if g.results})
        tasks = [task for chapter in chapters for task in tasks_of(chapter)]
        rows = []
        for student, mine in students.items():
            row: dict[str, Any] = {"student": student} | {task.name: "" for task in tasks}
            for grade in mine:
                row |= grade.credit
            own = self.overrides.get(student, {})
            row |= {task: own[task].points for task in own.keys() & row.keys()}
            for chapter in chapters:
                reached = [row[task.name] for task in tasks_of(chapter) if row[task.name] != ""]
                row[f"chapter {chapter}"] = sum(reached) if reached else ""
            row["total"] = sum(row[f"chapter {c}"] or 0 for c in chapters)
            row["possible"] = sum(task.points for task in tasks)
            row["remarks"] = "; ".join(_remarks(mine))
            rows.append(row)
        return rows

    def write(self, folder: Path, only: Sequence[str] = ()) -> None:
        """Write grades.json and .csv, one table for each platform, and a page for each student.

        With ``only``, the pages of these students: no other has changed.
        """
        students = chosen(self.grades, self.take)
        rows = self._rows(students)
        stored = json.dumps([asdict(grade) for grade in self.grades], indent=1)
        store(folder / "grades.json", stored + "\n")
        store_table(folder / "grades.csv", rows)
        for platform in KNOWN_BY:
            store_table(folder / f"{platform}.csv", self._table(platform, rows))
        for row in rows:
            student = row["student"]
            if not only or student in only:
                comments = {task: o.comment for task, o in self.overrides.get(student, {}).items()}
                page = feedback.page(row, students[student], comments)
                store(folder / "feedback" / feedback.file_name(student), page)

    def _table(self, platform: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        chapters = [key for key in (rows[0] if rows else ()) if key.startswith("chapter ")]
        table = []
        if platform == "canvas":  # which reads the possible points from a row of their own
            most = {c: sum(t.points for t in tasks_of(int(c.split()[1]))) for c in chapters}
            rows = [{"student": "    Points Possible"} | most, *rows]
        for row in rows:
            about = self.roster.get(row["student"], {})
            entry: dict[str, Any] = {key: about.get(key, "") for key in KNOWN_BY[platform]}
            first = KNOWN_BY[platform][0]
            entry[first] = entry[first] or row["student"]
            if platform == "gradescope":
                entry |= {"Total Score": row["total"], "Max Points": row["possible"]}
            entry |= {chapter.capitalize(): row[chapter] for chapter in chapters}
            if platform == "moodle":
                entry["Feedback"] = feedback.summary(row)
            table.append(entry)
        return table


def _remarks(grades: Iterable[Grade]) -> Iterable[str]:
    for grade in grades:
        if grade.status != "graded":
            yield f"{grade.path}: {grade.status}: {grade.detail}"
        yield from (f"chapter {grade.chapter}: {remark}" for remark in grade.remarks)


def store_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file that spreadsheets read as text and numbers, and run nothing of."""
    lines: list[list[str]] = [list(rows[0])] if rows else []
    lines += [[_cell(value) for value in row.values()] for row in rows]
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    store(path, text.getvalue(), "utf-8-sig")


def _cell(value: Any) -> str:
    if isinstance(value, float | int):
        return f"{value:g}"
    text = plain(value, 2000)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
