"""The versions: files of one mind, a hash for each, an environment that is what they say."""

import re
import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tools import environment

TOP = Path(__file__).parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = [f"locks/{group}.txt" for group in environment.GROUPS]
FILES = ["requirements.txt", *LOCKS]
# Each machine may take a build of its own, which has another hash.
WITHOUT_HASH = {"torch", "torchvision"}


def canonical(name):
    """The name of a package as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(name):
    """The versions of each package in a file: several where they differ between Pythons."""
    text, found = (TOP / name).read_text(encoding="utf-8"), {}
    for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE):
        found.setdefault(canonical(package), set()).add(version)
    return found


def wanted(group):
    """The names that pyproject.toml asks for in a group."""
    for entry in PROJECT["dependency-groups"][group]:
        if isinstance(entry, dict):
            yield from wanted(entry["include-group"])
        else:
            yield canonical(re.match(r"[\w.-]+", entry)[0])


def test_every_group_has_a_lock():
    assert set(PROJECT["dependency-groups"]) == set(environment.GROUPS)
    assert {path.stem for path in (TOP / "locks").iterdir()} == set(environment.GROUPS)


@pytest.mark.parametrize("group", environment.GROUPS)
def test_locks_hold_all_that_a_group_asks_for(group):
    missing = set(wanted(group)) - set(versions(f"locks/{group}.txt"))
    assert not missing, "run `make lock`"


def test_requirements_hold_all_that_the_package_and_its_tests_ask_for():
    direct = [re.match(r"[\w.-]+", entry)[0] for entry in PROJECT["project"]["dependencies"]]
    requirements = versions("requirements.txt")
    assert {*map(canonical, direct), *wanted("test")} <= set(requirements), "run `make lock`"
    assert "-e ." in (TOP / "requirements.txt").read_text().splitlines()
    for name in ("book", "test"):
        for package, found in versions(f"locks/{name}.txt").items():
            assert found == requirements[package], f"{package}: run `make lock`"
    assert set(requirements) - set(versions("locks/test.txt")) == WITHOUT_HASH


@pytest.mark.parametrize("file", LOCKS)
def test_every_version_has_a_hash(file):
    text = (TOP / file).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[^\s#])", text[text.index("\n", text.index("make lock")) :].strip())
    assert len(entries) >= len(versions(file)) > 5
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; [^\n]+)? \\\n.*", entry, re.DOTALL), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("file", FILES)
def test_no_address_and_no_path_in_a_file_of_versions(file):
    text = (TOP / file).read_text(encoding="utf-8")
    assert not re.search(r"://|file:|--index|--find-links|^\s*[/.]", text, re.MULTILINE)


def test_what_is_installed_is_what_is_pinned():
    # What stands in front of "+" is the version, and what follows a build, such as one without GPU.
    installed = {
        canonical(found.metadata["Name"]): found.version.partition("+")[0]
        for found in distributions()
    }
    assert set(wanted("test")) <= set(installed)
    allowed = versions("requirements.txt")
    others = {
        name: version
        for name, version in installed.items()
        if version not in allowed.get(name, {version})
    }
    assert others == {}, "not what requirements.txt pins: install anew"
    assert len(set(installed) & set(allowed)) > 100


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
def test_python_that_has_wheels_is_taken(version):
    assert environment.refusal(version) == ""
    assert f'">={version[0]}.11,<{version[0]}.15"' in (TOP / "pyproject.toml").read_text()


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (4, 0)])
def test_other_python_is_refused_with_the_reason(version):
    assert "Python 3.11 to 3.14 is needed" in environment.refusal(version)
    assert f" is {version[0]}.{version[1]}. Name another one" in environment.refusal(version)


def test_a_dollar_in_the_name_of_a_folder_stands_for_itself(tmp_path, monkeypatch):
    """Else setuptools, which looks such names up, says "invalid variable 'x'"."""
    given = []

    def run(command, *, env, **_):
        given.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(environment, "VENV", tmp_path / "$x and $y_2")
    monkeypatch.setattr(environment.subprocess, "run", run)
    environment.pip("nothing")
    assert {"x": "$x", "y_2": "$y_2"}.items() <= given[0].items()
    assert "PATH" in given[0]


def test_environment_of_another_folder_is_told_from_its_own(tmp_path, monkeypatch):
    for name in ("VENV", "PYTHON", "RECORD"):
        value = getattr(environment, name)
        monkeypatch.setattr(environment, name, tmp_path / value.relative_to(environment.TOP))
    assert environment.fault() == "is incomplete"
    environment.PYTHON.parent.mkdir(parents=True)
    environment.PYTHON.touch()
    environment.RECORD.touch()
    settings = environment.VENV / "pyvenv.cfg"
    settings.write_text(f"home = /usr/bin\ncommand = /usr/bin/python -m venv {environment.VENV}\n")
    assert environment.fault() == ""
    settings.write_text("command = /usr/bin/python -m venv /another/place/.venv\n")
    assert environment.fault() == "belongs to another folder"
    settings.write_text("home = /usr/bin\n")
    assert environment.fault() == "belongs to another folder"


def test_actions_are_named_by_commit():
    uses = [
        use
        for path in (TOP / ".github" / "workflows").iterdir()
        for use in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
        if not use.startswith("./")
    ]
    assert len(uses) > 5
    assert [use for use in uses if not re.search(r"@[0-9a-f]{40}$", use)] == []
