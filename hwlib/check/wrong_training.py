"""Typical wrong answers of the PyTorch chapters, with the hint that each deserves."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from hwlib.check.engine import Known
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


def wrong_epochs() -> list[Known]:
    """Wrong epochs of training."""
    return [
        Known("forgotten zero_grad", "The gradients of all batches add up: backward adds to "
                                     "what is "
              "there. What clears them?", _epoch(clear="never")),
        Known("softmax before cross-entropy", "cross_entropy takes the softmax itself, of logits. "
              "Is one taken before it as well?", _epoch(_softmax_first)),
        Known("sum over the batch", "Your steps are as many times too large as a batch has images: "
              "is the loss of a batch its sum?", _epoch(_summed)),
        Known("return in the loop", "Only the first batch was used: how far is `return` indented?",
              _epoch(clear="first batch")),
        Known("sign of the loss", "The loss is made larger, not smaller: which sign does "
              "it have?", _epoch(lambda z, y: -F.cross_entropy(z, y))),
        Known("divided by the images", "Your loss is about as many times too small as a batch has "
              "images: was a sum of batch means divided by the number of images?",
              _divided_by_images),
        Known("mean of batch means", "The last batch is smaller and counts as much as the "
                                     "others in "
              "your mean. Weigh each batch by its images.", _epoch(average="batches")),
        Known("sum of batch means", "That is a sum over the batches, not a mean over the images.",
              _epoch(average="sum")),
        Known("sum over the images", "That is a sum over all images, not yet their mean.",
              _epoch(average="sum over images")),
        Known("divided by the batches", "A sum over images was divided by the number of batches.",
              _epoch(average="sums divided by batches")),
        Known("loss of the last batch", "That is the loss of the last batch, not of the epoch.",
              _epoch(average="last")),
    ]  # fmt: skip


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


def wrong_evaluations() -> list[Known]:
    """Wrong evaluations, in the loss, in the accuracy, or in both."""
    rows = [
        ("divided by the images", "Your loss is about as many times too small as a batch has "
                                  "images: "
         "was a sum of batch means divided by the number of images?", "divided twice", "images"),
        ("mean of batch means", "The last batch is smaller and counts as much as the others in "
                                "your "
         "mean: weigh each batch by its images.", "batches", "batches"),
        ("sum over the images", "That is a sum over all images, not yet their mean.", "sum",
         "images"),
        ("sum of batch means", "That is a sum over the batches.", "sum of means", "images"),
        ("last batch only", "That is the result of the last batch, not of all.", "last", "last"),
        ("softmax before cross-entropy", "cross_entropy takes the softmax itself, of logits.",
         "softmax", "images"),
        ("percent for a share", "The accuracy is asked for as a share of 1, not in percent.",
         "images", "percent"),
        ("count for a share", "That is the number of right answers, not their share.",
         "images", "count"),
        ("divided by the batches", "The right answers are counted per image and divided by the "
         "number of batches.", "images", "count by batches"),
        ("share of errors", "That is the share of wrong answers.", "images", "errors"),
        ("argmax over the batch", "For each class you look for the best image. Over which "
                                  "dimension "
         "does the argmax go?", "images", "axis"),
    ]  # fmt: skip
    return [Known(n, h, lambda m, b, a=a, c=c: _evaluation(m, b, a, c)) for n, h, a, c in rows]
