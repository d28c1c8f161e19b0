"""The pieces that formulas are built of: brackets, bars, powers of e, fractions and roots."""

from hwlib.formulas.calls import ONE, Calls
from hwlib.formulas.tree import Node

E = Node("exponential", (ONE,))


class Pieces(Calls):
    """Reads what encloses a formula, and what LaTeX takes as one argument."""

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
        """What TeX raises: a group in braces, or a single sign."""
        token, kind = self.peek(), self.kind()
        if token == "{":
            return self.group()
        if token in ("-", "+", "(", "["):
            raise self.error("an exponent of several signs stands in braces: e^{-z}")
        if kind == "number":
            if len(token) > 1:
                raise self.error(
                    f"put the exponent {token} into braces: TeX raises its first digit"
                )
            return Node("number", (), self.take())
        if kind == "letter" or (kind == "command" and token not in (r"\frac", r"\hat")):
            return self.named(self.take())
        raise self.error("put the exponent into braces: x^{...}")

    def fraction(self) -> Node:
        """A fraction, or a derivative."""
        self.take()
        if derived := self.derivative_of_fraction():
            return derived
        return Node("fraction", (self.argument(), self.argument()))

    def argument(self) -> Node:
        """What TeX takes as an argument: braces, or one sign."""
        if self.peek() == "{":
            return self.group()
        if self.kind() == "number":
            return Node("number", (), self.take_digit())
        if self.peek() == "e" and not self.knows("e"):
            self.take()
            return E
        if self.kind() == "letter":
            return self.named(self.take())
        raise self.error(r"two pairs of braces belong to a fraction: \frac{a}{b}")

    def root(self) -> Node:
        """A square root, or another one."""
        self.take()
        degree = self.group() if self.peek() == "[" else None
        inner = self.group() if self.peek() in ("{", "(") else self.argument()
        if self.peek() in ("^", "_") and inner.op in ("symbol", "number"):
            raise self.error("how far does the root go? write \\sqrt{...}")
        if degree is None:
            return Node("root", (inner,))
        return Node("power", (inner, Node("fraction", (ONE, degree))))
