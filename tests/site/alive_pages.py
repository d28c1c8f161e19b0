"""Where the interactive figures stand, and how a test opens one."""

import json
from typing import Any

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


def visit(page: Page, name: str, state: str = "") -> Page:
    """Open the page of a figure in a given state and wait until the figure is built."""
    page.goto(f"book/{FIGURES[name]}.html{state}")
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
