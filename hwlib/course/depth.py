"""How large the gradient is in each layer of a deep network, by its initial weights."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hwlib.models import seeded_model

ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "ReLU": nn.ReLU}
STARTS: dict[str, Callable[[Tensor], object]] = {
    "small": lambda w: nn.init.normal_(w, std=0.01),
    "PyTorch's default": lambda w: w,
    "Glorot": nn.init.xavier_normal_,
    "He": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
}


def gradient_norms(
    activation: str, start: str, images: Tensor, labels: Tensor, *, layers: int = 10, seed: int = 0
) -> list[float]:
    """Norm of the gradient of each layer's weights before the first step.

    Parameters
    ----------
    activation : a name in `ACTIVATIONS`
    start : a name in `STARTS`
        How the weights are drawn; all but PyTorch's default start with biases of 0.
    images : float tensor (B, 1, 28, 28)
    labels : int64 tensor (B,)
    layers : int
        Number of hidden layers, of 100 units each.
    seed : int

    Returns
    -------
    list of float
        ‖∂L/∂W‖ of the hidden layers, then of the output layer.
    """

    def make() -> nn.Module:
        parts: list[nn.Module] = [nn.Flatten()]
        for inputs in [784, *[100] * (layers - 1)]:
            parts += [nn.Linear(inputs, 100), ACTIVATIONS[activation]()]
        model = nn.Sequential(*parts, nn.Linear(100, 10))
        for parameter in model.parameters():
            if parameter.ndim == 2:
                STARTS[start](parameter)
            elif start != "PyTorch's default":
                nn.init.zeros_(parameter)
        return model

    model = seeded_model(make, seed)
    F.cross_entropy(model(images), labels).backward()
    return [float(torch.linalg.norm(p.grad)) for p in model.parameters() if p.ndim == 2]
