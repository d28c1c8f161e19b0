"""The tables and the plot of the page on cost, made from the record of a run."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from hwlib import plot

MARKERS = {"floor": "o", "PyTorch's example": "s", "autograd": "^", "scikit-learn": "D"}
RATIOS = {
    "floor": "Ours / floor",
    "PyTorch's example": "PyTorch's example / ours",
    "autograd": "PyTorch autograd / ours",
    "scikit-learn": "scikit-learn / ours",
    "together": "Together / one after the other",
}
# Of each table: how its rows begin, what our time is called, and the ways whose ratios it shows.
COMPARISONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "epochs": ("MLP|CNN", "Ours", ("floor", "PyTorch's example")),
    "gradient": ("gradient", "Ours", ("floor", "autograd", "scikit-learn")),
    "together": (r"\d+ seeds", "One after the other", ("together",)),
    "start": ("loading|a process|building", "Time", ()),
}
HEADERS = {
    "accuracy": ["Accuracy", "Our recipe", "Ours", "PyTorch's example", "Ratio"],
    "chapters": ["Chapter", "Time", "Peak memory"],
    "machines": ["Part", "Date", "Processors", "Versions", "Load before the start"],
}


def seconds(value: float) -> str:
    """Return a time with two digits and its unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{value / factor:.{1 if value < 10 * factor else 0}f} {unit}"
    return "< 1 µs"


def compared(row: Mapping[str, Any], ways: Iterable[str]) -> list[str]:
    """Return our time, and the ratios of other ways: median, and the range of the repeats."""
    found = [row["ways"].get(way) for way in ways]
    ratios = ["{ratio:.2f} ({low:.2f} to {high:.2f})".format(**f) if f else "–" for f in found]
    return [row["what"], seconds(row["ways"]["ours"]["seconds"]), *ratios]


def accuracy(row: Mapping[str, Any]) -> list[str]:
    """Return the times to an accuracy."""
    ours, usual = row["seconds"], row["usual_seconds"]
    others = ["not reached", "–"] if usual is None else [seconds(usual), f"{usual / ours:.1f}"]
    return [f"{row['level']} %", row["recipe"], seconds(ours), *others]


def chapter(row: Mapping[str, Any]) -> list[str]:
    """Return what it costs to execute a chapter."""
    return [row["chapter"], seconds(row["seconds"]), f"{row['peak_megabytes']:,.0f} MB"]


def machine(name: str, m: Mapping[str, Any]) -> list[str]:
    """Return what a part was measured on."""
    versions = [f"Python {m['python']}", *(f"{name} {v}" for name, v in m["versions"].items())]
    where = f"{m['processors']} × {m['processor']}"
    return [name, m["date"], where, ", ".join(versions), str(m["load_before"])]


def tables(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of the page by name."""
    speed, chapters = record["speed"], record["chapters"]
    rows = {
        "machines": [machine(part, record[part]["machine"]) for part in ("speed", "chapters")],
        "accuracy": [accuracy(row) for row in speed["accuracy"]],
        "chapters": [chapter(row) for row in chapters["rows"]],
    }
    headers = dict(HEADERS)
    for name, (begin, time, ways) in COMPARISONS.items():
        headers[name] = ["What", time, *(RATIOS[way] for way in ways)]
        rows[name] = [compared(row, ways) for row in speed["rows"] if re.match(begin, row["what"])]
    return {name: {"headers": headers[name], "rows": rows[name]} for name in rows}


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw how much longer than ours every other way takes, the floor included."""
    plot.use_style()
    rows = [row for row in record["speed"]["rows"] if "floor" in row["ways"]][::-1]
    fig, ax = plt.subplots(figsize=(6.4, 4.2))
    for way, marker in MARKERS.items():
        cells = {n: row["ways"][way] for n, row in enumerate(rows) if way in row["ways"]}
        middle, low, high = (
            np.array([c[k] for c in cells.values()]) for k in ("ratio", "low", "high")
        )
        if way == "floor":
            middle, low, high = 1 / middle, 1 / high, 1 / low
        errors = [middle - low, high - middle]
        ax.errorbar(middle, list(cells), xerr=errors, fmt=marker, linestyle="none", label=way)
    ax.axvline(1, color="grey", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yticks(range(len(rows)), [row["what"] for row in rows])
    ax.set_xlabel("time compared with ours (left of 1: less)")
    fig.legend(loc="outside upper center", ncols=len(MARKERS))
    fig.savefig(path, metadata={"Date": None})  # the same figure, the same bytes
    plt.close(fig)
