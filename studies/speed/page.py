"""The tables and the plot of the page on cost, made from the record of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from hwlib import plot

Rows = Sequence[Mapping[str, Any]]
MARKERS = {"floor": "o", "usual recipe": "s", "autograd": "^", "scikit-learn": "D"}


def seconds(value: float) -> str:
    """Return a time with two digits and its unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{value / factor:.{1 if value < 10 * factor else 0}f} {unit}"
    return "< 1 µs"


def ratio(cell: Mapping[str, float] | None) -> str:
    """Return a ratio with the lowest and the highest of the repeats."""
    if cell is None:
        return "–"
    return f"{cell['ratio']:.2f} ({cell['low']:.2f} to {cell['high']:.2f})"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return a table as a record holds it."""
    return {"headers": list(headers), "rows": [list(row) for row in rows]}


def compared(rows: Rows, headers: Sequence[str], ways: Sequence[str]) -> dict[str, Any]:
    """Return our time, and the ratios of other ways."""
    body = []
    for row in rows:
        found = row["ways"]
        cells = [seconds(found["ours"]["seconds"]), *(ratio(found.get(way)) for way in ways)]
        body.append([row["what"], *cells])
    return table(["What", *headers], body)


def accuracies(rows: Rows) -> dict[str, Any]:
    """Return the times to each accuracy."""
    body = []
    for row in rows:
        usual = row["usual_seconds"]
        cells = ["not reached", "–"]
        if usual is not None:
            cells = [seconds(usual), f"{usual / row['seconds']:.1f}"]
        body.append([f"{row['level']} %", row["recipe"], seconds(row["seconds"]), *cells])
    return table(["Accuracy", "Our recipe", "Ours", "Usual recipe", "Ratio"], body)


def machines(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the numbers were measured on."""
    body = []
    for name, part in record.items():
        m = part["machine"]
        versions = ", ".join(f"{package} {number}" for package, number in m["versions"].items())
        where = f"{m['processors']} × {m['processor']}"
        what = f"Python {m['python']}, {versions}"
        body.append([name, m["date"], where, what, str(m["load_before"])])
    return table(["Part", "Date", "Processors", "Versions", "Load before the start"], body)


def tables(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of the page by name."""
    parts = {name: record[name] for name in ("speed", "chapters") if name in record}
    made = {"machines": machines(parts)}
    if "speed" in parts:
        rows = parts["speed"]["rows"]
        floors = [row for row in rows if "floor" in row["ways"]]
        gradients = [row for row in floors if row["what"].startswith("gradient")]
        others = ("PyTorch autograd / ours", "scikit-learn / ours")
        made |= {
            "epochs": compared(
                [row for row in floors if row not in gradients],
                ["Ours", "Ours / floor", "Usual recipe / ours"],
                ["floor", "usual recipe"],
            ),
            "gradient": compared(
                gradients, ["Ours", "Ours / floor", *others], ["floor", "autograd", "scikit-learn"]
            ),
            "together": compared(
                [row for row in rows if "together" in row["ways"]],
                ["One after the other", "Together / one after the other"],
                ["together"],
            ),
            "start": compared([row for row in rows if set(row["ways"]) == {"ours"}], ["Time"], []),
            "accuracy": accuracies(parts["speed"]["accuracy"]),
        }
    if "chapters" in parts:
        body = [
            [row["chapter"], seconds(row["seconds"]), f"{row['peak_megabytes']:,.0f} MB"]
            for row in parts["chapters"]["rows"]
        ]
        made["chapters"] = table(["Chapter", "Time", "Peak memory"], body)
    return made


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw how much longer than ours every other way takes, the floor included."""
    plot.use_style()
    measured = record["speed"]["rows"] if "speed" in record else []
    rows = [row for row in measured if "floor" in row["ways"]][::-1]
    fig, ax = plt.subplots(figsize=(6.4, 4.2))
    for way, marker in MARKERS.items():
        places = [place for place, row in enumerate(rows) if way in row["ways"]]
        cells = [rows[place]["ways"][way] for place in places]
        ends = [[cell[k] for k in ("ratio", "low", "high")] for cell in cells]
        if way == "floor":
            ends = [[1 / middle, 1 / high, 1 / low] for middle, low, high in ends]
        errors = [[m - low for m, low, _ in ends], [high - m for m, _, high in ends]]
        values = [middle for middle, _, _ in ends]
        ax.errorbar(values, places, xerr=errors, fmt=marker, linestyle="none", label=way)
    ax.axvline(1, color="grey", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yticks(range(len(rows)), [row["what"] for row in rows])
    ax.set_xlabel("time compared with ours (left of 1: less)")
    ax.legend(loc="lower left")
    fig.savefig(path, metadata={"Software": None})
    plt.close(fig)
