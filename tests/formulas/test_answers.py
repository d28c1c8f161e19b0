"""Formulas as students type them: right in any form, wrong, or not read; no guess, and no hang.

The answers stand in `answers.txt`. What is hostile must be answered as well, soon and by a result.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwlib import check
from hwlib.check.formulas import FORMULAS, TABLES

LINES = (Path(__file__).parent / "answers.txt").read_text("utf-8").splitlines()
CASES = [
    (*line.split(" ", 2), "")[:3] for line in LINES if line.strip() and not line.startswith("#")
]
EXPECTED = {"right": "right", "wrong": "wrong", "not": "not read"}
SECONDS = 20  # of the processor, for an answer that is meant to take for ever; it takes one or two
HOSTILE = [
    r"10^{10^{10}}",
    r"9^{9^{9^{9}}} (\hat y - y)",
    r"e^{e^{e^{e^{e^{z}}}}}",
    r"z^{z^{z^{z^{z}}}}",
    "(" * 5000,
    "(" * 2000 + "z" + ")" * 2000,
    r"\frac{" * 1500,
    r"\sqrt{" * 500 + "z" + "}" * 500,
    r"\log " * 1900 + "z",
    r"\sigma(" * 1200 + "z" + ")" * 1200,
    r"\hat" * 2400,
    "z" * 5000,
    "z/" * 2500 + "z",
    "|" * 5000,
    "-" * 5000,
    "^" * 5000,
    "=".join("z" * 2500),
    "1" * 5000,
    "z" * 20_000,
    r"\sum_{i=1}^{10^{12}} i",
    r"\sum_{i=1}^{900}\sum_{j=1}^{900}\sum_{k=1}^{900} z",
    r"\prod_{i=1}^{1000} 10^{1000}",
    r"\sin(10^{400000})",
    r"\sin(\prod_{i=1}^{1000} 10^{1000})",
    r"\tanh(\prod_{i=1}^{1000} 10^{1000})",
    r"\prod_{i=1}^{1000} 10^{1000} ^ y",
    r"\cosh(10^{10^6})",
    r"(-1.5)^{10^{300000}}",
    r"\max(" + "z," * 2000 + "z)",
    r"\frac{d \frac{d \frac{d \frac{d z^9}{dz}}{dz}}{dz}}{dz} = \hat y - y",
    "\0\ud800\u0302",
    "\\",
    "{",
    r"\begin{cases}",
    r"\begin{cases} 1 & \hat y",
    r"W^{(2",
    r"\sum_{i=1}^{y} i",
    r"\max_{k=3}^{2} k",
    "softmax z + 1",
    "__import__('os').abort()",
]


@pytest.mark.parametrize(("verdict", "task", "answer"), CASES)
def test_what_students_type_is_judged_as_a_reader_would(verdict, task, answer):
    result = check.formula(task, answer.replace("⏎", "\n"))
    assert result.verdict == EXPECTED[verdict], repr(result)
    assert bool(result) == (verdict == "right")
    assert result or (result.hint and repr(result).startswith("✗"))
    assert verdict != "wrong" or (result.got != result.expected and result.given)


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_a_hostile_answer_gets_its_result_soon(answer):
    for task in ("loss-by-logit", "gradient-w1-matrix"):
        start = time.process_time()
        assert check.formula(task, answer).verdict in ("wrong", "not read")
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("answer", [None, 5, b"z", lambda: "z"])
def test_what_is_no_text_is_told_so(answer):
    result = check.formula("loss", answer)
    assert (result.verdict, "text" in result.hint) == ("not read", True)


def test_an_unknown_task_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match="sigmoid-slope"):
        check.formula("no-such-task", "z")


@pytest.mark.parametrize("task", FORMULAS)
def test_each_typical_mistake_is_wrong_and_gets_its_own_hint(task):
    mistakes = TABLES[task].get("mistakes", {})
    assert mistakes
    for latex, hint in mistakes.items():
        result = check.formula(task, latex)
        assert (result.verdict, result.hint) == ("wrong", hint), repr(result)


@pytest.mark.parametrize("task", FORMULAS)
def test_the_right_formula_is_right_unless_it_is_a_letter_to_be_written_out(task):
    found = check.formula(task, TABLES[task]["right"]).verdict
    assert found == ("not read" if task == "loss" else "right")


def test_what_cannot_be_read_is_quoted_with_what_to_write():
    result = check.formula("loss-by-prediction", r"(\hat y - y) / \hat y (1 - \hat y)")
    assert "▸(1" in result.hint
    assert r"\frac{a}{b}" in result.hint
    result = check.formula("loss", r"-y \log \hat y - (1-y) \log 1 - \hat y")
    assert re.search("1 alone.*bracket missing", result.hint)
    result = check.formula("loss-by-logit", r"\frac{\partial \ell}{\partial \hat y} = \hat y - y")
    assert "left side" in result.hint


def test_a_point_shows_a_difference_however_small():
    result = check.formula("loss-by-logit", r"\hat y - y + 10^{-30}")
    assert result.verdict == "wrong"
    assert result.got != result.expected


def test_the_answer_to_an_exercise_is_a_function_or_its_text():
    for answer in (lambda: r"\log \frac{y}{1 - y}", r"\log \frac{y}{1 - y}"):
        result = check.best_logit(answer)
        assert (result.points, result.possible) == (1, 1)
    assert "above 1/λ" in check.step_count(r"\frac{\log r}{\log(1 - \eta \lambda)}").hint
    assert not check.tanh_gradient(lambda: 1)


def test_no_other_check_loads_what_reads_formulas():
    code = "import sys, hwlib; from hwlib import check; check.predict(hwlib.predict)"
    code += "; print({'mpmath', 'sympy', 'lark'} & set(sys.modules))"
    code += "; check.formula('loss', 'y'); print({'sympy', 'lark', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout.split("\n")[:2] == ["set()", "set()"], done.stderr
