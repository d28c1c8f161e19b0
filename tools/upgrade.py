"""Move every pin to the newest version that goes with the others: `make upgrade`.

Only the pins in the requirements files are rewritten, in place; comments and order stay. What the
pins bring with them is written by `make lock` afterwards.
"""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]
FILES = (
    *("requirements.txt", "requirements-accuracy.txt"),
    "requirements-bench.txt",
)
# Jupyter Book 2 does not read _config.yml and _toc.yml.
HELD = {"jupyter-book": ",<2"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


def canonical(name: str) -> str:
    """Return the name of a package as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Return the versions that a requirements, constraints or lock file pins."""
    return {canonical(name): version for name, version in PIN.findall(text)}


def unpinned(text: str) -> str:
    """Return the text of a requirements file with its pins as lower bounds, and what `HELD` says.

    Without bounds an old Jupyter Book would come back, since it admits a newer Sphinx.
    """
    return PIN.sub(lambda match: f"{match[1]}>={match[2]}{HELD.get(canonical(match[1]), '')}", text)


def moved(text: str, versions: dict[str, str]) -> str:
    """Return the text of a requirements file with its pins at the given versions."""
    return PIN.sub(lambda match: f"{match[1]}=={versions[canonical(match[1])]}", text)


def newest(texts: list[str], python: str) -> dict[str, str]:
    """Return the newest versions that go together, as uv finds them on the package index."""
    # For the oldest Python alone: asked for all, uv takes the newest version for each of them.
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"]
    command += ["--no-annotate", "--python-version", python, "-"]
    wanted = "\n".join(map(unpinned, texts))
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"no set of newest versions was found:\n{done.stderr}")
    return pins(done.stdout)


def main() -> None:
    """Rewrite the pins and print each that moved."""
    project = (TOP / "pyproject.toml").read_text(encoding="utf-8")
    lowest = re.search(r'requires-python = ">=([\d.]+)"', project)
    assert lowest is not None
    texts = {TOP / name: (TOP / name).read_text(encoding="utf-8") for name in FILES}
    versions = newest(list(texts.values()), lowest[1])
    for path, text in texts.items():
        for name, version in pins(text).items():
            if versions[name] != version:
                print(f"{path.name}: {name} {version} -> {versions[name]}")
        path.write_text(moved(text, versions), encoding="utf-8")


if __name__ == "__main__":
    main()
