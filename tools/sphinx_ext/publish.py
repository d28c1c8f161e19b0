"""What only a published copy of the book has: addresses, and buttons that lead to its source.

All of it follows two settings of ``_config.yml``, ``repository.url`` and ``html.baseurl``; where
they are empty, no page offers a link that leads nowhere.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

_OWN_ADDRESS = re.compile(r'<meta property="og:url"[^>]*>\s*')
_INDEX = Path(__file__).with_name("index.html")
DESCRIPTION = (
    "Backpropagation in NumPy and optimisers in PyTorch, worked out: every equation is checked by "
    "machine, every number comes from a run."
)


def choose_buttons(_app: Sphinx, config: Config) -> None:
    """Show the buttons that need a repository if there is one, and none else."""
    options = config.html_theme_options
    published = bool(options.get("repository_url"))
    for button in ("repository", "issues", "edit_page"):
        options[f"use_{button}_button"] = published
    if not published:
        options.pop("launch_buttons", None)


def adapt_page(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Leave out a page's own address where the site has none; let it be edited in its text."""
    if not app.config.html_baseurl:
        context["metatags"] = _OWN_ADDRESS.sub("", context.get("metatags", ""))
    buttons = list(context.get("header_buttons", []))
    for button in buttons:
        buttons += button.get("buttons", [])
        if "/edit/" in (url := button.get("url") or ""):
            button["url"] = re.sub(r"\.ipynb$", ".md", url)  # a notebook is made from that


def write_index(app: Sphinx, failure: Exception | None) -> None:
    """Write the page at the site's own address, which leads on to the first one."""
    if failure or app.builder.format != "html":
        return
    page = _INDEX.read_text("utf-8").format(
        language=app.config.language,
        title=app.config.html_title,
        description=DESCRIPTION,
        first=app.config.html_baseurl + app.builder.get_target_uri(app.config.root_doc),
    )
    (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def register(app: Sphinx) -> None:
    """Load what describes the pages to others, and connect the rest."""
    base = app.config.html_baseurl
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("notfound.extension")
    app.config.ogp_site_url = base
    app.config.ogp_site_name = app.config.html_title
    app.config.ogp_social_cards = {"enable": False}  # they would need a font, and differ each time
    app.config.notfound_urls_prefix = urlsplit(base).path or "/"
    if base:
        app.config.ogp_image = f"{base.rstrip('/')}/_static/card.png"
        app.config.ogp_image_alt = DESCRIPTION
        app.config.sitemap_url_scheme = "{link}"
        app.setup_extension("sphinx_sitemap")
    app.connect("config-inited", choose_buttons, priority=10)
    app.connect("html-page-context", adapt_page, priority=900)
    app.connect("build-finished", write_index, priority=10)
