"""Where the interactive figures stand, and how a test opens one."""

import json
import re
from functools import cache
from typing import Any

from pages import TOP
from playwright.sync_api import FloatRect, Locator, Page

from studies import figures

FIGURES = {
    "loss": "01_logistic_loss",
    "graph": "02_backpropagation",
    "race": "05_mlp_optimisers",
    "curves": "05_mlp_optimisers",
    "network": "06_cnn",
    "garment": "intro",
}


def record(name: str) -> dict[str, Any]:
    """Return the stored numbers of a figure."""
    return json.loads((figures.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@cache
def without_text(chapter: str) -> str:
    """A page of the site with nothing left of the article but its interactive figures.

    A browser takes a second for a chapter, and most tests of a figure ask nothing of its text.
    """
    page = (TOP / "_build" / "html" / "book" / f"{chapter}.html").read_text("utf-8")
    start, end = page.index(">", page.index("<article")) + 1, page.rindex("</article>")
    figures_of = re.findall(r'<figure class="alive".*?</figure>', page, re.DOTALL)
    outline = re.compile(r'<nav[^>]*"pst-page-toc-nav".*?</nav>', re.DOTALL)  # of the headings
    return page[:start] + "".join(figures_of) + outline.sub("", page[end:])


def visit(page: Page, name: str, state: str = "", *, whole: bool = False) -> Page:
    """Open a figure in a given state, on its whole page or alone, and wait until it is built."""
    address = f"book/{FIGURES[name]}.html"
    if not whole:
        page.route(
            re.compile(rf"/{address}"),
            lambda route: route.fulfill(body=without_text(FIGURES[name]), content_type="text/html"),
        )
    page.goto(f"{address}{state}")
    page.wait_for_selector(f'[data-alive="{name}"][data-ready="yes"]')
    return page


def box_of(place: Locator) -> FloatRect:
    """Scroll to an element and return where it is then."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    return box


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press the mouse at one point of the window and release it at another."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()
