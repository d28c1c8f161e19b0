"""Training on the 60,000 images: one epoch, several seeds at once, and the time to an accuracy.

Beside ours stand PyTorch's example for MNIST and the floor, which is the arithmetic alone.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from hwlib.batches import Batches, to_tensors
from hwlib.course.loading import per_image_loader
from hwlib.data import ImageData
from hwlib.evaluate import evaluate
from hwlib.models import CNN, MLP
from hwlib.train import OPTIMIZERS, fit_one_cycle, train_epoch
from studies.speed.stopwatch import Case, Timed, seconds

_aten = torch.ops.aten
PRODUCTS = {_aten.mm.default, _aten.addmm.default}
PRODUCTS |= {_aten.convolution.default, _aten.convolution_backward.default}
# Of each epoch: network, batch size, and whether PyTorch's example is timed too.
EPOCHS = [("MLP", 2500, True), ("MLP", 128, True), ("CNN", 250, True), ("CNN", 128, False)]
MODELS: dict[str, Callable[[], nn.Module]] = {"MLP": MLP, "CNN": CNN}
# Each recipe is the shortest of those tried on the validation set that passes the level safely.
RECIPES: dict[int, tuple[str, Callable[[], nn.Module], int, float]] = {
    85: ("MLP, one cycle of 2 epochs", MLP, 2, 0.01),
    88: ("MLP, one cycle of 8 epochs", MLP, 8, 0.01),
    90: ("CNN, one cycle of 4 epochs", CNN, 4, 0.01),
    92: ("CNN of 32 and 64 maps, one cycle of 8 epochs", partial(CNN, (32, 64), 128), 8, 0.005),
}
USUAL_EPOCHS = {"MLP": 5, "CNN": 8}
SEEDS = 5
DISTINCT = 8  # batches, which are repeated
STEPS = {32: 200, 128: 104, 2500: 8}  # per batch size: as many as take about half a second
Batch = tuple[Tensor, Tensor]
Course = list[tuple[float, float]]  # seconds and accuracy after each epoch


class Products(TorchDispatchMode):
    """While it is entered, collects the matrix products and convolutions that are computed."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Timed] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do what is asked for, and keep it if it is one of them."""
        call = partial(func, *args, **(kwargs or {}))
        if func in PRODUCTS:
            self.made.append(call)
        return call()


def step_products(name: str, images: Tensor, labels: Tensor) -> list[Timed]:
    """Return the products of one of our steps, forward and backward."""
    model = MODELS[name]()
    with Products() as products:
        train_epoch(model, [(images, labels)], OPTIMIZERS["Adam 0.01"](model.parameters()))
    return products.made


def floor(name: str, size: int, images: Tensor, labels: Tensor) -> Timed:
    """The products of an epoch on the tensors that they have there, and nothing else."""
    steps = step_products(name, images[:size], labels[:size]) * (len(images) // size)
    if rest := len(images) % size:
        steps += step_products(name, images[:rest], labels[:rest])

    @torch.no_grad()
    def run() -> None:
        for step in steps:
            step()

    return run


def our_epoch(name: str, size: int, images: Tensor, labels: Tensor) -> Timed:
    """An epoch as in the chapters; one step is made before, for what PyTorch loads then."""
    model = MODELS[name]()
    optimizer = OPTIMIZERS["Adam 0.01"](model.parameters())
    train_epoch(model, [(images[:size], labels[:size])], optimizer)
    batches = Batches(images, labels, size, generator=torch.Generator())
    return lambda: train_epoch(model, batches, optimizer)


def usual_epoch(model: nn.Module, size: int, data: ImageData, learning_rate: float) -> Timed:
    """PyTorch's MNIST example: a DataLoader with per-image ToTensor and two workers."""
    model.to(memory_format=torch.contiguous_format)  # pyrefly: ignore[no-matching-overload]
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    train = data.train_images, data.train_labels
    loader = per_image_loader(*train, size, shuffle=True, num_workers=2)

    def epoch() -> None:
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()

    return epoch


def epoch_cases(data: ImageData) -> Iterator[Case]:
    """Yield one case for each network and batch size."""
    images, labels = to_tensors(data.train_images, data.train_labels)
    for name, size, compared in EPOCHS:
        ways = {
            "floor": floor(name, size, images, labels),
            "ours": our_epoch(name, size, images, labels),
        }
        if compared:
            ways["PyTorch's example"] = usual_epoch(MODELS[name](), size, data, 0.01)
        yield Case(f"{name}, batch {size}", ways)


def in_turn(batches: list[Batch]) -> Timed:
    """Return the training of one model after the other."""
    models = [MLP() for _ in range(SEEDS)]
    optimizers = [OPTIMIZERS["Adam 0.01"](model.parameters()) for model in models]

    def train() -> None:
        for seed, (model, optimizer) in enumerate(zip(models, optimizers, strict=True)):
            for images, labels in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(images[seed]), labels[seed]).backward()
                optimizer.step()

    return train


