"""The stored experiments of chapters 5, 6 and 9: complete records, and honest runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hwlib.batches import Batches, to_tensors
from hwlib.course import experiments, optimizer_runs
from hwlib.course.depth import gradient_norms
from hwlib.course.ranking import METHODS, Parts
from hwlib.course.sweep import SweepError, setting_key
from hwlib.evaluate import evaluate
from hwlib.models import MLP, seeded_model
from hwlib.stand_in import draw_stand_in
from hwlib.train import OPTIMIZERS

DATA = Path(__file__).parents[2] / "book" / "data"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Parts:
    """A few drawn images in place of Fashion-MNIST."""
    x, y = to_tensors(*draw_stand_in(60, seed=0))
    parts = Parts(x[:40], y[:40], Batches(x[40:50], y[40:50], 10), Batches(x[50:], y[50:], 10))
    monkeypatch.setattr(experiments, "parts_of", lambda *_: parts)
    monkeypatch.setattr(experiments, "FEW", 30)
    return parts


def test_all_runs_of_chapter_5_are_stored_and_the_seeds_differ() -> None:
    found = optimizer_runs.optimizer_results(DATA / "mlp_seeds.jsonl")
    assert sum(map(len, found.values())) == len(optimizer_runs.optimizer_settings())
    for results in found.values():
        curves = {tuple(one["validation_loss"]) for one in results}
        assert [len(curve) for curve in curves] == [optimizer_runs.EPOCHS] * len(results)
        assert all(0 <= one["test_accuracy"] <= 1 for one in results)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_chapter_5_stores_runs_of_the_optimisers_that_it_trains(name: str) -> None:
    setting, parameters = optimizer_runs.optimizer_setting(name, 0), [torch.zeros(1)]
    stored = METHODS[setting["optimizer"]](parameters, lr=setting["learning_rate"])
    trained = OPTIMIZERS[name](parameters)
    assert (type(stored), stored.defaults) == (type(trained), trained.defaults)


def test_all_runs_of_chapter_6_are_stored() -> None:
    found = experiments.cnn_results(DATA / "cnn_seeds.jsonl")
    assert sum(map(len, found.values())) == len(experiments.cnn_settings())
    for (_, _, epochs), results in found.items():
        assert len({tuple(one["validation_loss"]) for one in results}) == len(experiments.SEEDS)
        assert all(len(one["validation_loss"]) == epochs for one in results)


def test_all_runs_of_chapter_9_are_stored_and_the_seeds_differ() -> None:
    found = experiments.remedy_results(DATA / "remedies.jsonl")
    assert set(found) == set(experiments.REMEDIES)
    for results in found.values():
        assert len({tuple(one["fresh_loss"]) for one in results}) == len(experiments.SEEDS)


def test_settings_are_unique() -> None:
    keys = [setting_key(s) for s in experiments.cnn_settings() + experiments.remedy_settings()]
    assert len(keys) == len(set(keys))


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match=r"expected a run of .*'remedy': 'none'.*make seeds"):
        experiments.remedy_results(tmp_path / "empty.jsonl")
    lines = (DATA / "mlp_seeds.jsonl").read_text("utf-8").splitlines(keepends=True)
    some = tmp_path / "some.jsonl"
    some.write_text("".join(line for line in lines if '"seed":2' not in line), "utf-8")
    with pytest.raises(SweepError, match=r'expected a run of .*"seed": 2.*make seeds'):
        optimizer_runs.optimizer_results(some)


@pytest.mark.parametrize(("network", "recipe"), [("MLP", "Adam 0.01"), ("CNN", "augmented")])
def test_a_run_measures_its_network_on_images_moved_and_on_each_test_image(
    few: Parts, network: str, recipe: str
) -> None:
    setting: dict[str, Any] = {"data": "drawn", "network": network, "recipe": recipe, "epochs": 2}
    found = experiments.cnn_setting(**setting, images=40, seed=1)
    assert len(found["moved"]) == len(experiments.MOVES)
    assert found["moved"][0] == found["validation_accuracy"][-1]
    assert experiments.recognised_images(found, len(few.test.labels)).shape == (10,)
    assert found == experiments.cnn_setting(**setting, images=40, seed=1)
    assert found != experiments.cnn_setting(**setting, images=40, seed=2)
    assert found != experiments.cnn_setting(**setting, images=20, seed=1)


def test_a_run_says_which_images_its_network_recognised(
    few: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = np.arange(10) % 3 == 0
    guesses = np.where(pattern, few.test.labels, (few.test.labels + 1) % 10)
    monkeypatch.setattr(experiments, "predict_labels", lambda *_: guesses)
    setting = {"data": "drawn", "network": "MLP", "recipe": "one cycle", "images": 40}
    found = experiments.cnn_setting(**setting, epochs=1, seed=0)
    np.testing.assert_array_equal(experiments.recognised_images(found, 10), pattern)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("remedy", experiments.REMEDIES)
def test_each_remedy_changes_the_run_and_repeats(remedy: str) -> None:
    before = torch.random.get_rng_state()
    found = experiments.remedy_setting(data="drawn", remedy=remedy, seed=0, epochs=2)
    assert torch.equal(before, torch.random.get_rng_state())
    assert found == experiments.remedy_setting(data="drawn", remedy=remedy, seed=0, epochs=2)
    assert all(len(curve) == 2 for curve in found.values())
    if remedy != "none":
        plain = experiments.remedy_setting(data="drawn", remedy="none", seed=0, epochs=2)
        assert found["train_loss"] != plain["train_loss"]


def test_without_dropout_the_network_is_the_mlp_of_the_book(few: Parts) -> None:
    ours, theirs = seeded_model(MLP, 0), seeded_model(experiments.dropout_mlp, 0)
    assert evaluate(ours, few.test) == evaluate(theirs, few.test)


def test_final_accuracies_are_those_of_the_last_epoch_in_percent() -> None:
    stored = [{"validation_accuracy": [0.1, 0.25]}, {"validation_accuracy": [0.75]}]
    np.testing.assert_allclose(experiments.final_accuracies(stored), [25, 75])


def test_gradient_norms_are_those_of_autograd(few: Parts) -> None:
    def make() -> torch.nn.Module:
        hidden = (torch.nn.Linear(784, 100), torch.nn.ReLU())
        return torch.nn.Sequential(torch.nn.Flatten(), *hidden, torch.nn.Linear(100, 10))

    model = seeded_model(make, 3)
    torch.nn.functional.cross_entropy(model(few.images), few.labels).backward()
    expected = [float(p.grad.norm()) for p in model.parameters() if p.ndim == 2]
    found = gradient_norms("ReLU", "PyTorch's default", few.images, few.labels, layers=1, seed=3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gradients_vanish_behind_sigmoids_and_not_behind_he_and_relu(few: Parts) -> None:
    sigmoid = gradient_norms("sigmoid", "small", few.images, few.labels)
    relu = gradient_norms("ReLU", "He", few.images, few.labels)
    assert sigmoid[0] < 1e-10 * sigmoid[-1]
    assert 0.1 < relu[0] / relu[-1] < 100
