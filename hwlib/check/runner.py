"""Run the answers of one hand-in, in this process, and check them.

A hand-in is a program. `hwlib.check.grade` runs this module in a process of its own with limits;
nothing here protects the process from what it executes.
"""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import hwlib.check
from hwlib.check.outcome import Report, Result, report_of
from hwlib.check.tasks import TASKS, tasks_of


class HandInError(ValueError):
    """A file that is no notebook of this homework."""


@dataclass
class Run:
    """What a hand-in is worth: the report, and the errors of cells, by the number of the cell."""

    report: Report
    errors: dict[int, str] = field(default_factory=dict)


def read_notebook(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the code cells of a notebook file and the number of its chapter.

    The chapter stands in the notebook's metadata; where a student's editor has dropped them, it is
    told by the names of the answers.

    Raises
    ------
    HandInError
        If the file is no notebook, or of no chapter.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for cell in cells:
            cell["source"] = "".join(cell["source"])
            cell["tags"] = list(cell.get("metadata", {}).get("tags", []))
        stated = dict(notebook.get("metadata", {})).get("hwlib", {}).get("chapter")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HandInError(f"no notebook: {type(error).__name__}") from None
    text = "\n".join(cell["source"] for cell in cells)
    named = {task.chapter for task in TASKS.values() if f"def {task.answer}(" in text}
    chapter = stated if stated in {task.chapter for task in TASKS.values()} else None
    if chapter is None and len(named) == 1:
        chapter = named.pop()
    if chapter is None:
        raise HandInError("a notebook of no chapter: it defines none of the answers")
    return cells, chapter


def source_to_run(cell: dict[str, Any]) -> str:
    """Return what is to be run of a cell: all of a student's, the imports of a chapter's.

    The experiments of a chapter take minutes and decide nothing about the answers. Lines that only
    Jupyter understands are left out, and so are checks, which are run again at the end.

    Raises
    ------
    SyntaxError
        If the cell is no Python.
    """
    lines = cell["source"].splitlines()
    source = "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)
    if "check" in cell["tags"]:
        return ""
    if "chapter" not in cell["tags"]:
        return source
    imports = [n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in imports)


def run(path: Path) -> Run:
    """Execute the answers in a notebook and check each task of its chapter.

    An error in one cell does not keep the others from being executed.

    Raises
    ------
    HandInError
        If the file is no notebook of this homework.
    """
    cells, chapter = read_notebook(path)
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *_, **__: None}
    errors = {}
    for number, cell in enumerate(cells, 1):
        before = set(namespace)
        try:
            code = compile(source_to_run(cell), f"<cell {number}>", "exec")
            exec(code, namespace)
        except (Exception, SystemExit) as error:
            errors[number] = f"{type(error).__name__}: {error}"[:200]
            if isinstance(error, MemoryError):  # what has filled the memory must not stay
                for name in set(namespace) - before:
                    del namespace[name]
    tasks = tasks_of(chapter)
    results: dict[str, Result] = {}
    for task in tasks:
        if task.answer in namespace:
            results[task.name] = getattr(hwlib.check, task.name)(namespace[task.answer])
    return Run(report_of(tasks, results), errors)


def main() -> int:
    """Run the hand-in named first and write what it is worth to the file named second."""
    source, target = map(Path, sys.argv[1:3])
    try:
        done = run(source)
        found: dict[str, Any] = asdict(done) | {"report": done.report.as_dict()}
    except HandInError as error:
        found = {"refused": str(error)}
    target.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
