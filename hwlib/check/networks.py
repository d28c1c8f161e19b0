"""Checks of the models in chapters 5 and 6: build one, look at its logits, pass a gradient back."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hwlib.check.engine import call, describe, task
from hwlib.check.outcome import Fault
from hwlib.check.tensors import tensor
from hwlib.models import count_parameters

LAYERS = {
    405_044: "That is the network of chapter 7, with hidden layers of 392, 196 and 98 units. What "
    "does the task say?",
    79_510: "One hidden layer of 100 units has this number; the task asks for two.",
    89_400: "Weights without biases have this number.",
    99_710: "Three hidden layers of 100 units have this number; the output layer comes after two.",
    7_850: "That is a single layer from the pixels to the logits.",
    10_100 + 1_010: "The first layer's parameters are missing: do layers stand in a plain list? "
    "Then the module does not know them; nn.ModuleList and nn.Sequential do.",
    0: "The module knows of no parameter. Layers in a plain list are not found, and those of "
    "nn.functional hold none.",
}


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
        raise Fault("is a model, and not a class or function that makes one", given=given,
                    hint="Four optimisers need four fresh models: pass the class itself.",
                    mistake="one model for all")  # fmt: skip
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    first, second = (call(answer, given=given) for _ in range(2))
    torch.random.set_rng_state(state)
    if not isinstance(first, nn.Module):
        raise Fault("does not make an nn.Module", given=given, got=describe(first),
                    expected="an nn.Module", hint="Inherit from nn.Module, and call "
                    "super().__init__() first.", mistake="no module")  # fmt: skip
    if first is second or any(p is q for p in first.parameters() for q in second.parameters()):
        raise Fault("makes the same model twice", given="two calls",
                    got="two models that share their parameters", expected="fresh parameters",
                    hint="The second optimiser would start where the first one ended: build the "
                    "layers inside, not outside.", mistake="shared model")  # fmt: skip
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


def _values(model: nn.Module) -> None:
    """Raise a fault for what the outputs give away about the layers."""
    model.eval()
    x = images(64)
    with torch.no_grad():
        z, single = logits(model, x), logits(model, x[:1])
    given, sums = "64 random images", z.exp().sum(dim=1)
    got = f"first row: {', '.join(f'{v:.3f}' for v in z[0, :4])}, ..."
    if torch.allclose(z.sum(dim=1), torch.ones(64), atol=1e-4) and bool((z >= 0).all()):
        raise Fault("returns probabilities, and not logits", given=given, got=got,
                    expected="any real numbers",
                    hint="cross_entropy takes the softmax itself: with one in the network it is "
                    "taken twice.", mistake="softmax before cross-entropy")  # fmt: skip
    if torch.allclose(sums, torch.ones(64), atol=1e-4):
        raise Fault("returns logarithms of probabilities, and not logits", given=given, got=got,
                    expected="any real numbers",
                    hint="cross_entropy takes the log-softmax itself; nll_loss would not.",
                    mistake="log-softmax before cross-entropy")  # fmt: skip
    if torch.allclose(z.sum(dim=0), torch.ones(10), atol=1e-4):
        raise Fault("makes the images of a batch depend on each other", given=given, got=got,
                    expected="each row by itself",
                    hint="Each column sums to 1: a softmax, over the batch.",
                    mistake="softmax over the batch")  # fmt: skip
    if bool((z >= 0).all()):
        kind = "sigmoid" if bool((z <= 1).all()) and bool((z > 0).all()) else "ReLU"
        raise Fault("returns no negative logit", given=given, got=got,
                    expected="logits of both signs",
                    hint=f"The output layer is linear: is a {kind} behind it?",
                    mistake=f"{kind} at the output")  # fmt: skip
    if not torch.allclose(z[:1], single, atol=1e-4):
        raise Fault("makes the images of a batch depend on each other", given="one image, alone "
                                                                              "and "
                    "in a batch of 64", got="different logits", expected="the same",
                    hint="Something is computed over the batch, or drawn at random although the "
                    "model is in evaluation mode.", mistake="batch dependent")  # fmt: skip
    _hidden_layers(model)


@torch.no_grad()
def _hidden_layers(model: nn.Module) -> None:
    a, b = images(8, 1), images(8, 2)
    zero = torch.zeros_like(a)
    bend = model(a) + model(b) - model(a + b) - model(zero)
    if bool(bend.abs().max() <= 1e-3 * model(a + b).abs().max()):
        raise Fault("is a linear function of the pixels", given="images a, b, and a + b",
                    got="f(a) + f(b) = f(a + b) + f(0)", expected="a bend somewhere",
                    hint="Without an activation between them, two layers are one.",
                    mistake="no activation")  # fmt: skip
    near, far = model(1e5 * a), model(2e5 * a)
    if torch.allclose(near, far, rtol=1e-2):
        raise Fault("has hidden units that saturate", given="images 100,000 and 200,000 times as "
                    "bright", got="the same logits", expected="logits that go on growing",
                    hint="The hidden units are rectified linear units, not sigmoids.",
                    mistake="sigmoid for ReLU")  # fmt: skip


def _gradients(model: nn.Module) -> None:
    """Raise a fault unless a gradient reaches every parameter."""
    model.train()
    loss = F.cross_entropy(model(images(32)), torch.arange(32) % 10)
    if not loss.requires_grad:
        raise Fault("cuts the logits off from the parameters", given="32 images",
                    got="a loss without a gradient", expected="one that can be sent back",
                    hint="Look for detach, item, numpy or no_grad in forward.",
                    mistake="detached")  # fmt: skip
    loss.backward()
    for name, p in model.named_parameters():
        if p.grad is None or not bool(p.grad.abs().sum() > 0):
            raise Fault("has a parameter that no gradient reaches", given="32 images",
                        got=f"{name}: no gradient", expected="a gradient for every parameter",
                        hint="Is the layer made in __init__, and then not used in forward, or used "
                        "only through a detached copy?", mistake="unused layer")  # fmt: skip


@task
def mlp(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_mlp()``: two hidden layers of 100 ReLU units, a linear output of ten logits."""
    yield "shape and dtype"
    model = build(answer)
    logits(model, images(3))
    yield "value"
    count = count_parameters(model)
    _values(model)
    if count != 89_610:
        raise Fault("has another size than the network of the task", given="no arguments",
                    got=f"{count:,} parameters", expected="89,610 parameters",
                    hint=LAYERS.get(count, "Count layer by layer: (inputs + 1) times units."),
                    mistake="another network")  # fmt: skip
    yield "gradient"
    _gradients(model)
    yield "extreme inputs"
    logits(model, images(1))


@task
def cnn(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_cnn()``: convolutions, pooling, and about as many parameters as the MLP."""
    yield "shape and dtype"
    model = build(answer)
    logits(model, images(3))
    yield "value"
    kernels = [p for p in model.parameters() if p.ndim == 4]
    if len(kernels) < 2:
        raise Fault("has fewer than two convolutions", given="no arguments",
                    got=f"{len(kernels)} kernels", expected="two",
                    hint="nn.Conv2d holds kernels of shape (maps out, maps in, M, M); layers in a "
                    "plain list are not found.", mistake="no convolution")  # fmt: skip
    _values(model)
    count = count_parameters(model)
    if not 80_600 <= count <= 98_600:
        raise Fault("is no fair partner of the MLP", given="no arguments",
                    got=f"{count:,} parameters",
                    expected="80,600 to 98,600: a tenth around the MLP's 89,610",
                    hint="Most parameters stand in the first linear layer: how large are the maps "
                    "that reach it? Pooling halves their side."
                    if count > 98_600 else "There is room for more maps or hidden units.",
                    mistake="another size")  # fmt: skip
    yield "gradient"
    _gradients(model)
    yield "extreme inputs"
    logits(model, images(1))
