"""The same four functions of labels and logits in this package and in four libraries."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import scipy.special
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn._loss import HalfBinomialLoss

from hwlib.losses import logistic_loss_logit_grad, logistic_loss_per_example, sigmoid, softplus

Array = NDArray[Any]
PACKAGES = ("numpy", "torch", "scikit-learn", "scipy", "jax", "jaxlib", "optax", "mpmath", "gmpy2")

jax.config.update("jax_enable_x64", True)


def _torch_loss(y: Array, z: Array) -> Array:
    loss = F.binary_cross_entropy_with_logits(torch.tensor(z), torch.tensor(y), reduction="none")
    return loss.numpy()


def _torch_derivative(y: Array, z: Array) -> Array:
    leaf = torch.tensor(z, requires_grad=True)
    F.binary_cross_entropy_with_logits(leaf, torch.tensor(y), reduction="sum").backward()
    return leaf.grad.numpy()  # pyrefly: ignore[missing-attribute]


def _optax_sum(z: jax.Array, y: jax.Array) -> jax.Array:
    return optax.sigmoid_binary_cross_entropy(z, y).sum()


LIBRARIES: dict[str, dict[str, Callable[[Any, Array], Array]]] = {
    "hwlib": {
        "sigmoid": lambda _, z: sigmoid(z),
        "softplus": lambda _, z: softplus(z),
        "loss": logistic_loss_per_example,
        "derivative": logistic_loss_logit_grad,
    },
    "PyTorch": {
        "sigmoid": lambda _, z: torch.sigmoid(torch.tensor(z)).numpy(),
        "softplus": lambda _, z: F.softplus(torch.tensor(z)).numpy(),
        "loss": _torch_loss,
        "derivative": _torch_derivative,
    },
    "scikit-learn": {"loss": HalfBinomialLoss().loss, "derivative": HalfBinomialLoss().gradient},
    "optax": {
        "sigmoid": lambda _, z: np.asarray(jax.nn.sigmoid(z)),
        "softplus": lambda _, z: np.asarray(jax.nn.softplus(z)),
        "loss": lambda y, z: np.asarray(optax.sigmoid_binary_cross_entropy(z, y)),
        "derivative": lambda y, z: np.asarray(jax.grad(_optax_sum)(z, y)),
    },
    "SciPy": {
        "sigmoid": lambda _, z: scipy.special.expit(z),
        "softplus": lambda _, z: -scipy.special.log_expit(-z),
        # SciPy has no loss; for hard labels its log_expit is one but for the sign.
        "loss": lambda y, z: -scipy.special.log_expit(np.where(y == 1, z, -z)),
    },
}
