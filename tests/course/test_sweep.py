"""Sweeps: nothing runs twice, nothing finished is lost, and a cluster changes nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from sweep_runs import fails_at_two, square, square_or_die

from hwlib.course.claims import environment
from hwlib.course.sweep import SweepError, open_executor, read_records, sweep

TESTS = Path(__file__).parent


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def squares(records):
    return [record["result"]["square"] for record in records]


def wait_for_lines(path, n, seconds=60):
    """Wait until ``path`` holds n finished runs."""
    until = time.monotonic() + seconds
    while len(read_records(path)) < n:
        assert time.monotonic() < until, f"{n} runs were not finished after {seconds} s"
        time.sleep(0.02)


def test_results_come_in_the_order_of_the_settings_with_their_provenance(tmp_path, threads):
    path = tmp_path / "new" / "runs.jsonl"
    settings = [{"x": 4, "seconds": 0.1}, {"x": 2}, {"x": 3}, {"x": 2}]
    records = sweep(square, settings, path, threads)
    assert squares(records) == [16, 4, 9, 4]
    assert [record["setting"] for record in records] == settings
    for record in records:
        assert record["environment"] == environment()
        assert len(record["code"]) == 12
        assert record["finished"].endswith("+00:00")
        assert record["seconds"] >= 0
    assert len(read_records(path)) == 3  # equal settings are one run
    assert records[0]["seconds"] >= 0.1


def test_what_is_stored_is_not_run_again(tmp_path, threads):
    path, calls = tmp_path / "runs.jsonl", tmp_path / "calls"
    settings = [{"x": x, "calls": str(calls)} for x in range(3)]
    sweep(square, settings[:2], path, threads)
    before = path.read_bytes()
    assert squares(sweep(square, settings, path, threads)) == [0, 1, 4]
    assert sorted(calls.read_text().split()) == ["0", "1", "2"]
    assert path.read_bytes().startswith(before)


def test_a_run_that_fails_costs_no_other_and_is_tried_again(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    settings = [{"x": x} for x in (1, 2, 3, 4)]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            sweep(fails_at_two, settings, path, threads)
        assert sorted(r["setting"]["x"] for r in read_records(path)) == [1, 3, 4]


def test_half_a_line_at_the_end_is_replaced(tmp_path, threads):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert squares(read_records(path)) == [1]
    assert squares(sweep(square, [{"x": 1}, {"x": 2}], path, threads)) == [1, 4]
    assert squares(read_records(path)) == [1, 4]


@pytest.mark.parametrize("line", ["no JSON", "[1]", '{"setting": {}}'])
def test_a_line_that_is_no_record_is_named_and_left_alone(tmp_path, threads, line):
    path = tmp_path / "runs.jsonl"
    sweep(square, [{"x": 1}], path, threads)
    path.write_text(path.read_text() + line + "\n")
    before = path.read_bytes()
    with pytest.raises(SweepError, match=r"line 2: expected one finished run .* delete the line"):
        sweep(square, [{"x": 2}], path, threads)
    assert path.read_bytes() == before


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
    assert squares(read_records(path)) == [0, 1, 4]
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
        wait_for_lines(path, 2)
    finally:
        child.kill()
        child.wait()
    finished = {record["setting"]["x"] for record in read_records(path)}
    assert 2 <= len(finished) < 8
    assert squares(sweep(square, settings, path, threads)) == [x * x for x in range(8)]
    called = calls.read_text().split()
    assert all(called.count(str(x)) == 1 for x in finished)


def test_a_cluster_with_a_killed_worker_gives_the_numbers_of_one_process(tmp_path):
    """Two Dask workers train small networks, one of them is killed on the way."""
    from distributed import LocalCluster

    from hwlib.course.ranking import train_setting

    path = tmp_path / "runs.jsonl"
    common = {"data": "stand-in", "images": 600, "batch_size": 20, "epochs": 10}
    settings = [
        common | {"optimizer": name, "learning_rate": rate, "seed": seed}
        for seed in (0, 1)
        for name, rate in (("SGD", 0.1), ("Nesterov", 0.03), ("Adam", 0.003), ("Adam", 0.01))
    ]
    expected = [train_setting(**setting) for setting in settings]
    killed = []

    def kill_one(cluster):
        wait_for_lines(path, 2)
        killed.append(len(read_records(path)))
        os.kill(cluster.workers[0].pid, signal.SIGKILL)

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        killer = threading.Thread(target=kill_one, args=(cluster,))
        killer.start()
        with open_executor(cluster.scheduler_address) as executor:
            records = sweep(train_setting, settings, path, executor)
        killer.join()
    assert [record["result"] for record in records] == expected
    assert killed[0] < len(settings)
    assert len(read_records(path)) == len(settings)
