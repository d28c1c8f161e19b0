"""The tokens of an answer, one after the other, and errors that quote where they stand."""

from abc import ABC, abstractmethod

from hwlib.formulas.normalise import NotationError
from hwlib.formulas.spelling import Token, spelled, tokens
from hwlib.formulas.tree import Node


class Stream(ABC):
    """Where the reading of an answer stands."""

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

    @abstractmethod
    def expression(self) -> Node:
        """Terms with + and - between them."""

    @abstractmethod
    def product(self) -> Node:
        """Factors side by side."""

    @abstractmethod
    def factor(self) -> Node:
        """An atom with what stands at its right shoulder."""

    @abstractmethod
    def group(self) -> Node:
        """What stands in brackets or braces."""

    @abstractmethod
    def absolute(self) -> Node:
        """|x|."""

    @abstractmethod
    def script(self) -> Node:
        """What TeX raises."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Does the next token begin a factor of a product."""
