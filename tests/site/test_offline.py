"""Pages need no other host, no script and little data."""

import re
from collections.abc import Callable
from pathlib import Path

from pages import all_pages
from playwright.sync_api import Page


def test_no_page_names_a_resource_of_another_host(site: Path) -> None:
    resource = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"(https?:)?//")
    for name in all_pages(site):
        text = (site / name).read_text("utf-8")
        assert not resource.search(text), name
        assert "unpkg" not in text, name


def test_search_finds_a_page(page: Page) -> None:
    page.goto("search.html?q=softplus")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 1


def test_the_first_page_is_light(page: Page) -> None:
    bodies: list[int] = []
    page.on("response", lambda r: bodies.append(len(r.body())) if is_page_part(r.url) else None)
    page.goto("book/intro.html", wait_until="networkidle")
    assert len(bodies) > 5
    assert sum(bodies) < 300_000


def is_page_part(url: str) -> bool:
    """Whether a page needs this before its figures: pictures, and the networks of the live one."""
    return "/_images/" not in url and "/_static/alive/" not in url


def test_content_shows_without_scripts(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("book/01_logistic_loss.html")
    for what in ("article h1", "article p", "math", ".claim", "figure img", "article table"):
        assert page.locator(what).first.is_visible(), what
    # The colours of the light mode, not those of no mode at all.
    assert page.locator("html").get_attribute("data-theme") == "light"
