"""Figures as an eye sees them: text large enough on a telephone, sharp on a dense screen."""

from collections.abc import Callable
from typing import Any

import pytest
from look import turn
from pages import TOP
from playwright.sync_api import Page

CHAPTERS = sorted(path.stem for path in (TOP / "book").glob("[0-9]*.md"))
LEAST = 9  # pixels, from the top of an "M" with its accents to the foot of a "g"

# Each figure that is shown: its size, whether it is cut at the right, and what is behind it.
SHOWN = """async () => {
  const images = [...document.querySelectorAll("article figure:not(.alive) img")].filter(
    (image) => getComputedStyle(image).display !== "none");
  images.forEach((image) => { image.loading = "eager"; });
  await Promise.all(images.map((image) => image.decode()));
  return images.map((image) => {
    const {width, height, right} = image.getBoundingClientRect();
    const over = right > document.documentElement.clientWidth && !image.closest(".figure-scroll");
    const soft = !image.src.endsWith(".svg") && image.naturalWidth < 2 * width;
    const ground = getComputedStyle(image).backgroundColor;
    return {src: image.src, width, height, over, soft, ground};
  });
}"""
# A figure drawn at that size, on an empty page: the size of its smallest letter, and whether a
# picture inside has fewer pixels than the screen would show.
DRAWN = """async ({src, width, height}) => {
  document.body.innerHTML = await (await fetch(src)).text();
  const drawing = document.querySelector("svg");
  Object.assign(drawing.style, {width: `${width}px`, height: `${height}px`});
  const letters = [...drawing.querySelectorAll("use")].filter((e) => /DejaVu|Cmr|Cmmi|STIX/.test(
    e.getAttribute("href") ?? e.getAttribute("xlink:href"))).map((e) => {
      const m = e.getScreenCTM();
      return 100 * Math.sqrt(Math.abs(m.a * m.d - m.b * m.c));
    });
  const soft = [...drawing.querySelectorAll("image")].some((e) => {
    const png = atob((e.getAttribute("href") ?? e.getAttribute("xlink:href")).split(",")[1]);
    const bytes = Uint8Array.from(png, (c) => c.charCodeAt(0));
    const pixels = new DataView(bytes.buffer).getUint32(16);
    const shown = e.getBoundingClientRect().width;
    return pixels < 1.9 * shown && getComputedStyle(e).imageRendering !== "pixelated";
  });
  return {letter: letters.length ? Math.min(...letters) : null, soft};
}"""


def measured(page: Page) -> list[dict[str, Any]]:
    """Return each figure that a page shows; without letters where it is a photograph."""
    figures = page.evaluate(SHOWN)
    empty = page.context.new_page()
    empty.goto("_static/pygments.css")  # of the site, whose figures it may load
    for figure in figures:
        drawn = figure["src"].endswith(".svg")
        figure |= empty.evaluate(DRAWN, figure) if drawn else {"letter": None}
    empty.close()
    return figures


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_figures_are_legible_on_a_telephone_and_sharp(
    open_page: Callable[..., Page], chapter: str
) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page.goto(f"book/{chapter}.html")
    for scheme in ("light", "dark"):
        turn(page, scheme)
        found = measured(page)
        assert found
        for figure in found:
            assert not figure["soft"], f"too few pixels: {figure}"
            assert not figure["over"], f"cut at the right: {figure}"
            # Exponents and indices, of seven tenths the size, are the smallest letters there are.
            assert figure["letter"] is None or figure["letter"] >= 0.69 * LEAST, figure
            assert figure["ground"] == "rgba(0, 0, 0, 0)", f"a box around it: {figure}"
            assert figure["src"].endswith("-dark.svg") == (scheme == "dark"), figure


def test_a_figure_that_is_small_or_soft_is_found(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page.goto(f"book/{CHAPTERS[0]}.html")
    whole = measured(page)
    shrink = ".figure-scroll img { min-width: 0 !important; } article figure img { width: 150px; }"
    page.add_style_tag(content=shrink)
    small = measured(page)
    assert min(f["letter"] for f in small) < 0.6 * min(f["letter"] for f in whole)
    page.evaluate(
        """() => { const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 20;
          document.querySelector("article figure:not(.alive) img").src = canvas.toDataURL(); }"""
    )
    assert measured(page)[0]["soft"]
