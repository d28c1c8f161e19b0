"""Functions, sums, cases and derivatives in an answer."""

from hwlib.formulas.names import Names
from hwlib.formulas.normalise import ROW
from hwlib.formulas.spelling import FUNCTIONS
from hwlib.formulas.tree import Node

CLOSING = {"(": ")", "[": "]", r"\{": r"\}", "{": "}"}
ORDER = {r"\ge": r"\ge", ">=": r"\ge", r"\le": r"\le", "<=": r"\le", ">": ">", "<": "<"}
ORDER |= {"=": "=", r"\ne": r"\ne"}
EXTREMES = (r"\max", r"\min")
MORE = (r"\sum", r"\prod", *FUNCTIONS)
AS_FRACTION = r"write a derivative as \frac{\partial L}{\partial w}"
ZERO, ONE = Node("number", (), "0"), Node("number", (), "1")


class Calls(Names):
    """Reads what takes an argument."""

    def function(self) -> Node:
        r"""``\log x``, ``\tanh^2 x``, ``\log_{10} x``, ``\max(x, y)``, ``\sigma'(z)``."""
        if self.peek() in EXTREMES and self.peek(1) == "_":
            return self.big()
        start, name, primes, power, base = self.at, self.take(), "", None, None
        built_in = name in FUNCTIONS
        while True:
            if not built_in and (self.skip("'") or self.skip("^", "'")):
                primes += "'"
            elif self.skip("^"):
                power = self._power(name, self.script())
            elif built_in and self.skip("_"):
                script = self.script()
                if name != r"\log":
                    raise self.error(f"{name} has no index")
                base = None if script.op == "exponential" else script
            else:
                break
        arguments = self.arguments(name) if self.peek() in CLOSING else [self.bare(name)]
        if len(arguments) > 1 and name not in EXTREMES:
            raise self.error(f"{name} takes one argument")
        if len(arguments) == 1 and name in EXTREMES:
            raise self.error(f"{name} takes two arguments: {name}(a, b)")
        if primes and name + primes in self.letters.withheld:
            self.left_over.append(self.text_from(start))
        result = Node("builtin" if built_in else "call", tuple(arguments), name + primes)
        if base is not None:
            result = Node("fraction", (result, Node("builtin", (base,), r"\log")))
        return Node("power", (result, power)) if power else result

    def _power(self, name: str, script: Node) -> Node:
        if script.op == "number" and name not in (r"\exp", *EXTREMES):
            return script
        raise self.error(
            f"{name} with this exponent can be an inverse or a power: write ({name}(x))^a, or the "
            "inverse by other functions"
        )

    def arguments(self, name: str = "") -> list[Node]:
        """What stands in brackets, with commas between if it belongs to the function of a name."""
        opening = self.take()
        closing = CLOSING[opening]
        bars, self.bars = self.bars, 0
        found = [self.expression()]
        while name and opening != "{" and (self.skip(",") or self.skip(";")):
            found.append(self.expression())
        if not self.skip(closing):
            bracket = f"of {name}" if name else opening
            raise self.error(f"the bracket {bracket} is not closed with {closing} before this")
        self.bars = bars
        return found

    def bare(self, name: str) -> Node:
        """An argument without brackets: what follows directly."""
        if name not in FUNCTIONS:
            raise self.error(f"{name} needs its argument: {name}(z)")
        if self.peek() in ("-", "+"):
            raise self.error(f"put the argument of {name} into brackets")
        if self.peek() in ("", "*", "/", "=") or name in EXTREMES:
            raise self.error(f"{name} needs its argument in brackets")
        inner = self.factor()
        if inner.op == "big":
            return inner
        if inner.op == "number" and self.peek() in ("+", "-"):
            self.remarks.append(
                f"{name} is read as it stands, of {inner.name} alone: is a bracket missing?"
            )
        if self.peek() == "/" or (self.starts_factor() and self.peek() not in MORE):
            raise self.error(f"how far does the argument of {name} go? put it into brackets")
        return inner

    # --- Sums and cases

    def big(self) -> Node:
        """A sum or a product over an index, to the end of its term."""
        command, letter, first, last = self.take(), "", ONE, None
        while self.peek() in ("_", "^"):
            if self.take() == "^":
                last = self.script()
                continue
            braces = self.skip("{")
            letter = self.index().name
            if braces and self.skip("="):
                first = self.expression()
            if braces and not self.skip("}"):
                raise self.error(f"write the range of {command} as {command}_{{b=1}}^{{B}}")
        if not letter or letter.isdigit():
            raise self.error(f"over which index? write {command}_{{b=1}}^{{B}}")
        self.bound[letter] += 1
        body = self.product()
        self.bound[letter] -= 1
        last = last or self.size_of(letter, body)
        return Node("big", (first, last, body), f"{command} {letter}")

    def size_of(self, letter: str, body: Node) -> Node:
        """How far an index goes whose last value is not written: by what it counts."""
        for node in body.walk():
            for index, size in zip(node.args, self.letters.sizes.get(node.name, ()), strict=False):
                if index == Node("symbol", (), letter):
                    return Node("symbol", (), size)
        raise self.error(f"how far does {letter} count? write \\sum_{{{letter}=1}}^{{...}}")

    def cases(self) -> Node:
        r"""``\begin{cases} ... \end{cases}``."""
        for token in (r"\begin", *"{cases}"):
            self.take(token)
        found = []
        while self.peek() != r"\end":
            value = self.expression()
            self.skip(",")
            self.skip("&")
            found.append(Node("case", (value, self.condition())))
            self.skip(ROW)
        for token in (r"\end", *"{cases}"):
            self.take(token)
        return Node("cases", tuple(found))

    def condition(self) -> Node:
        """When a case applies."""
        if self.peek() == "{" and self.peek(1) in (r"\if", r"\else"):
            raise self.error("write the condition without braces")
        bracket = self.skip("(")
        if self.skip(r"\else"):
            return Node("condition", (ZERO, ZERO), "=")
        while self.skip(r"\if"):
            pass
        sides, relations = [self.expression()], []
        while self.peek() in ORDER:
            relations.append(ORDER[self.take()])
            sides.append(self.expression())
        if not relations:
            raise self.error("a case needs its condition: & (z > 0)")
        if bracket:
            self.take(")")
        return Node("condition", tuple(sides), " ".join(relations))

    # --- Derivatives

    def derivative_of_fraction(self, start: int) -> Node:
        r"""What stands behind ``\frac{\partial``."""
        if self.peek() == "^":
            raise self.error("only first derivatives are asked for")
        function = None if self.peek() == "}" else self.differentiated()
        if not self.skip("}", "{", r"\partial"):
            raise self.error(AS_FRACTION)
        place = self.symbol()
        self.take("}")
        self.left_over.append(self.text_from(start))
        return Node("derivative", (function or self.factor(), place))

    def derivative_in_line(self) -> Node | None:
        r"""``\partial \ell / \partial z`` or ``d\ell/dz``, if it stands here."""
        start = self.at
        if self.peek() not in (r"\partial", "d"):
            return None
        known = len(self.left_over), len(self.unknown)
        sign = self.take()
        if sign == r"\partial" and self.peek() == "_":
            self.at = start
            return self.nabla()
        if self.kind() in ("letter", "command") and self.peek() not in (r"\cdot", r"\odot"):
            function = self.differentiated(whole=False)
            if self.peek() == "/" and self.peek(1) == sign:
                self.at += 2
                place = self.symbol()
                self.left_over.append(self.text_from(start))
                return Node("derivative", (function, place))
        if sign == r"\partial":
            raise self.error(AS_FRACTION)
        self.at = start
        del self.left_over[known[0] :], self.unknown[known[1] :]
        return None

    def differentiated(self, whole: bool = True) -> Node:
        """What a derivative is taken of; a function stands there without its argument."""
        name = self.peek()
        if self.scope.is_function(name) and self.peek(1) in ("}", "/"):
            return Node("symbol", (), self.take())
        return self.named_loss() or (self.expression() if whole else self.symbol())

    def nabla(self) -> Node:
        r"""``\nabla_{W_2} L``, ``\partial_z \ell``."""
        start = self.at
        self.take()
        self.take("_")
        braces = self.skip("{")
        place = self.symbol() if braces else self.named(self.take())
        if braces:
            self.take("}")
        function = self.differentiated(whole=False)
        self.left_over.append(self.text_from(start))
        return Node("derivative", (function, place))

    def softmax(self) -> Node:
        r"""``softmax(z)_c``: a probability of the task."""
        self.take()
        unknown = len(self.unknown)
        found = self.arguments("softmax") if self.peek() in CLOSING else []
        del self.unknown[unknown:]
        if [node.name for node in found] != ["z"] or self.peek() != "_":
            raise self.error("softmax gives several numbers: write softmax(z)_c for one of them")
        self.take()
        return self.named("p", indices=self.indices())
