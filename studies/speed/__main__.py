"""Measure what this package costs against what a reader would use instead: `make bench`.

Writes `book/data/bench.json`, whose tables the page on cost shows, and the plot beside it.
"""

import argparse
import json
import os
import platform
from datetime import date
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from hwlib.data import load_fashion_mnist
from studies.speed import gradient, page, start, training
from studies.speed.stopwatch import measure
from tools import TOP

TARGET = TOP / "book" / "data" / "bench.json"
PACKAGES = ("numpy", "torch", "torchvision", "scikit-learn")
REPEATS = 3


def machine() -> dict[str, Any]:
    """Return the processor, how many of them, and the versions; no names of a host or user."""
    details = Path("/proc/cpuinfo")
    lines = details.read_text().splitlines() if details.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": next(iter(names), platform.processor() or platform.machine()),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "date": date.today().isoformat(),
        "versions": {package: version(package) for package in PACKAGES},
        # Of other programs: should be near 0, or the times are not to be trusted.
        "load_before": round(os.getloadavg()[0], 1),
    }


def speed() -> dict[str, Any]:
    """Return the times of everything but the chapters."""
    data = load_fashion_mnist(allow_stand_in=False)
    cases = chain(
        training.epoch_cases(data), gradient.cases(), training.seed_cases(data), start.cases()
    )
    return {"rows": measure(cases, REPEATS), "accuracy": training.times(data)}


def store(record: dict[str, Any], path: Path = TARGET) -> None:
    """Write a record with its tables, and the plot."""
    record["tables"] = page.tables(record)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page.draw(record, path.with_suffix(".svg"))


def main() -> None:
    """Measure one part and store it beside the other."""
    parser = argparse.ArgumentParser(prog="python -m studies.speed", description=__doc__)
    parser.add_argument("part", choices=("speed", "chapters"))
    part = parser.parse_args().part
    made = {"machine": machine()} | (speed() if part == "speed" else {"rows": start.chapters()})
    store(json.loads(TARGET.read_text(encoding="utf-8")) | {part: made})


if __name__ == "__main__":
    main()
