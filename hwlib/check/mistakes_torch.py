"""Typical wrong answers of the PyTorch chapters, under the names of their hints."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from hwlib.check.chapter7 import MEANS, mean_per_image
from hwlib.check.engine import Mistakes
from hwlib.check.networks import Batch
from hwlib.course.mistakes_torch import train_epoch_divided_by_images
from hwlib.train import MakeOptimizer, train_epoch

Map = Callable[..., Any]


def _softmax_first(z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(torch.softmax(z, dim=1), y)


def _epoch(
    model: nn.Module,
    batches: list[Batch],
    optimizer: Optimizer,
    loss_of: Map = F.cross_entropy,
    average: Map = mean_per_image,
    clear: bool = True,
    once: bool = False,
    mode: bool = True,
) -> float:
    """One epoch with one thing done wrongly."""
    model.train(mode)
    losses = []
    for images, labels in batches:
        if clear:
            optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        if not once:
            optimizer.step()
        losses.append(loss.item())
    if once:
        optimizer.step()
    return float(average(losses, [len(y) for _, y in batches]))


def _divided_by_images(model: nn.Module, batches: list[Batch], optimizer: Optimizer) -> float:
    return train_epoch_divided_by_images(model, batches, optimizer, sum(len(y) for _, y in batches))


EPOCHS: Mistakes = {
    "nll_loss on logits": partial(_epoch, loss_of=F.nll_loss),
    "forgotten zero_grad": partial(_epoch, clear=False),
    "softmax before cross-entropy": partial(_epoch, loss_of=_softmax_first),
    "sum over the batch": partial(_epoch, loss_of=partial(F.cross_entropy, reduction="sum")),
    "return in the loop": lambda m, b, o: _epoch(m, b[:1], o),
    "sign of the loss": partial(_epoch, loss_of=lambda z, y: -F.cross_entropy(z, y)),
    "smoothed labels": partial(_epoch, loss_of=partial(F.cross_entropy, label_smoothing=0.1)),
    "no step": lambda m, b, _: _epoch(m, b, SGD(m.parameters(), lr=0)),
    "step after the loop": partial(_epoch, once=True),
    "own optimiser": lambda m, b, _: _epoch(m, b, SGD(m.parameters(), lr=0.01)),
    "new optimiser": lambda m, b, o: [o.state.clear(), _epoch(m, b, o)][1],
    "own optimiser, rate 0.1": lambda m, b, _: _epoch(m, b, SGD(m.parameters(), lr=0.1)),
    "divided by the images": _divided_by_images,
    "mean of batch means": partial(_epoch, average=MEANS["mean of means"]),
    "sum of batch means": partial(_epoch, average=MEANS["sum of means"]),
    "sum over the images": partial(_epoch, average=MEANS["sum over the images"]),
    "divided by the batches": partial(_epoch, average=MEANS["divided by the batches"]),
    "all batches taken for full": partial(
        _epoch, average=lambda means, n: np.dot(means, n) / (len(n) * n[0])
    ),
    "loss of the last batch": partial(_epoch, average=MEANS["last batch"]),
    "train mode missing": partial(_epoch, mode=False),
}


def _evaluation(
    model: nn.Module,
    batches: list[Batch],
    loss_of: Map = F.cross_entropy,
    right: Map = lambda z, y: z.argmax(1) == y,
    mean_loss: Map = mean_per_image,
    accuracy: Map = mean_per_image,
    mode: bool = False,
) -> tuple[float, float]:
    """Loss and accuracy with one thing done wrongly."""
    with torch.no_grad():
        outputs = [(model.train(mode)(x).double(), y) for x, y in batches]
    sizes = [len(y) for _, y in batches]
    losses = [loss_of(z, y).item() for z, y in outputs]
    shares = [int(right(z, y).sum()) / len(y) for z, y in outputs]
    return mean_loss(losses, sizes), accuracy(shares, sizes)


EVALUATIONS: Mistakes = {
    "eval mode missing": partial(_evaluation, mode=True),
    "divided by the images": partial(_evaluation, mean_loss=MEANS["sum divided by the images"]),
    "mean of batch means": partial(
        _evaluation, mean_loss=MEANS["mean of means"], accuracy=MEANS["mean of means"]
    ),
    "sum over the images": partial(_evaluation, mean_loss=MEANS["sum over the images"]),
    "sum of batch means": partial(_evaluation, mean_loss=MEANS["sum of means"]),
    "last batch only": lambda m, b: _evaluation(m, b[-1:]),
    "softmax before cross-entropy": partial(_evaluation, loss_of=_softmax_first),
    "nll_loss on probabilities": partial(
        _evaluation, loss_of=lambda z, y: F.nll_loss(z.softmax(1), y)
    ),
    "percent for a share": partial(_evaluation, accuracy=lambda s, n: 100 * mean_per_image(s, n)),
    "count for a share": partial(_evaluation, accuracy=MEANS["sum over the images"]),
    "divided by the batches": partial(_evaluation, accuracy=MEANS["divided by the batches"]),
    "share of errors": partial(_evaluation, right=lambda z, y: z.argmax(1) != y),
    "argmax over the batch": partial(
        _evaluation, right=lambda z, y: z.argmax(0)[: len(y)] == y[:10]
    ),
    "argmax over everything": partial(_evaluation, right=lambda z, y: z.argmax() == y),
    "loss and accuracy swapped": lambda m, b: _evaluation(m, b)[::-1],
}


def prediction(
    model: nn.Module,
    image: Tensor,
    of: Callable[[Tensor], Tensor] = lambda z: z.softmax(0),
    times: float = 100,
    pick: Map = torch.argmax,
    mode: bool = False,
) -> tuple[int, float]:
    """Class and confidence in percent, or with one thing done wrongly."""
    with torch.no_grad():
        z = model.train(mode)(image[None])[0].double()
    label = int(pick(z))
    return label, float(of(z)[label]) * times


PREDICTIONS: Mistakes = {
    "eval mode missing": partial(prediction, mode=True),
    "share for percent": partial(prediction, times=1),
    "logit for probability": partial(prediction, of=lambda z: z, times=1),
    "logit in percent": partial(prediction, of=lambda z: z),
    "sigmoid for softmax": partial(prediction, of=torch.sigmoid),
    "softmax over the batch": partial(prediction, of=torch.ones_like),
    "log-probability": partial(prediction, of=lambda z: torch.log_softmax(z, 0), times=1),
    "not normalised": partial(prediction, of=torch.exp),
    "least probable class": partial(prediction, of=lambda z: z.softmax(0).min().expand(10)),
    "lowest logit": partial(prediction, pick=torch.argmin),
    "class counted from 1": lambda m, x: np.add(prediction(m, x), (1, 0)).tolist(),
    "whole percent": lambda m, x: tuple(map(round, prediction(m, x))),
    "confidence first": lambda m, x: prediction(m, x)[::-1],
}


def confused(name: str) -> dict[str, MakeOptimizer]:
    """What is taken for the optimiser of this name; the mistakes are named in `texts.toml`."""
    kind, rate = name.split()
    lr = float(rate)
    methods: dict[str, Callable[..., Optimizer]] = {
        "SGD": partial(SGD, lr=lr),
        "SGD with momentum": partial(SGD, lr=lr, momentum=0.9),
        "Nesterov": partial(SGD, lr=lr, momentum=0.9, nesterov=True),
        "Adam": partial(Adam, lr=lr),
        "AdamW": partial(AdamW, lr=lr),
    }
    right = methods.pop(kind)
    return {
        **{f"{name} for {kind}": make for name, make in methods.items()},
        **{f"rate {r:g}": partial(right, lr=r) for r in (1, 0.1, 0.01, 0.001) if r != lr},
        "other parameters": lambda p: SGD([nn.Parameter(q.detach().clone()) for q in p]),
    }


def curves(
    make_model: Callable[[], nn.Module],
    data: list[Batch],
    table: Mapping[str, MakeOptimizer],
    epochs: int,
    seed: int,
    kind: str = "fair",
) -> dict[str, list[float]]:
    """Losses of each epoch for each optimiser, each from the same weights, or one mistake."""
    found: dict[str, list[float]] = {}
    torch.manual_seed(seed)
    model = make_model()
    for name, make in table.items():
        if kind != "one seed":
            torch.manual_seed(seed)
        if kind != "in turn" and not (kind == "one seed" and not found):
            model = make_model()
        optimizer = make((make_model() if kind == "other model" else model).parameters())
        found[name] = []
        for _ in range(epochs):
            optimizer = make(model.parameters()) if kind == "anew" else optimizer
            found[name].append(train_epoch(model, data, optimizer))
    return found


UNFAIR: Mistakes = {
    "shared model": partial(curves, kind="in turn"),
    "seeded once": partial(curves, kind="one seed"),
    "new optimiser in each epoch": partial(curves, kind="anew"),
    "optimiser of another model": partial(curves, kind="other model"),
    "fixed seed": lambda m, b, t, e, _: curves(m, b, t, e, 0),
}
