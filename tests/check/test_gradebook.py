"""Grades as a teacher uses them: tables, pages, corrections, and the command that writes them."""

import csv
import html.parser
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hwlib.check import feedback, gradebook, process
from hwlib.check.grade import Grade
from hwlib.check.gradebook import Gradebook, student_of
from hwlib.check.hand_in import SetupError, plain
from tests.hand_ins import RIGHT, WRONG, alive, notebook

TOP = Path(__file__).parents[2]
NAMES = ["01_logistic_loss", "05_mlp_optimisers"]
PASSED = dict.fromkeys(process.TEXTS, "") | {key: [] for key in process.LISTS}
FAILED = PASSED | {
    "failed": "value",
    "sentence": "returns <b>",
    "hint": "Which & why?",
    "steps": ["shape"],
}


def graded(points=1, modified=0.0, chapter=1, **results):
    """The grade of a hand-in to chapter 1."""
    given = {"sigmoid": PASSED, "predict": FAILED, "logistic_loss": None} | results
    return Grade("a.ipynb", "graded", chapter, points, 9, modified=modified, results=given)


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("in/Ada Lovelace_123_assignsubmission_file/01_logistic_loss.ipynb", "Ada Lovelace"),
        ("in/Ada Lovelace_123_assignsubmission_file_mine.ipynb", "Ada Lovelace"),
        ("in/lovelaceada_4711_98765_01_logistic_loss-1.ipynb", "lovelaceada_4711"),
        ("in/lovelaceada_LATE_4711_98765_x.ipynb", "lovelaceada_4711"),
        ("in/submission_42/x.ipynb", "submission_42"),
        ("in/ada_01_logistic_loss.ipynb", "ada"),
        ("in/05_mlp_optimisers-ada (2).ipynb", "ada"),
        ("in/ada/01_logistic_loss.ipynb", "ada"),
        ("in/ada/01_logistic_loss-Copy1.ipynb", "ada"),
        ("in/ada.ipynb", "ada"),
        ("in/\ud800.ipynb", "\\ud800"),
    ],
)
def test_a_student_is_known_by_the_file(path, student):
    assert student_of(Path(path), NAMES) == student


def test_a_link_that_leads_to_itself_has_a_student(tmp_path):
    (tmp_path / "01_logistic_loss.ipynb").symlink_to("01_logistic_loss.ipynb")
    assert student_of(tmp_path / "01_logistic_loss.ipynb", NAMES) == plain(tmp_path.name)


