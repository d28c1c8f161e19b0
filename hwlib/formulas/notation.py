"""What each symbol means.

Meanings come from two sources only: the ``:=`` of the statements before, and a table of symbols
(what is free and in which range, which index counts what, what is an entry of what). A symbol that
neither of them knows is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from hwlib.formulas.tree import Node, NotationError, Statement

DOMAINS = ("real", "positive", "unit", "small", "integer", "function")


class Key(NamedTuple):
    """A name with its number of indices; functions and symbols of one example are kept apart.

    With the indices of an ``entry`` it is the key of that entry.
    """

    name: str
    arity: int = 0
    kind: str = ""  # "", "function" or "one example"
    entry: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name + (f"/{self.arity}" if self.arity else "") + self.kind[:1]


class Free(NamedTuple):
    """Any value of a domain; an array of this shape, if there is one."""

    domain: str
    shape: tuple[str, ...] = ()


class Size(NamedTuple):
    """A number of things; the points take turns with these values."""

    values: tuple[int, ...]


class Index(NamedTuple):
    """A letter that counts from 1 to a size."""

    size: str


class Entry(NamedTuple):
    """An entry of an array."""

    array: str


class Defined(NamedTuple):
    """An expression in the letters of ``parameters`` (indices or arguments)."""

    body: Node
    parameters: tuple[str, ...] = ()


Meaning = Free | Size | Index | Entry | Defined


@dataclass
class Scope:
    """All meanings in force at one equation."""

    meanings: dict[Key, Meaning]
    one_example: dict[Key, Meaning] = field(default_factory=dict)

    def find(self, name: str, arity: int = 0, single: bool = False) -> tuple[Key, Meaning]:
        """The meaning of a symbol; ``single`` where the text speaks of a single example."""
        key = Key(name, arity)
        if single and key in self.one_example:
            return key._replace(kind="one example"), self.one_example[key]
        if key in self.meanings:
            return key, self.meanings[key]
        letters = ",".join("…" * arity)
        shown = f"{name}_{{{letters}}}" if arity else name
        raise NotationError(
            f"unknown symbol {shown}: define it with := before its first use, or declare it."
        )

    def knows(self, name: str, arity: int = 0) -> bool:
        """Is there such a symbol."""
        return Key(name, arity) in self.meanings

    def function(self, name: str) -> Defined | Free:
        """The function of that name."""
        meaning = self.meanings.get(Key(name, kind="function"))
        if not isinstance(meaning, Defined | Free):
            raise NotationError(
                f"{name} is not a function: write a space before the bracket if a product is "
                "meant, or define the function with := before its first use."
            )
        return meaning

    def is_function(self, name: str) -> bool:
        """Is there such a function."""
        return Key(name, kind="function") in self.meanings

    def extended(self, more: dict[Key, Meaning]) -> "Scope":
        """A scope in which ``more`` comes first."""
        return Scope({**self.meanings, **more}, self.one_example)

    def declared(self, more: dict[Key, Meaning]) -> "Scope":
        """A scope with the rows of a table, which hold for a single example as well."""
        kept = {k: m for k, m in self.one_example.items() if k not in more}
        return Scope({**self.meanings, **more}, kept)

    def is_array(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        """Does the name stand for an array, by its own shape or by what it is defined from."""
        meaning = self.meanings.get(Key(name))
        if isinstance(meaning, Defined):
            return self.has_array(meaning.body, seen | {name})
        return isinstance(meaning, Free) and bool(meaning.shape)

    def has_array(self, node: Node, seen: frozenset[str] = frozenset()) -> bool:
        """Does a plain symbol of the expression, none of ``seen``, stand for an array."""
        names = {name for n in node.walk() if n.op == "symbol" and (name := literal(n))}
        of_batch = {name for name in names - seen if Key(name) not in self.one_example}
        return any(self.is_array(name, seen) for name in of_batch)


def literal(node: Node) -> str | None:
    """A name, not an entry: ``z``, and ``W_1`` for the symbol W with the one subscript 1."""
    if len(node.args) == 1 and node.args[0].op == "number":
        return f"{node.name}_{node.args[0].name}"
    return None if node.args else node.name


def definition(statement: Statement) -> tuple[Key, Defined] | None:
    """What a statement with ``:=`` defines: a symbol, an indexed family, or a function."""
    if statement.relations[0] != ":=":
        return None
    left, body = statement.sides[:2]
    if left.op == "call":
        names = [a.name for a in left.args if a.op == "symbol" and not a.args]
        if len(names) == len(left.args) and not left.name.endswith("'"):
            return Key(left.name, kind="function"), Defined(body, tuple(names))
    elif left.op == "symbol":
        if name := literal(left):
            return Key(name), Defined(body)
        if all(a.op == "symbol" and not a.args for a in left.args):
            return Key(left.name, len(left.args)), Defined(body, tuple(a.name for a in left.args))
    raise NotationError("the left side of := is neither a symbol nor a function of symbols.")


def declaration(symbol: str, text: str, read: Callable[[str], Node]) -> tuple[Key, Meaning]:
    """``y_b = "entry of y"``, ``X = "real[B,D]"``, ``b = "index B"``, ``f(x) = ":= x^2"``...

    ``read`` turns the LaTeX of an expression into a tree.
    """
    if symbol.endswith("()"):
        return Key(symbol[:-2], kind="function"), Free(text)
    word, _, rest = text.partition(" ")
    if symbol.endswith(")"):
        function, _, letter = symbol[:-1].rpartition("(")
        return Key(function, kind="function"), Defined(read(rest), (letter,))
    node = read(symbol)
    name = literal(node)
    key = Key(name) if name else Key(node.name, len(node.args))
    if word == ":=":
        return key, Defined(read(rest), tuple(a.name for a in node.args if key.arity))
    if word == "size":
        return key, Size(tuple(int(n) for n in rest.split()))
    if word == "index":
        return key, Index(rest)
    if word == "entry":
        return key, Entry(rest.removeprefix("of "))
    domain, _, shape = text.partition("[")
    if domain not in DOMAINS:
        raise NotationError(f"{symbol}: expected one of {DOMAINS}, got {text!r}.")
    return key, Free(domain, tuple(shape.rstrip("]").split(",")) if shape else ())
