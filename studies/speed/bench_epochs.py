"""One epoch over the 60,000 training images: ours, the usual recipe, and the arithmetic alone."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hwlib.batches import Batches
from hwlib.course.loading import per_image_loader
from hwlib.data import ImageData
from hwlib.models import CNN, MLP
from hwlib.train import make_optimizer, train_epoch

CASES = [("MLP", 2500), ("MLP", 128), ("CNN", 250), ("CNN", 128)]
MODELS: dict[str, Callable[[], nn.Module]] = {"MLP": MLP, "CNN": CNN}


def train_as_usual(model: nn.Module, loader: Iterable[Any], optimizer: Any) -> None:
    """Do what PyTorch's own MNIST example does in an epoch."""
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()


def linear_floor(inputs: Tensor, layer: nn.Linear, first: bool) -> Callable[[], None]:
    """Return the two or three matrix products of a linear layer, for one batch."""
    weight = layer.weight.detach()
    output = inputs @ weight.T
    weight_gradient, input_gradient = torch.empty_like(weight), torch.empty_like(inputs)

    def products() -> None:
        torch.mm(inputs, weight.T, out=output)
        torch.mm(output.T, inputs, out=weight_gradient)
        if not first:
            torch.mm(output, weight, out=input_gradient)

    return products


def convolution_floor(inputs: Tensor, layer: nn.Conv2d, first: bool) -> Callable[[], None]:
    """Return the convolution and the gradients of a convolutional layer, for one batch."""
    weight = layer.weight.detach()
    bias = None if layer.bias is None else layer.bias.detach()
    setting: tuple[Any, ...] = (layer.stride, layer.padding, layer.dilation, False, [0, 0], 1)
    gradient = torch.ops.aten.convolution(inputs, weight, bias, *setting)
    wanted = [not first, True, True]

    def products() -> None:
        torch.ops.aten.convolution(inputs, weight, bias, *setting)
        torch.ops.aten.convolution_backward(
            gradient, inputs, weight, [len(weight)], *setting, wanted
        )

    return products


def floor(name: str, images: Tensor) -> list[Callable[[], None]]:
    """Return the products of one batch, layer by layer, on inputs of the right shapes."""
    n = len(images)
    if name == "MLP":
        sizes = (784, 100, 100, 10)
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        inputs = [images.reshape(n, -1), *(torch.rand(n, size) for size in sizes[1:-1])]
        return [
            linear_floor(x, layer, first=not i)
            for i, (x, layer) in enumerate(zip(inputs, layers, strict=True))
        ]
    model = CNN()
    maps = torch.rand(n, 16, 14, 14).contiguous(memory_format=torch.channels_last)
    convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
    linear = [layer for layer in model.classifier if isinstance(layer, nn.Linear)]
    return [
        convolution_floor(images, convolutions[0], first=True),
        convolution_floor(maps, convolutions[1], first=False),
        *(linear_floor(torch.rand(n, layer.in_features), layer, False) for layer in linear),
    ]


@pytest.mark.parametrize(("name", "batch_size"), CASES)
@pytest.mark.parametrize("way", ["floor", "ours"])
def bench_epoch(
    timed: Any, repeat: int, tensors: tuple[Tensor, Tensor], name: str, batch_size: int, way: str
) -> None:
    """Our path, and the arithmetic floor: the same products on the same tensors, nothing else."""
    images, labels = tensors
    if way == "ours":
        model = MODELS[name]()
        optimizer = make_optimizer("Adam 0.01", model.parameters())
        batches = Batches(images, labels, batch_size, generator=torch.Generator())
        train_epoch(model, [(images[:batch_size], labels[:batch_size])], optimizer)
        timed(f"{name}, batch {batch_size}", way, lambda: train_epoch(model, batches, optimizer))
        return
    products = [floor(name, part) for part in images.split(batch_size)[:1]]
    rest = [floor(name, part) for part in images.split(batch_size)[-1:]]
    whole = len(images) // batch_size
    steps = products * whole + (rest if len(images) % batch_size else [])
    with torch.no_grad():
        timed(f"{name}, batch {batch_size}", way, lambda: [p() for step in steps for p in step])


@pytest.mark.parametrize(("name", "batch_size"), [("MLP", 2500), ("MLP", 128), ("CNN", 250)])
def bench_epoch_as_usual(
    timed: Any, repeat: int, fashion: ImageData, name: str, batch_size: int
) -> None:
    """The usual recipe: a DataLoader with per-image ToTensor and two workers."""
    model = MODELS[name]().to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = per_image_loader(
        fashion.train_images, fashion.train_labels, batch_size, shuffle=True, workers=2
    )
    timed(
        f"{name}, batch {batch_size}",
        "usual recipe",
        lambda: train_as_usual(model, loader, optimizer),
    )
