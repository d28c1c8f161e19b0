"""The students' notebooks: generated whole and readable, and proven both ways."""

import ast
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from hwlib.check import TASKS
from hwlib.check.grade import grade_one
from hwlib.check.process import Limits
from hwlib.check.tasks import tasks_of
from tools import environment, hand_out
from tools.editions import student
from tools.editions.plain import Plain, PlainError, read_sources
from tools.sphinx_ext import editions as pages

TOP = Path(__file__).parents[2]
CHAPTERS = student.chapters(TOP / "book")
CHECKED = [path for path in CHAPTERS if tasks_of(int(path.stem[:2]))]
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
each_checked_chapter = pytest.mark.parametrize("chapter", CHECKED, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editions")
    written = student.write(folder)
    archives = [folder / f"{kind}.zip" for kind in ("student", "instructor")]
    assert sorted(written) == sorted([*folder.glob("*/*.ipynb"), *archives])
    return folder


def text_of(path):
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


@each_checked_chapter
def test_as_generated_each_check_fails_with_its_hint_and_nothing_crashes(built, chapter):
    done = grade_one(built / "student" / chapter.name, Limits())
    assert (done.errors, done.remarks, done.points) == ({}, [], 0)
    for name, result in done.results.items():
        assert result["mistake"] == "not written", name
        assert "NotImplementedError" in result["hint"]


@each_checked_chapter
def test_with_the_solutions_put_in_each_check_passes(built, chapter):
    notebook = nbformat.read(built / "student" / chapter.name, as_version=4)
    solutions = tagged(nbformat.read(chapter, as_version=4), "solution")
    stubs = tagged(notebook, "solution")
    assert len(stubs) == len(solutions) == len(tasks_of(int(chapter.stem[:2])))
    for cell, solution in zip(stubs, solutions, strict=True):
        assert cell.source != solution.source
        cell.source = solution.source
    filled = built / f"filled-{chapter.name}"
    nbformat.write(notebook, filled)
    done = grade_one(filled, Limits())
    assert (done.errors, done.remarks) == ({}, [])
    assert done.points == done.possible > 0, done
    solved = nbformat.read(built / "instructor" / chapter.name, as_version=4)
    assert [c.source for c in tagged(solved, "solution")] == [c.source for c in solutions]


def test_a_students_notebook_runs_from_top_to_bottom_in_jupyter(built):
    """Chapter 1 in a kernel, as generated: the checks show their hints, and no cell raises."""
    path = built / "student" / "01_logistic_loss.ipynb"
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": path.parent}}).execute()
    shown = [
        output.data["text/plain"] for cell in tagged(notebook, "check") for output in cell.outputs
    ]
    assert [text[0] for text in shown[:-1]] == ["✗"] * 5
    assert all("hint:" in text for text in shown[:-1])
    assert "0/10" in shown[-1]


@each_chapter
def test_nothing_of_sphinx_and_nothing_of_the_solutions_is_left(built, chapter):
    text = text_of(built / "student" / chapter.name)
    assert not re.search(r"\{[a-z][\w:-]*\}`|^\s*[`:]{3,}\{|^:\w+:", text, re.MULTILINE)
    assert "Solution" not in text
    for kind in ("math", "exercise-start"):
        count = text_of(chapter).count(f"{{{kind}}}")
        assert text.count({"math": "\\tag{", "exercise-start": "### Exercise "}[kind]) == count
    notebook = nbformat.read(built / "student" / chapter.name, as_version=4)
    for cell in tagged(notebook, "solution"):
        assert cell.source.rstrip().endswith("raise NotImplementedError")
        assert '"""' in cell.source
    assert not any(cell.get("outputs") for cell in notebook.cells)
    solved = text_of(built / "instructor" / chapter.name)
    solutions = text_of(chapter).count("{solution-start}")
    assert solved.count("**Solution of exercise") == solutions >= len(tagged(notebook, "solution"))
    assert ("| in all |" in solved) == bool(tasks_of(int(chapter.stem[:2])))


@each_chapter
def test_the_students_text_is_the_chapters_text(built, chapter):
    """Every sentence of the source without a role stands in the generated notebook."""
    plain = " ".join(text_of(built / "student" / chapter.name).split())
    source = re.sub(
        r"```\{solution-start.*?\{solution-end\}\n```", "", text_of(chapter), flags=re.DOTALL
    )
    source = re.sub(r"^(`{3,})\{.*?^\1$", "", source, flags=re.DOTALL | re.MULTILINE)
    paragraphs = [" ".join(part.split()) for part in source.split("\n\n")]
    compared = [p for p in paragraphs if p and not re.search(r"\{[\w:-]+\}`", p)]
    assert len(compared) > 20
    for paragraph in compared:
        assert paragraph in plain, paragraph


@each_chapter
def test_each_chapter_has_questions_and_marked_exercises_and_offers_its_notebook(chapter):
    text = (TOP / "book" / f"{chapter.stem}.md").read_text(encoding="utf-8")
    assert f"<../_build/student/{chapter.name}>" in text
    assert text.count(":class: dropdown quick-question") in (1, 2, 3)
    pattern = r"^\*Level [123] of 3 · (?:on paper · )?\d+ min · (\d+) points?\*$"
    marks = re.findall(pattern, text, re.MULTILINE)
    tasks = tasks_of(int(chapter.stem[:2]))
    assert [int(points) for points in marks] == [task.points for task in tasks]
    calls = re.findall(r"^check\.(\w+)\((my_\w+)\)$", text, re.MULTILINE)
    assert calls == [(task.name, task.answer) for task in tasks]
    # An exercise that no check knows is an experiment, and has no points.
    kinds = re.findall(r"^\*Level [123] of 3 · ([^*]+)\*$", text, re.MULTILINE)
    experiments = [kind for kind in kinds if "point" not in kind]
    assert len(re.findall(r"\{exercise-start\}", text)) == len(tasks) + len(experiments) >= 2


def test_the_archive_holds_what_a_student_needs_and_no_more(built):
    names = set(zipfile.ZipFile(built / "student.zip").namelist())
    for name in ("data/accuracy.json", "data/sweep.jsonl", "LICENSE", "hwlib/check/texts.toml"):
        assert f"student/{name}" in names
    assert {path.name for path in CHAPTERS} <= {name.split("/")[1] for name in names}
    check = TOP / "hwlib" / "check"
    grading = {
        f"student/hwlib/check/{name}.py" for name in ("__main__", "grade", "runner", "cells")
    }
    assert not names & {"student/data/bench.json", *grading}
    assert {p.name for p in check.glob("chapter*.py")} <= {name.split("/")[-1] for name in names}
    assert "instructor/hwlib/check/grade.py" in zipfile.ZipFile(built / "instructor.zip").namelist()


def test_a_check_runs_where_only_the_archive_is(built, tmp_path):
    with zipfile.ZipFile(built / "student.zip") as packed:
        packed.extractall(tmp_path)
    home = tmp_path / "student"
    readme, requirements = ((home / f).read_text() for f in ("README.md", "requirements.txt"))
    assert "pip install -r requirements.txt" in readme
    pins = [line.split("==")[0] for line in requirements.splitlines()]
    assert {"numpy", "torch", "filelock", "jupyterlab", "sympy"} <= set(pins)
    assert not {"pytest", "sphinx", "-e", "."} & set(pins)
    code = "from hwlib import check; print(check.__file__, check.predict(lambda X, W: None))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(home))
    assert "hint:" in done.stdout


def test_the_same_source_gives_the_same_bytes_and_leaves_what_is_there_alone(built, tmp_path):
    """Pages that offer an archive are read anew whenever it changes."""
    student.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for name in ("student.zip", "instructor.zip"):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes()
    student.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_command_says_what_it_wrote(monkeypatch, capsys):
    monkeypatch.setattr(student, "write", lambda target: [target / "student.zip"])
    runpy.run_path(str(TOP / "tools/editions/__main__.py"), run_name="__main__")
    assert capsys.readouterr().out == f"{TOP / '_build' / 'student.zip'}\n"


def test_one_command_makes_its_environment_and_passes_on_what_is_asked(monkeypatch):
    ran = []

    def run(command, **_):
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(hand_out.subprocess, "run", run)
    assert hand_out.main() == 0
    assert ran[0][1:] == [environment.__file__, "book"]
    assert ran[1] == [str(environment.PYTHON), "-m", "tools.editions"]
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import runpy; runpy.run_path('tools/hand_out.py')"], cwd=TOP
    )
    assert done.returncode == 0  # it needs nothing but the standard library


