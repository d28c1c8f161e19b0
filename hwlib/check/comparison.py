"""Checks of the four optimisers of chapter 5, and of a fair comparison between them."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from hwlib.check import examples
from hwlib.check.engine import Mistakes, call, examine, task
from hwlib.check.small import batches
from hwlib.check.texts import HINTS, fault
from hwlib.check.values import Array, Parts, as_array, compare, describe
from hwlib.train import OPTIMIZERS, MakeOptimizer, train_epoch

SGD, ADAM = torch.optim.SGD, torch.optim.Adam
Table = Mapping[str, MakeOptimizer]


def _confused(name: str) -> dict[str, MakeOptimizer]:
    """What is taken for the optimiser of this name; the mistakes are named in `texts.toml`."""
    kind, rate = name.split()
    lr = float(rate)
    methods: dict[str, MakeOptimizer] = {
        "SGD": lambda p: SGD(p, lr=lr),
        "SGD with momentum": lambda p: SGD(p, lr=lr, momentum=0.9),
        "Nesterov": lambda p: SGD(p, lr=lr, momentum=0.9, nesterov=True),
        "Adam": lambda p: ADAM(p, lr=lr),
        "AdamW": lambda p: torch.optim.AdamW(p, lr=lr),
    }
    extra: dict[str, Any] = {"momentum": 0.9, "nesterov": True} if kind == "Nesterov" else {}
    make: Callable[..., Any] = partial(ADAM if kind == "Adam" else SGD, **extra)
    return {
        **{f"{m} for {kind}": methods[m] for m in methods if m != kind},
        **{f"rate {r:g}": partial(make, lr=r) for r in (1, 0.1, 0.01, 0.001) if r != lr},
        "other parameters": lambda p: SGD([nn.Parameter(q.detach().clone()) for q in p]),
    }


def _path(make: Callable[..., Any]) -> Array:
    """Where an optimiser takes two parameters in four steps on a bowl and four on a flat one.

    There only a method that forgets how steep it was goes on at its pace.
    """
    start = examples.draws(0).uniform(0.5, 3, 3) * [1, -1, 1]
    pair = [torch.tensor(start), torch.tensor([0.5]).double()]
    weights = nn.ParameterList(pair)
    optimizer = call(make, weights.parameters(), changes=True)
    if not isinstance(optimizer, torch.optim.Optimizer):
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
def optimizers(answer: Callable[..., Any]) -> Iterator[str]:
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

        def wrong(name: str = name, part: str = part) -> dict[str, Parts]:
            return {mistake: {part: _path(make)} for mistake, make in _confused(name).items()}

        for turn in ("the first model", "the second model"):
            yield f"input: eight steps on a bowl, with {turn} for which {name!r} is called"
            got, expected = {part: _path(table[name])}, {part: _path(right)}
            compare(got, expected, known=wrong, rtol=1e-6, hint="optimiser")


def _curves(
    kind: str = "fair",
) -> Callable[[Callable[[], nn.Module], list, Table, int, int], dict[str, list[float]]]:
    """Losses of each epoch for each optimiser, each from the same weights, or one mistake."""

    def run(
        make_model: Callable[[], nn.Module], data: list, table: Table, epochs: int, seed: int
    ) -> dict[str, list[float]]:
        curves: dict[str, list[float]] = {}
        torch.manual_seed(seed)
        model = make_model()
        for name, make in table.items():
            if kind != "one seed":
                torch.manual_seed(seed)
            if kind != "in turn" and not (kind == "one seed" and not curves):
                model = make_model()
            optimizer = make((make_model() if kind == "other model" else model).parameters())
            curves[name] = []
            for _ in range(epochs):
                optimizer = make(model.parameters()) if kind == "anew" else optimizer
                curves[name].append(train_epoch(model, data, optimizer))
        return curves

    return run


UNFAIR: Mistakes = {
    "shared model": _curves("in turn"),
    "seeded once": _curves("one seed"),
    "new optimiser in each epoch": _curves("anew"),
    "optimiser of another model": _curves("other model"),
    "fixed seed": lambda m, b, t, e, _: _curves()(m, b, t, e, 0),
}


@task
def compare_optimizers(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_compare_optimizers(make_model, batches, optimizers, epochs, seed)``."""

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10))

    usual = {name: OPTIMIZERS[name] for name in ("Nesterov 0.01", "Adam 0.01", "SGD 0.01")}
    others: dict[str, MakeOptimizer] = {
        "heavy": lambda p: SGD(p, 0.02, momentum=0.5),
        "slow": OPTIMIZERS["SGD 0.01"],
        "gentle": lambda p: ADAM(p, 0.001),
    }
    settings = ((usual | others, 2, 5), (others, 3, 11))
    for table, epochs, number in settings:
        seed, names = examples.seed(number), ", ".join(table)
        yield f"input: the optimisers {names}; {epochs} epochs of three batches, seed {seed}"

        def read(curves: Any, table: Table = table, epochs: int = epochs) -> Parts:
            if not isinstance(curves, Mapping) or set(curves) != set(table):
                raise fault("curve names", describe(curves), names=", ".join(table))
            parts = {f"the losses of {name}": curves[name] for name in table}
            return {
                part: as_array(curve, part, (epochs,), HINTS["epochs"])
                for part, curve in parts.items()
            }

        torch.manual_seed(99)
        args = (make_model, batches(), table, epochs, seed)
        yield from examine(answer, _curves(), read, args, mistakes=UNFAIR, rtol=1e-3, hint="curves")
