"""Which displayed equations are compared with nothing but themselves."""

from collections.abc import Iterable, Iterator

from implementations import ADAPTERS
from planted import reach

from hwlib.formulas.judge import Context
from hwlib.formulas.notation import Defined, definition
from hwlib.formulas.tree import Node


def unbound(book: Iterable[Context]) -> Iterator[str]:
    """Statements that could be exchanged for other true ones, and no one would notice.

    A statement is bound if an adapter compares its equation. A definition is bound, too, if such an
    equation uses it; an assertion, if one of its sides is nothing but a name, or a derivative of a
    name, that a definition gives a value to: then it says something about that.
    """
    contexts = [c for c in book if not c.label.startswith("eq-wrong-")]
    compared = {
        id(meaning)
        for context in contexts
        if context.label in ADAPTERS
        for meaning in _meanings(context, list(context.statement.sides))
    }
    for context in contexts:
        defined = definition(context.statement)
        if defined:
            bound = id(context.scope.meanings[defined[0]]) in compared
        else:
            bound = any(_names_a_value(context, side) for side in context.statement.sides)
        if not bound and context.label not in ADAPTERS:
            yield f"{context.place}: {context.statement.text}"


def _meanings(context: Context, nodes: list[Node]) -> Iterator[object]:
    keys = reach(context.scope, nodes)
    for table in (context.scope.meanings, context.scope.one_example):
        yield from (table[key] for key in keys if key in table)


def _names_a_value(context: Context, side: Node) -> bool:
    """Is a side a name as it was defined: with bare letters as arguments and indices."""
    return _bare(side) and any(isinstance(m, Defined) for m in _meanings(context, [side]))


def _bare(node: Node) -> bool:
    if node.op == "derivative":
        return all(map(_bare, node.args))
    plain = all(arg.op in ("symbol", "number") and not arg.args for arg in node.args)
    return node.op in ("symbol", "call") and plain
