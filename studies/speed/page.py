"""The tables and the plot of the page on cost, made from `book/data/bench.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from hwlib import plot

Rows = Sequence[Mapping[str, Any]]
HEADERS = {
    "usual recipe": "usual recipe",
    "autograd": "PyTorch autograd",
    "scikit-learn": "scikit-learn",
}


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


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def speed_table(rows: Rows, others: Sequence[str]) -> str:
    """Return our time, how far it is above the floor, and how much longer other ways take."""
    body = []
    for row in rows:
        ways = row["ways"]
        cells = [ratio(ways.get(way)) for way in ("floor", *others)]
        body.append([row["what"], seconds(ways["ours"]["seconds"]), *cells])
    return markdown(["", "ours", "ours / floor", *(f"{HEADERS[o]} / ours" for o in others)], body)


def together_table(rows: Rows) -> str:
    """Return how long seeds take one after the other, and how much shorter together."""
    body = []
    for row in rows:
        ways = row["ways"]
        body.append([row["what"], seconds(ways["ours"]["seconds"]), ratio(ways["together"])])
    return markdown(["", "one after the other", "together / one after the other"], body)


def accuracy_table(rows: Rows) -> str:
    """Return the times to each accuracy."""
    body = []
    for row in rows:
        usual = row["usual_seconds"]
        cells = ["not reached", "–"]
        if usual is not None:
            cells = [seconds(usual), f"{usual / row['seconds']:.1f}"]
        body.append([f"{row['level']} %", row["recipe"], seconds(row["seconds"]), *cells])
    return markdown(["accuracy", "our recipe", "ours", "usual recipe", "ratio"], body)


def start_table(speed: Mapping[str, Any]) -> str:
    """Return what it costs before anything is trained."""
    once = [row for row in speed["rows"] if set(row["ways"]) == {"ours"}]
    body = [[row["what"], seconds(row["ways"]["ours"]["seconds"])] for row in once]
    for way, value in speed["imports"].items():
        body.append([f"a process that imports {way}", seconds(value)])
    return markdown(["", "time"], body)


def chapter_table(chapters: Mapping[str, Any]) -> str:
    """Return time and memory of each chapter."""
    body = [
        [row["chapter"], seconds(row["seconds"]), f"{row['peak_megabytes']:,.0f} MB"]
        for row in chapters["rows"]
    ]
    return markdown(["chapter", "time", "peak memory"], body)


def machine_line(part: Mapping[str, Any]) -> str:
    """Return what the numbers were measured on."""
    m = part["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in m["versions"].items())
    return (
        f"Measured on {m['date']} with {m['processors']} × {m['processor']}, Python {m['python']}, "
        f"{versions}. Load of other programs before the start: {m['load_before']}.\n"
    )


def fragments(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the Markdown that the page includes, by name."""
    speed = record["speed"]
    compared = [row for row in speed["rows"] if "floor" in row["ways"]]
    made = {
        "bench_epochs": speed_table(
            [row for row in compared if not row["what"].startswith("gradient")], ["usual recipe"]
        ),
        "bench_gradient": speed_table(
            [row for row in compared if row["what"].startswith("gradient")],
            ["autograd", "scikit-learn"],
        ),
        "bench_together": together_table([r for r in speed["rows"] if "together" in r["ways"]]),
        "bench_accuracy": accuracy_table(speed["accuracy"]),
        "bench_start": start_table(speed),
        "bench_machine": machine_line(speed),
    }
    if "chapters" in record:
        made["bench_chapters"] = (
            chapter_table(record["chapters"]) + "\n" + machine_line(record["chapters"])
        )
    return made


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw how much longer than ours every other way takes, the floor included."""
    plot.use_style()
    markers = {"floor": "o", "usual recipe": "s", "autograd": "^", "scikit-learn": "D"}
    rows = [r for r in record["speed"]["rows"] if "floor" in r["ways"]][::-1]
    fig, ax = plt.subplots(figsize=(6.4, 4.2))
    for way, marker in markers.items():
        places, values, spread = [], [], []
        for place, row in enumerate(rows):
            if cell := row["ways"].get(way):
                ends = [cell["ratio"], cell["low"], cell["high"]]
                middle, *both = [1 / r for r in ends] if way == "floor" else ends
                places.append(place)
                values.append(middle)
                spread.append([middle - min(both), max(both) - middle])
        errors = list(zip(*spread, strict=True))
        ax.errorbar(values, places, xerr=errors, fmt=marker, linestyle="none", label=way)
    ax.axvline(1, color="grey", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yticks(range(len(rows)), [row["what"] for row in rows])
    ax.set_xlabel("time compared with ours (left of 1: less)")
    ax.legend(loc="lower left")
    fig.savefig(path, metadata={"Software": None})
    plt.close(fig)


def write(record: Mapping[str, Any], data: Path) -> None:
    """Write all fragments and the plot."""
    for name, text in fragments(record).items():
        (data / f"{name}.md").write_text(text, encoding="utf-8")
    draw(record, data / "bench.png")
