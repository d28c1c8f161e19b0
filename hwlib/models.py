"""The two classifiers of the book: images in, one logit per class out.

Neither ends in a softmax: the cross-entropy loss takes logits, for the same reason that the
stable logistic loss does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

CLASSES = 10
SIDE = 28


def _as_images(images: Tensor) -> Tensor:
    """Return images as (B, 1, 28, 28).

    Raises
    ------
    ValueError
        If they are not a batch of one-channel images of 28 by 28 float pixels.
    """
    if images.ndim == 3:
        images = images.unsqueeze(1)
    if tuple(images.shape[1:]) != (1, SIDE, SIDE) or len(images) == 0:
        raise ValueError(
            f"images: expected shape (B, 1, {SIDE}, {SIDE}) with B of at least 1, got "
            f"{tuple(images.shape)}; a single image needs images.unsqueeze(0)."
        )
    if not images.is_floating_point():
        raise ValueError(
            f"images: expected float pixels from 0 to 1, got {images.dtype}; see to_tensors."
        )
    return images


class MLP(nn.Module):
    """Multilayer perceptron: images (B, 1, 28, 28) → logits (B, 10).

    Parameters
    ----------
    hidden : sequence of int
        Units of each hidden layer, each followed by a ReLU.
    """

    def __init__(self, hidden: Sequence[int] = (100, 100)) -> None:
        super().__init__()
        sizes = [SIDE * SIDE, *hidden]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, 10) of images (B, 1, 28, 28) or (B, 28, 28), float."""
        return self.layers(_as_images(images).flatten(1))


class CNN(nn.Module):
    """Convolutional network with about the MLP's number of parameters: images → logits (B, 10).

    Two blocks of convolution, ReLU and pooling that halves the side, then one hidden layer.

    Parameters
    ----------
    channels : (int, int)
        Feature maps of the two convolutions.
    hidden : int
        Units of the hidden layer.
    kernel : int
        Side of the convolution kernels, odd.
    """

    def __init__(
        self, channels: tuple[int, int] = (16, 32), hidden: int = 54, kernel: int = 3
    ) -> None:
        super().__init__()
        first, second = channels
        self.features = nn.Sequential(
            nn.Conv2d(1, first, kernel, padding=kernel // 2),  # (B, first, 28, 28)
            nn.MaxPool2d(2),  # (B, first, 14, 14); the ReLU after it is 4 times cheaper than before
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, kernel, padding=kernel // 2),  # (B, second, 14, 14)
            nn.MaxPool2d(2),  # (B, second, 7, 7)
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Sequential(
            nn.Linear(second * (SIDE // 4) ** 2, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, CLASSES),
        )
        # Channels last in memory is what convolutions on CPUs and GPUs run fastest on.
        self.to(memory_format=torch.channels_last)  # pyrefly: ignore[no-matching-overload]

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, 10) of images (B, 1, 28, 28) or (B, 28, 28), float."""
        return self.classifier(self.features(_as_images(images)).flatten(1))


def count_parameters(model: nn.Module) -> int:
    """Number of trainable numbers in ``model``."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def seeded_model(make_model: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return ``make_model()`` initialised from ``seed``, leaving the global random state alone."""
    with seeded(seed):
        return make_model()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it, PyTorch's global generators start at ``seed``; after it, they are as before."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
