"""What makes the pages light drops exactly what is unused, and the links between text and code."""

import pytest

from tools.sphinx_ext.light_pages import without_unused_rules
from tools.sphinx_ext.links import used_names

WORDS = {"used", "table", "js-only"}


@pytest.mark.parametrize(
    "rule",
    [
        "html{color:red}",
        ".used .table>a:hover{color:red}",
        "@font-face{font-family:x;src:url(y)}",
        ".js-only:not(.absent){color:red}",
        ".used[class*='.absent']{color:red}",
        "a:is(.used, .table){color:red}",
        r".sd-1\/2{width:50%}",
        '@charset "utf-8";.used{color:red}',
        "@keyframes turn{0%{top:0}100%{top:1px}}",
        "@media print{.used{color:red}}",
    ],
)
def test_what_pages_use_is_kept(rule: str) -> None:
    assert without_unused_rules(rule, WORDS) == rule


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (".absent{color:red}", ""),
        (".used,.absent{color:red}", ".used{color:red}"),
        (".used .absent{color:red}", ""),
        ("@media print{.absent{color:red}}", ""),
        ("/* .used, see https://example.org */html{color:red}", "html{color:red}"),
        ("/*! MIT */.absent{color:red}", "/*! MIT */"),
        ('@charset "utf-8";.absent{color:red}', '@charset "utf-8";'),
    ],
)
def test_what_no_page_uses_goes(rule: str, left: str) -> None:
    assert without_unused_rules(rule, WORDS) == left


def test_names_used_in_cells_lead_to_the_module_that_defines_them() -> None:
    source = """
import numpy as np
from hwlib import plot, predict
from hwlib.train import fit as train
plot.use_style()
np.zeros(3)
"""
    found = used_names(source)
    assert found["predict"] == "hwlib.two_layer.predict"
    assert found["train"] == "hwlib.train.fit"
    assert found["plot.use_style"] == "hwlib.plot.use_style"
    assert "np.zeros" not in found
