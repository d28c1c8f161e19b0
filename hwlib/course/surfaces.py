"""Surfaces over the plane, and the paths of PyTorch's optimisers on them."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hwlib.train import OPTIMIZERS

# Name, formula on tensors x and y, and the usual start: as in book/_static/alive/race.js.
SURFACES: dict[str, tuple[str, Callable[[Tensor, Tensor], Tensor], tuple[float, float]]] = {
    "valley": ("a straight valley", lambda x, y: 0.5 * x**2 + 12.5 * y**2, (-2.0, 1.0)),
    "bend": ("a bent valley", lambda x, y: 0.25 * (1 - x) ** 2 + 4 * (y - x**2) ** 2, (-1.2, 0.2)),
    "saddle": ("a saddle", lambda x, y: 0.5 * x**2 - 0.5 * y**2 + 0.25 * y**4 + 0.25, (-2, 0.01)),
}


def torch_path(
    surface: str, optimizer: str, start: ArrayLike, factor: float, steps: int
) -> NDArray[np.float64]:
    """Return the places (steps + 1, 2) that an optimiser of PyTorch passes on a surface.

    The gradient is PyTorch's, too; ``factor`` multiplies the learning rate. From starts (2, n) it
    goes all n paths at once: its rules look at each coordinate by itself.
    """
    _, height, _ = SURFACES[surface]
    place = torch.nn.Parameter(torch.tensor(np.asarray(start), dtype=torch.float64))
    stepper = OPTIMIZERS[optimizer]([place])
    for group in stepper.param_groups:
        group["lr"] *= factor
    path = [place.detach().clone()]
    for _ in range(steps):
        stepper.zero_grad()
        height(*place).sum().backward()
        stepper.step()
        path.append(place.detach().clone())
    return torch.stack(path).numpy()
