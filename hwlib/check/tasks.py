"""The tasks of the homework: chapter, points, and where the check of each is defined."""

from typing import NamedTuple


class Task(NamedTuple):
    """One exercise that a program can check; its answer is called ``my_`` and its name."""

    name: str
    chapter: int
    points: int
    module: str

    @property
    def answer(self) -> str:
        """The name under which a notebook defines the answer."""
        return f"my_{self.name}"


_ROWS = (
    ("sigmoid", 1, 1, "forward"),
    ("predict", 1, 2, "forward"),
    ("logistic_loss", 1, 2, "forward"),
    ("stable_logistic_loss", 1, 4, "forward"),
    ("logistic_loss_grad", 2, 4, "backward"),
    ("numerical_gradient", 2, 2, "backward"),
    ("decayed_gradient", 2, 2, "backward"),
    ("gradient_descent", 3, 3, "backward"),
    ("momentum_descent", 3, 2, "backward"),
    ("nearest_mean", 4, 2, "images"),
    ("to_tensors", 4, 2, "tensors"),
    ("split_validation", 4, 2, "tensors"),
    ("mlp", 5, 2, "networks"),
    ("train_epoch", 5, 3, "training"),
    ("evaluate", 5, 2, "training"),
    ("predict_image", 5, 2, "training"),
    ("optimizers", 5, 2, "comparison"),
    ("compare_optimizers", 5, 3, "comparison"),
    ("convolution_parameters", 6, 1, "images"),
    ("cross_correlation", 6, 2, "images"),
    ("cnn", 6, 3, "networks"),
    ("mean_loss", 7, 1, "images"),
    ("test_points", 7, 2, "images"),
)
TASKS = {name: Task(name, *rest) for name, *rest in _ROWS}  # type: ignore[arg-type]


def tasks_of(chapter: int) -> list[Task]:
    """Return the tasks of one chapter, in the order of the text."""
    return [task for task in TASKS.values() if task.chapter == chapter]
