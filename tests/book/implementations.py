"""Functions against the equations that they name, and the equations of PyTorch's parts against it.

Which argument is which symbol is all that the adapters say; the formula is the displayed one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from bindings import BINDINGS, steps
from equation_reader import Reader, Statements

from hwlib import evaluate, gradcheck, losses, train, two_layer
from hwlib.batches import Batches
from hwlib.course import luck
from hwlib.formulas.judge import NUMERIC, Context
from hwlib.formulas.tree import NotationError
from hwlib.models import MLP

RELATIVE, ABSOLUTE = 1e-6, 1e-9  # finite differences and float32 logits; see tests/ for ulp

Pair = tuple[str, Any, Any]  # what, by the equation, by the function
Adapter = Callable[["Reader"], Iterator[Pair]]


def disagreements(book: Iterable[Context]) -> dict[str, str]:
    """Equation label to where it differs from the code that implements it; empty if nowhere."""
    statements: dict[str, list[Context]] = {}
    for context in book:
        statements.setdefault(context.label, []).append(context)
    found = {label: disagreement(label, statements) for label in ADAPTERS}
    return {label: text for label, text in found.items() if text}


def disagreement(label: str, statements: Statements) -> str:
    """Where equation and function differ, or nothing."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for what, expected, computed in ADAPTERS[label](Reader(statements)):
                if np.shape(expected) != np.shape(computed):
                    return f"{what}: shapes {np.shape(expected)} and {np.shape(computed)}"
                if not np.allclose(computed, expected, rtol=RELATIVE, atol=ABSOLUTE):
                    return f"{what}: equation {expected}, function {computed}"
    except (NotationError, ArithmeticError) as error:
        return f"cannot be evaluated: {error}"
    return ""


def _logits(read: Reader) -> Iterator[tuple[float, float]]:
    return (
        (float(y), float(z))
        for y, z in zip(read.rng.random(6), 3 * read.rng.normal(size=6), strict=True)
    )


def _of_one_logit(label: str, function: Callable[[float], Any]) -> Adapter:
    def compare(read: Reader) -> Iterator[Pair]:
        for _, z in _logits(read):
            for side in read.sides(label, z=z):
                yield f"z = {z}", side, function(z)

    return compare


def _of_label_and_logit(label: str, function: Callable[[float, float], Any]) -> Adapter:
    def compare(read: Reader) -> Iterator[Pair]:
        for y, z in _logits(read):
            for side in read.sides(label, y=y, z=z):
                yield f"y = {y}, z = {z}", side, function(y, z)

    return compare


def _network(read: Reader) -> dict[str, Any]:
    B, D, K = 4, 3, 2
    normal = read.rng.normal
    return {
        **{"B": B, "D": D, "K": K},
        **{"X": normal(size=(B, D)), "W_1": normal(size=(D, K)), "W_2": normal(size=(K, 1))},
        "y": read.rng.random((B, 1)),
    }


def _weights(given: dict[str, Any]) -> dict[str, Any]:
    return {"w1": given["W_1"], "w2": given["W_2"]}


def _forward(read: Reader) -> Iterator[Pair]:
    given = _network(read)
    outputs = two_layer.predict(given["X"], _weights(given))
    for row, output in zip((0, 2, 3), outputs, strict=True):
        yield f"row {row + 1}", read.sides("eq-forward", row, **given)[0], output


def _gradient(read: Reader) -> Iterator[Pair]:
    given = _network(read)
    gradient = two_layer.logistic_loss_grad(given["X"], given["y"], _weights(given))
    for row, name in enumerate(("w1", "w2")):
        for side in read.sides("eq-gradient", row, **given):
            yield name, side, gradient[name]


def _descent(read: Reader) -> Iterator[Pair]:
    given = _network(read)
    after = two_layer.gradient_descent(
        given["X"], given["y"], _weights(given), learning_rate=0.7, steps=1
    ).weights
    given[r"\eta"] = 0.7
    for row, name in enumerate(("w1", "w2")):
        yield name, read.sides("eq-gradient-descent", row, **given)[0], after[name]


def _batch_loss(read: Reader) -> Iterator[Pair]:
    y, z = read.rng.random((5, 1)), 3 * read.rng.normal(size=(5, 1))
    for side in read.sides("eq-batch-loss", B=5, y=y, z_2=z):
        yield "L", side, losses.stable_logistic_loss(y, z)


def _naive_loss(read: Reader) -> Iterator[Pair]:
    y, yhat = read.rng.random((5, 1)), read.rng.random((5, 1))
    for side in read.sides("eq-logistic-loss", **{"B": 5, "y": y, r"\hat{y}": yhat}):
        yield "L", side, losses.logistic_loss(y, yhat)


