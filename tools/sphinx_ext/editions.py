"""Students' notebooks and archives, which pages offer; and the website without solutions.

With ``make book SOLUTIONS=no``, what is left of a chapter is what its students' notebook holds:
exercises, signatures, checks. The notebook that a page offers as its source is the students', too.
"""

import os
from pathlib import Path

import nbformat
from sphinx.application import Sphinx

from tools.editions import student

SWITCH = "HWLIB_WITHOUT_SOLUTIONS"


def write_editions(app: Sphinx) -> None:
    """Write them to where the chapters look for them, whatever folder the pages go to."""
    student.write(Path(app.srcdir) / "_build")


def leave_out(_: Sphinx, docname: str, content: list[str]) -> None:
    """Take the solutions, and what their checks said, out of a chapter as it is read."""
    if not content[0].lstrip().startswith("{") or not Path(docname).name[:2].isdigit():
        return
    notebook = nbformat.reads(content[0], as_version=4)
    notebook["cells"] = list(student.without_solutions(notebook))
    for cell in notebook.cells:
        if {"solution", "check"} & set(cell.metadata.get("tags", [])):
            cell["outputs"] = []
    content[0] = nbformat.writes(notebook)


def replace_sources(app: Sphinx, error: Exception | None) -> None:
    """Offer the students' notebooks in place of those with solutions."""
    if error is None:
        for path in (Path(app.outdir) / "_sources").rglob("[0-9][0-9]_*.ipynb"):
            made = Path(app.srcdir) / "_build" / "student" / path.name
            path.write_bytes(made.read_bytes())


def register(app: Sphinx) -> None:
    """Write the editions before the pages are read; leave solutions out if the switch is on."""
    app.connect("builder-inited", write_editions)
    if os.environ.get(SWITCH):
        app.connect("source-read", leave_out)
        app.connect("build-finished", replace_sources)
