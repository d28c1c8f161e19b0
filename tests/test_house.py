"""The house as CONTRIBUTING.md shows it: what stands where, and which arrows lead between rooms."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
CORE = {
    *("__init__", "losses", "two_layer", "gradcheck", "data", "idx", "stand_in"),
    *("batches", "models", "train", "evaluate", "plot"),
}
# From each room to the rooms that it may import.
ARROWS = {
    "hwlib": set(),
    "hwlib.course": {"hwlib"},
    "hwlib.formulas": set(),
    "hwlib.check": {"hwlib", "hwlib.course", "hwlib.formulas"},
    "tools.equations": {"hwlib", "hwlib.formulas"},
    "tools.editions": {"hwlib", "hwlib.check"},
    "tools.sphinx_ext": {"hwlib", "hwlib.course", "tools.editions", "tools.equations"},
    "tools": {"hwlib", "hwlib.course", "tools.editions", "tools.equations", "tools.sphinx_ext"},
    "studies": {"hwlib", "hwlib.course", "tools"},
}
SOURCES = sorted(
    path for room in ("hwlib", "tools", "studies") for path in (TOP / room).rglob("*.py")
)


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_of(path) for path in SOURCES}


def room_of(module: str) -> str:
    """The longest name in `ARROWS` that the module's name begins with."""
    return max((room for room in ARROWS if f"{module}.".startswith(f"{room}.")), key=len)


def imports(path: Path) -> Iterator[str]:
    """The modules of this repository that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in NAMES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                target = whole if whole in NAMES else node.module
                if target in NAMES:
                    yield target


def test_the_core_is_a_dozen_files() -> None:
    assert {path.stem for path in (TOP / "hwlib").glob("*.py")} == CORE


def test_arrows_lead_one_way() -> None:
    wrong = [
        f"{module_of(path)} imports {target}"
        for path in SOURCES
        for target in imports(path)
        if room_of(target) not in ARROWS[(room := room_of(module_of(path)))] | {room}
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_modules_import_each_other() -> None:
    graph = {module_of(path): set(imports(path)) - {module_of(path)} for path in SOURCES}
    # A package's __init__ offers what its modules define, and they may use each other.
    for package in ("hwlib", "hwlib.check"):
        graph[package] = set()
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError and names the circle


def _length(node: ast.AST) -> int:
    """Lines of a function from its ``def`` on, without its docstring."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and ast.get_docstring(node) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_a_module_is_read_in_one_sitting(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert not re.search(r"fmt:\s*(?:skip|off)", text)
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    assert not {f.name: _length(f) for f in functions if _length(f) > 40}


def test_the_reference_lists_every_module_of_the_package() -> None:
    listed = set(re.findall(r"automodule:: ([\w.]+)", (TOP / "book/api.md").read_text("utf-8")))
    private = {"hwlib", "hwlib.course"}  # `import hwlib` offers what losses and two_layer define
    expected = {name for name in NAMES if name.startswith("hwlib")} - private
    inner = ("hwlib.check", "hwlib.formulas")
    assert not {name for name in expected - listed if not name.startswith(inner)}
    assert "hwlib.check" in listed


TYPES = ["pyrefly", "check", "--python-interpreter-path", sys.executable]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=TOP, capture_output=True, text=True)


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], TYPES],
    ids=["rules", "layout", "types"],
)
def test_style_and_types(command: list[str]) -> None:
    """All of `make lint`; in a whole run they stand beside other tests."""
    done = _run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_planted_errors_of_type_are_noticed(tmp_path: Path) -> None:
    lines = {
        "import numpy as np\nnp.zeros(3).shap": "missing-attribute",
        "import torch\ntorch.zeros(3).shap": "missing-attribute",
        "from hwlib.train import fit\nfit('a model')": "missing-argument",
        "from hwlib.losses import sigmoid\na: str = sigmoid(1.0)": "bad-assignment",
        "def f(x) -> float: return 1.0": "implicit-any-parameter",
        "def g(x: int): return x": "unannotated-return",
    }
    planted = tmp_path / "planted.py"
    planted.write_text("\n".join(lines), "utf-8")
    said = _run(*TYPES, "--config", str(TOP / "pyproject.toml"), str(planted)).stdout
    assert [error for error in lines.values() if f"[{error}]" not in said] == []
    assert said.count("[missing-attribute]") == 2
