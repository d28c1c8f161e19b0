"""Each function draws what it is given: the data of the artists, not pixels, are compared."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from nbclient import NotebookClient

from hwlib import plot
from hwlib.course.moons import plane_grid
from hwlib.train import OPTIMIZERS

RNG = np.random.default_rng(0)


@pytest.fixture
def ax():
    """Axes of the book's style, without a screen."""
    with mpl.rc_context():
        mpl.use("Agg")
        plot.use_style()
        fig, made = plt.subplots()
        yield made
        fig.canvas.draw()  # warnings of the layout are errors
        plt.close(fig)


def xy(line):
    return np.asarray(line.get_xydata())


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_style_is_that_of_the_book_and_only_when_asked():
    with mpl.rc_context():
        mpl.rcdefaults()
        assert mpl.rcParams["axes.spines.top"]
        plot.use_style()
        assert not mpl.rcParams["axes.spines.top"]
        assert mpl.rcParams["figure.figsize"] == [6, 3.4]
        assert mpl.rcParams["figure.dpi"] == 100


def test_lines_of_the_style_differ_in_colour_and_in_stroke():
    with mpl.rc_context():
        plot.use_style()
        cycle = list(mpl.rcParams["axes.prop_cycle"])
    assert len({str(entry["color"]) for entry in cycle}) == len(cycle) >= 4
    assert len({str(entry["linestyle"]) for entry in cycle}) == len(cycle)


def test_labels_stand_at_the_last_points(ax):
    ax.plot([0, 1, 2], [5, 6, 7], label="first", color="C1")
    ax.plot([0, 1], [3, 4], label="second")
    ax.plot([0, 1], [1, 1])  # without a label
    plot.label_lines(ax)
    assert texts(ax) == ["first", "second"]
    assert [text.xy for text in ax.texts] == [(2, 7), (1, 4)]
    assert ax.texts[0].get_color() == "C1"
    assert ax.get_legend() is None


def test_labels_that_would_meet_are_moved_apart(ax):
    ends = [1.0, 1.001, 1.002, 5.0]
    for end in ends:
        ax.plot([0, 1], [0, end], label=f"to {end}")
    ax.set_ylim(0, 6)
    plot.label_lines(ax)
    places = [ax.transData.transform(t.xy)[1] * 0.72 + t.xyann[1] for t in ax.texts]
    assert np.diff(places).min() >= mpl.rcParams["font.size"]
    assert ax.texts[3].xyann == (5, 0)


def test_each_optimiser_keeps_its_colour_and_stroke(ax):
    runs = {name: RNG.normal(size=(2, 3)) for name in (*reversed(OPTIMIZERS), "another")}
    plot.plot_bands(ax, range(3), runs)
    cycle = list(mpl.rcParams["axes.prop_cycle"])
    drawn = {line.get_label(): line for line in ax.lines}
    for name, entry in zip(OPTIMIZERS, cycle, strict=False):
        assert drawn[name].get_color() == entry["color"]
        assert plot.optimizer_style(name) == entry
    assert plot.optimizer_style("another") == {}
    for name in ("SGD", "Nesterov", "Adam"):
        assert plot.optimizer_style(name) == plot.optimizer_style(f"{name} 0.01")


