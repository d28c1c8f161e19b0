"""Run the stored trainings of chapters 5, 6 and 9, or continue: `make seeds`."""

import os
from pathlib import Path

from hwlib.course.experiments import cnn_setting, cnn_settings, remedy_setting, remedy_settings
from hwlib.course.optimizer_runs import optimizer_settings
from hwlib.course.ranking import train_setting
from hwlib.course.sweep import open_executor, sweep

FOLDER = Path(__file__).parents[1] / "book" / "data"


def main() -> None:
    """Run what is not stored yet."""
    with open_executor(workers=os.cpu_count()) as executor:
        for run, settings, name in (
            (train_setting, optimizer_settings(), "mlp_seeds"),
            (remedy_setting, remedy_settings(), "remedies"),
            (cnn_setting, cnn_settings(), "cnn_seeds"),
        ):
            sweep(run, settings, FOLDER / f"{name}.jsonl", executor, progress=name)


if __name__ == "__main__":
    main()
