"""Training: the loss it reports, its steps by hand, fair comparisons, divergence and Ctrl-C."""

import math
import os
import platform
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.metrics
import torch
import torch.nn.functional as F
from torch import nn

from hwlib import train
from hwlib.batches import Batches, to_tensors
from hwlib.course.loading import per_image_loader
from hwlib.evaluate import evaluate
from hwlib.models import MLP, seeded_model
from hwlib.stand_in import draw_stand_in
from hwlib.train import (
    OPTIMIZERS,
    DivergenceError,
    TrainingInterrupted,
    compare_optimizers,
    fit,
    fit_one_cycle,
    train_epoch,
)

DRAWN = draw_stand_in(50, seed=2)
IMAGES, LABELS = to_tensors(*DRAWN)
VALIDATION = Batches(IMAGES[:20], LABELS[:20], 20)
RNG = np.random.default_rng(1)
# A problem small enough for steps by hand: 7 examples of 3 features, 4 classes, batches 3, 3 and 1.
X, Y = RNG.normal(size=(7, 3)), RNG.integers(0, 4, 7)
PARTS = [(X[:3], Y[:3]), (X[3:6], Y[3:6]), (X[6:], Y[6:])]
TENSORS = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in PARTS]


def tiny_model():
    return MLP((8,))


def dropout_model():
    """A model that draws from PyTorch's global generator while it is trained."""
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))


def shuffled(generator):
    return Batches(IMAGES, LABELS, 16, generator=generator)


def sgd(rate):
    return lambda parameters: torch.optim.SGD(parameters, lr=rate)


def softmax_regression():
    return seeded_model(lambda: nn.Linear(3, 4), 0).double()


def by_hand(w, x, y):
    """Mean cross-entropy of softmax regression, and its gradient by w (4, 4): weights | bias."""
    x1 = np.hstack([x, np.ones((len(x), 1))])
    p = np.exp(x1 @ w.T)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    return loss, (p - np.eye(4)[y]).T @ x1 / len(x)


class Interrupted(Batches):
    """Batches during which somebody presses Ctrl-C, in the pass of the given number."""

    passes, fatal = 0, 1

    def __iter__(self):
        self.passes += 1
        for number, batch in enumerate(super().__iter__()):
            if (self.passes, number) == (self.fatal, 1):
                signal.raise_signal(signal.SIGINT)
            yield batch


# --- One epoch ------------------------------------------------------------------------------


def test_loss_of_an_epoch_is_the_mean_over_images():
    model = softmax_regression()
    loss = train_epoch(model, TENSORS, torch.optim.SGD(model.parameters(), lr=0.0))
    with torch.no_grad():
        p = torch.softmax(model(torch.from_numpy(X)), dim=1).numpy()
    assert loss == pytest.approx(sklearn.metrics.log_loss(Y, p, labels=range(4)), rel=1e-12)
    # The mean of batch means, the usual mistake, is another number.
    mean = np.mean(
        [
            sklearn.metrics.log_loss(Y[part], p[part], labels=range(4))
            for part in (slice(3), slice(3, 6), slice(6, 7))
        ]
    )
    assert abs(loss - mean) > 0.01


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_rule_by_hand(name):
    model = softmax_regression()
    w = np.hstack([model.weight.detach().numpy(), model.bias.detach().numpy()[:, None]])
    optimizer = OPTIMIZERS[name](model.parameters())
    velocity, m, v, losses, steps = 0.0, 0.0, 0.0, [], 0
    for _ in range(2):
        total = 0.0
        for x, y in PARTS:
            loss, g = by_hand(w, x, y)
            total, steps = total + loss * len(y), steps + 1
            if name == "SGD 0.01":
                w = w - 0.01 * g
            elif name == "Nesterov 0.01":
                velocity = 0.9 * velocity + g
                w = w - 0.01 * (g + 0.9 * velocity)
            else:
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
                corrected = m / (1 - 0.9**steps), v / (1 - 0.999**steps)
                rate = {"Adam 0.01": 0.01, "Adam 1": 1.0}[name]
                w = w - rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
        losses.append(total / 7)
    found = [train_epoch(model, TENSORS, optimizer) for _ in range(2)]
    np.testing.assert_allclose(found, losses, rtol=1e-12)
    np.testing.assert_allclose(model.weight.detach().numpy(), w[:, :3], rtol=1e-10)
    np.testing.assert_allclose(model.bias.detach().numpy(), w[:, 3], rtol=1e-10)


