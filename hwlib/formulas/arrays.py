"""Arithmetic of numbers and two-dimensional arrays of them, strict about shapes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hwlib.formulas.tree import NotationError

Value = Any  # a scalar of the algebra, or a two-dimensional object array of them


class ShapeError(NotationError):
    """Arrays of these shapes cannot be combined."""


def shape(value: Value) -> tuple[int, ...]:
    """The shape of an array, () for a number."""
    return value.shape if isinstance(value, np.ndarray) else ()


def add(a: Value, b: Value) -> Value:
    """a + b; a number, or a single row, is added to each row of an array."""
    if shape(a) and shape(b) and shape(b) not in (shape(a), (1, a.shape[1])):
        raise ShapeError(f"cannot add the shapes {shape(a)} and {shape(b)}.")
    return a + b


def multiply(a: Value, b: Value) -> Value:
    """a b: a matrix product between arrays; one by one counts as a number."""
    if not (shape(a) and shape(b)):
        return a * b
    if a.shape[1] != b.shape[0]:
        raise ShapeError(f"cannot multiply the shapes {a.shape} and {b.shape}.")
    product = a @ b
    return product[0, 0] if product.shape == (1, 1) else product


def hadamard(a: Value, b: Value) -> Value:
    """The product of two arrays, entry by entry."""
    if shape(a) != shape(b) or not shape(a):
        raise ShapeError(
            rf"\odot: expected two arrays of one shape, got {shape(a)} and {shape(b)}."
        )
    return a * b


def entrywise(function: Callable[..., Value], *values: Value) -> Value:
    """Apply a function of numbers to each entry of arrays of one shape."""
    shapes = {shape(v) for v in values} - {()}
    if not shapes:
        return function(*values)
    if len(shapes) > 1:
        raise ShapeError(f"expected arrays of one shape, got {sorted(shapes)}.")
    return np.frompyfunc(function, len(values), 1)(*values)


def position(name: str, array: Value, index: tuple[int, ...]) -> tuple[int, int]:
    """Where an entry stands in an array of this name, by its indices, which count from 1."""
    if not shape(array):
        raise ShapeError(f"{name} is a number here, and has no entries.")
    rows, columns = array.shape
    if len(index) > 2 or (len(index) == 1 and columns > 1):
        raise ShapeError(f"an entry of {name} has other indices.")
    row, column = [*index, 1][:2]
    if not (1 <= row <= rows and 1 <= column <= columns):
        raise ShapeError(f"{name} has no entry {index}: it is {rows} by {columns}.")
    return row - 1, column - 1


def replaced(array: Value, position: tuple[int, ...], x: Value) -> Value:
    """A copy of the array with another value at one position."""
    copy = array.copy()
    copy[position] = x
    return copy


def scalar(value: Value, what: str) -> Value:
    if shape(value):
        raise ShapeError(f"expected a number as {what}, got an array of shape {shape(value)}.")
    return value
