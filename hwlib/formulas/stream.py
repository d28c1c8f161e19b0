"""The tokens of an answer, one after the other, and errors that quote where they stand."""

from collections.abc import Callable

from hwlib.formulas.normalise import NotationError
from hwlib.formulas.spelling import Token, spelled, tokens
from hwlib.formulas.tree import Node


class Stream:
    """Where the reading of an answer stands."""

    # A sum may stand within the smallest piece: what `Pieces` and `Reader` define.
    expression: Callable[[], Node]
    product: Callable[[], Node]
    factor: Callable[[], Node]
    group: Callable[[], Node]
    script: Callable[[], Node]
    starts_factor: Callable[[], bool]

    def __init__(self, answer: str) -> None:
        self.text = spelled(answer)
        self.tokens = [*tokens(self.text), Token("end", "", len(self.text))]
        self.at = 0
        self.bars = 0  # bars | that are open in this bracket
        self.depth = 0

    def peek(self, ahead: int = 0) -> str:
        """The text of the next token, or nothing at the end."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)].text

    def kind(self) -> str:
        """What the next token is."""
        return self.tokens[self.at].kind

    def take(self, expected: str = "") -> str:
        """Go past the next token."""
        token = self.peek()
        if expected and token != expected:
            raise self.error(f"expected {expected} here")
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def skip(self, *expected: str) -> bool:
        """Go past the next tokens if they are these."""
        found = all(self.peek(ahead) == token for ahead, token in enumerate(expected))
        self.at += found * len(expected)
        return found

    def take_digit(self) -> str:
        """Go past the first digit of a number: \\frac12."""
        token = self.tokens[self.at]
        if len(token.text) == 1:
            return self.take()
        rest = Token("number", token.text[1:], token.at + 1)
        self.tokens[self.at : self.at + 1] = [token._replace(text=token.text[0]), rest]
        return self.take()

    def text_from(self, start: int) -> str:
        """What was typed from this token to the next one."""
        return self.text[self.tokens[start].at : self.tokens[self.at].at].strip()

    def error(self, advice: str) -> NotationError:
        """An error at the next token."""
        at = self.tokens[self.at].at
        before, after = self.text[max(0, at - 15) : at], self.text[at : at + 15]
        place = f"at “{before}▸{after}”" if after else f"after “{before}”"
        return NotationError(f"{place}: {advice}")
