"""Typical wrong answers of the PyTorch chapters, under the names of their hints."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from hwlib.check.engine import Mistakes
from hwlib.check.networks import Batch
from hwlib.course.mistakes_torch import train_epoch_divided_by_images
from hwlib.train import MakeOptimizer, train_epoch

Map = Callable[..., Any]


def _epoch(
    model: nn.Module,
    batches: list[Batch],
    optimizer: Optimizer,
    loss_of: Map = F.cross_entropy,
    clear: str = "each",
    average: Map = lambda losses, sizes: np.average(losses, weights=sizes),
    step: str = "each",
    mode: bool = True,
) -> float:
    """One epoch with one thing done wrongly."""
    losses, sizes = [], []
    if mode:
        model.train()
    for images, labels in batches:
        if clear != "never":
            optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        if step == "each":
            optimizer.step()
        losses.append(loss.item())
        sizes.append(len(labels))
        if clear == "first batch":
            break
    if step == "once":
        optimizer.step()
    return float(average(losses, sizes))


def _softmax_first(z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(torch.softmax(z, dim=1), y)


def _divided_by_images(model: nn.Module, batches: list[Batch], optimizer: Optimizer) -> float:
    return train_epoch_divided_by_images(model, batches, optimizer, sum(len(y) for _, y in batches))


EPOCHS: Mistakes = {
    "nll_loss on logits": partial(_epoch, loss_of=F.nll_loss),
    "forgotten zero_grad": partial(_epoch, clear="never"),
    "softmax before cross-entropy": partial(_epoch, loss_of=_softmax_first),
    "sum over the batch": partial(
        _epoch, loss_of=lambda z, y: F.cross_entropy(z, y, reduction="sum")
    ),
    "return in the loop": partial(_epoch, clear="first batch"),
    "sign of the loss": partial(_epoch, loss_of=lambda z, y: -F.cross_entropy(z, y)),
    "smoothed labels": partial(
        _epoch, loss_of=lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1)
    ),
    "no step": partial(_epoch, step="never"),
    "step after the loop": partial(_epoch, step="once"),
    "own optimiser": lambda m, b, _: _epoch(m, b, SGD(m.parameters(), lr=0.01)),
    "own optimiser, rate 0.1": lambda m, b, _: _epoch(m, b, SGD(m.parameters(), lr=0.1)),
    "divided by the images": _divided_by_images,
    "mean of batch means": partial(_epoch, average=lambda losses, _: np.mean(losses)),
    "sum of batch means": partial(_epoch, average=lambda losses, _: sum(losses)),
    "sum over the images": partial(_epoch, average=np.dot),
    "divided by the batches": partial(_epoch, average=lambda losses, n: np.dot(losses, n) / len(n)),
    "all batches taken for full": partial(
        _epoch, average=lambda losses, n: np.dot(losses, n) / (len(n) * n[0])
    ),
    "loss of the last batch": partial(_epoch, average=lambda losses, _: losses[-1]),
    "train mode missing": partial(_epoch, mode=False),
}


def _evaluation(
    model: nn.Module,
    batches: list[Batch],
    loss: str = "images",
    accuracy: str = "images",
    mode: bool = False,
) -> tuple[float, float]:
    """Loss and accuracy with one thing done wrongly."""
    n = sum(len(y) for _, y in batches)
    with torch.no_grad():
        outputs = [(model.train(mode)(x).double(), y) for x, y in batches]
    means = [F.cross_entropy(z, y).item() for z, y in outputs]
    sums = [m * len(y) for m, (_, y) in zip(means, outputs, strict=True)]
    right = [int((z.argmax(1) == y).sum()) for z, y in outputs]
    shares = [r / len(y) for r, (_, y) in zip(right, outputs, strict=True)]
    losses = {
        "images": sum(sums) / n,
        "divided twice": sum(means) / n,
        "batches": sum(means) / len(means),
        "sum": sum(sums),
        "sum of means": sum(means),
        "last": means[-1],
        "softmax": sum(_softmax_first(z, y).item() * len(y) for z, y in outputs) / n,
        "nll": sum(F.nll_loss(z.softmax(1), y).item() * len(y) for z, y in outputs) / n,
    }
    accuracies = {
        "images": sum(right) / n,
        "percent": 100 * sum(right) / n,
        "batches": sum(shares) / len(shares),
        "count": float(sum(right)),
        "count by batches": sum(right) / len(right),
        "errors": 1 - sum(right) / n,
        "last": shares[-1],
        "axis": sum(int((z.argmax(0)[: len(y)] == y[:10]).sum()) for z, y in outputs) / n,
        "no axis": sum(int((z.argmax() == y).sum()) for z, y in outputs) / n,
    }
    return losses[loss], accuracies[accuracy]


EVALUATIONS: Mistakes = {
    "eval mode missing": partial(_evaluation, mode=True),
    "divided by the images": partial(_evaluation, loss="divided twice"),
    "mean of batch means": partial(_evaluation, loss="batches", accuracy="batches"),
    "sum over the images": partial(_evaluation, loss="sum"),
    "sum of batch means": partial(_evaluation, loss="sum of means"),
    "last batch only": partial(_evaluation, loss="last", accuracy="last"),
    "softmax before cross-entropy": partial(_evaluation, loss="softmax"),
    "nll_loss on probabilities": partial(_evaluation, loss="nll"),
    "percent for a share": partial(_evaluation, accuracy="percent"),
    "count for a share": partial(_evaluation, accuracy="count"),
    "divided by the batches": partial(_evaluation, accuracy="count by batches"),
    "share of errors": partial(_evaluation, accuracy="errors"),
    "argmax over the batch": partial(_evaluation, accuracy="axis"),
    "argmax over everything": partial(_evaluation, accuracy="no axis"),
    "loss and accuracy swapped": lambda m, b: _evaluation(m, b)[::-1],
}


def prediction(
    model: nn.Module,
    image: Tensor,
    of: Callable[[Tensor], Tensor] = lambda z: z.softmax(0),
    times: float = 100,
    pick: str = "argmax",
    mode: bool = False,
) -> tuple[int, float]:
    """Class and confidence in percent, or with one thing done wrongly."""
    with torch.no_grad():
        z = model.train(mode)(image[None])[0].double()
    label = int(getattr(z, pick)())
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
    "lowest logit": partial(prediction, pick="argmin"),
    "class counted from 1": lambda m, x: np.add(prediction(m, x), (1, 0)).tolist(),
    "whole percent": lambda m, x: tuple(map(round, prediction(m, x))),
    "confidence first": lambda m, x: prediction(m, x)[::-1],
}


def confused(name: str) -> dict[str, MakeOptimizer]:
    """What is taken for the optimiser of this name; the mistakes are named in `texts.toml`."""
    kind, rate = name.split()
    lr = float(rate)
    methods: dict[str, MakeOptimizer] = {
        "SGD": lambda p: SGD(p, lr=lr),
        "SGD with momentum": lambda p: SGD(p, lr=lr, momentum=0.9),
        "Nesterov": lambda p: SGD(p, lr=lr, momentum=0.9, nesterov=True),
        "Adam": lambda p: Adam(p, lr=lr),
        "AdamW": lambda p: AdamW(p, lr=lr),
    }
    extra: dict[str, Any] = {"momentum": 0.9, "nesterov": True} if kind == "Nesterov" else {}
    make: Callable[..., Any] = partial(Adam if kind == "Adam" else SGD, **extra)
    return {
        **{f"{m} for {kind}": methods[m] for m in methods if m != kind},
        **{f"rate {r:g}": partial(make, lr=r) for r in (1, 0.1, 0.01, 0.001) if r != lr},
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
