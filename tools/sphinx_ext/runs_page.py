"""The directive ``{runs}``: how long each chapter ran, and with which versions, as stored in it."""

from pathlib import Path
from typing import Any

import nbformat
from claims_page import ENVIRONMENT, read_claims
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HEAD = ["| Chapter | Seconds | Processors |", "|---|--:|--:|"]


class RunsDirective(SphinxDirective):
    """A table with one row per executed chapter, and a table of each set of versions."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return both tables, read from the notebooks beside this page."""
        folder = Path(self.env.doc2path(self.env.docname)).parent
        rows: list[str] = []
        made: dict[tuple[tuple[str, str], ...], list[Path]] = {}
        for notebook in sorted(folder.glob("[0-9]*.ipynb")):
            self.env.note_dependency(str(notebook))
            run = nbformat.read(notebook, as_version=4).metadata["run"]
            rows.append(f"| {{doc}}`{notebook.stem}` | {run['seconds']} | {run['processors']} |")
            for claim in read_claims(notebook)[:1]:
                made.setdefault(tuple(sorted(claim["environment"].items())), []).append(notebook)
        total = sum(float(row.split("|")[2]) for row in rows)
        rows.append(f"| all chapters | {total:.1f} | |")
        text = [*HEAD, *rows, ""]
        for environment, notebooks in made.items():
            which = notebooks if len(made) > 1 else []
            text += self._versions(dict(environment), which)
        return self.parse_text_to_nodes("\n".join(text))

    def _versions(self, environment: dict[str, str], notebooks: list[Path]) -> list[str]:
        names = ", ".join(f"{{doc}}`{notebook.stem}`" for notebook in notebooks)
        head = [f"{names or 'All chapters'} ran with:", "", "| What | Version |", "|---|---|"]
        rows = [f"| {name} | {environment[name]} |" for name in ENVIRONMENT if name in environment]
        return [*head, *rows, ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("runs", RunsDirective)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
