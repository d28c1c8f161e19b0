"""Run the cells of a hand-in as IPython would, each with a limit, and note what goes wrong."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from hwlib.check.hand_in import Cell, plain

ATTEMPTS = 5  # how often a cell is told that its time is up before the process ends
AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
PLAIN = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.UnaryOp, ast.BinOp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred),
)


class OutOfTime(BaseException):
    """A cell has used up its time."""


class Magics:
    """What `get_ipython()` returns: code behind ``%time`` is run, programs of the shell are not."""

    def __init__(self, execute: Callable[[str], None]) -> None:
        self._execute = execute

    def run_line_magic(self, name: str, line: str, *_: Any) -> None:
        """Run ``%time statement``; leave out every other magic."""
        if name == "time":
            self._execute(line)

    def run_cell_magic(self, name: str, _: str, body: str) -> None:
        """Run the code behind ``%%time`` and the like; leave out other languages."""
        if name in ("time", "timeit", "capture", "prun"):
            self._execute(body)

    def getoutput(self, *_: Any) -> list[str]:
        """``files = !ls`` finds nothing."""
        return []

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def statements(source: str) -> Iterator[ast.stmt]:
    """Yield what is to be run of a cell, as IPython would read it, imports one by one."""
    for node in ast.parse(TransformerManager().transform_cell(source), "this cell").body:
        if isinstance(node, ast.Import):
            yield from (ast.copy_location(ast.Import([name]), node) for name in node.names)
        else:
            yield node


def defines(node: ast.AST) -> bool:
    """Whether a statement of a chapter is an import, a helper or a constant: no experiment."""
    if isinstance(node, ast.Try | ast.ExceptHandler):
        parts = ast.iter_child_nodes(node)
        return all(defines(part) for part in parts if not isinstance(part, ast.expr))
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return node.value is not None and _is_plain(node.value)
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return isinstance(node, kinds | ast.Pass)


def _is_plain(node: ast.expr) -> bool:
    if isinstance(node, ast.Lambda):
        return True
    inside = (n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr))
    return isinstance(node, PLAIN) and all(map(_is_plain, inside))


class Session:
    """The names that the cells of a hand-in define, the errors of its cells, and what was left out.

    ``left_out`` are the variables of experiments, which take minutes and decide nothing.
    """

    def __init__(self, seconds: float, together: float) -> None:
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        self.names = main.__dict__
        self.errors: dict[int, str] = {}
        self.left_out: set[str] = set()
        self.seconds = seconds
        self._end = time.monotonic() + together
        self._number = 0
        magics = Magics(self._execute)
        self.names |= {"display": lambda *_, **__: None, "get_ipython": lambda: magics}

    def run(self, number: int, cell: Cell) -> None:
        """Run a cell; what it raises is noted and keeps no other cell from being run."""
        self._number = number
        before = set(self.names)
        original = not cell.changed and bool({"chapter", "check"} & set(cell.tags))
        with time_limit(self.seconds, max(5.0, self._end - time.monotonic())):
            try:
                self._execute(cell.source, original=original, every="chapter" in cell.tags)
            except BaseException as error:
                self._note(error)
                if isinstance(error, MemoryError):  # what has filled the memory must not stay
                    for name in set(self.names) - before:
                        del self.names[name]

    def _execute(self, source: str, *, original: bool = False, every: bool = False) -> None:
        """Run statements; an import that fails does not stop them, nor any error with ``every``."""
        for node in statements(source):
            if original and not defines(node):
                self._leave_out(node)
                continue
            code = compile(ast.Module([node], []), f"<cell {self._number}>", "exec", AWAIT)
            try:
                if waits := eval(code, self.names):
                    asyncio.run(waits)
            except Exception as error:
                if original and isinstance(error, NameError):
                    self._leave_out(node)  # it is made of what an experiment has found
                elif every or isinstance(node, ast.Import | ast.ImportFrom):
                    self._note(error)
                else:
                    raise

    def _leave_out(self, node: ast.stmt) -> None:
        named = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        self.left_out |= {n.id for n in named if isinstance(n.ctx, ast.Store)}
        for name in {n.id for n in named}:  # what the experiment was to fill
            value = self.names.get(name)
            if isinstance(value, dict | list | set) and not value:
                self.left_out.add(name)
                del self.names[name]

    def _note(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {said(error)}"
        if isinstance(error, OutOfTime):
            text = "stopped when its time was up"
        if isinstance(error, NameError) and error.name in self.left_out:
            text += f" ({needs_experiment(error.name)})"
        self.errors.setdefault(self._number, plain(text))


def said(error: BaseException) -> str:
    """What an exception says, also where saying it raises."""
    try:
        return str(error)
    except Exception:
        return "no message"


def needs_experiment(name: str) -> str:
    """Say why a name of the chapter is missing."""
    return (
        f"`{name}` is a variable of an experiment in the chapter, and grading runs no experiments: "
        "make what the answer needs in the answer itself or in a cell of your own."
    )


@contextlib.contextmanager
def time_limit(seconds: float, waiting: float) -> Iterator[None]:
    """Raise `OutOfTime` in the block when its time is up, where the system has such clocks.

    ``seconds`` are those of the processor, which a busy machine does not make longer; ``waiting``
    is a limit on the clock, for a block that sleeps. A block that swallows the exception again and
    again ends the process.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return
    left = ATTEMPTS

    def out_of_time(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os._exit(1)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0.5)  # if this was swallowed
        raise OutOfTime

    signal.signal(signal.SIGALRM, out_of_time)
    signal.signal(signal.SIGPROF, out_of_time)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, waiting)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
