"""The pages of the site."""

from pathlib import Path

import yaml

TOP = Path(__file__).parents[2]


def all_pages(site: Path) -> list[str]:
    """Return the addresses of all built pages, relative to the site's address."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    # The first only leads on, the others are templates that the theme leaves there.
    return [name for name in pages if name != "index.html" and not name.startswith("_static/")]


def listed_pages() -> list[str]:
    """Return the addresses that the table of contents promises, known before anything is built."""
    toc = yaml.safe_load((TOP / "_toc.yml").read_text("utf-8"))
    files = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    pages = [f"{file.rpartition('.')[0]}.html" for file in files]
    return sorted([*pages, "404.html", "search.html"])
