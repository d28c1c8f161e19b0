"""Which code made a result: a digest of what a function can reach."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec, resolve_name


def code_digest(run: Callable[..., object]) -> str:
    """Twelve hexadecimal digits that change with the code that ``run`` can reach.

    That is its own module and what this imports, directly or not, of the same package and of
    `hwlib`. Comments, docstrings and layout do not count.
    """
    return _module_digest(run.__module__)


@cache
def _module_digest(name: str) -> str:
    packages = {__name__.partition(".")[0], name.partition(".")[0]}
    found: dict[str, str] = {}
    to_read = [name]
    while to_read:
        module = to_read.pop()
        if module in found or module.partition(".")[0] not in packages:
            continue
        if source := _source(module):
            tree = ast.parse(source)
            to_read.extend(_imports(tree, module))
            found[module] = _without_docstrings(tree)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]


def _source(module: str) -> str | None:
    try:
        spec = find_spec(module)
    except (ModuleNotFoundError, ValueError):  # not a module but a name in one; or __main__
        return None
    get_source = getattr(spec and spec.loader, "get_source", None)
    return get_source(module) if get_source else None


def _imports(tree: ast.AST, module: str) -> Iterator[str]:
    """Names that may be modules; imports within functions are among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = resolve_name("." * node.level + (node.module or ""), module.rpartition(".")[0])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() if ast.get_docstring(node):
                del node.body[0]
    return ast.unparse(tree)
