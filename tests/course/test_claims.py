"""Claims: what holds, what fails, and what a notebook stores of them for the page."""

import configparser
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as settings_of_tests
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from myst_nb.ext.glue import extract_glue_data_cell, glue
from traitlets.config import Config

from hwlib.course.claims import EXACT, Claim, ClaimError, claim, environment, settings, table

REAL, STAND_IN = SimpleNamespace(is_stand_in=False), SimpleNamespace(is_stand_in=True)


@pytest.fixture(scope="module", autouse=True)
def shell(tmp_path_factory):
    """An IPython shell, as there is one in every notebook."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        config = Config()
        config.HistoryManager.enabled = False
        made = InteractiveShell.instance(config=config)
        yield made
        made.restore_sys_module_state()
        InteractiveShell.clear_instance()


def stored(show, *args, **options):
    """The outputs that a cell with this call leaves in the notebook's file."""
    with capture_output() as captured:
        assert show(*args, **options) is None  # a value would be shown a second time
    assert (captured.stdout, captured.stderr) == ("", "")
    outputs = [
        nbformat.v4.new_output(
            "display_data", data=dict(o.data), metadata=json.loads(json.dumps(o.metadata))
        )
        for o in captured.outputs
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])
    nbformat.validate(notebook)
    return outputs


def line(*args, **options):
    """The line that the reader sees."""
    return stored(claim, *args, **options)[0].data["text/plain"]


def glued(outputs):
    """What MyST-NB finds in the outputs, by name."""
    cell = nbformat.v4.new_code_cell("", outputs=outputs)
    return {key: output.data["text/plain"] for key, output in extract_glue_data_cell(cell)}


# --- Intervals ------------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings_of_tests(max_examples=40)
@given(value=NUMBERS, low=st.none() | NUMBERS, high=st.none() | NUMBERS)
def test_a_claim_holds_exactly_within_its_interval(value, low, high):
    if low is not None and high is not None and low > high:
        with pytest.raises(ValueError, match="expected low <= high"):
            claim("name", "Sentence", value, low=low, high=high)
    elif (low is not None and value < low) or (high is not None and value > high):
        with pytest.raises(ClaimError, match="either the code has changed"):
            claim("name", "Sentence", value, low=low, high=high)
    else:
        made = stored(claim, "name", "Sentence", value, low=low, high=high)[0].metadata["claim"]
        assert made["status"] == ("measured" if low is None and high is None else "holds")
        assert made["value"] == value


def test_ends_belong_to_the_interval():
    assert line("name", "Sentence", 1.0, low=1.0, high=2.0).startswith("✓ ")
    assert line("name", "Sentence", 2.0, low=1.0, high=2.0).startswith("✓ ")
    for value in (np.nextafter(1.0, 0.0), np.nextafter(2.0, 3.0)):
        with pytest.raises(ClaimError, match=r"name: Sentence: expected 1 to 2, got"):
            claim("name", "Sentence", value, low=1.0, high=2.0)


@pytest.mark.parametrize("bounds", [{"low": 0}, {"high": 1}, {"low": 0, "high": 1}, {"exactly": 3}])
@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), torch.tensor(float("nan"))])
def test_nan_never_holds(bounds, value):
    with pytest.raises(ClaimError, match="got"):
        claim("name", "Sentence", value, **bounds)


def test_nan_is_not_even_measured():
    with pytest.raises(ClaimError, match="got nan"):
        claim("name", "Sentence", float("nan"))


@pytest.mark.parametrize("value", [float("inf"), -float("inf")])
def test_infinity_is_outside_of_finite_bounds(value):
    with pytest.raises(ClaimError):
        claim("name", "Sentence", value, low=-1e300, high=1e300)


def test_exact_claims():
    shown = line("name", "Parameters", 89_610, exactly=89_610, digits=0)
    assert shown == "✓ Parameters: 89,610 (exactly this value)"
    with pytest.raises(ClaimError, match="expected exactly this value, got 89611"):
        claim("name", "Parameters", 89_611, exactly=89_610)


def test_a_failed_claim_shows_and_stores_nothing():
    with capture_output() as captured, pytest.raises(ClaimError):
        claim("name", "Sentence", 2, high=1)
    assert captured.outputs == []


def test_on_the_stand_in_nothing_is_compared_and_the_line_says_so():
    shown = line("name", "Accuracy", 12.34, low=88, high=89, data=STAND_IN, unit=" %")
    assert shown == "– [not compared] Accuracy: ≈12.34 % (88 to 89 %)"
    with pytest.raises(ClaimError):
        claim("name", "Accuracy", 12.34, low=88, high=89, data=REAL)


@pytest.mark.parametrize(
    "name", ["", "Upper", "two words", "under_score", "-a", "a-", "a--b", "1st", "é", "a-b\n"]
)
def test_malformed_names_are_refused(name):
    with pytest.raises(ValueError, match="small letters joined by hyphens"):
        claim(name, "Sentence", 1.0)


# --- What the reader sees -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"low": 88, "high": 89}, "✓ S: ≈88.50 (88 to 89)"),
        ({"low": 88}, "✓ S: ≈88.50 (at least 88)"),
        ({"high": 1000, "unit": " s"}, "✓ S: ≈88.50 s (at most 1,000 s)"),
        ({"unit": " s"}, "○ [measured] S: ≈88.50 s (not bounded: depends on the machine)"),
        ({"low": 88, "seeds": (1, 2)}, "✓ S: ≈88.50 (at least 88; seeds 1, 2)"),
        ({"low": 88, "digits": 0}, "✓ S: ≈88 (at least 88)"),
        ({"exactly": 88.5, "unit": " %"}, "✓ S: 88.50 % (exactly this value)"),
    ],
)
def test_line_of_the_reader(options, expected):
    assert line("name", "S", 88.5, **options) == expected


