"""Figures of the book: each function draws arrays or records on the axes it is given.

Nothing here sees a model or a loader, and nothing is set on import: a notebook calls
`use_style` once.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

# On pictures, which the website leaves as they are while it exchanges black and white elsewhere.
DARK, LIGHT = "#010101", "#fefefe"
# In the cycle of the style: one colour and stroke in all figures.
_PLACES = {"SGD": 0, "Nesterov": 1, "Adam": 2, "Adam 1": 3}
_CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def use_style() -> None:
    """Apply the book's Matplotlib style to all figures drawn from here on; as SVG in a notebook."""
    plt.style.use(Path(__file__).with_name("book.mplstyle"))
    ipython = sys.modules.get("IPython")  # in a notebook it is there
    if ipython is not None and (shell := ipython.get_ipython()) is not None:
        from matplotlib_inline.config import InlineBackend

        # Pictures inside are sharp on dense screens. Without a date, a re-run changes no byte.
        backend: Any = InlineBackend.instance(parent=shell)
        backend.print_figure_kwargs |= {"dpi": 200, "metadata": {"Date": None}}
        backend.figure_formats = {"svg"}


def optimizer_style(name: str) -> dict[str, Any]:
    """Return colour and line style of "SGD", "Nesterov" or "Adam", at any rate; {} for others."""
    place = _PLACES.get(name, _PLACES.get(name.split(" ")[0]))
    return {} if place is None else list(plt.rcParams["axes.prop_cycle"])[place]


def label_lines(ax: Axes) -> None:
    """Write each line's label beside its last point, instead of a legend.

    Call it once the limits of the axes are set: labels that would meet are moved apart.
    """
    lines = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    ends = [np.asarray(line.get_xydata())[-1] for line in lines]
    heights = np.array([ax.transData.transform(end)[1] * 72 / ax.figure.dpi for end in ends])
    room = 1.15 * plt.rcParams["font.size"]
    places = heights.copy()
    for _ in range(50):  # push neighbours apart until no two meet
        for low, high in pairwise(np.argsort(heights)):
            short = max(0, room - (places[high] - places[low]))
            places[[low, high]] += [-short / 2, short / 2]
    for line, end, moved in zip(lines, ends, places - heights, strict=True):
        ax.annotate(
            str(line.get_label()),
            (float(end[0]), float(end[1])),
            xytext=(5, float(moved)),
            textcoords="offset points",
            va="center",
            color=line.get_color(),
            annotation_clip=False,
        )


def plot_images(axes: Sequence[Axes], images: ArrayLike, titles: Sequence[str]) -> None:
    """Show each of the images (n, 28, 28) on axes of its own, under its title, black for 0."""
    for ax, image, title in zip(axes, np.asarray(images), titles, strict=True):
        ax.imshow(image, cmap="gray")
        ax.set_title(title, fontsize="small")
        ax.set_axis_off()


def plot_bands(ax: Axes, x: ArrayLike, runs: Mapping[str, NDArray[np.floating]]) -> None:
    """Draw the mean over seeds of each entry, and the range from lowest to highest as a band.

    The optimisers of the book keep their colour and stroke, see `optimizer_style`. ``x`` is an
    array (epochs,), and ``runs`` maps each label to an array (seeds, epochs).
    """
    for label, values in runs.items():
        (line,) = ax.plot(x, values.mean(axis=0), label=label, **optimizer_style(label))
        low, high, color = values.min(axis=0), values.max(axis=0), line.get_color()
        ax.fill_between(np.asarray(x), low, high, color=color, alpha=0.2, linewidth=0)


def plot_tiles(ax: Axes, tiles: ArrayLike, columns: int, *, symmetric: bool = False) -> None:
    """Show small images (n, h, w) in a grid on one axes, row by row, separated by a line.

    They are drawn from black to white, or, if ``symmetric``, with 0 in white, positive orange and
    negative violet.
    """
    stack = np.asarray(tiles, dtype=float)
    n, height, width = stack.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for number, tile in enumerate(stack):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        canvas[top : top + height, left : left + width] = tile
    limit = float(np.abs(stack).max())
    if symmetric:
        ax.imshow(canvas, cmap="PuOr_r", vmin=-limit, vmax=limit)
    else:
        ax.imshow(canvas, cmap="gray")
    ax.set_axis_off()


def plot_reliability(
    ax: Axes, confidence: ArrayLike, accuracy: ArrayLike, images: ArrayLike
) -> None:
    """Draw accuracy against confidence, all in percent, one dot per bin that holds images.

    Dots below the diagonal mean that the network is too sure; their area shows how many images.
    The arrays (bins,) are those of `hwlib.evaluate.calibration`, shares of 1.
    """
    sure, right, count = (np.asarray(part) for part in (confidence, accuracy, images))
    used = count > 0
    ax.plot([0, 100], [0, 100], ":", color="grey", linewidth=1)
    ax.plot(100 * sure[used], 100 * right[used], "-", color="C0", linewidth=1)
    ax.scatter(100 * sure[used], 100 * right[used], s=8 + 0.04 * count[used], color="C0")
    ax.set(xlabel="confidence in %", ylabel="accuracy in %", xlim=(0, 102), ylim=(0, 102))


