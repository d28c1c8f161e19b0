"""Sweeps: nothing runs twice, nothing finished is lost, and a cluster changes nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from sweep_runs import (
    descend,
    exits_at_two,
    fails_at_two,
    not_a_number_at_two,
    square,
    square_or_die,
)
from tqdm import tqdm

from hwlib.course import digest
from hwlib.course.claims import environment
from hwlib.course.digest import code_digest
from hwlib.course.sweep import (
    OtherCodeWarning,
    SweepError,
    measured_run,
    open_executor,
    read_runs,
    sweep,
)

TESTS = Path(__file__).parent


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def squares(records):
    return [record["result"]["square"] for record in records]


def wait_for_lines(path, n, working=lambda: True):
    """Wait until ``path`` holds n finished runs; no machine takes ten minutes for them."""
    until = time.monotonic() + 600
    while len(read_runs(path)) < n:
        assert working(), f"what was to finish {n} runs has ended"
        assert time.monotonic() < until, f"{n} runs were not finished"
        time.sleep(0.02)


def test_results_come_in_the_order_of_the_settings_with_their_provenance(tmp_path, threads):
    path = tmp_path / "new" / "runs.jsonl"
    settings = [{"x": 4, "seconds": 0.1}, {"x": 2}, {"x": 3}, {"x": 2}]
    records = sweep(square, settings, path, threads)
    assert squares(records) == [16, 4, 9, 4]
    assert [record["setting"] for record in records] == settings
    for record in records:
        assert record["environment"] == environment()
        assert record["code"] == code_digest(square)
        assert record["run"] == "sweep_runs.square"
        assert record["finished"].endswith("+00:00")
        assert record["seconds"] >= 0
    assert len(read_runs(path)) == 3  # equal settings are one run
    assert records[0]["seconds"] >= 0.1


def test_what_is_stored_is_not_run_again(tmp_path, threads):
    path, calls = tmp_path / "runs.jsonl", tmp_path / "calls"
    settings = [{"x": x, "calls": str(calls)} for x in range(3)]
    sweep(square, settings[:2], path, threads)
    before = path.read_bytes()
    assert squares(sweep(square, settings, path, threads)) == [0, 1, 4]
    assert sorted(calls.read_text().split()) == ["0", "1", "2"]
    assert path.read_bytes().startswith(before)


@pytest.mark.parametrize(
    ("run", "error"),
    [
        (fails_at_two, ZeroDivisionError),
        (not_a_number_at_two, ValueError),
        (exits_at_two, SystemExit),
    ],
)
def test_a_run_that_fails_costs_no_other_and_is_tried_again(tmp_path, threads, run, error):
    path = tmp_path / "runs.jsonl"
    settings = [{"x": x} for x in (1, 2, 3, 4)]
    for _ in range(2):
        with pytest.raises(error) as raised:
            sweep(run, settings, path, threads)
        assert sorted(r["setting"]["x"] for r in read_runs(path)) == [1, 3, 4]
        *_, run_note, all_note = raised.value.__notes__  # json adds its own in Python 3.14
        assert run_note == "This was the run of {'x': 2}."
        assert all_note.startswith("1 runs failed; those that were finished are stored in")


def test_results_are_returned_as_they_will_be_read(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    made = sweep(square, [{"x": 1}, {"x": 2}], path, threads)
    again = sweep(square, [{"x": 1}, {"x": 2}], path, threads)
    assert made == again == sorted(read_runs(path), key=lambda one: one["setting"]["x"])


def test_half_a_line_at_the_end_is_replaced(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert squares(read_runs(path)) == [1]
    assert squares(sweep(square, [{"x": 1}, {"x": 2}], path, threads)) == [1, 4]
    assert squares(read_runs(path)) == [1, 4]


@pytest.mark.parametrize("line", ["no JSON", "[1]", '{"setting": {}}'])
def test_a_line_that_is_no_record_is_named_and_left_alone(tmp_path, threads, line):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    path.write_text(path.read_text() + line + "\n")
    before = path.read_bytes()
    with pytest.raises(SweepError, match=r"line 2: expected one finished run .* delete the line"):
        sweep(square, [{"x": 2}], path, threads)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"a diary without a last newline",
        b"two lines\nof a diary",
        b'{"code":"is",\n"mine":',
        b'{"code":"0123456789ab"}',
        b"{",
        b"[1, 2]",
        b"\x89PNG\r\n\x1a\n\0",
        b"\n",
    ],
)
def test_a_file_of_somebody_else_is_refused_and_left_alone(tmp_path, threads, content):
    path = tmp_path / "diary"
    path.write_bytes(content)
    with pytest.raises(SweepError, match="expected one finished run as JSON"):
        sweep(square, [{"x": 1}], path, threads)
    assert path.read_bytes() == content


def test_a_foreign_last_line_after_runs_is_left_alone(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    path.write_bytes(path.read_bytes() + b"a note")
    before = path.read_bytes()
    with pytest.raises(SweepError, match=r"line 2: .* got b'a note'"):
        sweep(square, [{"x": 2}], path, threads)
    assert path.read_bytes() == before


def test_half_a_line_is_kept_where_another_line_is_refused(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    path.write_bytes(b"a note\n" + path.read_bytes()[:90])
    before = path.read_bytes()
    with pytest.raises(SweepError, match="line 1"):
        sweep(square, [{"x": 2}], path, threads)
    assert path.read_bytes() == before


@pytest.mark.parametrize("length", [1, 5, 9, 30])
def test_half_a_line_of_any_length_is_cut(tmp_path, threads, length):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:length])
    sweep(square, [{"x": 1}], path, threads)
    assert path.read_bytes() == whole


def test_the_first_line_of_a_file_may_be_half_a_one(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    path.write_bytes(path.read_bytes()[:50])
    assert squares(sweep(square, [{"x": 1}], path, threads)) == [1]
    assert squares(read_runs(path)) == [1]


def test_a_whole_line_that_lost_its_newline_is_kept(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    path.write_bytes(path.read_bytes()[:-1])
    assert squares(read_runs(path)) == [1]
    sweep(square, [{"x": 2}], path, threads)
    assert squares(read_runs(path)) == [1, 4]


def test_runs_of_other_code_or_another_function_are_named_and_kept(tmp_path, threads, monkeypatch):
    path = tmp_path / "runs.jsonl"
    first = sweep(square, [{"x": 1}], path, threads)
    monkeypatch.setattr("hwlib.course.sweep.code_digest", lambda _: "f00d")
    named = rf"^{re.escape(str(path))}: 1 stored runs are kept .* 1 by sweep_runs.square"
    with pytest.warns(OtherCodeWarning, match=named):
        assert sweep(square, [{"x": 1}], path, threads) == first
    monkeypatch.undo()
    with pytest.warns(OtherCodeWarning, match=r"than sweep_runs.fails_at_two.*square"):
        assert sweep(fails_at_two, [{"x": 1}], path, threads) == first
    with path.open("a") as file:
        file.write('{"code": "1234", "result": {"square": 9}, "setting": {"x": 3}}\n')
    with pytest.warns(OtherCodeWarning, match=r": 1 stored .*: 1 by unnamed, code 1234\."):
        assert squares(sweep(square, [{"x": 1}, {"x": 3}], path, threads)) == [1, 9]
    both = r": 2 stored .*: 1 by sweep_runs.square, code \w+; 1 by unnamed, code 1234\."
    with pytest.warns(OtherCodeWarning, match=both):
        sweep(fails_at_two, [{"x": 1}, {"x": 3}], path, threads)


def test_the_digest_changes_with_what_is_imported_and_not_with_words(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "digested"
    package.mkdir()
    (package / "__init__.py").touch()
    texts = {
        "top": "from . import near\ndef run():\n    from digested.late import f\n",
        "near": '"""Words."""\nimport digested.far\n',
        "far": "RATE = 1\n",
        "late": "def f():\n    return 1\n",
        "stranger": "x = 1\n",
    }

    def digest_with(**changed):
        for name, text in (texts | changed).items():
            (package / f"{name}.py").write_text(text)
        return digest._module_digest.__wrapped__("digested.top")

    before = digest_with()
    assert before == digest_with(near='"""Others."""\n# more\nimport  digested.far\n')
    assert before == digest_with(late='def f():\n    """Words."""\n    return 1\n')
    assert before == digest_with(stranger="x = 2\n")
    changes = [{"top": texts["top"] + "y = 1\n"}, {"far": "RATE = 2\n"}]
    changes += [{"late": "def f():\n    return 2\n"}, {"near": "import digested.far as g\n"}]
    digests = {digest_with(**change) for change in changes}
    assert len(digests | {before}) == 5


def test_the_digest_of_the_ranking_holds_what_it_imports_of_the_package():
    from hwlib.course.ranking import train_setting

    read = []
    with pytest.MonkeyPatch.context() as patch:
        source = digest._source
        patch.setattr(digest, "_source", lambda name: read.append(name) or source(name))
        digest._module_digest.__wrapped__(train_setting.__module__)
    assert {f"hwlib.{name}" for name in ("train", "models", "batches", "evaluate")} <= set(read)
    assert not any(name.startswith(("torch", "numpy", "hwlib.plot")) for name in read)


class Gone(ThreadPoolExecutor):
    """Finishes the first run, and cancels the others."""

    def submit(self, *args, **kwargs):
        if not self._threads:
            return super().submit(*args, **kwargs)
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_runs_that_were_cancelled_are_an_error_that_says_how_to_go_on(tmp_path):
    path = tmp_path / "runs.jsonl"
    with Gone(1) as executor, pytest.raises(SweepError, match=r"2 runs were cancelled.*call sweep"):
        sweep(square, [{"x": 1}, {"x": 2}, {"x": 3}], path, executor)
    assert squares(read_runs(path)) == [1]


def test_a_broken_pool_is_said_before_what_a_run_raised(tmp_path):
    ends = [ValueError("of a run"), BrokenExecutor("of all")]

    class Breaks(ThreadPoolExecutor):
        def submit(self, *_):
            future = Future()
            future.set_exception(ends.pop(0))
            return future

    with Breaks(1) as executor, pytest.raises(BrokenExecutor, match="of all") as raised:
        sweep(square, [{"x": 1}, {"x": 2}], tmp_path / "runs.jsonl", executor)
    assert raised.value.__notes__[-1].startswith("2 runs failed")


def test_a_bar_counts_what_is_stored_and_is_shown_on_request_only(tmp_path, threads, monkeypatch):
    path, bars = tmp_path / "runs.jsonl", []

    def bar(**options):
        bars.append(options)
        return tqdm(**options | {"disable": True})

    monkeypatch.setattr("hwlib.course.sweep.tqdm", bar)
    sweep(square, [{"x": 1}], path, threads)
    sweep(square, [{"x": x} for x in range(3)], path, threads, progress="squares")
    assert bars[0]["disable"]
    assert bars[1] == {"total": 3, "initial": 1, "desc": "squares", "unit": "run"}


def test_the_seconds_of_a_run_are_those_between_its_start_and_its_end(monkeypatch):
    clock = iter([10.0, 11.2345])
    monkeypatch.setattr("hwlib.course.sweep.time", SimpleNamespace(perf_counter=clock.__next__))
    assert measured_run(square, {"x": 1})["seconds"] == 1.23


def test_two_sweeps_cannot_write_to_one_file(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    with (
        FileLock(f"{path}.lock"),
        pytest.raises(SweepError, match="another sweep is writing"),
    ):
        sweep(square, [{"x": 1}], path, threads)
    assert not path.exists()


def test_a_setting_that_json_cannot_hold_is_refused_before_anything_runs(tmp_path, threads):
    path, calls = tmp_path / "runs.jsonl", tmp_path / "calls"
    with pytest.raises(ValueError, match="not JSON compliant"):
        sweep(square, [{"x": 1, "calls": str(calls)}, {"x": float("nan")}], path, threads)
    assert not calls.exists()


def test_a_killed_process_loses_no_finished_run(tmp_path):
    path, weapon = tmp_path / "runs.jsonl", tmp_path / "weapon"
    weapon.touch()
    settings = [{"x": x, "weapon": str(weapon)} for x in range(6)]
    with open_executor(workers=1) as pool, pytest.raises(BrokenExecutor):
        sweep(square_or_die, settings, path, pool)
    finished = path.read_bytes()
    assert squares(read_runs(path)) == [0, 1, 4]
    with open_executor(workers=1) as pool:
        assert squares(sweep(square_or_die, settings, path, pool)) == [0, 1, 4, 9, 16, 25]
    assert path.read_bytes().startswith(finished)


def test_a_killed_sweep_goes_on_where_it_stopped(tmp_path, threads):
    path, calls = tmp_path / "runs.jsonl", tmp_path / "calls"
    settings = [{"x": x, "seconds": 0.2, "calls": str(calls)} for x in range(8)]
    code = (
        "import json, sys; from concurrent.futures import ThreadPoolExecutor;"
        "from pathlib import Path;"
        "from hwlib.course.sweep import sweep; from sweep_runs import square;"
        "sweep(square, json.loads(sys.argv[1]), Path(sys.argv[2]), ThreadPoolExecutor(1))"
    )
    command = [sys.executable, "-c", code, json.dumps(settings), str(path)]
    child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(TESTS)})
    try:
        wait_for_lines(path, 2, lambda: child.poll() is None)
    finally:
        child.kill()
        child.wait()
    finished = {record["setting"]["x"] for record in read_runs(path)}
    assert 2 <= len(finished) < 8
    assert squares(sweep(square, settings, path, threads)) == [x * x for x in range(8)]
    called = calls.read_text().split()
    assert all(called.count(str(x)) == 1 for x in finished)


def test_a_cluster_with_a_killed_worker_gives_the_numbers_of_one_process(tmp_path):
    """Two Dask workers train small networks, one of them is killed on the way."""
    from distributed import LocalCluster

    path = tmp_path / "runs.jsonl"
    settings = [{"learning_rate": rate, "seed": s} for s in range(4) for rate in (0.1, 3.0)]
    expected = [descend(**setting, seconds=0) for setting in settings]
    killed = []

    def kill_one(cluster):
        wait_for_lines(path, 2)
        killed.append(len(read_runs(path)))
        os.kill(cluster.workers[0].pid, signal.SIGKILL)

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        killer = threading.Thread(target=kill_one, args=(cluster,))
        killer.start()
        with open_executor(cluster.scheduler_address) as executor:
            records = sweep(descend, settings, path, executor)
        killer.join()
    assert [record["result"] for record in records] == expected
    assert killed[0] < len(settings)
    assert len(read_runs(path)) == len(settings)


def test_a_scheduler_that_dies_is_an_error_that_says_how_to_go_on(tmp_path):
    import dask

    path = tmp_path / "runs.jsonl"
    code = (
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "    print(cluster.scheduler_address, flush=True)\n"
        "    input()\n"
    )
    script = tmp_path / "cluster.py"
    script.write_text(code)
    command = [sys.executable, str(script)]
    child = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parents[1]}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def kill():
        wait_for_lines(path, 1)
        child.kill()

    killer = threading.Thread(target=kill)
    try:
        address = child.stdout.readline().strip()
        killer.start()
        settings = [{"x": 1}, {"x": 2, "seconds": 60}]
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            pytest.raises(SweepError, match=r"1 runs were cancelled: the scheduler"),
            open_executor(address) as executor,
        ):
            sweep(square, settings, path, executor)
    finally:
        killer.join()
        child.kill()
        child.communicate()
    assert squares(read_runs(path)) == [1]