def _central_difference(read: Reader) -> Iterator[Pair]:
    for theta, h in [(0.7, 6e-6), (-1.3, 0.01)]:
        quotient = gradcheck.numerical_gradient(
            lambda w: float(np.sin(3 * w["w"][0]) + w["w"][0] ** 3), {"w": np.array([theta])}, h
        )
        loss = lambda t: NUMERIC.context.sin(3 * t) + t**3  # noqa: E731
        given = {r"\theta": theta, "h": h, "L": loss}
        yield f"h = {h}", read.sides("eq-central-difference", **given)[0], quotient["w"][0]


def _relative_error(read: Reader) -> Iterator[Pair]:
    for scale in (1, 10, 0.1):
        g, q = read.rng.normal(size=(3, 1)), scale * read.rng.normal(size=(3, 1))
        yield "r", read.sides("eq-relative-error", g=g, q=q)[0], gradcheck.relative_error(g, q)


class _FixedLogits(torch.nn.Module):
    """A model that answers every image with the same logits."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits[: len(images)]


def _softmax(read: Reader) -> Iterator[Pair]:
    logits = read.rng.normal(size=(1, 4))
    model = _FixedLogits(torch.tensor(logits))
    batch = [(torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.long))]
    found = evaluate.predict_probabilities(model, batch)[0]
    for c in range(4):
        yield f"p_{c + 1}", read.sides("eq-softmax", C=4, z_=logits[0], c=c + 1)[0], found[c]


def _confidence(read: Reader) -> Iterator[Pair]:
    logits = read.rng.normal(size=(1, 10))
    found = evaluate.predict_image(_FixedLogits(torch.tensor(logits)), torch.zeros(1, 28, 28))
    given = {"C": 10, "z_": logits[0], "c": found.label + 1}
    yield "P_c", read.sides("eq-confidence", **given)[0], 100 * found.confidence


def _calibration(read: Reader) -> Iterator[Pair]:
    p = read.rng.dirichlet(np.ones(4), size=9)
    truth = read.rng.integers(0, 4, 9)
    found = evaluate.calibration(p, truth)
    filled = found.images > 0
    gap = np.sum(((found.confidence - found.accuracy) * found.images)[filled]) / len(p)
    right = (p.argmax(axis=1) == truth).astype(float)
    for side in read.sides("eq-calibration-gap", B=9, q_=p.max(axis=1), r_=right):
        yield "G", side, gap


def _update(label: str, optimizer: str, given: dict[str, float]) -> Adapter:
    """The update rule against the optimiser of `hwlib.train`, over five steps.

    The gradients are near 1, small, and as small as the constant in Adam's denominator.
    """

    def compare(read: Reader) -> Iterator[Pair]:
        row = len(read.statements[label]) - 1
        for scale in (1, 1e-4, 1e-8):
            gradients = scale * read.rng.normal(size=5)
            places = pairwise(steps(optimizer, gradients, start=0.3))
            for t, (before, after) in enumerate(places, start=1):
                values: dict[str, Any] = {**given, r"\theta": before, "t": t, "T": 5}
                for side in read.sides(label, row, **values, g_=gradients):
                    yield f"step {t} of {scale}", side, after

    return compare


def _mlp(read: Reader) -> Iterator[Pair]:
    model = MLP((3, 2)).double()
    model.layers[0] = torch.nn.Linear(5, 3).double()
    given: dict[str, Any] = {"B": 4, "X": read.rng.normal(size=(4, 5))}
    linear = [layer for layer in model.layers if isinstance(layer, torch.nn.Linear)]
    for number, layer in enumerate(linear, start=1):
        given[f"W_{number}"] = layer.weight.detach().numpy().T
        given[f"b_{number}"] = layer.bias.detach().numpy()[None]
    found = model.layers(torch.tensor(given["X"])).detach().numpy()
    yield "Z", read.sides("eq-mlp", 2, **given)[0], found


def _convolution(read: Reader) -> Iterator[Pair]:
    layer = torch.nn.Conv2d(2, 3, 2).double()
    x = read.rng.normal(size=(2, 4, 4))
    found = layer(torch.tensor(x[None]))[0].detach().numpy()
    given: dict[str, Any] = {"R": 2, "M": 2, "x_": x}
    weight, bias = (p.detach().numpy() for p in layer.parameters())
    given |= {"w_": weight, "b_": bias}
    for q, i, j in np.ndindex(found.shape):
        given |= {"q": q + 1, "i": i + 1, "j": j + 1}
        yield f"z_{q, i, j}", read.sides("eq-convolution-layer", **given)[0], found[q, i, j]


def _one_cycle(read: Reader) -> Iterator[Pair]:
    """The rates that Adam really uses, against half a cosine up and half a cosine down."""
    images, labels = torch.zeros(2, 1, 28, 28), torch.zeros(2, dtype=torch.long)
    rates: list[float] = []
    batches = Batches(images, labels, 1)
    with _recorded_rates(rates):
        train.fit_one_cycle(lambda: MLP((1,)), batches, batches, epochs=10, seed=0)
    peak = int(np.argmax(rates))
    halves = [(rates[: peak + 1], 0.01 / 25, 0.01), (rates[peak:], 0.01, 0.01 / 250_000)]
    for found, first, last in halves:
        for step, rate in enumerate(found):
            given = {r"\eta_1": first, r"\eta_2": last, "s": step / (len(found) - 1)}
            yield f"step {step}", read.sides("eq-one-cycle", **given)[0], rate


@contextmanager
def _recorded_rates(rates: list[float]) -> Iterator[None]:
    original = torch.optim.Adam.step

    def step(self: torch.optim.Adam, *args: Any, **kwargs: Any) -> Any:
        rates.append(float(self.param_groups[0]["lr"]))
        return original(self, *args, **kwargs)

    torch.optim.Adam.step = step
    try:
        yield
    finally:
        torch.optim.Adam.step = original


def _output_side(read: Reader) -> Iterator[Pair]:
    for side, border, kernel in [(28, 1, 3), (28, 0, 5), (9, 2, 2)]:
        layer = torch.nn.Conv2d(1, 1, kernel, padding=border)
        found = layer(torch.zeros(1, 1, side, side)).shape[-1]
        expected = read.sides("eq-output-side", N=side, P=border, M=kernel)[0]
        yield f"N = {side}, P = {border}, M = {kernel}", expected, found


def _pooling(read: Reader) -> Iterator[Pair]:
    for z in read.rng.normal(size=(9, 4, 6)):  # in each square, each entry is the largest once
        found = torch.nn.MaxPool2d(2)(torch.tensor(z[None, None]))[0, 0].numpy()
        for i, j in np.ndindex(found.shape):
            side = read.sides("eq-pooling", i=i + 1, j=j + 1, z_=z)[0]
            yield f"a_{i, j}", side, found[i, j]


def _wilson(read: Reader) -> Iterator[Pair]:
    for images in (7, 10_000):
        given = {"p": float(read.rng.random()), "B": images, "c": 1.96}
        middle, half = (read.sides("eq-wilson", row, **given)[0] for row in (0, 1))
        yield f"{given}", np.array([middle - half, middle + half]), luck.wilson(given["p"], images)


ADAPTERS: dict[str, Adapter] = {
    "eq-sigmoid": _of_one_logit("eq-sigmoid", losses.sigmoid),
    "eq-sigmoid-slope": _of_one_logit(
        "eq-sigmoid-slope", lambda z: losses.sigmoid_and_slope(np.array([z]))[1][0]
    ),
    "eq-softplus": _of_one_logit("eq-softplus", losses.softplus),
    "eq-logistic-loss": _naive_loss,
    "eq-stable-loss": _of_label_and_logit("eq-stable-loss", losses.logistic_loss_per_example),
    "eq-batch-loss": _batch_loss,
    "eq-logit-derivative": _of_label_and_logit(
        "eq-logit-derivative", losses.logistic_loss_logit_grad
    ),
    "eq-forward": _forward,
    "eq-gradient": _gradient,
    "eq-gradient-descent": _descent,
    "eq-central-difference": _central_difference,
    "eq-relative-error": _relative_error,
    "eq-softmax": _softmax,
    "eq-confidence": _confidence,
    "eq-calibration-gap": _calibration,
    "eq-mlp": _mlp,
    "eq-sgd": _update("eq-sgd", "SGD 0.01", {r"\eta": 0.01}),
    "eq-nesterov": _update("eq-nesterov", "Nesterov 0.01", {r"\eta": 0.01, r"\mu": 0.9}),
    "eq-nesterov-lookahead": _update(
        "eq-nesterov-lookahead", "Nesterov 0.01", {r"\eta": 0.01, r"\mu": 0.9}
    ),
    "eq-adam": _update(
        "eq-adam",
        "Adam 0.01",
        {r"\eta": 0.01, r"\beta_1": 0.9, r"\beta_2": 0.999, r"\epsilon": 1e-8},
    ),
    "eq-convolution-layer": _convolution,
    "eq-output-side": _output_side,
    "eq-pooling": _pooling,
    "eq-one-cycle": _one_cycle,
    "eq-wilson": _wilson,
    **BINDINGS,
}
