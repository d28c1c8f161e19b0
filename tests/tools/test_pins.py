"""The pins: files of one mind, a hash for each package, an environment that is what they say."""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tools.upgrade import FILES, canonical, moved, newest, pins, unpinned

TOP = Path(__file__).parents[2]


def text(name):
    return (TOP / name).read_text(encoding="utf-8")


def versions(name):
    """The versions of each package in a file: several where they differ between Pythons."""
    found = {}
    for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", text(name), re.MULTILINE):
        found.setdefault(canonical(package), set()).add(version)
    return found


@pytest.mark.parametrize("file", FILES)
def test_constraints_hold_every_pin(file):
    constraints = versions("constraints.txt")
    for package, version in pins(text(file)).items():
        assert constraints.get(package) == {version}, f"{package}: run `make lock`"


def test_lock_is_constraints_with_hashes():
    lock, constraints = versions("requirements.lock"), versions("constraints.txt")
    assert set(pins(text("requirements.txt"))) <= set(lock)
    for package, found in lock.items():
        assert found == constraints[package], f"{package}: run `make lock`"
    entries = re.split(r"\n(?=\S)", text("requirements.lock").strip())
    assert len(entries) >= len(lock) > 100
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^\n]+)? \\\n.*", entry, re.DOTALL), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("file", ["constraints.txt", "requirements.lock"])
def test_no_address_and_no_path_in_a_file_of_pins(file):
    assert not re.search(r"://|file:|--index|--find-links|^\s*[/.]", text(file), re.MULTILINE)


def test_book_needs_only_what_is_pinned():
    names = re.findall(r"^[\w.-]+$", text("requirements-book.txt"), re.MULTILINE)
    assert len(names) > 5
    assert {canonical(name) for name in names} <= set(pins(text("requirements.txt")))


def test_what_is_installed_is_what_is_pinned():
    # What stands in front of "+" is the version, and what follows a build, such as one without GPU.
    installed = {
        canonical(found.metadata["Name"]): found.version.partition("+")[0]
        for found in distributions()
    }
    wanted = pins(text("requirements.txt"))
    assert {name: installed.get(name) for name in wanted} == wanted
    allowed = versions("constraints.txt")
    others = {
        name: version
        for name, version in installed.items()
        if version not in allowed.get(name, {version})
    }
    assert others == {}, "not what constraints.txt pins: install anew"
    assert len(set(installed) & set(allowed)) > 100


REQUIREMENTS = (
    "# Why\nnumpy==2.4.6\n\nJupyter_Book==1.0.4.post1  # held\ntorch==2.13.0 ; sys_platform\n"
)


def test_upgrading_goes_forward_only_and_holds_what_must_not_move():
    assert unpinned(REQUIREMENTS) == (
        "# Why\nnumpy>=2.4.6\n\nJupyter_Book>=1.0.4.post1,<2  # held\n"
        "torch>=2.13.0 ; sys_platform\n"
    )


def test_upgrading_moves_pins_and_nothing_else():
    newer = {"numpy": "3.0", "jupyter-book": "1.1", "torch": "2.13.0", "scipy": "2"}
    assert moved(REQUIREMENTS, newer) == (
        "# Why\nnumpy==3.0\n\nJupyter_Book==1.1  # held\ntorch==2.13.0 ; sys_platform\n"
    )
    assert pins(REQUIREMENTS) == {
        "numpy": "2.4.6",
        "jupyter-book": "1.0.4.post1",
        "torch": "2.13.0",
    }


def test_upgrading_that_finds_nothing_changes_nothing(monkeypatch):
    class Failed:
        returncode, stdout, stderr = 1, "", "no solution"

    monkeypatch.setattr("subprocess.run", lambda *_, **__: Failed)
    with pytest.raises(SystemExit, match="no set of newest versions was found:\nno solution"):
        newest([REQUIREMENTS], "3.11")
