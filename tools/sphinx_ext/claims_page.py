"""The directive ``{claims}``: a table of every claim that the chapters' stored outputs hold."""

from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HEADERS = ("Claim", "Value", "Accepted", "Seeds")
ENVIRONMENT = ("python", "numpy", "torch", "torchvision", "matplotlib", "machine")


def read_claims(notebook: Path) -> list[dict[str, Any]]:
    """Return the claims stored in the outputs of one executed notebook, in their order."""
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [o.metadata["claim"] for o in outputs if "claim" in o.get("metadata", {})]


def _row(chapter: str, claim: dict[str, Any]) -> nodes.row:
    link = nodes.reference(
        "", claim["sentence"], refuri=f"{chapter}.html#claim-{claim['name']}", internal=True
    )
    row = nodes.row()
    seeds = ", ".join(map(str, claim["seeds"])) or "–"
    for content in (
        link,
        nodes.Text(f"{claim['mark']} {claim['measured']}"),
        nodes.Text(claim["accepted"]),
        nodes.Text(seeds),
    ):
        row += nodes.entry("", nodes.paragraph("", "", content))
    return row


def _table(chapter: str, claims: list[dict[str, Any]]) -> nodes.table:
    table = nodes.table(classes=["claims"])
    group = nodes.tgroup(cols=len(HEADERS))
    table += group
    for width in (50, 15, 25, 10):
        group += nodes.colspec(colwidth=width)
    head = nodes.row()
    for header in HEADERS:
        head += nodes.entry("", nodes.paragraph(text=header))
    group += nodes.thead("", head)
    group += nodes.tbody("", *[_row(chapter, claim) for claim in claims])
    return table


class ClaimsDirective(SphinxDirective):
    """List all claims, chapter by chapter, each linked to the line in its chapter."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return one section per chapter that makes claims."""
        folder = Path(self.env.doc2path(self.env.docname)).parent
        sections: list[nodes.Node] = []
        for notebook in sorted(folder.glob("[0-9]*.ipynb")):
            self.env.note_dependency(str(notebook))
            claims = read_claims(notebook)
            if not claims:
                continue
            made = claims[0]["environment"]
            versions = ", ".join(f"{name} {made[name]}" for name in ENVIRONMENT if name in made)
            section = nodes.section(ids=[f"claims-{notebook.stem.replace('_', '-')}"])
            section += nodes.title(text=self._title(notebook))
            section += nodes.paragraph(text=f"Measured with {versions}.")
            section += _table(notebook.stem, claims)
            sections.append(section)
        return sections

    def _title(self, notebook: Path) -> str:
        first = nbformat.read(notebook, as_version=4).cells[0].source
        return next(line[2:] for line in first.splitlines() if line.startswith("# "))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("claims", ClaimsDirective)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
