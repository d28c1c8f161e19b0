"""Every page can be read by everybody: axe-core's rules in both modes, keyboard, telephone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import all_pages
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")
TELEPHONE = {"width": 390, "height": 844}

# The style sheets are the site's own; axe-core need not load them again to read them.
DARK_PART = {"include": [["body"]], "exclude": [["math"]]}
OPTIONS = {"preload": False, "resultTypes": ["violations"]}

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
FOCUS = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
    || style.boxShadow !== "none";
  return {what: element.outerHTML.slice(0, 120), shown, body: element === document.body};
}"""


def violations(page: Page, context: object = None, **options: object) -> list[str]:
    """Return one line for each serious or critical violation that axe-core finds."""
    results = Axe().run(page, context=context, options={**OPTIONS, **options})
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]}: {node['failureSummary']}"
        for rule in results.response["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def test_axe_finds_nothing_serious(page: Page, site: Path) -> None:
    found = []
    for name in all_pages(site):
        page.goto(name)
        found += [f"{name}: {violation}" for violation in violations(page)]
    assert not found, "\n".join(found)


def test_axe_finds_enough_contrast_in_dark_mode(open_page: Callable[..., Page], site: Path) -> None:
    page = open_page(color_scheme="dark")
    found = []
    for name in all_pages(site):
        page.goto(name)
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        # Dark mode changes colours and nothing else; math has the colour of the text around it.
        dark = violations(page, DARK_PART, runOnly=["color-contrast"])
        found += [f"{name}: {violation}" for violation in dark]
    assert not found, "\n".join(found)


def test_axe_finds_a_planted_violation(page: Page) -> None:
    page.goto("book/intro.html")
    page.evaluate("document.querySelector('article').append(new Image())")
    assert any(violation.startswith("image-alt (critical)") for violation in violations(page))


def test_no_page_scrolls_sideways_on_a_telephone(
    open_page: Callable[..., Page], site: Path
) -> None:
    page = open_page(viewport=TELEPHONE, device_scale_factor=2)
    found = []
    for name in all_pages(site):
        page.goto(name)
        found += [f"{name}: {element}" for element in page.evaluate(OVERFLOWING)]
    assert not found, "\n".join(found)


def test_figures_and_tables_say_what_they_show(page: Page, site: Path) -> None:
    found = []
    for name in all_pages(site):
        page.goto(name)
        found += [f"{name}: figure {image}" for image in page.evaluate(UNNAMED_FIGURES)]
        found += [f"{name}: table {table}" for table in page.evaluate(HEADLESS_TABLES)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_keyboard_reaches_things_and_shows_where_it_is(
    open_page: Callable[..., Page], mode: str
) -> None:
    page = open_page(viewport={"width": 1280, "height": 900}, color_scheme=mode)
    page.goto("book/01_logistic_loss.html")
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
    assert "Skip to main content" in stops[0]["what"]
    hidden = [stop["what"] for stop in stops if not stop["shown"] and not stop["body"]]
    assert not hidden, "\n".join(hidden)
    # Through the menus, and into the text with its equations and cells.
    assert any("display-math" in stop["what"] for stop in stops)
