"""Grading: every hand-in gets its line, whatever it does, and none stops the others."""

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from hwlib import predict
from hwlib.check import cells, grade, hand_in, process, runner
from hwlib.check.examples import SIZES, network
from hwlib.check.hand_in import HandInError, plain, read_hand_in
from hwlib.check.process import Limits
from tests.hand_ins import RIGHT, WRONG, alive, notebook

LIMITS = Limits(seconds=100, task_seconds=20, megabytes=600)


def run_of(tmp_path, *sources, answers=RIGHT, **limits):
    """The grade of a hand-in with these cells and then answers."""
    path = notebook(tmp_path / "one.ipynb", *sources, answers)
    return grade.grade_one(path, Limits(**{"seconds": 100, "megabytes": 600} | limits))


@pytest.fixture
def _no_server_waits(monkeypatch):
    """Let each server that the test uses start in it."""
    monkeypatch.setattr(process, "IDLE", [])
    yield
    process.close_idle()


def test_every_kind_of_hand_in_is_reported_and_none_stops_the_others(tmp_path):
    (tmp_path / "text.ipynb").write_text("my answers")
    expected = {
        notebook(tmp_path / "dies.ipynb", "import os; os.kill(os.getpid(), 11)", RIGHT): 3,
        notebook(tmp_path / "memory.ipynb", "x = []\nwhile True: x.append(bytes(10**8))", RIGHT): 3,
        tmp_path / "text.ipynb": 0,
        tmp_path / "missing.ipynb": 0,
        notebook(tmp_path / "broken.ipynb", "1 / 0", "def (", "exit()", WRONG): 0,
    }
    grades = {g.path: g for g in grade.grade(list(expected), LIMITS)}
    assert {path: g.points for path, g in grades.items()} == {
        str(path): points for path, points in expected.items()
    }
    assert all(len(str(g).splitlines()) == 1 for g in grades.values())
    dies, memory, text, missing, broken = (grades[str(path)] for path in expected)
    assert "ends the process" in dies.errors["1"]
    assert "MemoryError" in memory.errors["1"]
    assert (text.status, missing.status) == ("refused", "refused")
    assert text.detail.startswith("no notebook but other text")
    assert (dies.status, dies.modified) == ("graded", Path(dies.path).stat().st_mtime)
    assert set(broken.errors) == {"1", "2", "3"}
    assert "sign" in broken.results["sigmoid"]["hint"]
    assert broken.results["logistic_loss"] is None


def test_the_line_of_a_hand_in_says_what_is_to_be_looked_at():
    refused = grade.Grade("a.ipynb", "refused", detail="an empty\nfile")
    assert str(refused) == r"a.ipynb: refused: an empty\nfile"
    results = {
        "sigmoid": {"mistake": "", "failed": ""},
        "predict": {"mistake": "wrong sign", "failed": "value"},
        "logistic_loss": {"mistake": "", "failed": "shape"},
        "best_logit": None,
    }
    errors, remarks = {"3": "ValueError: no", "5": "KeyError: 1"}, ["copied?", "late"]
    whole = grade.Grade("b", "graded", 1, 1.5, 10, results=results, errors=errors, remarks=remarks)
    assert str(whole) == (
        "b: chapter 1, 1.5/10 points; not: predict (wrong sign), logistic_loss (shape), "
        "best_logit (missing); cell 3 stopped: ValueError: no; copied?; late"
    )
    assert str(grade.Grade("c", "graded", 3, 6, 6)) == "c: chapter 3, 6/6 points"
    assert len(str(grade.Grade("d", "graded", remarks=["x" * 999]))) == 501


def test_a_process_that_ends_again_and_again_is_no_grade_but_a_status(tmp_path):
    dies = ["import os; os._exit(3)"] * (grade.RERUNS + 1)
    done = run_of(tmp_path, *dies)
    assert (done.status, done.detail) == ("crashed", "exit status 3 in cell 4")
    assert (done.points, done.possible, done.results) == (0, 10, {})
    assert run_of(tmp_path, *dies[1:]).points == 3


