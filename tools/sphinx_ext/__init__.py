"""What this book adds to Sphinx: one extension made of the modules of this folder."""

from typing import Any

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


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    modules = (mathml, stored, alive, figures, editions, cells, publish, verdicts, symbols, links)
    for module in (*modules, light_pages):
        module.register(app)
    return {"version": "1.0", "parallel_read_safe": True, "parallel_write_safe": True}
