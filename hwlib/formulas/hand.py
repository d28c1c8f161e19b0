"""Read a formula as people write it by hand: more freely than the strict notation of `parse`.

What stands side by side is a product, a sum reaches to the end of its term, and a function without
brackets takes what follows directly. Where a reader would have to guess, the answer is refused with
what to write instead.
"""

from dataclasses import dataclass

from hwlib.formulas.calls import CLOSING, ONE, ORDER, Calls
from hwlib.formulas.names import LABELS, Letters
from hwlib.formulas.normalise import ROW
from hwlib.formulas.notation import Scope
from hwlib.formulas.spelling import FUNCTIONS, GREEK
from hwlib.formulas.tree import Node, NotationError

DEEPEST = 40  # brackets inside brackets
RELATIONS = (ORDER.keys() - {"="}) | {r"\approx", r"\leftarrow", r"\propto", r"\sim"}
CALLED = set("fghpqsFGPQS")  # usual names of functions, where the task has no such letter
E = Node("exponential", (ONE,))
NO_FACTOR = RELATIONS | {r"\cdot", r"\odot", r"\}", r"\end", r"\if", r"\else", r"\top"}


@dataclass(frozen=True)
class Side:
    """One side of a chain of equations, and what in it is not yet written out."""

    node: Node
    text: str
    left_over: list[str]
    unknown: list[str]
    remarks: list[str]


def read(answer: str, letters: Letters) -> list[Side]:
    """Read a formula, or a chain of equations between formulas.

    A `NotationError` quotes the piece that cannot be read in one way only, and says what to write
    instead.
    """
    reader = Reader(answer, letters)
    sides = [reader.side()]
    while reader.peek() in ("=", ":=", "=="):
        reader.take()
        sides.append(reader.side())
    reader.end()
    return sides


def read_expression(text: str, scope: Scope) -> Node:
    """Read one side, whatever its letters mean."""
    return read(text, Letters(scope))[0].node