def parts(source, least):
    """Each expression of at least this many names and operations, whatever its names are."""
    for node in ast.walk(ast.parse(source)):
        counted = ast.Name | ast.Call | ast.BinOp | ast.Attribute | ast.Constant | ast.Subscript
        size = sum(isinstance(inside, counted) for inside in ast.walk(node))
        if isinstance(node, ast.expr) and size >= least:
            yield re.sub(r"id='\w+'", "id=''", ast.dump(node))


@each_checked_chapter
def test_no_answer_stands_elsewhere_in_its_notebook(chapter):
    notebook = jupytext.read(TOP / "book" / f"{chapter.stem}.md")
    answers = {p for cell in tagged(notebook, "solution") for p in parts(cell.source, 10)}
    for cell in notebook.cells:
        if cell.cell_type == "code" and not {"solution", "check"} & set(
            cell.metadata.get("tags", [])
        ):
            assert not answers & set(parts(cell.source, 10)), cell.source


def test_an_answer_elsewhere_is_noticed_under_other_names():
    answer = "back = (delta @ W['w2'].T) * a1 * (1 - a1)"
    elsewhere = "x = (d @ W['w2'].T) * A1 * (1 - A1)"
    assert set(parts(answer, 10)) & set(parts(elsewhere, 10))


class App:
    """A Sphinx application that only collects what is connected."""

    srcdir = outdir = None

    def __init__(self):
        self.connected = {}

    def connect(self, event, function):
        self.connected[event] = function


