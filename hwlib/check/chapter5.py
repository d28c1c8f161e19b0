"""Checks of chapter 5: the network, its training and evaluation, and the optimisers compared."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from hwlib import evaluate as reference
from hwlib import train
from hwlib.check import examples, networks
from hwlib.check import mistakes_torch as typical
from hwlib.check.engine import Answer, Mistakes, call, examine, task
from hwlib.check.networks import LENGTHS, batches, images, small_model, weights_of
from hwlib.check.texts import HINTS, TEXTS, fault
from hwlib.check.values import Array, Parts, Read, as_array, compare, describe, named, several
from hwlib.models import count_parameters
from hwlib.train import OPTIMIZERS, MakeOptimizer


@task
def mlp(answer: Answer) -> Iterator[str]:
    """Check ``my_mlp()``: two hidden layers of 100 ReLU units, a linear output of ten logits."""
    model = yield from networks.built(answer)
    yield "input: no arguments"
    count = count_parameters(model)
    if count != 89_610:
        hint = TEXTS["layers"].get(str(count), "")
        raise fault("another network", f"{count:,} parameters", hint=hint)
    yield from networks.check_gradients(model)
    yield "value"
    yield "input: 16 images"
    networks.check_two_hidden_layers(model)
    yield "extreme inputs"
    yield "input: one image (1, 1, 28, 28) of float32"
    networks.logits(model, images(1))


def _settings(model: nn.Module, args: tuple[Any, ...]) -> dict[str, Any]:
    """What an answer leaves as it is, by name."""
    groups = [g for o in args if isinstance(o, Optimizer) for g in o.param_groups]
    return {
        "torch.is_grad_enabled()": torch.is_grad_enabled(),
        "requires_grad of the parameters": [p.requires_grad for p in model.parameters()],
        "dtype of the parameters": [p.dtype for p in model.parameters()],
        "p of the dropout": [getattr(m, "p", None) for m in model.modules()],
        "learning rate of the optimiser": [group["lr"] for group in groups],
    }


def _watched(run: Answer) -> Answer:
    """The same run from one random state; it returns what it is given, the model and changes."""

    def watched(model: nn.Module, *args: Any) -> Any:
        torch.manual_seed(0)
        before = _settings(model, args)
        value = run(model, *args)
        changed = [name for name, v in _settings(model, args).items() if v != before[name]]
        return None if value is None else (value, model, ", ".join(changed))

    return watched


def _result(watched: Any) -> Any:
    """What a watched answer returned, of a tuple the first two; it is to leave what it found."""
    value, _, changed = watched
    if changed:
        raise fault("settings changed", changed)
    return value[:2] if isinstance(value, tuple) else value


def _examine(
    answer: Answer, right: Answer, read: Read, args: tuple, mistakes: Mistakes, **options: Any
) -> Iterator[str]:
    """Examine what an answer returns together with the model that it was given."""
    known = {name: _watched(wrong) for name, wrong in mistakes.items()}
    options = {"mistakes": known, "rtol": 1e-3, **options}
    yield from examine(_watched(answer), _watched(right), read, args, **options)


def _trained(watched: Any, _: Any) -> Parts:
    loss, model = _result(watched), watched[1]
    if isinstance(loss, Tensor) and loss.requires_grad:
        raise fault("loss not detached", describe(loss))
    modes = [training for training, recording in model[0].modes if recording]
    return {
        "the weights afterwards": weights_of(model),
        "the loss": as_array(loss, "the loss"),
        "training mode in all batches (1: yes)": np.array(float(all(modes))),
    }


@task
def train_epoch(answer: Answer) -> Iterator[str]:
    """Check ``my_train_epoch(model, batches, optimizer)``: one step a batch, mean loss an image."""
    settings = (
        (LENGTHS, partial(SGD, lr=0.3)),
        ((9, 9, 9, 1), partial(SGD, lr=0.05, momentum=0.9)),
        ((15, 2), partial(Adam, lr=0.01)),
    )
    for lengths, make in settings:
        model = small_model()
        optimizer = make(model.parameters())
        train.train_epoch(model, batches((5,)), optimizer)  # what it has gathered is used
        optimizer.zero_grad()
        model.load_state_dict(small_model().state_dict())
        model.get_parameter("5.weight").data *= 3  # gradients that clipping would change
        modes: Any = model.eval()[0].modes
        modes.clear()
        args = (model, batches(lengths), optimizer)
        sizes = [lengths[0], sum(lengths), len(lengths)]
        yield f"input: batches of {lengths} images, {type(optimizer).__name__}"
        yield from _examine(answer, train.train_epoch, _trained, args, typical.EPOCHS, sizes=sizes)


def _evaluated(watched: Any, right: Any) -> Parts:
    read = named("the mean loss", "the share of right answers")
    return read(_result(watched), _result(right))


@task
def evaluate(answer: Answer) -> Iterator[str]:
    """Check ``my_evaluate(model, batches) -> (loss, accuracy)``, mean per image and share of 1."""
    for lengths in (LENGTHS, (9, 9, 9, 4)):
        model = small_model(dropout=0.5).train()
        # Labels that the model often gets right, so that the accuracy is no round number.
        data = batches(lengths, small_model())
        yield f"input: batches of {lengths} images"
        args, sizes = (model, data), [sum(lengths), len(lengths), 100]
        yield from _examine(
            answer, reference.evaluate, _evaluated, args, typical.EVALUATIONS, sizes=sizes
        )
    yield "gradient"
    model = small_model()
    before = weights_of(model)
    call(answer, model, data, changes=True)
    if not np.array_equal(before, weights_of(model)):
        raise fault("trains while evaluating")
    if any(p.grad is not None for p in model.parameters()):
        raise fault("backward while evaluating")
    modes: Any = model[0].modes
    if any(recording for _, recording in modes):
        yield "note: it records gradients that nobody needs; torch.no_grad() saves memory and time."


def _predicted(watched: Any, right: Any) -> Parts:
    names = "the class", "the confidence in percent"
    label, _ = several(_result(watched), *names).values()
    if isinstance(label, str):
        raise fault("name for number", repr(label))
    return named(*names)(_result(watched), _result(right))


@task
def predict_image(answer: Answer) -> Iterator[str]:
    """Check ``my_predict_image(model, image) -> (label, confidence in percent)``."""
    yield "input: a model and one image (1, 28, 28)"
    for seed, shift in ((3, 0), (4, 0), (5, 0), (6, 100)):  # exp of the last logits is inf
        model, image = small_model(dropout=0.5, seed=seed).train(), images(1, seed)[0]
        model.get_parameter("5.bias").data += shift
        rtol = 0.051 / typical.prediction(model.eval(), image)[1]  # a tenth of a percent is enough
        args = (model.train(), image)
        yield from _examine(
            answer, typical.prediction, _predicted, args, typical.PREDICTIONS, rtol=rtol
        )


def _path(make: Callable[..., Any]) -> Array:
    """Where an optimiser takes two parameters in four steps on a bowl and four on a flat one.

    There only a method that forgets how steep it was goes on at its pace.
    """
    start = examples.draws(0).uniform(0.5, 3, 3) * [1, -1, 1]
    pair = [torch.tensor(start), torch.tensor([0.5]).double()]
    weights = nn.ParameterList(pair)
    optimizer = call(make, weights.parameters(), changes=True)
    if not isinstance(optimizer, Optimizer):
        raise fault("no optimiser", describe(optimizer))
    places = []
    for steepness in 4 * [1.0] + 4 * [1e-3]:
        optimizer.zero_grad()
        bowl = (torch.tensor([1.0, 5.0, 0.1]) * weights[0] ** 2).sum() + weights[1].sum()
        (steepness * bowl).backward()
        optimizer.step()
        places.append(torch.cat([w.detach() for w in weights]).numpy())
    return np.array(places)


@task
def optimizers(answer: Answer) -> Iterator[str]:
    """Check ``my_optimizers()``: name to a function from parameters to an optimiser."""
    yield "shape and dtype"
    yield "input: no arguments"
    table = call(answer)
    if not isinstance(table, Mapping) or set(table) != set(OPTIMIZERS):
        raise fault("optimiser names", describe(table), names=", ".join(OPTIMIZERS))
    for name, make in table.items():
        if not callable(make):
            raise fault("optimiser for a factory", f"{name!r}: {type(make).__name__}")
    yield "value"
    for name, right in OPTIMIZERS.items():
        part = f"the place to which {name!r} leads"

        for turn in ("the first model", "the second model"):
            yield f"input: eight steps on a bowl, with {turn} for which {name!r} is called"
            got, expected = {part: _path(table[name])}, {part: _path(right)}
            confused = typical.confused(name).items()
            known = ((mistake, {part: _path(make)}) for mistake, make in confused)
            compare(got, expected, known=known, rtol=1e-6)


@task
def compare_optimizers(answer: Answer) -> Iterator[str]:
    """Check ``my_compare_optimizers(make_model, batches, optimizers, epochs, seed)``."""

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10))

    usual = {name: OPTIMIZERS[name] for name in ("Nesterov 0.01", "Adam 0.01", "SGD 0.01")}
    others: dict[str, MakeOptimizer] = {
        "heavy": lambda p: SGD(p, 0.02, momentum=0.5),
        "slow": OPTIMIZERS["SGD 0.01"],
        "gentle": lambda p: Adam(p, 0.001),
        "uphill": lambda p: SGD(p, 0.02, maximize=True),
    }
    settings = ((usual | others, 2, 5), (others, 3, 11))
    for table, epochs, number in settings:
        seed, names = examples.seed(number), ", ".join(table)
        yield f"input: the optimisers {names}; {epochs} epochs of three batches, seed {seed}"
        read = named("the losses of ", hint=HINTS["epochs"], other_keys="curve names")
        torch.manual_seed(99)
        args = (make_model, batches(), table, epochs, seed)
        yield from examine(answer, typical.curves, read, args, mistakes=typical.UNFAIR, rtol=1e-3)
