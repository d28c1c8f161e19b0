"""The book's meanings: `notation.toml`, and the scope in force at each statement."""

from collections.abc import Iterator

from hwlib.formulas.judge import Context
from hwlib.formulas.notation import Key, Meaning, Scope, declaration, definition
from hwlib.formulas.parse import parse_expression
from tools.equations.extract import Equation
from tools.equations.fingerprint import EVERYWHERE, meaning, read_tables


def contexts(equations: list[Equation]) -> Iterator[Context]:
    """Every statement with its scope; a definition is in force from its own statement on."""
    tables = read_tables()
    uses = {name: part.pop("uses", []) for name, part in tables.items()}
    parts = {name: _for_the_checker(part) for name, part in tables.items()}
    one_example, book = (parts[name] for name in EVERYWHERE)
    finished: dict[str, Scope] = {}
    for equation in equations:
        chapter = equation.chapter
        if chapter not in finished:  # it starts with the book's table and the chapters it uses
            scope = Scope(book, one_example)
            for used in uses.get(chapter, []):
                scope = scope.extended(finished[used].meanings)
            finished[chapter] = scope.declared(parts.get(chapter, {}))
        for statement in equation.statements:
            if defined := definition(statement):
                finished[chapter] = finished[chapter].extended(dict([defined]))
            scope = finished[chapter].declared(parts.get(equation.label, {}))
            yield Context(statement, scope, equation.label, equation.place)


def _for_the_checker(part: dict[str, str]) -> dict[Key, Meaning]:
    """Leave out the words, and what only words are said about: the text defines it."""
    told = {symbol: meaning(row) for symbol, row in part.items()}
    rows = {symbol: said for symbol, said in told.items() if said and said[0] != "["}
    return dict(declaration(symbol, said, parse_expression) for symbol, said in rows.items())
