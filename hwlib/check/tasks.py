"""The tasks of the homework, each registered here and nowhere else: chapter, name, points."""

from typing import NamedTuple


class Task(NamedTuple):
    """One exercise that a program can check; its answer is called ``my_`` and its name."""

    name: str
    chapter: int
    points: int

    @property
    def answer(self) -> str:
        """The name under which a notebook defines the answer."""
        return f"my_{self.name}"

    @property
    def module(self) -> str:
        """The module that defines the check, under the name of the task."""
        part = "formulas" if self.name in WRITTEN else f"chapter{self.chapter}"
        return f"hwlib.check.{part}"


POINTS: dict[int, dict[str, int]] = {
    1: {"sigmoid": 1, "predict": 2, "logistic_loss": 2, "stable_logistic_loss": 4, "best_logit": 1},
    2: {
        "logistic_loss_grad": 4,
        "numerical_gradient": 2,
        "decayed_gradient": 2,
        "tanh_gradient": 2,
    },
    3: {"gradient_descent": 3, "momentum_descent": 2, "step_count": 1},
    4: {"nearest_mean": 2, "to_tensors": 2, "split_validation": 2},
    5: {
        "mlp": 2,
        "train_epoch": 3,
        "evaluate": 2,
        "predict_image": 2,
        "optimizers": 2,
        "compare_optimizers": 3,
    },
    6: {"convolution_parameters": 1, "cross_correlation": 2, "cnn": 3},
    7: {"mean_loss": 1, "test_points": 2},
}
WRITTEN = ("best_logit", "tanh_gradient", "step_count")  # formulas, derived on paper
TASKS = {
    name: Task(name, chapter, points)
    for chapter, tasks in POINTS.items()
    for name, points in tasks.items()
}


def tasks_of(chapter: int) -> list[Task]:
    """Return the tasks of one chapter, in the order of the text."""
    return [task for task in TASKS.values() if task.chapter == chapter]
