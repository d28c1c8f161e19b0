"""Results that were measured once, for hours or against other libraries, and are stored as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Notebooks run in the folder of the book or at the top level.
FOLDERS = (Path("data"), Path("book") / "data")


def find_record(file: str) -> Path:
    """Return the path of the stored result ``data/<file>`` of the book.

    Raises
    ------
    FileNotFoundError
        If it is in neither of the folders where notebooks run.
    """
    for folder in FOLDERS:
        path = folder / file
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"expected {file} in {' or '.join(map(str, FOLDERS))}, got neither below "
        f"{Path.cwd()}; run the notebook in the folder book/ or at the top level."
    )


def load_record(name: str) -> dict[str, Any]:
    """Return the stored result ``data/<name>.json`` of the book.

    Raises
    ------
    FileNotFoundError
        As `find_record`.
    """
    return json.loads(find_record(f"{name}.json").read_text(encoding="utf-8"))


def worst_error(record: Mapping[str, Any], function: str, library: str = "hwlib") -> float:
    """Return the larger of the worst errors in float32 and in float64, in ulp.

    Raises
    ------
    ValueError
        If nothing was measured under that name.
    """
    found = [
        row["worst"]
        for row in record["rows"]
        if row["function"] == function and row["library"] == library
    ]
    if not found:
        names = sorted({row["function"] for row in record["rows"]})
        raise ValueError(f"expected a function of {names} in {library}, got {function!r}.")
    return max(found)


def accuracy_rows(
    record: Mapping[str, Any], functions: Sequence[str], libraries: Sequence[str]
) -> list[list[str]]:
    """Return the rows of a table: worst errors in ulp where all numbers are normal.

    Subnormal results, logits and labels are left out because some libraries round them to zero on
    purpose, for speed. "none right" stands for an error that leaves no digit of the result. Where
    the unit is an ulp of the larger of two terms, the row says so.
    """
    rows = []
    for function in functions:
        for precision, bits in (("float32", 24), ("float64", 53)):
            measured = [
                row
                for row in record["rows"]
                if row["function"] == function and row["precision"] == precision
            ]
            worst = {row["library"]: row["worst_normal"] for row in measured}
            cells = [_cell(worst.get(library), 2.0 ** (bits - 2)) for library in libraries]
            larger = any(row["unit"] == "larger term" for row in measured)
            what = f"{function} (of the larger term)" if larger else function
            rows.append([what, precision, *cells])
    return rows


def _cell(worst: float | None, no_digit: float) -> str:
    if worst is None:
        return "–"
    if worst >= no_digit:
        return "none right"
    return f"{worst:.1f}" if worst < 1000 else f"{worst:.0e}"
