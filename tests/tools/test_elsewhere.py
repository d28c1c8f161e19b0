"""What depends on the processor is found: values of claims, exact outputs, and errors."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.elsewhere import SETTINGS, Run, available, compare, main, read, strain

CLAIM = {"low": 1.0, "high": 3.0, "status": "holds", "accepted": "1 to 3"}


def claimed(value: float, **changed: Any) -> dict[str, Any]:
    return CLAIM | {"name": "a", "value": value} | changed


def test_strain_is_the_spread_over_the_room_that_is_left() -> None:
    assert strain([2.0, 2.0], CLAIM) == 0
    assert strain([1.5, 2.0], CLAIM) == 1  # 0.5 apart, and 0.5 above the lower end
    assert strain([1.0, 2.0], CLAIM) == float("inf")
    assert strain([1.5, 2.0], CLAIM | {"low": None}) == 0.5


def test_what_differs_is_told() -> None:
    stored = Run({"a": claimed(2.0), "time": claimed(9.0, status="measured")}, [["x"], ["y"]])
    same = Run({"a": claimed(2.5), "time": claimed(1.0)}, [["x"], ["y"]])
    rows, errors = compare("01_x", stored, {"sse": same})
    assert [row[1:4] for row in rows] == [("01_x", "a", "1 to 3")]
    assert rows[0][4] == {"stored": 2.0, "sse": 2.5}
    assert not errors
    other = Run({"a": claimed(4.0)}, [["x"], ["z"]], "ValueError: no")
    errors = compare("01_x", stored, {"sse": other})[1]
    assert errors == [
        "01_x under sse: ValueError: no",
        "01_x under sse, cell 1: ['y'] became ['z']",
        "01_x: a is 4.0 under sse",
    ]


def test_numbers_held_by_claims_and_pictures_are_not_compared_exactly() -> None:
    outputs = [
        new_output("stream", text="≈ 2.5 s, 3 left\n"),
        new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"}),
        new_output("display_data", {"text/plain": "shown"}, metadata={"claim": claimed(2.0)}),
        new_output("display_data", {"text/plain": "1", "application/vnd.hwlib.exact": "2"}),
    ]
    found = read(new_notebook(cells=[new_code_cell("pass", outputs=outputs)]))
    assert found.shown == [["≈# s, 3 left\n", "<Figure>", "2"]]
    assert list(found.claims) == ["a"]
    assert not found.error


def planted(path: Path) -> Path:
    """Write a notebook whose numbers depend on the processor, as it was executed on another."""
    source = (
        "import os\nfrom hwlib.course.claims import claim\n"
        "threads = int(os.environ['OMP_NUM_THREADS'])\nprint(os.environ['OPENBLAS_CORETYPE'])\n"
        "claim('first', 'Threads', threads, low=2, high=3)\n"
        "claim('second', 'Threads', threads, low=0, high=3)"
    )
    outputs = [new_output("stream", name="stdout", text="SkylakeX\n")]
    for name, low in (("first", 2.0), ("second", 0.0)):
        made = claimed(2.0, name=name, low=low)
        outputs.append(new_output("display_data", {"text/plain": ""}, metadata={"claim": made}))
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [new_code_cell(source, outputs=outputs, execution_count=1)]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_a_chapter_is_run_under_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, log = planted(tmp_path / "09_planted.ipynb"), tmp_path / "log"
    assert main([str(path), "--settings", "sse", "--log", str(log)]) == 1
    told = capsys.readouterr().out
    assert "inf  09 first (1 to 3): stored 2, sse 1\n" in told
    assert "1  09 second (1 to 3): stored 2, sse 1\n" in told
    assert "cell 0: ['SkylakeX\\n'] became ['Nehalem\\n']" in told
    assert "09_planted: first is 1.0 under sse" in told
    told_to_log = {"chapter": "09_planted", "setting": "sse", "first": 1, "second": 1}
    assert json.loads(log.read_text()) == told_to_log


def test_every_setting_is_complete_and_the_oldest_is_everywhere() -> None:
    assert all(len(values) == 4 for values in SETTINGS.values())
    assert available("sse")
