"""Write what students get, in one command and without make: ``python3 tools/hand_out.py``.

It needs no more than a Python: it makes ``.venv`` first where that is missing.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools import environment


def main() -> int:
    """Return the exit status."""
    if made := subprocess.run([sys.executable, environment.__file__, "book"]).returncode:
        return made
    command = [str(environment.PYTHON), "-m", "tools.editions"]
    return subprocess.run(command, cwd=environment.TOP).returncode


if __name__ == "__main__":
    sys.exit(main())
