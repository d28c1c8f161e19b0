"""Cells on the page: claims as one quiet tick each, and the code that teaches before the rest.

What is stored in the notebooks stays as it is; this only decides what a reader sees first. Claims
open by themselves, without a script. Calls that only state a claim, and the code of a figure, are
folded: they are one click away.
"""

import ast
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from tools.sphinx_ext.stored import read_claims


def _teaching_lines(source: str) -> int:
    """Return after how many lines of a cell nothing comes but calls that state claims."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a magic command
        return len(source.splitlines())
    return max((s.end_lineno or 0 for s in statements if not _states(s)), default=0)


def _states(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("claim", "settings")


def tick(mark: str, kind: str, words: str, rows: Mapping[str, str], place: str = "") -> str:
    """Return a mark and words that open a card, in HTML like the words and the rows' texts."""
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows.items())
    return (
        f'<details class="claim claim-{kind}" name="claim"><summary>'
        f'<span class="claim-mark">{mark}</span>{words}</summary>'
        f'<dl class="claim-card"{place}>{items}</dl></details>'
    )


def _claim(claim: Mapping[str, Any]) -> str:
    """Return one claim: a mark that opens the value, what is accepted, and the seeds."""
    measured, accepted, sentence = (
        html.escape(claim[name]) for name in ("measured", "accepted", "sentence")
    )
    seeds = ", ".join(map(str, claim["seeds"])) or "none"
    rows = {"Value": measured, "Accepted": accepted, "Seeds": seeds}
    words = f'<span class="claim-sentence">{sentence}</span>'
    kind = claim["status"].replace(" ", "-")
    return tick(claim["mark"], kind, words, rows, f' id="claim-{claim["name"]}"')


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _fold_code(cell: nodes.container, has_figure: bool) -> None:
    """Fold what does not teach in the code of a cell."""
    for block in list(cell.findall(nodes.literal_block)):
        if "cell_input" not in block.parent["classes"]:
            continue
        lines = block.rawsource.splitlines()
        count = 0 if has_figure else _teaching_lines(block.rawsource)
        if count == len(lines):
            continue
        rest = block
        if count:
            rest = block.deepcopy()
            for part, kept in ((block, lines[:count]), (rest, lines[count:])):
                part.rawsource = "\n".join(kept).strip("\n")
                part.children = [nodes.Text(part.rawsource)]
            block.parent.replace(block, [block, rest])
        label = "Code of the figure" if has_figure else "Code of the claims"
        opened = _raw(f'<details class="folded-code"><summary>{label}</summary>')
        rest.parent.replace(rest, [opened, rest, _raw("</details>")])


def _quiet(cell: nodes.container, claims: Mapping[str, Mapping[str, Any]]) -> None:
    """Move the claims of a cell from its outputs to their own place beside it."""
    made: list[str] = []
    for outputs in [child for child in cell if "cell_output" in child["classes"]]:
        for output in list(outputs):
            if (text := output.astext()).startswith('<p class="claim '):
                made.append(_claim(claims[text.split('id="claim-')[1].split('"')[0]]))
                outputs.remove(output)
        if not len(outputs):
            cell.remove(outputs)
    if made:
        cell += _raw(f'<div class="claims">{"".join(made)}</div>')


def arrange(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Arrange the cells of a chapter."""
    notebook = Path(app.srcdir) / f"{docname}.ipynb"
    if app.builder.format != "html" or not notebook.exists():
        return
    for section in doctree.findall(nodes.section):
        if section["ids"] in (["exercise-content"], ["solution-content"]):
            section["ids"] = []  # the same in every exercise
    claims = {claim["name"]: claim for claim in read_claims(notebook)}
    for cell in [c for c in doctree.findall(nodes.container) if "cell" in c["classes"]]:
        _fold_code(cell, next(cell.findall(nodes.image), None) is not None)
        _quiet(cell, claims)