def test_what_was_found_before_a_process_ended_counts(tmp_path):
    kills = "def my_predict(X, W): __import__('os').kill(__import__('os').getppid(), 9)"
    done = run_of(tmp_path, answers=RIGHT + kills)
    assert (done.status, done.points, done.results["logistic_loss"]) == ("graded", 1, None)
    assert done.remarks == ["crashed: signal SIGKILL in cell 1"]


def test_a_hand_in_that_removes_itself_is_graded(tmp_path):
    removes = f"import os; os.remove({str(tmp_path / 'one.ipynb')!r})"
    done = run_of(tmp_path, removes)
    assert (done.errors, done.points, done.modified > 0) == ({}, 3, True)
    assert not (tmp_path / "one.ipynb").exists()


def test_a_chapter_that_is_named_is_the_one_that_is_graded(tmp_path):
    path = notebook(tmp_path / "a.ipynb", RIGHT, chapter=7)
    [done] = grade.grade([path], chapter=1)
    assert (done.chapter, done.points, done.possible) == (1, 3, 10)
    assert done.remarks == ["its metadata says chapter 7"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_are_graded_at_once_as_there_are_jobs(jobs):
    together, lock, most = threading.Barrier(jobs), threading.Lock(), [0, 0]

    def read(*_):
        with lock:
            most[0] += 1
            most[1] = max(most)
        together.wait(60)
        with lock:
            most[0] -= 1
        raise HandInError

    assert len(list(grade.grade([Path("a")] * 2 * jobs, jobs=jobs, read=read))) == 2 * jobs
    assert most[1] == jobs


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b"\xef\xbb\xbf\r\n", "an empty file"),
        ("\u00a0".encode(), "no notebook but other text: Expecting value"),
        (b"{}", "no notebook: JSON without cells"),
        (b"[]", "no notebook: JSON without cells"),
        (b'\n{"cells": [', "no notebook but JSON that breaks off or is damaged: Expecting value"),
        (b'{"cells": 3}', "no notebook: TypeError in its cells"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "no notebook: TypeError in its cells"),
        (b"import numpy as np", "no notebook but other text: Expecting value"),
        ('{"cells": []}'.encode("utf-16"), "saved as UTF-16, and notebooks are UTF-8: save it as"),
        ('{"cells": []}'.encode("utf-16-le"), "saved as UTF-16, and notebooks are UTF-8: save it"),
        ('{"cells": ["Ü"]}'.encode("latin-1"), "saved as Latin-1 or another encoding, and note"),
        (b"PK\x03\x04...", "a ZIP archive: unpack it first"),
        (b"[" * 100_000, "no notebook: its JSON is nested too deeply"),
        (b'{"cells": []}', "a notebook of no chapter: it defines none of the answers"),
    ],
)
def test_what_is_no_notebook_is_named_in_words(tmp_path, content, words):
    (tmp_path / "a.ipynb").write_bytes(content)
    with pytest.raises(HandInError, match=f"^{words}"):
        read_hand_in(tmp_path / "a.ipynb")


def test_only_ordinary_files_of_limited_size_are_read(tmp_path):
    with (tmp_path / "huge.ipynb").open("wb") as file:
        file.truncate(hand_in.LARGEST + 1)
    os.mkfifo(tmp_path / "pipe.ipynb")  # to read one would wait for ever
    for name, words in (("huge", "MB"), ("pipe", "no ordinary file"), ("none", "cannot be read")):
        with pytest.raises(HandInError, match=words):
            read_hand_in(tmp_path / f"{name}.ipynb")


def test_an_old_format_and_a_byte_order_mark_are_read(tmp_path):
    path = notebook(tmp_path / "a.ipynb", RIGHT)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_hand_in(path).cells[0].source == RIGHT
    cell = {"cell_type": "code", "input": [RIGHT], "metadata": {}, "outputs": []}
    path.write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}]}))
    assert (read_hand_in(path).chapter, read_hand_in(path).cells[0].source) == (1, RIGHT)


