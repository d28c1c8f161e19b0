"""What this book adds to Sphinx: one extension made of the modules of this folder."""

from typing import Any

from sphinx.application import Sphinx

from tools.sphinx_ext import (
    alive,
    api_links,
    cells,
    downloads,
    figures,
    light_pages,
    mathml,
    previews,
    publish,
    solutions,
    stored,
    symbols,
    verdicts,
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    modules = (mathml, stored, alive, figures, downloads, solutions, api_links, cells, publish)
    for module in (*modules, verdicts, symbols, previews, light_pages):
        module.register(app)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
