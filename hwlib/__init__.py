"""The small tested package behind the homework on neural networks.

Data flows one way: ``data`` → ``models`` → ``train`` → ``evaluate`` → ``plot``.
The NumPy chapters need only ``losses``, ``two_layer`` and ``gradcheck``; importing ``hwlib``
alone loads neither PyTorch nor Matplotlib.
"""

from hwlib.losses import logistic_loss, sigmoid, softplus, stable_logistic_loss
from hwlib.two_layer import gradient_descent, init_weights, logistic_loss_grad, predict

__version__ = "1.0.0"

__all__ = [
    "gradient_descent",
    "init_weights",
    "logistic_loss",
    "logistic_loss_grad",
    "predict",
    "sigmoid",
    "softplus",
    "stable_logistic_loss",
]
