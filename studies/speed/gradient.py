"""The gradient of the two-layer network: ours, autograd, scikit-learn, and two matrix products."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.neural_network import MLPClassifier

from hwlib.two_layer import init_weights, logistic_loss_grad
from studies.speed.stopwatch import Case

SIZES = {(64, 5, 6): 300, (2500, 784, 100): 15, (10_000, 784, 400): 3}  # and rounds per repeat
Gradient = Callable[[], dict[str, Any]]


def autograd(X: Any, y: Any, W: Any) -> Gradient:
    """PyTorch, from the forward pass."""
    x, labels = torch.from_numpy(X), torch.from_numpy(y)
    w1, w2 = (torch.from_numpy(W[name]).requires_grad_() for name in ("w1", "w2"))

    def gradient() -> dict[str, Any]:
        logits = torch.sigmoid(x @ w1) @ w2
        loss = F.binary_cross_entropy_with_logits(logits, labels)
        return dict(zip(("w1", "w2"), torch.autograd.grad(loss, [w1, w2]), strict=True))

    return gradient


def scikit_learn(X: Any, y: Any, W: Any) -> Gradient:
    """The inner function of scikit-learn's MLPClassifier; it computes biases and the loss too."""
    hidden = W["w1"].shape[1]
    model = MLPClassifier((hidden,), activation="logistic", alpha=0.0, random_state=0)
    model.partial_fit(X[:64], y[:64].ravel(), classes=[0, 1])  # to be set up by public means
    model.coefs_ = [W["w1"].copy(), W["w2"].copy()]
    model.intercepts_ = [np.zeros(hidden, X.dtype), np.zeros(1, X.dtype)]
    activations: list[Any] = [X, None, None]
    deltas: list[Any] = [None, None]
    gradients = [np.empty_like(w) for w in model.coefs_]
    biases = [np.empty_like(b) for b in model.intercepts_]

    def gradient() -> dict[str, Any]:
        model._backprop(X, y, None, activations, deltas, gradients, biases)
        return {"w1": gradients[0], "w2": gradients[1]}

    return gradient


WAYS: dict[str, Callable[[Any, Any, Any], Gradient]] = {
    "floor": lambda X, _, W: lambda: {"w1": X.T @ (X @ W["w1"])},  # the two large products alone
    "ours": lambda X, y, W: lambda: logistic_loss_grad(X, y, W),
    "autograd": autograd,
    "scikit-learn": scikit_learn,
}


def cases() -> Iterator[Case]:
    """Yield one case for each size and precision, its gradients compared with ours."""
    for dtype in (np.float32, np.float64):
        for (examples, inputs, hidden), rounds in SIZES.items():
            rng = np.random.default_rng(0)
            X = rng.random((examples, inputs)).astype(dtype)
            y = (rng.random((examples, 1)) < 0.5).astype(dtype)
            W = init_weights(inputs, hidden, rng, dtype)
            ways = {way: make(X, y, W) for way, make in WAYS.items()}
            found = {way: function() for way, function in ways.items()}
            for way, name in product(found.keys() - {"floor"}, W):
                expected = found["ours"][name]
                np.testing.assert_allclose(found[way][name], expected, rtol=1e-3, atol=1e-6)
            yield Case(f"gradient {examples}×{inputs}×{hidden}, {np.dtype(dtype)}", ways, rounds)