def sanitized(text):
    """The text without the numbers that nbval does not compare."""
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[1] / "nbval_sanitize.cfg", encoding="utf-8")
    rule = next(config[section] for section in config.sections() if "numbers" in section)
    return re.sub(rule["regex"], rule["replace"], text)


@given(one=NUMBERS, other=NUMBERS, digits=st.integers(0, 6))
def test_nbval_sees_no_digit_that_may_differ(one, other, digits):
    texts = [
        repr(Claim("name", "S", value, -1e39, 1e39, "holds", digits, " %", (), {}))
        for value in (one, other)
    ]
    assert len(set(map(sanitized, texts))) == 1


@pytest.mark.parametrize("shown", ["≈87.4", "≈87.4 ± 0.2", "≈87.4 to 88.6", "≈-1.5 to -0.5"])
def test_nbval_sees_neither_end_of_a_range_that_may_differ(shown):
    assert sanitized(f"<td>{shown}</td>") == "<td>≈#</td>"


class Text(HTMLParser):
    """The text of a page, and the tags with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_html_is_the_line_with_an_address_and_escaped():
    page = stored(claim, "some-name", 'a < b & "c" <script>', 2, low=1)[0].data["text/html"]
    assert "<script>" not in page
    parsed = Text(page)
    assert parsed.text == '✓ a < b & "c" <script>: ≈2.00 (at least 1)'
    assert parsed.tags == [("p", {"class": "claim claim-holds", "id": "claim-some-name"})]


def test_html_of_the_stand_in_has_a_class_of_its_own():
    page = stored(claim, "name", "S", 2, low=3, data=STAND_IN)[0].data["text/html"]
    assert 'class="claim claim-not-compared"' in page


# --- What the notebook stores ---------------------------------------------------------------


def test_stored_record_of_a_claim():
    (shown, _) = stored(claim, "name", "S", np.float32(0.5), low=0, seeds=np.arange(2), digits=1)
    record = shown.metadata["claim"]
    assert record == {
        "name": "name",
        "sentence": "S",
        "value": 0.5,
        "low": 0,
        "high": None,
        "status": "holds",
        "digits": 1,
        "unit": "",
        "seeds": [0, 1],
        "environment": environment(),
        "mark": "✓",
        "measured": "≈0.5",
        "accepted": "at least 0",
    }


def test_environment_is_the_one_that_is_running():
    found = environment()
    assert found["numpy"] == np.__version__
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(found) == {"python", "machine", "numpy", "torch", "torchvision", "matplotlib"}


def test_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("hwlib.course.claims.PACKAGES", ("no-such-package",))
    assert environment()["no-such-package"] == "not installed"


@pytest.mark.parametrize("value", [0.5, -3.0, 1e-300, 89610.0])
def test_value_is_glued_as_myst_nb_itself_does_it(value):
    (_, ours) = stored(claim, "some-name", "S", value, low=-10)
    (theirs,) = stored(glue, "some-name", value, display=False)
    assert ours == theirs
    assert glued([ours]) == {"some-name": repr(value)}


@pytest.mark.parametrize("value", [20, 0.01, "Adam"])
def test_exact_values_are_glued_and_stored_once_more_to_be_compared(value):
    (theirs,) = stored(glue, "number-of-epochs", value, display=False)
    (ours,) = stored(settings, number_of_epochs=value)
    assert ours.data.pop(EXACT) == repr(value)
    assert ours == theirs
    if not isinstance(value, str):
        (_, ours) = stored(claim, "number-of-epochs", "S", value, exactly=value)
        assert ours.data[EXACT] == repr(float(value))
        assert glued([ours]) == {"number-of-epochs": repr(float(value))}


def test_settings_of_numpy_are_plain_numbers():
    outputs = stored(settings, rate=np.float64(0.01), epochs=np.int64(20))
    assert glued(outputs) == {"rate": "0.01", "epochs": "20"}


def test_only_the_line_is_visible():
    visible = [o for o in stored(claim, "name", "S", 2, low=1) if "text/plain" in o.data]
    assert len(visible) == 1
    assert not any("text/plain" in o.data for o in stored(settings, epochs=20))


# --- Tables ---------------------------------------------------------------------------------


def test_table_as_text_and_as_html():
    (shown,) = stored(table, ["loss", "z < 0"], [["naive & old", np.float64(0.5)], ["new", None]])
    assert shown.data["text/plain"] == "loss | z < 0\nnaive & old | 0.5\nnew | None"
    parsed = Text(shown.data["text/html"])
    assert parsed.text == "lossz < 0naive & old0.5newNone"
    tags = [tag for tag, _ in parsed.tags]
    assert tags == ["div", "table", "thead", "tr", "th", "th", "tbody", *["tr", "td", "td"] * 2]
    assert all(attrs == {"scope": "col"} for tag, attrs in parsed.tags if tag == "th")


def test_table_escapes_what_looks_like_html():
    (shown,) = stored(table, ["<b>"], [["<script>alert(1)</script>"]])
    assert "<script>" not in shown.data["text/html"]
    assert "<b>" not in shown.data["text/html"]


@pytest.mark.parametrize("row", [[], ["one"], ["one", "two", "three"]])
def test_row_of_another_length_is_refused(row):
    with (
        capture_output() as captured,
        pytest.raises(ValueError, match=r"expected 2 cells \['a', 'b'\], got"),
    ):
        table(["a", "b"], [["good", "row"], row])
    assert captured.outputs == []


def test_table_without_rows_has_headers():
    (shown,) = stored(table, ["a", "b"], [])
    assert shown.data["text/plain"] == "a | b"
