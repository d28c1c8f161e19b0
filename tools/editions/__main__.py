"""Write the students' notebooks, the instructor's, or both."""

import argparse
import sys
import zipfile
from pathlib import Path

from tools.editions.student import EDITIONS, TOP, write


def main() -> int:
    """Write what the command line names, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tools.editions", description=__doc__)
    parser.add_argument("edition", nargs="?", choices=EDITIONS, help="default: both")
    parser.add_argument("--target", type=Path, default=TOP / "_build", help="default: _build")
    args = parser.parse_args()
    for kind in [args.edition] if args.edition else EDITIONS:
        for notebook in write(args.target, [kind]):
            print(notebook)
        archive = args.target / f"{kind}.zip"
        with zipfile.ZipFile(archive) as packed:
            count = len(packed.namelist())
        size = archive.stat().st_size / 1000
        print(f"{archive}: these notebooks and all they need, {count} files, {size:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
