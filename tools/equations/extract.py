"""Read every display equation of a chapter: MyST math directives, ``$$`` blocks, aligned rows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.equations.parse import NotationError, Statement, parse

FENCE = re.compile(r"^\s*(`{3,}|:{3,})\s*(\{[\w-]+\})?")
LABEL = re.compile(r"^:label:\s*(\S+)\s*$", re.MULTILINE)
RELATION = re.compile(r":?=|[<>]|\\(approx|leftarrow|geq?|leq?|neq?)(?![A-Za-z])")
UNREAD = re.compile(r"\\begin\{(align|equation|gather|multline|eqnarray)\*?\}|\\\[")


@dataclass(frozen=True)
class Equation:
    """One display equation, with its statements in the order of its rows."""

    chapter: str
    label: str
    line: int
    statements: tuple[Statement, ...]

    @property
    def place(self) -> str:
        """Where an author finds it."""
        return f"{self.chapter}.md, line {self.line}, {self.label}"


def chapters(book: Path) -> list[Path]:
    """The numbered chapters, in reading order."""
    return sorted(book.glob("[0-9][0-9]_*.md"))


def read_chapter(path: Path) -> list[Equation]:
    """All display equations of ``path``.

    Raises
    ------
    NotationError
        With chapter, line and label, if an equation cannot be read.
    """
    return [
        equation(path.stem, label or f"line-{line}", line, latex)
        for line, label, latex in _blocks(path.read_text(encoding="utf-8"), path.name)
    ]


def equation(chapter: str, label: str, line: int, latex: str) -> Equation:
    """Split the LaTeX of one display equation into statements, and parse them."""
    try:
        statements = tuple(parse(text) for text in split_statements(latex))
    except NotationError as error:
        raise NotationError(f"{chapter}.md, line {line}, {label}: {error}") from None
    return Equation(chapter, label, line, statements)


def _blocks(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    """(line, label, LaTeX) of each display equation; what stands in code is passed over."""
    lines = text.splitlines()
    number = 0
    open_fences: list[str] = []  # of directives that hold prose, in which equations may stand
    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        if open_fences and line.strip() == open_fences[-1]:
            open_fences.pop()
        elif fence and fence[2] == "{math}":
            end = _find(lines, number + 1, fence[1])
            body = "\n".join(part.strip() for part in lines[number + 1 : end])
            label = LABEL.search(body)
            yield number + 1, label[1] if label else "", re.sub(r"^:\w+:.*$", "", body, flags=re.M)
            number = end
        elif fence and fence[1][0] == "`" and fence[2] in (None, "{code-cell}"):
            number = _find(lines, number + 1, fence[1])
        elif fence and fence[2]:
            open_fences.append(fence[1])
        elif line.strip().startswith("$$"):
            block = re.compile(r"\s*\$\$(.*?)\$\$\s*(?:\(([\w-]+)\))?", re.DOTALL)
            match = block.match("\n".join(lines[number:]))
            if match is None:
                raise NotationError(f"{name}, line {number + 1}: $$ is not closed.")
            yield number + 1, match[2] or "", match[1]
            number += match.group().count("\n")
        elif UNREAD.search(line):
            raise NotationError(
                f"{name}, line {number + 1}: write display equations as a math directive with a "
                f"label, not as {line.strip()!r}; this one would not be checked."
            )
        number += 1
    if open_fences:
        raise NotationError(f"{name}: the fence {open_fences[-1]} of a directive is not closed.")


def _find(lines: list[str], start: int, fence: str) -> int:
    for number in range(start, len(lines)):
        if lines[number].strip() == fence:
            return number
    raise NotationError(f"line {start}: the fence {fence} is not closed.")


def split_statements(latex: str) -> list[str]:
    """One text per statement; a row that begins with a relation continues the row before."""
    aligned = re.fullmatch(r"\s*\\begin\{aligned\}(.*)\\end\{aligned\}\s*", latex, re.DOTALL)
    statements: list[str] = []
    for row in _rows(aligned[1]) if aligned else [latex]:
        if statements and RELATION.match(row):
            statements[-1] += " " + row
        elif row:
            statements.append(row)
    return statements


def _rows(latex: str) -> list[str]:
    """Split at ``\\\\`` and drop ``&``, except inside ``cases``."""
    rows = [""]
    for part in re.split(r"(\\begin\{cases\}.*?\\end\{cases\})", latex, flags=re.DOTALL):
        if part.startswith(r"\begin{cases}"):
            rows[-1] += part
            continue
        first, *others = part.replace("&", " ").split(r"\\")
        rows[-1] += first
        rows += others
    return [row.strip() for row in rows]
