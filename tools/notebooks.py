"""Execute chapters on the real data and store their outputs beside the text they come from."""

import argparse
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
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # random ids would change with every run
    nbformat.validate(notebook)
    nbformat.write(notebook, source.with_suffix(".ipynb"))
    return seconds


def main() -> int:
    """Execute the chapters named on the command line, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="+", type=Path)
    chapters = parser.parse_args().chapters
    os.environ["TQDM_DISABLE"] = "1"  # for the kernels: progress bars are not outputs
    os.environ.pop("HWLIB_STAND_IN", None)  # stored outputs come from the real data only
    for source in tqdm(chapters, desc="chapters", disable=False):
        seconds = execute(source)
        tqdm.write(f"{source}: {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
