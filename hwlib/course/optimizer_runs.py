"""The stored trainings of chapter 5: the four optimisers of the homework, and SGD at 0.1."""

from pathlib import Path
from typing import Any

from hwlib.course.sweep import SweepError, read_runs, setting_key

SEEDS = (0, 1, 2)
BATCH_SIZE, EPOCHS = 2500, 20
# Method and rate, as the names of `hwlib.train.OPTIMIZERS`.
TRAININGS = ("SGD 0.01", "Nesterov 0.01", "Adam 0.01", "Adam 1", "SGD 0.1")


def optimizer_setting(name: str, seed: int) -> dict[str, Any]:
    """Return what `hwlib.course.ranking.train_setting` takes for one training of chapter 5."""
    method, rate = name.split()
    return {"data": "Fashion-MNIST", "optimizer": method, "learning_rate": float(rate)} | {
        "batch_size": BATCH_SIZE,
        "epochs": EPOCHS,
        "seed": seed,
        "test": True,
    }


def optimizer_settings() -> list[dict[str, Any]]:
    """Return every training of chapter 5, seed by seed."""
    return [optimizer_setting(name, seed) for seed in SEEDS for name in TRAININGS]


def optimizer_results(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the stored results of each optimiser, in the order of the seeds.

    SweepError if a run of `optimizer_settings` is missing.
    """
    stored = {setting_key(one["setting"]): one["result"] for one in read_runs(path)}
    keys = {name: [setting_key(optimizer_setting(name, s)) for s in SEEDS] for name in TRAININGS}
    if missing := {key for seeds in keys.values() for key in seeds} - set(stored):
        raise SweepError(f"{path}: expected a run of {min(missing)}, got none; run: make seeds")
    return {name: [stored[key] for key in seeds] for name, seeds in keys.items()}