def in_a_notebook(code):
    """Return the first figure that a notebook's kernel shows for some code."""
    cell = nbformat.v4.new_code_cell(f"from hwlib import plot\nplot.use_style()\n{code}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, timeout=600).execute()
    return next(o.data for o in cell.outputs if "data" in o)


def test_a_figure_in_a_notebook_is_an_svg_of_the_same_bytes_each_time():
    code = """import matplotlib.pyplot as plt, numpy as np
fig, ax = plt.subplots()
ax.plot([1, 2], label="a")
ax.imshow(np.eye(9))
plot.label_lines(ax)
plt.show()"""
    first, second = (in_a_notebook(code)["image/svg+xml"] for _ in range(2))
    assert first == second
    assert "dc:date" not in first
    assert "fill: #ffffff" in first  # legible on JupyterLab's dark ground, too


def test_images_stand_under_their_titles(ax):
    images = RNG.integers(0, 256, (2, 28, 28))
    axes = [ax, ax.figure.add_axes((0, 0, 0.1, 0.1))]
    plot.plot_images(axes, images, ["one", "two"])
    for made, image, title in zip(axes, images, ["one", "two"], strict=True):
        np.testing.assert_array_equal(made.images[0].get_array(), image)
        assert made.images[0].get_cmap().name == "gray"
        assert made.get_title() == title
        assert not made.axison
    for count in (1, 3):
        with pytest.raises(ValueError, match="zip"):
            plot.plot_images(axes, np.zeros((count, 28, 28)), ["one", "two"])


def test_bands_reach_from_the_lowest_to_the_highest_seed(ax):
    runs = {"SGD": RNG.normal(size=(3, 5)), "Adam": RNG.normal(size=(2, 5))}
    plot.plot_bands(ax, range(1, 6), runs)
    assert [line.get_label() for line in ax.lines] == ["SGD", "Adam"]
    for line, band, values in zip(ax.lines, ax.collections, runs.values(), strict=True):
        np.testing.assert_array_equal(xy(line)[:, 0], [1, 2, 3, 4, 5])
        np.testing.assert_allclose(xy(line)[:, 1], values.mean(axis=0))
        corners = band.get_paths()[0].vertices
        for x in range(1, 6):
            heights = corners[corners[:, 0] == x, 1]
            assert heights.min() == values[:, x - 1].min()
            assert heights.max() == values[:, x - 1].max()
        assert to_rgb(band.get_facecolor()[0]) == to_rgb(line.get_color())


@pytest.mark.parametrize(("columns", "shape"), [(2, (8, 7)), (3, (5, 11)), (5, (2, 19))])
def test_tiles_lie_row_by_row(ax, columns, shape):
    tiles = RNG.normal(size=(5, 2, 3))
    plot.plot_tiles(ax, tiles, columns)
    canvas = ax.images[0].get_array()
    assert canvas.shape == shape
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        part = canvas[3 * row : 3 * row + 2, 4 * column : 4 * column + 3]
        np.testing.assert_array_equal(part, tile)
    assert np.ma.masked_invalid(canvas).count() == tiles.size  # lines and gaps are empty


def test_symmetric_tiles_have_zero_in_the_middle(ax):
    plot.plot_tiles(ax, np.array([[[-3.0, 1.0]]]), 1, symmetric=True)
    assert ax.images[0].get_clim() == (-3, 3)


def test_reliability_is_in_percent_and_skips_empty_bins(ax):
    confidence, accuracy = np.array([np.nan, 0.5, 0.9]), np.array([np.nan, 0.4, 0.8])
    plot.plot_reliability(ax, confidence, accuracy, np.array([0, 10, 100]))
    diagonal, curve = ax.lines
    np.testing.assert_array_equal(xy(diagonal), [[0, 0], [100, 100]])
    np.testing.assert_allclose(xy(curve), [[50, 40], [90, 80]])
    np.testing.assert_allclose(ax.collections[0].get_offsets(), [[50, 40], [90, 80]])
    small, large = ax.collections[0].get_sizes()
    assert large > small
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("confidence in %", "accuracy in %")


def test_confusions_are_written_row_by_row(ax):
    matrix = np.array([[90, 3, 0], [5, 80, 1], [0, 2, 70]])
    plot.plot_confusion_matrix(ax, matrix, ["a", "b", "c"])
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(j, i): str(matrix[i, j]) for i in range(3) for j in range(3)}
    np.testing.assert_allclose(ax.images[0].get_array() ** 2, matrix)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b", "c"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_counts_can_be_read_on_their_background(ax):
    matrix = np.arange(1, 101).reshape(10, 10)
    plot.plot_confusion_matrix(ax, matrix, list("abcdefghij"))
    image = ax.images[0]
    for text in ax.texts:
        j, i = text.get_position()
        background = image.cmap(image.norm(image.get_array()[i, j]))[:3]
        # Relative luminance and contrast as in the Web Content Accessibility Guidelines.
        bright = sorted(luminance(c) for c in (background, to_rgb(text.get_color())))
        assert (bright[1] + 0.05) / (bright[0] + 0.05) >= 4.5, text.get_text()


def luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_digits_are_counted_from_the_relative_error(ax):
    exact = np.array([2.0, -2.0, 4.0, 4.0, 4.0, 4.0])
    values = np.array([2.0, -2.0002, 4.4, np.nan, np.inf, 400.0])
    plot.plot_correct_digits(ax, np.arange(6), exact, {"naive": values})
    (line,) = ax.lines
    assert line.get_label() == "naive"
    np.testing.assert_allclose(xy(line)[:, 1], [16, 4, 1, 0, 0, 0], atol=1e-9)
    np.testing.assert_array_equal(xy(line)[:, 0], np.arange(6))


def test_graph_writes_values_and_derivatives(ax):
    nodes = {"x": (0, 0, 2.0, None), "z": (1, 0.5, -0.123456, 0.75)}
    plot.plot_graph(ax, nodes, {("x", "z"): (1.5, -3.25)})
    written = [text for text in texts(ax) if text]
    assert sorted(written) == sorted(["1.5", "-3.25", "x", "2", "z", "-0.123", "0.75"])
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert [(arrow.xyann, arrow.xy) for arrow in arrows] == [((0, 0), (1, 0.5))]
    np.testing.assert_array_equal([xy(line)[0] for line in ax.lines], [[0, 0], [1, 0.5]])
    places = {text.get_text(): getattr(text, "xyann", None) for text in ax.texts}
    assert places["2"][1] > 0 > places["0.75"][1]  # values above, derivatives below
    assert places["1.5"][1] > 0 > places["-3.25"][1]


def test_graph_draws_plain_arrows_without_numbers(ax):
    plot.plot_graph(ax, {"a": (0, 0, 1.0, None), "b": (1, 0, 1.0, None)}, {("a", "b"): None})
    assert sorted(text for text in texts(ax) if text) == ["1", "1", "a", "b"]


def test_probability_map_has_its_boundary_where_the_probability_is_a_half(ax):
    grid = plane_grid((-1, 3), (0, 2), 9)
    probabilities = 1 / (1 + np.exp(-(grid[:, :1] - 1)))  # a half at x = 1, whatever y
    points, labels = np.array([[0, 0.5], [2, 1.5], [2.5, 1]]), np.array([[0], [1], [1]])
    plot.plot_probability_map(ax, grid, probabilities, points, labels)
    boundary = [path for c in ax.collections[-1:] for path in c.get_paths()]
    vertices = np.concatenate([path.vertices for path in boundary])
    np.testing.assert_allclose(vertices[:, 0], 1, atol=1e-9)
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (0, 2)
    zeros, ones = ax.lines
    np.testing.assert_array_equal(xy(zeros), points[:1])
    np.testing.assert_array_equal(xy(ones), points[1:])
    assert zeros.get_marker() != ones.get_marker()  # not by colour alone


def test_probability_map_without_a_boundary(ax):
    grid = plane_grid((0, 1), (0, 1), 4)
    plot.plot_probability_map(ax, grid, np.full((16, 1), 0.9), grid[:2], np.array([[1], [1]]))
    assert len(ax.collections) == 1  # the background alone
    assert [len(xy(line)) for line in ax.lines] == [0, 2]


def test_rows_of_images_lie_beside_their_names(ax):
    images = RNG.integers(0, 256, (2, 3, 4, 5))
    plot.plot_image_rows(ax, images, ["first", "second"])
    sheet = ax.images[0].get_array()
    assert sheet.shape == (8, 15)
    for row, column in np.ndindex(2, 3):
        part = sheet[4 * row : 4 * row + 4, 5 * column : 5 * column + 5]
        np.testing.assert_array_equal(part, images[row, column])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["first", "second"]
    assert ax.get_yticks().tolist() == [2, 6]
    assert ax.get_xticks().size == 0