def test_the_chapter_is_stated_or_told_by_the_answers_or_fixed(tmp_path):
    path = notebook(tmp_path / "a.ipynb", RIGHT, chapter=None)
    assert read_hand_in(path).chapter == 1
    easy = notebook(tmp_path / "b.ipynb", RIGHT, "def my_mean_loss(m, s): ...", chapter=7)
    assert read_hand_in(easy).chapter == 7
    assert "chapter 1" in read_hand_in(easy).remarks[0]
    assert read_hand_in(easy, 1).chapter == 1
    assert "chapter 7" in read_hand_in(easy, 1).remarks[0]
    for odd in (1.0, True):  # as numbers they are 1, as texts not, and texts head the columns
        assert type(read_hand_in(notebook(easy, RIGHT, chapter=odd)).chapter) is int
    assert read_hand_in(notebook(easy, RIGHT, chapter=[1])).chapter == 1  # by the answers
    twice = read_hand_in(notebook(tmp_path / "c.ipynb", RIGHT, RIGHT))
    assert "my_sigmoid is defined in several cells, and the last one counts" in twice.remarks


def test_folders_and_patterns_are_searched_and_what_is_missing_gets_its_line(tmp_path):
    names = ("b/x.ipynb", "a/y.ipynb", "a/z.py", "a/notes.txt", "a/.ipynb_checkpoints/y.ipynb")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    inside = [tmp_path / "a/y.ipynb", tmp_path / "b/x.ipynb"]
    script = tmp_path / "a/z.py"  # no notebook: it gets a line that says so
    assert list(hand_in.find([tmp_path])) == [inside[0], script, inside[1]]
    assert list(hand_in.find([str(tmp_path / "*/*.ipynb"), tmp_path / "b"])) == inside
    assert list(hand_in.find([tmp_path / "none[1].ipynb"])) == [tmp_path / "none[1].ipynb"]
    assert list(hand_in.find([str(tmp_path / "**/a/**/y.ipynb")])) == inside[:1]
    for name in ("c[1].ipynb", "c1.ipynb"):  # a name that looks like a pattern for another
        (tmp_path / name).touch()
    assert list(hand_in.find([tmp_path / "c[1].ipynb"])) == [tmp_path / "c[1].ipynb"]


@pytest.mark.parametrize("text", ["a\nb", "\ud800", "\x1b[31m", "\r", "\u202e", "\0", "a" * 999])
def test_any_text_becomes_one_line_that_any_console_prints(text):
    line = plain(text)
    assert line.isprintable()
    assert len(line.encode("utf-8").splitlines()) == 1
    assert len(line) <= 301


def test_a_text_that_can_be_printed_and_fits_stays_as_it_is():
    assert plain("Größe ✓") == "Größe ✓"
    assert plain("a" * 300) == "a" * 300
    assert plain("a" * 301) == "a" * 300 + "…"


def test_what_is_stored_is_stored_to_the_letter_in_folders_made_for_it(tmp_path):
    path = tmp_path / "new" / "folder" / "grades.csv"
    hand_in.store(path, "ü\r\n\n", "utf-16-le")
    assert path.read_bytes() == "ü\r\n\n".encode("utf-16-le")
    assert list(path.parent.iterdir()) == [path]


def test_the_digest_of_a_cell_is_short_and_leaves_out_blanks():
    assert hand_in.digest("x = 1\n") == hand_in.digest("x=1") != hand_in.digest("x=2")
    assert len(hand_in.digest("x\ud800")) == 16  # half a letter, which UTF-8 does not know


def test_text_between_the_cells_of_code_is_passed_over(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "x = 1", "words", RIGHT)
    book = json.loads(path.read_text())
    book["cells"][1]["cell_type"] = "markdown"
    path.write_text(json.dumps(book))
    assert [cell.source for cell in read_hand_in(path).cells] == ["x = 1", RIGHT]


def test_code_is_read_as_ipython_reads_it():
    read = lambda source: "\n".join(map(ast.unparse, cells.statements(source)))  # noqa: E731
    assert read("import a, b as c") == "import a\nimport b as c"
    assert "1000 % 7" in read("s = (1000\n % 7)")
    assert read("if True:\n    !ls\nx = 1").endswith("x = 1")
    assert "getoutput" in read("files = !ls")
    assert "'time'" in read("%%time\nx = 1")
    with pytest.raises(SyntaxError):
        read("def f()\n    return 1")


