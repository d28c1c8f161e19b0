"""What this book adds to Sphinx: one extension made of the modules of this folder."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from tools.sphinx_ext import (
    alive,
    cells,
    editions,
    figures,
    light_pages,
    links,
    mathml,
    publish,
    stored,
    symbols,
    verdicts,
)


def _add_to_page(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree is not None:
        alive.add_scripts(app, doctree)
        context["body"] += symbols.texts(app, page) + links.previews(app, doctree)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything, in the order in which it is done."""
    editions.register(app)
    publish.register(app)
    app.connect("builder-inited", alive.write_data)
    app.add_directive("stored", stored.StoredDirective)
    app.add_directive("alive", alive.AliveDirective)
    app.add_node(alive.LiveFigure, html=(alive.begin_figure, alive.end_figure))
    app.connect("autodoc-process-docstring", links.extend_docstring, priority=600)
    app.connect("doctree-read", figures.exchange, priority=400)  # before images are collected
    app.connect("doctree-resolved", links.link_functions)
    app.connect("doctree-resolved", cells.arrange)
    app.connect("doctree-resolved", verdicts.mark_equations)
    app.connect("doctree-resolved", symbols.prepare)
    app.connect("doctree-resolved", links.link_terms, priority=800)
    app.add_html_math_renderer("mathml", (mathml.visit_inline, None), (mathml.visit_block, None))
    app.connect("html-page-context", _add_to_page)
    app.connect("html-page-context", light_pages.choose_scripts, priority=900)
    app.connect("build-finished", light_pages.lighten, priority=900)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
