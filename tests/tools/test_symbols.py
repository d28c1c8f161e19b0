"""Each letter of the book has words, and they are those of its chapter."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hwlib.formulas.evaluate import Evaluator
from hwlib.formulas.judge import NUMERIC, Context
from hwlib.formulas.notation import Defined, definition
from tools.equations import report
from tools.equations.extract import read_book
from tools.equations.fingerprint import Written, defined, fingerprints, meaning, read_tables
from tools.sphinx_ext.mathml import to_mathml
from tools.sphinx_ext.symbols import (
    Key,
    Legend,
    Meanings,
    key_of,
    range_of,
    read_meanings,
)
from tools.sphinx_ext.verdicts import card, fresh

WRITTEN = [Written(e.chapter, e.label, e.latex) for e in read_book(report.BOOK)]
CONTEXTS = report.read()


@pytest.fixture(scope="module")
def meanings() -> Meanings:
    return read_meanings(WRITTEN)


def words(meanings: Meanings, chapter: str, latex: str, label: str = "") -> dict[str, str]:
    """Return what is shown at each letter of a formula."""
    legend = Legend(meanings, chapter)
    math = to_mathml(latex, display=True)
    legend.mark(math, label)
    texts = list(legend.texts)
    return {
        "".join(e.itertext()).replace("\u2061", ""): texts[int(e.attrib["data-s"])].words
        for e in math.iter()
        if "data-s" in e.attrib
    }


@pytest.mark.parametrize("equation", WRITTEN, ids=lambda e: e.label)
def test_every_letter_of_a_displayed_equation_has_words(
    meanings: Meanings, equation: Written
) -> None:
    math = to_mathml(equation.latex, display=True)
    Legend(meanings, equation.chapter).mark(math, equation.label)
    letters = [e for e in math.iter("mi") if e.text not in ("∂", "⊤")]
    outside = set(map(id, letters))
    for marked in (e for e in math.iter() if "data-s" in e.attrib):
        outside -= {id(e) for e in marked.iter("mi")}
    left = {e.text for e in letters if id(e) in outside}
    assert left <= {"d"}, "only the d of a derivative has none"


@pytest.mark.parametrize(
    ("chapter", "label", "latex", "letter", "expected"),
    [
        ("01_logistic_loss", "", "y - z", "y", "label of one example"),
        ("02_backpropagation", "", r"X^{\top} (\hat{y} - y)", "y", "labels of the batch"),
        ("02_backpropagation", "eq-relative-error", "g - q", "q", "quotients of differences"),
        ("05_mlp_optimisers", "", "W_2", "W2", "weights of the second hidden layer"),
        ("07_mistakes", "", "W_2", "W2", "weights of the second layer"),
        ("06_cnn", "", r"\eta \lambda", "η", "learning rate"),
        ("06_cnn", "", r"\eta(s)", "η", "learning rate on the way from one rate to another"),
        ("08_ranking", "", "m", "m", "mean of the differences"),
        ("09_way_of_working", "", "m", "m", "mean square of the inputs"),
        ("02_backpropagation", "", r"w^{(1)}_{d,k}", "k", "number of a hidden unit"),
        (
            "02_backpropagation",
            "",
            r"w^{(1)}_{d,k}",
            "wd,k(1)",
            "weight from a feature to a hidden unit",
        ),
    ],
)
def test_the_chapter_decides(
    meanings: Meanings, chapter: str, label: str, latex: str, letter: str, expected: str
) -> None:
    assert words(meanings, chapter, latex, label)[letter] == expected


def test_the_d_of_a_derivative_is_no_symbol(meanings: Meanings) -> None:
    assert "d" not in words(meanings, "02_backpropagation", r"\frac{d}{d z} \sigma(z)")


def test_what_no_table_knows_gets_no_words(meanings: Meanings) -> None:
    assert not words(meanings, "08_ranking", r"\rho")


def test_definitions_are_those_of_the_checker() -> None:
    def plain(context: Context) -> tuple[str, Key, str]:
        found = definition(context.statement)
        assert found
        key = found[0]
        return (
            context.place[: context.place.index(".md")],
            Key(key_of(key.name).name, -1 if key.kind else key.arity),
            context.label,
        )

    expected = {plain(c) for c in CONTEXTS if c.statement.relations[0] == ":="}
    assert {(chapter, key_of(left), label) for chapter, left, label in defined(WRITTEN)} == expected


def test_the_shapes_in_the_table_are_those_of_the_definitions() -> None:
    last = {c.place[: c.place.index(".md")]: c for c in CONTEXTS}
    checked = 0
    for chapter, rows in read_tables().items():
        for symbol, row in rows.items():
            if symbol == "uses" or not meaning(row).startswith("["):
                continue
            scope = last[chapter].scope
            evaluator = Evaluator(scope, NUMERIC, 0, False)
            sizes = meaning(row).strip("[]").split(",")
            stated = tuple(int(n if n.isdigit() else evaluator.named(n)) for n in sizes)
            assert isinstance(scope.find(symbol)[1], Defined)
            assert np.shape(evaluator.named(symbol)) == stated, symbol
            checked += 1
    assert checked >= 5


def test_the_page_on_notation_has_the_letters_and_shapes_of_the_table() -> None:
    tables = read_tables().values()
    rows = [(key_of(k), v) for table in tables for k, v in table.items() if ";" in v]
    page = (report.BOOK / "notation.md").read_text("utf-8").partition("(letters-used-twice)=")[0]
    page = re.sub(r"### Operations.*?(?=###)", "", page, flags=re.DOTALL)
    letters = 0
    for symbols, shape in re.findall(r"^\| (.+?) \| (.+?) \|", page, re.MULTILINE):
        lists = re.findall(r"\$(.+?)\$", symbols)
        for symbol in (s for text in lists for s in text.split(", ")):
            ranges = {range_of(row) for key, row in rows if key == key_of(symbol)}
            assert ranges, symbol
            if sizes := re.fullmatch(r"\$(\w) \\times (\w)\$", shape):
                assert " × ".join(sizes.groups()) in ranges, symbol
            letters += 1
    assert letters > 80


TABLES = {"book": {"a": "real; words"}, "one-example": {}, "02_b": {"uses": ["01_a"]}}
BOOK = [
    Written("01_a", "eq-1", "f := a"),
    Written("02_b", "eq-2", "f = a"),
    Written("03_c", "eq-3", "a = a"),
]


@pytest.mark.parametrize(
    ("changed", "tables", "void"),
    [
        (BOOK, TABLES, set()),
        ([Written("01_a", "eq-1", "f  :=\na"), *BOOK[1:]], TABLES, set()),
        ([Written("01_a", "eq-1", "f := -a"), *BOOK[1:]], TABLES, {"eq-1", "eq-2"}),
        ([*BOOK[:2], Written("03_c", "eq-3", "a = -a")], TABLES, {"eq-3"}),
        (BOOK, TABLES | {"book": {"a": "positive; words"}}, {"eq-1", "eq-2", "eq-3"}),
        (BOOK, TABLES | {"book": {"a": "real; other words"}}, set()),
        (BOOK, TABLES | {"eq-2": {"a": "unit"}}, {"eq-2"}),
    ],
)
def test_a_verdict_is_void_when_what_it_rests_on_changes(
    changed: list[Written], tables: dict[str, dict], void: set[str]
) -> None:
    before, after = fingerprints(BOOK, TABLES), fingerprints(changed, tables)
    assert {label for label in before if before[label] != after[label]} == void


def test_a_changed_equation_does_not_keep_its_tick() -> None:
    digest = fingerprints(WRITTEN, read_tables())["eq-sigmoid"]
    stored = {"eq-sigmoid": {"of": digest, "how": ["definition"]}}
    assert fresh(WRITTEN, stored)["eq-sigmoid"] == ["definition"]
    changed = [e._replace(latex=e.latex.replace("-z", "z")) for e in WRITTEN]
    assert not fresh(changed, stored)["eq-sigmoid"]
    assert "✓" not in card(())
    assert "Changed" in card(())


@pytest.mark.parametrize(
    ("how", "mark", "said"),
    [
        (["proven by SymPy"], "✓", "Proven"),
        (["definition", "holds at random points"], "✓", "1 of 2 relations"),
        (["refuted, as the text says"], "✗", "Refuted"),
    ],
)
def test_a_card_says_how(how: list[str], mark: str, said: str) -> None:
    made = card(how)
    assert mark in made
    assert said in made
    ElementTree.fromstring(made)
    assert re.search("claim-(holds|refuted)", made)
