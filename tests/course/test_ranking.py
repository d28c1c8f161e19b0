"""The experiment of chapter 8: runs repeat exactly, and choices rest on validation alone."""

import json

import numpy as np
import pytest
import torch

from hwlib.course import ranking
from hwlib.course.ranking import grid, train_setting
from hwlib.course.ranking_results import (
    accuracies_by_rate,
    best_rates,
    chosen_settings,
    final_accuracies,
    paired_difference,
    reruns,
    stored_runs,
)
from hwlib.course.sweep import SweepError
from hwlib.data import MissingDataError

SMALL = {"data": "stand-in", "images": 600, "batch_size": 50, "epochs": 2, "seed": 3}


def record(optimizer, batch_size, rate, seed, accuracy, status="finished"):
    setting = {"optimizer": optimizer, "batch_size": batch_size, "learning_rate": rate}
    course = [0.2, accuracy] if status == "finished" else []
    return {
        "setting": setting | {"seed": seed},
        "result": {"status": status, "validation_accuracy": course},
    }


RECORDS = [
    record("SGD", 10, 0.1, 1, 0.8),
    record("SGD", 10, 0.1, 0, 0.6),
    record("SGD", 20, 0.1, 0, 0.65),
    record("SGD", 20, 0.1, 1, 0.65),
    record("Adam", 10, 1.0, 0, 0.9),
    record("Adam", 10, 1.0, 1, None, "diverged"),
    record("Adam", 10, 0.01, 0, 0.55),
    record("Adam", 10, 0.01, 1, 0.56),
]


@pytest.mark.parametrize("optimizer", ranking.METHODS)
def test_a_run_repeats_exactly_and_learns(optimizer):
    setting = SMALL | {"optimizer": optimizer, "learning_rate": 0.01, "epochs": 4}
    result = train_setting(**setting)
    assert result == train_setting(**setting)
    assert result["status"] == "finished"
    assert len(result["validation_accuracy"]) == 4
    assert result["train_loss"][-1] < result["train_loss"][0]
    assert "test_accuracy" not in result
    assert result != train_setting(**setting | {"seed": 4})


def test_the_test_set_is_opened_only_on_request():
    setting = SMALL | {"optimizer": "Adam", "learning_rate": 0.01}
    closed, opened = train_setting(**setting), train_setting(**setting, test=True)
    assert 0 <= opened.pop("test_accuracy") <= 1
    assert opened == closed


def test_a_run_that_diverges_says_so():
    result = train_setting(**SMALL | {"optimizer": "SGD", "learning_rate": 1e20})
    assert result["status"] == "diverged"
    assert "the loss became" in result["message"]
    assert len(result["validation_accuracy"]) < 2


def test_the_number_of_threads_is_put_back():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        train_setting(**SMALL | {"optimizer": "SGD", "learning_rate": 0.1})
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"optimizer: expected one of .*got 'Adma'"):
        train_setting(**SMALL | {"optimizer": "Adma", "learning_rate": 0.1})
    with pytest.raises(ValueError, match=r"data: expected 'Fashion-MNIST' or 'stand-in', got 'x'"):
        train_setting(**SMALL | {"data": "x", "optimizer": "Adam", "learning_rate": 0.1})


def test_the_real_data_are_never_replaced(monkeypatch):
    monkeypatch.setenv("HWLIB_STAND_IN", "1")

    def missing(*_, **__):
        raise MissingDataError("nothing here")

    monkeypatch.setattr("hwlib.data.find_or_download", missing)
    with pytest.raises(MissingDataError):
        train_setting(
            **SMALL | {"data": "Fashion-MNIST", "optimizer": "Adam", "learning_rate": 0.1}
        )


def test_the_grid_holds_every_combination_once_seed_by_seed():
    settings = grid()
    rates = sum(len(rates) for rates in ranking.RATES.values())
    assert len(settings) == rates * len(ranking.BATCH_SIZES) * len(ranking.SEEDS)
    assert len({tuple(setting.items()) for setting in settings}) == len(settings)
    assert [setting["seed"] for setting in settings] == sorted(s["seed"] for s in settings)
    assert len(ranking.SEEDS) >= 10
    assert not any("test" in setting for setting in settings)


def test_final_accuracies_are_ordered_by_seed_and_a_diverged_run_is_chance():
    found = final_accuracies(RECORDS)
    np.testing.assert_array_equal(found["SGD", 10, 0.1], [0.6, 0.8])
    np.testing.assert_array_equal(found["Adam", 10, 1.0], [0.9, 0.1])
    assert len(found) == 4


def test_the_best_mean_is_chosen_not_the_luckiest_seed():
    assert best_rates(RECORDS) == {("SGD", 10): 0.1, ("SGD", 20): 0.1, ("Adam", 10): 0.01}
    rates, accuracies = accuracies_by_rate(RECORDS, "Adam", 10)
    np.testing.assert_array_equal(rates, [0.01, 1.0])
    np.testing.assert_array_equal(accuracies, [[0.55, 0.9], [0.56, 0.1]])
    assert [r["result"]["validation_accuracy"][-1] for r in reruns(RECORDS, 10, 0)] == [0.6, 0.55]


def test_only_the_chosen_settings_are_run_with_the_test_set():
    chosen = chosen_settings(RECORDS)
    assert [(s["optimizer"], s["learning_rate"], s["seed"]) for s in chosen] == [
        ("SGD", 0.1, 1),
        ("SGD", 0.1, 0),
        ("Adam", 0.01, 0),
        ("Adam", 0.01, 1),
    ]
    assert all(s["test"] is True for s in chosen)
    assert not any("test" in r["setting"] for r in RECORDS)


def test_a_paired_difference_is_taken_seed_by_seed():
    ahead = paired_difference([0.5, 0.7, 0.9], [0.4, 0.7, 0.7])
    np.testing.assert_allclose(ahead.mean, 0.1)
    np.testing.assert_allclose(ahead.error, 0.1 / np.sqrt(3))
    assert ahead[2:] == (2, 3)
    with pytest.raises(ValueError, match=r"expected two arrays .* got \(3,\) and \(2,\)"):
        paired_difference([1, 2, 3], [1, 2])


def test_missing_runs_are_counted(tmp_path):
    path = tmp_path / "sweep.jsonl"
    lines = [{"setting": setting, "result": {}} for setting in grid()]
    tested = {"setting": grid()[0] | {"test": True}, "result": {}}
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines[1:], tested]))
    with pytest.raises(SweepError, match="1 are missing; run: make sweep"):
        stored_runs(path)
    with path.open("a") as file:
        file.write(json.dumps(lines[0]) + "\n")
    assert stored_runs(path) == (lines, [tested])
