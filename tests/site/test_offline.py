"""Every page comes whole from its own host: no other host, no error, no missing part, no $."""

import re
from collections.abc import Callable
from pathlib import Path

from pages import all_pages
from playwright.sync_api import Page
from trouble import Trouble

# Dollars in code are code; everywhere else one that a reader sees is math that was not set.
SEEN_DOLLARS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (/\\$|\\\\\\(|\\\\frac/.test(node.data) && !node.parentElement.closest("pre, code, script"))
      found.push(node.data.trim().slice(0, 60));
  }
  return found;
}"""
# Images below the first screen are loaded when they come into view, or here.
LOAD_IMAGES = """() => Promise.all([...document.images].map(image => {
  image.loading = "eager";
  return image.decode().catch(() => null);
}))"""
BROKEN_IMAGES = "() => [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"


def test_every_page_comes_whole_from_its_own_host(page: Page, site: Path, trouble: Trouble) -> None:
    for name in all_pages(site):
        page.goto(name)
        page.evaluate(LOAD_IMAGES)
        trouble.errors += [f"{name}: math not set: {text}" for text in page.evaluate(SEEN_DOLLARS)]
        trouble.failed += [f"{name}: {source}" for source in page.evaluate(BROKEN_IMAGES)]
    assert not trouble.all()


def test_planted_troubles_are_recorded(page: Page, trouble: Trouble) -> None:
    page.goto("book/intro.html")
    page.evaluate("fetch('https://example.org/x.js').catch(() => null)")
    page.evaluate("fetch('missing.json')")
    page.evaluate("console.error('planted')")
    page.evaluate("document.body.append('a price of $x$'); document.body.append(new Image())")
    page.wait_for_timeout(100)
    assert trouble.outside == ["https://example.org/x.js"]
    assert any("missing.json: 404" in entry for entry in trouble.failed)
    assert any("planted" in entry for entry in trouble.errors)
    assert page.evaluate(SEEN_DOLLARS) == ["a price of $x$"]
    assert len(page.evaluate(BROKEN_IMAGES)) == 1
    trouble.clear()


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
    return "/_images/" not in url


def test_content_shows_without_scripts(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("book/01_logistic_loss.html")
    for what in ("article h1", "article p", "math", ".claim", "figure img", "article table"):
        assert page.locator(what).first.is_visible(), what
    # The colours of the light mode, not those of no mode at all.
    assert page.locator("html").get_attribute("data-theme") == "light"
