"""Names in an answer: letters with accents, indices, numbers of layers and of examples."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from hwlib.formulas.normalise import NotationError
from hwlib.formulas.notation import Index, Key, Scope, literal
from hwlib.formulas.stream import Stream
from hwlib.formulas.tree import Node

ACCENTS = (r"\hat", r"\bar", r"\tilde")
GREEK = {
    *(r"\alpha", r"\beta", r"\gamma", r"\delta", r"\epsilon", r"\zeta", r"\eta", r"\theta"),
    *(r"\lambda", r"\mu", r"\rho", r"\sigma", r"\tau", r"\phi", r"\ell", r"\Delta", r"\omega"),
}
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


class Names(Stream):
    """Reads names and looks them up."""

    def __init__(self, answer: str, letters: Letters) -> None:
        super().__init__(answer)
        self.letters, self.scope = letters, letters.scope
        self.bound: Counter[str] = Counter()
        self.left_over: list[str] = []
        self.unknown: list[str] = []
        self.remarks: list[str] = []
        self.example = ""  # the letter that numbers the one example

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
            if self.peek() == "'" or (self.peek() == "^" and self.peek(1) == "'"):
                self.skip("^")
                primes += self.take()
            elif not indices and self.skip("_"):
                indices = self.indices()
            elif self.peek() == "^" and (found := self.label()):
                label += found
            else:
                break
        numbered = f"{name}_{indices[0].name}" if indices else name
        withheld = {name, numbered} & set(self.letters.withheld)
        if withheld or (primes and not self.bound[name + primes]):
            self.left_over.append(self.text_from(start))
        if primes and self.bound[name + primes]:
            name, primes = name + primes, ""
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
        start = self.at
        self.take("^")
        braces = self.skip("{")
        opening, inner, closing = self.peek(), self.peek(1), self.peek(2)
        if self.skip("*"):
            if braces:
                self.skip("}")
            return "*"
        if (opening, closing) in (("(", ")"), ("[", "]")) and (inner.isdigit() or inner.isalpha()):
            if not braces:
                raise self.error("put what stands above a letter into braces: w^{(2)}")
            self.at += 3
            if not self.skip("}"):  # W^{(2) T}
                self.tokens.insert(self.at, self.tokens[start]._replace(text="{", kind="sign"))
                self.tokens.insert(self.at, self.tokens[start])
            return f"({inner})"
        self.at = start
        return ""

    def transposed(self) -> bool:
        r"""Take ``^T``, ``^\top`` and the like, if one follows."""
        rest = [self.peek(n) for n in (1, 2, 3)]
        length = 2 if rest[0] in ("T", r"\top") else 0
        if rest[0] == "{" and rest[1] in ("T", r"\top") and rest[2] == "}":
            length = 4
        if rest[:1] == ["{"] and rest[1] == "{" and rest[2] in ("T", r"\top"):  # of fonts
            length = 6
        self.at += length
        return length > 0

    def entrywise_power(self) -> int | None:
        r"""The exponent of ``^{\odot 2}``, if it is one."""
        if self.peek() == "{" and self.peek(1) == r"\odot" and self.peek(3) == "}":
            power = int(self.peek(2)) if self.peek(2) in ("2", "3") else 0
            self.at += 4 if power else 0
            return power or None
        return None

    def named(
        self, name: str, label: str = "", indices: list[Node] | None = None, primes: str = ""
    ) -> Node:
        """The symbol of this name, by the spelling under which the scope knows it."""
        indices = list(indices or [])
        if label.strip("()").isalpha():  # the number of an example: y^{(i)}
            indices.insert(0, Node("symbol", (), label.strip("()")))
            label = ""
        if self.letters.single and self._is_example(name, label, indices):
            indices = indices[1:]
        spellings = self._spellings(name, label, indices)
        for node in spellings:
            key = literal(node)
            known = self.scope.knows(node.name, len(node.args)) or bool(key and self.knows(key))
            if known and not primes and self._indices_known(node):
                return node
        if self.letters.loss and name in LABELS and not indices and not label and not primes:
            self.left_over.append(name)
            return Node("symbol", (), self.letters.loss)
        below = ",".join(n.name for n in indices)
        shown = f"{name}{'^{' + label + '}' if label else ''}{'_{' + below + '}' if below else ''}"
        self.unknown.append(shown + primes)
        return replace(spellings[0], name=spellings[0].name + primes)

    def _is_example(self, name: str, label: str, indices: list[Node]) -> bool:
        """Is the first index the number of the one example that the task is about."""
        letter = indices[0].name if indices and indices[0].op == "symbol" else ""
        free = letter in ("i", "b", "n", "j", "m") and not self.bound[letter]
        whole = f"{name}^{{{label}}}" if label else name
        if not free or self.scope.knows(whole, len(indices)):
            return False
        if self.example not in ("", letter):
            raise NotationError(
                f"the task is about one example, and {name}_{letter} beside an index "
                f"{self.example} is about two: leave both indices out"
            )
        self.example = letter
        return True

    def _indices_known(self, node: Node) -> bool:
        return all(self.knows(n.name) for n in node.args if n.op == "symbol")

    @staticmethod
    def _spellings(name: str, label: str, indices: list[Node]) -> list[Node]:
        """How the scope may write it: W^{(2)} for W_2, w^{(2)}_k."""
        below = tuple(indices)
        written = f"{name}^{{{label}}}" if label else name
        found = [Node("symbol", below, written)]
        if label and not below and label != "*":
            found.append(Node("symbol", (Node("number", (), label.strip("()")),), name))
        return found
