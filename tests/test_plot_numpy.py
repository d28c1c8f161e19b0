"""The figures of the NumPy chapters: what is drawn is what was passed in."""

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from hwlib import plot
from hwlib.course.moons import plane_grid


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_correct_digits_are_counted_and_failures_count_as_none(ax: Axes) -> None:
    exact = np.array([2.0, 2.0, 2.0, 2.0, 2.0])
    computed = np.array([2.0, 2.002, np.nan, np.inf, 40.0])
    plot.plot_correct_digits(ax, np.arange(5), exact, {"form": computed})
    (line,) = ax.get_lines()
    assert line.get_label() == "form"
    np.testing.assert_allclose(line.get_ydata(), [16, 3, 0, 0, 0], atol=1e-9)


def test_graph_shows_every_value_and_derivative_once(ax: Axes) -> None:
    nodes = {"a": (0.0, 0.0, 1.5, None), "b": (1.0, 0.0, -2.0, 0.25)}
    plot.plot_graph(ax, nodes, {("a", "b"): (3.125, -4.0)})
    shown = sorted(text.get_text() for text in ax.texts if text.get_text())
    assert shown == sorted(["a", "b", "1.5", "-2", "0.25", "3.12", "-4"])


def test_an_edge_without_weight_carries_no_number(ax: Axes) -> None:
    plot.plot_graph(ax, {"a": (0, 0, 1, None), "b": (1, 0, 2, None)}, {("a", "b"): None})
    assert sorted(t.get_text() for t in ax.texts if t.get_text()) == ["1", "2", "a", "b"]


def test_boundary_is_drawn_where_the_probability_is_one_half(ax: Axes) -> None:
    grid = plane_grid((-1, 1), (-1, 1), 21)
    probabilities = (0.5 + 0.4 * (grid[:, :1] - 0.3)).clip(0, 1)
    plot.plot_probability_map(ax, grid, probabilities, [[0, 0], [1, 1]], [[0], [1]])
    boundary = ax.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(np.asarray(boundary)[:, 0], 0.3, atol=1e-9)
    assert [len(line.get_xydata()) for line in ax.get_lines()] == [1, 1]


def test_no_boundary_where_one_class_wins_everywhere(ax: Axes) -> None:
    grid = plane_grid((-1, 1), (-1, 1), 5)
    plot.plot_probability_map(ax, grid, np.full((25, 1), 0.7), [[0, 0]], [[1]])
    assert len(ax.collections) == 1
