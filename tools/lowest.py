"""Run the tests with the lowest versions that `pyproject.toml` admits: `make lowest`.

uv chooses those versions and installs them into an environment of their own. What only the tests
need comes at the newest version that goes with them.
"""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]
FOLDER = TOP / ".venv" / "lowest"
TEST_NEEDS = (
    *("pytest", "pytest-cov", "pytest-timeout", "hypothesis", "mpmath", "scikit-learn", "scipy"),
    *(
        "ipython",
        "ipykernel",
        "nbformat",
        "sympy",
        "lark",
        "pyyaml",
        "jupytext",
        "setuptools",
        "myst-nb",
    ),
)
LEFT_OUT = (
    # About the pins and the notebooks, whose versions are other ones,
    *("test_pins.py", "test_notebooks.py", "test_equations.py", "test_prose.py"),
    # and about the website, whose packages are no part of pyproject.toml.
    *("site", "test_mathml.py", "test_light_pages.py", "test_alive_files.py"),
)


def uv(*arguments: str | Path, given: str = "") -> str:
    """Run uv in the repository, let it fail loudly, and return what it printed."""
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    done = subprocess.run(
        command, cwd=TOP, text=True, input=given, stdout=subprocess.PIPE, check=True
    )
    return done.stdout


def install() -> Path:
    """Make the environment; return its Python."""
    command = ("pip", "compile", "--resolution=lowest-direct", "--no-annotate", "--all-extras")
    lowest = uv(*command, "pyproject.toml")
    print(lowest)
    uv("venv", "--clear", "--python", sys.executable, FOLDER)
    python = FOLDER / "bin" / "python"
    uv("pip", "install", "--python", python, "-r", "-", given=lowest + "\n".join(TEST_NEEDS))
    uv("pip", "install", "--python", python, "--no-deps", "--editable", TOP)  # for kernels
    return python


def main() -> int:
    """Install, and run the tests of the package."""
    python = install()
    ignored = [f"--ignore=tests/{name}" for name in LEFT_OUT]
    return subprocess.call([python, "-m", "pytest", "tests", *ignored], cwd=TOP)


if __name__ == "__main__":
    sys.exit(main())
