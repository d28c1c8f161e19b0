"""Run chapters as other processors would, and show what of their numbers depends on the processor.

Sums are added up in another order under another instruction set, or with more threads. The
libraries can be told to use an older one than the processor has, so one machine shows what others
will measure, as far as it has their instructions. Each claim whose value varies is printed with the
interval that the book accepts. A value that leaves its interval is an error, and so is an output
that is compared exactly and differs from the stored one.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from hwlib.course.claims import EXACT
from tools import TOP
from tools.kernels import prepare_kernels

SANITIZE = (TOP / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8")
APPROXIMATE = re.findall(r"^regex: (.*)", SANITIZE, re.M)[0]  # ≈ and the number behind it
NAMES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE", "OMP_NUM_THREADS")
SETTINGS = {
    "sse": ("default", "SSE41", "Nehalem", "1"),
    "avx2": ("avx2", "AVX2", "Haswell", "1"),
    "avx512": ("avx512", "AVX512_CORE", "SkylakeX", "1"),
    "two": ("", "", "", "2"),  # threads, and whatever the processor has
}
NEEDS = {"avx2": "avx2", "avx512": "avx512f"}  # flags of the processor


class Run(NamedTuple):
    """What a chapter showed: claims by name, what else by cell, and its errors."""

    claims: dict[str, dict[str, Any]]
    shown: list[list[str]]
    errors: list[str]


def comparable(output: NotebookNode) -> str:
    """Return what of an output must be the same everywhere: nothing of claims and errors."""
    if output.output_type == "stream":
        text = output.text
    elif output.output_type == "error" or "claim" in output.metadata:
        return ""
    else:
        text = output.data.get(EXACT, output.data.get("text/plain", ""))
    return re.sub(APPROXIMATE, "≈#", text)


def read(notebook: NotebookNode) -> Run:
    """Collect what an executed notebook shows; an error that a cell may raise is none."""
    run = Run({}, [], [])
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        run.shown.append([text for output in outputs if (text := comparable(output))])
        made = [o.metadata["claim"] for o in outputs if "claim" in o.get("metadata", {})]
        run.claims.update({claim["name"]: claim for claim in made})
        if "raises-exception" not in cell.metadata.get("tags", []):
            errors = (o for o in outputs if o.output_type == "error")
            run.errors.extend(f"{error.ename}: {error.evalue}" for error in errors)
    return run


def run(source: Path, setting: str) -> Run:
    """Execute a chapter in a kernel whose libraries are told what to use."""
    told = {name: value for name, value in zip(NAMES, SETTINGS[setting], strict=True) if value}
    notebook = nbformat.read(source, as_version=4)
    resources = {"metadata": {"path": str(source.parent)}}
    client = NotebookClient(notebook, timeout=3600, allow_errors=True, resources=resources)
    client.execute(env=os.environ | told)
    return read(notebook)


def available(setting: str) -> bool:
    """Whether the processor has what a setting asks for; where nothing tells, it is tried."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.exists() else []
    return not flags or NEEDS.get(setting, flags[0]) in flags


def varied(stored: Run, runs: dict[str, Run]) -> list[str]:
    """Return a line for each claim with an interval whose value is not the same in all runs."""
    lines = []
    for name, made in stored.claims.items():
        values = {"stored": made["value"]}
        values |= {s: run.claims[name]["value"] for s, run in runs.items() if name in run.claims}
        if made["status"] == "holds" and len(set(values.values())) > 1:
            told = ", ".join(f"{setting} {value:.6g}" for setting, value in values.items())
            lines.append(f"{name} ({made['accepted']}): {told}")
    return lines


def wrong(stored: Run, runs: dict[str, Run]) -> list[str]:
    """Return a line for each error of a run, and each output that is not the stored one."""
    lines = []
    for setting, run in runs.items():
        lines += [f"under {setting}: {error}" for error in run.errors]
        for number, (here, there) in enumerate(zip(stored.shown, run.shown, strict=True)):
            if here != there:
                lines.append(f"under {setting}, cell {number}: {here} became {there}")
    return lines


def main(arguments: list[str] | None = None, settings: Iterable[str] = SETTINGS) -> int:
    """Run the chapters under each setting, print what varied, and say what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", type=Path, help="such as book/03_*.ipynb")
    given = parser.parse_args(arguments)
    prepare_kernels()
    os.environ.pop("HWLIB_STAND_IN", None)  # on the real data only
    print("Left out, since this processor lacks them:", [s for s in settings if not available(s)])
    failed = False
    for chapter in given.chapters or sorted((TOP / "book").glob("[0-9]*.ipynb")):
        stored = read(nbformat.read(chapter, as_version=4))
        runs = {s: run(chapter.resolve(), s) for s in settings if available(s)}
        errors = wrong(stored, runs)
        failed |= bool(errors)
        print(chapter.stem, *varied(stored, runs), *errors, sep="\n  ")
    return failed


if __name__ == "__main__":
    sys.exit(main())
