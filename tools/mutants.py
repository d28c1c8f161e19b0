"""Change the package in one place at a time, and see whether a test notices: `make mutants`.

The changes are mutmut's (an operator swapped, a number raised by one, an argument dropped, a text
altered ...), and the removal of a decorator. mutmut itself leaves out every decorated function,
which here would be most of `hwlib.losses`; so this runner applies its changes to whole modules.
Nothing is written into the package: each mutant runs in a process of its own that imports the
changed module from memory.
"""

import argparse
import difflib
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import libcst as cst
import pytest
from mutmut.mutation.mutators import mutation_operators

TOP = Path(__file__).parents[1]
# The tests that have to notice, those that notice most and soonest first.
TESTS = {
    "losses": ["test_losses.py", "test_two_layer.py"],
    "two_layer": ["test_two_layer.py"],
    "gradcheck": ["test_gradcheck.py"],
    "evaluate": ["test_evaluate.py"],
    "train": ["test_train.py"],
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


def start(name: str, text: str) -> int:
    """Run the tests with ``text`` in the place of the module ``name``; return the process."""
    child = os.fork()
    if child:
        return child
    signal.alarm(TIMEOUT)
    path = TOP / "hwlib" / f"{name}.py"
    sys.meta_path.insert(0, _FromMemory(f"hwlib.{name}", path, text))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    arguments = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:nbval"]
    os._exit(int(pytest.main([*arguments, *(str(TOP / "tests" / test) for test in TESTS[name])])))


def survivors(name: str, texts: Sequence[str], jobs: int) -> list[str]:
    """Return those of ``texts`` with which all tests pass, running so many at a time."""
    running: dict[int, int] = {}
    alive: list[int] = []
    for i in range(len(texts) + jobs):
        if len(running) == jobs or i >= len(texts):
            if not running:
                break
            child, status = os.wait()
            finished = running.pop(child)
            if status == 0:
                alive.append(finished)
        if i < len(texts):
            running[start(name, texts[i])] = i
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
    _import_once()
    all_killed = all_made = 0
    for name in options.modules or TESTS:
        began, source = time.perf_counter(), (TOP / "hwlib" / f"{name}.py").read_text("utf-8")
        if not survivors(name, [source], 1):
            print(f"{name}: the tests fail without any change; mend that first")
            return 1
        made = list(mutants(source))
        alive = survivors(name, made, options.jobs)
        for text in alive:
            print(f"hwlib/{name}.py {changed_lines(source, text)}\n")
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
    for package in ("torch", "hypothesis.extra.numpy", "mpmath", "sklearn.metrics", "matplotlib"):
        importlib.import_module(package)


if __name__ == "__main__":
    sys.exit(main())
