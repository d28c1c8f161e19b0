"""Change the package in one place at a time, and see whether a test notices: `make mutants`.

The changes are mutmut's (an operator swapped, a number raised by one, an argument dropped, a text
altered ...), and the removal of a decorator. mutmut itself leaves out every decorated function,
which here would be most of `hwlib.losses`; so this runner applies its changes to whole modules.
Nothing is written into the package: each mutant runs in a process of its own that imports the
changed module from memory. A first run without changes records how long each test takes and which
functions it enters; a mutant then meets only the tests that enter its function, the fastest first.
"""

import argparse
import ast
import difflib
import gc
import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import coverage
import libcst as cst
import pytest
from hypothesis import Phase, settings
from mutmut.mutation.mutators import mutation_operators

TOP = Path(__file__).parents[1]
# The tests that have to notice, those that notice most and soonest first.
TESTS = {
    "losses": ["test_losses.py", "test_two_layer.py"],
    "two_layer": ["test_two_layer.py"],
    "gradcheck": ["test_gradcheck.py"],
    "evaluate": ["test_evaluate.py", "test_calibration.py"],
    "train": ["test_train.py", "test_checkpoint.py"],
}
TIMEOUT = 180  # seconds; a mutant that makes a loop endless counts as noticed


class _Collect(cst.CSTVisitor):
    """Gathers pairs of a node and what takes its place."""

    def __init__(self) -> None:
        self.pairs: list[tuple[cst.CSTNode, cst.CSTNode | cst.RemovalSentinel]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        # Types are mypy's to check; imports fail at once.
        if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom):
            return False
        if isinstance(node, cst.Decorator):
            self.pairs.append((node, cst.RemoveFromParent()))
            return False
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                self.pairs += [(node, mutated) for mutated in operator(node)]
        return True


def mutants(source: str) -> Iterator[str]:
    """Yield every changed version of a module's text, each different from it in one place."""
    module, collected = cst.parse_module(source), _Collect()
    module.visit(collected)
    for node, mutated in collected.pairs:
        if isinstance(mutated, cst.RemovalSentinel):
            changed = module.visit(_Remove(node))
        else:
            changed = module.deep_replace(node, mutated)
        assert isinstance(changed, cst.Module)
        if changed.code != source:
            yield changed.code


class _Remove(cst.CSTTransformer):
    def __init__(self, node: cst.CSTNode) -> None:
        self.node = node

    def on_leave(
        self, original: cst.CSTNode, updated: cst.CSTNode
    ) -> cst.CSTNode | cst.RemovalSentinel:
        return cst.RemoveFromParent() if original is self.node else updated


