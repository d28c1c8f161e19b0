"""However a display equation is written, it is found, or its author is told."""

from pathlib import Path

import pytest

from hwlib.formulas.tree import NotationError
from tools.equations.extract import Equation, read_book

FENCE = "```{math}\n:label: eq-x\n1 = 2\n```"
QUOTED = "\n".join("> " + line for line in FENCE.splitlines())
IN_LIST = "- item\n\n" + "\n".join("  " + line for line in FENCE.splitlines())


def read(text: str, folder: Path) -> list[Equation]:
    (folder / "01_x.md").write_text(f"# X\n\n{text}\n", encoding="utf-8")
    return read_book(folder)


@pytest.mark.parametrize(
    "text",
    [
        FENCE,
        "```{math} 1 = 2\n:label: eq-x\n```",
        "```{math}\n---\nlabel: eq-x\n---\n1 = 2\n```",
        "~~~{math}\n:label: eq-x\n1 = 2\n~~~",
        "~~~~~{math}\n:label: eq-x\n1 = 2\n~~~~~",
        ":::{math}\n:label: eq-x\n1 = 2\n:::",
        "```{math}\n:label: eq-x\n:nowrap:\n1 = 2\n```",
        "$$ 1 = 2 $$",
        "$$\n1 = 2\n$$ (eq-x)",
        "Some text\n```{math}\n1 = 2\n```",
        QUOTED,
        IN_LIST,
        "- $$ 1 = 2 $$",
        "> > $$\n> > 1 = 2\n> > $$",
        "term\n: $$ 1 = 2 $$",
        "::::{note} Title\n:class: dropdown\n\n:::{tip}\n" + FENCE + "\n:::\n::::",
        "````{admonition} Title\n" + QUOTED + "\n````",
    ],
)
def test_a_display_equation_is_read(text: str, tmp_path: Path) -> None:
    [found] = read(text, tmp_path)
    assert [s.text for s in found.statements] == ["1 = 2"]
    assert found.label == "eq-x" or "eq-x" not in text


@pytest.mark.parametrize(
    "text",
    [
        "The rule $$1 = 2$$ is well known.",
        "The rule is\n$$1 = 2$$",
        "The rule is $$\n1 = 2\n$$",
        "# A title $$1 = 2$$",
        "| a |\n|---|\n| $$1 = 2$$ |",
        "```{note} $$1 = 2$$\ntext\n```",
        "<div>$$1 = 2$$</div>",
        "$$ 1 = 2",
        "\\[ 1 = 2 \\]",
        "Text \\begin{align} 1 = 2 \\end{align}",
        "```{eval-rst}\n.. math:: 1 = 2\n```",
        "```{include} other.md\n```",
        "```{math}\n:nolabel: x\n1 = 2\n```",
        "```{math}\n:label: eq-x\n```",
        *(
            f"\\begin{{{name}}}{columns}\n1 &= 2\n\\end{{{name}}}"
            for name, columns in [
                ("align", ""),
                ("align*", ""),
                ("alignat", "{2}"),
                ("flalign", ""),
                ("gather", ""),
                ("multline", ""),
                ("equation", ""),
                ("eqnarray", ""),
            ]
        ),
    ],
)
def test_what_would_not_be_read_is_an_error_with_its_place(text: str, tmp_path: Path) -> None:
    with pytest.raises(NotationError, match=r"01_x(\.md)?, line [345]"):
        read(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "`$$ 1 = 2 $$`",
        "```latex\n$$ 1 = 2 $$\n```",
        "```{code-cell}\nprint('$$')\n```",
        "    $$ 1 = 2 $$",
        "Inline $1 = 2$ only.",
        "Two prices, \\$1 and \\$2.",
    ],
)
def test_code_and_inline_formulas_are_passed_over(text: str, tmp_path: Path) -> None:
    assert read(text, tmp_path) == []


def test_the_line_is_the_one_in_the_file(tmp_path: Path) -> None:
    text = "::::{note} Title\ntext\n\n:::{tip}\nmore\n\n" + FENCE + "\n:::\n::::\n\n$$ 1 = 2 $$"
    lines = f"# X\n\n{text}".splitlines()
    assert [e.line for e in read(text, tmp_path)] == [
        lines.index("```{math}") + 1,
        lines.index("$$ 1 = 2 $$") + 1,
    ]


def test_equations_keep_their_order_between_other_directives(tmp_path: Path) -> None:
    math = "```{{math}}\n:label: eq-{}\nz = z\n```\n\n"
    note = "````{note} A title\n:class: dropdown\n\n" + math.format("in") + "````\n\n"
    code = "```python\nx = 1\n```\n\n"
    text = math.format("before") + note + math.format("between") + "```{tip}\nA tip.\n```\n\n"
    found = read(text + math.format("after") + code + math.format("last"), tmp_path)
    assert [e.label for e in found] == ["eq-before", "eq-in", "eq-between", "eq-after", "eq-last"]
