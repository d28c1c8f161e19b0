"""Rules for the chapters: text and notebook agree, were executed, and can be read by everyone."""

import base64
import dataclasses
import html
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

from hwlib.check.tasks import tasks_of
from hwlib.course.claims import EXACT, PACKAGES, Claim, _status, environment
from tools.notebooks import behind

TOP = Path(__file__).parents[2]
CHAPTERS = sorted((TOP / "book").glob("[0-9]*.md"))
LONGEST_CELL = 12  # lines
LONGEST_SOLUTION = 20  # lines
OPEN_CHAPTERS = (4, 5)  # which teach a data set, a network and a training loop, once each
LARGEST_FIGURE = {"image/png": 60_000, "image/svg+xml": 200_000}  # bytes
GLUED = "application/papermill.record/text/plain"
FIELDS = [field.name for field in dataclasses.fields(Claim)]


def load(chapter: Path) -> NotebookNode:
    """Return the executed notebook that belongs to a chapter's text."""
    return nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)


def code_cells(chapter: Path) -> list[NotebookNode]:
    """Return the cells of a notebook that hold code."""
    return [c for c in load(chapter).cells if c.cell_type == "code" and c.source.strip()]


def figures(chapter: Path) -> list[tuple[NotebookNode, str, str]]:
    """Return each cell that draws, with the type and the data of what it draws."""
    return [
        (cell, kind, data)
        for cell in code_cells(chapter)
        for output in cell.outputs
        for kind, data in output.get("data", {}).items()
        if kind.startswith("image/")
    ]


def size(kind: str, data: str) -> tuple[float, float, int]:
    """Return width and height of a figure in pixels of 1/96 inch, and the bytes of its file."""
    if kind == "image/png":
        png = base64.b64decode(data)
        return *struct.unpack(">II", png[16:24]), len(png)
    assert kind == "image/svg+xml", kind
    root = ElementTree.fromstring(data)
    width, height = (float(root.attrib[side].removesuffix("pt")) for side in ("width", "height"))
    return width * 96 / 72, height * 96 / 72, len(data.encode())


each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def test_there_are_nine_chapters_and_all_are_in_the_table_of_contents() -> None:
    toc = yaml.safe_load((TOP / "_toc.yml").read_text())
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    assert len(CHAPTERS) == 9
    for chapter in CHAPTERS:
        assert f"book/{chapter.stem}.ipynb" in listed
    notebooks = {path.stem for path in (TOP / "book").glob("*.ipynb")}
    assert notebooks == {chapter.stem for chapter in CHAPTERS}


@each_chapter
def test_text_and_notebook_hold_the_same_cells(chapter: Path) -> None:
    assert behind(chapter.with_suffix(".ipynb")) is None


@each_chapter
def test_every_cell_was_executed_once_in_order_without_an_unexpected_error(chapter: Path) -> None:
    cells = code_cells(chapter)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        assert not errors or "raises-exception" in cell.metadata.get("tags", [])


@each_chapter
def test_nothing_was_executed_on_the_stand_in(chapter: Path) -> None:
    for cell in code_cells(chapter):
        for output in cell.outputs:
            claim = output.get("metadata", {}).get("claim")
            assert claim is None or claim["status"] in ("holds", "measured"), claim["name"]
            assert "StandInWarning" not in output.get("text", "")


@each_chapter
def test_cells_are_short_and_hold_no_logic(chapter: Path) -> None:
    for cell in code_cells(chapter):
        tree_lines = [line for line in cell.source.splitlines() if line.strip()]
        if "solution" in cell.metadata.get("tags", []):  # an answer is one function, and checked
            assert len(tree_lines) <= LONGEST_SOLUTION, cell.source
            assert len(re.findall(r"^def my_", cell.source, re.MULTILINE)) == 1
            continue
        assert len(tree_lines) <= LONGEST_CELL, cell.source
        if "in-the-open" in cell.metadata.get("tags", []):
            assert int(chapter.name[:2]) in OPEN_CHAPTERS, cell.source
            continue
        for pattern in (r"^\s*def ", r"^\s*class ", r"\.step\(", r"sys\.path", r"import \*"):
            assert not re.search(pattern, cell.source, re.MULTILINE), f"{pattern}:\n{cell.source}"


@each_chapter
def test_every_figure_has_a_name_a_caption_and_an_alt_text_and_is_small(chapter: Path) -> None:
    for cell, kind, data in figures(chapter):
        shown = cell.metadata.get("mystnb", {})
        assert shown.get("figure", {}).get("caption", "").strip(), cell.source
        assert shown["figure"].get("name", "").startswith("fig-"), cell.source
        assert len(shown.get("image", {}).get("alt", "")) > 30, cell.source
        width, height, many = size(kind, data)
        assert many < LARGEST_FIGURE[kind], f"{many} bytes:\n{cell.source}"
        assert 100 < width <= 1000
        assert 50 < height <= 1000
        assert "dc:date" not in data, "a re-run would change the file"


