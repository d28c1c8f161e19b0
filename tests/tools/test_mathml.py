"""The LaTeX of the chapters becomes MathML that browsers set as the reader expects."""

import re
from xml.etree import ElementTree

import pytest
from math_core import LatexError

from tools.sphinx_ext.mathml import formula, to_mathml


def converted(latex: str, *, display: bool = True) -> str:
    return ElementTree.tostring(to_mathml(latex, display=display), encoding="unicode")


def pieces(latex: str) -> list[list[str]]:
    """Return the text of each piece that a line of the page keeps together, part by part."""
    box = ElementTree.fromstring(formula(to_mathml(latex, display=True)).replace("<wbr>", ""))
    parts = [part for part in box.iter("span") if part.get("class") == "part"]
    return [["".join(math.itertext()).replace("\u2061", "") for math in p] for p in parts]


def test_limits_of_displayed_sums_stand_below_and_above() -> None:
    assert "<munderover><mo" in converted(r"\sum_{c=1}^{C} t_c")
    assert "<munderover><mo" in converted(r"\log\left( \sum_{c=1}^{C} t_c \right)")


def test_a_definition_has_one_sign_of_its_own() -> None:
    assert "<mo>≔</mo>" in converted(r"\sigma(z) := 1")


def test_a_prefix_minus_stands_close_and_another_does_not() -> None:
    assert '<mo lspace="0" rspace="0">−</mo>' in converted("-z")
    assert "<mo>−</mo>" in converted("a - z")


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"y\log(z)", '<mi>y</mi><mspace width="0.1667em" />'),
        (r"\max(a, 0)", '<mi>max</mi></mrow><mo>\u2061</mo><mrow><mo stretchy="false">('),
        ("a|z|b", '|</mo><mi>z</mi><mo stretchy="false" lspace="0" rspace="0">|'),
        (r"\|g\|", '<mo stretchy="false" lspace="0" rspace="0">‖</mo><mi>g</mi>'),
        ("w_{d,k}", '<mo rspace="0">,</mo>'),
        (r"a\sum_i b", '<mi>a</mi><mspace width="0.1667em" /><munder><mo lspace="0" rspace="0">∑'),
        (r"a\sum_i b", '</munder><mspace width="0.1667em" /><mi>b</mi>'),
        (r"a = \sum_i (b)", "<mo>=</mo><munder>"),
        (r"a = \sum_i (b)", '</munder><mo stretchy="false">('),
        (r"-\sum_i b", '<mo lspace="0" rspace="0">−</mo><mspace width="0.1667em" /><munder>'),
    ],
)
def test_spaces_are_those_of_tex(latex: str, expected: str) -> None:
    assert expected in converted(latex)


def test_a_prime_is_raised_once() -> None:
    assert "msup" not in converted(r"\sigma'(z)")
    assert converted(r"x^2").count("<msup>") == 1


@pytest.mark.parametrize(("latex", "stretches"), [("z + 1", False), (r"\frac{1}{2}", True)])
def test_brackets_stretch_around_what_is_tall(latex: str, stretches: bool) -> None:
    made = converted(rf"a \left( {latex} \right)")
    assert (made.count('stretchy="false"') < 2) is stretches


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(LatexError):
        to_mathml(r"\unknown{z}", display=True)


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("a = -b + c", [["a"], ["=−b", "+c"]]),
        ("a := (b + c) - |d - e|", [["a"], ["≔(b+c)", "−|d−e|"]]),
        (r"\log(1 + a) \ge \log(b)", [["log(1+a)"], ["≥log(b)"]]),
        (r"a \left( b - c \right) = d", [["a(b−c)"], ["=d"]]),
        (r"a = b \quad (c \ge 0)", [["a"], ["=b"], ["(c≥0)"]]),
    ],
)
def test_a_line_ends_only_before_a_sign_that_stands_outside_of_brackets(
    latex: str, expected: list[list[str]]
) -> None:
    assert pieces(latex) == expected


def test_aligned_rows_have_two_sides() -> None:
    rows = formula(to_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", display=True))
    assert len(re.findall('class="row-of-equation"', rows)) == 2
    assert len(re.findall('class="side"', rows)) == 4
