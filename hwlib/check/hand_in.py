"""Hand-ins as files: find them, read their code cells, and say in words what is no notebook."""

from __future__ import annotations

import codecs
import glob
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import multimode
from typing import Any

from hwlib.check.tasks import POINTS, TASKS, tasks_of

LARGEST = 20_000_000  # bytes of a hand-in that is read at all
HANDED_IN = (".ipynb", ".py", ".pdf", ".zip", ".docx")  # the others get a line that says so


class HandInError(ValueError):
    """A file that is no notebook of this homework."""


class SetupError(ValueError):
    """What a teacher has to put right before anything is graded: tables, options, packages."""


@dataclass(frozen=True)
class Cell:
    """A code cell. ``changed`` tells whether a student has edited what the chapter brought."""

    source: str
    tags: tuple[str, ...] = ()
    changed: bool = False


@dataclass(frozen=True)
class HandIn:
    """The code cells of a notebook, the chapter that it answers, and remarks for the teacher."""

    chapter: int
    cells: list[Cell]
    remarks: list[str] = field(default_factory=list)


def plain(text: object, longest: int = 300) -> str:
    """Return ``text`` in one line that any console, CSV and page takes.

    Control characters, lone surrogates and what else cannot be printed become escapes.
    """
    words = str(text)
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words[:longest])
    return safe + "…" if len(words) > longest else safe


def store(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a file so that it is whole at any time, also if the program is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding, newline="")
    part.replace(path)


def digest(source: str) -> str:
    """Return what tells whether a cell's code is still the original; blanks do not count."""
    return hashlib.sha256("".join(source.split()).encode("utf-8", "replace")).hexdigest()[:16]


def find(arguments: Iterable[str | Path]) -> list[Path]:
    """Return the files that are meant: themselves, hand-ins below folders, and matches of globs.

    A name that is neither there nor a pattern is returned, too, so that it gets its line, and so is
    what people hand in in place of a notebook.
    """
    found: list[Path] = []
    for argument in map(str, arguments):
        there = os.path.lexists(argument)  # also a name that looks like a pattern
        names = [] if there else sorted(glob.glob(argument, recursive=True))
        for path in map(Path, names or [argument]):
            found += _inside(path) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def _inside(folder: Path) -> list[Path]:
    """The hand-ins below a folder, and of them none that is hidden."""
    files = sorted(f for f in folder.rglob("*") if f.suffix in HANDED_IN and not f.is_dir())
    return [f for f in files if not any(p.startswith(".") for p in f.relative_to(folder).parts)]


def read_hand_in(path: Path, chapter: int | None = None) -> HandIn:
    """Read a notebook file of nbformat 3 or 4.

    The chapter is the one given; without it, that of the notebook's metadata; where a student's
    editor has dropped them, the one whose answers it defines.

    Raises
    ------
    HandInError
        If the file cannot be read, is no notebook, or is of no chapter.
    """
    notebook = _notebook(path)
    try:
        cells = list(_cells(notebook))
        metadata = notebook.get("metadata") or {}
        about = metadata.get("hwlib", {})
        stated = next((n for n in POINTS if n == about.get("chapter")), None)
    except (KeyError, TypeError, AttributeError) as error:
        raise HandInError(f"no notebook: {type(error).__name__} in its cells") from None
    named = _chapter_of_names(cells)
    found = chapter or stated or named
    if found is None:
        raise HandInError("a notebook of no chapter: it defines none of the answers")
    remarks = []
    if stated not in (None, found):
        remarks.append(f"its metadata says chapter {stated}")
    if named not in (None, found):
        remarks.append(f"most of its answers are of chapter {named}")
    for task in tasks_of(found):
        if sum(f"def {task.answer}(" in cell.source for cell in cells) > 1:
            remarks.append(f"{task.answer} is defined in several cells, and the last one counts")
    return HandIn(found, cells, remarks)


def _notebook(path: Path) -> dict[str, Any]:
    """The JSON of a notebook file."""
    try:
        # Neither a pipe, which would block, nor a device, which may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise HandInError("no ordinary file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise HandInError(f"cannot be read: {error.strerror or error}") from None
    if len(content) > LARGEST:
        raise HandInError(f"more than {LARGEST / 1e6:.0f} MB: clear its outputs and save it again")
    start = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if not start:
        raise HandInError("an empty file")
    if content.startswith(b"PK\x03\x04"):
        raise HandInError("a ZIP archive: unpack it first")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:100]:
        raise HandInError("saved as UTF-16, and notebooks are UTF-8: save it as UTF-8")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        encodings = "saved as Latin-1 or another encoding, and notebooks are UTF-8"
        raise HandInError(f"{encodings}: save it as UTF-8") from None
    except RecursionError:
        raise HandInError("no notebook: its JSON is nested too deeply") from None
    except ValueError as error:
        kind = "JSON that breaks off or is damaged" if start == b"{" else "other text"
        raise HandInError(f"no notebook but {kind}: {plain(error, 80)}") from None
    if not isinstance(notebook, dict) or not notebook.keys() & {"cells", "worksheets"}:
        raise HandInError("no notebook: JSON without cells")
    return notebook


def _cells(notebook: dict[str, Any]) -> Iterator[Cell]:
    """The code cells; nbformat 3 keeps them in worksheets and calls the source input."""
    sheets = notebook["worksheets"] if "cells" not in notebook else [notebook]
    for cell in (cell for sheet in sheets for cell in sheet["cells"]):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"] if "source" in cell else cell["input"])
        metadata = cell.get("metadata") or {}
        tags = tuple(tag for tag in metadata.get("tags") or () if isinstance(tag, str))
        original = metadata.get("original")
        yield Cell(source, tags, isinstance(original, str) and original != digest(source))


def _chapter_of_names(cells: list[Cell]) -> int | None:
    """The chapter of which most answers are defined; None where two are equal or none is."""
    text = "\n".join(cell.source for cell in cells)
    chapters = multimode(
        task.chapter
        for task in TASKS.values()
        if f"def {task.answer}(" in text or f"{task.answer} =" in text
    )
    return chapters[0] if len(chapters) == 1 else None
