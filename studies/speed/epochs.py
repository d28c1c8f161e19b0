"""One epoch over the 60,000 training images: ours, PyTorch's example, and the arithmetic alone."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hwlib.batches import Batches, to_tensors
from hwlib.course.loading import per_image_loader
from hwlib.data import ImageData
from hwlib.models import CNN, MLP
from hwlib.train import OPTIMIZERS, train_epoch
from studies.speed.stopwatch import Case, Timed

# Network, batch size, and whether PyTorch's example is timed too.
CASES = [("MLP", 2500, True), ("MLP", 128, True), ("CNN", 250, True), ("CNN", 128, False)]
MODELS: dict[str, Callable[[], nn.Module]] = {"MLP": MLP, "CNN": CNN}


def linear_floor(layer: nn.Linear, inputs: Tensor, output: Tensor, first: bool) -> Timed:
    """Return the two or three matrix products of a linear layer, for one batch."""
    weight = layer.weight
    weight_gradient, input_gradient = torch.empty_like(weight), torch.empty_like(inputs)

    def products() -> None:
        torch.mm(inputs, weight.T, out=output)
        torch.mm(output.T, inputs, out=weight_gradient)
        if not first:
            torch.mm(output, weight, out=input_gradient)

    return products


def convolution_floor(layer: nn.Conv2d, inputs: Tensor, output: Tensor, first: bool) -> Timed:
    """Return the convolution and the gradients of a convolutional layer, for one batch."""
    weight, bias = layer.weight, layer.bias
    setting: tuple[Any, ...] = (layer.stride, layer.padding, layer.dilation, False, [0, 0], 1)
    sizes, wanted = [len(weight)], [not first, True, True]

    def products() -> None:
        torch.ops.aten.convolution(inputs, weight, bias, *setting)
        torch.ops.aten.convolution_backward(output, inputs, weight, sizes, *setting, wanted)

    return products


@torch.no_grad()
def layer_floors(name: str, images: Tensor) -> list[Timed]:
    """Return the products of one batch, layer by layer, on the inputs that each layer gets."""
    floors: list[Timed] = []

    def add(layer: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        make = linear_floor if isinstance(layer, nn.Linear) else convolution_floor
        floors.append(make(layer, *inputs, output, first=not floors))

    model = MODELS[name]()
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(add)
    model(images)
    return floors


def floor(name: str, size: int, images: Tensor) -> Timed:
    """The same products on the same tensors as in an epoch, and nothing else."""
    first, *_, last = images.split(size)
    steps = layer_floors(name, first) * (len(images) // size)
    steps += layer_floors(name, last) if len(images) % size else []

    @torch.no_grad()
    def run() -> None:
        for step in steps:
            step()

    return run


def ours(name: str, size: int, images: Tensor, labels: Tensor) -> Timed:
    """An epoch as in the chapters; one step is made before, for what PyTorch loads then."""
    model = MODELS[name]()
    optimizer = OPTIMIZERS["Adam 0.01"](model.parameters())
    train_epoch(model, [(images[:size], labels[:size])], optimizer)
    batches = Batches(images, labels, size, generator=torch.Generator())
    return lambda: train_epoch(model, batches, optimizer)


def usual(model: nn.Module, size: int, data: ImageData, learning_rate: float) -> Timed:
    """PyTorch's MNIST example: a DataLoader with per-image ToTensor and two workers."""
    model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    loader = per_image_loader(data.train_images, data.train_labels, size, shuffle=True, workers=2)

    def epoch() -> None:
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()

    return epoch


def cases(data: ImageData) -> Iterator[Case]:
    """Yield one case for each network and batch size."""
    images, labels = to_tensors(data.train_images, data.train_labels)
    for name, size, compared in CASES:
        ways: dict[str, Callable[[], Timed]] = {
            "floor": partial(floor, name, size, images),
            "ours": partial(ours, name, size, images, labels),
        }
        if compared:
            ways["PyTorch's example"] = partial(usual, MODELS[name](), size, data, 0.01)
        yield Case(f"{name}, batch {size}", ways)
