"""The stored measurement of accuracy: what it promises, and how the chapter reads it."""

import json
from pathlib import Path

import pytest

from hwlib.course.records import find_record
from studies.accuracy.page import LIBRARIES, accuracy_rows, tables

BOOK = Path(__file__).parents[2] / "book"
FUNCTIONS = ["sigmoid", "softplus", "loss, hard labels", "loss, soft labels"]


def row(library, worst, *, function="loss", precision="float64", normal=None):
    return {
        "function": function,
        "unit": "larger term" if function == "slope" else "result",
        "library": library,
        "precision": precision,
        "worst": worst,
        "worst_normal": worst if normal is None else normal,
    }


@pytest.fixture
def record(monkeypatch):
    monkeypatch.chdir(BOOK)
    return json.loads(find_record("accuracy.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", [BOOK, BOOK.parent])
def test_record_is_found_from_where_notebooks_run(monkeypatch, folder):
    monkeypatch.chdir(folder)
    assert find_record("accuracy.json").resolve() == BOOK / "data" / "accuracy.json"


def test_missing_record_is_an_error_that_says_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"expected accuracy\.json in data or book.data"):
        find_record("accuracy.json")


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_measurement_keeps_what_the_book_promises(record, precision):
    rows = [row for row in record["rows"] if row["precision"] == precision]
    assert {row["library"] for row in rows} == set(LIBRARIES)
    ours = {row["function"]: row for row in rows if row["library"] == "hwlib"}
    assert all(row["points"] >= 100_000 for row in ours.values())
    assert all(ours[function]["worst"] <= 2.5 for function in FUNCTIONS)
    assert ours["derivative, hard labels"]["worst"] <= 4
    # Close to its zero the derivative keeps the digits of its larger term only.
    assert ours["derivative, soft labels"]["unit"] == "larger term"
    assert ours["derivative, soft labels"]["worst"] <= 3.5


def test_the_page_shows_what_was_measured(record):
    assert record["tables"] == tables(record)


def test_table_shows_the_worst_normal_error_and_says_where_no_digit_is_right():
    rows = [
        row("hwlib", 9.0, normal=1.25),
        row("PyTorch", 2.0**51),
        row("SciPy", 12_345.0),
        row("PyTorch", 2.0**22, precision="float32"),
        row("SciPy", 2.0**22 - 1, precision="float32"),
        row("hwlib", 3.0, function="slope"),
    ]
    assert accuracy_rows({"rows": rows}, ["loss"], ["hwlib", "PyTorch", "SciPy"]) == [
        ["loss", "float32", "–", "none right", "4e+06"],
        ["loss", "float64", "1.2", "none right", "1e+04"],
    ]
    assert accuracy_rows({"rows": rows}, ["slope"], ["hwlib"])[1] == [
        *("slope (of the larger term)", "float64", "3.0")
    ]
