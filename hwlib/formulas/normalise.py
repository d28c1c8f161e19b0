"""Displayed LaTeX to statements, each in the one way of writing that the grammar knows."""

import re
from collections.abc import Callable

from hwlib.formulas.tree import NotationError

ALIGNED = re.compile(
    r"\s*\\begin\{(aligned|gathered|split|alignedat)\}(?:\[[tbc]\])?(?:\{\d+\})?(.*)\\end\{\1\}\s*",
    re.DOTALL,
)
RELATION = re.compile(r":?=|[<>]|\\(approx|leftarrow|geq?|leq?|neq?)(?![A-Za-z])")
# The end of a row, with the distance to the next one: \\[4pt]
BREAK = re.compile(r"\\\\\*?(?:\s*\[\s*-?[\d.]+\s*(?:cm|mm|pt|pc|ex|em|in|mu|sp|bp)\s*\])?")
ROW = "¶"  # where a row of several ends
SIZES = re.compile(r"\\(left|right|[bB]igg?[lrm]?)\s*(?=[()\[\]|/]|\\[lr]?[vV]ert)")
DIFFERENTIAL = re.compile(r"\s*(?:d|\\partial(?![A-Za-z]))(?![_'])\s*")
ARGUMENT = re.compile(r"\s*(\{|\\(?!hat|bar|tilde|frac|sqrt|partial)[A-Za-z]+|[A-Za-z\d])")
# A d before a name: `d w` or `d\theta`, but not `d \cdot w`.
BELOW = re.compile(r"\s*(?:d|\\partial(?![A-Za-z]))\s*(?=[A-Za-z]|\\(?!cdot|odot|times))")


def split_statements(latex: str) -> list[str]:
    """One text per statement; a row that begins with a relation continues the row before."""
    rows = [latex]
    if aligned := ALIGNED.fullmatch(latex):
        marked = outside_cases(aligned[2], lambda part: BREAK.sub(ROW, part.replace("&", " ")))
        rows = marked.split(ROW)
    statements: list[str] = []
    for row in map(str.strip, rows):
        if statements and RELATION.match(row):
            statements[-1] += " " + row
        elif row:
            statements.append(row)
    return statements


def outside_cases(latex: str, change: Callable[[str], str]) -> str:
    """Change what does not stand in ``cases``, whose rows and ``&`` are part of the formula."""
    parts = re.split(r"(\\begin\s*\{cases\}.*?\\end\s*\{cases\})", latex, flags=re.DOTALL)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def normalise(latex: str) -> str:
    """Drop what only sets sizes and spaces, and tell opening bars from closing ones."""
    text = SIZES.sub("", latex)
    text = re.sub(r"(\d)\{,\}(?=\d)(?!\d{3}(?!\d))", r"\1.", text)
    if re.search(r"\d,\d|\d\{,\}\d", re.sub(r"_\{[^{}]*\}", "", text)):
        raise NotationError(
            "a comma between digits: write 1000 for a thousand, 0.5 for a half, and a space after "
            "the comma between two numbers."
        )
    text = re.sub(r"\\[,;!:]|~", " ", text)
    text = _one_sided(fractions(text))
    if re.search(r"\\frac\{\\partial \^", text):
        raise NotationError("only first derivatives can be taken.")
    return re.sub(r"\s+", " ", text).strip()


def _one_sided(text: str) -> str:
    r"""Write each bar as ``\lvert`` or ``\rvert``."""
    pieces: list[str] = []
    open_bars = 0
    for match in re.finditer(r"\\[A-Za-z]+|\\.|\||[^\\|]+|\\", text):
        piece = match.group()
        if piece == "|":
            before = "".join(pieces).rstrip()
            closes = open_bars > 0 and re.search(r"[\w)}']$", before)
            open_bars += -1 if closes else 1
            piece = r"\rvert " if closes else r"\lvert "
        pieces.append(piece)
    return "".join(pieces)


def fractions(text: str) -> str:
    r"""Give each fraction its braces, and write the d of a derivative as ``\partial``.

    From a fraction without two arguments on to the left, all is left as it is: it cannot be read.
    """
    text = re.sub(r"\\[tdc]frac(?![A-Za-z])", r"\\frac", text)
    for found in reversed([*re.finditer(r"\\frac(?![A-Za-z])", text)]):
        above, at = _argument(text, found.end())
        below, at = _argument(text, at)
        if not (above and below):
            break
        if BELOW.match(below) and DIFFERENTIAL.match(above):
            above = DIFFERENTIAL.sub(r"\\partial ", above, count=1)
            below = BELOW.sub(r"\\partial ", below, count=1)
        text = rf"{text[: found.start()]}\frac{{{above}}}{{{below}}}{text[at:]}"
    return text


def _argument(text: str, start: int) -> tuple[str, int]:
    """What TeX takes as an argument: a group, a command or a single character, if there is one."""
    found = ARGUMENT.match(text, start)
    if found is None or found[1] != "{":
        return (found[1], found.end()) if found else ("", start)
    depth = 1
    for brace in re.compile(r"\\.|[{}]").finditer(text, found.end()):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[found.end() : brace.start()], brace.end()
    return "", start
