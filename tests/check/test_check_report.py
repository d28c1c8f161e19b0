"""What a check and a report show: as text, as HTML, and as JSON."""

import json

import numpy as np
import pytest

from hwlib import check, sigmoid
from hwlib.check.outcome import forget


@pytest.fixture(autouse=True)
def nothing_checked_before():
    forget()
    yield
    forget()


def wrong_sigmoid(z):
    return 1 / (1 + np.exp(z))


def test_a_passed_check_says_what_was_looked_at_and_its_points():
    result = check.sigmoid(sigmoid)
    assert result
    assert repr(result).startswith("✓ sigmoid: shape")
    assert f"{result.points} of {result.possible} point" in repr(result)
    assert "✓" in result._repr_html_()
    assert "#1a7f4b" in result._repr_html_()


def test_a_failed_check_shows_input_value_expectation_and_hint():
    result = check.sigmoid(wrong_sigmoid)
    assert not result
    assert result.points == 0
    first, *others = repr(result).splitlines()
    assert first.startswith("✗ sigmoid, step")
    assert [line.split(":")[0].strip() for line in others] == ["input", "came", "expected", "hint"]
    shown = result._repr_html_()
    assert "#b3261e" in shown
    assert "<b>hint:</b>" in shown


def test_the_report_sums_up_the_latest_result_of_each_task(tmp_path):
    check.sigmoid(sigmoid)
    check.sigmoid(wrong_sigmoid)
    report = check.report()
    rows = {name: (points, what) for name, points, what in report.rows()}
    assert rows["sigmoid"][0].startswith("0/")
    assert "it " in rows["sigmoid"][1]
    assert rows["predict"][1] == "not checked"
    check.sigmoid(sigmoid)
    report = check.report(chapter=1)
    assert {what for name, _, what in report.rows() if name == "sigmoid"} == {"passed"}
    assert repr(report).splitlines()[-1].split()[-1] == f"{report.points}/{report.possible}"
    assert report._repr_html_().count("<tr>") == len(report.rows()) + 2
    written = json.loads(report.write(tmp_path / "report.json").read_text(encoding="utf-8"))
    assert written["points"] == report.points > 0
    assert written["results"]["predict"] is None


def test_a_report_on_no_chapter_is_an_error():
    with pytest.raises(ValueError, match="expected one of"):
        check.report(chapter=99)


def test_an_unknown_check_is_an_error_that_names_the_known_ones():
    with pytest.raises(AttributeError):
        check.no_such_task  # noqa: B018
    assert "stable_logistic_loss" in dir(check)
