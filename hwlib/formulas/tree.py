"""What a formula is once it has been read: a tree of operations."""

from collections.abc import Iterator
from dataclasses import dataclass, field


class NotationError(ValueError):
    """The notation is not understood, or does not fit together."""


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
    conditions: tuple[Node, ...] = ()
