"""The directive ``{stored}``: tables of what runs have stored, so that nobody types them.

``{stored} claims`` and ``{stored} runs`` read the executed chapters, ``{stored} bench epochs`` the
table of that name in ``book/data/bench.json``.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import nbformat
from docutils import nodes
from nbformat import NotebookNode
from sphinx.util.docutils import SphinxDirective

ENVIRONMENT = ("python", "numpy", "torch", "torchvision", "matplotlib", "machine")
Cell: TypeAlias = str | nodes.Node


def _row(cells: Sequence[Cell], classes: Sequence[str] = ()) -> nodes.row:
    content = [nodes.Text(cell) if isinstance(cell, str) else cell for cell in cells]
    entries = [nodes.entry("", nodes.paragraph("", "", c), classes=list(classes)) for c in content]
    return nodes.row("", *entries)


def table(headers: Sequence[str], rows: Sequence[Sequence[Cell]], *classes: str) -> nodes.table:
    """Return a table whose columns take the width that they need."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in headers), cols=len(headers))
    group += nodes.thead("", _row(headers, ["head"]))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["colwidths-auto", *classes])


@cache
def read(notebook: Path) -> NotebookNode:
    """Return an executed notebook; many pages read it, and none writes."""
    return nbformat.read(notebook, as_version=4)


def read_claims(notebook: Path) -> list[dict[str, Any]]:
    """Return the claims stored in the outputs of one executed notebook, in their order."""
    outputs = [output for cell in read(notebook).cells for output in cell.get("outputs", [])]
    return [o.metadata["claim"] for o in outputs if "claim" in o.get("metadata", {})]


def _title(chapter: Path) -> str:
    """Return the title of a chapter with its number, which its file has in front."""
    first = read(chapter).cells[0].source
    title = next(line[2:] for line in first.splitlines() if line.startswith("# "))
    return f"{int(chapter.stem[:2])}. {title}"


def _link(chapter: Path, text: str = "", place: str = "") -> nodes.reference:
    address = f"{chapter.stem}.html{place}"
    return nodes.reference("", text or _title(chapter), refuri=address, internal=True)


def claims(chapters: Sequence[Path]) -> Iterator[nodes.Node]:
    """Yield one section for each chapter that makes claims, each linked to its cell."""
    for chapter in chapters:
        if made := read_claims(chapter):
            rows = [
                (
                    _link(chapter, claim["sentence"], f"#claim-{claim['name']}"),
                    f"{claim['mark']} {claim['measured']}",
                    claim["accepted"],
                    ", ".join(map(str, claim["seeds"])) or "–",
                )
                for claim in made
            ]
            section = nodes.section(ids=[f"claims-{chapter.stem.replace('_', '-')}"])
            section += nodes.title(text=_title(chapter))
            section += table(("Claim", "Value", "Accepted", "Seeds"), rows, "claims")
            yield section


def runs(chapters: Sequence[Path]) -> Iterator[nodes.Node]:
    """Yield how long each chapter ran, and with which versions."""
    stored = [read(chapter).metadata["run"] for chapter in chapters]
    rows: list[list[Cell]] = [
        [_link(chapter), str(run["seconds"]), str(run["processors"])]
        for chapter, run in zip(chapters, stored, strict=True)
    ]
    rows.append(["all chapters", f"{sum(run['seconds'] for run in stored):.1f}", ""])
    yield table(("Chapter", "Seconds", "Processors"), rows)
    versions = [
        [_link(chapter), *(made[0]["environment"].get(name, "–") for name in ENVIRONMENT)]
        for chapter in chapters
        if (made := read_claims(chapter))
    ]
    yield table(("Chapter", *ENVIRONMENT), versions)


class StoredDirective(SphinxDirective):
    """Show "claims", "runs", or a table of a record."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the tables, read from the files beside this page."""
        folder = Path(self.env.doc2path(self.env.docname)).parent
        kind, *name = self.arguments
        if kind in ("claims", "runs"):
            chapters = sorted(folder.glob("[0-9]*.ipynb"))
            for chapter in chapters:
                self.env.note_dependency(str(chapter))
            return list({"claims": claims, "runs": runs}[kind](chapters))
        record = folder / "data" / f"{kind}.json"
        self.env.note_dependency(str(record))
        found = json.loads(record.read_text(encoding="utf-8"))["tables"][name[0]]
        return [table(found["headers"], found["rows"])]
