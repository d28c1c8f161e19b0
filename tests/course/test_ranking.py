"""The experiment of chapter 8: runs repeat exactly, and choices rest on validation alone."""

import json
import operator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hwlib.course import ranking
from hwlib.course.digest import code_digest
from hwlib.course.ranking import grid, train_setting
from hwlib.course.ranking_results import (
    accuracies_by_rate,
    best_rates,
    calmest_runs,
    chosen_settings,
    final_accuracies,
    paired_difference,
    stored_runs,
)
from hwlib.course.sweep import SweepError
from hwlib.data import MissingDataError, load_stand_in
from hwlib.models import MLP
from hwlib.train import compare_optimizers

SWEEP = Path(__file__).parents[2] / "book" / "data" / "sweep.jsonl"
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


@pytest.fixture
def compared(monkeypatch):
    """What `train_setting` hands to `compare_optimizers`, and the runs that it gets back."""
    seen = {}

    def spy(make_model, make_batches, validation, **options):
        seen.update(options, make_model=make_model, validation=validation)
        seen.update(threads=torch.get_num_threads(), make_batches=make_batches)
        seen["runs"] = compare_optimizers(make_model, make_batches, validation, **options)
        return seen["runs"]

    monkeypatch.setattr(ranking, "compare_optimizers", spy)
    return seen


def split_by_hand(images=600, validation=150):
    """The stand-in as the experiment takes it: float images, labels, and the split of chapter 5."""
    drawn = load_stand_in(images, images // 6)
    order = torch.randperm(images, generator=torch.Generator().manual_seed(0))
    x = torch.tensor(drawn.train_images / np.float32(255))[:, None]
    y = torch.tensor(drawn.train_labels, dtype=torch.int64)
    test = torch.tensor(drawn.test_images / np.float32(255))[:, None]
    held_out, learn = order[:validation], order[validation:]
    return (x[learn], y[learn]), (x[held_out], y[held_out]), (test, torch.tensor(drawn.test_labels))


def accuracy_by_hand(model, images, labels):
    with torch.no_grad():
        return float((model.eval()(images).argmax(1) == labels).double().mean())


def test_a_run_is_judged_on_the_images_held_out_and_on_no_others(compared):
    setting = SMALL | {"optimizer": "Adam", "learning_rate": 0.001, "test": True}
    result = train_setting(**setting)
    learn, held_out, test = split_by_hand()
    model = compared["runs"]["Adam"][0].model
    by_hand = [accuracy_by_hand(model, *images) for images in (learn, held_out, test)]
    assert len(set(by_hand)) == 3  # so that one cannot be taken for another
    assert result["validation_accuracy"][-1] == round(by_hand[1], 6)
    assert result["test_accuracy"] == round(by_hand[2], 6)
    loss = torch.nn.functional.cross_entropy(model(held_out[0]), held_out[1]).item()
    assert result["validation_loss"][-1] == pytest.approx(loss, abs=2e-6)


def test_a_run_learns_from_the_other_images_in_batches_of_its_size(compared):
    train_setting(**SMALL | {"optimizer": "SGD", "learning_rate": 0.1})
    batches = list(compared["make_batches"](torch.Generator().manual_seed(3)))
    assert [len(labels) for _, labels in batches] == [50] * 9
    (images, labels), _, _ = split_by_hand()
    seen = torch.cat([images for images, _ in batches])
    assert torch.equal(seen.sum((1, 2, 3)).sort()[0], images.sum((1, 2, 3)).sort()[0])
    assert torch.equal(torch.cat([labels for _, labels in batches]).bincount(), labels.bincount())
    again = next(iter(compared["make_batches"](torch.Generator().manual_seed(4))))
    assert not torch.equal(batches[0][1], again[1])  # in an order of the generator


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("SGD", torch.optim.SGD, {"momentum": 0, "nesterov": False}),
        ("Nesterov", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("Adam", torch.optim.Adam, {"betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False}),
    ],
)
def test_the_optimisers_are_what_their_names_say(compared, name, kind, expected):
    train_setting(**SMALL | {"optimizer": name, "learning_rate": 0.02})
    assert compared["make_model"] is MLP
    assert (compared["epochs"], compared["seeds"]) == (2, [3])
    [(label, make)] = compared["optimizers"].items()
    made = make(MLP().parameters())
    assert label == name
    assert type(made) is kind
    assert made.defaults | expected | {"lr": 0.02, "weight_decay": 0} == made.defaults
    assert made.defaults["fused"]


def test_validation_holds_5000_images_at_most(monkeypatch):
    data = SimpleNamespace(
        train_images=np.zeros((20_400, 28, 28), np.uint8),
        train_labels=np.arange(20_400) % 10,
        test_images=np.zeros((30, 28, 28), np.uint8),
        test_labels=np.zeros(30, np.int64),
    )
    monkeypatch.setattr(ranking, "_load", lambda *_: data)
    load = ranking.parts_of.__wrapped__
    for images, held_out in ((20_400, 5000), (4000, 1000)):
        parts = load("any", images)
        sizes = len(parts.labels), sum(len(y) for _, y in parts.validation)
        assert sizes == (images - held_out, held_out)
        assert len(parts.images) == len(parts.labels)
    assert max(len(y) for _, y in parts.validation) == 1000
    assert sum(len(y) for _, y in parts.test) == 30


def test_the_stand_in_has_six_images_to_learn_from_for_each_to_test():
    assert [len(ranking._load("stand-in", n).test_labels) for n in (600, 4)] == [100, 1]


def test_a_run_computes_on_one_thread(compared):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        train_setting(**SMALL | {"optimizer": "SGD", "learning_rate": 0.1})
    finally:
        torch.set_num_threads(before)
    assert compared["threads"] == 1


def test_the_stored_sweep_holds_the_grid_and_the_chosen_settings():
    runs, tested = stored_runs(SWEEP)
    assert len(runs) == 280
    key = operator.itemgetter("optimizer", "seed")
    opened = sorted((one["setting"] for one in tested), key=key)
    assert opened == sorted(chosen_settings(runs), key=key)
    assert all(one["setting"]["epochs"] == 10 for one in runs)
    for one in runs:
        done = one["result"]["status"] == "finished"
        assert not done or len(one["result"]["validation_loss"]) == 10
    # Made before the package was rearranged: named, not refused.
    assert code_digest(train_setting) not in {one["code"] for one in runs}


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


def test_the_calmest_runs_are_those_of_the_lowest_rate():
    assert calmest_runs(RECORDS, 10, 0) == [RECORDS[1], RECORDS[6]]
    assert calmest_runs(RECORDS[::-1], 10, 0) == [RECORDS[6], RECORDS[1]]
    assert calmest_runs(RECORDS, 20, 1) == [RECORDS[3]]


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