class Reader(Calls):
    """Reads sums of products; names and indices are read by `Names`."""

    def side(self) -> Side:
        """One side, up to the next equals sign."""
        while self.skip(ROW):
            pass
        start, self.left_over, self.unknown, self.remarks = self.at, [], [], []
        node = self.expression()
        while self.peek() == ROW and self.peek(1) in ("=", ""):
            self.take()
        return Side(node, self.text_from(start), self.left_over, self.unknown, self.remarks)

    def end(self) -> None:
        """Nothing may follow."""
        token = self.peek()
        if token in RELATIONS:
            raise self.error(f"leave out what stands from {token} on: only = can be judged")
        if token in (ROW, ","):
            raise self.error("write one formula, or one chain of equations, and nothing beside it")
        if token in (")", "]", r"\}", "}", "|"):
            raise self.error(f"a bracket {token} closes that was never opened")
        if token:
            raise self.error(f"{token} cannot be read here")

    # --- Sums and products

    def expression(self) -> Node:
        """Terms with + and - between them."""
        signs = ""
        terms: list[Node] = []
        while not terms or self.peek() in ("+", "-"):
            signs += self.take() if self.peek() in ("+", "-") else "+"
            if self.peek() in ("+", "-"):
                raise self.error("two signs in a row: put the second into brackets")
            terms.append(self.term())
        return terms[0] if signs == "+" else Node("sum", tuple(terms), signs)

    def term(self) -> Node:
        r"""Products, multiplied entry by entry where \odot stands between them."""
        parts = [self.product()]
        while self.skip(r"\odot"):
            parts.append(self.product())
        return parts[0] if len(parts) == 1 else Node("hadamard", tuple(parts))

    def product(self) -> Node:
        """Factors side by side or with a sign between them; a slash divides by one factor."""
        result = self.factor()
        while True:
            if self.skip("/"):
                result = Node("fraction", (result, self.factor()))
                if self.starts_factor() and self.peek() not in (r"\sum", r"\prod"):
                    raise self.error(
                        "what stands after a / b may belong above or below: write \\frac{a}{b} or "
                        "brackets"
                    )
            elif self.skip("*"):
                result = Node("star", (result, self.factor()))
            elif self.skip(r"\cdot") or self.starts_factor():
                before = result.args if result.op == "product" else (result,)
                result = Node("product", (*before, self.factor()))
            else:
                return result

    def starts_factor(self) -> bool:
        """Does the next token begin a factor of a product."""
        token = self.peek()
        if token == "|":
            return not self.bars
        if self.kind() == "command":
            return token not in NO_FACTOR
        return token in CLOSING or self.kind() in ("number", "letter")

    def factor(self) -> Node:
        """An atom with what stands at its right shoulder."""
        if derived := self.derivative_in_line():
            return derived
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotationError("brackets are nested too deeply: write it with fewer")
        bracket = self.peek() in CLOSING and self.peek() != "{"
        atom = self.atom()
        self.depth -= 1
        if bracket and self.skip("_"):  # an entry of an array: (A^T B)_k
            atom = Node("entry", (atom, *self.indices()))
        while self.peek() == "^":
            atom = self.raised(atom, bracket)
        if self.peek() == "!":
            raise self.error("! is not used in this formula")
        if self.peek() == "_":
            raise self.error("an index belongs to a letter: x_{b,d}")
        return atom

    def raised(self, atom: Node, bracket: bool) -> Node:
        """A power, or an array transposed, of what may stand in a bracket."""
        if self.transposed():
            return Node("transpose", (atom,))
        if not bracket and atom.op == "builtin" and atom.name in (r"\log", r"\plog"):
            raise self.error(
                r"\log(x)^a is a power of x or of the logarithm: write (\log(x))^a or \log(x^a)"
            )
        for power in (2, 3):
            if self.skip("^", "{", r"\odot", str(power), "}"):
                return Node("hadamard", (atom,) * power)
        self.take("^")
        exponent = self.script()
        if exponent.op == "symbol" and not exponent.args and self.counts(exponent.name):
            raise self.error(
                f"{exponent.name} above can be a power or the number of an example: write an index "
                f"below, as in y_{exponent.name}"
            )
        if self.peek() == "^":
            raise self.error("two powers in a row: put the lower one into braces")
        return Node("power", (atom, exponent))

    # --- Atoms

    def atom(self) -> Node:
        """A number, a bracket, a function with its argument, a fraction, a root, or a letter."""
        token, kind = self.peek(), self.kind()
        if kind == "number":
            return Node("number", (), self.take())
        if token in CLOSING:
            return self.group()
        if token == "|":
            return self.absolute()
        if token in FUNCTIONS or self.scope.is_function(token):
            return self.function()
        special = {
            r"\frac": self.fraction,
            r"\sqrt": self.root,
            r"\sum": self.big,
            r"\prod": self.big,
            r"\begin": self.cases,
            r"\nabla": self.nabla,
            r"\softmax": self.softmax,
            r"\pi": lambda: Node("pi", (), self.take()),
        }
        if token in special:
            return special[token]()
        if token == "e" and not self.knows("e"):
            return self.euler()
        if kind in ("letter", "command"):
            return self.named_loss() or self.symbol()
        if not token:
            raise self.error("the formula breaks off: something is missing at its end")
        raise self.error(f"{token} cannot be read here")

    def named_loss(self) -> Node | None:
        r"""``\ell(y, \hat y)``: the loss with its arguments."""
        token = self.peek()
        free = token in CALLED and not self.knows(token)
        if self.peek(1) != "(" or not (token in LABELS or free):
            return None
        name = self.take()
        self.arguments(name)
        if name in self.letters.withheld:
            self.left_over.append(name)
        return self.named(name)

    # --- What encloses a formula, and what LaTeX takes as one argument

    def group(self) -> Node:
        """What stands in brackets or braces."""
        opening, unknown = self.peek(), len(self.unknown)
        [node] = self.arguments()
        if opening == "{" and node.op == "symbol" and not node.args and self.peek() == "_":
            del self.unknown[unknown:]  # {\hat y}_b
            self.take()
            return self.named(node.name, indices=self.indices())
        return node

    def absolute(self) -> Node:
        """|x|."""
        self.take("|")
        self.bars += 1
        node = self.expression()
        if not self.skip("|"):
            raise self.error("a bar | is not closed")
        self.bars -= 1
        return Node("absolute", (node,))

    def euler(self) -> Node:
        """e, the number, with its exponent."""
        self.take()
        if not self.skip("^"):
            return E
        exponent = self.script()
        if self.peek() == "_":
            raise self.error("the exponent of e ends here: put all of it into braces, e^{...}")
        return Node("exponential", (exponent,))

    def script(self) -> Node:
        """What TeX raises or puts below a root: a group in braces, or a single sign."""
        token, kind = self.peek(), self.kind()
        if token == "{":
            return self.group()
        if token in ("-", "+", "(", "["):
            raise self.error("an exponent of several signs stands in braces: e^{-z}")
        if token == "e" and not self.knows("e"):
            self.take()
            return E
        if kind == "number":
            if len(token) > 1:
                raise self.error(f"put {token} into braces: TeX takes its first digit alone")
            return Node("number", (), self.take())
        if kind == "letter" or token in GREEK:
            return self.named(self.take())
        raise self.error(r"put what stands here into braces: x^{...}, \sqrt{...}")

    def fraction(self) -> Node:
        """A fraction, or a derivative."""
        start = self.at
        self.take()
        if self.skip("{", r"\partial"):
            return self.derivative_of_fraction(start)
        parts = [part for _ in range(2) if self.peek() == "{" for part in self.arguments()]
        if len(parts) < 2:
            raise self.error(r"two pairs of braces belong to a fraction: \frac{a}{b}")
        return Node("fraction", tuple(parts))

    def root(self) -> Node:
        """A square root, or another one."""
        self.take()
        degree = self.group() if self.peek() == "[" else None
        inner = self.group() if self.peek() == "(" else self.script()
        if self.peek() in ("^", "_") and inner.op in ("symbol", "number"):
            raise self.error("how far does the root go? write \\sqrt{...}")
        if degree is None:
            return Node("root", (inner,))
        return Node("power", (inner, Node("fraction", (ONE, degree))))