def session_of(*given, tags=(), changed=False):
    session = cells.Session(20, 60)
    for number, source in enumerate(given, 1):
        session.run(number, hand_in.Cell(source, tags, changed))
    return session


@pytest.fixture(autouse=True)
def main_module(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "__main__", None)


CHAPTER = """
import math, no_such_module, os
try:
    import numpy
except ImportError:
    numpy = None
RATE, NAMES = 0.1, ["a", -1]
half = lambda x: x / 2
def helper(x): return x
rng = make_generator(); a, b = train(rng)
doubled = 2 * a
"""


def test_of_a_chapters_own_cells_imports_helpers_and_constants_are_run():
    session = session_of(CHAPTER, tags=("chapter",))
    assert {"math", "os", "numpy", "RATE", "NAMES", "half", "helper"} <= set(session.names)
    assert session.left_out == {"rng", "a", "b", "doubled"}
    assert "no_such_module" in session.errors[1]
    assert "rng" not in session_of("rng = make()", tags=("check",)).names


def test_what_an_experiment_was_to_fill_is_left_out_with_it():
    fills = "runs, kept = {}, {1: 2}\nfor name in some():\n    runs[name] = kept"
    session = session_of(fills, "first = runs['a']", tags=("chapter",))
    assert not session.errors
    assert {"runs", "name", "first"} == session.left_out
    assert session.names["kept"] == {1: 2}


def test_a_cell_that_was_changed_is_run_whatever_its_tag():
    assert session_of("x = len([1])", tags=("chapter",), changed=True).names["x"] == 1
    assert "x" not in session_of("x = len([1])", tags=("chapter",)).names
    session = session_of("y = lost + 1\ndef helper(): return 1", tags=("chapter",), changed=True)
    assert "helper" in session.names
    assert "NameError" in session.errors[1]


def test_a_cell_counts_as_changed_when_its_code_differs_from_the_original(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "x = 1", "x = 2", "x  =  1")
    book = json.loads(path.read_text())
    for cell in book["cells"]:
        cell["metadata"] = {"tags": ["chapter"], "original": hand_in.digest("x = 1")}
    path.write_text(json.dumps(book))
    assert [cell.changed for cell in read_hand_in(path).cells] == [False, True, False]


def test_cells_run_as_in_jupyter(tmp_path):
    done = run_of(
        tmp_path,
        "%%time\ndef f(): return 1",
        "files = !ls\n%matplotlib inline\n!rm -rf /\n%time y = f()",
        "import asyncio\nz = await asyncio.sleep(0, result=3)",
        "?f",
        "%%bash\nexit 1",
        "import no_such_module\nw = 4",
        "display(f)",
        "assert (files, y, z, w) == ([], 1, 3, 4)",
    )
    assert set(done.errors) == {"6"}


class Silent(Exception):
    """Raises when asked what it says."""

    def __str__(self):
        raise RuntimeError


def test_nothing_that_a_cell_raises_stops_the_next_one():
    session = cells.Session(20, 60)
    session.names["Silent"] = Silent
    odd = [
        "raise Silent",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "raise ValueError('\ud800\\n')",
    ]
    for number, source in enumerate([*odd, "quit()", "x = 1"], 1):
        session.run(number, hand_in.Cell(source))
    assert session.names["x"] == 1
    assert set(session.errors) == {1, 2, 3, 4, 5}
    assert all(text.isprintable() for text in session.errors.values())


def test_an_answer_that_needs_an_experiments_variable_is_told_so(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "rng = __import__('random').Random(0)", tags=("chapter",))
    book = json.loads(path.read_text())
    book["cells"] += json.loads(
        notebook(path, RIGHT.replace("np.exp(-z)", "rng.random()")).read_text()
    )["cells"]
    path.write_text(json.dumps(book))
    result = grade.grade_one(path, LIMITS).results["sigmoid"]
    assert "`rng` is a variable of an experiment" in result["hint"]


def test_an_endless_cell_and_an_endless_answer_cost_no_more_than_themselves(tmp_path):
    endless = RIGHT.replace("z2 = my", "\n    while True: pass\n    z2 = my")
    done = run_of(tmp_path, "while True: pass", answers=endless, task_seconds=2)
    assert "time" in done.errors["1"]
    assert done.results["predict"]["mistake"] == "out of time"
    assert done.points == 1


