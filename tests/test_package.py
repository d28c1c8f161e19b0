"""The package as a whole: what an import loads, what the library prints, torchvision's import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hwlib

TOP = Path(hwlib.__file__).parent
MODULES = sorted(path for path in TOP.rglob("*.py") if path.stem != "__main__")
# A finder that stands before all others and answers "import torchvision" with the given body.
FAKE_TORCHVISION = """
import importlib.abc, importlib.util, sys

class Fake(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    imports = 0

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchvision":
            return importlib.util.spec_from_loader(name, self, is_package=True)

    def exec_module(self, module):
        if module.__name__ == "torchvision":
            Fake.imports += 1
            import torch
            {body}

sys.meta_path.insert(0, Fake())
from hwlib import data
from hwlib.data import torchvision_module
"""
NEEDS_NMS = "torch._C._dispatch_has_kernel_for_dispatch_key('torchvision::nms', 'Meta')"


def python(code):
    """Run code in a process of its own; warnings are errors there, too."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=600
    )


def output(code):
    done = python(code)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_the_package_loads_neither_torch_nor_matplotlib():
    loaded = output("import sys, hwlib; print(*{name.split('.')[0] for name in sys.modules})")
    assert {"hwlib", "numpy"} <= set(loaded)
    assert not {"torch", "torchvision", "matplotlib", "scipy", "sklearn", "IPython"} & set(loaded)


def test_checking_the_numpy_tasks_loads_neither_torch_nor_matplotlib():
    code = """
import sys, hwlib
from hwlib import check
assert check.predict(hwlib.predict) and check.logistic_loss_grad(hwlib.logistic_loss_grad)
assert check.report(chapter=1).points == 2
print(*{name.split('.')[0] for name in sys.modules})
"""
    assert not {"torch", "torchvision", "matplotlib", "IPython"} & set(output(code))


def test_the_website_is_built_without_torch_and_matplotlib():
    """`make book` installs neither; only what a page runs needs them."""
    blocked = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'torchvision', 'matplotlib')))"
    )
    code = f"{blocked}; import tools.build_book, tools.sphinx_ext"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP.parent, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


def test_names_of_the_homework_can_be_imported():
    assert [name for name in hwlib.__all__ if not callable(getattr(hwlib, name))] == []
    assert {"predict", "logistic_loss", "stable_logistic_loss", "logistic_loss_grad"} <= set(
        hwlib.__all__
    )


def test_importing_every_module_prints_seeds_and_sets_nothing():
    names = ", ".join(
        ".".join(["hwlib", *path.relative_to(TOP).with_suffix("").parts])
        for path in MODULES
        if path.stem != "__init__"
    )
    code = f"""
import random, numpy, torch, matplotlib
states = random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
settings = dict(matplotlib.rcParams)
import {names}
assert random.getstate() == states[0]
assert numpy.random.get_state()[1].tolist() == states[1]
assert torch.get_rng_state().tolist() == states[2]
import matplotlib.pyplot
settings["backend"] = matplotlib.rcParams["backend"]
assert dict(matplotlib.rcParams) == settings
assert "torchvision" not in __import__("sys").modules
"""
    done = python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_library_never_prints(path):
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert "print" not in calls


def test_torchvision_that_works_is_imported_as_it_is():
    code = (
        FAKE_TORCHVISION.format(body="pass")
        + """
module = torchvision_module("datasets")
assert module is sys.modules["torchvision.datasets"]
print(len(data._libraries), Fake.imports)
"""
    )
    assert output(code) == ["0", "1"]


def test_torchvision_beside_another_torch_is_imported_after_declaring_operators():
    # The very question on which torchvision stops: torch itself raises the error.
    code = (
        FAKE_TORCHVISION.format(body=NEEDS_NMS)
        + """
module = torchvision_module("datasets")
assert module is sys.modules["torchvision.datasets"]
assert torchvision_module("transforms") is sys.modules["torchvision.transforms"]
import gc; gc.collect()
torch = sys.modules["torch"]
print(len(data._libraries), Fake.imports)
print(*(torch._C._dispatch_has_kernel(f"torchvision::{name}") for name in ("nms", "qnms")))
"""
    )
    assert output(code)[:2] == ["1", "2"]


NMS = "operator torchvision::nms does not exist"


@pytest.mark.parametrize(
    ("error", "declared"),
    [
        (RuntimeError("another fault"), False),
        (ImportError(NMS), False),
        (OSError("libcudart.so: cannot open shared object file"), False),
        (RuntimeError(NMS), True),  # declaring the operators, once, did not help
    ],
)
def test_other_failures_of_torchvision_are_not_hidden(monkeypatch, error, declared):
    from hwlib import data

    def fail(_):
        raise error

    def declare(*_):
        raise AssertionError("operators were declared")

    monkeypatch.setattr("torch.library.Library", declare)
    monkeypatch.setattr(data.importlib, "import_module", fail)
    monkeypatch.setattr(data, "_libraries", ["declared"] if declared else [])
    with pytest.raises(type(error)) as raised:
        data.torchvision_module("datasets")
    assert raised.value is error
