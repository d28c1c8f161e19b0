"""Results that were measured once, for hours, and are stored in the folder of the book."""

from pathlib import Path

# Notebooks run in the folder of the book or at the top level.
FOLDERS = (Path("data"), Path("book") / "data")


def find_record(file: str) -> Path:
    """Return the path of the book's stored result ``data/<file>``; FileNotFoundError if none."""
    for folder in FOLDERS:
        if (path := folder / file).is_file():
            return path
    raise FileNotFoundError(
        f"expected {file} in {' or '.join(map(str, FOLDERS))}, got neither below "
        f"{Path.cwd()}; run the notebook in the folder book/ or at the top level."
    )
