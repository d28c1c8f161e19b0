"""The tokens of an answer, and the names in it, with accents, indices and numbers of layers."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hwlib.formulas.notation import Index, Key, Scope, literal
from hwlib.formulas.spelling import GREEK, Token, spelled, tokens
from hwlib.formulas.tree import Node, NotationError

ACCENTS = (r"\hat", r"\bar", r"\tilde")
LABELS = ("L", "J", "l", "E", r"\ell")


@dataclass(frozen=True)
class Letters:
    """The letters that an answer may be written in, as ``scope`` defines them.

    Other usual names stand for the ``loss``, too. Where an answer is about a ``single`` example,
    its number may stand at a letter or not. ``withheld`` are names that an answer may not contain
    in the end, as they are to be written out. ``sizes`` say what each index of a name counts:
    ``{"a": ("B", "K")}``.
    """

    scope: Scope
    loss: str = ""
    single: bool = False
    withheld: Collection[str] = ()
    sizes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Names:
    """Reads the tokens of an answer one after the other, and looks up the names in it."""

    # A sum may stand within the smallest piece: what `Reader` defines.
    expression: Callable[[], Node]
    product: Callable[[], Node]
    factor: Callable[[], Node]
    script: Callable[[], Node]
    named_loss: Callable[[], Node | None]
    starts_factor: Callable[[], bool]

    def __init__(self, answer: str, letters: Letters) -> None:
        self.letters, self.scope = letters, letters.scope
        self.text = spelled(answer)
        self.tokens = [*tokens(self.text), Token("end", "", len(self.text))]
        self.at = 0
        self.bars = 0  # bars | that are open in this bracket
        self.depth = 0
        self.bound: Counter[str] = Counter()
        self.left_over: list[str] = []
        self.unknown: list[str] = []
        self.remarks: list[str] = []
        self.example = ""  # the letter that numbers the one example

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

    def text_from(self, start: int) -> str:
        """What was typed from this token to the next one."""
        return self.text[self.tokens[start].at : self.tokens[self.at].at].strip()

    def error(self, advice: str) -> NotationError:
        """An error at the next token."""
        at = self.tokens[self.at].at
        before, after = self.text[max(0, at - 15) : at], self.text[at : at + 15]
        place = f"at “{before}▸{after}”" if after else f"after “{before}”"
        return NotationError(f"{place}: {advice}")

    # --- Names

    def knows(self, name: str) -> bool:
        """Is this a letter of the task."""
        return self.scope.knows(name) or self.bound[name] > 0

    def counts(self, name: str) -> bool:
        """Is this letter the number of something."""
        meaning = self.scope.meanings.get(Key(name))
        return self.bound[name] > 0 or isinstance(meaning, Index)

    def symbol(self) -> Node:
        """A letter with all that stands around it."""
        start = self.at
        name, indices = self.accented() if self.peek() in ACCENTS else (self.letter(), [])
        primes = label = ""
        while True:
            if self.skip("'") or self.skip("^", "'"):
                primes += "'"
            elif not indices and self.skip("_"):
                indices = self.indices()
            elif self.peek() == "^" and (found := self.label()):
                label += found
            else:
                break
        if self.bound[name + primes]:  # a running index, such as k'
            name, primes = name + primes, ""
        numbered = f"{name}_{indices[0].name}" if indices else name
        if primes or {name, numbered} & set(self.letters.withheld):
            self.left_over.append(self.text_from(start))
        return self.named(name, label, indices, primes)

    def letter(self) -> str:
        """A letter, or a Greek one."""
        token = self.peek()
        if self.kind() not in ("letter", "command"):
            raise self.error("a letter is missing here")
        if self.kind() == "command" and token not in GREEK:
            raise self.error(f"{token} is not understood in this formula")
        self.take()
        if token == r"\Delta" and self.peek() in GREEK:
            return f"\\Delta{self.take()}"
        if token in (r"\sigma", r"\zeta") and self.peek() != "'":
            raise self.error(f"{token} needs its argument: {token}(z)")
        return token

    def accented(self) -> tuple[str, list[Node]]:
        r"""``\hat{y}``, ``\hat y``, ``\hat{y_b}``, ``\hat{y}_b``."""
        accent = self.take()
        inside = self.skip("{")
        name, indices = f"{accent}{{{self.letter()}}}", []
        if inside:
            if self.skip("_"):
                indices = self.indices()
            self.take("}")
        return name, indices

    def indices(self) -> list[Node]:
        """What stands below a letter: indices, with or without commas between them."""
        if not self.skip("{"):
            if self.kind() == "number" and len(self.peek()) > 1:
                raise self.error("put the index into braces: TeX lowers its first digit")
            return [self.index()]
        found = [self.index()]
        while not self.skip("}"):
            self.skip(",")
            if self.peek() in ("+", "-", "/", "="):
                raise self.error("an index is a letter or a number: x_{b,d}")
            found.append(self.index())
        return found

    def index(self) -> Node:
        """One index."""
        if self.kind() == "number":
            return Node("number", (), self.take())
        if self.peek() in ("*", r"\min", r"\max"):  # the best one
            return Node("symbol", (), self.take())
        if self.kind() == "letter":
            name = self.take()
            while self.peek() == "'":
                name += self.take()
            return Node("symbol", (), name)
        raise self.error("an index is a letter or a number: x_{b,d}")

    def label(self) -> str:
        """``(2)`` or ``[2]`` or ``(i)`` above a letter, a star, or nothing."""
        if self.skip("^", "*") or self.skip("^", "{", "*", "}"):
            return "*"
        start, braces = self.at, self.peek(1) == "{"
        opening, inner, closing = (self.peek(ahead + 1 + braces) for ahead in range(3))
        if opening + closing not in ("()", "[]") or not (inner.isdigit() or inner.isalpha()):
            return ""
        if not braces:
            raise self.error("put what stands above a letter into braces: w^{(2)}")
        self.at += 5
        if not self.skip("}"):  # W^{(2) T}
            self.tokens[self.at : self.at] = self.tokens[start : start + 2]
        return f"({inner})"

    def transposed(self) -> bool:
        r"""Take ``^T``, ``^\top`` and the like, also in the braces of a font, if one follows."""
        return any(
            self.skip("^", *"{" * braces, sign, *"}" * braces)
            for braces in range(3)
            for sign in ("T", r"\top")
        )

    def named(
        self, name: str, label: str = "", indices: Sequence[Node] = (), primes: str = ""
    ) -> Node:
        """The symbol of this name, by the spelling under which the scope knows it."""
        below = list(indices)
        if label.strip("()").isalpha():  # the number of an example: y^{(i)}
            below.insert(0, Node("symbol", (), label.strip("()")))
            label = ""
        whole = f"{name}^{{{label}}}" if label else name
        if self.letters.single and self._is_example(name, whole, below):
            del below[0]
        spellings = [Node("symbol", tuple(below), whole)]
        if label.startswith("(") and not below:  # W^{(2)} for W_2
            spellings.append(Node("symbol", (Node("number", (), label.strip("()")),), name))
        for node in spellings:
            key = literal(node)
            known = self.scope.knows(node.name, len(node.args)) or bool(key and self.knows(key))
            counted = all(self.knows(n.name) for n in node.args if n.op == "symbol")
            if known and counted and not primes:
                return node
        if self.letters.loss and name in LABELS and not (below or label or primes):
            self.left_over.append(name)
            return Node("symbol", (), self.letters.loss)
        shown = f"{whole}_{{{','.join(n.name for n in below)}}}" if below else whole
        self.unknown.append(shown + primes)
        return replace(spellings[0], name=whole + primes)

    def _is_example(self, name: str, whole: str, indices: list[Node]) -> bool:
        """Is the first index the number of the one example that the task is about."""
        letter = indices[0].name if indices and indices[0].op == "symbol" else ""
        free = letter in ("i", "b", "n", "j", "m") and not self.bound[letter]
        if not free or self.scope.knows(whole, len(indices)):
            return False
        if self.example not in ("", letter):
            raise NotationError(
                f"the task is about one example, and {name}_{letter} beside an index "
                f"{self.example} is about two: leave both indices out"
            )
        self.example = letter
        return True
