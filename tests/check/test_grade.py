"""Grading: every hand-in gets its line, whatever it does, and none stops the others."""

import json
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwlib.check import grade, runner
from hwlib.check.grade import Limits

RIGHT = """
import numpy as np

def my_sigmoid(z):
    return 1 / (1 + np.exp(-z))

def my_predict(X, W):
    z1 = X @ W["w1"]
    z2 = my_sigmoid(z1) @ W["w2"]
    return z1, z2, my_sigmoid(z2)
"""
WRONG = RIGHT.replace("np.exp(-z)", "np.exp(z)")
LIMITS = Limits(seconds=100, megabytes=600)


def notebook(path: Path, *sources: str, chapter: int | None = 1, tags: tuple = ()) -> Path:
    """Write a notebook with these cells."""
    metadata = {"tags": list(tags)}
    cells = [
        {"cell_type": "code", "source": s, "metadata": metadata, "outputs": []} for s in sources
    ]
    book = {"cells": cells, "metadata": {"hwlib": {"chapter": chapter}} if chapter else {}}
    path.write_text(json.dumps(book | {"nbformat": 4, "nbformat_minor": 5}))
    return path


def test_every_kind_of_hand_in_is_reported_and_none_stops_the_others(tmp_path):
    huge = tmp_path / "huge.ipynb"
    with huge.open("wb") as file:
        file.truncate(grade.LARGEST + 1)
    (tmp_path / "text.ipynb").write_text("my answers")
    expected = {
        notebook(tmp_path / "dies.ipynb", "import os; os.kill(os.getpid(), 11)"): ("crashed", 0),
        notebook(
            tmp_path / "memory.ipynb", "x = []\nwhile True: x.append(bytearray(10**8))", RIGHT
        ): ("graded", 3),
        tmp_path / "text.ipynb": ("refused", 0),
        huge: ("refused", 0),
        tmp_path / "missing.ipynb": ("refused", 0),
        notebook(tmp_path / "broken.ipynb", "1 / 0", "def (", "exit()", WRONG): ("graded", 0),
        notebook(tmp_path / "leaves.ipynb", "import os; os._exit(0)"): ("crashed", 0),
    }
    grades = list(grade.grade(list(expected), LIMITS))
    assert [g.path for g in grades] == [str(path) for path in expected]
    assert [(g.status, g.points) for g in grades] == list(expected.values())
    assert all(len(str(g).splitlines()) == 1 for g in grades)
    dies, memory, _, large, _, broken, _ = grades
    assert "SIGSEGV" in dies.detail
    assert "MemoryError" in memory.errors["1"]
    assert "MB" in large.detail
    assert set(broken.errors) == {"1", "2", "3"}
    assert "sign" in broken.results["sigmoid"]["hint"]
    assert broken.results["logistic_loss"] is None


def test_an_endless_hand_in_is_stopped_and_the_next_one_graded(tmp_path):
    paths = [notebook(tmp_path / "endless.ipynb", "while True: pass"), tmp_path / "none.ipynb"]
    grades = list(grade.grade(paths, Limits(seconds=2), jobs=1))
    assert [g.status for g in grades] == ["out of time", "refused"]
    assert grades[0].detail == "stopped after 2 s"


def test_a_hand_in_may_not_outlive_its_time_with_a_child_of_its_own(tmp_path):
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(6); open({str(mark)!r}, 'w').close()"
    path = notebook(
        tmp_path / "child.ipynb",
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}]).wait()",
    )
    assert grade.grade_one(path, Limits(seconds=3)).status == "out of time"
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(mark) not in listed


def test_the_environment_of_the_grader_is_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    path = notebook(tmp_path / "a.ipynb", "import os\nassert 'SECRET' not in os.environ", RIGHT)
    done = grade.grade_one(path, LIMITS)
    assert (done.errors, done.points) == ({}, 3)


def test_the_command_prints_one_line_each_and_writes_json(tmp_path, monkeypatch, capsys):
    right = notebook(tmp_path / "right.ipynb", RIGHT)
    text = tmp_path / "text.ipynb"
    text.write_text("[]")
    target = tmp_path / "all.json"
    monkeypatch.setattr(sys, "argv", ["check", str(right), str(text), "--json", str(target)])
    with pytest.raises(SystemExit) as stopped:  # as ``python -m hwlib.check`` runs it
        runpy.run_module("hwlib.check", run_name="__main__")
    assert stopped.value.code == 1
    printed = capsys.readouterr()
    assert [line.split(": ")[0] for line in printed.out.splitlines()] == [str(right), str(text)]
    assert "2 hand-ins, 1 graded, 1 not" in printed.err
    written = json.loads(target.read_text())
    assert [entry["points"] for entry in written] == [3, 0]


def test_without_metadata_the_chapter_is_told_by_the_answers(tmp_path):
    path = notebook(tmp_path / "a.ipynb", RIGHT, chapter=None)
    assert runner.read_notebook(path)[1] == 1
    with pytest.raises(runner.HandInError, match="no chapter"):
        runner.read_notebook(notebook(tmp_path / "b.ipynb", "x = 1", chapter=None))


def test_of_a_chapters_own_cells_only_imports_are_run():
    cell = {"source": "import math\nfrom os import path\nx = train()", "tags": ["chapter"]}
    assert runner.source_to_run(cell) == "import math\nfrom os import path"
    assert runner.source_to_run(cell | {"tags": ["check"]}) == ""
    magic = {"source": "%time\nx = 1\n!rm", "tags": []}
    assert runner.source_to_run(magic) == "\nx = 1\n"


def run_of(tmp_path, source, **limits):
    """The grade of a hand-in with one cell and then right answers, and the seconds it took."""
    path = notebook(tmp_path / "one.ipynb", source, RIGHT)
    start = time.monotonic()
    done = grade.grade_one(path, Limits(**{"seconds": 100, "megabytes": 600} | limits))
    return done, time.monotonic() - start


def test_a_file_beyond_the_limit_is_an_error_in_its_cell(tmp_path):
    done, _ = run_of(
        tmp_path, "with open('x', 'wb') as f:\n    f.seek(101 << 20)\n    f.write(b'1')"
    )
    assert "OSError" in done.errors["1"]
    assert done.points == 3


def test_an_array_beyond_the_memory_limit_is_an_error_in_its_cell(tmp_path):
    done, _ = run_of(tmp_path, "x = bytearray(800 << 20)")
    assert "MemoryError" in done.errors["1"]
    assert done.points == 3


def test_a_hand_in_that_waits_is_stopped_by_the_clock(tmp_path):
    done, seconds = run_of(tmp_path, "import time\ntime.sleep(25)", seconds=2)
    assert done.status == "out of time"
    assert seconds < 15


@pytest.mark.parametrize("ending", ["", ".wait()"])
def test_processes_that_a_hand_in_started_end_with_it(tmp_path, ending):
    mark = tmp_path / "pid"
    source = (
        "import subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(40)'])\n"
        f"open({str(mark)!r}, 'w').write(str(p.pid))\n"
        f"p{ending}"
    )
    run_of(tmp_path, source, seconds=6 if ending else 60)
    state = Path(f"/proc/{mark.read_text()}/stat")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and state.exists() and ") Z" not in state.read_text():
        time.sleep(0.1)
    assert not state.exists() or ") Z" in state.read_text()
