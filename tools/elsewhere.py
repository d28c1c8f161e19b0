"""Run chapters as other processors would, and show what of their numbers depends on the processor.

Sums are added up in another order under another instruction set, or with more threads. The
libraries can be told to use an older one than the processor has, so one machine shows what others
will measure, as far as it has their instructions. Each claim's value is printed under every
setting with the interval that the book accepts; outputs that are compared exactly and differ from
the stored ones are listed. Both are errors if a value leaves its interval.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from hwlib.course.claims import EXACT
from tools.notebooks import TOP, kernels_import_from_here

APPROXIMATE = re.compile(r"(?<=^regex: ).*", re.M).search(
    (TOP / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
)
NAMES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE", "OMP_NUM_THREADS")
SETTINGS = {
    "sse": ("default", "SSE41", "Nehalem", "1"),
    "avx2": ("avx2", "AVX2", "Haswell", "1"),
    "avx512": ("avx512", "AVX512_CORE", "SkylakeX", "1"),
    "two": ("", "", "", "2"),  # threads, and whatever the processor has
}
NEEDS = {"avx2": "avx2", "avx512": "avx512f"}  # flags of the processor
# Every claim is to be collected, also one after another that fails.
LENIENT = """import hwlib.course.claims as _claims
_claims._status = lambda value, low, high, compared: "measured" if compared else "not compared"
"""


@dataclass
class Run:
    """What one chapter showed under one setting: claims by name, and what else by cell."""

    claims: dict[str, dict[str, Any]]
    shown: list[list[str]]
    error: str = ""


def comparable(output: NotebookNode) -> str | None:
    """Return what of an output must be the same everywhere, or None for claims."""
    if output.output_type == "stream":
        text = output.text
    elif output.output_type == "error" or "claim" in output.metadata:
        return None
    else:
        text = output.data.get(EXACT, output.data.get("text/plain", ""))
    assert APPROXIMATE
    return re.sub(APPROXIMATE.group(), "≈#", text)


def read(notebook: NotebookNode) -> Run:
    """Collect the claims and the comparable outputs of an executed notebook."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    outputs = [output for cell in cells for output in cell.outputs]
    claims = [o.metadata["claim"] for o in outputs if "claim" in o.get("metadata", {})]
    shown = [[text for o in cell.outputs if (text := comparable(o))] for cell in cells]
    failed = [
        f"{o.ename}: {o.evalue}"
        for cell in cells
        for o in cell.outputs
        if o.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    return Run({made["name"]: made for made in claims}, shown, "; ".join(failed))


def run_here(source: Path, target: Path) -> None:
    """Execute the notebook ``source`` in this process's environment, into ``target``."""
    notebook = nbformat.read(source, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(LENIENT))
    resources = {"metadata": {"path": str(source.parent)}}
    NotebookClient(notebook, timeout=3600, allow_errors=True, resources=resources).execute()
    del notebook.cells[0]
    nbformat.write(notebook, target)


def run(source: Path, setting: str, log: Path | None = None) -> Run:
    """Execute a chapter in a process of its own, whose libraries are told what to use."""
    told = {name: value for name, value in zip(NAMES, SETTINGS[setting], strict=True) if value}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / source.name
        here = [sys.executable, "-m", "tools.elsewhere", "--run", str(source), str(target)]
        subprocess.run(here, env=os.environ | told, cwd=TOP, check=True)
        found = read(nbformat.read(target, as_version=4))
    if log:
        values = {name: made["value"] for name, made in found.claims.items()}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"chapter": source.stem, "setting": setting, **values}) + "\n")
    return found


def available(setting: str) -> bool:
    """Whether the processor has what a setting asks for; where nothing tells, it is tried."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.exists() else []
    return not flags or NEEDS.get(setting, flags[0]) in flags


def inside(value: float, made: dict[str, Any]) -> bool:
    """Whether a value lies in the interval of a claim."""
    low, high = made["low"], made["high"]
    return (low is None or value >= low) and (high is None or value <= high)


def strain(values: list[float], made: dict[str, Any]) -> float:
    """Return the spread of the values over their distance to the nearest end of the interval."""
    spread = max(values) - min(values)
    if not spread:
        return 0.0
    below = float("inf") if made["low"] is None else min(values) - made["low"]
    above = float("inf") if made["high"] is None else made["high"] - max(values)
    room = min(below, above)
    return spread / room if room > 0 else float("inf")


def compare(chapter: str, stored: Run, runs: dict[str, Run]) -> tuple[list[tuple], list[str]]:
    """Return a row of the table for each claim that varied, and the errors of a chapter."""
    rows, errors = [], []
    for setting, other in runs.items():
        errors += [f"{chapter} under {setting}: {other.error}"] * bool(other.error)
        for number, (here, there) in enumerate(zip(stored.shown, other.shown, strict=True)):
            if here != there:
                errors.append(f"{chapter} under {setting}, cell {number}: {here} became {there}")
    for name, made in stored.claims.items():
        found = {"stored": made["value"]}
        found |= {s: r.claims[name]["value"] for s, r in runs.items() if name in r.claims}
        if made["status"] != "holds":  # a time is not bounded
            continue
        outside = {s: v for s, v in found.items() if not inside(v, made)}
        errors += [f"{chapter}: {name} is {v} under {s}" for s, v in outside.items()]
        strained = strain(list(found.values()), made)
        if strained:
            rows.append((strained, chapter, name, made["accepted"], found))
    return rows, errors


def main(arguments: list[str] | None = None) -> int:
    """Run the chapters under each setting, print the table, and say what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", type=Path, help="such as book/03_*.ipynb")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--run", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help="where to add what was measured, as JSON lines")
    given = parser.parse_args(arguments)
    if given.run:
        run_here(*given.run)
        return 0
    kernels_import_from_here()
    settings = [setting for setting in given.settings if available(setting)]
    for setting in set(given.settings) - set(settings):
        print(f"{setting} is left out: this processor does not have it")
    rows, errors = [], []
    for chapter in given.chapters or sorted((TOP / "book").glob("[0-9]*.ipynb")):
        source = chapter.with_suffix(".ipynb").resolve()
        stored = read(nbformat.read(source, as_version=4))
        runs = {setting: run(source, setting, given.log) for setting in settings}
        varied, wrong = compare(source.stem, stored, runs)
        rows += varied
        errors += wrong
    report(rows)
    print(*errors, sep="\n")
    return bool(errors)


def report(rows: list[tuple]) -> None:
    """Print what varied, the most strained first."""
    for strained, chapter, name, accepted, found in sorted(rows, key=lambda row: -row[0]):
        values = ", ".join(f"{s} {v:.6g}" for s, v in found.items())
        print(f"{strained:8.3g}  {chapter[:2]} {name} ({accepted}): {values}")


if __name__ == "__main__":
    sys.exit(main())