def spin(*_):
    """Take the time of the processor for ever."""
    while True:
        len("")


def test_cells_and_answers_are_measured_in_time_of_the_processor(tmp_path, monkeypatch):
    with pytest.raises(cells.OutOfTime), cells.time_limit(0.3, 1000):
        spin()
    with pytest.raises(cells.OutOfTime), cells.time_limit(1000, 0.3):
        time.sleep(60)
    monkeypatch.setattr(runner, "WAITING", 1000)
    runner.check_apart(spin, tmp_path / "a.json", 1)
    assert json.loads((tmp_path / "a.json").read_text())["mistake"] == "out of time"


def test_an_answer_that_waits_for_ever_costs_one_task(tmp_path):
    waits = RIGHT.replace("    z1 =", "    __import__('time').sleep(99)\n    z1 =")
    done = run_of(tmp_path, answers=waits, task_seconds=1)
    assert (done.points, done.results["predict"]["mistake"]) == (1, "out of time")


def test_a_cell_that_swallows_the_end_of_its_time_is_left_out(tmp_path):
    source = (
        "def spin():\n    while True: pass\n"
        "def f():\n    try:\n        spin()\n    finally:\n        f()\nf()"
    )
    done = run_of(tmp_path, source, task_seconds=2)
    assert "never ends" in done.errors["1"]
    assert done.points == 3


@pytest.mark.timeout(600)
def test_a_hand_in_that_resists_is_stopped_by_the_clock(tmp_path):
    source = (
        "import signal, time\n"
        "for name in ('SIGALRM', 'SIGPROF', 'SIGTERM'):\n"
        "    signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
        "time.sleep(9999)"
    )
    done = run_of(tmp_path, source, seconds=6)
    assert done.points == 3
    assert "never ends" in done.errors["1"]


STATE = """
import sys, warnings, numpy as np, torch
np.seterr(all="raise")
warnings.simplefilter("error")
sys.setrecursionlimit(90)
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
torch.set_default_device("meta")
"""


def test_what_cells_set_for_the_whole_process_is_undone(tmp_path):
    """The loss of chapter 1 by torch, which none of these settings may change."""
    answer = (
        "import torch\n"
        "def my_sigmoid(z):\n"
        "    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()\n"
        "    assert torch.zeros(1).device.type == 'cpu' and np.geterr()['over'] != 'raise'\n"
        "    return torch.sigmoid(torch.from_numpy(z)).numpy()\n"
    )
    done = run_of(tmp_path, STATE, answers=answer, megabytes=4000)
    assert done.results["sigmoid"]["sentence"] == ""
    assert done.points == 1


def test_an_odd_value_or_a_crash_costs_one_task(tmp_path):
    odd = (
        "class Odd:\n"
        "    @property\n"
        "    def shape(self): raise SystemError('\\ud800')\n"
        "    __array__ = __repr__ = __str__ = __len__ = shape\n"
        "def my_predict(X, W): return Odd()\n"
        "def my_logistic_loss(y, p): __import__('os')._exit(0)\n"
    )
    done = run_of(tmp_path, answers=RIGHT + odd)
    assert done.results["predict"]["failed"]
    assert done.results["logistic_loss"]["mistake"] == "crash"
    assert done.points == 1


def test_answers_that_call_the_packages_own_functions_are_told(tmp_path):
    answer = (
        "import hwlib, functools\n"
        "my_sigmoid = hwlib.sigmoid\n"
        "def my_predict(X, W): return getattr(hwlib, 'pre' + 'dict')(X, W)\n"
        "my_logistic_loss = functools.partial(hwlib.logistic_loss)\n"
        "def my_stable_logistic_loss(y, z): return np.mean(np.logaddexp(0, z) - y * z)\n"
    )
    done = run_of(tmp_path, "import numpy as np", answers=answer)
    calls = {name: result["calls"] for name, result in done.results.items() if result}
    assert calls == {
        "sigmoid": ["hwlib.losses.sigmoid"],
        "predict": ["hwlib.two_layer.predict"],
        "logistic_loss": ["hwlib.losses.logistic_loss"],
        "stable_logistic_loss": [],
    }


