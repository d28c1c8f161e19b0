"""Run chapters as other processors would, and show what of their numbers depends on the processor.

Sums are added up in another order under another instruction set, or with more threads. The
libraries can be told to use an older one than the processor has, so one machine shows what others
will measure, as far as it has their instructions. Each claim whose value varies is printed with the
interval that the book accepts. A value that leaves its interval is an error, and so is an output
that is compared exactly and differs from the stored one: nbval finds both, with this module as
a plugin. `python -m tools.elsewhere book/03_*.ipynb` takes one chapter; without a name, all.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

from tools import TOP

NAMES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE", "OMP_NUM_THREADS")
SETTINGS = {
    "sse": ("default", "SSE41", "Nehalem", "1"),
    "avx2": ("avx2", "AVX2", "Haswell", "1"),
    "avx512": ("avx512", "AVX512_CORE", "SkylakeX", "1"),
    "two": ("", "", "", "2"),  # threads, and whatever the processor has
}
NEEDS = {"avx2": "avx2", "avx512": "avx512f"}  # flags of the processor
VARIED: list[str] = []  # of the run that has loaded this as a plugin
PYTEST = ("-m", "pytest", "-c", "pyproject.toml", "-p", "tools", "-p", "conftest")
PLUGIN = ("-p", "tools.elsewhere", "--nbval", "--nbval-cell-timeout=3600", "-q")


def available(setting: str) -> bool:
    """Whether the processor has what a setting asks for; where nothing tells, it is tried."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.exists() else []
    return not flags or NEEDS.get(setting, flags[0]) in flags


def _claims(outputs: Iterable[Any]) -> dict[str, dict[str, Any]]:
    made = (output.get("metadata", {}).get("claim") for output in outputs)
    return {claim["name"]: claim for claim in made if claim}


def varied(stored: Iterable[Any], made: Iterable[Any]) -> list[str]:
    """Return a line for each claim with an interval whose value is not the stored one."""
    here = _claims(made)
    return [
        f"{name} ({claim['accepted']}): {claim['value']:.6g} became {here[name]['value']:.6g}"
        for name, claim in _claims(stored).items()
        if claim["status"] == "holds" and here.get(name, claim)["value"] != claim["value"]
    ]


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note what has varied in a cell."""
    if isinstance(item, IPyNbCell):
        lines = varied(item.cell.outputs, item.test_outputs or ())
        VARIED.extend(f"{item.path.stem}: {line}" for line in lines)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what has varied."""
    for line in VARIED:
        terminalreporter.write_line(line)


def main(chapters: Sequence[str], settings: Iterable[str] = SETTINGS) -> int:
    """Run the chapters under each setting, print what varied, and say what does not hold."""
    failed = False
    for setting in settings:
        if not available(setting):
            print(f"{setting}: left out, since this processor lacks it")
            continue
        print(f"{setting}:", flush=True)
        told = {n: value for n, value in zip(NAMES, SETTINGS[setting], strict=True) if value}
        told["HWLIB_STAND_IN"] = "0"  # on the real data only
        command = [sys.executable, *PYTEST, *PLUGIN, *chapters]
        failed |= bool(subprocess.run(command, cwd=TOP, env=os.environ | told).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["book"]))
