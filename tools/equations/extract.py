"""Find every display equation of a chapter, with the Markdown parser that builds the site.

What would be displayed as an equation, or looks as if its author meant one, is read or is an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.directives import MarkupError, parse_directive_text
from myst_parser.parsers.mdit import create_md_parser
from sphinx.directives.patches import MathDirective

from hwlib.formulas.normalise import split_statements
from hwlib.formulas.parse import parse
from hwlib.formulas.tree import NotationError, Statement

EXTENSIONS = {"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "substitution"}
CODE = ("code", "code-block", "code-cell", "literalinclude", "sourcecode", "prompt")
FOREIGN = ("eval-rst", "include", "raw")  # may display what no one reads here
DIRECTIVE = re.compile(r"\{([^}\s]+)\}\s*(.*)")
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
# Marks of display mathematics that this line of MyST does not display, or not as an equation.
UNREAD = re.compile(r"(?<!\\)\$\$|\\\[|\\begin\s*\{")


@dataclass(frozen=True)
class Equation:
    """One display equation, with its statements in the order of its rows."""

    chapter: str
    label: str
    line: int
    statements: tuple[Statement, ...]
    latex: str = ""

    @property
    def place(self) -> str:
        """Where an author finds it."""
        return f"{self.chapter}.md, line {self.line}, {self.label}"


def chapters(book: Path) -> list[Path]:
    """The numbered chapters, in reading order."""
    return sorted(book.glob("[0-9][0-9]_*.md"))


def read_book(book: Path) -> list[Equation]:
    """All display equations of all chapters, in reading order.

    Raises
    ------
    NotationError
        With chapter, line and label, if an equation cannot be read.
    """
    return [
        equation(path.stem, label or f"line-{line}", line, latex)
        for path in chapters(book)
        for line, label, latex in _blocks(path.read_text(encoding="utf-8"), path.name)
    ]


def equation(chapter: str, label: str, line: int, latex: str) -> Equation:
    """Split the LaTeX of one display equation into statements, and parse them."""
    try:
        statements = tuple(parse(text) for text in split_statements(latex))
        if not statements:
            raise NotationError("an equation without a statement.")
    except NotationError as error:
        raise NotationError(
            f"{chapter}.md, line {line}, {label}: {error} What can be read is said in "
            "book/checks.md, the symbols are declared in tools/equations/notation.toml."
        ) from None
    return Equation(chapter, label, line, statements, latex)


@cache
def _markdown() -> MarkdownIt:
    return create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)


def _blocks(text: str, name: str, before: int = 0) -> Iterator[tuple[int, str, str]]:
    """(line, label, LaTeX) of each display equation; what stands in code is passed over."""
    for token in _markdown().parse(text):
        line = before + (token.map[0] if token.map else 0) + 1
        if token.type in ("math_block", "math_block_label"):
            yield line, token.info, token.content
        elif token.type in ("fence", "colon_fence"):
            yield from _directive(token, name, line)
        elif token.type == "inline":
            _refuse_unread(INLINE_CODE.sub("", token.content), name, line)
        elif token.type in ("amsmath", "html_block"):
            _refuse_unread(token.content, name, line)


def _directive(token: Token, name: str, line: int) -> Iterator[tuple[int, str, str]]:
    """What a fence displays: an equation, or text in which equations may stand."""
    found = DIRECTIVE.match(token.info.strip())
    if found is None or found[1] in CODE:
        return
    directive, title = found.groups()
    if directive in FOREIGN:
        raise NotationError(f"{name}, line {line}: equations in {{{directive}}} are not checked.")
    if directive == "math":
        try:
            read = parse_directive_text(MathDirective, title, token.content)
        except MarkupError as error:
            raise NotationError(f"{name}, line {line}: {error}") from None
        if read.warnings:
            raise NotationError(f"{name}, line {line}: {read.warnings[0].msg}")
        yield line, read.options.get("label", ""), "\n".join([*read.arguments, *read.body])
        return
    _refuse_unread(INLINE_CODE.sub("", title), name, line)
    yield from _blocks(token.content, name, line)


def _refuse_unread(text: str, name: str, line: int) -> None:
    if found := UNREAD.search(text):
        start = text[found.start() :].split("\n")[0]
        raise NotationError(
            f"{name}, line {line}: write display equations as a math directive with a label, not "
            f"as {start!r}; this one would not be checked."
        )
