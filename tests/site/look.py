"""What an eye sees first on a page, at three widths, in both modes and on paper."""

from pathlib import Path

from playwright.sync_api import Page

LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")
WIDTHS = (390, 768, 1440)
HEIGHT = 900


# A sidebar that slides in would move the page while it is looked at.
STILL = """() => document.getElementById("still") ?? document.head.insertAdjacentHTML(
  "beforeend", "<style id=still>* { transition: none !important; }</style>")"""


def turn(page: Page, mode: str) -> None:
    """Let the reader's system turn light or dark, and the page follow at once."""
    page.evaluate(STILL)
    page.emulate_media(color_scheme=mode)
    page.wait_for_function("(m) => document.documentElement.dataset.theme === m", arg=mode)


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page in dark mode, in light mode at every width, and on paper.

    Each change takes a large page a second or two, so none is made twice.
    """
    page.set_viewport_size({"width": WIDTHS[-1], "height": HEIGHT})
    turn(page, "dark")
    found = [f"dark: {fault}" for fault in page.evaluate(LOOK)]
    turn(page, "light")
    for width in reversed(WIDTHS):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width}: {fault}" for fault in page.evaluate(LOOK)]
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 between its margins
    found += [f"print: {fault}" for fault in page.evaluate(LOOK)]
    page.emulate_media(media="screen")
    return found
