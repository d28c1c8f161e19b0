"""Run the stored trainings of chapters 5, 6 and 9, or continue: `make seeds`."""

import os
import sys
from pathlib import Path

from hwlib.course.experiments import cnn_setting, cnn_settings, remedy_setting, remedy_settings
from hwlib.course.optimizer_runs import optimizer_settings
from hwlib.course.ranking import train_setting
from hwlib.course.sweep import open_executor, sweep

FOLDER = Path(__file__).parents[1] / "book" / "data"


def main() -> int:
    """Run what is not stored yet."""
    with open_executor(workers=os.cpu_count()) as executor:
        sweep(
            train_setting, optimizer_settings(), FOLDER / "mlp_seeds.jsonl", executor, progress="5"
        )
        sweep(remedy_setting, remedy_settings(), FOLDER / "remedies.jsonl", executor, progress="9")
        sweep(cnn_setting, cnn_settings(), FOLDER / "cnn_seeds.jsonl", executor, progress="6")
    return 0


if __name__ == "__main__":
    sys.exit(main())
