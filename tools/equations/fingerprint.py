"""What the website needs of the equations, without the checker: nothing here parses a formula.

What a verdict on an equation rests on becomes a few characters: if it changes, they do.
An equation means what its own text says, with the definitions before it and the table of symbols.
"""

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hwlib.formulas.normalise import split_statements

TABLES = Path(__file__).with_name("notation.toml")
STORED = Path(__file__).parents[2] / "book" / "data" / "verdicts.json"
NAMED = re.compile(r"^\s*Equation:\s*(eq-[\w-]+)", re.MULTILINE)
EVERYWHERE = ("one-example", "book")


class Written(NamedTuple):
    """One display equation as it is written."""

    chapter: str
    label: str
    latex: str


def read_tables() -> dict[str, dict[str, Any]]:
    """Return `notation.toml` as it is written, by the names of its tables."""
    return tomllib.loads(TABLES.read_text(encoding="utf-8"))


def visible(chapter: str, tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the chapters whose meanings are in force in ``chapter``: those it uses, and itself."""
    found: list[str] = []
    for used in tables.get(chapter, {}).get("uses", []):
        found += [name for name in visible(used, tables) if name not in found]
    return [*found, chapter]


def meaning(row: str) -> str:
    """Return what a row of the table tells the checker, without the words for readers."""
    return row.partition(";")[0].strip()


def defined(equations: Iterable[Written]) -> Iterator[tuple[str, str, str]]:
    """Yield chapter, left side and label of each := in reading order."""
    for chapter, label, latex in equations:
        for statement in split_statements(latex):
            left, sign, _ = statement.partition(":=")
            if sign:
                yield chapter, left.strip(), label


def fingerprints(
    equations: Iterable[Written], tables: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return a digest for each label; the equations come in reading order."""
    found: dict[str, str] = {}
    definitions: dict[str, list[str]] = {}
    for chapter, label, latex in equations:
        text = re.sub(r"\s+", " ", latex).strip()
        in_force = visible(chapter, tables)
        if ":=" in text:
            definitions.setdefault(chapter, []).append(text)
        rows = {
            name: {k: meaning(v) for k, v in tables.get(name, {}).items() if k != "uses"}
            for name in (*EVERYWHERE, *in_force, label)
        }
        before = [definitions.get(name, []) for name in in_force]
        whole = json.dumps([label, text, before, rows], sort_keys=True)
        found[label] = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return found


def named_in(package: Path) -> dict[str, list[str]]:
    """Return for each label of an equation the functions that name it, such as losses.sigmoid."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for label in NAMED.findall(ast.get_docstring(node) or ""):
                    found.setdefault(label, []).append(f"{path.stem}.{node.name}")
    return found
