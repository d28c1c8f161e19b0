"""What is false is never taken for true, what is true never for false; the rest is refused."""

import ast
from pathlib import Path

import pytest

from hwlib.formulas import judge, symbolic
from hwlib.formulas.judge import Context, Link, find_failure
from hwlib.formulas.normalise import split_statements
from hwlib.formulas.notation import Scope, declaration, definition
from hwlib.formulas.parse import parse, parse_expression
from hwlib.formulas.tree import NotationError

FORMULAS = Path(judge.__file__).parent
DECLARED = {
    "B": "size 2 4 3 5",
    "T": "size 3 2 4 3",
    "D": "size 3 2 4 3",
    "d": "index D",
    "i": "index B",
    "j": "index D",
    "x": "real",
    "z": "real",
    "w": "real",
    "q": "real",
    r"\theta": "real",
    "u": "integer",
    "y": "unit",
    "a": "unit",
    "p": "unit",
    "s": "small",
    "r": "positive",
    "X": "real[B,D]",
    "Y": "real[B,D]",
    "x_{i,j}": "entry of X",
    "c_i": "real",
    "w_{i,j}": "entry of W",
    "g()": "function",
    "W": "real[D,D]",
}
DEFINED = [
    r"\sigma(z) := \frac{1}{1 + e^{-z}}",
    r"f(x) := x^3",
    r"h(x) := \begin{cases} x & (x > 0) \\ 0 & (x \le 0) \end{cases}",
]


def asserted(latex: str) -> list[Link]:
    scope = Scope(dict(declaration(*row, parse_expression) for row in DECLARED.items()))
    for text in DEFINED:
        found = definition(parse(text))
        assert found
        scope = scope.extended(dict([found]))
    statements = [parse(text) for text in split_statements(latex)]
    return [link for statement in statements for link in Context(statement, scope).links]


def verdict(latex: str) -> str:
    try:
        failures = [f for link in asserted(latex) if (f := find_failure(link))]
    except NotationError:
        return "refused"
    if any(not f.refused for f in failures):
        return "refuted"
    return "refused" if failures else "holds"


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{d\sigma(z)}{dz} = \sigma(z) (1 - \sigma(z))",
        r"\frac{d \sigma}{d z} = \sigma(z) \sigma(-z)",
        r"\frac{d}{dz} z^2 = 2 z",
        r"\frac{dw^2}{dw} = 2 w",
        r"\frac{\partial w^2}{\partial q} = 0",
        r"\frac{1}{d} d = 1",
        r"\tanh(z) \le 1",
        r"\tanh(z) < 1",
        r"\log(1 + e^{z}) \ge 0",
        r"e^{z} > 0",
        r"y \ne 2",
        r"\log y = \log(y)",
        r"x \log y + 1 = 1 - x \log\frac{1}{y}",
        r"\tfrac12 x = \frac{x}{2}",
        r"\dfrac{x}{2} = 0.5 x",
        r"0{,}5 x = \frac x2",
        r"\frac1{\frac12} = 2",
        r"\big(1 - \sigma(z)\big) = \sigma(-z)",
        r"\sigma'(z) = \sigma(z) \cdot \bigl(1 - \sigma(z)\bigr)",
        r"\left\lvert -z \right\rvert = |z|",
        r"\exp(x) = e^x",
        r"X^\top Y = (Y^\top X)^\top",
        r"X^T Y = (Y^{T} X)^T",
        r"\begin{aligned} z &= z \\[1cm] 0 &= 0 \end{aligned}",
        r"\begin{aligned} z^2 &= z \cdot z \\[4pt] &= z^2 \end{aligned}",
        r"\begin{aligned}[t] z &= z \\* x &= x \end{aligned}",
        r"\begin{alignedat}{2} z &= z \end{alignedat}",
        r"h(x) + h(-x) = |x|",
        r"-\log(1 - \sigma(z)) = \max(z, 0) + \log(1 + e^{-|z|})",
    ],
)
def test_what_is_true_holds(latex: str) -> None:
    assert verdict(latex) == "holds"


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{dw^2}{dw} = w",
        r"\frac{dw^2}{dw} = \frac{dw^2}{dq} \frac{dq}{dw}",
        r"z^2 \le 9",
        r"\log(1 + e^{z}) \le 4",
        r"\tanh(z) \le 0.9951",
        r"a \ge 0.05",
        r"a \le 0.95",
        r"|z| \ge 0.2",
        r"s \le 0.95",
        r"r < 3.5",
        r"\min(z, 5) = z",
        r"\max(a, 0.05) = a",
        r"\log y + 1 = \log(y + 1)",
        r"X^T Y = Y^T X",
        r"z < z + 0",
    ],
)
def test_what_is_false_does_not_hold(latex: str) -> None:
    assert verdict(latex) in ("refuted", "refused")


@pytest.mark.parametrize(
    "latex",
    [
        r"a^{(i)} a^{(j)} = a^{(i + j)}",
        r"a^{[2]} = a \cdot a",
        r"\theta^T \theta = \theta^{T+1}",
        r"x_{ij} = x_{ji}",
        r"c_{ij} = c_{ji}",
        r"\frac{d^2 f(x)}{d x^2} = 6 x",
        r"\frac{d^2 f(x)}{d x^2} = \frac{f(x)}{x^2}",
        r"\frac{\partial^2 f(x)}{\partial x^2} = 6 x",
        r"\max(1,000) = 1",
        r"1{,}000 x = x",
        r"1,5 = 1",
        r"x^10 = x^{10}",
        r"\log y z = z \log y",
        r"9^{9^{9}} x = 9^{9^{9}} x",
        r"\frac{1}{2 = 2",
        r"\foo = \foo",
        r"\max(z) = z",
        r"\max z = z",
        r"\frac{dg}{dz} = 0",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(latex: str) -> None:
    assert verdict(latex) == "refused"


@pytest.mark.parametrize(
    "latex",
    [
        r"\log(\sigma(z)) = z - \log(1 + e^{z})",
        r"\sigma'(z) = \frac{1}{2 + e^{z} + e^{-z}}",
        r"\max(z, 0) + \log(1 + e^{-|z|}) = \log(1 + e^{z})",
        r"\log(\frac{x}{x}) = 0",
    ],
)
def test_sympy_proves_what_is_true(latex: str) -> None:
    [link] = asserted(latex)
    assert symbolic.prove(link)


@pytest.mark.parametrize(
    "latex",
    [
        r"h(x) = 0",  # the case x > 0 cannot be decided for a symbol
        r"h(x) = x",
        r"\sqrt{z^2} = z",
        r"|z| = z",
        r"\log(z^2) = 2 \log(z)",
        r"\max(z, 0) - y z + \log(1 + e^{-z}) = \log(1 + e^{z}) - y z",
        r"\frac{z}{z} = 1 + 10^{-60}",
        r"9^{9^{9}} = 9^{9^{9}}",
    ],
)
def test_sympy_does_not_prove_what_is_false_or_unknown(latex: str) -> None:
    [link] = asserted(latex)
    assert not symbolic.prove(link)


def test_a_formula_knows_nothing_of_the_book() -> None:
    for path in FORMULAS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                inside = name.startswith("hwlib.formulas")
                assert inside or name.split(".")[0] not in ("tools", "hwlib", "studies", "tests")
        text = path.read_text(encoding="utf-8")
        assert "notation.toml" not in text
        assert path.name == "__init__.py" or "book" not in text.lower().replace("of the book", "")
