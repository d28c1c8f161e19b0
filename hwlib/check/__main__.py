"""Grade hand-ins on the command line: ``python -m hwlib.check hand-in.ipynb …``."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from hwlib.check.grade import Grade, Limits, grade


def main() -> int:
    """Print one line for each hand-in; return 1 if one of them could not be graded."""
    parser = argparse.ArgumentParser(
        prog="python -m hwlib.check",
        description="Grade notebooks, each in a process of its own. This is no sandbox: a hand-in "
        "is a program, and can read your files and use the network.",
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=Limits.seconds, help="for each hand-in")
    parser.add_argument("--megabytes", type=int, default=Limits.megabytes, help="for each hand-in")
    parser.add_argument("--jobs", type=int, help="how many at a time (default: processors)")
    parser.add_argument("--json", type=Path, help="write all results to this file as well")
    arguments = parser.parse_args()
    limits = Limits(arguments.seconds, arguments.megabytes)
    grades: list[Grade] = []
    for done in grade(arguments.notebooks, limits, arguments.jobs):
        print(done, flush=True)
        grades.append(done)
    graded = sum(done.status == "graded" for done in grades)
    print(f"{len(grades)} hand-ins, {graded} graded, {len(grades) - graded} not", file=sys.stderr)
    if arguments.json:
        text = json.dumps([asdict(done) for done in grades], indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return int(graded < len(grades))


if __name__ == "__main__":
    sys.exit(main())
