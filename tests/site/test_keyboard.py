"""The keyboard reaches everything and shows where it is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

FOCUS = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
    || style.boxShadow !== "none";
  return {what: element.outerHTML.slice(0, 120), shown, body: element === document.body};
}"""


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
    assert any("formula" in stop["what"] for stop in stops)