def test_a_hand_in_cannot_put_another_check_in_the_place_of_one(tmp_path):
    source = "from hwlib import check\ncheck.sigmoid = lambda f: True"
    done = run_of(tmp_path, source, answers="def my_sigmoid(z): return z")
    assert done.points == 0


@pytest.mark.usefixtures("_no_server_waits")
def test_the_environment_of_the_grader_and_its_folders_are_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    source = (
        "import os, shutil, sys, torch\n"
        "assert 'SECRET' not in os.environ and len(sys.argv) == 1\n"
        "assert torch.get_num_threads() == 1\n"
        "if sys.platform == 'linux':\n"
        "    assert 'SECRET' not in open('/proc/self/environ').read()"
    )
    # PyTorch's ordinary build, with the libraries for GPUs, needs more than 600 MB.
    done = run_of(tmp_path, source, "shutil.rmtree(os.getcwd())", megabytes=Limits.megabytes)
    assert (done.errors, done.points) == ({}, 3)


def test_a_hand_in_is_at_home_in_its_own_folder_and_draws_without_a_window(tmp_path):
    seen = tmp_path / "seen.json"
    run_of(tmp_path, f"import json, os\njson.dump(dict(os.environ), open({str(seen)!r}, 'w'))")
    found = json.loads(seen.read_text())
    home = found.pop("HOME")
    assert Path(home).parent == Path(tempfile.gettempdir())
    assert home not in (str(Path.home()), str(process.COURSE))
    assert not Path(home).exists()  # it ends with the job
    passed_on = {name: os.environ[name] for name in process.KEPT if name in os.environ}
    once = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONDONTWRITEBYTECODE"), "1"
    )
    assert found == passed_on | once | {
        "PYTHONPATH": str(process.COURSE),
        "MPLBACKEND": "agg",
    }


GOOD = dict.fromkeys(process.TEXTS, "") | {key: [] for key in process.LISTS}


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "5", "{", "{}", "[" * 50_000, " " * 200_000 + json.dumps(GOOD)),
        *(json.dumps(GOOD | wrong) for wrong in ({"failed": 0}, {"steps": "a"}, {"notes": [1]})),
    ],
)
def test_what_a_process_says_is_not_trusted(tmp_path, text):
    (tmp_path / "sigmoid.json").write_text(text)
    (tmp_path / "cells.json").write_text('{"errors": 7}')
    (tmp_path / "at.json").write_text('{"cell": "x"}')
    left = process._left(tmp_path, 1, 0)
    assert (left.results, left.errors, left.cell, left.finished) == ({}, {}, 0, False)


def test_results_are_read_from_ordinary_files_only(tmp_path):
    (tmp_path / "real").write_text(json.dumps(GOOD))
    os.mkfifo(tmp_path / "sigmoid.json")
    (tmp_path / "predict.json").symlink_to(tmp_path / "real")
    (tmp_path / "logistic_loss.json").mkdir()
    (tmp_path / "stable_logistic_loss.json").write_text(json.dumps(GOOD | {"points": 999}))
    left = process._left(tmp_path, 1, 0)
    assert left.results == {"stable_logistic_loss": GOOD}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (b"", ""),
        (b" \n\n", ""),
        (b"one\ntwo\nthree\n \n", "three"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (b"\n" + b"long " * 100, ("long " * 100)[:200]),
        (b"x" * 1_000_000 + b"\nlast", "last"),
    ],
)
def test_the_last_line_that_a_process_has_written_tells_why_it_ended(tmp_path, words, told):
    (tmp_path / process.WORDS).write_bytes(words)
    assert process._left(tmp_path, 1, 1).tail == told


def test_the_number_of_a_cell_is_cut_where_it_is_none(tmp_path):
    (tmp_path / "cells.json").write_text('{"errors": {"1234567890123": "boom"}}')
    left = process._left(tmp_path, 1, 1)
    assert (left.errors, left.tail) == ({"1234567890…": "boom"}, "")


