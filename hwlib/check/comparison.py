"""Checks of the four optimisers of chapter 5, and of a fair comparison between them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from hwlib.check.engine import as_array, call, describe, near, task
from hwlib.check.models import batches
from hwlib.check.outcome import Fault
from hwlib.course.mistakes_torch import train_one_model_in_turn
from hwlib.train import OPTIMIZERS, MakeOptimizer, train_epoch

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
CONFUSED: list[tuple[str, str, MakeOptimizer]] = [
    (
        "momentum without nesterov",
        "The look ahead is missing: which argument of SGD turns it on?",
        lambda p: SGD(p, lr=0.01, momentum=0.9),
    ),
    ("no momentum", "The momentum is missing.", lambda p: SGD(p, lr=0.01)),
    ("rate 0.1", "The learning rate is ten times too large.", lambda p: SGD(p, lr=0.1)),
    (
        "rate 0.001",
        "The learning rate is that of Adam's default, ten times too small.",
        lambda p: ADAM(p),
    ),
    ("rate 0.01", "The learning rate is a hundred times too small.", lambda p: ADAM(p, lr=0.01)),
    ("rate 1", "The learning rate is a hundred times too large.", lambda p: ADAM(p, lr=1.0)),
    ("Adam for SGD", "That is Adam; asked for is SGD.", lambda p: ADAM(p, lr=0.01)),
    ("SGD for Adam", "That is SGD; asked for is Adam.", lambda p: SGD(p, lr=0.01)),
    ("SGD for Adam", "That is SGD; asked for is Adam.", lambda p: SGD(p, lr=1.0)),
    (
        "Nesterov for SGD",
        "That has momentum; asked for is plain SGD.",
        lambda p: SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    ),
    (
        "AdamW",
        "That is AdamW, which decays the weights as well.",
        lambda p: torch.optim.AdamW(p, lr=0.01),
    ),
]


def _path(make: Callable[..., Any], name: str) -> np.ndarray:
    """Where an optimiser takes three parameters in four steps on a bowl."""
    w = nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    given = f"the factory of {name!r} and a list with one parameter"
    optimizer = call(make, [w], given=given, changes=True)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise Fault(
            "does not hold factories of optimisers",
            given=given,
            got=describe(optimizer),
            expected="an optimiser",
            hint="`lambda p: torch.optim.SGD(p, lr=...)`",
            mistake="no optimiser",
        )
    places = []
    for _ in range(4):
        optimizer.zero_grad()
        (torch.tensor([1.0, 5.0, 0.1]) * w**2).sum().backward()
        optimizer.step()
        places.append(w.detach().numpy().copy())
    return np.array(places)


@task
def optimizers(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_optimizers()``: name to a function from parameters to an optimiser."""
    yield "shape and dtype"
    given = "no arguments"
    table = call(answer, given=given)
    if not isinstance(table, Mapping) or set(table) != set(OPTIMIZERS):
        raise Fault(
            "does not return the four optimisers by name",
            given=given,
            got=describe(table),
            expected=f"a dictionary with the keys {', '.join(map(repr, OPTIMIZERS))}",
            hint="Use exactly these names as keys.",
            mistake="keys",
        )
    for name, make in table.items():
        if not callable(make):
            raise Fault(
                "holds an optimiser, and not a function that makes one",
                given=given,
                got=f"{name!r}: {type(make).__name__}",
                expected="a function of parameters",
                hint="An optimiser is tied to the parameters of one model, and four runs need "
                "four models.",
                mistake="shared model",
            )
    yield "value"
    start = np.array([1.0, -2.0, 3.0])
    for name, right in OPTIMIZERS.items():
        path, wanted = _path(table[name], name), _path(right, name)
        if near(path, wanted, 1e-6):
            continue
        mistake, hint = "", "Compare its learning rate and its other arguments with the task."
        if np.array_equal(path, np.tile(start, (4, 1))):
            mistake, hint = (
                "other parameters",
                (
                    "It leaves the given parameters alone: whose parameters does the factory pass "
                    "on?"
                ),
            )
        else:
            for known, text, make in CONFUSED:
                if near(path, _path(make, known), 1e-6):
                    mistake, hint = known, text
                    break
        raise Fault(
            f"takes another way with {name!r}",
            given="four steps from (1, -2, 3) on a bowl",
            got=f"{path[-1].round(4).tolist()}",
            expected=f"{wanted[-1].round(4).tolist()}",
            hint=hint,
            mistake=mistake,
        )


NAMES = ("SGD 0.01", "Nesterov 0.01", "Adam 0.01")


def fair(
    make_model: Callable[[], nn.Module],
    data: list,
    table: Mapping[str, MakeOptimizer],
    epochs: int,
    seed: int,
) -> dict[str, list[float]]:
    """Losses of each epoch for each optimiser, every run from the same fresh weights."""
    curves = {}
    for name, make in table.items():
        torch.manual_seed(seed)
        model = make_model()
        optimizer = make(model.parameters())
        curves[name] = [train_epoch(model, data, optimizer) for _ in range(epochs)]
    return curves


@task
def compare_optimizers(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_compare_optimizers(make_model, batches, optimizers, epochs, seed)``."""
    given = "three optimisers, 2 epochs of three batches, seed 5"

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10))

    table = {name: OPTIMIZERS[name] for name in NAMES}
    yield "shape and dtype"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        curves = call(answer, make_model, batches(), table, 2, 5, given=given, changes=True)
        right = fair(make_model, batches(), table, 2, 5)
        turn = train_one_model_in_turn(
            make_model,
            lambda _: batches(),  # type: ignore[arg-type, return-value]
            batches(),  # type: ignore[arg-type]
            optimizers=NAMES,
            epochs=2,
            seed=5,
        )
    if not isinstance(curves, Mapping) or set(curves) != set(NAMES):
        raise Fault(
            "does not return one curve for each optimiser",
            given=given,
            got=describe(curves),
            expected=f"a dictionary with the keys {', '.join(NAMES)}",
            hint="One list of losses under each name.",
            mistake="keys",
        )
    got = {
        name: as_array(
            curves[name],
            f"the losses of {name}",
            (2,),
            given=given,
            hint="One loss for each epoch.",
        )
        for name in NAMES
    }
    yield "value"
    if all(near(got[n], np.array(turn[n].train_loss), 1e-3) for n in NAMES):
        raise Fault(
            "trains one and the same model with all optimisers",
            given=given,
            got="curves that continue each other",
            expected="a fresh model for each",
            hint="Look at the first value of every curve: the second optimiser starts where the "
            "first one ended. Where is the model made?",
            mistake="shared model",
        )
    for name in NAMES:
        if not near(got[name], np.array(right[name]), 1e-3):
            same = near(got[NAMES[0]], np.array(right[NAMES[0]]), 1e-3)
            hint = (
                "The first optimiser starts from the seed and the others do not: their initial "
                "weights are other ones."
                if same
                else "The curves do not belong to this seed: is the random state set right before "
                "each model is made?"
            )
            raise Fault(
                "does not start every run from the same weights",
                given=given,
                got=f"{name}: {got[name].round(4).tolist()}",
                expected=f"{np.round(right[name], 4).tolist()}",
                hint=hint,
                mistake="unequal starts",
            )
