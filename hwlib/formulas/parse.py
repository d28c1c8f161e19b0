"""LaTeX to a tree: what the reader sees is what is checked; anything unknown is an error.

`parse` builds `Node`s from what `normalise` leaves. Every node knows its span in the normalised
text, so that an error can be planted in it.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError
from lark.tree import Meta

from hwlib.formulas.normalise import normalise
from hwlib.formulas.tree import Node, NotationError, Statement

SPELLINGS = {r"\geq": r"\ge", r"\leq": r"\le", r"\neq": r"\ne", "^*": "^{*}"}


@lru_cache(maxsize=1000)
def parse(latex: str) -> Statement:
    """Read one statement, such as ``\\ell = \\zeta(z) - y z``; anything unknown is an error."""
    text = normalise(latex)
    return replace(_read(text, "statement"), text=text)


def parse_expression(latex: str) -> Node:
    """Read one side."""
    return _read(normalise(latex), "expr")


@cache
def _parser() -> Lark:
    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        start=["statement", "expr"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


def _read(text: str, start: str) -> Any:
    try:
        return _Builder().transform(_parser().parse(text, start=start))
    except UnexpectedInput as error:
        where = error.pos_in_stream if error.pos_in_stream is not None else len(text)
        raise NotationError(
            f"cannot read {text[where : where + 20]!r} (after {text[:where][-20:]!r}): not in the "
            "notation that can be read."
        ) from None
    except VisitError as error:
        raise error.orig_exc from None


def _node(op: str, args: Iterable[Node], meta: Meta, name: str = "") -> Node:
    return Node(op, tuple(args), name, (meta.start_pos, meta.end_pos))


@v_args(meta=True, inline=True)
class _Builder(Transformer):
    """Makes a node of each rule; a method where it is more than the rule's name and operands."""

    def __default__(self, rule: str, children: list[Node], meta: Meta) -> Node:
        return _node(str(rule), children, meta)

    def __default_token__(self, token: Token) -> str:
        return SPELLINGS.get(token, str(token))

    def statement(self, _meta: Meta, *children: Any) -> Statement:
        conditions = tuple(c for c in children if getattr(c, "op", "") == "condition")
        chain = children[: len(children) - len(conditions)]
        return Statement("", chain[::2], chain[1::2], conditions)

    def condition(self, meta: Meta, *chain: Any) -> Node:
        return _node("condition", chain[::2], meta, " ".join(chain[1::2]))

    def sum(self, meta: Meta, *children: Node | str) -> Node:
        terms = [c for c in children if isinstance(c, Node)]
        signs = "".join(c for c in children if isinstance(c, str)).rjust(len(terms), "+")
        return terms[0] if signs == "+" else _node("sum", terms, meta, signs)

    def product(self, meta: Meta, *children: Node) -> Node:
        factors = [f for n in children for f in (n.args if n.op == "product" else (n,))]
        return factors[0] if len(factors) == 1 else _node("product", factors, meta)

    plain = product

    def name(self, meta: Meta, *parts: str | Node) -> Node:
        r"""The canonical name: ``z``, ``w^{(2)}``, ``h^{*}``, ``\hat{y}``, ``\bar{h}^{*}``."""
        names = (part.name if isinstance(part, Node) else part for part in parts)
        return _node("symbol", (), meta, "".join(names))

    def symbol(self, meta: Meta, name: Node, below: Node | None = None, label: str = "") -> Node:
        subscripts = below.args if below else ()
        letters = subscripts[0].args if [n.op for n in subscripts] == ["product"] else ()
        if letters and all(n.op == "symbol" for n in letters):
            raise NotationError(
                f"put commas between the indices of {name.name}{label}: x_{{i,j}}, not x_{{ij}}."
            )
        return _node("symbol", subscripts, meta, name.name + label)

    def number(self, meta: Meta, digits: str) -> Node:
        return _node("number", (), meta, digits)

    def digit(self, meta: Meta, digits: str) -> Node:
        if len(digits) > 1:
            raise NotationError(
                f"put the script {digits} in braces: LaTeX raises only its first digit."
            )
        return self.number(meta, digits)

    def power(self, meta: Meta, base: Node, exponent: Node) -> Node:
        if base.op == "symbol" and exponent.op == "group":
            raise NotationError(
                f"{base.name} with a superscript in brackets: a name takes only a number "
                "there, as in w^{(2)}; a power is written without brackets, an index below."
            )
        return _node("power", (base, exponent), meta)

    def builtin(self, meta: Meta, function: str, operand: Node) -> Node:
        arguments = operand.args if operand.op == "arguments" else (operand,)
        return _node("builtin", arguments, meta, function)

    def call(self, meta: Meta, function: Node, *children: Any) -> Node:
        *primes, arguments = children
        return _node("call", arguments.args, meta, "".join([function.name, *primes]))

    def big(self, meta: Meta, command: str, letter: Node, sign: str, *operands: Node) -> Node:
        """args: first value, last value, body; name: ``\\sum b``."""
        if sign != "=":
            raise NotationError(f"write {command}_{{{letter.name}=...}}, not {sign}")
        return _node("big", operands, meta, f"{command} {letter.name}")

    def operator(self, meta: Meta, place: Node, function: Node) -> Node:
        return _node("derivative", (function, place), meta)
