"""Figures stored as SVG, in the colours of the theme: one is shown in light mode, one in dark.

Both are images, so that they load when they come into view, work without a script and share no
ids with the page. A figure whose text would be too small on a telephone keeps a width there and
scrolls. A figure stored as PNG stays as it is.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

# What a colour of the style becomes in dark mode: that of the interactive figures, see alive.css.
DARK = {
    "#000000": "#dfe5ea",
    "#ffffff": "#121212",
    "#e6e6e6": "#333b44",
    "#808080": "#9aa4ae",
    "#595959": "#b5bdc5",
    "#8c8c8c": "#8c969f",
    "#bfbfbf": "#4d5762",
    "#0072b2": "#6cb8ee",
    "#b84e00": "#ffa366",
    "#00795a": "#4fd0a5",
    "#9a4a80": "#eb9fd0",
    "#7a6000": "#e3bd4e",
    "#4a5a68": "#a9b7c4",
}
# Where the drawings for dark mode are put, in the folder of the book.
DARK_FOLDER = Path("_build") / "figures"
LEGIBLE = 9.0  # pixels: the smallest text that a telephone shows
TELEPHONE = 350  # pixels that a figure has there
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"')
# A text in the picture: its letters are outlines at 100 units, scaled to its size in points.
_TEXT = re.compile(r"scale\(([\d.]+) -[\d.]+\)")


def dark(svg: str) -> str:
    """Return a drawing of Matplotlib in the colours of dark mode.

    What has no colour of its own is black: it takes the one that the drawing as a whole gets.
    """
    exchanged = _COLOR.sub(lambda match: DARK.get(match[0], match[0]), svg)
    return exchanged.replace("<svg ", f'<svg fill="{DARK["#000000"]}" ', 1)


def least_width(svg: str) -> int:
    """Return the width in pixels at which the smallest text of a drawing is just legible."""
    width = _SIZE.search(svg)
    texts = [100 * float(scale) for scale in _TEXT.findall(svg)]
    return round(float(width[1]) * LEGIBLE / min(texts)) if width and texts else 0


def _themed(image: nodes.image, file: Path, top: Path) -> list[nodes.Node]:
    """Return a figure's two images, in a box that scrolls where they need more than a telephone."""
    svg = file.read_text("utf-8")
    other = DARK_FOLDER / f"{file.stem}-dark.svg"
    (top / DARK_FOLDER).mkdir(parents=True, exist_ok=True)
    (top / other).write_text(dark(svg), "utf-8")
    pair = [image.deepcopy(), image.deepcopy()]
    pair[1]["uri"] = f"/{other.as_posix()}"
    for one, mode in zip(pair, ("only-light", "only-dark"), strict=True):
        one["classes"] = [*image["classes"], mode]
    if (least := least_width(svg)) <= TELEPHONE:
        return pair
    box = f'<div class="figure-scroll" tabindex="0" role="group" style="--least: {least}px"'
    label = "A wide figure; it scrolls on narrow screens"
    begin = nodes.raw("", f'{box} aria-label="{label}">', format="html")
    return [begin, *pair, nodes.raw("", "</div>", format="html")]


def exchange(app: Sphinx, doctree: nodes.document) -> None:
    """Put the pair of images in the place of each figure stored as SVG."""
    for image in list(doctree.findall(nodes.image)):
        file = Path(app.env.relfn2path(image["uri"], app.env.docname)[1])
        if image["uri"].endswith(".svg") and file.is_file():
            image.replace_self(_themed(image, file, Path(app.srcdir)))