@each_checked_chapter
def test_the_website_without_solutions_holds_none(chapter, monkeypatch, built, tmp_path):
    app = App()
    pages.register(app)
    assert set(app.connected) == {"builder-inited"}
    monkeypatch.setenv(pages.SWITCH, "1")
    pages.register(app)
    content = [chapter.read_text(encoding="utf-8")]
    app.connected["source-read"](app, f"book/{chapter.stem}", content)
    left = nbformat.reads(content[0], as_version=4)
    source = nbformat.read(chapter, as_version=4)
    assert "{solution-start}" in text_of(chapter)
    assert not any("{solution-" in cell.source for cell in left.cells)
    for cell in tagged(left, "solution"):
        assert cell.source.endswith("raise NotImplementedError")
    assert not any(cell.outputs for cell in tagged(left, "check"))
    assert sum(c.cell_type == "code" for c in left.cells) == sum(
        c.cell_type == "code" for c in source.cells
    )
    app.srcdir, app.outdir = tmp_path, tmp_path / "html"
    (tmp_path / "_build").symlink_to(built)
    offered = app.outdir / "_sources" / "book" / chapter.name
    offered.parent.mkdir(parents=True)
    offered.write_text(chapter.read_text(encoding="utf-8"))
    app.connected["build-finished"](app, None)
    assert offered.read_bytes() == (built / "student" / chapter.name).read_bytes()


def test_the_build_writes_what_pages_offer_before_they_are_read():
    """By itself, not by a wrapper: people type jupyter-book build as everywhere."""
    config = (TOP / "_config.yml").read_text(encoding="utf-8")
    assert re.search(r"^    tools\.sphinx_ext: \.$", config, re.MULTILINE)
    connected = []

    class App:
        def connect(self, event, function):
            connected.append((event, function))

    pages.register(App())
    assert connected == [("builder-inited", pages.write_editions)]
    assert "_build/" in (TOP / ".gitignore").read_text().split()


def test_every_task_is_an_exercise():
    assert {task.chapter for task in TASKS.values()} == set(range(1, 8))


def test_a_stub_keeps_signature_and_docstring_only():
    source = 'def f(x, *, y=1):\n    """Say."""\n    z = x\n    return z'
    assert (
        student.stub(source) == 'def f(x, *, y=1):\n    """Say."""\n    raise NotImplementedError'
    )
    for bad in ("x = 1", "def f(): pass"):
        with pytest.raises(ValueError, match="docstring"):
            student.stub(bad)


@pytest.mark.parametrize(
    "text",
    [
        "See {eq}`eq-nothing`.",
        "{unknown}`x`",
        "```{bokeh}\n```",
        "{glue:text}`lost:.1f`",
        "{cite:p}`nobody2000`",
        "{doc}`nowhere`",
        "{doc}`words <nowhere>`",
    ],
)
def test_what_has_no_plain_form_is_an_error_and_not_left_standing(text):
    with pytest.raises(PlainError):
        Plain(student.read_book(TOP / "book"), {}).convert(text)


def test_references_lead_somewhere():
    book = student.read_book(TOP / "book")
    plain = Plain(book, {"rate": "0.125"})
    assert plain.convert("{glue:text}`rate:.1f` in {eq}`eq-forward`") == "0.1 in (1.2)"
    assert plain.convert("{cite:t}`kingma2015`") == "Kingma and Ba (2015)"
    assert plain.convert("{doc}`01_logistic_loss`").endswith("](01_logistic_loss.ipynb)")
    entry = (
        '@book{x,\n  author = {M{\\"a}chler, Max},\n  title = {{A} Title},\n  year = {2000}\n}\n'
    )
    assert read_sources(entry)["x"] == ("Mächler", "2000", "Mächler (2000). *A Title*.")
