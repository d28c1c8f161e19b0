"""The book's meanings: `notation.toml`, and the scope in force at each statement."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from hwlib.formulas.judge import Context
from hwlib.formulas.notation import Scope, definition, table
from hwlib.formulas.parse import parse_expression
from tools.equations.extract import Equation

TABLES = Path(__file__).with_name("notation.toml")


class Tables:
    """`notation.toml`, read."""

    def __init__(self, path: Path = TABLES) -> None:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        self.one_example = table(raw.pop("one-example"), parse_expression)
        self.book = table(raw.pop("book"), parse_expression)
        self.uses = {name: part.pop("uses", []) for name, part in raw.items()}
        self.parts = {name: table(part, parse_expression) for name, part in raw.items()}

    def start(self, chapter: str, finished: dict[str, Scope]) -> Scope:
        """The scope at the beginning of a chapter: the book's table and what the chapter uses."""
        scope = Scope(dict(self.book), dict(self.one_example))
        for used in self.uses.get(chapter, []):
            scope.meanings.update(finished[used].meanings)
        return scope.declared(self.parts.get(chapter, {}))

    def at(self, scope: Scope, equation: Equation) -> Scope:
        """The scope of one equation."""
        more = self.parts.get(equation.label, {})
        return scope.declared(more) if more else scope


def contexts(equations: list[Equation], tables: Tables) -> Iterator[Context]:
    """Every statement with its scope; a definition is in force from its own statement on."""
    finished: dict[str, Scope] = {}
    for equation in equations:
        if equation.chapter not in finished:
            finished[equation.chapter] = tables.start(equation.chapter, finished)
        scope = finished[equation.chapter]
        for statement in equation.statements:
            if defined := definition(statement):
                scope = scope.extended(dict([defined]))
            yield Context(statement, tables.at(scope, equation), equation.label, equation.place)
        finished[equation.chapter] = scope
