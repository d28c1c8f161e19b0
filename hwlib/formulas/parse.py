"""LaTeX to a tree: what the reader sees is what is checked; anything unknown is an error.

`parse` builds `Node`s from what `normalise` leaves. Every node knows its span in the normalised
text, so that an error can be planted in it.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError
from lark.tree import Meta

from hwlib.formulas.normalise import NotationError, normalise
from hwlib.formulas.tree import Node, Statement

GRAMMAR = Path(__file__).with_name("grammar.lark")
SPELLINGS = {r"\geq": r"\ge", r"\leq": r"\le", r"\neq": r"\ne", "^*": "^{*}"}


def parse(latex: str) -> Statement:
    """Read one statement, such as ``\\ell = \\zeta(z) - y z``; anything unknown is an error."""
    return _read(normalise(latex), "statement")


def parse_expression(latex: str) -> Node:
    """Read one side."""
    return _read(normalise(latex), "expr")


@cache
def _parser() -> Lark:
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        start=["statement", "expr"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


def _read(text: str, start: str) -> Any:
    try:
        return _Builder(text).transform(_parser().parse(text, start=start))
    except UnexpectedInput as error:
        where = error.pos_in_stream if error.pos_in_stream is not None else len(text)
        raise NotationError(
            f"cannot read {text[where : where + 20]!r} (after {text[:where][-20:]!r}): not in the "
            "notation that can be read."
        ) from None
    except VisitError as error:
        raise error.orig_exc from None


Children = list[Any]  # of a rule: tokens, and what was made of the rules in it


def _texts(children: Children, *types: str) -> list[str]:
    texts = [str(c) for c in children if isinstance(c, Token) and c.type in types]
    return [SPELLINGS.get(text, text) for text in texts]


def _node(op: str, children: Children, meta: Meta, name: str = "") -> Node:
    nodes = tuple(c for c in children if isinstance(c, Node))
    return Node(op, nodes, name, (meta.start_pos, meta.end_pos))


@v_args(meta=True)
class _Builder(Transformer):
    """Makes a node of each rule; a method where it is more than the rule's name and operands."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __default__(self, rule: str, children: Children, meta: Meta) -> Node:
        return _node(str(rule), children, meta)

    def statement(self, meta: Meta, children: Children) -> Statement:
        conditions = tuple(c for c in children if isinstance(c, Statement))
        relations = tuple(_texts(children, "RELATION"))
        text = self.text[meta.start_pos : meta.end_pos]
        return Statement(text, _node("", children, meta).args, relations, conditions)

    condition = statement

    def case(self, meta: Meta, children: Children) -> Node:
        tests = [c.test for c in children if isinstance(c, Statement)]
        return _node("case", [children[0], *tests], meta)

    def sum(self, meta: Meta, children: Children) -> Node:
        node = _node("sum", children, meta)
        signs = "".join(_texts(children, "PLUS", "MINUS")).rjust(len(node.args), "+")
        return node.args[0] if signs == "+" else replace(node, name=signs)

    def product(self, meta: Meta, children: Children) -> Node:
        node = _node("product", children, meta)
        nested = [n.args if n.op == "product" else (n,) for n in node.args]
        factors = tuple(factor for factors in nested for factor in factors)
        return factors[0] if len(factors) == 1 else replace(node, args=factors)

    plain = product

    def name(self, meta: Meta, children: Children) -> Node:
        """The canonical name: ``z``, ``w^{(2)}``, ``h^{*}``."""
        return _node("symbol", [], meta, "".join(_texts(children, "LETTER", "GREEK", "LABEL")))

    def accented(self, meta: Meta, children: Children) -> Node:
        r"""``\hat{y}``, ``\bar{h}^{*}``."""
        [accent], label = _texts(children, "ACCENT"), "".join(_texts(children, "LABEL"))
        [inner] = _node("", children, meta).args
        return _node("symbol", [], meta, f"{accent}{{{inner.name}}}{label}")

    def symbol(self, meta: Meta, children: Children) -> Node:
        symbol, *below = _node("", children, meta).args
        name = symbol.name + "".join(_texts(children, "LABEL"))
        subscripts = below[0].args if below else ()
        letters = subscripts[0].args if [n.op for n in subscripts] == ["product"] else ()
        if letters and all(n.op == "symbol" for n in letters):
            raise NotationError(
                f"put commas between the indices of {name}: x_{{i,j}}, not x_{{ij}}."
            )
        return _node("symbol", list(subscripts), meta, name)

    def script(self, meta: Meta, children: Children) -> Node:
        return _node("", children, meta).args[0]

    def number(self, meta: Meta, children: Children) -> Node:
        return _node("number", [], meta, str(children[0]))

    def digit(self, meta: Meta, children: Children) -> Node:
        if len(children[0]) > 1:
            raise NotationError(
                f"put the script {children[0]} in braces: LaTeX raises only its first digit."
            )
        return self.number(meta, children)

    def power(self, meta: Meta, children: Children) -> Node:
        node = _node("power", children, meta)
        if node.args[0].op == "symbol" and node.args[1].op == "group":
            raise NotationError(
                f"{node.args[0].name} with a superscript in brackets: a name takes only a number "
                "there, as in w^{(2)}; a power is written without brackets, an index below."
            )
        return node

    def builtin(self, meta: Meta, children: Children) -> Node:
        [function], [operand] = _texts(children, "FUNCTION"), _node("", children, meta).args
        arguments = operand.args if operand.op == "arguments" else (operand,)
        return _node("builtin", list(arguments), meta, function)

    def call(self, meta: Meta, children: Children) -> Node:
        function, arguments = _node("", children, meta).args
        name = "".join([function.name, *_texts(children, "PRIME")])
        return _node("call", list(arguments.args), meta, name)

    def big(self, meta: Meta, children: Children) -> Node:
        """args: first value, last value, body; name: ``\\sum b``."""
        letter, *rest = _node("", children, meta).args
        [command], [relation] = _texts(children, "BIG"), _texts(children, "RELATION")
        if relation != "=":
            raise NotationError(f"write {command}_{{{letter.name}=...}}, not {relation}")
        return _node("big", rest, meta, f"{command} {letter.name}")

    def operator(self, meta: Meta, children: Children) -> Node:
        place, function = _node("", children, meta).args
        return _node("derivative", [function, place], meta, "operator")
