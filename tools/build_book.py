"""Build the website, every warning an error, and print where to open it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.editions import student

TOP = Path(__file__).parents[1]


def main() -> int:
    """Return the exit status of jupyter-book."""
    start = time.perf_counter()
    # A build that failed once would pass the second time on its own leftovers: start clean.
    shutil.rmtree(TOP / "_build", ignore_errors=True)
    student.write(TOP / "_build")  # the pages offer these for download
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [str(jupyter_book), "build", "--quiet", "-n", "-W", "--keep-going", str(TOP)]
    # The API pages read the docstrings of hwlib, which building the website does not install.
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    status = subprocess.run(command, env=environment, check=False).returncode
    if status:
        print("The book was not built: see the warnings above.", file=sys.stderr)
        return status
    page = TOP / "_build" / "html" / "index.html"
    print(f"Built in {time.perf_counter() - start:.0f} s. Open {page.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
