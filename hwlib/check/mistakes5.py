"""Typical wrong answers of the PyTorch chapters, with the hint that each deserves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from hwlib.check.engine import known
from hwlib.course.mistakes_torch import train_epoch_divided_by_images

Batch = tuple[Tensor, Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


def _epoch(
    loss_of: Loss = F.cross_entropy,
    *,
    clear: str = "each",
    average: str = "images",
) -> Callable[[nn.Module, list[Batch], Optimizer], float]:
    """One epoch with one thing done wrongly."""

    def run(model: nn.Module, batches: list[Batch], optimizer: Optimizer) -> float:
        losses, sizes = [], []
        for images, labels in batches:
            if clear != "never":
                optimizer.zero_grad()
            loss = loss_of(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            sizes.append(len(labels))
            if clear == "first batch":
                break
        total = sum(value * n for value, n in zip(losses, sizes, strict=True))
        return {
            "images": total / sum(sizes),
            "batches": sum(losses) / len(losses),
            "sum": sum(losses),
            "sum over images": total,
            "sums divided by batches": total / len(losses),
            "last": losses[-1],
        }[average]

    return run


def _softmax_first(z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(torch.softmax(z, dim=1), y)


def _summed(z: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(z, y, reduction="sum")


def _divided_by_images(model: nn.Module, batches: list[Batch], optimizer: Optimizer) -> float:
    return train_epoch_divided_by_images(model, batches, optimizer, sum(len(y) for _, y in batches))


EPOCHS = known(
    {
        "nll_loss on logits": _epoch(F.nll_loss),
        "forgotten zero_grad": _epoch(clear="never"),
        "softmax before cross-entropy": _epoch(_softmax_first),
        "sum over the batch": _epoch(_summed),
        "return in the loop": _epoch(clear="first batch"),
        "sign of the loss": _epoch(lambda z, y: -F.cross_entropy(z, y)),
        "divided by the images": _divided_by_images,
        "mean of batch means": _epoch(average="batches"),
        "sum of batch means": _epoch(average="sum"),
        "sum over the images": _epoch(average="sum over images"),
        "divided by the batches": _epoch(average="sums divided by batches"),
        "loss of the last batch": _epoch(average="last"),
    },
    {
        "nll_loss on logits": "nll_loss takes logarithms of probabilities; cross_entropy takes "
        "logits.",
        "forgotten zero_grad": "The gradients of all batches add up: backward adds to what is "
        "there. What clears them?",
        "softmax before cross-entropy": "cross_entropy takes the softmax itself, of logits. Is "
        "one taken before it as well?",
        "sum over the batch": "Your steps are as many times too large as a batch has images: is "
        "the loss of a batch its sum?",
        "return in the loop": "Only the first batch was used: how far is `return` indented?",
        "sign of the loss": "The loss is made larger, not smaller: which sign does it have?",
        "divided by the images": "Your loss is about as many times too small as a batch has "
        "images: was a sum of batch means divided by the number of images?",
        "mean of batch means": "The last batch is smaller and counts as much as the others in "
        "your mean. Weigh each batch by its images.",
        "sum of batch means": "That is a sum over the batches, not a mean over the images.",
        "sum over the images": "That is a sum over all images, not yet their mean.",
        "divided by the batches": "A sum over images was divided by the number of batches.",
        "loss of the last batch": "That is the loss of the last batch, not of the epoch.",
    },
)


@torch.no_grad()
def _evaluation(
    model: nn.Module, batches: list[Batch], loss: str = "images", accuracy: str = "images"
) -> tuple[float, float]:
    n = sum(len(y) for _, y in batches)
    outputs = [(model(x).double(), y) for x, y in batches]
    means = [F.cross_entropy(z, y).item() for z, y in outputs]
    sums = [m * len(y) for m, (_, y) in zip(means, outputs, strict=True)]
    right = [int((z.argmax(1) == y).sum()) for z, y in outputs]
    shares = [r / len(y) for r, (_, y) in zip(right, outputs, strict=True)]
    wrong_axis = sum(int((z.argmax(0)[: len(y)] == y[:10]).sum()) for z, y in outputs) / n
    losses = {
        "images": sum(sums) / n,
        "divided twice": sum(means) / n,
        "batches": sum(means) / len(means),
        "sum": sum(sums),
        "sum of means": sum(means),
        "last": means[-1],
        "softmax": sum(_softmax_first(z, y).item() * len(y) for z, y in outputs) / n,
    }
    accuracies = {
        "images": sum(right) / n,
        "percent": 100 * sum(right) / n,
        "batches": sum(shares) / len(shares),
        "count": float(sum(right)),
        "count by batches": sum(right) / len(right),
        "errors": 1 - sum(right) / n,
        "last": shares[-1],
        "axis": wrong_axis,
    }
    return losses[loss], accuracies[accuracy]


EVALUATIONS = known(
    {
        "divided by the images": partial(_evaluation, loss="divided twice", accuracy="images"),
        "mean of batch means": partial(_evaluation, loss="batches", accuracy="batches"),
        "sum over the images": partial(_evaluation, loss="sum", accuracy="images"),
        "sum of batch means": partial(_evaluation, loss="sum of means", accuracy="images"),
        "last batch only": partial(_evaluation, loss="last", accuracy="last"),
        "softmax before cross-entropy": partial(_evaluation, loss="softmax", accuracy="images"),
        "percent for a share": partial(_evaluation, loss="images", accuracy="percent"),
        "count for a share": partial(_evaluation, loss="images", accuracy="count"),
        "divided by the batches": partial(_evaluation, loss="images", accuracy="count by batches"),
        "share of errors": partial(_evaluation, loss="images", accuracy="errors"),
        "argmax over the batch": partial(_evaluation, loss="images", accuracy="axis"),
        "loss and accuracy swapped": lambda m, b: _evaluation(m, b)[::-1],
    },
    {
        "divided by the images": "Your loss is about as many times too small as a batch has "
        "images: was a sum of batch means divided by the number of images?",
        "mean of batch means": "The last batch is smaller and counts as much as the others in "
        "your mean: weigh each batch by its images.",
        "sum over the images": "That is a sum over all images, not yet their mean.",
        "sum of batch means": "That is a sum over the batches.",
        "last batch only": "That is the result of the last batch, not of all.",
        "softmax before cross-entropy": "cross_entropy takes the softmax itself, of logits.",
        "percent for a share": "The accuracy is asked for as a share of 1, not in percent.",
        "count for a share": "That is the number of right answers, not their share.",
        "divided by the batches": "The right answers are counted per image and divided by the "
        "number of batches.",
        "share of errors": "That is the share of wrong answers.",
        "argmax over the batch": "For each class you look for the best image. Over which "
        "dimension does the argmax go?",
        "loss and accuracy swapped": "The loss comes first, the accuracy second.",
    },
)


def _guess(of: Callable[[Tensor], Tensor], share: bool = False, pick: str = "argmax") -> Any:
    """A prediction with another confidence than the softmax of the largest logit in percent."""

    @torch.no_grad()
    def predict(model: nn.Module, image: Tensor) -> tuple[int, float]:
        z = model.eval()(image[None])[0].double()
        label = int(getattr(z, pick)())
        return label, float(of(z)[label]) * (1 if share else 100)

    return predict


def _softmax(z: Tensor) -> Tensor:
    return torch.softmax(z, dim=0)


PREDICTIONS = known(
    {
        "share for percent": _guess(_softmax, share=True),
        "logit for probability": _guess(lambda z: z, share=True),
        "logit in percent": _guess(lambda z: z),
        "sigmoid for softmax": _guess(torch.sigmoid),
        "softmax over the batch": _guess(torch.ones_like),
        "log-probability": _guess(lambda z: torch.log_softmax(z, dim=0), share=True),
        "not normalised": _guess(torch.exp),
        "least probable class": _guess(lambda z: _softmax(z).min().expand(10)),
        "lowest logit": _guess(_softmax, pick="argmin"),
        "class counted from 1": lambda m, x: (
            _guess(_softmax)(m, x)[0] + 1,
            _guess(_softmax)(m, x)[1],
        ),
    },
    {
        "share for percent": "That is a share of 1; asked for is percent.",
        "logit for probability": "That is the logit, which can be any number. What turns ten "
        "logits into ten probabilities?",
        "logit in percent": "That is a hundred times the logit. What turns ten logits into ten "
        "probabilities?",
        "sigmoid for softmax": "A sigmoid looks at one logit only; ten of them do not sum to 1.",
        "softmax over the batch": "The confidence is 100 % whatever the image: over which "
        "dimension is the softmax taken?",
        "log-probability": "That is the logarithm of a probability.",
        "not normalised": "The exponentials are not yet divided by their sum.",
        "least probable class": "That is the confidence in another class than the predicted one.",
        "lowest logit": "That is the class with the smallest logit.",
        "class counted from 1": "Classes are counted from 0.",
    },
)