def plot_confusion_matrix(ax: Axes, matrix: ArrayLike, names: Sequence[str]) -> None:
    """Draw counts (C, C): true class in rows, predicted class in columns, right on the diagonal."""
    counts = np.asarray(matrix)
    ax.imshow(np.sqrt(counts), cmap="Blues", vmin=0)  # the root keeps small errors visible
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(False)
    for row, column in np.ndindex(counts.shape):
        count = counts[row, column]
        color = LIGHT if count > counts.max() / 2 else DARK  # contrast of at least 4.5 either way
        ax.text(column, row, str(count), fontsize=9, color=color, **_CENTRED)


def plot_correct_digits(
    ax: Axes, x: ArrayLike, exact: ArrayLike, computed: Mapping[str, NDArray[np.floating]]
) -> None:
    """Draw how many decimal digits of each computed array agree with the exact values.

    The number of digits is -log10 of the relative error, cut to the 0 to 16 that float64 can
    show; NaN and infinity count as 0. All arrays have the shape (n,).
    """
    truth = np.asarray(exact)
    for label, values in computed.items():
        with np.errstate(invalid="ignore"):
            error = np.abs(values - truth) / np.abs(truth)
        error = np.where(np.isfinite(error), error, 1.0)
        ax.plot(x, -np.log10(np.clip(error, 1e-16, 1.0)), label=label)
    ax.set_ylim(-0.5, 16.5)


def plot_graph(
    ax: Axes,
    nodes: Mapping[str, tuple[float, float, float, float | None]],
    edges: Mapping[tuple[str, str], tuple[float, float] | None],
) -> None:
    """Draw a computation graph: values above in black, derivatives of the loss below in orange.

    Parameters
    ----------
    nodes : mapping of label to (x, y, value, derivative)
        The derivative may be None where nobody needs it.
    edges : mapping of (label from, label to) to (weight, derivative by the weight) or None
        Edges with weights carry both numbers; the others are plain arrows.
    """
    for (start, end), numbers in edges.items():
        (x0, y0), (x1, y1) = nodes[start][:2], nodes[end][:2]
        style = {"arrowstyle": "->", "color": "0.55", "shrinkA": 15, "shrinkB": 15}
        ax.annotate("", (x1, y1), (x0, y0), arrowprops=style).set_in_layout(False)
        if numbers is not None:
            # At 0.37 of the way, labels stay apart from those of crossing edges and of the nodes.
            place = (x0 + 0.37 * (x1 - x0), y0 + 0.37 * (y1 - y0))
            _write(ax, place, numbers[0], 5.5, "0.35")
            _write(ax, place, numbers[1], -5.5, "#B84E00")
    for label, (x, y, value, derivative) in nodes.items():
        ax.plot(x, y, "o", markersize=30, color="white", markeredgecolor="black", zorder=3)
        ax.text(x, y, label, zorder=4, **_CENTRED)
        _write(ax, (x, y), value, 24, "black")
        if derivative is not None:
            _write(ax, (x, y), derivative, -24, "#B84E00")
    ax.margins(x=0.08, y=0.3)
    ax.autoscale_view()  # at once: the layout measures the labels before the limits are settled
    ax.set_axis_off()


def _write(
    ax: Axes, place: tuple[float, float], value: float, points_above: float, color: str
) -> None:
    """Write a number with three digits, centred some points above (or below) a place."""
    ax.annotate(
        f"{value:.3g}",
        place,
        xytext=(0, points_above),
        textcoords="offset points",
        color=color,
        fontsize=10,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        **_CENTRED,
    ).set_in_layout(False)


def plot_probability_map(
    ax: Axes, grid: ArrayLike, probabilities: ArrayLike, points: ArrayLike, labels: ArrayLike
) -> None:
    """Draw predicted probabilities as a background, the decision boundary, and the examples.

    Parameters
    ----------
    grid : array (n * n, 2)
        As made by `hwlib.course.moons.plane_grid`.
    probabilities : array (n * n, 1)
        Predicted probability of class 1 at each point of the grid.
    points, labels : array (B, 2) and array (B, 1)
    """
    places, steps = np.asarray(grid), round(np.sqrt(len(np.asarray(grid))))
    x, y = places[:steps, 0], places[::steps, 1]
    surface = np.asarray(probabilities).reshape(steps, steps)
    # From violet over white to orange: the colours of the two classes, pale enough for the points.
    # The limits are wider than 0 to 1, so that the strongest tones of the map stay unused.
    filled = ax.contourf(x, y, surface, np.linspace(0, 1, 9), cmap="PuOr_r", vmin=-1.3, vmax=2.3)
    filled.set_rasterized(True)
    if surface.min() < 0.5 < surface.max():
        ax.contour(x, y, surface, levels=[0.5], colors=DARK, linewidths=1.5)
    truth = np.asarray(labels).ravel()
    for value, marker, color in ((0, "o", "#542788"), (1, "^", "#B35806")):
        chosen = np.asarray(points)[truth == value]
        (dots,) = ax.plot(chosen[:, 0], chosen[:, 1], marker, color=color, markersize=2.5)
        dots.set_rasterized(len(chosen) > 300)  # as one picture, or the file would be large
    ax.grid(False)


def plot_image_rows(ax: Axes, images: ArrayLike, names: Sequence[str]) -> None:
    """Draw a sheet of images, one class per row with its name at the left, black for 0.

    They are of uint8, in the shape (rows, columns, height, width).
    """
    rows, columns, height, width = np.asarray(images).shape
    sheet = np.asarray(images).transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    ax.imshow(sheet, cmap="gray")
    ax.set_yticks(np.arange(rows) * height + height / 2, names, fontsize="small")
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[["left", "bottom"]].set_visible(False)
