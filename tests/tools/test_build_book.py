"""The build says in one line what hinders it, and two at once wait for each other."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tools import build_book


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder in the place of this checkout, in which jupyter-book succeeds at once."""
    ran = []

    def run(command, **_):
        assert build_book.LOCK.is_locked
        assert not (tmp_path / "_build").exists()
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(build_book, "TOP", tmp_path)
    monkeypatch.setattr(build_book, "BUILD", tmp_path / "_build")
    monkeypatch.setattr(build_book, "LOCK", FileLock(tmp_path / ".site.lock"))
    monkeypatch.setattr(build_book.subprocess, "run", run)
    return ran


def test_a_build_starts_clean_and_holds_a_lock_that_lies_beside(checkout, tmp_path):
    (tmp_path / "_build").mkdir()
    assert build_book.main() == 0
    [command] = checkout
    # Not the script of that name, which holds the place where the environment once stood.
    assert command[0] == sys.executable
    assert {"-n", "-W", "--keep-going"} <= set(command)
    assert not build_book.LOCK.is_locked


def test_the_lock_of_this_checkout_lies_where_no_build_removes_it():
    assert build_book.BUILD not in Path(build_book.LOCK.lock_file).parents
    assert ".site.lock" in (build_book.TOP / ".gitignore").read_text().split()


def test_two_builds_at_once_wait_with_a_message(checkout, tmp_path, capsys):
    code = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / ".site.lock")]
    # Not subprocess.run, which is replaced here.
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout.readline() == "held\n"
        waiting = threading.Thread(target=build_book.main)
        waiting.start()
        time.sleep(0.5)
        assert checkout == []
        other.stdin.close()
        waiting.join(20)
    assert len(checkout) == 1
    assert "Another build" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_folder_gets_one_line(checkout, tmp_path, capsys):
    (tmp_path / "_build").write_text("mine")
    assert build_book.main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "is a file" in line
    assert (tmp_path / "_build").read_text() == "mine"
    assert checkout == []


@pytest.mark.usefixtures("checkout")
def test_a_failed_build_fails(monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 2)
    monkeypatch.setattr(build_book.subprocess, "run", lambda *_, **__: failed)
    assert build_book.main() == 1
    assert "not built" in capsys.readouterr().err


def test_a_stale_chapter_stops_the_build_with_the_command_that_mends_it(checkout, tmp_path, capsys):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "01_a.md").write_text("# A title")
    assert build_book.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == 'run: make notebooks CHAPTERS="book/01_a.md"'
    assert checkout == []
