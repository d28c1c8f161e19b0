"""Every display equation of the book holds, the code agrees with it, and errors are noticed."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import implementations
import planted
import pytest
from unbound import unbound

from hwlib.formulas.judge import Context, Link, find_failure
from hwlib.formulas.tree import NotationError
from tools.equations import report
from tools.equations.extract import chapters, equation, read_book
from tools.equations.fingerprint import STORED, named_in
from tools.equations.report import Decision
from tools.equations.tables import contexts

BOOK = report.BOOK
# The wrong equations of the hand-in, and the right ones of the book in whose place they stood.
HANDED_IN = {
    "eq-wrong-stable-loss": "eq-stable-loss",
    "eq-wrong-prediction-derivative": "eq-prediction-derivative",
    "eq-wrong-output-slope": "eq-logit-by-second-weight",
    "eq-wrong-logit-by-first-weight": "eq-logit-by-first-weight",
}


@pytest.fixture(scope="module")
def book() -> list[Context]:
    return report.read()


@pytest.fixture(scope="module")
def decisions(book: list[Context]) -> list[Decision]:
    return list(report.decisions(book))


def test_every_equation_holds(decisions: list[Decision]) -> None:
    failures = [str(d.failure) for d in decisions if d.failure]
    assert not failures, "\n\n".join(failures)


def test_the_website_shows_these_decisions(decisions: list[Decision]) -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert stored == report.verdicts(decisions), "run `make equations`, which stores them"


def test_every_equation_has_a_label_of_its_own(book: list[Context]) -> None:
    equations = {c.place: c.label for c in book}
    doubled = [label for label, n in Counter(equations.values()).items() if n > 1]
    unlabelled = [label for label in equations.values() if not label.startswith("eq-")]
    assert not doubled
    assert not unlabelled


def test_every_update_is_compared_with_the_code(decisions: list[Decision]) -> None:
    updates = {d.link.context.label for d in decisions if d.link.kind == "update"}
    assert updates
    assert updates <= set(implementations.ADAPTERS)


def test_the_wrong_equations_are_refuted(decisions: list[Decision]) -> None:
    refuted = {d.link.context.label for d in decisions if d.how == "refuted, as the text says"}
    assert refuted == set(HANDED_IN)


@pytest.mark.no_cover  # the measurement slows this algebra threefold
@pytest.mark.parametrize("wrong", HANDED_IN)
def test_an_equation_of_the_hand_in_put_in_place_of_the_right_one(
    wrong: str, tmp_path: Path
) -> None:
    right = HANDED_IN[wrong]
    for path in chapters(BOOK):
        shutil.copy(path, tmp_path)
    [handed_in] = [e for e in read_book(BOOK) if e.label == wrong]
    [place] = [e for e in read_book(BOOK) if e.label == right]
    path = tmp_path / f"{place.chapter}.md"
    block = re.compile(rf"(:label: {right}\n).*?(\n```)", re.DOTALL)
    latex = handed_in.statements[0].text
    text, count = block.subn(
        lambda m: f"{m[1]}{latex}{m[2]}", path.read_text(encoding="utf-8"), count=1
    )
    assert count == 1
    path.write_text(text, encoding="utf-8")
    stated = [c for c in contexts(read_book(tmp_path)) if c.label == right]
    failures = [str(f) for c in stated for link in c.links if (f := find_failure(link))]
    assert failures
    assert f"{place.chapter}.md, line {place.line}, {right}" in failures[0]
    assert re.search(r"^left  = \S+", failures[0], re.MULTILINE)
    assert re.search(r"^right = \S+", failures[0], re.MULTILINE)
    assert re.search(r"^at point \d+: .+ = .+", failures[0], re.MULTILINE)


def test_the_code_agrees_with_the_equations_that_it_names(book: list[Context]) -> None:
    assert not implementations.disagreements(book)


def test_every_function_that_names_an_equation_is_compared_with_it(book: list[Context]) -> None:
    named = named_in(BOOK.parent / "hwlib")
    labels = {c.label for c in book}
    assert set(named) <= labels
    assert set(named) <= set(implementations.ADAPTERS)
    assert set(implementations.ADAPTERS) <= labels


def test_every_equation_is_compared_with_something_outside_of_it(book: list[Context]) -> None:
    alone = list(unbound(book))
    assert not alone, "compare with a function in tests/book/bindings.py:\n" + "\n".join(alone)


@pytest.mark.parametrize(
    ("latex", "alone"),
    [
        (r"\frac{\partial}{\partial z} (z + z) = 2", True),
        (r"2 \sigma(z) = \sigma(z) + \sigma(z)", True),
        (r"\tau := 2 z", True),
        (r"\sigma(z) = \frac{e^{z}}{e^{z} + 1}", False),
        (r"\frac{\partial \ell}{\partial z} = \sigma(z) - y", False),
    ],
)
def test_an_equation_about_nothing_else_is_noticed(
    latex: str, alone: bool, book: list[Context]
) -> None:
    assert any("eq-x" in found for found in unbound([*book, link_of(latex).context])) is alone


@pytest.mark.no_cover  # the measurement slows this algebra threefold
def test_planted_errors_are_noticed(book: list[Context]) -> None:
    """Every error that can be planted in an equation is caught, or proven to be none."""
    read = planted.Book(BOOK)
    verdicts = [read.judge(error) for error in read.planted()]
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    missed = [
        f"{v.mutant.context.place}: {v.mutant.text}" for v in verdicts if v.outcome == "missed"
    ]
    caught = {v.mutant.context.label for v in verdicts if v.outcome in ("refuted", "refused")}
    assert len(verdicts) >= 2000
    assert not missed, "\n".join(missed)
    assert caught == {c.label for c in book} - set(HANDED_IN)
    # An error that is none, such as exchanged factors of a product, must stay the exception.
    assert outcomes["equivalent"] <= 0.02 * len(verdicts)


def link_of(latex: str, label: str = "eq-x") -> Link:
    """The first link of an equation put at the end of chapter 2."""
    equations = [e for e in read_book(BOOK) if e.chapter < "03"]
    equations.append(equation("02_backpropagation", label, 999, latex))
    *_, last = contexts(equations)
    return last.links[0]


@pytest.mark.parametrize(
    "latex",
    [
        r"\sigma(z) + \sigma(-z) = 1",
        r"\frac{\partial L}{\partial W_2} = \frac{1}{B} A_1^{\top} (\hat{y} - y)",
        r"\sum_{b=1}^{B} z_b^{2} = z_2^{\top} z_2",
        r"z^{2} \ge 0",
    ],
)
def test_what_is_true_passes(latex: str) -> None:
    assert find_failure(link_of(latex)) is None


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\sigma(z) - \sigma(-z) = 1", "left  ="),
        (r"\frac{\partial L}{\partial W_2} = \frac{1}{B} A_1 (\hat{y} - y)", "shape|cannot"),
        (r"\frac{\partial L}{\partial W_2} = A_1^{\top} (\hat{y} - y)", "entry"),
        (r"z^{2} \ge 1", "left  ="),
        (r"\sigma(z) = \tau", "unknown symbol"),
    ],
)
def test_what_is_false_or_unknown_fails_and_says_why(latex: str, message: str) -> None:
    assert re.search(message, str(find_failure(link_of(latex))))


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\tau := \log(-1 - z^{2})", "has no value at any point tried"),
        (r"\tau := \phi z", "cannot be evaluated: unknown symbol"),
    ],
)
def test_a_definition_without_a_value_fails(latex: str, message: str) -> None:
    assert message in str(find_failure(link_of(latex)))


@pytest.mark.parametrize(
    "latex", [r"z = \operatorname{foo} z", r"z = ", r"z = \text{something}", r"z = (z", r"z"]
)
def test_what_cannot_be_parsed_is_an_error_with_its_place(latex: str) -> None:
    with pytest.raises(NotationError, match=r"02_backpropagation\.md, line 999, eq-x"):
        link_of(latex)


def test_all_math_directives_of_the_book_are_read(book: list[Context]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in chapters(BOOK)]
    written = sum(text.count("{math}") for text in texts)
    assert len({c.place for c in book}) == written
