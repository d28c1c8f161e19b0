"""Every page, loaded once: whole, from its own host, and readable by everybody in both modes."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from look import HEIGHT, WIDTHS, faults, turn
from pages import all_pages, listed_pages
from playwright.sync_api import Page
from trouble import Trouble

SERIOUS = ("serious", "critical")
DESK = {"width": WIDTHS[-1], "height": HEIGHT}
# The style sheets are the site's own; axe-core need not load them again to read them.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}
CONTRAST = "color-contrast"
# One more than axe-core's own choice, contrast by itself, see below, and without the one that takes
# as long as all others and sees no fault here: it finds that something lies over each link. Whether
# links differ from the words around them, look.js sees.
RULES = {CONTRAST: {"enabled": False}, "link-in-text-block": {"enabled": False}}
RULES["label-content-name-mismatch"] = {"enabled": True}

# Contrast takes axe-core as long as all else ten times over, and texts of one kind have the same:
# mark the first of each kind that is seen. A kind is all that contrast depends on, and the class.
MARK_KINDS = """() => {
  const seen = new Set();
  const nothing = ["rgba(0, 0, 0, 0)", "none", "1", "static"];
  const behind = new Map([[null, ""]]);
  const around = (element) => {
    if (!behind.has(element)) {
      const { backgroundColor, backgroundImage, opacity, position } = getComputedStyle(element);
      const own = [backgroundColor, backgroundImage, opacity, position]
        .filter(part => !nothing.includes(part));
      behind.set(element, [...own, around(element.parentElement)].filter(Boolean).join());
    }
    return behind.get(element);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const kind = [element.tagName, element.className, color, fontSize, fontWeight, around(element)];
    const key = kind.join();
    if (!seen.has(key)) element.dataset.kind = "first";
    seen.add(key);
  }
  return seen.size;
}"""
# What axe-core does before it looks takes as long as the page is large: copy only those marked.
COPY_KINDS = """() => {
  for (const link of document.querySelectorAll("link")) link.setAttribute("href", link.href);
  const copy = document.documentElement.cloneNode(true);
  const kept = new Set(copy.querySelectorAll("head, link, style"));
  for (let e of copy.querySelectorAll("[data-kind]"))
    for (; e; e = e.parentElement) kept.add(e);
  const prune = e => [...e.children].forEach(c => kept.has(c) ? prune(c) : c.remove());
  prune(copy);
  return copy.outerHTML;
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
    """Return one line for each kind of text that stands out too little, in light and dark mode."""
    for mode in ("light", "dark"):
        turn(page, mode)
        assert page.evaluate(MARK_KINDS) > 5
    copy = page.context.new_page()
    copy.goto("_static/pygments.css")  # without scripts, and of the site, whose fonts it may load
    copy.set_content(page.evaluate(COPY_KINDS))
    found = []
    for mode in ("light", "dark"):
        copy.evaluate("(mode) => { document.documentElement.dataset.theme = mode; }", mode)
        kinds = violations(copy, {"include": [["[data-kind]"]]}, runOnly=[CONTRAST])
        found += [f"{mode}: {violation}" for violation in kinds]
    return found


def test_pages_are_those_of_the_table_of_contents(site: Path) -> None:
    assert all_pages(site) == listed_pages()


@pytest.mark.parametrize("name", listed_pages())
def test_page(page: Page, trouble: Trouble, name: str) -> None:
    page.set_viewport_size(DESK)
    page.goto(name)
    page.evaluate(LOAD_IMAGES)
    found = [f"math not set: {text}" for text in page.evaluate(SEEN_DOLLARS)]
    found += [f"not loaded: {source}" for source in page.evaluate(BROKEN_IMAGES)]
    found += [f"figure without words: {image}" for image in page.evaluate(UNNAMED_FIGURES)]
    found += [f"table without heads: {table}" for table in page.evaluate(HEADLESS_TABLES)]
    found += violations(page, rules=RULES)
    found += low_contrast(page)
    found += faults(page)
    assert not found + trouble.all(), "\n".join(found)


def style(rule: str) -> str:
    return f"document.head.insertAdjacentHTML('beforeend', '<style>{rule}</style>')"


PLANTED = {
    "image-alt": "document.querySelector('article').append(new Image())",
    f"light: {CONTRAST}": style("[data-theme=light] article h2 { color: #aaa }"),
    f"dark: {CONTRAST}": style("[data-theme=dark] article h2 { color: #444 }"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_violations_are_found(page: Page, fault: str) -> None:
    page.goto("book/intro.html")
    page.evaluate(PLANTED[fault])
    found = violations(page, rules=RULES) + low_contrast(page)
    assert {violation.partition(" (")[0] for violation in found} == {fault}


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
    trouble.clear()
