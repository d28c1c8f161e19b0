"""Typical wrong answers of the PyTorch chapters, under the names of their hints."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from hwlib.check.engine import Mistakes
from hwlib.check.small import Batch
from hwlib.course.mistakes_torch import train_epoch_divided_by_images

Loss = Callable[[Tensor, Tensor], Tensor]


def _epoch(
    loss_of: Loss = F.cross_entropy,
    *,
    clear: str = "each",
    average: str = "images",
    step: str = "each",
    mode: bool = True,
) -> Callable[[nn.Module, list[Batch], Optimizer], float]:
    """One epoch with one thing done wrongly."""

    def run(model: nn.Module, batches: list[Batch], optimizer: Optimizer) -> float:
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
        total = sum(value * n for value, n in zip(losses, sizes, strict=True))
        return {
            "images": total / sum(sizes),
            "batches": sum(losses) / len(losses),
            "sum": sum(losses),
            "sum over images": total,
            "sums divided by batches": total / len(losses),
            "as if all were full": total / (len(losses) * sizes[0]),
            "last": losses[-1],
        }[average]

    return run


def _own_optimiser(model: nn.Module, batches: list[Batch], _: Optimizer, lr: float) -> float:
    return _epoch()(model, batches, torch.optim.SGD(model.parameters(), lr=lr))


def _softmax_first(z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(torch.softmax(z, dim=1), y)


def _divided_by_images(model: nn.Module, batches: list[Batch], optimizer: Optimizer) -> float:
    return train_epoch_divided_by_images(model, batches, optimizer, sum(len(y) for _, y in batches))


EPOCHS: Mistakes = {
    "nll_loss on logits": _epoch(F.nll_loss),
    "forgotten zero_grad": _epoch(clear="never"),
    "softmax before cross-entropy": _epoch(_softmax_first),
    "sum over the batch": _epoch(lambda z, y: F.cross_entropy(z, y, reduction="sum")),
    "return in the loop": _epoch(clear="first batch"),
    "sign of the loss": _epoch(lambda z, y: -F.cross_entropy(z, y)),
    "smoothed labels": _epoch(lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1)),
    "no step": _epoch(step="never"),
    "step after the loop": _epoch(step="once"),
    "own optimiser": partial(_own_optimiser, lr=0.01),
    "own optimiser, rate 0.1": partial(_own_optimiser, lr=0.1),
    "divided by the images": _divided_by_images,
    "mean of batch means": _epoch(average="batches"),
    "sum of batch means": _epoch(average="sum"),
    "sum over the images": _epoch(average="sum over images"),
    "divided by the batches": _epoch(average="sums divided by batches"),
    "all batches taken for full": _epoch(average="as if all were full"),
    "loss of the last batch": _epoch(average="last"),
    "train mode missing": _epoch(mode=False),
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


def _from_one(model: nn.Module, image: Tensor) -> tuple[int, float]:
    label, confidence = prediction(model, image)
    return label + 1, confidence


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
    "class counted from 1": _from_one,
    "whole percent": lambda m, x: tuple(map(round, prediction(m, x))),
    "confidence first": lambda m, x: prediction(m, x)[::-1],
}
