"""What the checks of networks share: small networks and batches, and a look at a student's."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hwlib.check.chapter4 import tensor
from hwlib.check.engine import call, describe
from hwlib.check.outcome import Fault

Batch = tuple[Tensor, Tensor]
LENGTHS = (20, 20, 8)  # the last batch is smaller, as it is when 60,000 is not a multiple


def small_model(dropout: float = 0.0) -> nn.Module:
    """A small classifier with fixed weights, images (B, 1, 28, 28) to logits (B, 10)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 10)
        )
        with torch.no_grad():
            # Logits of some size, so that a softmax too many is seen.
            model.get_parameter("4.weight").mul_(6)
    return model


class Loader(list[Batch]):
    """Batches with what else a DataLoader and `hwlib.batches.Batches` have."""

    generator = None
    dataset = range(sum(LENGTHS))


def batches() -> Loader:
    """Three batches of random images, the last one smaller."""
    generator = torch.Generator().manual_seed(4)
    found = [
        (
            torch.rand((n, 1, 28, 28), generator=generator),
            torch.randint(10, (n,), generator=generator),
        )
        for n in LENGTHS
    ]
    return Loader(found)


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """SGD with a large step, so that every fault shows."""
    return torch.optim.SGD(model.parameters(), lr=0.3)


def weights_of(model: nn.Module) -> np.ndarray:
    """All parameters of a model as one float64 vector."""
    return torch.cat([p.detach().flatten() for p in model.parameters()]).double().numpy()


def images(n: int, seed: int = 0) -> Tensor:
    """Random images (n, 1, 28, 28) with pixels from 0 to 1."""
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(seed))


def build(answer: Callable[..., Any]) -> nn.Module:
    """Call a factory twice and return one of the two models.

    Raises
    ------
    Fault
        If it makes no module, or the same one each time.
    """
    given = "no arguments"
    if isinstance(answer, nn.Module):
        raise Fault(
            "is a model, and not a class or function that makes one",
            given=given,
            hint="Four optimisers need four fresh models: pass the class itself.",
            mistake="one model for all",
        )
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    first, second = (call(answer, given=given) for _ in range(2))
    torch.random.set_rng_state(state)
    if not isinstance(first, nn.Module):
        raise Fault(
            "does not make an nn.Module",
            given=given,
            got=describe(first),
            expected="an nn.Module",
            hint="Inherit from nn.Module, and call super().__init__() first.",
            mistake="no module",
        )
    if first is second or any(p is q for p in first.parameters() for q in second.parameters()):
        raise Fault(
            "makes the same model twice",
            given="two calls",
            got="two models that share their parameters",
            expected="fresh parameters",
            hint="The second optimiser would start where the first one ended: build the layers "
            "inside, not outside.",
            mistake="shared model",
        )
    return first


def logits(model: nn.Module, x: Tensor) -> Tensor:
    """Logits (B, 10) of float32, once they are.

    Raises
    ------
    Fault
    """
    given = f"images {tuple(x.shape)} of float32"
    value = call(model, x, given=given, changes=True)
    hint = "One row per image, one column per class; only the batch stays in front when flattening."
    return tensor(value, "the logits", (len(x), 10), torch.float32, given, hint)


def check_logits(model: nn.Module) -> None:
    """Raise a fault for what the outputs give away about the layers."""
    model = copy.deepcopy(model).eval()  # with other weights: a last layer of zeros is no fault
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1:
                p.copy_(torch.randn(p.shape, generator=generator) / p[0].numel() ** 0.5)
    x = images(64)
    with torch.no_grad():
        z, single = logits(model, x), logits(model, x[:1])
    given, sums = "64 random images", z.exp().sum(dim=1)
    got = f"first row: {', '.join(f'{v:.3f}' for v in z[0, :4])}, ..."
    if torch.allclose(z.sum(dim=1), torch.ones(64), atol=1e-4) and bool((z >= 0).all()):
        raise Fault(
            "returns probabilities, and not logits",
            given=given,
            got=got,
            expected="any real numbers",
            hint="cross_entropy takes the softmax itself: with one in the network it is taken "
            "twice.",
            mistake="softmax before cross-entropy",
        )
    if torch.allclose(sums, torch.ones(64), atol=1e-4):
        raise Fault(
            "returns logarithms of probabilities, and not logits",
            given=given,
            got=got,
            expected="any real numbers",
            hint="cross_entropy takes the log-softmax itself; nll_loss would not.",
            mistake="log-softmax before cross-entropy",
        )
    if torch.allclose(z.sum(dim=0), torch.ones(10), atol=1e-4):
        raise Fault(
            "makes the images of a batch depend on each other",
            given=given,
            got=got,
            expected="each row by itself",
            hint="Each column sums to 1: a softmax, over the batch.",
            mistake="softmax over the batch",
        )
    if bool((z >= 0).all()):
        kind = "sigmoid" if bool((z <= 1).all()) and bool((z > 0).all()) else "ReLU"
        raise Fault(
            "returns no negative logit",
            given=given,
            got=got,
            expected="logits of both signs",
            hint=f"The output layer is linear: is a {kind} behind it?",
            mistake=f"{kind} at the output",
        )
    if not torch.allclose(z[:1], single, atol=1e-4):
        raise Fault(
            "makes the images of a batch depend on each other",
            given="one image, alone and in a batch of 64",
            got="different logits",
            expected="the same",
            hint="Something is computed over the batch, or drawn at random although the model is "
            "in evaluation mode.",
            mistake="batch dependent",
        )
    check_bend(model)


@torch.no_grad()
def check_bend(model: nn.Module) -> None:
    a, b = images(8, 1), images(8, 2)
    zero = torch.zeros_like(a)
    bend = model(a) + model(b) - model(a + b) - model(zero)
    if bool(bend.abs().max() <= 1e-3 * model(a + b).abs().max()):
        raise Fault(
            "is a linear function of the pixels",
            given="images a, b, and a + b",
            got="f(a) + f(b) = f(a + b) + f(0)",
            expected="a bend somewhere",
            hint="Without an activation between them, two layers are one.",
            mistake="no activation",
        )


def check_gradients(model: nn.Module) -> None:
    """Raise a fault unless a gradient reaches every parameter."""
    with torch.no_grad():
        alike = [n for n, p in model.named_parameters() if p.ndim > 1 and bool((p == 0).all())]
        if len(alike) > 1:
            raise Fault(
                "starts with weights of zero in several layers",
                given="a new model",
                got=", ".join(alike),
                expected="weights that differ",
                hint="Hidden units that start alike get the same gradient and stay alike.",
                mistake="all weights zero",
            )
        for name, p in model.named_parameters():
            if name in alike:  # a last layer of zeros sends nothing back in its first step
                p.copy_(0.01 * torch.randn(p.shape, generator=torch.Generator().manual_seed(2)))
    model.train()
    loss = F.cross_entropy(model(images(32)), torch.arange(32) % 10)
    if not loss.requires_grad:
        raise Fault(
            "cuts the logits off from the parameters",
            given="32 images",
            got="a loss without a gradient",
            expected="one that can be sent back",
            hint="Look for detach, item, numpy or no_grad in forward.",
            mistake="detached",
        )
    loss.backward()
    for name, p in model.named_parameters():
        if p.grad is None or not bool(p.grad.abs().sum() > 0):
            raise Fault(
                "has a parameter that no gradient reaches",
                given="32 images",
                got=f"{name}: no gradient",
                expected="a gradient for every parameter",
                hint="Is the layer made in __init__, and then not used in forward, or used only "
                "through a detached copy?",
                mistake="unused layer",
            )
