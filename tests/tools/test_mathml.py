"""The LaTeX of the chapters becomes MathML that browsers set as the reader expects."""

import pytest

from tools.sphinx_ext.mathml import to_mathml


@pytest.mark.parametrize(
    "latex",
    [r"\sum_{c=1}^{C} t_c", r"\log\left( \sum_{c=1}^{C} t_c \right)", r"\prod_{b=1}^{B} p_b"],
)
def test_limits_of_displayed_sums_stand_below_and_above(latex: str) -> None:
    assert "<munderover><mo>" in to_mathml(latex, "block")
    assert "munderover" not in to_mathml(rf"\frac{{1}}{{\left( {latex} \right)}}", "block")


def test_a_definition_has_one_sign_of_its_own() -> None:
    assert "<mo>≔</mo>" in to_mathml(r"\sigma(z) := 1", "block")


def test_aligned_rows_have_two_columns() -> None:
    rows = to_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block")
    assert rows.count("<mtr>") == 2
    assert rows.count('<mtd columnalign="right">') == rows.count('<mtd columnalign="left">') == 2
