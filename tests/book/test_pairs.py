"""The two files of a chapter are one notebook: either opens in Lab, and saving changes nothing."""

import os
import re
import shutil
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.cli import jupytext as jupytext_command
from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class
from nbformat.sign import MemorySignatureStore, NotebookNotary
from nbformat.v4 import new_code_cell

from tools import notebooks
from tools.notebooks import behind, lay_out, mend, stale, update

TOP = Path(__file__).parents[2]
CHAPTERS = sorted((TOP / "book").glob("[0-9]*.md"))
ENDINGS = (".md", ".ipynb")
# What JupyterLab adds to a notebook that it has opened and run.
LAB = {"language_info": {"name": "python", "version": "3.14.0", "file_extension": ".py"}}


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a chapter's two files, with the repository's settings."""
    (tmp_path / "book").mkdir()
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    for ending in ENDINGS:
        shutil.copy(request.param.with_suffix(ending), tmp_path / "book")
    return tmp_path / "book" / request.param.name


def age(chapter: Path, newer: str) -> None:
    """Let one of the two files be a minute newer than the other."""
    for ending in ENDINGS:
        time = 1_700_000_000 + 60 * (ending == newer)
        os.utime(chapter.with_suffix(ending), (time, time))


@pytest.mark.parametrize("opened", ENDINGS)
@pytest.mark.parametrize("newer", ENDINGS)
def test_a_chapter_opens_in_jupyterlab_and_a_save_leaves_its_text(
    chapter: Path, newer: str, opened: str
) -> None:
    text, notebook = chapter.read_bytes(), nbformat.read(chapter.with_suffix(".ipynb"), 4)
    age(chapter, newer)
    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)(
        root_dir=str(chapter.parents[1]),
        # The usual store is a database in the home folder that nobody closes.
        notary=NotebookNotary(store_factory=MemorySignatureStore),
    )
    path = f"book/{chapter.stem}{opened}"
    content = manager.get(path, type="notebook", content=True)["content"]
    assert [cell.get("outputs") for cell in content.cells] == [
        cell.get("outputs") for cell in notebook.cells
    ]
    content.metadata.update(LAB)
    content.cells[1].metadata.update(trusted=True, scrolled=False)
    manager.save({"type": "notebook", "format": "json", "content": content}, path)
    assert chapter.read_bytes() == text


@pytest.mark.parametrize("newer", ENDINGS)
def test_synchronising_changes_nothing(chapter: Path, newer: str) -> None:
    before = [chapter.with_suffix(ending).read_bytes() for ending in ENDINGS]
    age(chapter, newer)
    jupytext_command(["--quiet", "--sync", str(chapter)])
    assert [chapter.with_suffix(ending).read_bytes() for ending in ENDINGS] == before


def test_a_chapter_up_to_date_is_left_alone(chapter: Path) -> None:
    assert behind(chapter.with_suffix(".ipynb")) is None  # or it would be executed here
    before = [chapter.with_suffix(ending).read_bytes() for ending in ENDINGS]
    assert update(chapter) == "same code, outputs kept"
    assert [chapter.with_suffix(ending).read_bytes() for ending in ENDINGS] == before


TINY = """---
jupytext:
  formats: ipynb,md:myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A title

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: |
      Two lines
      of text.
---
print(1)
```
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.md"
    path.write_text(TINY, encoding="utf-8")
    return path


def test_only_a_chapter_whose_code_changed_is_executed(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.fullmatch(r"executed in \d.*s", update(tiny))
    assert behind(tiny.with_suffix(".ipynb")) is None
    tiny.write_text(tiny.read_text().replace("# A title", "# Another"))
    os.utime(tiny, (0, 0))  # the times of the files say nothing
    assert str(behind(tiny.with_suffix(".ipynb"))).endswith("its prose differs")
    assert update(tiny) == "same code, outputs kept"
    stored = nbformat.read(tiny.with_suffix(".ipynb"), as_version=4)
    assert stored.cells[0].source == "# Another"
    assert stored.cells[1].outputs[0].text == "1\n"

    def execute(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(notebooks, "execute", execute)
    with pytest.raises(InterruptedError):
        update(tiny, always=True)
    tiny.write_text(tiny.read_text().replace("print(1)", "print(2)"))
    assert str(behind(tiny.with_suffix(".ipynb"))).endswith("its code differs")
    with pytest.raises(InterruptedError):
        update(tiny)


def test_options_are_laid_out_in_one_line_each(tiny: Path) -> None:
    cells = lay_out(tiny).cells
    assert cells[1].metadata["mystnb"] == {"figure": {"caption": "Two lines of text."}}
    assert "    caption: Two lines of text.\n" in tiny.read_text()
    laid_out = tiny.read_text()
    lay_out(tiny)
    assert tiny.read_text() == laid_out


def test_a_cell_never_executed_is_noticed(tiny: Path) -> None:
    notebook = jupytext.read(tiny)
    notebook.cells.append(new_code_cell("pass"))
    nbformat.write(notebook, tiny.with_suffix(".ipynb"))
    assert "never executed" in str(behind(tiny.with_suffix(".ipynb")))


def test_one_command_mends_all_that_are_behind_and_names_no_other(tiny: Path) -> None:
    for name in ("01_a.md", "02_b.md", "03_c.md"):
        tiny.with_name(name).write_text(TINY, encoding="utf-8")
    update(tiny.with_name("02_b.md"))
    tiny.with_name("03_c.ipynb").write_text("<<<<<<< ours")
    first, third, command = stale(tiny.parent).splitlines()
    assert first == "01_a.ipynb is missing"
    assert third.startswith("03_c.ipynb cannot be read")
    folder = tiny.parent.name
    assert command == f'run: make notebooks CHAPTERS="{folder}/01_a.md {folder}/03_c.md"'
    for path in (first, third):
        assert update(tiny.with_name(path.split()[0]).with_suffix(".md")).startswith("executed")
    assert stale(tiny.parent) == ""
    assert stale(tiny.parent / "none") == ""
    assert mend([tiny]) == f'run: make notebooks CHAPTERS="{folder}/tiny.md"'
