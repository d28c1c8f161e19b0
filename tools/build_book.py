"""Build the website, every warning an error, and print where to open it."""

import shutil
import subprocess
import sys
import time

from filelock import AcquireReturnProxy, FileLock, Timeout

from tools import TOP
from tools.notebooks import stale

BUILD = TOP / "_build"
# Beside what it guards, not inside: the build removes the folder. One object in each process, so
# that whoever holds the lock may build.
LOCK = FileLock(TOP / ".site.lock", is_singleton=True)
# Not the script of that name: it remembers where its environment stood when it was made, and would
# start without what `tools` does for speed.
JUPYTER_BOOK = "import sys, tools; from jupyter_book.cli.main import main; sys.exit(main())"


def wait_for_others() -> AcquireReturnProxy:
    """Take the lock; say so where another process has to finish first."""
    try:
        return LOCK.acquire(timeout=0)
    except Timeout:
        print(f"Another build of {TOP} is running: waiting for it.", file=sys.stderr)
        return LOCK.acquire()


def build() -> str:
    """Return what went wrong, or nothing."""
    if BUILD.exists() and not BUILD.is_dir():
        return f"{BUILD} is a file, and a folder of that name is needed: move it away."
    if behind := stale(TOP / "book"):
        return behind
    # A build that failed once would pass the second time on its own leftovers: start clean.
    shutil.rmtree(BUILD, ignore_errors=True)
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", "--quiet", "-n", "-W", "--keep-going"]
    failed = subprocess.run([*command, str(TOP)], cwd=TOP, check=False).returncode
    return "The book was not built: see the warnings above." if failed else ""


def main() -> int:
    """Return the exit status."""
    start = time.perf_counter()
    with wait_for_others():
        problem = build()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    page = BUILD / "html" / "index.html"
    print(f"Built in {time.perf_counter() - start:.0f} s. Open {page.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
