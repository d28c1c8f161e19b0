"""What a trained model does on images: loss, accuracy, predictions, confusions, dead units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hwlib.batches import check_classes
from hwlib.data import CLASS_NAMES


class Evaluation(NamedTuple):
    """Mean cross-entropy per image in nats, share of images classified correctly, their number."""

    loss: float
    accuracy: float
    n: int


class Prediction(NamedTuple):
    """The most probable class of one image, its probability, and those of all classes."""

    label: int
    name: str
    confidence: float
    probabilities: NDArray[np.float64]


class Calibration(NamedTuple):
    """Per bin of confidence: mean confidence, share correct, number of images (NaN where 0)."""

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    images: NDArray[np.int64]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within it, ``model`` is in evaluation mode and no gradients are recorded."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:  # one by one: a part may be frozen in evaluation mode
            module.training = mode


def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> Evaluation:
    """Mean cross-entropy and accuracy of ``model`` over all images of ``batches``.

    The sum over images is divided once by their number, so the result does not depend on how the
    images are cut into batches. Sums are kept in float64.

    Parameters
    ----------
    model : nn.Module
        Maps images to logits (B, C). Left in the mode it was in.
    batches : iterable of (images, labels)

    Raises
    ------
    ValueError
        If there is no image.
    """
    n, correct = 0, 0
    loss = 0.0
    with evaluating(model):
        for images, labels in batches:
            logits, labels = model(images).cpu(), labels.cpu()  # Apple's GPUs have no float64
            check_classes("labels", labels, len(logits), logits.shape[1])
            loss += F.cross_entropy(logits.double(), labels, reduction="sum").item()
            correct += int((logits.argmax(dim=1) == labels).sum())
            n += len(labels)
    if n == 0:
        raise ValueError("batches: expected at least one image, got none; check the data set.")
    return Evaluation(loss / n, correct / n, n)


def predict_labels(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> NDArray[np.int64]:
    """The most probable class of every image of ``batches``, int64 (n,), in their order.

    Raises
    ------
    ValueError
        If there is no image.
    """
    return _all_logits(model, batches).argmax(dim=1).numpy()


def predict_probabilities(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]
) -> NDArray[np.float64]:
    """softmax(logits) of every image of ``batches``, float64 (n, C), in their order.

    Equation: eq-softmax

    Raises
    ------
    ValueError
        If there is no image.
    """
    return torch.softmax(_all_logits(model, batches).double(), dim=1).numpy()


def _all_logits(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    with evaluating(model):
        logits = [model(images).cpu() for images, _ in batches]
    if not logits:
        raise ValueError("batches: expected at least one image, got none; check the data set.")
    return _numbers(torch.cat(logits))


def _numbers(logits: Tensor) -> Tensor:
    """Return ``logits`` unless one is NaN: argmax would take it for the largest."""
    if bool(logits.isnan().any()):
        raise ValueError("logits: expected numbers, got NaN; the model's weights have diverged.")
    return logits


def calibration(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> Calibration:
    """Compare confidence, the largest probability of an image, with how often it is right.

    Equation: eq-calibration-gap compares the two means over all images.

    Parameters
    ----------
    probabilities : float array (n, C)
    labels : integer array (n,)
    bins : int
        Equally wide bins of confidence from 0 to 1, each open at its lower end.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a row is not a probability distribution.
    """
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 2 or len(p) == 0:
        raise ValueError(f"expected probabilities (n, C) with n of at least 1, got {p.shape}.")
    check_classes("labels", labels, *p.shape)
    truth = np.asarray(labels)
    if not (np.all(p >= 0) and np.allclose(p.sum(axis=1), 1)):
        raise ValueError("probabilities: expected rows that sum to 1; apply softmax first.")
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == truth
    index = np.minimum(np.ceil(confidence * bins).astype(int), bins) - 1
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Calibration(
            np.bincount(index, confidence, bins) / count,
            np.bincount(index, correct, bins) / count,
            count,
        )


def predict_image(model: nn.Module, image: Tensor) -> Prediction:
    """The class of one image and the model's confidence in it, a share of 1.

    Equation: eq-confidence

    Parameters
    ----------
    model : nn.Module
        Maps images to logits (B, 10). Left in the mode it was in.
    image : float tensor (1, 28, 28) or (28, 28)
        Pixels from 0 to 1.

    Raises
    ------
    ValueError
        If ``image`` is not one image of finite pixels.
    """
    if tuple(image.shape) not in ((28, 28), (1, 28, 28)):
        raise ValueError(
            f"image: expected one image (28, 28) or (1, 28, 28), got {tuple(image.shape)}; "
            "pick one from a batch with images[0]."
        )
    if not bool(torch.isfinite(image).all()):
        raise ValueError("image: expected finite pixels, got NaN or infinity.")
    with evaluating(model):
        logits = _numbers(model(image.reshape(1, 1, 28, 28))[0].cpu())
    probabilities = torch.softmax(logits.double(), dim=0).numpy()
    label = int(probabilities.argmax())
    return Prediction(label, CLASS_NAMES[label], float(probabilities[label]), probabilities)


def confusion_matrix(
    labels: ArrayLike, predictions: ArrayLike, classes: int = len(CLASS_NAMES)
) -> NDArray[np.int64]:
    """Count, for every pair, the images of class i (row) that were predicted as class j (column).

    Parameters
    ----------
    labels, predictions : integer arrays (n,)
        Classes from 0 to ``classes`` - 1.

    Returns
    -------
    int64 array (classes, classes)
        Its sum is n; its diagonal counts the correct predictions.

    Raises
    ------
    ValueError
        If the lengths differ, or a class is out of range.
    """
    n = max(np.asarray(labels).size, 1)  # at least one image
    check_classes("labels", labels, n, classes)
    check_classes("predictions", predictions, n, classes)
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (np.asarray(labels), np.asarray(predictions)), 1)
    return matrix


def dead_shares(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> list[float]:
    """Share of units that give 0 for every image, for each ReLU layer of ``model``, in order.

    A unit of a convolutional layer is a channel: it is dead if it gives 0 at every place.

    Parameters
    ----------
    model : nn.Module
        With its activations as `torch.nn.ReLU` modules. Left in the mode it was in.
    batches : iterable of (images, labels)

    Raises
    ------
    ValueError
        If ``model`` has no ReLU module, or there is no image.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    if not layers:
        raise ValueError("model: expected at least one torch.nn.ReLU module, got none.")
    alive: dict[nn.Module, Tensor] = {}

    def watch(layer: nn.Module, _: object, output: Tensor) -> None:
        active = (output > 0).flatten(2).any(2) if output.ndim > 2 else output > 0
        seen = active.any(0)
        alive[layer] = alive[layer] | seen if layer in alive else seen

    handles = [layer.register_forward_hook(watch) for layer in layers]
    try:
        with evaluating(model):
            for images, _ in batches:
                model(images)
    finally:
        for handle in handles:
            handle.remove()
    if not alive:
        raise ValueError("batches: expected at least one image, got none; check the data set.")
    return [float((~alive[layer]).double().mean()) for layer in layers]
