"""One cycle of the learning rate, against a recording of what the optimiser really used."""

import numpy as np
import pytest
import torch

from hwlib.batches import Batches
from hwlib.models import MLP, seeded_model
from hwlib.train import fit_one_cycle


def small_batches(order=0):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(40, 1, 28, 28, generator=generator)
    labels = torch.randint(0, 10, (40,), generator=generator)
    return Batches(images, labels, 4, generator=torch.Generator().manual_seed(order))


def small_model():
    return MLP((5,))


@pytest.fixture
def rates(monkeypatch):
    """The learning rate and β₁ of every Adam step."""
    seen = []
    original = torch.optim.Adam.step

    def recording(self, *args, **kwargs):
        group = self.param_groups[0]
        seen.append((group["lr"], group["betas"][0]))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", recording)
    return seen


def half_cosine(start, end, share):
    """Equation eq-one-cycle."""
    return start + (end - start) * (1 - np.cos(np.pi * share)) / 2


def test_rate_follows_the_printed_equation(rates):
    fit_one_cycle(
        small_model, small_batches(), small_batches(), epochs=10, seed=0, learning_rate=0.1
    )
    peak = 29  # PyTorch puts it at 0.3 * 100 steps - 1
    up = half_cosine(0.1 / 25, 0.1, np.arange(peak) / peak)
    down = half_cosine(0.1, 0.1 / 25e4, np.arange(100 - peak) / (99 - peak))
    np.testing.assert_allclose([rate for rate, _ in rates], [*up, *down], rtol=1e-9)
    betas = [beta for _, beta in rates]
    assert (betas[0], betas[peak], betas[-1]) == pytest.approx((0.95, 0.85, 0.95))


def test_the_rate_of_the_homework_is_the_usual_peak(rates):
    fit_one_cycle(small_model, small_batches(), small_batches(), epochs=1, seed=0)
    assert max(rate for rate, _ in rates) == pytest.approx(0.01)


def test_run_starts_from_the_seed_and_repeats():
    first, second = (
        fit_one_cycle(small_model, small_batches(), small_batches(), epochs=2, seed=3)
        for _ in range(2)
    )
    assert first.history.train_loss == second.history.train_loss
    assert len(first.history.validation_accuracy) == 2
    assert first.seed == 3
    other = fit_one_cycle(small_model, small_batches(), small_batches(), epochs=2, seed=4)
    assert other.history.train_loss != first.history.train_loss


def test_rate_zero_leaves_the_seeded_weights():
    run = fit_one_cycle(
        small_model, small_batches(), small_batches(), epochs=1, seed=5, learning_rate=1e-30
    )
    fresh = seeded_model(small_model, 5)
    for left, right in zip(run.model.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(left, right)


def test_no_epochs_are_named():
    with pytest.raises(ValueError, match="Expected positive integer total_steps, but got 0"):
        fit_one_cycle(small_model, small_batches(), small_batches(), epochs=0, seed=0)
