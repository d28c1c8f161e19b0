"""The two moons, their constant column, and the grid that they are drawn on."""

import numpy as np
import pytest

from hwlib.course.moons import plane_grid, two_moons, with_constant_column


def test_without_noise_each_moon_is_half_a_unit_circle() -> None:
    points, labels = two_moons(100, 0.0, np.random.default_rng(3))
    upper, lower = points[labels[:, 0] == 0], points[labels[:, 0] == 1]
    assert len(upper) == len(lower) == 50
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5


def test_points_are_those_of_their_angles_and_labels_alternate() -> None:
    points, labels = two_moons(1000, 0.2, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    angle = rng.uniform(0, np.pi, 1000)
    noise = rng.standard_normal((1000, 2))
    assert labels.shape == (1000, 1)
    assert labels.dtype == points.dtype == np.float64
    np.testing.assert_array_equal(labels[:, 0], [0.0, 1.0] * 500)
    for i, (x, y) in enumerate((np.cos(a), np.sin(a)) for a in angle):
        clean = (x, y) if labels[i] == 0 else (1 - x, 0.5 - y)
        np.testing.assert_allclose(points[i], clean + 0.2 * noise[i])


def test_noise_has_the_standard_deviation_asked_for() -> None:
    clean, _ = two_moons(20_000, 0.0, np.random.default_rng(5))
    noisy, _ = two_moons(20_000, 0.3, np.random.default_rng(5))
    # The standard error of a deviation from 40,000 numbers is 0.3 / sqrt(80,000) = 0.001.
    assert (noisy - clean).std() == pytest.approx(0.3, abs=0.005)
    assert (noisy - clean).mean() == pytest.approx(0, abs=0.0075)


def test_same_generator_state_gives_the_same_points() -> None:
    first, second = (two_moons(10, 0.1, np.random.default_rng(7))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("examples", [-2, 0, 1, 7])
def test_moons_need_an_even_number_of_examples(examples: int) -> None:
    with pytest.raises(ValueError, match=f"even number of at least 2, got {examples}"):
        two_moons(examples, 0.1, np.random.default_rng(0))
    assert len(two_moons(2, 0.0, np.random.default_rng(0))[0]) == 2


@pytest.mark.parametrize("noise", [-0.1, np.nan])
def test_noise_must_not_be_negative(noise: float) -> None:
    with pytest.raises(ValueError, match="standard deviation of at least 0"):
        two_moons(10, noise, np.random.default_rng(0))


def test_constant_column_is_appended_last() -> None:
    np.testing.assert_array_equal(with_constant_column([[2, 3], [4, 5]]), [[2, 3, 1], [4, 5, 1]])
    assert with_constant_column([[2, 3]]).dtype == np.float64
    with pytest.raises(ValueError, match="got shape \\(3,\\)"):
        with_constant_column(np.zeros(3))


def test_grid_runs_line_by_line_from_the_lowest_y() -> None:
    grid = plane_grid((0, 2), (-1, 1), 3)
    assert grid.shape == (9, 2)
    np.testing.assert_array_equal(grid[:, 0].reshape(3, 3), [[0, 1, 2]] * 3)
    np.testing.assert_array_equal(grid[:, 1].reshape(3, 3).T, [[-1, 0, 1]] * 3)


@pytest.mark.parametrize(
    ("x_range", "y_range", "steps"),
    [((0, 1), (0, 1), 1), ((1, 1), (0, 1), 5), ((0, 1), (2, 1), 5)],
)
def test_grid_needs_ranges_and_two_steps(
    x_range: tuple[float, float], y_range: tuple[float, float], steps: int
) -> None:
    with pytest.raises(ValueError, match="low < high"):
        plane_grid(x_range, y_range, steps)