def test_training_mode_is_switched_on():
    model = dropout_model().eval()
    train_epoch(model, VALIDATION, torch.optim.SGD(model.parameters(), lr=0.1))
    assert model.training
    assert model[1].training


@pytest.mark.parametrize("label", [-100, -1, 4])
def test_a_label_that_is_no_class_is_refused_instead_of_ignored(label):
    # cross_entropy leaves out -100 without a word, and the mean is then over fewer images.
    batch = torch.from_numpy(X[:3]), torch.tensor([0, 1, label])
    model = nn.Linear(3, 4, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"^labels: expected classes 0 to 3, got"):
        train_epoch(model, [batch], optimizer)
    with pytest.raises(ValueError, match=r"^labels: expected classes 0 to 3, got"):
        evaluate(model, [batch])


def test_scheduler_steps_after_every_batch():
    model = softmax_regression()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    rates = []
    optimizer.register_step_pre_hook(lambda o, *_: rates.append(o.param_groups[0]["lr"]))
    train_epoch(model, TENSORS, optimizer, scheduler)
    train_epoch(model, TENSORS, optimizer, scheduler)
    assert rates == [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]


PAGES = """
import resource, torch
from hwlib.models import MLP
from hwlib.train import OPTIMIZERS, train_epoch
model = MLP((1,))
step = torch.rand(1, 28, 28), torch.tensor([0])
train_epoch(model, [step], OPTIMIZERS["SGD 0.01"](model.parameters()))
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for megabytes in range(1, 31):
    torch.ones(megabytes * 2**18)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about the allocator of glibc")
def test_memory_that_a_step_frees_is_used_again():
    # In a process of its own: what the allocator keeps depends on all that was freed before.
    # Tensors of 1 to 30 MB, one after the other, touch 119,000 new pages if each gets new memory.
    # Whoever sets the allocator's variables has the last word; Dask does so for its workers.
    free = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", PAGES]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=free)
    assert int(run.stdout) < 40_000


def test_empty_epoch_is_an_error():
    model = softmax_regression()
    with pytest.raises(ValueError, match=r"^batches: .* at least one batch, got none; .* set\.$"):
        train_epoch(model, [], torch.optim.SGD(model.parameters(), lr=0.1))


@pytest.mark.parametrize(
    ("pixel", "message"),
    [(float("nan"), "step 2: the loss became nan"), (-float("inf"), "step 2: the loss became inf")],
)
def test_divergence_names_its_first_step(pixel, message):
    class Scaled(nn.Module):
        """Logits are pixels times 1: a logit of -inf for the right class is an infinite loss."""

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, images):
            return self.scale * images

    model, good = Scaled(), torch.tensor([[0.0, 1.0]])
    parts = [(good, torch.tensor([1])), (torch.tensor([[0.0, pixel]]), torch.tensor([1]))]
    with pytest.raises(DivergenceError, match=message) as raised:
        train_epoch(model, [*parts, parts[0]], torch.optim.SGD(model.parameters(), lr=0.0))
    assert isinstance(raised.value, ArithmeticError)


def test_workers_do_not_change_the_numbers():
    def trained(workers):
        generator = torch.Generator().manual_seed(1)
        loader = per_image_loader(
            *DRAWN, 16, shuffle=True, num_workers=workers, generator=generator
        )
        model = seeded_model(tiny_model, 0)
        loss = train_epoch(model, loader, OPTIMIZERS["Adam 0.01"](model.parameters()))
        return loss, model.state_dict()

    (loss, weights), (expected, others) = trained(2), trained(0)
    assert loss == expected
    assert all(torch.equal(weights[name], others[name]) for name in others)


# --- One run --------------------------------------------------------------------------------


def test_history_holds_what_was_measured(capsys):
    model = seeded_model(tiny_model, 0)
    twin = seeded_model(tiny_model, 0)
    history = fit(
        model,
        shuffled(torch.Generator().manual_seed(3)),
        VALIDATION,
        OPTIMIZERS["Adam 0.01"](model.parameters()),
        epochs=3,
        progress="a run too short for a bar",
    )
    optimizer = OPTIMIZERS["Adam 0.01"](twin.parameters())
    batches = shuffled(torch.Generator().manual_seed(3))
    for epoch in range(3):
        assert history.train_loss[epoch] == train_epoch(twin, batches, optimizer)
        measured = evaluate(twin, VALIDATION)
        assert history.validation_loss[epoch] == measured.loss
        assert history.validation_accuracy[epoch] == measured.accuracy
    assert len(history.train_loss) == len(history.validation_loss) == len(history.seconds) == 3
    assert all(seconds > 0 for seconds in history.seconds)
    assert (history.status, history.message) == ("finished", "")
    assert history.train_loss[2] < history.train_loss[0]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("label", [None, "Adam, seed 1"])
def test_progress_bar_appears_only_with_a_label_and_after_five_seconds(monkeypatch, label):
    made = []

    class Bar(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            made.append("closed")

    def bar(epochs, **options):
        made.append(options)
        return Bar(epochs)

    monkeypatch.setattr(train, "tqdm", bar)
    model = tiny_model()
    fit(model, VALIDATION, VALIDATION, sgd(0.1)(model.parameters()), epochs=1, progress=label)
    expected = {"desc": label, "delay": 5, "leave": False}
    assert made == [expected if label else expected | {"disable": True}, "closed"]


def test_diverged_run_keeps_its_finished_epochs():
    class Poisoned(Batches):
        passes = 0

        def __iter__(self):
            self.passes += 1
            for number, (images, labels) in enumerate(super().__iter__()):
                fatal = (self.passes, number) == (3, 1)
                yield (images * math.nan if fatal else images), labels

    model = tiny_model()
    batches = Poisoned(IMAGES, LABELS, 16)
    history = fit(model, batches, VALIDATION, sgd(0.1)(model.parameters()), epochs=5)
    assert history.status == "diverged"
    assert history.message == "epoch 3, step 2: the loss became nan"
    for values in (history.train_loss, history.validation_loss, history.validation_accuracy):
        assert len(values) == 2
        assert np.isfinite(values).all()
    assert batches.passes == 3  # and no further epoch


def test_run_that_diverges_in_its_last_step_is_marked_too():
    model = tiny_model()
    one_batch = Batches(IMAGES, LABELS, 50)
    history = fit(model, one_batch, VALIDATION, sgd(1e38)(model.parameters()), epochs=1)
    assert history.status == "diverged"
    assert history.message in [f"epoch 1, validation: the loss became {x}" for x in ("nan", "inf")]
    assert history.train_loss == []


def test_ctrl_c_keeps_the_finished_epochs():
    model = tiny_model()
    batches = Interrupted(IMAGES, LABELS, 16)
    batches.fatal = 3
    with pytest.raises(TrainingInterrupted, match="0 whole runs and 2 epochs") as raised:
        fit(model, batches, VALIDATION, sgd(0.1)(model.parameters()), epochs=5)
    assert isinstance(raised.value, KeyboardInterrupt)  # which ends a cell, and a program
    history = raised.value.history
    assert len(history.train_loss) == len(history.validation_accuracy) == 2


@pytest.mark.parametrize("epochs", [0, -3])
def test_no_epochs_is_an_error(epochs):
    model = tiny_model()
    with pytest.raises(ValueError, match=f"epochs: expected at least 1, got {epochs}"):
        fit(model, VALIDATION, VALIDATION, sgd(0.1)(model.parameters()), epochs=epochs)


# --- Comparisons ----------------------------------------------------------------------------


def test_every_run_starts_equal_and_sees_equal_batches():
    starts, orders, models = [], [], []

    class Recorded(Batches):
        def __iter__(self):
            for images, labels in super().__iter__():
                orders[-1].append(labels.tolist())
                yield images, labels

    def make_model():
        models.append(tiny_model())
        return models[-1]

    def make_batches(generator):
        orders.append([])
        return Recorded(IMAGES, LABELS, 16, generator=generator)

    def recording(make):
        def factory(parameters):
            parameters = list(parameters)
            starts.append(torch.cat([p.detach().flatten() for p in parameters]))
            return make(parameters)

        return factory

    makers = {name: recording(make) for name, make in OPTIMIZERS.items()}
    runs = compare_optimizers(
        make_model, make_batches, VALIDATION, optimizers=makers, epochs=2, seeds=(5, 6)
    )
    assert list(runs) == list(OPTIMIZERS)
    assert [run.seed for run in runs["Adam 1"]] == [5, 6]
    assert len({id(model) for model in models}) == 8
    assert {id(run.model) for many in runs.values() for run in many} == set(map(id, models))
    for first in (0, 4):  # the first run of each seed
        for number in range(first, first + 4):
            assert torch.equal(starts[number], starts[first])
            assert orders[number] == orders[first]
    assert not torch.equal(starts[0], starts[4])
    assert orders[0] != orders[4]
    assert orders[0][:4] != orders[0][4:]  # the second epoch has an order of its own
    ends = [run.history.train_loss[-1] for many in runs.values() for run in many]
    assert len(set(ends)) == 8


def weights_and_numbers(runs):
    return {
        (name, run.seed): (
            [p.tolist() for p in run.model.parameters()],
            run.history.train_loss,
            run.history.validation_loss,
            run.history.validation_accuracy,
        )
        for name, many in runs.items()
        for run in many
    }


@pytest.mark.parametrize("make_model", [tiny_model, dropout_model])
def test_comparison_repeats_bit_for_bit_whatever_the_global_generator(make_model):
    def compared(disturbance):
        torch.manual_seed(disturbance)
        before = torch.get_rng_state()
        runs = compare_optimizers(
            make_model,
            shuffled,
            VALIDATION,
            optimizers=["SGD 0.01", "Adam 0.01"],
            epochs=2,
            seeds=(1, 2),
        )
        assert torch.equal(torch.get_rng_state(), before)
        return weights_and_numbers(runs)

    assert compared(10) == compared(20)


def test_order_of_the_optimizers_does_not_matter():
    def compared(names):
        return weights_and_numbers(
            compare_optimizers(
                dropout_model, shuffled, VALIDATION, optimizers=names, epochs=1, seeds=(1,)
            )
        )

    names = ["SGD 0.01", "Nesterov 0.01", "Adam 0.01"]
    assert compared(names) == compared(names[::-1])


def test_seeded_model_is_the_seeds_and_leaves_the_global_generator():
    before = torch.get_rng_state()
    first, again, other = (seeded_model(tiny_model, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.layers[0].weight, again.layers[0].weight)
    assert not torch.equal(first.layers[0].weight, other.layers[0].weight)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert torch.equal(tiny_model().layers[0].weight, first.layers[0].weight)


def test_comparison_goes_on_after_a_divergence():
    makers = {"explodes": sgd(1e30), "SGD 0.01": OPTIMIZERS["SGD 0.01"]}
    runs = compare_optimizers(
        tiny_model, shuffled, VALIDATION, optimizers=makers, epochs=2, seeds=(1, 2)
    )
    assert [run.history.status for run in runs["explodes"]] == ["diverged"] * 2
    assert all("epoch 1, step 2" in run.history.message for run in runs["explodes"])
    assert [run.history.status for run in runs["SGD 0.01"]] == ["finished"] * 2
    assert [len(run.history.train_loss) for run in runs["SGD 0.01"]] == [2, 2]


def test_ctrl_c_ends_the_comparison_and_keeps_the_runs():
    made = []

    def make_batches(generator):
        made.append(Interrupted(IMAGES, LABELS, 16, generator=generator))
        made[-1].fatal = 2 if len(made) == 3 else 0
        return made[-1]

    with pytest.raises(TrainingInterrupted, match="2 whole runs and 1 epochs") as raised:
        compare_optimizers(
            tiny_model,
            make_batches,
            VALIDATION,
            optimizers=["SGD 0.01", "Adam 0.01"],
            epochs=3,
            seeds=(1, 2),
            progress=True,
        )
    runs = raised.value.runs
    assert [run.history.status for run in runs["SGD 0.01"]] == ["finished"]
    assert [run.history.status for run in runs["Adam 0.01"]] == ["finished"]
    assert len(raised.value.history.train_loss) == 1
    assert len(made) == 3


def test_ctrl_c_ends_one_cycle_too():
    batches = Interrupted(IMAGES, LABELS, 16)
    batches.fatal = 2
    with pytest.raises(TrainingInterrupted) as raised:
        fit_one_cycle(tiny_model, batches, VALIDATION, epochs=3, seed=0)
    assert len(raised.value.history.train_loss) == 1


@pytest.mark.parametrize("place", ["batches", "model", "optimizer"])
def test_ctrl_c_between_two_runs_keeps_the_runs_before(place):
    begun = []

    def pressed(here):
        begun.append(here)
        if here == place and begun.count(here) == 3:
            signal.raise_signal(signal.SIGINT)

    def make_batches(generator):
        pressed("batches")
        return shuffled(generator)

    def make_model():
        pressed("model")
        return tiny_model()

    def make_optimizer(parameters):
        pressed("optimizer")
        return torch.optim.SGD(parameters, lr=0.01)

    before = torch.get_rng_state()
    with pytest.raises(TrainingInterrupted, match="2 whole runs and 0 epochs") as raised:
        compare_optimizers(
            make_model,
            make_batches,
            VALIDATION,
            optimizers={"one": make_optimizer, "two": make_optimizer},
            epochs=1,
            seeds=(1, 2),
        )
    runs = raised.value.runs
    assert raised.value.history is None
    assert [[run.seed for run in many] for many in runs.values()] == [[1], [1]]
    assert {run.history.status for many in runs.values() for run in many} == {"finished"}
    assert torch.equal(torch.get_rng_state(), before)


def test_all_four_optimizers_are_the_default():
    runs = compare_optimizers(tiny_model, shuffled, VALIDATION, epochs=1, seeds=(0,))
    assert list(runs) == ["SGD 0.01", "Nesterov 0.01", "Adam 0.01", "Adam 1"]


@pytest.mark.parametrize("name", ["SGD 0.01", "Nesterov 0.01", "Adam 0.01", "Adam 1"])
def test_optimizers_update_all_parameters_in_one_pass(name):
    assert OPTIMIZERS[name](tiny_model().parameters()).defaults["fused"] is True


@pytest.mark.parametrize("progress", [{}, {"progress": False}, {"progress": True}])
def test_runs_are_labelled_where_progress_is_asked_for(monkeypatch, progress):
    labels = []

    def record(*_, progress, **__):
        labels.append(progress)
        return train.History()

    monkeypatch.setattr(train, "fit", record)
    names = ["SGD 0.01", "Adam 1"]
    compare_optimizers(
        tiny_model, shuffled, VALIDATION, optimizers=names, epochs=1, seeds=(7,), **progress
    )
    shown = progress.get("progress", False)
    assert labels == ([f"{name}, seed 7" for name in names] if shown else [None, None])


def test_models_are_put_where_the_batches_are(monkeypatch):
    places = []

    def record(model, *_, **__):
        places.append(next(model.parameters()).device.type)
        return train.History()

    monkeypatch.setattr(train, "fit", record)
    for device in ("cpu", "meta"):  # where tensors have a shape and no numbers
        batches = SimpleNamespace(images=torch.empty(1, device=device))
        compare_optimizers(
            tiny_model,
            lambda _, batches=batches: batches,
            [],
            optimizers={"one": sgd(0.1)},
            epochs=1,
            seeds=(0,),
        )
    assert places == ["cpu", "meta"]


def test_seconds_are_those_of_training_alone(monkeypatch):
    clock = iter([10.0, 13.0, 100.0, 105.0])
    monkeypatch.setattr(train.time, "perf_counter", lambda: next(clock))
    model = tiny_model()
    batches, optimizer = shuffled(torch.Generator()), sgd(0.1)(model.parameters())
    assert fit(model, batches, VALIDATION, optimizer, epochs=2).seconds == [3.0, 5.0]


def test_scheduler_is_handed_on():
    model = tiny_model()
    optimizer = sgd(1.0)(model.parameters())
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    fit(model, shuffled(torch.Generator()), VALIDATION, optimizer, epochs=2, scheduler=scheduler)
    assert scheduler.get_last_lr() == [0.5**8]  # four batches in each epoch


def test_unknown_names_are_refused_before_any_training():
    def never(*_):
        raise AssertionError("training began")

    with pytest.raises(ValueError, match=r"expected names from .*'Adam 1'.*, got \['Adam 2'\]"):
        compare_optimizers(
            never, never, [], optimizers=["SGD 0.01", "Adam 2"], epochs=1, seeds=(0,)
        )
    with pytest.raises(ValueError, match=r"^seeds: expected at least one, got none; .* spread\.$"):
        compare_optimizers(never, never, [], epochs=1, seeds=())


def test_training_learns_what_can_be_learnt():
    # 50 images can be learnt by heart; the loss of guessing is log 10 = 2.30.
    model = seeded_model(tiny_model, 0)
    optimizer = OPTIMIZERS["Adam 0.01"](model.parameters())
    history = fit(
        model, shuffled(torch.Generator().manual_seed(0)), VALIDATION, optimizer, epochs=40
    )
    assert history.train_loss[-1] < 0.2
    assert history.validation_accuracy[-1] == 1  # images from among the training images
    with torch.no_grad():
        assert F.cross_entropy(model(IMAGES), LABELS) < 0.2
