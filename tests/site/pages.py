"""The pages of the built site."""

from pathlib import Path


def all_pages(site: Path) -> list[str]:
    """Return the addresses of all pages, relative to the site's address."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    # The first only leads on, the others are templates that the theme leaves there.
    return [name for name in pages if name != "index.html" and not name.startswith("_static/")]
