"""The table and the figure of the page on accuracy, made from the record of a run."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from hwlib import plot

LIBRARIES = ("hwlib", "PyTorch", "scikit-learn", "optax", "SciPy")
FUNCTIONS = ["loss, hard labels", "loss, soft labels"]
FUNCTIONS += ["derivative, hard labels", "derivative, soft labels", "sigmoid", "softplus"]
NO_DIGIT = {"float32": 2.0**22, "float64": 2.0**51}  # an error in ulp that leaves none


def accuracy_rows(
    record: Mapping[str, Any], functions: Sequence[str], libraries: Sequence[str]
) -> list[list[str]]:
    """Return the rows of a table: worst errors in ulp where all numbers are normal.

    Subnormal results, logits and labels are left out because some libraries round them to zero on
    purpose, for speed. "none right" stands for an error that leaves no digit of the result.
    """
    rows = []
    for function, precision in product(functions, NO_DIGIT):
        case = function, precision
        measured = [row for row in record["rows"] if (row["function"], row["precision"]) == case]
        worst = {row["library"]: row["worst_normal"] for row in measured}
        cells = [_cell(worst.get(library), NO_DIGIT[precision]) for library in libraries]
        larger = any(row["unit"] == "larger term" for row in measured)
        rows.append([f"{function} (of the larger term)" if larger else function, precision, *cells])
    return rows


def _cell(worst: float | None, no_digit: float) -> str:
    if worst is None:
        return "–"
    if worst >= no_digit:
        return "none right"
    return f"{worst:.1f}" if worst < 1000 else f"{worst:.0e}"


def tables(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of the page by name."""
    versions = [[name, number] for name, number in record["versions"].items()]
    worst = accuracy_rows(record, FUNCTIONS, LIBRARIES)
    return {
        "worst": {"headers": ["Worst error in ulp of", "Precision", *LIBRARIES], "rows": worst},
        "versions": {"headers": ["Library", "Version"], "rows": versions},
    }


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw the worst error of each library's float64 loss against the logit, for both labels."""
    plot.use_style()
    fig, axes = plt.subplots(1, 2, sharey=True)
    for ax, label in zip(axes, ("1", "0"), strict=True):
        for library, errors in record["curves"][label].items():
            ax.semilogy(record["curve_logits"], errors, label=library)
        ax.set(xlabel="logit z", title=f"label {label}", ylim=(0.1, 2e16))
    axes[0].set_ylabel("worst error in ulp")
    axes[0].legend(loc="upper left")
    fig.savefig(path, metadata={"Date": None})  # the same figure, the same bytes
    plt.close(fig)
