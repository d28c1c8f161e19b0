"""Execute chapters on the real data and store their outputs beside the text they come from.

With ``--exercises``, only the imports and the exercises are executed, and the outputs of all other
cells are kept, provided that their code is unchanged: editing prose or an exercise need not cost a
training run. `make nbval` executes everything again and compares, whichever way it was stored.
"""

import argparse
import ast
import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(source: Path) -> float:
    """Run one ``.md`` chapter, write the ``.ipynb`` beside it, and return the seconds it took."""
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = KERNEL
    client = NotebookClient(
        notebook,
        timeout=1800,
        record_timing=False,
        resources={"metadata": {"path": str(source.parent)}},
    )
    start = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - start
    notebook.metadata["run"] = {"seconds": round(seconds, 1), "processors": os.cpu_count()}
    notebook.metadata.pop("language_info", None)
    _write(notebook, source.with_suffix(".ipynb"))
    return seconds


def refresh(source: Path) -> float:
    """Run the exercises of one ``.md`` chapter only; keep what the other cells have stored.

    Raises
    ------
    ValueError
        If the code of another cell has changed since it was executed.
    """
    target = source.with_suffix(".ipynb")
    notebook, stored = jupytext.read(source), nbformat.read(target, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kept = [c for c in stored.cells if c.cell_type == "code" and not _belongs_to_exercise(c)]
    others = [cell for cell in code if not _belongs_to_exercise(cell)]
    if [cell.source for cell in others] != [cell.source for cell in kept]:
        raise ValueError(f"{source}: code outside the exercises has changed; execute it whole.")
    part = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    answers = [cell for cell in code if _belongs_to_exercise(cell)]
    imports = "\n".join(imports_of(cell.source) for cell in others)
    part.cells = [nbformat.v4.new_code_cell(imports), *answers]
    start = time.perf_counter()
    NotebookClient(
        part, timeout=600, record_timing=False, resources={"metadata": {"path": str(source.parent)}}
    ).execute()
    for cell, old in zip(others, kept, strict=True):
        cell["outputs"] = old.outputs
    for count, cell in enumerate(code, 1):
        cell["execution_count"] = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata["run"] = stored.metadata["run"]
    _write(notebook, target)
    return time.perf_counter() - start


def _belongs_to_exercise(cell: nbformat.NotebookNode) -> bool:
    tags = cell.metadata.get("tags", [])
    return bool({"solution", "check"} & set(tags)) or cell.source == "from hwlib import check"


def imports_of(source: str) -> str:
    """Return the import statements at the top level of a cell."""
    nodes = [n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in nodes)


def _write(notebook: nbformat.NotebookNode, target: Path) -> None:
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # random ids would change with every run
    nbformat.validate(notebook)
    nbformat.write(notebook, target)


def main() -> int:
    """Execute the chapters named on the command line, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="+", type=Path)
    parser.add_argument("--exercises", action="store_true", help="keep all other stored outputs")
    arguments = parser.parse_args()
    chapters, run = arguments.chapters, refresh if arguments.exercises else execute
    os.environ["TQDM_DISABLE"] = "1"  # for the kernels: progress bars are not outputs
    os.environ.pop("HWLIB_STAND_IN", None)  # stored outputs come from the real data only
    for source in tqdm(chapters, desc="chapters", disable=False):
        seconds = run(source)
        tqdm.write(f"{source}: {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
