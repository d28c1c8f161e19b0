"""Figures stored as SVG are read, put into the colours of the theme, and kept legible."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_hex
from paint import contrast, marks

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


# --- Contrast of what the figures of the chapters show ------------------------------------------

LEAST = {"text": 4.5, "mark": 3}
# Grids, and contours behind paths, which are a grid of heights: in light and in dark mode.
BEHIND = {"#e6e6e6", "#bfbfbf"}
BEHIND |= {figures.DARK[color] for color in BEHIND}


def pale(svg: str) -> list[str]:
    """Return what stands out too little in a drawing, once for each pair of colours."""
    found = {
        (mark.kind, *mark.colors, to_hex(mark.ground)): f"{mark.name}: {mark.contrast:.1f}"
        for mark in marks(svg)
        if not BEHIND.issuperset(mark.colors) and mark.contrast < LEAST[mark.kind]
    }
    return [f"{' '.join(key)} ({example})" for key, example in found.items()]


DRAWINGS = [*sorted((TOP / "book").glob("[0-9]*.ipynb")), *(TOP / "book" / "data").glob("*.svg")]


def drawings(file: Path) -> list[str]:
    """Return the drawings that a chapter stores, or the one that the file is."""
    if file.suffix == ".svg":
        return [file.read_text("utf-8")]
    outputs = [o for cell in nbformat.read(file, 4).cells for o in cell.get("outputs", [])]
    return [o.data["image/svg+xml"] for o in outputs if "image/svg+xml" in o.get("data", {})]


@pytest.mark.parametrize("file", DRAWINGS, ids=lambda path: path.stem)
def test_whatever_a_figure_shows_stands_out_in_both_modes(file: Path) -> None:
    assert drawings(file)
    found = []
    for number, svg in enumerate(drawings(file), 1):
        found += [f"figure {number}, light: {what}" for what in pale(svg)]
        found += [f"figure {number}, dark: {what}" for what in pale(figures.dark(svg))]
    assert not found, "\n".join(found)


@pytest.mark.usefixtures("style")
def test_what_is_pale_in_a_drawing_is_found() -> None:
    fig, ax = plt.subplots()
    ax.plot([0, 1], color="#00795a")
    ax.imshow(np.array([[0, 1], [1, 0]]), cmap="gray")
    assert not pale(drawn(fig))
    ax.text(0.9, 0.1, "on white", color="#aaaaaa", ha="center")
    ax.plot([-0.1, -0.1, -0.1], [-0.4, 0, 0.4], color="#333333")
    ax.annotate("on the sheet", (0.5, 1.02), xycoords="axes fraction", color="#999999")
    assert {line.split(" (")[0] for line in pale(drawn(fig))} == {
        "text #aaaaaa #ffffff",
        "mark #333333 #000000",
        "text #999999 #ffffff",
    }