def together(batches: list[Batch]) -> Timed:
    """Return the training of all models at once, their parameters stacked, by ``torch.func``."""
    parameters, _ = stack_module_state([MLP() for _ in range(SEEDS)])
    optimizer = OPTIMIZERS["Adam 0.01"](parameters.values())
    skeleton = MLP()

    def loss(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(skeleton, weights, (images,)), labels)

    def train() -> None:
        for images, labels in batches:
            optimizer.zero_grad()
            vmap(loss)(parameters, images, labels).sum().backward()
            optimizer.step()

    return train


def seed_cases(data: ImageData) -> Iterator[Case]:
    """Yield one case for each batch size; every seed meets batches of its own, as in a sweep."""
    images, labels = to_tensors(data.train_images, data.train_labels)
    for size, steps in STEPS.items():
        shape = (DISTINCT, SEEDS, size)
        order = torch.randint(len(images), shape, generator=torch.Generator().manual_seed(0))
        batches = [(images[index], labels[index]) for index in order] * (steps // DISTINCT)
        ways = {"ours": in_turn(batches), "together": together(batches)}
        yield Case(f"{SEEDS} seeds of the MLP, batch {size}", ways)


def time_to(level: int, data: ImageData, test: Batches) -> dict[str, Any]:
    """Train by the recipe for this level, from the first to the last step."""
    recipe, make_model, epochs, learning_rate = RECIPES[level]
    images, labels = to_tensors(data.train_images, data.train_labels)
    train = Batches(images, labels, 250, generator=torch.Generator().manual_seed(0))
    few = Batches(images[:10], labels[:10], 1)  # evaluated after each epoch
    fit = partial(fit_one_cycle, make_model, seed=0, learning_rate=learning_rate)
    fit(few, few, epochs=1)  # what PyTorch loads at a first step is no part of any recipe
    runs: list[Any] = []
    taken = seconds(lambda: runs.append(fit(train, few, epochs=epochs)))
    accuracy = evaluate(runs[0].model, test).accuracy
    assert accuracy >= level / 100, f"{recipe}: expected {level} %, got {100 * accuracy:.2f} %"
    return {"level": level, "recipe": recipe, "test_accuracy": accuracy, "seconds": taken}


def usual_course(name: str, data: ImageData, test: Batches) -> Course:
    """Train as PyTorch's example, with its batches of 64 and Adam at its rate."""
    torch.manual_seed(0)
    model = MODELS[name]()
    epoch = usual_epoch(model, 64, data, 0.001)
    found, spent = [], 0.0
    for _ in range(USUAL_EPOCHS[name]):
        spent += seconds(epoch)
        found.append((spent, evaluate(model, test).accuracy))
    return found


def compared(rows: list[dict[str, Any]], courses: list[Course]) -> list[dict[str, Any]]:
    """Add to each level the time of PyTorch's example, of the sooner network, or None."""
    for row in rows:
        passed = [s for course in courses for s, a in course if a >= row["level"] / 100]
        row["usual_seconds"] = min(passed, default=None)
    return rows


def times(data: ImageData) -> list[dict[str, Any]]:
    """Return for each level our time and that of PyTorch's example."""
    test = Batches(*to_tensors(data.test_images, data.test_labels), 1000)
    rows = [time_to(level, data, test) for level in RECIPES]
    return compared(rows, [usual_course(name, data, test) for name in USUAL_EPOCHS])