class _FromMemory(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets one module be imported from a text instead of its file."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self.path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.text, str(self.path), "exec"), module.__dict__)


class Test(NamedTuple):
    """What the run without changes tells of one test."""

    seconds: float
    lines: set[int]  # of the module that is to be changed


class _Record:
    """A plugin that records every test as a `Test`, in the file of the given name."""

    def __init__(self, module: Path, target: Path) -> None:
        self.module, self.target = str(module), target
        self.seconds: dict[str, float] = {}
        self.coverage = coverage.Coverage(data_file=None, include=[self.module], config_file=False)

    def pytest_configure(self) -> None:
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.coverage.switch_context(item.nodeid)
        began = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - began
        return result

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        entered: dict[str, list[int]] = {test: [] for test in self.seconds}
        for line, tests in self.coverage.get_data().contexts_by_lineno(self.module).items():
            for test in set(tests) & set(entered):
                entered[test].append(line)
        found = {test: (self.seconds[test], lines) for test, lines in entered.items()}
        self.target.write_text(json.dumps(found), encoding="utf-8")


class _Select:
    """A plugin that runs the given tests only, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.place = {test: place for place, test in enumerate(tests)}

    def pytest_configure(self) -> None:
        # One failing example is enough; nobody reads the smallest.
        settings.register_profile(
            "mutants", settings.get_profile("repeatable"), phases=(Phase.explicit, Phase.generate)
        )
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self.place]
        items[:] = sorted(chosen, key=lambda item: self.place[item.nodeid])


def start(name: str, text: str, plugin: object) -> int:
    """Run the tests with ``text`` in the place of the module ``name``; return the process."""
    child = os.fork()
    if child:
        return child
    os.setsid()  # out of reach of the terminal, which stops what writes to it in the background
    signal.alarm(TIMEOUT)
    path = TOP / "hwlib" / f"{name}.py"
    sys.meta_path.insert(0, _FromMemory(f"hwlib.{name}", path, text))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    # hypothesis is already imported: pytest need not, and cannot, rewrite its assertions.
    arguments = ["-x", "-q", "-m", "not slow", "--assert=plain", "-p", "no:cacheprovider"]
    arguments += ["-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"]
    arguments += [str(TOP / "tests" / test) for test in TESTS[name]]
    os._exit(int(pytest.main(arguments, plugins=[plugin])))


def recorded(name: str, source: str) -> dict[str, Test]:
    """Run the tests of the unchanged module; return what is known of each, none if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "tests.json"
        child = start(name, source, _Record(TOP / "hwlib" / f"{name}.py", target))
        if os.waitpid(child, 0)[1]:
            return {}
        found = json.loads(target.read_text(encoding="utf-8"))
    return {test: Test(seconds, set(lines)) for test, (seconds, lines) in found.items()}


def chosen(source: str, text: str, tests: dict[str, Test]) -> list[str]:
    """Return the tests that enter the changed function, or all, the fastest first."""
    line = int(changed_lines(source, text).split(",")[0].split("\n")[0].lstrip("-"))
    enclosing = [
        range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    ]
    places = [lines for lines in enclosing if line in lines]
    entering = [test for test in tests if places and tests[test].lines & set(places[0])]
    return sorted(entering or tests, key=lambda test: tests[test].seconds)


def survivors(
    name: str, source: str, texts: Sequence[str], tests: dict[str, Test], jobs: int
) -> list[str]:
    """Return those of ``texts`` with which all tests pass, running so many at a time."""
    running: dict[int, int] = {}
    alive: list[int] = []
    for i in range(len(texts) + jobs):
        if len(running) == jobs or i >= len(texts):
            if not running:
                break
            child, status = os.wait()
            finished = running.pop(child)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGALRM:
                raise SystemExit(f"{name}: a run was ended by signal {os.WTERMSIG(status)}")
            if status == 0:
                alive.append(finished)
                print(f"hwlib/{name}.py {changed_lines(source, texts[finished])}\n", flush=True)
        if i < len(texts):
            plugin = _Select(chosen(source, texts[i], tests))
            running[start(name, texts[i], plugin)] = i
    return [texts[i] for i in sorted(alive)]


def changed_lines(before: str, after: str) -> str:
    """Return the lines that differ, as ``-`` and ``+``, with the number of the first."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))
    return "\n".join([lines[2].split()[1], *lines[3:]])


def main() -> int:
    """Run the mutants of the modules named on the command line, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help=f"any of {', '.join(TESTS)}; all if none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", HWLIB_STAND_IN="1", TQDM_DISABLE="1")
    # Loading only the plugins that the tests use saves a third of a second for each mutant.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    _import_once()
    all_killed = all_made = 0
    for name in options.modules or TESTS:
        began, source = time.perf_counter(), (TOP / "hwlib" / f"{name}.py").read_text("utf-8")
        tests = recorded(name, source)
        if not tests:
            print(f"{name}: the tests fail without any change; mend that first")
            return 1
        made = list(mutants(source))
        alive = survivors(name, source, made, tests, options.jobs)
        killed, seconds = len(made) - len(alive), time.perf_counter() - began
        share = 100 * killed / len(made)
        print(
            f"{name}: {killed} of {len(made)} killed, {share:.1f} %, {seconds:.0f} s\n", flush=True
        )
        all_killed, all_made = all_killed + killed, all_made + len(made)
    print(f"in all: {all_killed} of {all_made} killed, {100 * all_killed / all_made:.1f} %")
    return 0 if all_killed >= 0.9 * all_made else 1


def _import_once() -> None:
    """Load what is slow to import before forking; nothing of hwlib, which is to be changed."""
    for package in (
        *("torch", "torch._dynamo", "hypothesis.extra.numpy"),
        *("mpmath", "sklearn.metrics", "matplotlib.pyplot", "tqdm"),
    ):
        importlib.import_module(package)
    gc.freeze()  # or each child would search all of it for garbage, which takes it half a second


if __name__ == "__main__":
    sys.exit(main())
