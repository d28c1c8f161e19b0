"""What the sweep of chapter 8 found: best rates, paired differences, and the settings to test."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwlib.course.ranking import grid
from hwlib.course.sweep import StoredRun, SweepError, read_runs, setting_key

CHANCE = 0.1  # accuracy of guessing one of ten classes


class Difference(NamedTuple):
    """Mean over seeds, its standard error, and in how many of how many seeds it is positive."""

    mean: float
    error: float
    positive: int
    seeds: int


def stored_runs(path: Path) -> tuple[list[StoredRun], list[StoredRun]]:
    """Return the runs of the whole grid, and those of the chosen settings with the test set open.

    SweepError if runs of the grid are missing.
    """
    runs = {setting_key(one["setting"]): one for one in read_runs(path)}
    keys = [setting_key(setting) for setting in grid()]
    missing = sum(key not in runs for key in keys)
    if missing:
        raise SweepError(
            f"{path}: expected {len(keys)} runs, {missing} are missing; run: make sweep"
        )
    tested = [one for one in runs.values() if one["setting"].get("test")]
    return [runs[key] for key in keys], tested


def final_accuracies(records: Sequence[StoredRun]) -> dict[tuple[str, int, float], NDArray[Any]]:
    """Validation accuracies after the last epoch, shares of 1, of the runs that a sweep returned.

    By optimiser, batch size and learning rate, each a float64 array (seeds,) in the order of seeds.
    A run that diverged counts as chance, one in ten: its network is of no use.
    """
    found: dict[tuple[str, int, float], dict[int, float]] = {}
    for record in records:
        result = record["result"]
        accuracy = result["validation_accuracy"][-1] if result["status"] == "finished" else CHANCE
        found.setdefault(_key(record), {})[record["setting"]["seed"]] = accuracy
    return {key: np.array([runs[s] for s in sorted(runs)]) for key, runs in found.items()}


def _key(record: StoredRun) -> tuple[str, int, float]:
    setting = record["setting"]
    return setting["optimizer"], setting["batch_size"], setting["learning_rate"]


def _best(records: Sequence[StoredRun], shared: int) -> dict[Any, tuple[str, int, float]]:
    """The key of the best mean accuracy among those that share their first parts, by these."""
    found = final_accuracies(records)
    ascending = sorted(found, key=lambda key: (found[key].mean(), key))
    # The last of a group stays; the groups come in the order of the records.
    return {key[:shared]: key for key in [*found, *ascending]}


def accuracies_by_rate(
    records: Sequence[StoredRun], optimizer: str, batch_size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rates (rates,) of one optimiser, ascending, and accuracies (seeds, rates)."""
    found = {
        rate: values
        for (name, size, rate), values in final_accuracies(records).items()
        if (name, size) == (optimizer, batch_size)
    }
    rates = sorted(found)
    return np.array(rates), np.stack([found[rate] for rate in rates], axis=1)


def best_rates(records: Sequence[StoredRun]) -> dict[tuple[str, int], float]:
    """The rate with the best mean validation accuracy, by optimiser and batch size."""
    return {group: rate for group, (_, _, rate) in _best(records, 2).items()}


def chosen_settings(records: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """The settings of each optimiser's best batch size and rate, now with the test set open."""
    best = _best(records, 1).values()
    return [{**record["setting"], "test": True} for record in records if _key(record) in best]


def paired_difference(first: ArrayLike, second: ArrayLike) -> Difference:
    """How far ``first`` is ahead of ``second``, both arrays (seeds,) in one order, seed by seed.

    ValueError if they are not equally long, or hold fewer than two seeds.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(
            f"expected two arrays (seeds,) with at least two seeds, got {a.shape} and {b.shape}."
        )
    d = a - b
    error = float(d.std(ddof=1)) / math.sqrt(len(d))
    return Difference(float(d.mean()), error, int((d > 0).sum()), len(d))


def calmest_runs(records: Sequence[StoredRun], batch_size: int, seed: int) -> list[StoredRun]:
    """The stored runs of one seed with each optimiser's lowest rate, whose numbers hold anywhere.

    At a high rate each step makes more of a last digit that another processor rounds otherwise.
    """
    wanted = {"batch_size": batch_size, "seed": seed}.items()
    runs = [one for one in records if wanted <= one["setting"].items()]
    falling = sorted(runs, key=lambda one: -one["setting"]["learning_rate"])
    return list({one["setting"]["optimizer"]: one for one in [*runs, *falling]}.values())
