"""Run the experiment of chapter 8, or continue it: `make sweep`.

First the whole grid, judged on the validation set alone; then the best setting of each optimiser
once more, with the test set open. With ``--address`` the runs go to a Dask cluster.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path

from hwlib.course.ranking import grid, train_setting
from hwlib.course.ranking_results import chosen_settings
from hwlib.course.sweep import Setting, StoredRun, open_executor, sweep

TARGET = Path(__file__).parents[1] / "book" / "data" / "sweep.jsonl"
RESTARTS = 3  # of the processes on this machine, after one was killed


def run_all(settings: Sequence[Setting], args: argparse.Namespace, label: str) -> list[StoredRun]:
    """Run what is not stored yet; start anew, with new processes, when one was killed."""
    for attempt in range(RESTARTS + 1):
        try:
            with open_executor(args.address, args.workers) as executor:
                return sweep(train_setting, settings, args.path, executor, progress=label)
        except BrokenExecutor as error:
            print(f"A worker was killed ({error}); the finished runs are stored.", file=sys.stderr)
            if attempt == RESTARTS:
                raise
    raise AssertionError("unreachable")


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", help="of a Dask scheduler, such as tcp://10.0.0.1:8786")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes here")
    parser.add_argument("--path", type=Path, default=TARGET, help="where results are stored")
    args = parser.parse_args()
    records = run_all(grid(), args, "validation")
    run_all(chosen_settings(records), args, "test")


if __name__ == "__main__":
    main()
