"""Evaluate displayed equations for given values of their symbols."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.judge import NUMERIC, Context
from hwlib.formulas.notation import Key, definition
from hwlib.formulas.tree import Node

Statements = Mapping[str, list[Context]]


class Reader:
    """Evaluates displayed equations for given values of their symbols."""

    def __init__(self, statements: Statements, seed: int = 0) -> None:
        self.statements = statements
        self.rng = np.random.default_rng(seed)

    def sides(self, label: str, number: int = 0, /, **given: Any) -> list[Any]:
        """All sides of one statement, in float64; a definition has one value, and so one side."""
        context = self.statements[label][number]
        relations = context.statement.relations
        first = 1 if relations[0] in (":=", r"\leftarrow") else 0
        return self._values(context, context.statement.sides[first:], given)

    def inner(self, label: str, side: int, op: str, /, **given: Any) -> list[Any]:
        """What stands inside of one side: every operation of a kind, such as each sum."""
        context = self.statements[label][0]
        nodes = [n for n in context.statement.sides[side].walk() if n.op == op]
        return self._values(context, nodes, given)

    def _values(self, context: Context, nodes: Iterable[Node], given: dict[str, Any]) -> list[Any]:
        evaluator = self._evaluator(context, given)
        defined = definition(context.statement)
        parameters = defined[1].parameters if defined else ()
        bound = {name: _exact(given[name]) for name in parameters}
        return [_floats(evaluator.value(node, bound)) for node in nodes]

    def _evaluator(self, context: Context, given: Mapping[str, Any]) -> Evaluator:
        single = context.single
        places: dict[Key, Any] = {}
        for name, value in given.items():
            if callable(value):
                places[Key(name, kind="function")] = value
            elif name.endswith("_"):  # one value for each index
                for index in np.ndindex(np.shape(value)):
                    key = Key(name[:-1], len(index), entry=tuple(i + 1 for i in index))
                    places[key] = _exact(value[index])
            elif context.scope.knows(name) or Key(name) in context.scope.one_example:
                alone = single and not np.shape(value)
                places[context.scope.find(name, 0, alone)[0]] = _exact(value)
        return Evaluator(context.scope, NUMERIC, 0, single, places)


def _exact(value: Any) -> Any:
    if callable(value):
        return value
    if np.ndim(value) == 0:
        return NUMERIC.context.mpf(float(value))
    return np.frompyfunc(lambda x: NUMERIC.context.mpf(float(x)), 1, 1)(np.asarray(value))


def _floats(value: Any) -> Any:
    return np.asarray(value, dtype=object).astype(float)
