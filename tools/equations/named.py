"""Which functions of the package say that they implement a numbered equation."""

import ast
import re
from pathlib import Path

NAMED = re.compile(r"^\s*Equation:\s*(eq-[\w-]+)", re.MULTILINE)


def named_in(package: Path) -> dict[str, list[str]]:
    """Return for each label of an equation the functions that name it, such as losses.sigmoid."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for label in NAMED.findall(ast.get_docstring(node) or ""):
                    found.setdefault(label, []).append(f"{path.stem}.{node.name}")
    return found