def test_a_file_beyond_the_limit_is_an_error_in_its_cell(tmp_path):
    source = "with open('x', 'wb') as f:\n    f.seek(101 << 20)\n    f.write(b'1')"
    done = run_of(tmp_path, source)
    assert "OSError" in done.errors["1"]
    assert done.points == 3


def test_an_array_beyond_the_memory_limit_is_an_error_in_its_cell(tmp_path):
    done = run_of(tmp_path, "x = bytearray(800 << 20)")
    assert "MemoryError" in done.errors["1"]
    assert done.points == 3


@pytest.mark.parametrize("ending", ["", ".wait()"])
def test_processes_that_a_hand_in_started_end_with_it(tmp_path, ending):
    mark = tmp_path / "pid"
    source = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(9999)'])\n"
        f"open({str(mark)!r}, 'w').write(str(p.pid))\n"
        f"p{ending}"
    )
    run_of(tmp_path, source, seconds=8 if ending else 60)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and alive(mark.read_text()):
        time.sleep(0.1)
    assert not alive(mark.read_text())


def test_closing_the_generator_kills_what_runs_and_starts_nothing_more(tmp_path):
    mark = tmp_path / "pid"
    source = (
        f"import os, time\nopen({str(mark)!r}, 'a').write(f'{{os.getpid()}} ')\n"
        "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(9999)"
    )
    paths = [notebook(tmp_path / f"{i}.ipynb", source) for i in range(3)]
    grades = grade.grade([tmp_path / "none.ipynb", *paths], LIMITS, jobs=1)
    assert next(grades).status == "refused"
    deadline = time.monotonic() + 600
    while not mark.exists() or not mark.read_text().endswith(" "):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    grades.close()
    [pid] = mark.read_text().split()
    assert not alive(pid)


def test_a_class_is_graded_on_draws_of_its_own(tmp_path, monkeypatch):
    """An answer that has stored what the notebook's checks draw fails; a right one passes."""
    stored = {
        network(*size)[0].tobytes().hex(): [part.tolist() for part in predict(*network(*size)[::2])]
        for size in SIZES
    }
    answer = (
        f"stored = {stored}\n"
        "def my_predict(X, W):\n    return tuple(map(np.array, stored[X.tobytes().hex()]))"
    )
    monkeypatch.delenv("HWLIB_CLASS_SEED", raising=False)
    first = run_of(tmp_path, "import numpy as np", answers=answer).results["predict"]
    monkeypatch.setenv("HWLIB_CLASS_SEED", "2026")
    other = run_of(tmp_path, "import numpy as np", answers=answer).results["predict"]
    assert len(first["steps"]) > len(other["steps"]) == 0
    assert run_of(tmp_path).points == 3


def test_nothing_of_one_hand_in_reaches_the_next(tmp_path):
    """They are copies of one process."""
    mark = tmp_path / "pids"
    source = (
        "import os, sys, numpy as np\n"
        "assert not hasattr(np, 'changed') and not os.listdir()\n"
        "assert os.getsid(os.getppid()) == os.getppid() != os.getsid(0) == os.getpid()\n"
        f"open({str(mark)!r}, 'a').write(f'{{os.getppid()}} {{os.getpid()}}\\n')\n"
        "np.changed = open('file', 'w')\n"
        "np.exp = None"
    )
    for _ in range(2):
        assert run_of(tmp_path, source, answers="").errors == {}
    (server, first), (same, second) = map(str.split, mark.read_text().splitlines())
    assert server == same
    assert first != second
    assert run_of(tmp_path).points == 3


@pytest.mark.usefixtures("_no_server_waits")
def test_after_a_grading_one_server_waits_and_none_when_they_are_closed(tmp_path):
    paths = [notebook(tmp_path / f"{i}.ipynb", RIGHT) for i in range(4)]
    assert [g.points for g in grade.grade(paths, LIMITS, jobs=2)] == [3] * 4
    assert [server.ready for server in process.IDLE] == [True]
    [server] = process.IDLE
    process.close_idle()
    assert not server.ready


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="the system has no process groups")
def test_what_waits_for_a_job_is_ended_by_a_kill_and_nothing_else_is(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "killpg", lambda *to: killed.append(to))
    server = process.ForkServer()
    server.kill()
    server.close()
    assert killed == [(server._python.pid, signal.SIGKILL)]


