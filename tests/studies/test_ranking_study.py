"""The command behind `make sweep`: it goes on after a worker was killed, and not for ever."""

from argparse import Namespace
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

import pytest

from hwlib.course.ranking import grid
from studies import ranking

ARGS = Namespace(address="tcp://a:1", workers=2, path="runs.jsonl")


@pytest.fixture
def calls(monkeypatch):
    """What executors and sweeps are asked for; as many sweeps fail as `calls.failures` says."""
    calls = Namespace(executors=[], sweeps=[], failures=0)

    @contextmanager
    def open_executor(address, workers):
        calls.executors.append((address, workers))
        yield len(calls.executors)  # a new one each time

    def sweep(run, settings, path, executor, *, progress):
        calls.sweeps.append((run, settings, path, executor, progress))
        if len(calls.sweeps) <= calls.failures:
            raise BrokenExecutor("killed")
        return [f"stored {progress}"]

    monkeypatch.setattr(ranking, "open_executor", open_executor)
    monkeypatch.setattr(ranking, "sweep", sweep)
    return calls


def test_runs_go_to_the_executor_that_is_named(calls):
    assert ranking.run_all([{"seed": 1}], ARGS, "label") == ["stored label"]
    assert calls.executors == [("tcp://a:1", 2)]
    assert calls.sweeps == [(ranking.train_setting, [{"seed": 1}], "runs.jsonl", 1, "label")]


def test_it_starts_anew_with_new_processes_after_one_was_killed(calls, capsys):
    calls.failures = ranking.RESTARTS
    assert ranking.run_all([], ARGS, "label") == ["stored label"]
    assert [call[3] for call in calls.sweeps] == [1, 2, 3, 4]
    assert capsys.readouterr().err.count("killed") == 2 * ranking.RESTARTS


def test_it_gives_up_when_workers_are_killed_again_and_again(calls):
    calls.failures = ranking.RESTARTS + 1
    with pytest.raises(BrokenExecutor, match="killed"):
        ranking.run_all([], ARGS, "label")
    assert len(calls.sweeps) == ranking.RESTARTS + 1


def test_the_test_set_is_opened_for_what_the_first_part_chose(calls, monkeypatch):
    monkeypatch.setattr("sys.argv", ["ranking", "--workers", "1", "--path", "x.jsonl"])
    monkeypatch.setattr(ranking, "chosen_settings", lambda runs: [*runs, "chosen"])
    ranking.main()
    (_, whole, _, _, first), (_, chosen, path, _, second) = calls.sweeps
    assert whole == grid()
    assert (chosen, str(path)) == (["stored validation", "chosen"], "x.jsonl")
    assert (first, second) == ("validation", "test")
    assert calls.executors == [(None, 1)] * 2
