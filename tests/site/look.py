"""What an eye sees first on a page, at three widths, in both modes and on paper."""

from pathlib import Path

from playwright.sync_api import Page

LOOK = Path(__file__).with_name("look.js").read_text(encoding="utf-8")
WIDTHS = (390, 768, 1440)
HEIGHT = 900


def turn(page: Page, mode: str) -> None:
    """Let the reader's system change to light or dark mode, and the page follow."""
    page.emulate_media(color_scheme=mode)
    page.wait_for_function("(m) => document.documentElement.dataset.theme === m", arg=mode)


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page in light mode at every width, in dark mode, and on paper."""
    page.add_style_tag(content="* { transition: none !important; }")
    turn(page, "light")
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width}: {fault}" for fault in page.evaluate(LOOK)]
    turn(page, "dark")
    found += [f"dark: {fault}" for fault in page.evaluate(LOOK)]
    turn(page, "light")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 between its margins
    found += [f"print: {fault}" for fault in page.evaluate(LOOK)]
    page.emulate_media(media="screen")
    return found
