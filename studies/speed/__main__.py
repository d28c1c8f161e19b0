"""Measure what this package costs against what a reader would use instead: `make bench`.

pytest-benchmark takes the times; this module reads its report, computes ratios within each repeat,
and writes `book/data/bench.json`, and beside it the tables and the plot of the page on cost.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from studies.speed import page as bench_page

TOP = Path(__file__).parents[2]
TARGET = TOP / "book" / "data" / "bench.json"
PACKAGES = ("numpy", "torch", "torchvision", "scikit-learn")
LEVELS = (85, 88, 90, 92)


def measure(part: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run the benchmarks of one part, "speed" or "chapters", and return the report."""
    folder = TOP / "studies" / "speed"
    chapters = folder / "bench_chapters.py"
    which = [f"--ignore={chapters}", str(folder)] if part == "speed" else [str(chapters)]
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.json"
        command = [sys.executable, "-m", "pytest", "-q", "-c", str(folder / "pytest.ini"), *which]
        command += ["-p", "no:cacheprovider", f"--benchmark-json={report}", "--benchmark-quiet"]
        environment = os.environ | {"PYTHONPATH": str(TOP)}
        subprocess.run([*command, *arguments], check=True, cwd=TOP, env=environment)
        return json.loads(report.read_text())


def seconds_by_way(report: Mapping[str, Any]) -> dict[str, dict[str, dict[int, float]]]:
    """Return the median time of what was done, by way and by repeat."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for entry in report["benchmarks"]:
        info = entry["extra_info"]
        ways = found.setdefault(info["what"], {})
        ways.setdefault(info["way"], {})[info["repeat"]] = entry["stats"]["median"]
    return found


def row(what: str, ways: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    """Return median seconds of each way, and of those not ours the ratio, lowest to highest."""
    ours = ways["ours"]
    cells = {}
    for way, seconds in ways.items():
        cells[way] = {"seconds": median(seconds.values())}
        if way != "ours":
            over = way == "floor"  # how far above the floor; how far below all others
            pairs = [(ours[i], seconds[i]) for i in sorted(set(ours) & set(seconds))]
            ratios = [mine / other if over else other / mine for mine, other in pairs]
            cells[way] |= {"ratio": median(ratios), "low": min(ratios), "high": max(ratios)}
    return {"what": what, "ways": cells}


def times_to_accuracy(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each level our time and the usual recipe's, None where it did not get there."""
    entries = [e for e in report["benchmarks"] if e["extra_info"]["what"] == "accuracy"]
    courses = [e["extra_info"]["course"] for e in entries if "course" in e["extra_info"]]
    rows = []
    for entry in entries if courses else []:  # nothing to compare with is not "not reached"
        info = entry["extra_info"]
        if "level" in info:
            passed = [s for course in courses for s, a in course if a >= info["level"] / 100]
            rows.append(
                {name: info[name] for name in ("level", "recipe", "test_accuracy")}
                | {"seconds": entry["stats"]["median"]}
                | {"usual_seconds": min(passed, default=None)}
            )
    return rows


def summarise(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a report on speed."""
    found = seconds_by_way(report)
    processes = found.pop("a process that imports", {})
    found.pop("accuracy", None)
    return {
        "machine": machine(report),
        "rows": [row(what, ways) for what, ways in found.items()],
        "imports": {way: median(seconds.values()) for way, seconds in processes.items()},
        "accuracy": times_to_accuracy(report),
    }


def summarise_chapters(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a report on chapters."""
    rows = [
        {
            "chapter": entry["extra_info"]["way"],
            "seconds": entry["stats"]["median"],
            "peak_megabytes": entry["extra_info"]["peak_megabytes"],
        }
        for entry in report["benchmarks"]
    ]
    return {"machine": machine(report), "rows": rows}


def machine(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the processor, how many of them, and the versions; no names of a host or user."""
    found = report["machine_info"]
    return {
        "processor": found["cpu"].get("brand_raw", found["machine"]),
        "processors": found["cpu"].get("count"),
        "python": found["python_version"],
        "date": report["datetime"][:10],
        "versions": {package: version(package) for package in PACKAGES},
    }


def main() -> int:
    """Measure one part and store it beside the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("speed", "chapters"))
    parser.add_argument("--path", type=Path, default=TARGET, help="where results are stored")
    args, rest = parser.parse_known_args()
    start, before = time.perf_counter(), os.getloadavg()[0]
    report = measure(args.part, rest)
    part = summarise(report) if args.part == "speed" else summarise_chapters(report)
    # Of other programs: the first number should be near 0, or the times are not to be trusted.
    part["machine"]["load_before"] = round(before, 1)
    record = json.loads(args.path.read_text()) if args.path.exists() else {}
    record[args.part] = part
    args.path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if "speed" in record:
        bench_page.write(record, args.path.parent)
    print(f"{args.path.name} written after {time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
