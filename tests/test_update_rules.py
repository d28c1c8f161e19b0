"""The four optimisers follow the update rules that chapter 5 prints."""

import numpy as np
import pytest
import torch

from hwlib.train import OPTIMIZERS

RNG = np.random.default_rng(0)
START = RNG.normal(size=7)
GRADIENTS = RNG.normal(size=(6, 7)) * 10.0 ** RNG.integers(-3, 3, size=7)


def sgd(theta, gradients, eta):
    """Equation eq-sgd."""
    for g in gradients:
        theta = theta - eta * g
    return theta


def nesterov(theta, gradients, eta, mu=0.9):
    """Equation eq-nesterov."""
    u = 0.0
    for g in gradients:
        u = mu * u + g
        theta = theta - eta * (g + mu * u)
    return theta


def nesterov_by_looking_ahead(theta, gradients, eta, mu=0.9):
    """Plain momentum of a parameter whose gradients are taken where it will be."""
    parameter, u = theta, 0.0
    for g in gradients:
        u = mu * u + g
        parameter = parameter - eta * u
    return parameter - eta * mu * u


def adam(theta, gradients, eta, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Equations eq-adam-means, eq-adam-corrected and eq-adam."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        theta = theta - eta * m_hat / (np.sqrt(v_hat) + epsilon)
    return theta


RULES = {
    "SGD 0.01": (sgd, 0.01),
    "Nesterov 0.01": (nesterov, 0.01),
    "Adam 0.01": (adam, 0.01),
    "Adam 1": (adam, 1.0),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_follows_the_printed_rule(name):
    parameter = torch.nn.Parameter(torch.tensor(START))
    optimizer = OPTIMIZERS[name]([parameter])
    for g in GRADIENTS:
        parameter.grad = torch.tensor(g)
        optimizer.step()
    rule, eta = RULES[name]
    np.testing.assert_allclose(parameter.detach().numpy(), rule(START, GRADIENTS, eta), rtol=1e-10)


def test_nesterov_is_momentum_that_looks_ahead():
    np.testing.assert_allclose(
        nesterov(START, GRADIENTS, 0.01),
        nesterov_by_looking_ahead(START, GRADIENTS, 0.01),
        rtol=1e-10,
    )


@pytest.mark.parametrize("name", ["Adam 0.01", "Adam 1"])
def test_first_step_of_adam_has_the_size_of_its_rate(name):
    parameter = torch.nn.Parameter(torch.tensor(START))
    parameter.grad = torch.tensor(GRADIENTS[0])
    OPTIMIZERS[name]([parameter]).step()
    step = parameter.detach().numpy() - START
    expected = -RULES[name][1] * GRADIENTS[0] / (np.abs(GRADIENTS[0]) + 1e-8)
    np.testing.assert_allclose(step, expected, rtol=1e-10)
