"""The value of a tree at a point: its symbols are drawn or calculated, and combined."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import count
from typing import ClassVar, Self

import numpy as np

from hwlib.formulas import arrays
from hwlib.formulas.algebra import Algebra, OutOfDomainError, draw
from hwlib.formulas.arrays import ShapeError, Value, add, entrywise, multiply, scalar, shape
from hwlib.formulas.notation import Defined, Entry, Free, Index, Key, Scope, Size, literal
from hwlib.formulas.tree import Node, NotationError

# Functions that are not written as a name and arguments.
NOTATIONS = {"pi": r"\pi", "exponential": r"\exp", "root": r"\sqrt", "absolute": r"\abs"}
LONGEST_SUM = 1000

Bound = dict[str, Value]  # the values of arguments and running indices


@dataclass
class Evaluator:
    """Evaluates trees at one point: a method ``_op`` for each operation of `Node`.

    The number of the point determines every free value: sizes take turns by it, the rest is drawn.
    ``single`` is set where a statement is about a single example. ``budget`` has an item for each
    operation that may be spent.
    """

    scope: Scope
    algebra: Algebra
    point: int
    single: bool = False
    given: dict[Key, Value] = field(default_factory=dict)
    budget: Iterator[int] = field(default_factory=count)
    drawn: dict[Key, Value] = field(default_factory=dict)
    known: dict[Key, Value] = field(default_factory=dict)  # from what is drawn and given

    no_case: ClassVar[type[Exception]] = NotationError  # raised where none of the cases applies

    def with_given(self, key: Key, value: Value) -> Self:
        """The same point, except that one symbol has another value."""
        return replace(self, given={**self.given, key: value}, known={})

    def value(self, node: Node, bound: Bound | None = None) -> Value:
        """The value of ``node``."""
        if next(self.budget, None) is None:
            raise NotationError("it takes too long to compute: write a shorter formula")
        try:
            return getattr(self, "_" + node.op)(node, bound or {})
        except RecursionError:
            raise NotationError("nested too deeply, or a definition leads back to itself") from None

    def integer(self, node: Node, bound: Bound) -> int:
        """The value of an index or a bound of a sum."""
        value = self.value(node, bound)
        if shape(value) or value != int(value):
            raise NotationError(f"expected a whole number as an index, got {value}.")
        return int(value)

    def _symbol(self, node: Node, bound: Bound) -> Value:
        name = literal(node)
        if name and name in bound:
            return bound[name]
        if name and (not node.args or self.scope.knows(name)):
            return self.named(name)
        return self.entry(node.name, tuple(self.integer(a, bound) for a in node.args))

    # --- Symbols

    def named(self, name: str, single: bool | None = None) -> Value:
        """The value of a symbol without indices."""
        key, meaning = self.scope.find(name, 0, self.single if single is None else single)
        if key in self.given:
            return self.given[key]
        if isinstance(meaning, Defined):
            if key not in self.known:
                self.known[key] = self.value(meaning.body)
            return self.known[key]
        if key not in self.drawn:
            self.drawn[key] = self._draw(key, meaning)
        return self.drawn[key]

    def _draw(self, key: Key, meaning: object) -> Value:
        if isinstance(meaning, Size):
            size = meaning.values[self.point % len(meaning.values)]
            return self.algebra.number(str(size))
        if isinstance(meaning, Index):
            size = int(self.named(meaning.size))
            share = draw(f"index {key}", "unit", self.point)
            return self.algebra.number(str(1 + int((share - 0.05) / 0.9 * size)))
        assert isinstance(meaning, Free)
        lengths = tuple(int(s) if s.isdigit() else int(self.named(s)) for s in meaning.shape)
        if not lengths:
            return self._leaf(str(key), meaning)
        array = np.empty(lengths, dtype=object)
        for index in np.ndindex(lengths):
            array[index] = self._leaf(f"{key}{list(index)}", meaning)
        return array

    def _leaf(self, name: str, meaning: Free) -> Value:
        return self.algebra.leaf(name, meaning.domain, self.point)

    def entry(self, name: str, index: tuple[int, ...]) -> Value:
        """The value of a symbol with indices, counted from 1."""
        key, meaning = self.scope.find(name, len(index))
        place = key._replace(entry=index)
        if place in self.given:
            return self.given[place]
        if isinstance(meaning, Entry):
            array = self.named(meaning.array, single=False)
            return array[arrays.position(meaning.array, array, index)]
        if place not in self.known:
            self.known[place] = self._new_entry(place, meaning)
        return self.known[place]

    def _new_entry(self, key: Key, meaning: object) -> Value:
        index = key.entry
        if isinstance(meaning, Free):
            return self._leaf(f"{key}{list(index)}", meaning)
        first = f"{key.name}_{index[0]}"  # where a recursion starts, such as u_0
        if key.arity == 1 and self.scope.knows(first):
            return self.named(first)
        if key.arity == 1 and index[0] < 0:
            raise NotationError(f"{key.name} is defined by itself, and has no first value.")
        if not isinstance(meaning, Defined):
            raise NotationError(f"{key.name} has no entries.")
        numbers = {
            p: self.algebra.number(str(i)) for p, i in zip(meaning.parameters, index, strict=True)
        }
        return self.value(meaning.body, numbers)

    # --- Arithmetic

    def _number(self, node: Node, _bound: Bound) -> Value:
        return self.algebra.number(node.name)

    def _sum(self, node: Node, bound: Bound) -> Value:
        values = [self.value(a, bound) for a in node.args]
        signed = (-v if sign == "-" else v for sign, v in zip(node.name, values, strict=True))
        return reduce(add, signed)

    def _product(self, node: Node, bound: Bound) -> Value:
        return reduce(multiply, (self.value(a, bound) for a in node.args))

    _group = _product

    def _star(self, node: Node, bound: Bound) -> Value:
        values = [self.value(a, bound) for a in node.args]
        if all(map(shape, values)):
            raise NotationError(
                "* between arrays can be two products: write A B, or A \\odot B entry by entry"
            )
        return multiply(*values)

    def _hadamard(self, node: Node, bound: Bound) -> Value:
        return reduce(arrays.hadamard, (self.value(a, bound) for a in node.args))

    def _fraction(self, node: Node, bound: Bound) -> Value:
        below, above = (self.value(a, bound) for a in reversed(node.args))
        if shape(below):
            raise NotationError("an array in a denominator: use the functions of the task")
        return entrywise(lambda a: self.algebra.divide(a, below), above)

    _slash = _fraction

    def _power(self, node: Node, bound: Bound) -> Value:
        base = self.value(node.args[0], bound)
        if shape(base):
            raise NotationError("a power of an array: write A \\odot A for its entries' squares")
        return self.algebra.power(base, scalar(self.value(node.args[1], bound), "an exponent"))

    def _transpose(self, node: Node, bound: Bound) -> Value:
        value = self.value(node.args[0], bound)
        if not shape(value):
            raise ShapeError("expected an array to transpose, got a number.")
        return value.T

    def _entry(self, node: Node, bound: Bound) -> Value:
        array = self.value(node.args[0], bound)
        index = tuple(self.integer(a, bound) for a in node.args[1:])
        return array[arrays.position("the array", array, index)]

    def _norm(self, node: Node, bound: Bound) -> Value:
        value = np.ravel(self.value(node.args[0], bound))
        return self.algebra.functions[r"\sqrt"](sum(v * v for v in value))

    def _builtin(self, node: Node, bound: Bound) -> Value:
        values = [self.value(a, bound) for a in node.args]
        if len(values) > 1 and node.name not in (r"\max", r"\min"):
            raise NotationError(f"{node.name} takes one argument, got {len(values)}.")
        return entrywise(self.algebra.functions[node.name or NOTATIONS[node.op]], *values)

    _pi = _exponential = _root = _absolute = _builtin

    def _cases(self, node: Node, bound: Bound) -> Value:
        for case in node.args:
            value, test = case.args
            if self.holds(test, bound):
                return self.value(value, bound)
        raise self.no_case("none of the cases applies")

    def holds(self, test: Node, bound: Bound) -> bool:
        """Is a condition, which may be a chain, true."""
        values = [self.value(a, bound) for a in test.args]
        if any(map(shape, values)):
            raise NotationError("a condition of an array: write it for numbers")
        pairs = zip(values, test.name.split(), values[1:], strict=False)
        return all(self.algebra.holds(relation, a, b) for a, relation, b in pairs)

    # --- Sums over indices, functions and derivatives

    def _big(self, node: Node, bound: Bound) -> Value:
        command, letter = node.name.split(" ")
        first, last = (self.integer(a, bound) for a in node.args[:2])
        if last - first > LONGEST_SUM:
            raise OutOfDomainError("a sum of very many terms")
        numbers = [self.algebra.number(str(i)) for i in range(first, last + 1)]
        values = [self.value(node.args[2], {**bound, letter: number}) for number in numbers]
        if command in (r"\max", r"\min"):
            if not values:
                raise OutOfDomainError(f"{command} of no number")
            return self.algebra.functions[command]([scalar(v, "a term") for v in values])
        start, combine = ("0", add) if command == r"\sum" else ("1", multiply)
        return reduce(combine, values, self.algebra.number(start))

    def _call(self, node: Node, bound: Bound) -> Value:
        """The value of a function of the book, or of its derivative, entry by entry."""
        name = node.name.rstrip("'")
        primes = len(node.name) - len(name)
        arguments = [self.value(a, bound) for a in node.args]
        meaning = self.scope.function(name)
        key = Key(name, kind="function")
        if key in self.given:
            return self.given[key](*arguments)
        if isinstance(meaning, Free):
            return self._any_function(key, *arguments)
        if len(arguments) != len(meaning.parameters):
            raise NotationError(f"{name} takes {len(meaning.parameters)} arguments.")
        if primes > 1:
            raise NotationError("only first derivatives can be taken.")

        def function(*values: Value) -> Value:
            return self.value(meaning.body, dict(zip(meaning.parameters, values, strict=True)))

        if primes:
            return entrywise(lambda x: self.algebra.derivative(function, x), *arguments)
        whole = any(n.op in ("norm", "transpose") for n in meaning.body.walk())
        return function(*arguments) if whole else entrywise(function, *arguments)

    def _any_function(self, key: Key, x: Value) -> Value:
        """Some smooth function, for a statement about all of them."""
        a, b = (self._leaf(f"{key} {i}", Free("unit")) for i in "ab")
        return self.algebra.functions[r"\sin"](a * x + b) + b * x * x

    def _derivative(self, node: Node, bound: Bound) -> Value:
        function, symbol = node.args
        if function.op == "symbol" and not function.args and self.scope.is_function(function.name):
            meaning = self.scope.function(function.name)
            assert isinstance(meaning, Defined)
            function = meaning.body
        at, changed = self._variable(function, symbol, bound)
        if not shape(at):
            return self.algebra.derivative(changed, at)
        result = np.empty(at.shape, dtype=object)
        for position in np.ndindex(at.shape):

            def one_entry(x: Value, position: tuple[int, ...] = position) -> Value:
                return changed(arrays.replaced(at, position, x))

            slope = self.algebra.derivative(one_entry, at[position])
            result[position] = scalar(slope, "what is differentiated by an array")
        return result

    def _variable(
        self, function: Node, symbol: Node, bound: Bound
    ) -> tuple[Value, Callable[[Value], Value]]:
        """The value of what a derivative is taken by, and the function at any other value of it."""

        def given(key: Key, value: Value) -> Value:
            return self.with_given(key, value).value(function, bound)

        name = literal(symbol)
        if name and name in bound:
            return bound[name], lambda x: self.value(function, {**bound, name: x})
        if name and (not symbol.args or self.scope.knows(name)):
            return self.named(name), partial(given, self.scope.find(name, 0, self.single)[0])
        index = tuple(self.integer(a, bound) for a in symbol.args)
        key, meaning = self.scope.find(symbol.name, len(index))
        if not isinstance(meaning, Entry):
            return self.entry(symbol.name, index), partial(given, key._replace(entry=index))
        array = self.named(meaning.array, single=False)
        place = arrays.position(meaning.array, array, index)
        whole, _ = self.scope.find(meaning.array)
        return array[place], lambda x: given(whole, arrays.replaced(array, place, x))
