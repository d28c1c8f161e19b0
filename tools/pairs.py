"""Whether a chapter's notebook is that of its text, by what they hold and not by their times."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode


def code(notebook: NotebookNode) -> list[tuple[str, bool]]:
    """Return what decides the outputs: the source of each code cell, and whether it may raise."""
    return [
        (cell.source, "raises-exception" in cell.metadata.get("tags", []))
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip()
    ]


def executed(notebook: NotebookNode) -> bool:
    """Whether every cell with code was executed."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    return all(cell.execution_count for cell in cells)


def contents(notebook: NotebookNode) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what a chapter's text and its notebook must agree in."""
    keys = ("tags", "mystnb")
    return [
        (c.cell_type, c.source, {k: c.metadata[k] for k in keys if k in c.metadata})
        for c in notebook.cells
    ]


def behind(path: Path) -> str | None:
    """Return how a notebook is behind the text beside it, or None."""
    source = path.with_suffix(".md")
    if not path.exists():
        return "is missing"
    try:
        stored = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a half-merged file makes the reader raise
        return f"cannot be read ({type(error).__name__})"
    if not executed(stored):
        return "holds cells that were never executed"
    if not source.exists():
        return None
    text = jupytext.read(source)
    if contents(stored) == contents(text):
        return None
    what = "prose" if code(stored) == code(text) else "code"
    return f"is not of the text in {source.name}: its {what} differs"


def mend(paths: Iterable[Path]) -> str:
    """Return the one command that brings these notebooks up to their texts.

    It executes those whose code differs, and nothing where only prose does.
    """
    names = sorted(f"{path.parent.name}/{path.stem}.md" for path in paths)
    return f'run: make notebooks CHAPTERS="{" ".join(names)}"'


def stale(book: Path) -> str:
    """Return a line for each chapter whose notebook is behind, and the command; or nothing."""
    found = {path.with_suffix(".ipynb"): "" for path in sorted(book.glob("[0-9]*.md"))}
    found = {path: reason for path in found if (reason := behind(path))}
    lines = [f"{path.name} {reason}" for path, reason in found.items()]
    return "\n".join([*lines, mend(found)]) if found else ""