@each_chapter
def test_numbers_that_differ_between_processors_are_held_by_a_claim(chapter: Path) -> None:
    """A cell that shows ≈ must also make a claim, so that the number cannot drift unseen."""
    for cell in code_cells(chapter):
        shown = [
            output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            for output in cell.outputs
        ]
        claims = [o for o in cell.outputs if "claim" in o.get("metadata", {})]
        assert claims or not any("≈" in text for text in shown), cell.source


@each_chapter
def test_the_chapter_says_what_it_takes_and_teaches(chapter: Path) -> None:
    text = chapter.read_text()
    assert ":class: chapter-facts" in text
    for words in ("- **Time:**", "- **You need:**", "- **Afterwards you can:**"):
        assert words in text, f"{chapter.name} does not say: {words}"


@each_chapter
def test_every_answer_of_the_book_passes_its_check(chapter: Path) -> None:
    """What the executed check cells show is a pass, and the sum is all points."""
    checks = [c for c in code_cells(chapter) if "check" in c.metadata.get("tags", [])]
    if not tasks_of(int(chapter.name[:2])):  # its exercises are experiments, which nobody checks
        assert not checks
        return
    shown = [cell.outputs[0].data["text/plain"] for cell in checks]
    assert len(shown) >= 3
    assert all(text.startswith("✓") for text in shown[:-1])
    reached, possible = shown[-1].split()[-1].split("/")
    assert reached == possible


def stored(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs that hold a value for the prose."""
    return [o for cell in cells for o in cell.outputs if "scrapbook" in o.get("metadata", {})]


def claims(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs that show a claim."""
    return [o for cell in cells for o in cell.outputs if "claim" in o.get("metadata", {})]


def stale(cells: list[NotebookNode]) -> list[str]:
    """Return what is wrong with the claims and stored values of a notebook, one line each."""
    problems = []
    values = {o.metadata["scrapbook"]["name"]: o.data for o in stored(cells)}
    for output in claims(cells):
        made = Claim(**{key: output.metadata["claim"][key] for key in FIELDS})
        if values[made.name][GLUED] != repr(made.value):
            problems.append(f"{made.name}: the prose quotes {values[made.name][GLUED]}")
        if output.data["text/plain"] != repr(made) or repr(made) not in html.unescape(
            output.data["text/html"]
        ):
            problems.append(f"{made.name}: the line shows {output.data['text/plain']}")
        if made.status != _status(made.value, made.low, made.high, compared=True):
            problems.append(f"{made.name}: {made.value} is not in the interval {made.accepted}")
    for name, data in values.items():
        if data.get(EXACT, data[GLUED]) != data[GLUED]:
            problems.append(f"{name}: the prose quotes {data[GLUED]}, the run gave {data[EXACT]}")
    return problems


@each_chapter
def test_what_the_prose_quotes_is_what_the_claims_measured(chapter: Path) -> None:
    cells = code_cells(chapter)
    assert claims(cells)
    assert not stale(cells)


@each_chapter
def test_a_stale_number_is_noticed(chapter: Path) -> None:
    """Change each stored value, shown line and measured value in turn: each must be reported."""
    cells = code_cells(chapter)
    planted = 0
    for output in stored(cells):
        true = output.data[GLUED]
        if EXACT in output.data or output.metadata["scrapbook"]["name"] in {
            o.metadata["claim"]["name"] for o in claims(cells)
        }:
            output.data[GLUED] = "123.456"
            assert stale(cells)
            output.data[GLUED] = true
            planted += 1
    for output in claims(cells):
        true = output.metadata["claim"]["value"]
        output.metadata["claim"]["value"] = 1e9 + true
        assert stale(cells)
        output.metadata["claim"]["value"] = true
        planted += 1
    assert planted
    assert not stale(cells)


def test_names_of_claims_and_figures_are_unique() -> None:
    made = [o.metadata["claim"]["name"] for c in CHAPTERS for o in claims(code_cells(c))]
    assert len(made) == len(set(made)), sorted({n for n in made if made.count(n) > 1})
    drawn = [cell.metadata["mystnb"]["figure"]["name"] for c in CHAPTERS for cell, *_ in figures(c)]
    assert len(drawn) == len(set(drawn))
    for chapter in CHAPTERS:
        names = [o.metadata["scrapbook"]["name"] for o in stored(code_cells(chapter))]
        assert len(names) == len(set(names)), chapter.name


@each_chapter
def test_outputs_hold_no_warnings_and_no_paths_of_a_machine(chapter: Path) -> None:
    for cell in code_cells(chapter):
        for output in cell.outputs:
            assert output.get("name") != "stderr", output.text
            assert not re.search(r"/(home|root|work|Users|tmp)/", str(output.get("data", "")))


def test_the_environment_is_the_one_the_notebooks_record() -> None:
    """Stored outputs, pins and the packages installed here are of the same versions."""
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)$", (TOP / "requirements.txt").read_text(), re.M))
    here = environment()
    recorded = {
        package: claim["environment"][package].split("+")[0]
        for chapter in CHAPTERS
        for cell in code_cells(chapter)
        for output in cell.outputs
        if (claim := output.get("metadata", {}).get("claim"))
        for package in PACKAGES
    }
    assert set(recorded) == set(PACKAGES)
    for package in PACKAGES:
        assert recorded[package] == pins[package] == here[package].split("+")[0]
