"""LaTeX to a tree: what the reader sees is what is checked; what is not understood is an error.

`parse` builds `Node`s from what `normalise` leaves. Every node knows its span in the normalised
text, so that an error can be planted in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from tools.equations.formulas.normalise import NotationError, normalise

GRAMMAR = Path(__file__).with_name("grammar.lark")


@dataclass(frozen=True)
class Node:
    """An operation, its name where it has one, its operands, and where they stand in the text."""

    op: str
    args: tuple["Node", ...] = ()
    name: str = ""
    span: tuple[int, int] = field(default=(0, 0), compare=False)

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()


@dataclass(frozen=True)
class Statement:
    """``sides[0] relations[0] sides[1] ...``, for points that satisfy the conditions."""

    text: str
    sides: tuple[Node, ...]
    relations: tuple[str, ...]
    conditions: tuple["Statement", ...] = ()


@cache
def _parser() -> Lark:
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        start=["statement", "expr"],
        propagate_positions=True,
        maybe_placeholders=False,
        keep_all_tokens=False,
    )


def _tree(text: str, start: str) -> Tree:
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        where = error.pos_in_stream if error.pos_in_stream is not None else len(text)
        raise NotationError(
            f"cannot read {text[where : where + 20]!r} (after {text[:where][-20:]!r}): not in the "
            "notation that can be read."
        ) from None


def parse(latex: str) -> Statement:
    """Read one statement, such as ``\\ell = \\zeta(z) - y z``.

    Raises
    ------
    NotationError
        If a command or symbol is unknown, or the statement is not complete.
    """
    text = normalise(latex)
    return _statement(text, _tree(text, "statement"))


def parse_expression(latex: str) -> Node:
    """Read one side."""
    return _node(_tree(normalise(latex), "expr"))


def _statement(text: str, tree: Tree) -> Statement:
    sides = [_node(c) for c in tree.children if isinstance(c, Tree) and c.data != "condition"]
    relations = [_relation(c) for c in tree.children if isinstance(c, Token) and _is(c, "RELATION")]
    conditions = [
        _statement(text[c.meta.start_pos : c.meta.end_pos], c)
        for c in tree.children
        if isinstance(c, Tree) and c.data == "condition"
    ]
    return Statement(text, tuple(sides), tuple(relations), tuple(conditions))


def _relation(token: Token) -> str:
    return {r"\geq": r"\ge", r"\leq": r"\le", r"\neq": r"\ne"}.get(str(token), str(token))


def _is(child: object, *types: str) -> bool:
    return isinstance(child, Token) and child.type in types


def _node(tree: Tree) -> Node:
    """Turn a parse tree into a node."""
    span = (tree.meta.start_pos, tree.meta.end_pos)
    rule = str(tree.data)
    trees = [c for c in tree.children if isinstance(c, Tree)]
    if rule in _SPECIAL:
        return _SPECIAL[rule](tree, trees, span)
    return Node(rule, tuple(_node(t) for t in trees), span=span)


Span = tuple[int, int]


def _sum(tree: Tree, trees: list[Tree], span: Span) -> Node:
    signs = ["-" if _is(tree.children[0], "MINUS") else "+"]
    signs += [str(t.children[0]) for t in trees if t.data == "sign"]
    terms = tuple(_node(t) for t in trees if t.data != "sign")
    return terms[0] if signs == ["+"] else Node("sum", terms, "".join(signs), span)


def _product(_tree: Tree, trees: list[Tree], span: Span) -> Node:
    factors: list[Node] = []
    for child in trees:
        node = _node(child)
        factors.extend(node.args if node.op == "product" and child.data == "plain" else [node])
    return factors[0] if len(factors) == 1 else Node("product", tuple(factors), span=span)


def _hadamard(_tree: Tree, trees: list[Tree], span: Span) -> Node:
    nodes = tuple(_node(t) for t in trees)
    return nodes[0] if len(nodes) == 1 else Node("hadamard", nodes, span=span)


def _script(tree: Tree, trees: list[Tree], span: Span) -> Node:
    if trees and trees[0].data in ("name", "accented"):
        return Node("symbol", (), _name(trees[0]), span)
    if trees:
        return _node(trees[0])
    number = str(tree.children[0])
    if len(number) > 1:
        raise NotationError(
            f"put the script {number} in braces: LaTeX raises only its first digit."
        )
    return Node("number", (), number, span)


def _name(tree: Tree) -> str:
    """The canonical name: ``z``, ``\\hat{y}``, ``w^{(2)}``, ``h^{*}``."""
    tokens = [c for c in tree.children if isinstance(c, Token)]
    label = "".join(str(t) for t in tokens if t.type == "LABEL")
    label = "^{*}" if label == "^*" else label
    if tree.data == "accented":
        inner = next(c for c in tree.children if isinstance(c, Tree))
        return f"{tokens[0]}{{{_name(inner)}}}{label}"
    return f"{tokens[0]}{label}"


def _symbol(tree: Tree, trees: list[Tree], span: Span) -> Node:
    name = _name(trees[0])
    if tree.data == "symbol_label_last":
        name += str(tree.children[-1])
    subscripts: tuple[Node, ...] = ()
    if len(trees) > 1:
        inner = [c for c in trees[1].children if isinstance(c, Tree)]
        plain = not inner or inner[0].data in ("name", "accented")
        subscripts = (
            (_script(trees[1], inner, _span(trees[1])),) if plain else tuple(map(_node, inner))
        )
    letters = subscripts[0].args if len(subscripts) == 1 and subscripts[0].op == "product" else ()
    if letters and all(n.op == "symbol" for n in letters):
        raise NotationError(f"put commas between the indices of {name}: x_{{i,j}}, not x_{{ij}}.")
    return Node("symbol", subscripts, name, span)


def _span(tree: Tree) -> Span:
    return tree.meta.start_pos, tree.meta.end_pos


def _power(_tree: Tree, trees: list[Tree], span: Span) -> Node:
    base, exponent = (_node(t) for t in trees)
    if base.op == "symbol" and exponent.op == "group":
        raise NotationError(
            f"{base.name} with a superscript in brackets: a name takes only a number there, as in "
            "w^{(2)}; a power is written without brackets, an index below."
        )
    return Node("power", (base, exponent), span=span)


def _bare(tree: Tree, trees: list[Tree], span: Span) -> Node:
    return Node("builtin", (_node(trees[0]),), str(tree.children[0]), span)


def _call(tree: Tree, trees: list[Tree], span: Span) -> Node:
    arguments = tuple(_node(t) for t in trees[-1].children if isinstance(t, Tree))
    if _is(tree.children[0], "FUNCTION"):
        return Node("builtin", arguments, str(tree.children[0]), span)
    primes = sum(_is(c, "PRIME") for c in tree.children)
    return Node("call", arguments, _name(trees[0]) + "'" * primes, span)


def _number(tree: Tree, _trees: list[Tree], span: Span) -> Node:
    return Node("number", (), str(tree.children[0]), span)


def _big(tree: Tree, trees: list[Tree], span: Span) -> Node:
    """args: first value, last value, body; name: ``\\sum b``."""
    name, *rest = trees
    if str(tree.children[4]) != "=":
        raise NotationError(
            f"write {tree.children[0]}_{{{_name(name)}=...}}, not {tree.children[4]}"
        )
    return Node("big", tuple(_node(t) for t in rest), f"{tree.children[0]} {_name(name)}", span)


def _operator(_tree: Tree, trees: list[Tree], span: Span) -> Node:
    place, function = (_node(t) for t in trees)
    return Node("derivative", (function, place), "operator", span)


def _group(_tree: Tree, trees: list[Tree], span: Span) -> Node:
    return Node("group", (_node(trees[0]),), span=span)


def _cases(_tree: Tree, trees: list[Tree], span: Span) -> Node:
    rows = []
    for case in trees:
        value, condition = (c for c in case.children if isinstance(c, Tree))
        inner = _statement("", condition)
        test = Node("condition", inner.sides, " ".join(inner.relations), _span(condition))
        rows.append(Node("case", (_node(value), test), span=_span(case)))
    return Node("cases", tuple(rows), span=span)


_SPECIAL = {
    "sum": _sum,
    "product": _product,
    "plain": _product,
    "hadamard": _hadamard,
    "script": _script,
    "symbol": _symbol,
    "symbol_label_last": _symbol,
    "power": _power,
    "bare": _bare,
    "call": _call,
    "number": _number,
    "big": _big,
    "operator": _operator,
    "group": _group,
    "cases": _cases,
}
