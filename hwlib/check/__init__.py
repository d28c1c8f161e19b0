"""Self-checks that teach: pass a function of your own, and read what is wrong with it.

>>> from hwlib import check
>>> check.predict(my_predict)

Each check runs its steps in order (shape, dtype, value, gradient, extreme inputs), stops at the
first fault and explains it: the input, what came, what was expected, and a hint. It returns a
`hwlib.check.outcome.Result`, which a notebook shows; nothing is printed. ``check.report()`` sums up
points. The checks of the NumPy chapters do not load PyTorch.
"""

from importlib import import_module
from typing import Any

from hwlib.check.outcome import Report, Result, forget, report
from hwlib.check.tasks import TASKS

__all__ = ["TASKS", "Report", "Result", "forget", "formula", "report", *TASKS]


def __getattr__(name: str) -> Any:
    """Load the check of a task when it is first asked for: the NumPy ones need no PyTorch."""
    if name == "formula":  # loads what reads formulas, which no other check needs
        return import_module("hwlib.check.formulas").formula
    if name not in TASKS:
        raise AttributeError(
            f"hwlib.check has no check {name!r}; there are: {', '.join(sorted(TASKS))}."
        )
    return getattr(import_module(TASKS[name].module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
