"""A page for each student: points, what failed with which hint. Plain HTML, without scripts."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hwlib.check.grade import Grade
from hwlib.check.hand_in import plain
from hwlib.check.tasks import TASKS

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }
section { border-left: 4px solid #b3261e; padding: .2rem 1rem; margin: 1rem 0 }
section.passed { border-color: #1a7f4b }
h3 { margin: .2rem 0 } dt { font-weight: 600 } dd { margin: 0 0 .4rem 1rem; white-space: pre-wrap }
"""
ROWS = (("given", "Input"), ("got", "Came"), ("expected", "Expected"), ("hint", "Hint"))


def file_name(student: str) -> str:
    """Return the name of a student's page: no two students have the same."""
    plain_name = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:60]
    if plain_name == student:
        return f"{plain_name}.html"
    return f"{plain_name}-{hashlib.sha256(student.encode()).hexdigest()[:6]}.html"


def summary(row: Mapping[str, Any]) -> str:
    """Return the points of a student in one line."""
    chapters = [f"{k}: {v:g}" for k, v in row.items() if k.startswith("chapter ") and v != ""]
    return f"{row['total']:g} of {row['possible']} points ({', '.join(chapters) or 'no chapter'})"


def page(row: Mapping[str, Any], grades: Sequence[Grade], comments: Mapping[str, str]) -> str:
    """Return the page of a student as HTML.

    ``row`` holds the points that count, ``comments`` what the teacher says about a task.
    """
    body = [f"<h1>{_text(row['student'])}</h1>", f"<p>{_text(summary(row))}</p>"]
    for grade in grades:
        body += _chapter(grade, row, comments)
    title = _text(f"Feedback for {row['student']}")
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _chapter(grade: Grade, row: Mapping[str, Any], comments: Mapping[str, str]) -> Iterator[str]:
    if grade.status != "graded":
        yield f"<h2>{_text(grade.path.replace(chr(92), '/').rsplit('/', 1)[-1])}</h2>"
        yield f"<p>Not graded: {_text(grade.status)}: {_text(grade.detail)}</p>"
        return
    reached = row[f"chapter {grade.chapter}"]
    yield f"<h2>Chapter {grade.chapter}: {reached:g} of {grade.possible}</h2>"
    for name, result in grade.results.items():
        points = f"{row[name]:g} of {TASKS[name].points}"
        passed = result is not None and not result["failed"]
        yield f'<section class="{"passed" if passed else "failed"}">'
        yield f"<h3>{'✓' if passed else '✗'} <code>my_{name}</code>: {points}</h3>"
        if comment := comments.get(name):
            yield f"<p>{_text(comment)}</p>"
        if result is None:
            yield f"<p>The notebook defines no <code>my_{name}</code>: keep the name.</p>"
        elif not passed:
            yield f"<p>Step “{_text(result['failed'])}”: it {_text(result['sentence'])}.</p>"
            texts = [(word, result[key]) for key, word in ROWS if result[key]]
            yield "<dl>" + "".join(f"<dt>{w}</dt><dd>{_text(t)}</dd>" for w, t in texts) + "</dl>"
        yield from (f"<p>Note: {_text(note)}</p>" for note in (result or {}).get("notes", ()))
        yield "</section>"
    if grade.errors:
        yield "<h3>Cells that stopped when all were run from top to bottom</h3><ul>"
        yield from (f"<li>Code cell {_text(n)}: {_text(t)}</li>" for n, t in grade.errors.items())
        yield "</ul>"


def _text(text: object) -> str:
    return html.escape(plain(text, 3000))
