"""Bring each chapter's notebook up to its text: execute what changed, keep the outputs of the rest.

Whether it is behind is told by what both hold and not by their times. The text is first laid out as
JupyterLab would save it, so that opening and saving a chapter changes nothing but what was edited.
A chapter whose code is the one that its stored outputs came from is not executed again; ``--all``
executes it all the same, as is right when the package has changed.
"""

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from jupytext.combine import combine_inputs_with_outputs
from nbclient import NotebookClient
from nbformat import NotebookNode

from tools import TOP
from tools.kernels import prepare_kernels

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# Both files must say what stands in the text, or JupyterLab takes them for different notebooks.
PAIRING = {
    "formats": "ipynb,md:myst",
    "cell_metadata_filter": "tags,mystnb,-all",
    "notebook_metadata_filter": (
        "kernelspec,jupytext,-jupytext.text_representation.jupytext_version,mystnb"
    ),
}


def code(notebook: NotebookNode) -> list[tuple[str, bool]]:
    """Return what decides the outputs: the source of each code cell, and whether it may raise."""
    return [
        (cell.source, "raises-exception" in cell.metadata.get("tags", []))
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip()
    ]


def read_executed(path: Path) -> NotebookNode | str:
    """Return a notebook that was executed, or why there is none."""
    if not path.exists():
        return "is missing"
    try:
        stored = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a half-merged file makes the reader raise
        return f"cannot be read ({type(error).__name__})"
    if not all(cell.get("execution_count", True) for cell in stored.cells if cell.source.strip()):
        return "holds cells that were never executed"
    return stored


def contents(notebook: NotebookNode) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what a chapter's text and its notebook must agree in."""
    keys = ("tags", "mystnb")
    return [
        (c.cell_type, c.source, {k: c.metadata[k] for k in keys if k in c.metadata})
        for c in notebook.cells
    ]


def behind(path: Path) -> str | None:
    """Return how a notebook is behind the text beside it, or None."""
    stored, source = read_executed(path), path.with_suffix(".md")
    if isinstance(stored, str):
        return stored
    if not source.exists():
        return None
    text = jupytext.read(source)
    if contents(stored) == contents(text):
        return None
    what = "prose" if code(stored) == code(text) else "code"
    return f"is not of the text in {source.name}: its {what} differs"


def mend(paths: Iterable[Path]) -> str:
    """Return the one command that brings these notebooks up to their texts."""
    names = sorted(f"{path.parent.name}/{path.stem}.md" for path in paths)
    return f'run: make notebooks CHAPTERS="{" ".join(names)}"'


def stale(book: Path) -> str:
    """Return a line for each chapter whose notebook is behind, and the command; or nothing."""
    notebooks = (path.with_suffix(".ipynb") for path in sorted(book.glob("[0-9]*.md")))
    found = {path: reason for path in notebooks if (reason := behind(path))}
    lines = [f"{path.name} {reason}" for path, reason in found.items()]
    return "\n".join([*lines, mend(found)]) if found else ""


def folded(options: Any) -> Any:
    """Return cell options with each text in one line: line ends are saved in another layout."""
    if isinstance(options, dict):
        return {key: folded(value) for key, value in options.items()}
    return " ".join(options.split()) if isinstance(options, str) else options


def lay_out(source: Path) -> NotebookNode:
    """Write a ``.md`` chapter as JupyterLab would save it, and return its cells without outputs."""
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = KERNEL
    header = notebook.metadata["jupytext"] | PAIRING
    notebook.metadata["jupytext"] = dict(sorted(header.items()))  # as they lie in the .ipynb
    for cell in notebook.cells:
        if "mystnb" in cell.metadata:
            cell.metadata["mystnb"] = folded(cell.metadata["mystnb"])
    text = jupytext.writes(notebook, "md:myst")
    if text != source.read_text(encoding="utf-8"):
        source.write_text(text, encoding="utf-8")
    return notebook


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in ``folder`` and keep their outputs, and the seconds that they took."""
    client = NotebookClient(
        notebook, timeout=1800, record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    start = time.perf_counter()
    client.execute()
    seconds = round(time.perf_counter() - start, 1)
    notebook.metadata["run"] = {"seconds": seconds, "processors": os.cpu_count()}
    notebook.metadata.pop("language_info", None)


def update(source: Path, *, always: bool = False) -> str:
    """Bring the ``.ipynb`` beside ``source`` up to it, and return in words what was done."""
    notebook = lay_out(source)
    target = source.with_suffix(".ipynb")
    stored = read_executed(target)
    if always or isinstance(stored, str) or code(stored) != code(notebook):
        execute(notebook, source.parent)
        done = f"executed in {notebook.metadata['run']['seconds']} s"
    else:
        notebook = combine_inputs_with_outputs(notebook, stored)
        done = "same code, outputs kept"
    notebook.metadata["jupytext"] = {"default_lexer": "ipython3", **PAIRING}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # random ids would change with every run
    nbformat.validate(notebook)
    nbformat.write(notebook, target)
    return done


def main() -> None:
    """Bring the chapters named on the command line up to their text, in order; all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", type=Path, help="such as book/03_*.md")
    parser.add_argument("--all", action="store_true", help="execute also what has not changed")
    given = parser.parse_args()
    prepare_kernels()
    os.environ.pop("HWLIB_STAND_IN", None)  # on the real data only
    for source in given.chapters or sorted((TOP / "book").glob("[0-9]*.md")):
        print(f"{source.name}: ", end="", flush=True)
        print(update(source, always=given.all))


if __name__ == "__main__":
    main()