def test_a_hand_in_that_kills_what_has_started_it_costs_one_cell(tmp_path):
    kills = "import os, time; os.kill(os.getppid(), 9); time.sleep(9999)"
    done = run_of(tmp_path, kills)
    assert "ends the process" in done.errors["1"]
    assert done.points == 3


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.usefixtures("_no_server_waits")
def test_a_hand_in_that_speaks_to_the_grader_is_not_heard(tmp_path):
    lines = "999999\\n999999 0\\nno line" + 5000 * "e"
    said = f"import os; open(f'/proc/{{os.getppid()}}/fd/1', 'w').write('{lines}')"
    paths = [notebook(tmp_path / f"{i}.ipynb", RIGHT, said) for i in range(3)]
    found = list(grade.grade(paths, LIMITS, jobs=1))
    assert [(done.status, done.points, done.remarks) for done in found] == 3 * [("graded", 3, [])]


@pytest.mark.usefixtures("_no_server_waits")
def test_the_files_beside_the_grader_are_not_imported(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert run_of(tmp_path).points == 3


def test_a_process_whose_time_is_up_has_no_exit_status_and_after_a_stop_none_starts(tmp_path):
    hand_ins = [
        read_hand_in(notebook(tmp_path / "a.ipynb", f"import time; {code}", RIGHT))
        for code in ("pass", "time.sleep(9999)", "__import__('os')._exit(7)")
    ]
    processes = process.Processes()
    runs = [process.execute(given, set(), Limits(4), processes) for given in hand_ins]
    assert [(run.code, run.finished, run.cell) for run in runs] == [
        (0, True, 2),
        (None, False, 1),
        (7, False, 1),
    ]
    processes.stop()
    assert process.execute(hand_ins[0], set(), Limits(), processes).results == {}


@pytest.mark.usefixtures("_no_server_waits")
def test_a_server_that_was_killed_and_is_not_dead_yet_gets_no_other_job(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess.Popen, "kill", lambda _: None)
    given = read_hand_in(notebook(tmp_path / "a.ipynb", "import time; time.sleep(9999)"))
    assert process.execute(given, set(), Limits(4), process.Processes()).code is None
    assert process.IDLE == []


@pytest.mark.usefixtures("_no_server_waits")
def test_where_no_process_can_be_copied_each_hand_in_loads_its_own(tmp_path, monkeypatch):
    """As on Windows, of which this leaves out what else is different there."""
    monkeypatch.setattr(process, "PROGRAM", "import os; del os.fork; " + process.PROGRAM)
    source = "import time\nif SLEEPS: time.sleep(9999)".replace
    assert [run_of(tmp_path, source("SLEEPS", "0")).points for _ in range(2)] == [3, 3]
    late = run_of(tmp_path, source("SLEEPS", "1"), seconds=5)
    assert "never ends" in late.errors["1"]
    assert process.IDLE == []


@pytest.mark.parametrize(
    ("code", "tail", "cell", "expected"),
    [
        (None, "", 3, ("out of time", "stopped after 9 s in cell 3")),
        (1, "MemoryError", 0, ("out of memory", "more than 64 MB")),
        (-6, "std::bad_alloc", 2, ("out of memory", "more than 64 MB in cell 2")),
        (1, "you tried: not enough memory", 0, ("out of memory", "more than 64 MB")),
        (1, "OSError: Cannot allocate memory", 0, ("out of memory", "more than 64 MB")),
        (-signal.SIGXCPU, "", 2, ("out of time", "too much processor time in cell 2")),
        (-signal.SIGSEGV, "", 1, ("crashed", "signal SIGSEGV in cell 1")),
        (-40, "", 1, ("crashed", "signal 40 in cell 1")),
        (7, "that was all", 0, ("crashed", "exit status 7: that was all")),
        (0, "", 4, ("crashed", "exit status 0 in cell 4")),
    ],
)
def test_a_process_that_did_not_end_well_is_described(code, tail, cell, expected):
    left = process.Run(code, tail, cell, False, {}, {})
    assert process.death(left, process.Limits(seconds=9, megabytes=64)) == expected
