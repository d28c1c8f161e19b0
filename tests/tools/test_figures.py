"""Figures stored as SVG are read, put into the colours of the theme, and kept legible."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from hwlib import plot
from tools.sphinx_ext import figures

TOP = Path(__file__).parents[2]
CSS = (TOP / "book" / "_static" / "alive" / "alive.css").read_text(encoding="utf-8")


@pytest.fixture
def style():
    """The book's style, without a screen."""
    with mpl.rc_context():
        mpl.use("Agg")
        plot.use_style()
        yield list(mpl.rcParams["axes.prop_cycle"])
        plt.close("all")


def drawn(fig) -> str:
    """Return a figure as SVG."""
    file = io.StringIO()
    fig.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as in the Web Content Accessibility Guidelines."""
    bright = []
    for color in (one, other):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)
        ]
        bright.append(float(np.dot(linear, [0.2126, 0.7152, 0.0722])) + 0.05)
    return max(bright) / min(bright)


def test_every_colour_of_the_style_stands_out_in_both_modes(style) -> None:
    for entry in style:
        color = to_hex(f"#{str(entry['color']).removeprefix('#')}")
        assert contrast(color, "#ffffff") >= 4.5, color
        assert contrast(figures.DARK[color], figures.DARK["#ffffff"]) >= 4.5, color
    assert contrast(figures.DARK["#000000"], figures.DARK["#ffffff"]) >= 10


def test_book_and_explorer_give_each_optimiser_one_colour_and_stroke(style) -> None:
    light, dark = (
        [re.search(rf"--alive-{i}: (#\w+)", part)[1] for i in (1, 2, 3, 4)]
        for part in CSS.split('html[data-theme="dark"]')[:2]
    )
    strokes = [
        re.search(rf"\.alive-{i} \{{[^}}]*?(?:dasharray: ([\d ]+);\s*)?\}}", CSS)[1]
        for i in (1, 2, 3, 4)
    ]
    kinds = {None: "-", 2: "--", 4: "-."}
    for number, entry in enumerate(style[:4]):
        color = f"#{str(entry['color']).removeprefix('#').lower()}"
        assert light[number] == color
        assert dark[number] == figures.DARK[color]
        dashes = strokes[number] and [float(d) for d in strokes[number].split()]
        kind = kinds[dashes and len(dashes)]
        assert entry["linestyle"] == (":" if dashes and dashes[0] <= 3 else kind)


@pytest.mark.usefixtures("style")
def test_dark_drawings_have_no_black_left_but_on_pictures() -> None:
    fig, ax = plt.subplots()
    ax.plot([0, 1], color="black")
    plot.plot_confusion_matrix(ax, np.array([[9, 1], [2, 8]]), ["a", "b"])
    svg = drawn(fig)
    dark = figures.dark(svg)
    assert {"#ffffff", "#000000"} <= set(re.findall("#[0-9a-f]{6}", svg))
    assert not re.search("#(?:ffffff|000000)", dark)
    for kept in (plot.DARK, plot.LIGHT):
        assert svg.count(kept) == dark.count(kept) >= 1
    assert re.search(r"<svg [^>]*fill=\"#dfe5ea\"", dark)  # for text without a colour of its own


@pytest.mark.usefixtures("style")
def test_the_least_width_makes_the_smallest_text_legible() -> None:
    fig, ax = plt.subplots(figsize=(6.4, 2))
    ax.set_title("large", fontsize=20)
    ax.text(0.5, 0.5, "small", fontsize=6)
    least = figures.least_width(drawn(fig))
    # 6.4 inches are 460.8 points; 6 points become 9 pixels.
    assert least == pytest.approx(460.8 * 9 / 6, rel=0.01)
    assert figures.least_width("<svg></svg>") == 0
