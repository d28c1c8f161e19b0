"""Networks: a small one on which answers train and evaluate, and a look at those of students."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from hwlib.check import examples
from hwlib.check.engine import Answer, call
from hwlib.check.texts import HINTS, fault
from hwlib.check.values import Array, describe, tensor
from hwlib.models import seeded

Batch = tuple[Tensor, Tensor]
LENGTHS = (20, 20, 8)  # the last batch is smaller, as it is when 60,000 is not a multiple


def small_model(dropout: float = 0.0, seed: int = 3) -> nn.Sequential:
    """A small classifier of images (B, 1, 28, 28) and no other shape, as that of chapter 6.

    The ``modes`` of its first layer say of each call whether the model was in training mode, and
    whether gradients were recorded.
    """
    watch: Any = nn.Identity()
    watch.modes = []
    watch.register_forward_hook(
        lambda layer, *_: layer.modes.append((layer.training, torch.is_grad_enabled()))
    )
    with seeded(examples.seed(seed)):
        layers = nn.Sequential(
            *(watch, nn.Conv2d(1, 4, 4, stride=4), nn.ReLU(), nn.Flatten()),
            *(nn.Dropout(dropout), nn.Linear(196, 10)),
        )
    # Logits of some size, so that a softmax too many is seen.
    layers.get_parameter("5.weight").data *= 6
    return layers


class Loader(list[Batch]):
    """Batches with what else a DataLoader and `hwlib.batches.Batches` have."""

    generator = None
    dataset: range  # as many entries as there are images


def batches(lengths: Sequence[int] = LENGTHS, model: nn.Module | None = None) -> Loader:
    """Batches of random images, with labels of which ``model`` gets two thirds right."""
    generator = torch.Generator().manual_seed(examples.seed(sum(lengths)))
    found = Loader()
    found.dataset = range(sum(lengths))
    for n in lengths:
        x = torch.rand((n, 1, 28, 28), generator=generator)
        y = torch.randint(10, (n,), generator=generator)
        if model is not None:
            with torch.no_grad():
                y = torch.where(torch.arange(n) % 3 > 0, model(x).argmax(1), y)
        found.append((x, y))
    return found


def images(n: int, seed: int = 0) -> Tensor:
    """Random images (n, 1, 28, 28) with pixels from 0 to 1."""
    generator = torch.Generator().manual_seed(examples.seed(seed))
    return torch.rand((n, 1, 28, 28), generator=generator)


def weights_of(model: nn.Module) -> Array:
    """All parameters of a model as one float64 vector."""
    return parameters_to_vector(model.parameters()).detach().double().numpy()


def built(answer: Answer) -> Generator[str, None, nn.Module]:
    """Steps "shape and dtype" and "value": call a factory twice, look at logits, return a model."""
    yield "shape and dtype"
    yield "input: no arguments"
    if isinstance(answer, nn.Module):
        raise fault("one model for all")
    torch.manual_seed(0)
    model, second = (call(answer) for _ in range(2))
    if not isinstance(model, nn.Module):
        raise fault("no module", describe(model))
    if model is second or any(p is q for p in model.parameters() for q in second.parameters()):
        raise fault("same model twice", given="two calls")
    yield "input: images (3, 1, 28, 28) of float32"
    logits(model, images(3))
    yield "value"
    yield "input: 64 random images"
    _check_logits(model)
    logits(second, images(3))  # lazy layers have their weights from here on
    pairs = [*zip(model.parameters(), second.parameters(), strict=False)]
    if pairs and all(torch.equal(p, q) for p, q in pairs):
        raise fault("same weights twice", given="two calls")
    return model


def logits(model: nn.Module, x: Tensor) -> Tensor:
    """Logits (B, 10); it is a fault if they are none of float32."""
    value = call(model, x)
    return tensor(value, "the logits", (len(x), 10), torch.float32, HINTS["logits"])


@torch.no_grad()
def _check_logits(model: nn.Module) -> None:
    """Raise a fault for what the outputs give away about the layers."""
    model = copy.deepcopy(model).eval()  # with other weights: a last layer of zeros is no fault
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        if p.ndim > 1:
            p.copy_(torch.randn(p.shape, generator=generator) / p[0].numel() ** 0.5)
    x = images(64)
    z, single = logits(model, x), logits(model, x[:1])
    for p in model.parameters():  # a tanh stays below 1, a linear layer behind one does not
        p.mul_(1000 if p.ndim > 1 else 1)

    def ones(sums: Tensor) -> bool:
        return torch.allclose(sums, torch.ones_like(sums), atol=1e-4)

    positive = bool((z >= 0).all())
    between = positive and bool((z > 0).all() and (z <= 1).all())
    for name, found in (
        ("softmax before cross-entropy", positive and ones(z.sum(dim=1))),
        ("log-softmax before cross-entropy", ones(z.exp().sum(dim=1))),
        ("softmax over the batch", ones(z.sum(dim=0))),
        ("sigmoid at the output", between),
        ("ReLU at the output", positive),
        ("tanh at the output", bool((model(1e4 * x).abs() <= 1).all())),
        ("batch dependent", not torch.allclose(z[:1], single, atol=1e-4)),
        ("no activation", _is_linear(model)),
    ):
        if found:
            got = f"first row: {', '.join(f'{v:.3f}' for v in z[0, :4])}, ..."
            raise fault(name, got)


def _is_linear(model: nn.Module) -> bool:
    a, b = images(8, 1), images(8, 2)
    bend = model(a) + model(b) - model(a + b) - model(torch.zeros_like(a))
    return bool(bend.abs().max() <= 1e-3 * model(a + b).abs().max())


def check_gradients(model: nn.Module) -> Iterator[str]:
    """Step "gradient": one has to reach every parameter."""
    yield "gradient"
    yield "input: 32 images"
    ones = {id(p) for m in model.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
    weights = {n: p.squeeze() for n, p in model.named_parameters() if id(p) not in ones}
    alike = {n: p for n, p in weights.items() if p.ndim > 1 and (p == p[:1]).all()}
    if len(alike) > 1:
        raise fault("weights alike", ", ".join(alike), given="a new model")
    for p in alike.values():  # a last layer of zeros sends nothing back in its first step
        p.data.copy_(0.01 * torch.randn(p.shape, generator=torch.Generator().manual_seed(2)))
    model.train()
    loss = F.cross_entropy(model(images(32)), torch.arange(32) % 10)
    if not loss.requires_grad:
        raise fault("detached")
    loss.backward()
    for name, p in model.named_parameters():
        if p.grad is None or not bool(p.grad.abs().sum() > 0):
            raise fault("unused layer", f"{name}: no gradient")


@torch.no_grad()
def check_two_hidden_layers(model: nn.Module) -> None:
    """Raise a fault unless three linear maps and two ReLUs of the same weights give the same.

    The weights are drawn so that neither the order in which the model made its parameters nor
    their layout, (in, out) or (out, in), matters: the square matrix is symmetric, and the biases of
    both hidden layers are equal.
    """
    model = copy.deepcopy(model)
    shapes = ((784, 100), (100, 100), (100, 10), (100,), (10,))
    generator = torch.Generator().manual_seed(5)
    own: dict[tuple[int, ...], Tensor] = {
        shape: torch.randn(shape, generator=generator) / 8 for shape in shapes
    }
    own[100, 100] += own[100, 100].T.clone()
    for name, p in model.named_parameters():
        shape = tuple(n for n in p.shape if n > 1)
        turned = shape not in own
        value = own.get(shape[::-1] if turned else shape)
        if value is None:
            raise fault("other parameters than linear layers", f"{name} {tuple(p.shape)}")
        p.copy_((value.T if turned else value).reshape(p.shape))
    x = 2 * images(16) - 1
    hidden = torch.relu(x.flatten(1) @ own[784, 100] + own[100,])
    right = torch.relu(hidden @ own[100, 100] + own[100,]) @ own[100, 10] + own[10,]
    for mode, name in ((False, "another activation"), (True, "dropout or normalisation")):
        if not torch.allclose(model.train(mode)(x), right, rtol=1e-3, atol=1e-2):
            raise fault(name, "other logits")
