"""The value of a tree at a point, as far as its symbols have been defined."""

from collections.abc import Callable
from typing import Self

import numpy as np

from hwlib.formulas.arrays import (
    ShapeError,
    Value,
    add,
    entrywise,
    multiply,
    replaced,
    scalar,
    shape,
)
from hwlib.formulas.normalise import NotationError
from hwlib.formulas.notation import Defined, Entry, Free, Key, literal
from hwlib.formulas.symbols import Bound, Symbols, seed
from hwlib.formulas.tree import Node

# Functions that are not written as a name and arguments.
NOTATIONS = {"pi": r"\pi", "exponential": r"\exp", "root": r"\sqrt", "absolute": "abs"}


class Evaluator(Symbols):
    """Evaluates trees at one point: a method ``_op`` for each operation of `Node`."""

    def value(self, node: Node, bound: Bound | None = None) -> Value:
        """The value of ``node``; ``bound`` holds arguments and running indices."""
        try:
            return getattr(self, "_" + node.op)(node, bound or {})
        except RecursionError:
            raise NotationError("nested too deeply, or a definition leads back to itself") from None

    def integer(self, node: Node, bound: Bound) -> int:
        """The value of an index or a bound of a sum."""
        value = self.value(node, bound)
        if isinstance(value, np.ndarray) or value != int(value):
            raise NotationError(f"expected a whole number as an index, got {value}.")
        return int(value)

    def _symbol(self, node: Node, bound: Bound) -> Value:
        name = literal(node) if node.args else node.name
        if name and name in bound:
            return bound[name]
        if not node.args or (name and self.scope.knows(name)):
            assert name is not None
            return self.named(name)
        return self.entry(node.name, tuple(self.integer(a, bound) for a in node.args))

    # --- Arithmetic

    def _number(self, node: Node, _bound: Bound) -> Value:
        return self.algebra.number(node.name)

    def _group(self, node: Node, bound: Bound) -> Value:
        return self.value(node.args[0], bound)

    def _sum(self, node: Node, bound: Bound) -> Value:
        total: Value = None
        for sign, term in zip(node.name, node.args, strict=True):
            value = self.value(term, bound)
            value = -value if sign == "-" else value
            total = value if total is None else add(total, value)
        return total

    def _product(self, node: Node, bound: Bound) -> Value:
        result = self.value(node.args[0], bound)
        for factor in node.args[1:]:
            result = multiply(result, self.value(factor, bound))
        return result

    def _hadamard(self, node: Node, bound: Bound) -> Value:
        first, *others = (self.value(a, bound) for a in node.args)
        for other in others:
            if shape(first) != shape(other) or shape(first) == ():
                raise ShapeError(
                    rf"\odot: expected two arrays of one shape, got {shape(first)} and "
                    f"{shape(other)}."
                )
            first = first * other
        return first

    def _fraction(self, node: Node, bound: Bound) -> Value:
        above, below = (self.value(a, bound) for a in node.args)
        return entrywise(lambda a: self.algebra.divide(a, scalar(below, "a denominator")), above)

    _slash = _fraction

    def _power(self, node: Node, bound: Bound) -> Value:
        base, exponent = (self.value(a, bound) for a in node.args)
        return self.algebra.power(scalar(base, "a base"), scalar(exponent, "an exponent"))

    def _transpose(self, node: Node, bound: Bound) -> Value:
        value = self.value(node.args[0], bound)
        if not isinstance(value, np.ndarray):
            raise ShapeError("expected an array to transpose, got a number.")
        return value.T

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
        raise NotationError("none of the cases applies.")

    def holds(self, test: Node, bound: Bound) -> bool:
        """Is a condition, which may be a chain, true."""
        values = [self.value(a, bound) for a in test.args]
        pairs = zip(values, test.name.split(), values[1:], strict=False)
        return all(self.algebra.holds(relation, a, b) for a, relation, b in pairs)

    # --- Sums over indices, functions and derivatives

    def _big(self, node: Node, bound: Bound) -> Value:
        command, letter = node.name.split(" ")
        first, last = (self.integer(a, bound) for a in node.args[:2])
        combine = add if command == r"\sum" else multiply
        result: Value = self.algebra.number("0" if command == r"\sum" else "1")
        for i in range(first, last + 1):
            number = self.algebra.number(str(i))
            value = self.value(node.args[2], {**bound, letter: number})
            result = value if i == first else combine(result, value)
        return result

    def _call(self, node: Node, bound: Bound) -> Value:
        name = node.name.rstrip("'")
        arguments = [self.value(a, bound) for a in node.args]
        return self.call(name, arguments, primes=len(node.name) - len(name))

    def call(self, name: str, arguments: list[Value], primes: int = 0) -> Value:
        """The value of a function of the book, or of its derivative, entry by entry."""
        meaning = self.scope.function(name)
        key = Key(name, kind="function")
        if key in self.given:
            return self.given[key](*arguments)
        if isinstance(meaning, Free):
            return self._any_function(str(key), *arguments)
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

    def _any_function(self, name: str, x: Value) -> Value:
        """Some smooth function, for a statement about all of them."""
        a, b = (self.algebra.leaf(f"{name} {i}", "unit", seed(self.point)) for i in "ab")
        return self.algebra.functions[r"\sin"](a * x + b) + b * x * x

    def _derivative(self, node: Node, bound: Bound) -> Value:
        function, symbol = node.args
        at, moved = self._variable(symbol, bound)
        if function.op == "symbol" and not function.args and self.scope.is_function(function.name):
            meaning = self.scope.function(function.name)
            assert isinstance(meaning, Defined)
            function = meaning.body

        def changed(x: Value) -> Value:
            evaluator, arguments = moved(x)
            return evaluator.value(function, arguments)

        if not shape(at):
            return self.algebra.derivative(changed, at)
        result = np.empty(at.shape, dtype=object)
        for position in np.ndindex(at.shape):

            def one_entry(x: Value, position: tuple[int, ...] = position) -> Value:
                return changed(replaced(at, position, x))

            slope = self.algebra.derivative(one_entry, at[position])
            result[position] = scalar(slope, "what is differentiated by an array")
        return result

    def _variable(
        self, symbol: Node, bound: Bound
    ) -> tuple[Value, Callable[[Value], tuple[Self, Bound]]]:
        """What a derivative is taken by: its value, and how to evaluate with another value."""
        name = literal(symbol) if symbol.args else symbol.name
        if name and name in bound:
            return bound[name], lambda x: (self, {**bound, name: x})
        if not symbol.args or (name and self.scope.knows(name)):
            assert name is not None
            key, _ = self.scope.find(name, 0, self.single)
            return self.named(name), lambda x: (self.with_given(key, x), bound)
        index = tuple(self.integer(a, bound) for a in symbol.args)
        key, meaning = self.scope.find(symbol.name, len(index))
        if not isinstance(meaning, Entry):
            place = (key, index)
            return self.entry(symbol.name, index), lambda x: (self.with_given(place, x), bound)
        array = self.named(meaning.array, single=False)
        position = self._position(symbol.name, meaning, index)
        whole, _ = self.scope.find(meaning.array)
        return array[position], lambda x: (
            self.with_given(whole, replaced(array, position, x)),
            bound,
        )
