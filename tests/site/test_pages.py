"""Every page, loaded once: whole, from its own host, and readable by everybody in both modes."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from look import faults, turn
from pages import all_pages, listed_pages
from playwright.sync_api import Page
from trouble import Trouble

SERIOUS = ("serious", "critical")
TELEPHONE = {"width": 390, "height": 844}
# The style sheets are the site's own; axe-core need not load them again to read them.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}
CONTRAST = "color-contrast"
# One more than axe-core's own choice, and contrast by itself, see below.
RULES = {CONTRAST: {"enabled": False}, "label-content-name-mismatch": {"enabled": True}}

# Contrast takes axe-core as long as all else ten times over, and texts of one kind have the same:
# mark the first of each kind that is seen. A kind is all that contrast depends on, and the class.
MARK_KINDS = """() => {
  const seen = new Set();
  document.querySelectorAll("[data-kind]").forEach(e => delete e.dataset.kind);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const kind = [element.tagName, element.className, style.color, style.fontSize,
      style.fontWeight];
    for (let e = element; e; e = e.parentElement) {
      const around = getComputedStyle(e);
      kind.push(around.backgroundColor, around.backgroundImage, around.opacity, around.position);
    }
    const key = kind.filter(part => !["rgba(0, 0, 0, 0)", "none", "1", "static"].includes(part))
      .join();
    if (!seen.has(key)) element.dataset.kind = "first";
    seen.add(key);
  }
  return seen.size;
}"""
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


# What reaches over the right edge without a box of its own in which it scrolls.
OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.querySelectorAll("main *")].filter(
    element => element.getBoundingClientRect().right > width + 1);
  return wide.slice(0, 5).map(element => element.outerHTML.slice(0, 100));
}"""
UNNAMED_FIGURES = """() => [...document.querySelectorAll("main article img")].filter(image =>
  image.alt.trim().length < 20 || !image.closest("figure")?.querySelector("figcaption"))
  .map(image => image.src)"""
HEADLESS_TABLES = """() => [...document.querySelectorAll("main article table")].filter(table =>
  !table.querySelector("th") && table.role !== "presentation").map(t => t.innerText.slice(0, 60))"""


def violations(page: Page, context: object = None, **options: object) -> list[str]:
    """Return one line for each serious or critical violation that axe-core finds."""
    results = Axe().run(page, context=context, options={**OPTIONS, **options})
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]}: {node['failureSummary']}"
        for rule in results.response["violations"]
        if rule["impact"] in SERIOUS or rule["id"] == "region"
        for node in rule["nodes"]
    ]


def low_contrast(page: Page) -> list[str]:
    """Return one line for each kind of text that stands out too little."""
    assert page.evaluate(MARK_KINDS) > 5
    return violations(page, {"include": [["[data-kind]"]]}, runOnly=[CONTRAST])


def turn_dark(page: Page) -> None:
    """Let the reader's system turn dark, and the page follow at once."""
    page.add_style_tag(content="* { transition: none !important; }")
    turn(page, "dark")


def test_pages_are_those_of_the_table_of_contents(site: Path) -> None:
    assert all_pages(site) == listed_pages()


@pytest.mark.parametrize("name", listed_pages())
def test_page(page: Page, trouble: Trouble, name: str) -> None:
    page.goto(name)
    page.evaluate(LOAD_IMAGES)
    found = [f"math not set: {text}" for text in page.evaluate(SEEN_DOLLARS)]
    found += [f"not loaded: {source}" for source in page.evaluate(BROKEN_IMAGES)]
    found += [f"figure without words: {image}" for image in page.evaluate(UNNAMED_FIGURES)]
    found += [f"table without heads: {table}" for table in page.evaluate(HEADLESS_TABLES)]
    found += violations(page, rules=RULES)
    found += [f"light: {violation}" for violation in low_contrast(page)]
    turn_dark(page)
    found += [f"dark: {violation}" for violation in low_contrast(page)]
    page.set_viewport_size(TELEPHONE)
    found += [f"too wide for a telephone: {element}" for element in page.evaluate(OVERFLOWING)]
    found += faults(page)
    assert not found + trouble.all(), "\n".join(found)


PLANTED = {
    "image-alt": "document.querySelector('article').append(new Image())",
    CONTRAST: """document.querySelector('article').insertAdjacentHTML('beforeend',
      '<p><span style="color: #aaa">one word that is too pale in light mode</span></p>')""",
}


@pytest.mark.parametrize("rule", PLANTED)
def test_planted_violations_are_found(page: Page, rule: str) -> None:
    page.goto("book/intro.html")
    page.evaluate(PLANTED[rule])
    found = violations(page, rules={CONTRAST: {"enabled": False}}) + low_contrast(page)
    assert [violation.split()[0] for violation in found] == [rule]


def test_planted_paleness_in_dark_mode_is_found(page: Page) -> None:
    page.goto("book/intro.html")
    turn_dark(page)
    assert not low_contrast(page)
    page.evaluate("document.querySelector('article p').style.color = '#444'")
    assert low_contrast(page)


def test_planted_faults_of_a_page_are_found(page: Page, trouble: Trouble) -> None:
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
    page.evaluate("document.querySelector('article').append(document.createElement('table'))")
    page.evaluate("document.querySelector('article').append(new Image())")
    assert len(page.evaluate(HEADLESS_TABLES)) == len(page.evaluate(UNNAMED_FIGURES)) == 1
    page.set_viewport_size(TELEPHONE)
    assert not page.evaluate(OVERFLOWING)
    page.evaluate("document.querySelector('article p').style.width = '900px'")
    assert page.evaluate(OVERFLOWING)
    trouble.clear()
