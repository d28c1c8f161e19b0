"""Split a displayed block of LaTeX into statements."""

import re

ALIGNED = re.compile(
    r"\s*\\begin\{(aligned|gathered|split|alignedat)\}(?:\[[tbc]\])?(?:\{\d+\})?(.*)\\end\{\1\}\s*",
    re.DOTALL,
)
RELATION = re.compile(r":?=|[<>]|\\(approx|leftarrow|geq?|leq?|neq?)(?![A-Za-z])")
# The end of a row, with the distance to the next one: \\[4pt]
BREAK = re.compile(r"\\\\\*?(?:\s*\[\s*-?[\d.]+\s*(?:cm|mm|pt|pc|ex|em|in|mu|sp|bp)\s*\])?")


def split_statements(latex: str) -> list[str]:
    """One text per statement; a row that begins with a relation continues the row before."""
    aligned = ALIGNED.fullmatch(latex)
    statements: list[str] = []
    for row in _rows(aligned[2]) if aligned else [latex]:
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
        first, *others = BREAK.split(part.replace("&", " "))
        rows[-1] += first
        rows += others
    return [row.strip() for row in rows]
