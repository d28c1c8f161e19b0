"""What depends on the processor is found: values of claims, exact outputs, and errors."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.elsewhere import SETTINGS, Run, available, main, read, varied, wrong


def claimed(value: float, **changed: Any) -> dict[str, Any]:
    made = {"name": "a", "value": value, "status": "holds", "accepted": "1 to 3"}
    return made | changed


def test_what_differs_is_told() -> None:
    stored = {"a": claimed(2.0), "b": claimed(1.0), "time": claimed(9.0, status="measured")}
    other = {"a": claimed(2.5), "b": claimed(1.0), "time": claimed(1.0)}
    book = Run(stored, [["x"], ["y"]], [])
    same = Run(other, [["x"], ["y"]], [])
    assert varied(book, {"sse": same}) == ["a (1 to 3): stored 2, sse 2.5"]
    assert wrong(book, {"sse": same}) == []
    broken = Run({}, [["x"], ["z"]], ["ClaimError: a: expected 1 to 3, got 4.0"])
    assert varied(book, {"sse": broken}) == []
    assert wrong(book, {"sse": broken}) == [
        "under sse: ClaimError: a: expected 1 to 3, got 4.0",
        "under sse, cell 1: ['y'] became ['z']",
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
    assert not found.errors


def test_an_error_is_found_unless_the_cell_is_to_raise() -> None:
    error = new_output("error", ename="ValueError", evalue="no", traceback=[])
    tagged = new_code_cell("raise", outputs=[error], metadata={"tags": ["raises-exception"]})
    assert read(new_notebook(cells=[tagged])).errors == []
    plain = new_code_cell("raise", outputs=[error])
    assert read(new_notebook(cells=[tagged, plain])).errors == ["ValueError: no"]


def planted(path: Path) -> Path:
    """Write a notebook whose numbers depend on the processor, as it was executed on another."""
    sources = (
        "import os\nfrom hwlib.course.claims import claim\n"
        "threads = int(os.environ['OMP_NUM_THREADS'])\nprint(os.environ['OPENBLAS_CORETYPE'])",
        "claim('first', 'Threads', threads, low=2, high=3)",
        "claim('second', 'Threads', threads, low=0, high=3)",
    )
    outputs = [new_output("stream", name="stdout", text="SkylakeX\n")]
    for name, accepted in (("first", "2 to 3"), ("second", "0 to 3")):
        made = claimed(2.0, name=name, accepted=accepted)
        outputs.append(new_output("display_data", {"text/plain": ""}, metadata={"claim": made}))
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [
        new_code_cell(source, outputs=[output], execution_count=1)
        for source, output in zip(sources, outputs, strict=True)
    ]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_a_chapter_is_run_under_other_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "TQDM_DISABLE", "HWLIB_STAND_IN"):
        monkeypatch.setenv(name, "")  # main sets or removes them
    assert main([str(planted(tmp_path / "09_planted.ipynb"))], ["sse"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "09_planted",
        "  second (0 to 3): stored 2, sse 1",
        "  under sse: ClaimError: first: Threads: expected 2 to 3, got 1; either the code has "
        "changed what it computes, or the text and the interval need to follow the new result.",
        "  under sse, cell 0: ['SkylakeX\\n'] became ['Nehalem\\n']",
    ]


def test_every_setting_is_complete_and_the_oldest_is_everywhere() -> None:
    assert all(len(values) == 4 for values in SETTINGS.values())
    assert available("sse")
