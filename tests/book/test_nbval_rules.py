"""Each way in which a run of notebooks could pass by accident is planted, and fails with a reason.

One pytest runs all planted notebooks that are executed; each is a file of its own, with a kernel of
its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

TOP = Path(__file__).parents[2]
SWALLOWS = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"


def code(source: str, *outputs: str, **options: object) -> nbformat.NotebookNode:
    """Return an executed cell that printed ``outputs``."""
    printed = [new_output("stream", name="stdout", text=text) for text in outputs]
    return new_code_cell(source, outputs=printed, execution_count=1, **options)


def write(path: Path, *cells: nbformat.NotebookNode) -> Path:
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new_notebook(cells=list(cells), metadata=kernel), path)
    return path


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with this repository's conftest, from another folder."""
    left_out = ("PYTEST_", "COV_", "HWLIB_", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    command = [sys.executable, "-m", "pytest", "-c", str(TOP / "pyproject.toml")]
    command += ["-p", "tools", "-p", "conftest"]
    unused = (f"no:{name}" for name in ("cacheprovider", "hypothesispytest", "pytest_cov"))
    command += [f"-p{name}" for name in unused]
    command += ["-rA", "--color=no", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=TOP,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=600,
    )


NOT_COMPARED = "was not found: 1 cells of 1 chapters ran on the stand-in"
EXECUTED = {
    "time_ran_out": [code(SWALLOWS)],
    "after_the_time": [code(SWALLOWS), code("print(1)", "1\n")],
    "skipped": [code("print(1)", "1\n", metadata={"tags": ["nbval-skip"]})],
    "other_output": [code("print(1)", "2\n")],
    "right": [
        code("import hwlib\nprint(hwlib.__file__)", f"{TOP / 'hwlib' / '__init__.py'}\n"),
        code("print('≈ 2.5')", "≈ 2.6\n"),
    ],
    "other_data": [code("print(1)", "2\n", metadata={"tags": ["real-data"]})],
}


def without_data(folder: Path) -> dict[str, str]:
    """An environment in which the data are nowhere, and cannot be downloaded."""
    return {"XDG_CACHE_HOME": str(folder), "https_proxy": "http://127.0.0.1:9"}


EXPECTED = """import pytest

@pytest.mark.xfail(reason="some day")
def test_fails():
    assert False
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("planted")
    paths = [write(folder / f"{name}.ipynb", *cells) for name, cells in EXECUTED.items()]
    (folder / "test_planted.py").write_text(EXPECTED)
    # Side by side, as `make test` runs the chapters.
    options = (f"--rootdir={folder}", "-n", "2", "--dist", "loadfile", "--nbval-cell-timeout=1.5")
    planted = (*paths, folder / "test_planted.py")
    return run("--nbval", *options, *planted, **without_data(folder))


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("time_ran_out.ipynb, Cell 0", "a cell ran longer than 1.5 s, and its code swallowed"),
        ("after_the_time.ipynb, Cell 0", "a cell ran longer than 1.5 s"),
        ("after_the_time.ipynb, Cell 1", "a cell ran longer than 1.5 s"),
        ("skipped.ipynb, Cell 0", "the cell was not executed"),
    ],
)
def test_what_would_pass_by_accident_fails(
    test: str, reason: str, executed: subprocess.CompletedProcess[str]
) -> None:
    assert executed.returncode == 1
    assert re.search(rf"^{test}: {reason}", executed.stdout, re.MULTILINE)


def test_only_those_fail(executed: subprocess.CompletedProcess[str]) -> None:
    """What nbval refuses by itself is refused, and right cells pass, on this checkout's package.

    A failure is one, whether it was expected or not.
    """
    assert re.search(r"^FAILED \S*test_planted.py::test_fails", executed.stdout, re.MULTILINE)
    assert "reference_output == test_output failed" in executed.stdout
    assert re.search(r"^=+ 6 failed, 3 passed in ", executed.stdout, re.MULTILINE)


def test_notebooks_that_compare_nothing_are_refused_before_anything_runs(tmp_path: Path) -> None:
    write(tmp_path / "empty.ipynb")
    write(tmp_path / "unexecuted.ipynb", new_code_cell("print(1)"))
    write(tmp_path / "stale.ipynb", code("print(1)", "1\n"))
    (tmp_path / "stale.md").write_text("```{code-cell} ipython3\nprint(2)\n```\n", encoding="utf-8")
    found = run("--nbval", tmp_path)
    assert found.returncode == 2
    mend = rf'run: make notebooks CHAPTERS="{tmp_path.name}'
    assert "empty.ipynb: no cell holds code" in found.stdout
    assert re.search(
        rf"unexecuted\.ipynb: holds cells .* never executed; {mend}/unex", found.stdout
    )
    assert re.search(
        rf"stale\.ipynb: is not of the text in stale\.md: its code differs; {mend}/stale",
        found.stdout,
    )


def test_cells_of_one_name_are_not_lost(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{name}.ipynb", code("print(1)", "1\n")) for name in "ab"]
    found = run("--nbval", "-n", "2", "--dist", "loadfile", *paths)
    assert found.returncode not in (0, 1)
    assert "got cells of the same name; add --rootdir=FOLDER" in found.stdout + found.stderr


def test_what_was_not_compared_for_want_of_data_is_said(
    executed: subprocess.CompletedProcess[str],
) -> None:
    assert NOT_COMPARED in executed.stdout
    assert re.search(r"^PASSED \S*other_data\.ipynb::Cell 0", executed.stdout, re.MULTILINE)


def test_a_folder_without_notebooks_is_refused(tmp_path: Path) -> None:
    assert run("--nbval", tmp_path).returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_data_that_were_asked_for_and_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (raw / f"{part}-{kind}-ubyte.gz").write_bytes(b"no data")
    found = run("tests/book/test_prose.py", HWLIB_DATA=str(tmp_path))
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"HWLIB_DATA is {tmp_path}, but nothing could be compared" in found.stderr
    assert "unset HWLIB_DATA" in found.stderr
