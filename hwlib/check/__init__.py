"""Self-checks that teach: pass a function of your own, and read what is wrong with it.

>>> from hwlib import check
>>> check.predict(my_predict)

Each check runs its steps in order (shape, dtype, value, gradient, extreme inputs), stops at the
first fault and explains it: the input, what came, what was expected, and a hint. It returns a
`hwlib.check.outcome.Result`, which a notebook shows; nothing is printed. ``check.report()`` sums up
points. The checks of the NumPy chapters do not load PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hwlib.check.outcome import Report, Result, forget, report
from hwlib.check.tasks import TASKS

if TYPE_CHECKING:
    from hwlib.check.backward import (
        decayed_gradient,
        gradient_descent,
        logistic_loss_grad,
        momentum_descent,
        numerical_gradient,
    )
    from hwlib.check.comparison import compare_optimizers, optimizers
    from hwlib.check.forward import logistic_loss, predict, sigmoid, stable_logistic_loss
    from hwlib.check.images import (
        convolution_parameters,
        cross_correlation,
        mean_loss,
        nearest_mean,
        test_points,
    )
    from hwlib.check.networks import cnn, mlp
    from hwlib.check.tensors import split_validation, to_tensors
    from hwlib.check.training import evaluate, predict_image, train_epoch

__all__ = [
    "TASKS",
    "Report",
    "Result",
    "cnn",
    "compare_optimizers",
    "convolution_parameters",
    "cross_correlation",
    "decayed_gradient",
    "evaluate",
    "forget",
    "gradient_descent",
    "logistic_loss",
    "logistic_loss_grad",
    "mean_loss",
    "mlp",
    "momentum_descent",
    "nearest_mean",
    "numerical_gradient",
    "optimizers",
    "predict",
    "predict_image",
    "report",
    "sigmoid",
    "split_validation",
    "stable_logistic_loss",
    "test_points",
    "to_tensors",
    "train_epoch",
]


def __getattr__(name: str) -> Any:
    """Load the check of a task when it is first asked for: the NumPy ones need no PyTorch."""
    if name not in TASKS:
        raise AttributeError(
            f"hwlib.check has no check {name!r}; there are: {', '.join(sorted(TASKS))}."
        )
    return getattr(import_module(f"hwlib.check.{TASKS[name].module}"), name)


def __dir__() -> list[str]:
    return __all__
