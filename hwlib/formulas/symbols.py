"""The values of symbols at a point: drawn, or calculated from what defines them."""

from collections.abc import Callable, Iterator
from copy import copy
from itertools import count
from typing import Self

import numpy as np

from hwlib.formulas.algebra import FAR, Algebra, draw
from hwlib.formulas.arrays import Value, position
from hwlib.formulas.notation import Defined, Entry, Free, Index, Key, Scope, Size
from hwlib.formulas.tree import NotationError

Bound = dict[str, Value]


def seed(point: int) -> str:
    """Seed of the values at a point: at two of five points they come from the whole domain."""
    return f"{FAR if point % 5 >= 3 else ''}{point}"


class Symbols:
    """What each symbol is at one point; ``single`` where a statement is about a single example.

    The number of the point determines every free value: sizes take turns by it, the rest is drawn.
    ``budget`` has an item for each operation that may be spent.
    """

    value: Callable[..., Value]  # of a tree: what `Evaluator` defines

    def __init__(
        self,
        scope: Scope,
        algebra: Algebra,
        point: int,
        single: bool = False,
        given: dict[Key, Value] | None = None,
        budget: Iterator[int] | None = None,
    ) -> None:
        self.scope, self.algebra, self.point, self.single = scope, algebra, point, single
        self.given, self.budget = given or {}, budget or count()
        self.drawn: dict[Key, Value] = {}
        self.known: dict[Key, Value] = {}  # calculated from what is drawn and given

    def with_given(self, key: Key, value: Value) -> Self:
        """The same point, except that one symbol has another value."""
        moved = copy(self)
        moved.given, moved.known = {**self.given, key: value}, {}
        return moved

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
            share = draw(f"index {key}", "unit", str(self.point))
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
        return self.algebra.leaf(name, meaning.domain, seed(self.point))

    def entry(self, name: str, index: tuple[int, ...]) -> Value:
        """The value of a symbol with indices, counted from 1."""
        key, meaning = self.scope.find(name, len(index))
        place = key._replace(index=index)
        if place in self.given:
            return self.given[place]
        if isinstance(meaning, Entry):
            array = self.named(meaning.array, single=False)
            return array[position(meaning.array, array, index)]
        if place not in self.known:
            self.known[place] = self._new_entry(place, meaning)
        return self.known[place]

    def _new_entry(self, key: Key, meaning: object) -> Value:
        index = key.index
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
