"""The directive ``{alive}``: a figure that answers to the reader, and a table for when it cannot.

``{alive} loss`` loads ``_static/alive/loss.js`` on its page, with the numbers of
``book/data/alive/loss.json``. The table in that file is shown where there is no JavaScript, and
stays at hand below the figure where there is.
"""

import html
import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.sphinx_ext.alive_files import write_files
from tools.sphinx_ext.stored import table

# What a figure loads beside its own script and numbers, and whose script and numbers it shares.
PARTS = {"network": ["nets", "board", "layers"], "garment": ["nets", "board", "layers"]}
SHARED = {"garment": "network"}
FOLDER = Path(__file__).parents[2] / "book" / "data" / "alive"


def record_table(record: dict[str, Any]) -> list[nodes.Node]:
    """Return the table of a record, in a box that scrolls by itself, by keyboard too."""
    label = "Some numbers of the figure"
    box = f'<div class="alive-fallback" tabindex="0" role="group" aria-label="{label}">'
    made = table(record["table"]["headers"], record["table"]["rows"], "alive-table")
    return [nodes.raw("", box, format="html"), made, nodes.raw("", "</div>", format="html")]


class LiveFigure(nodes.General, nodes.Element):
    """An interactive figure; without a number, since notebooks, which lack it, count too."""


def begin_figure(translator: Any, node: LiveFigure) -> None:
    """Write the start of the element."""
    translator.body.append(translator.starttag(node, "figure", CLASS="alive"))


def end_figure(translator: Any, _node: LiveFigure) -> None:
    """Write the end of the element."""
    translator.body.append("</figure>\n")


class AliveDirective(SphinxDirective):
    """Place one interactive figure: the argument names it, the content is its caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the figure with the place for the script, the table and the caption."""
        name = self.arguments[0]
        path = FOLDER / f"{SHARED.get(name, name)}.json"
        if "alt" not in self.options or not self.content or not path.is_file():
            raise self.error(f"alive: expected :alt:, a caption and {path.name} for {name!r}")
        self.env.note_dependency(str(path))
        record = json.loads(path.read_text(encoding="utf-8"))
        figure = LiveFigure("", alive=name)
        alt = html.escape(" ".join(self.options["alt"].split()), quote=True)
        app = f'<div class="alive-app" data-alive="{name}" data-alt="{alt}" hidden></div>'
        figure += nodes.raw("", app, format="html")
        figure += record_table(record)
        inline, messages = self.parse_inline(" ".join(self.content))
        words = nodes.inline("", "", *inline, classes=["caption-text"])
        figure += nodes.raw("", "<figcaption>", format="html")
        figure += nodes.paragraph("", "", words)
        figure += nodes.raw("", "</figcaption>", format="html")
        figure["names"].append(nodes.fully_normalize_name(f"alive-{name}"))
        self.state.document.note_explicit_target(figure, figure)
        self.set_source_info(figure)
        return [figure, *messages]


def add_scripts(
    app: Sphinx,
    _page: str,
    _template: str,
    _context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Load the scripts of a page's figures on that page and nowhere else."""
    names = [node["alive"] for node in doctree.findall(LiveFigure)] if doctree is not None else []
    if names:
        app.add_css_file("alive/alive.css")
        files = ["core"]
        for name in names:
            own = SHARED.get(name, name)
            files += [f"data-{own}", *PARTS.get(name, []), own]
        for file in dict.fromkeys(files):
            # Classic scripts: modules do not load from a page that was opened from the disk.
            app.add_js_file(f"alive/{file}.js", loading_method="defer")


def write_data(app: Sphinx) -> None:
    """Write the numbers of all figures as scripts, which load without a server too."""
    if app.builder.format == "html":
        write_files(FOLDER, Path(app.outdir) / "_static" / "alive")


def register(app: Sphinx) -> None:
    """Register the directive and what it loads."""
    app.add_node(LiveFigure, html=(begin_figure, end_figure))
    app.add_directive("alive", AliveDirective)
    app.connect("builder-inited", write_data)
    app.connect("html-page-context", add_scripts)
