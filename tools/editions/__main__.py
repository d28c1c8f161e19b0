"""Write the students' notebooks, the instructor's, or both."""

import argparse
import sys
from pathlib import Path

from tools.editions.student import EDITIONS, TOP, write


def main() -> int:
    """Write what the command line names, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tools.editions", description=__doc__)
    parser.add_argument("edition", nargs="?", choices=EDITIONS, help="default: both")
    parser.add_argument("--target", type=Path, default=TOP / "_build", help="default: _build")
    args = parser.parse_args()
    for kind in [args.edition] if args.edition else EDITIONS:
        notebooks = write(args.target, [kind])
        archive = args.target / f"{kind}.zip"
        print(f"{kind}: {len(notebooks)} notebooks, first {notebooks[0]}; all in {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
