"""Make ``.venv`` and install a group of packages: `python3 tools/environment.py book`.

The Makefile calls this before each command; nothing happens where all is installed. The groups are
those of pyproject.toml, their versions and hashes lie in locks/. Any Python can read this file, so
that one that is too old or too new is told why; it needs nothing but the standard library.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
VENV = TOP / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
RECORD = VENV / "installed.json"
GROUPS = ("book", "test", "studies", "maintain")
OLDEST, NEWEST = (3, 11), (3, 14)


def refusal(version: "tuple[int, int]") -> str:
    """Return why a version of Python cannot be used, or nothing."""
    if OLDEST <= version <= NEWEST:
        return ""
    return (
        f"Python 3.{OLDEST[1]} to 3.{NEWEST[1]} is needed, for which the pinned NumPy has wheels; "
        f"{sys.executable} is {version[0]}.{version[1]}. Name another one: "
        f"make PYTHON=python3.{NEWEST[1]}"
    )


def fault() -> str:
    """Return what is wrong with ``.venv``, or nothing."""
    settings = VENV / "pyvenv.cfg"
    if not settings.is_file() or not PYTHON.exists():
        return "is incomplete"
    # Where it was made; its scripts and this package's entry lead there for ever.
    made = rf"^command = .* {re.escape(str(VENV))}\s*$"
    if not re.search(made, settings.read_text(encoding="utf-8"), re.MULTILINE):
        return "belongs to another folder"
    if RECORD.exists():
        return ""
    done = subprocess.run([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL)
    return "has no pip" if done.returncode else ""


def make() -> None:
    """Make ``.venv``, or make it anew if it does not serve here."""
    if VENV.is_dir():
        problem = fault()
        if not problem:
            return
        print(f".venv {problem}: it is made anew.", flush=True)
    reason = refusal(sys.version_info[:2])
    if reason:
        raise SystemExit(reason)
    shutil.rmtree(str(VENV), ignore_errors=True)
    command = [sys.executable, "-m", "venv", str(VENV)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        shutil.rmtree(str(VENV), ignore_errors=True)
        said = done.stdout.decode(errors="replace").strip()
        raise SystemExit(
            f"{said}\n.venv could not be made. On Debian and Ubuntu: apt-get install python3-venv, "
            "then run this again."
        )


def pip(*arguments: str) -> None:
    """Install with the environment's own pip."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    # setuptools takes a $ in a path for a variable: let each stand for itself.
    itself = {name: f"${name}" for name in re.findall(r"\$([A-Za-z_]\w*)", str(VENV))}
    variables = {**os.environ, **itself}
    if subprocess.run([*command, *arguments], cwd=str(TOP), env=variables).returncode:
        raise SystemExit("The packages could not be installed, see above; then run this again.")


def digest(group: str) -> str:
    """Return a digest of the files that say what a group consists of."""
    names = [f"locks/{group}.txt"]
    if group == "test":
        names += ["requirements.txt", "pyproject.toml"]
    return hashlib.sha256(b"".join((TOP / name).read_bytes() for name in names)).hexdigest()


def install(group: str) -> None:
    """Install a group, each file verified by its hash, unless it is there already."""
    if group == "studies":
        install("test")
    installed = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if installed.get(group) == digest(group):
        return
    pip("--require-hashes", "--no-deps", "-r", f"locks/{group}.txt")
    if group == "test":
        # Adds PyTorch, whose builds differ from machine to machine, and this package.
        pip("--no-build-isolation", "-r", "requirements.txt")
        installed["book"] = digest("book")
    RECORD.write_text(json.dumps({**installed, group: digest(group)}))


def main() -> None:
    """Install the group that is named, one at a time: others that want to install wait."""
    if sys.argv[1:] not in [[group] for group in GROUPS]:
        raise SystemExit(f"one of {', '.join(GROUPS)} is needed, got: {' '.join(sys.argv[1:])}")
    with Path(__file__).open() as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        except ImportError:  # Windows has neither this lock nor make
            pass
        make()
        install(sys.argv[1])


if __name__ == "__main__":
    main()