def test_the_folder_tells_the_student_also_where_it_is_not_named(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    for folder, name in (("", "01_logistic_loss.ipynb"), ("below", "../01_logistic_loss.ipynb")):
        monkeypatch.chdir(tmp_path / folder)
        assert student_of(Path(name), NAMES) == plain(tmp_path.name)


def test_a_pattern_tells_the_student_where_names_are_others():
    assert student_of(Path("in/hw1/ada/x.ipynb"), pattern=r"hw\d/(\w+)/") == "ada"


def test_of_several_hand_ins_the_best_or_the_last_counts():
    several = [graded(5, 1.0), graded(9, 2.0), graded(7, 3.0)]
    several.append(Grade("b.ipynb", "refused", detail="an empty file"))
    several = [replace(grade, student="ada") for grade in several]
    best, last = (gradebook.chosen(several, take)["ada"] for take in ("best", "last"))
    assert [[g.points for g in found] for found in (best, last)] == [[0, 9], [0, 7]]


def test_partial_credit_counts_steps_and_never_exceeds():
    steps = {"predict": ["shape", "value", "extreme"], "sigmoid": ["value"]}

    def points(grade, steps):
        return sum(gradebook.task_points(grade, steps).values())

    assert points(graded(), steps) == 1.5  # 1, and a third of 2 in halves
    forged = FAILED | {"steps": ["shape", "value", "extreme", "more", "shape"]}
    assert points(graded(predict=forged), steps) == 3
    assert points(graded(points=99), {}) == 1


def table(path):
    """The rows of a CSV file, by the names of its columns."""
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def written(tmp_path, book):
    book.write(tmp_path)
    names = ("grades", "moodle", "canvas", "gradescope")
    texts = {n: (tmp_path / f"{n}.csv").read_text(encoding="utf-8-sig") for n in names}
    return {name: list(csv.reader(text.splitlines())) for name, text in texts.items()}


def test_tables_have_a_row_for_a_student_and_a_column_for_a_task(tmp_path):
    roster = {"ada": {"Email": "ada@x", "ID": "7", "ID number": "8", "First Name": "Ada"}}
    book = Gradebook(roster=roster, overrides={"ada": {"predict": gradebook.Override(1.5, "late")}})
    other = graded(chapter=3, points=0, sigmoid=None, predict=None)
    assert book.add("ada", graded(points=99)).points == 1
    book.add("ada", replace(other, results={"gradient_descent": PASSED, "momentum_descent": None}))
    refused = Grade("b.ipynb", "refused", detail="an empty file", remarks=["copied?"])
    assert book.add("=cmd()", refused).points == 0
    tables = written(tmp_path, book)
    head, first, second = tables["grades"]
    assert head[:5] == ["student", "sigmoid", "predict", "logistic_loss", "stable_logistic_loss"]
    assert first[:4] == ["'=cmd()", "", "", ""]  # no formula for a spreadsheet
    assert first[-5:] == ["", "", "0", "16", "b.ipynb: refused: an empty file; chapter 0: copied?"]
    assert dict(zip(head, second, strict=True)) | {"remarks": ""} == {
        "student": "ada",
        "sigmoid": "1",
        "predict": "1.5",
        "logistic_loss": "0",
        "stable_logistic_loss": "",
        "best_logit": "",
        "gradient_descent": "3",
        "momentum_descent": "0",
        "step_count": "",
        "chapter 1": "2.5",
        "chapter 3": "3",
        "total": "5.5",
        "possible": "16",
        "remarks": "",
    }
    canvas = tables["canvas"]
    assert canvas[0] == [*gradebook.KNOWN_BY["canvas"], "Chapter 1", "Chapter 3"]
    assert canvas[1] == ["    Points Possible", "", "", "", "", "10", "6"]
    assert canvas[3] == ["ada", "7", "", "", "", "2.5", "3"]
    assert tables["moodle"][0][:4] == list(gradebook.KNOWN_BY["moodle"])
    assert tables["moodle"][2][2] == "8"
    assert tables["moodle"][0][-1] == "Feedback"
    assert tables["moodle"][2][-1] == "5.5 of 16 points (chapter 1: 2.5, chapter 3: 3)"
    assert tables["gradescope"][0][4:6] == ["Total Score", "Max Points"]
    assert tables["gradescope"][2] == ["Ada", "", "", "ada@x", "5.5", "16", "2.5", "3"]
    stored = json.loads((tmp_path / "grades.json").read_text())
    assert [grade["student"] for grade in stored] == ["ada", "ada", "=cmd()"]


def test_without_a_hand_in_the_tables_are_empty(tmp_path):
    Gradebook().write(tmp_path)
    assert table(tmp_path / "grades.csv") == table(tmp_path / "moodle.csv") == []


def test_a_table_is_for_spreadsheets_which_must_run_none_of_its_texts(tmp_path):
    texts = {"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "a-b": "a-b", "ü": "ü"}
    gradebook.store_table(tmp_path / "t.csv", [dict.fromkeys(texts) | {t: t for t in texts}])
    assert (tmp_path / "t.csv").read_bytes()[:3] == b"\xef\xbb\xbf"  # by which they know UTF-8
    assert table(tmp_path / "t.csv") == [texts]
    gradebook.store_table(tmp_path / "n.csv", [{"points": -1.5, "whole": 2.0}])
    assert table(tmp_path / "n.csv") == [{"points": "-1.5", "whole": "2"}]


def test_a_roster_tells_the_platforms_names_and_who_is_unknown_is_told(tmp_path):
    (tmp_path / "r.csv").write_text("student;ID;Note\n ada ;7\n", "utf-8")
    roster = gradebook.read_roster(tmp_path / "r.csv")
    assert roster == {"ada": {"student": "ada", "ID": "7", "Note": ""}}
    overrides = {name: {"predict": gradebook.Override(1, "")} for name in ("ada", "bob")}
    book = Gradebook(roster=roster, overrides=overrides)
    book.add("ada", graded())
    assert book.unknown() == {"bob"}


class Tags(html.parser.HTMLParser):
    """Collects the names of the tags of a page."""

    def __init__(self, page):
        super().__init__()
        self.names = set()
        self.feed(page)

    def handle_starttag(self, tag, _):
        self.names.add(tag)


def test_the_page_of_a_student_shows_hints_and_runs_nothing(tmp_path):
    evil = "<script>alert(1)</script>"
    book = Gradebook(overrides={evil: {"predict": gradebook.Override(2, evil)}})
    book.add(evil, replace(graded(), errors={"3": evil}, remarks=["my_predict calls hwlib"]))
    book.write(tmp_path)
    [page] = (tmp_path / "feedback").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert not {"script", "b", "img", "a"} & Tags(text).names
    for words in (
        "Which &amp; why?",
        "returns &lt;b&gt;",
        "2 of 2",
        "Code cell 3",
        "keep the name",
    ):
        assert words in text
    assert "calls hwlib" not in text  # a remark for the teacher


def test_only_the_pages_that_changed_are_written(tmp_path):
    book = Gradebook()
    book.add("ada", graded())
    book.add("bob", graded())
    book.write(tmp_path, ["bob"])
    assert [page.name for page in (tmp_path / "feedback").iterdir()] == ["bob.html"]
    assert len(table(tmp_path / "grades.csv")) == 2


def test_no_two_students_share_a_page():
    students = ["ada b", "ada_b", "ada/b", "Ada b", "../ada", "\\ud800"]
    names = {feedback.file_name(student) for student in students}
    assert len(names) == len(students)
    assert all(name.endswith(".html") and "/" not in name and ".." not in name for name in names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("student,task,points\nada,nothing,1", "no task 'nothing'"),
        ("student,task,points\nada,predict,3", "from 0 to 2"),
        ("student,task,points\nada,predict,-1", "from 0 to 2"),
        ("student,task,points\nada,predict,nan", "from 0 to 2"),
        ("student,points\nada,1", "expected the columns student, task, points .* got student, po"),
        ("", "expected the columns"),
    ],
)
def test_a_correction_that_means_nothing_is_an_error(tmp_path, text, words):
    (tmp_path / "o.csv").write_text(text)
    with pytest.raises(SetupError, match=words):
        gradebook.read_overrides(tmp_path / "o.csv")


def test_a_correction_is_read_as_spreadsheets_save_it(tmp_path):
    lines = "student;task;points;comment\r\nada;my_predict;1,5;seen by hand\r\n"
    (tmp_path / "o.csv").write_text(lines, encoding="utf-8-sig")
    found = gradebook.read_overrides(tmp_path / "o.csv")
    assert found == {"ada": {"predict": gradebook.Override(1.5, "seen by hand")}}
    (tmp_path / "o.csv").write_text("student,task,points\nada,predict,2\nbob,predict,0")
    assert gradebook.read_overrides(tmp_path / "o.csv") == {
        "ada": {"predict": gradebook.Override(2.0, "")},
        "bob": {"predict": gradebook.Override(0.0, "")},
    }


def command(*arguments, **options):
    """Start ``python -m hwlib.check`` on a console that knows only ASCII."""
    environment = os.environ | {"PYTHONPATH": str(TOP), "PYTHONIOENCODING": "ascii"}
    return subprocess.Popen(
        [sys.executable, "-m", "hwlib.check", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def reference(folder, source=RIGHT):
    """A folder with a known-good notebook, of which two answers are checked."""
    folder.mkdir()
    loss = (
        "def my_logistic_loss(y, p):\n    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))"
    )
    stable = (
        "def my_stable_logistic_loss(y, z):\n"
        "    return np.mean(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))"
    )
    logit = 'def my_best_logit():\n    return r"\\log(y) - \\log(1 - y)"'
    notebook(folder / "01_logistic_loss.ipynb", source, loss, stable, logit, tags=("solution",))
    return folder


def test_the_command_grades_a_folder_and_writes_tables_and_pages(tmp_path):
    hand_ins = tmp_path / "in"
    hand_ins.mkdir()
    notebook(hand_ins / "Zoë_01_logistic_loss.ipynb", RIGHT)
    notebook(hand_ins / "wrong.ipynb", WRONG)
    (hand_ins / "text.ipynb").write_text("no")
    out = tmp_path / "out"
    good = reference(tmp_path / "good")
    running = command(hand_ins, "--out", out, "--partial", "--reference", good)
    printed, said = running.communicate(timeout=600)
    assert running.returncode == 1
    lines = printed.splitlines()
    assert len(lines) == 3
    assert "Zo\\xeb" in printed
    assert "3 hand-ins, 2 graded, 1 not" in said
    rows = {row["student"]: row for row in table(out / "grades.csv")}
    assert rows["Zoë"]["total"] == "3"
    assert 0 < float(rows["wrong"]["total"]) < 3  # a step of a check
    assert len(list((out / "feedback").glob("*.html"))) == 3
    (tmp_path / "o.csv").write_text(
        "student,task,points,comment\nZoë,predict,0,copied\nnobody,sigmoid,1,", "utf-8"
    )
    again = command("--out", out, "--overrides", tmp_path / "o.csv")
    assert "no hand-in of 'nobody'" in again.communicate(timeout=600)[1]
    later = {row["student"]: row for row in table(out / "grades.csv")}
    assert later["Zoë"]["total"] == "1"
    assert later["wrong"]["total"] == rows["wrong"]["total"]


def test_what_cannot_be_written_or_found_is_said_before_anything_is_graded(tmp_path):
    path = notebook(tmp_path / "a.ipynb", "while True: pass")
    (tmp_path / "file").touch()
    (tmp_path / "b" / "grades.json").mkdir(parents=True)
    for arguments, words in (
        ((path, "--out", tmp_path / "file"), "nothing can be written"),
        ((path, "--out", tmp_path / "b"), "nothing can be written"),
        ((path, "--out", tmp_path / "o", "--overrides", tmp_path / "none"), "cannot be read"),
        ((tmp_path / "o", "--out", tmp_path / "o"), "no notebook"),
        (("--out", tmp_path / "empty"), "holds no grades"),
        ((path, "--out", tmp_path / "o", "--student", ".+"), "expression with a group"),
        ((path, "--out", tmp_path / "o", "--student", "("), "unterminated subpattern"),
    ):
        running = command(*arguments)
        printed, said = running.communicate(timeout=600)
        assert (running.returncode, printed) == (2, "")
        assert words in said
        assert "Traceback" not in said


def test_where_good_answers_fail_nothing_is_graded(tmp_path):
    path = notebook(tmp_path / "a.ipynb", RIGHT)
    broken = reference(tmp_path / "broken", WRONG)
    (tmp_path / "unread").mkdir()
    (tmp_path / "unread/01_a.ipynb").write_text("no notebook")
    for folder, why in ((broken, "sign of"), (tmp_path / "unread", "refused: no note")):
        running = command(path, "--out", tmp_path / "out", "--reference", folder)
        printed, said = running.communicate(timeout=600)
        assert (running.returncode, printed) == (2, "")
        assert "known-good answers do not pass here" in said
        assert why in said


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_kills_its_children_and_keeps_the_grades(tmp_path, name):
    mark = tmp_path / "pid"
    source = (
        f"import os, signal, time\nopen({str(mark)!r}, 'w').write(f'{{os.getpid()}} ')\n"
        "signal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(9999)"
    )
    paths = [notebook(tmp_path / "a.ipynb", RIGHT), notebook(tmp_path / "b.ipynb", source)]
    good = reference(tmp_path / "good")
    out = tmp_path / "out"
    running = command(*paths, "--out", out, "--reference", good, "--jobs", 1)
    deadline = time.monotonic() + 600
    while not mark.exists() or not mark.read_text().endswith(" "):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    running.send_signal(name)
    printed, said = running.communicate(timeout=600)
    assert running.returncode == 128 + name
    assert printed.count("\n") == 1
    assert "Stopped" in said
    assert not alive(mark.read_text().strip())
    [row] = table(out / "grades.csv")
    assert (row["student"], row["total"]) == ("a", "3")
