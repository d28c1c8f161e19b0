"""What depends on the processor is found: values of claims, exact outputs, and errors."""

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import TOP
from tools.elsewhere import SETTINGS, available, main, varied


def claimed(value: float, **changed: Any) -> dict[str, Any]:
    made = {"name": "a", "value": value, "status": "holds", "accepted": "1 to 3"}
    return made | changed


def shown(*claims: dict[str, Any]) -> list[nbformat.NotebookNode]:
    """The outputs of a cell that prints, and makes claims."""
    printed = new_output("stream", name="stdout", text="x\n")
    data = {"text/plain": ""}
    made = [new_output("display_data", data, metadata={"claim": claim}) for claim in claims]
    return [printed, *made]


def test_what_differs_is_told() -> None:
    time = {"name": "time", "status": "measured"}
    stored = shown(claimed(2.0), claimed(1.0, name="b"), claimed(9.0, **time))
    other = shown(claimed(2.5), claimed(1.0, name="b"), claimed(1.0, **time))
    assert varied(stored, other) == ["a (1 to 3): 2 became 2.5"]
    assert varied(stored, shown()) == []  # an error, which nbval reports


def planted(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a notebook whose numbers depend on the processor, as it was executed on another."""
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    sources = (
        "import os\nfrom hwlib.course.claims import claim\n"
        "threads = int(os.environ['OMP_NUM_THREADS'])\nprint(os.environ['OPENBLAS_CORETYPE'])",
        "claim('first', 'Threads', threads, low=2, high=3)",
        "claim('second', 'Threads', threads, low=0, high=3)",
    )
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = new_notebook(cells=[new_code_cell(code) for code in sources], metadata=kernel)
    another = {"OPENBLAS_CORETYPE": "SkylakeX", "OMP_NUM_THREADS": "2"}
    NotebookClient(notebook).execute(env=os.environ | another)
    nbformat.write(notebook, path)
    return path


def test_a_chapter_is_run_under_other_settings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = planted(tmp_path / "09_planted.ipynb", monkeypatch)
    assert main([str(path)], ["sse"]) == 1
    said = capfd.readouterr().out
    assert said.startswith("sse:\n")
    assert "'SkylakeX\\n' == 'Nehalem\\n'" in said
    assert "first: Threads: expected 2 to 3, got 1; either the code has changed" in said
    assert "\n09_planted: second (0 to 3): 2 became 1\n" in said
    assert "2 failed, 1 passed" in said


def test_every_setting_is_complete_and_the_oldest_is_everywhere() -> None:
    assert all(len(values) == 4 for values in SETTINGS.values())
    assert available("sse")
