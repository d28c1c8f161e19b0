"""The value of a tree at a point: its symbols are drawn or calculated, and combined."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import count

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

    no_case: type[Exception] = NotationError  # raised where none of the cases applies

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

    # --- Symbols

    def _symbol(self, node: Node, bound: Bound) -> Value:
        name = literal(node)
        return bound[name] if name in bound else self.named(*self._name(node, bound))

    def _name(self, node: Node, bound: Bound) -> tuple[str, tuple[int, ...]]:
        """The name by which the scope knows a symbol, and its indices."""
        name = literal(node)
        if name and (not node.args or self.scope.knows(name)):
            return name, ()
        return node.name, tuple(self.integer(a, bound) for a in node.args)

    def named(self, name: str, index: tuple[int, ...] = (), single: bool | None = None) -> Value:
        """The value of a symbol, or of its entry with these indices, counted from 1."""
        single = self.single if single is None else single
        key, meaning = self.scope.find(name, len(index), single)
        key = key._replace(entry=index)
        if key in self.given:
            return self.given[key]
        if isinstance(meaning, Entry):
            array = self.named(meaning.array, single=False)
            return array[arrays.position(meaning.array, array, index)]
        values = self.known if index or isinstance(meaning, Defined) else self.drawn
        if key not in values:
            values[key] = self._new(key, meaning)
        return values[key]

    def _new(self, key: Key, meaning: Free | Size | Index | Defined) -> Value:
        """A value that was not needed so far at this point."""
        if isinstance(meaning, Size):
            size = meaning.values[self.point % len(meaning.values)]
            return self.algebra.number(str(size))
        if isinstance(meaning, Index):
            size = int(self.named(meaning.size))
            share = draw(f"index {key}", "unit", self.point)
            return self.algebra.number(str(1 + int((share - 0.05) / 0.9 * size)))
        if isinstance(meaning, Free):
            return self._free(f"{key}{list(key.entry) or ''}", meaning)
        if key.arity == 1 and self.scope.knows(first := f"{key.name}_{key.entry[0]}"):
            return self.named(first)  # where a recursion starts, such as u_0
        if key.arity == 1 and key.entry[0] < 0:
            raise NotationError(f"{key.name} is defined by itself, and has no first value.")
        numbers = [self.algebra.number(str(i)) for i in key.entry]
        return self.value(meaning.body, dict(zip(meaning.parameters, numbers, strict=True)))

    def _free(self, name: str, meaning: Free) -> Value:
        if not meaning.shape:
            return self.algebra.leaf(name, meaning.domain, self.point)
        lengths = [int(s) if s.isdigit() else int(self.named(s)) for s in meaning.shape]
        array = np.empty(lengths, dtype=object)
        for index in np.ndindex(*lengths):
            array[index] = self._free(f"{name}{list(index)}", Free(meaning.domain))
        return array

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
        if (len(values) > 1) != (node.name in (r"\max", r"\min")):
            expected = "one argument" if len(values) > 1 else "several arguments"
            raise NotationError(f"{node.name} takes {expected}, got {len(values)}.")
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
        a, b = (self.algebra.leaf(f"{key} {i}", "unit", self.point) for i in "ab")
        return self.algebra.functions[r"\sin"](a * x + b) + b * x * x

    def _derivative(self, node: Node, bound: Bound) -> Value:
        function, symbol = node.args
        meaning = self.scope.meanings.get(Key(function.name, kind="function"))
        if function.op == "symbol" and not function.args and isinstance(meaning, Defined):
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
            there = replace(self, given={**self.given, key: value}, known={})
            return there.value(function, bound)

        name = literal(symbol)
        if name in bound:
            return bound[name], lambda x: self.value(function, {**bound, name: x})
        name, index = self._name(symbol, bound)
        key, meaning = self.scope.find(name, len(index), self.single)
        if not isinstance(meaning, Entry):
            return self.named(name, index), partial(given, key._replace(entry=index))
        array = self.named(meaning.array, single=False)
        place = arrays.position(meaning.array, array, index)
        whole, _ = self.scope.find(meaning.array)
        return array[place], lambda x: given(whole, arrays.replaced(array, place, x))
