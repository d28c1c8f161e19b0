"""The book's meanings: `notation.toml`, and the scope in force at each statement."""

from collections.abc import Iterator
from pathlib import Path

from hwlib.formulas.judge import Context
from hwlib.formulas.notation import Key, Meaning, Scope, definition, table
from hwlib.formulas.parse import parse_expression
from tools.equations.extract import Equation
from tools.equations.fingerprint import EVERYWHERE, TABLES, meaning, read_tables


class Tables:
    """`notation.toml`, read."""

    def __init__(self, path: Path = TABLES) -> None:
        raw = read_tables(path)
        self.uses = {name: part.pop("uses", []) for name, part in raw.items()}
        self.parts = {name: _for_the_checker(part) for name, part in raw.items()}
        self.one_example, self.book = (self.parts[name] for name in EVERYWHERE)

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


def _for_the_checker(part: dict[str, str]) -> dict[Key, Meaning]:
    """Leave out the words, and what only words are said about: the text defines it."""
    told = {symbol: meaning(row) for symbol, row in part.items()}
    rows = {symbol: said for symbol, said in told.items() if said and said[0] != "["}
    return table(rows, parse_expression)


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
