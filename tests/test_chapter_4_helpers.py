"""Timing a pass over batches, and the sheet of examples."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from hwlib import plot
from hwlib.course.loading import seconds_per_pass

mpl.use("Agg")


class Counted:
    """Three batches, which count how often they are asked for."""

    def __init__(self):
        self.delivered = 0

    def __iter__(self):
        for batch in range(3):
            self.delivered += 1
            yield batch


def test_seconds_per_pass_runs_through_every_pass(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 29.0])  # passes of 5, 2 and 9 seconds
    monkeypatch.setattr("hwlib.course.loading.time.perf_counter", lambda: next(clock))
    batches = Counted()
    assert seconds_per_pass(batches, passes=3) == 2.0
    assert batches.delivered == 9


def test_seconds_per_pass_refuses_what_it_cannot_time():
    with pytest.raises(ValueError, match="passes: expected at least 1, got 0"):
        seconds_per_pass([1], passes=0)
    with pytest.raises(ValueError, match="only once"):
        seconds_per_pass(iter([1, 2]), passes=2)


def test_image_rows_puts_every_image_in_its_place():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 6), dtype=np.uint8)
    ax = Figure().subplots()
    plot.plot_image_rows(ax, images, ["a", "b", "c"])
    sheet = ax.get_images()[0].get_array()
    assert sheet.shape == (12, 30)
    for row, column in np.ndindex(3, 5):
        place = sheet[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        # 16 levels of grey: each pixel is off by less than one level, and never brighter.
        difference = images[row, column].astype(int) - place.astype(int)
        assert difference.min() >= 0
        assert difference.max() < 16
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="labels"):
        plot.plot_image_rows(Figure().subplots(), images, ["a"])
