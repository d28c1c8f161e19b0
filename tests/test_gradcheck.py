"""The gradient check: it accepts what is right, and notices a mistake of 0.1 %."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import problems

from hwlib import logistic_loss_grad, predict
from hwlib.gradcheck import GradientError, check_gradient, numerical_gradient, relative_error
from hwlib.losses import stable_logistic_loss


def loss_of(X, y):
    return lambda W: stable_logistic_loss(y, predict(X, W)[1])


def seeded(B, D, K, seed=0):
    rng = np.random.default_rng(seed)
    W = {"w1": rng.standard_normal((D, K)), "w2": rng.standard_normal((K, 1))}
    return rng.standard_normal((B, D)), rng.integers(0, 2, (B, 1)).astype(float), W


@pytest.mark.parametrize(("B", "D", "K"), [(1, 1, 1), (7, 1, 3), (2, 5, 1), (4, 3, 6), (30, 8, 2)])
def test_the_right_gradient_passes(B, D, K):
    X, y, W = seeded(B, D, K)
    errors = check_gradient(loss_of(X, y), logistic_loss_grad(X, y, W), W)
    assert set(errors) == {"w1", "w2"}
    assert 0 < max(errors.values()) < 1e-7  # the differences themselves are rounded


@given(problems(scale=1.0), st.sampled_from(["w1", "w2"]), st.sampled_from([0.999, 1.001]))
def test_an_error_of_a_thousandth_in_one_array_is_caught(problem, name, factor):
    X, y, W = problem
    gradient = logistic_loss_grad(X, y, W)
    assume(np.linalg.norm(gradient[name]) > 1e-4)  # the rest is rounding of the loss
    check_gradient(loss_of(X, y), gradient, W)
    gradient[name] = gradient[name] * factor
    with pytest.raises(GradientError, match=rf"^{name}: relative error (9\.9|1\.0)e-0[34] exceeds"):
        check_gradient(loss_of(X, y), gradient, W)


@given(problems(scale=1.0), st.data())
def test_one_wrong_entry_is_caught_and_named(problem, data):
    X, y, W = problem
    gradient = logistic_loss_grad(X, y, W)
    name = data.draw(st.sampled_from(["w1", "w2"]))
    index = data.draw(st.sampled_from(list(np.ndindex(W[name].shape))))
    wrong = 2 * gradient[name][index] + 1
    right = gradient[name][index]
    gradient[name][index] = wrong
    with pytest.raises(GradientError) as caught:
        check_gradient(loss_of(X, y), gradient, W)
    place = (
        f"the worst entry is {tuple(int(i) for i in index)}, where the gradient says {wrong:.6g}"
    )
    assert str(caught.value).startswith(f"{name}: relative error ")
    assert place in str(caught.value)
    said = float(str(caught.value).rstrip(".").rsplit(" ", 1)[1])
    assert said == pytest.approx(right, rel=1e-5, abs=1e-8)


def test_the_tolerance_is_the_callers():
    X, y, W = seeded(4, 3, 2)
    gradient = {name: 1.001 * g for name, g in logistic_loss_grad(X, y, W).items()}
    errors = check_gradient(loss_of(X, y), gradient, W, tolerance=0.01)
    assert errors["w1"] == pytest.approx(1 - 1 / 1.001, rel=1e-4)
    assert errors["w2"] == pytest.approx(1 - 1 / 1.001, rel=1e-4)
    with pytest.raises(GradientError, match=r"^w1: .* exceeds 9\.0e-04; "):
        check_gradient(loss_of(X, y), gradient, W, tolerance=9e-4)


def test_an_error_equal_to_the_tolerance_is_accepted():
    # L = w² / 2 at w = 1 has the differences 1 exactly, so that the error is 0.5 exactly.
    check_gradient(
        lambda W: W["w"][0] ** 2 / 2,
        {"w": np.array([0.5])},
        {"w": np.ones(1)},
        step=2.0**-17,
        tolerance=0.5,
    )


def test_the_step_is_the_callers():
    # The truncation error of the cube is h² exactly: 3 + h² at w = 1.
    W = {"w": np.ones(1)}
    errors = check_gradient(
        lambda W: W["w"][0] ** 3, {"w": np.array([3.0])}, W, step=0.125, tolerance=1
    )
    assert errors["w"] == pytest.approx(0.125**2 / (3 + 0.125**2), rel=1e-14)


def test_one_wrong_array_of_several_is_enough():
    weights = {"a": np.ones(2), "b": np.ones((2, 2)), "c": np.array(1.0)}

    def total(W):
        return float(W["a"].sum() + 2 * W["b"].sum() + 3 * W["c"])

    right = {"a": np.ones(2), "b": np.full((2, 2), 2.0), "c": np.array(3.0)}
    assert set(check_gradient(total, right, weights)) == {"a", "b", "c"}
    for name in right:
        wrong = right | {name: right[name] * 1.001}
        with pytest.raises(GradientError, match=f"^{name}: "):
            check_gradient(total, wrong, weights)


# --- Differences --------------------------------------------------------------------------------


@given(problems(scale=1.0))
def test_differences_agree_with_autograd(problem):
    X, y, W = problem
    leaves = {name: torch.tensor(w, requires_grad=True) for name, w in W.items()}
    z2 = torch.sigmoid(torch.tensor(X) @ leaves["w1"]) @ leaves["w2"]
    torch.nn.functional.binary_cross_entropy_with_logits(z2, torch.tensor(y)).backward()
    differences = numerical_gradient(loss_of(X, y), W)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(differences[name], leaf.grad, rtol=1e-8, atol=1e-9)


def test_differences_of_a_square_are_exact_for_any_step():
    # (w + h)² - (w - h)² = 4wh, without rounding where w and h are powers of two.
    W = {"w": np.array([[4.0, -2.0]])}
    for step in (0.5, 2.0**-10):
        gradient = numerical_gradient(lambda W: float((W["w"] ** 2).sum()), W, step)
        np.testing.assert_array_equal(gradient["w"], [[8.0, -4.0]])


def test_differences_have_the_default_step():
    seen = []
    numerical_gradient(lambda W: seen.append(W["w"][0]) or 0.0, {"w": np.zeros(1)})
    assert seen == [6e-6, -6e-6]


def test_differences_are_float64_and_change_nothing():
    W = {"w": np.float32([1, 2]), "n": np.array([[3]])}
    before = {name: w.copy() for name, w in W.items()}
    seen = []

    def loss(point):
        seen.append(np.r_[point["w"], point["n"].ravel()])
        assert {w.dtype for w in point.values()} == {np.dtype(np.float64)}
        return float(point["w"] @ point["w"] + 5 * point["n"].sum())

    gradient = numerical_gradient(loss, W)
    np.testing.assert_allclose(gradient["w"], [2, 4], rtol=1e-9)
    np.testing.assert_allclose(gradient["n"], [[5]], rtol=1e-9)
    assert {g.dtype for g in gradient.values()} == {np.dtype(np.float64)}
    for name in W:
        np.testing.assert_array_equal(W[name], before[name])
    # Two calls per weight, and each moves one weight only.
    assert len(seen) == 6
    assert [int((point != [1, 2, 3]).sum()) for point in seen] == [1] * 6


@pytest.mark.parametrize("step", [0, -1e-6, np.nan])
def test_impossible_steps_are_refused(step):
    message = rf"^step: expected a positive number, got {step}; 6e-6 is a good start\.$"
    with pytest.raises(ValueError, match=message):
        numerical_gradient(lambda _: 0.0, {"w": np.ones(1)}, step)
    with pytest.raises(ValueError, match=message):
        check_gradient(lambda _: 0.0, {"w": np.ones(1)}, {"w": np.ones(1)}, step=step)


# --- Relative error -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([3, 4], [3, 4], 0),
        ([3, 4], [0, 0], 1),
        ([0, 0], [3, 4], 1),
        ([0, 0], [0, 0], 0),
        ([], [], 0),
        ([1, 0], [0, 1], np.sqrt(2)),
        ([3, 4], [-3, -4], 2),
        ([[6, 8]], [[3, 4]], 0.5),
        ([[3, 4]], [[6, 8]], 0.5),
        (2.0, 1.0, 0.5),
        ([1e200, 0], [0, 1e200], np.sqrt(2)),
        ([3e-200, 4e-200], [0, 4e-200], 0.6),
        ([1.7e308], [-1.7e308], 2),
        ([0, -5], [0, -4], 0.2),
    ],
)
def test_relative_error_of_known_cases(a, b, expected):
    error = relative_error(a, b)
    assert type(error) is float
    assert error == pytest.approx(expected, rel=1e-15)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1))
def test_relative_error_is_symmetric_and_between_0_and_2(pairs):
    a, b = np.array(pairs).T
    assert relative_error(a, b) == relative_error(b, a)
    assert 0 <= relative_error(a, b) <= 2 * (1 + 1e-15)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (
            [1],
            [1, 2],
            r"^expected two arrays of one shape, got \(1,\) and \(2,\); a gradient",
        ),
        ([[1, 2]], [1, 2], r"got \(1, 2\) and \(2,\); a gradient has the shape of the weights"),
        (
            [np.nan],
            [1],
            r"^expected finite numbers, got NaN or infinity; check the inputs'",
        ),
        ([1], [np.nan], r"^expected finite numbers, got NaN or infinity"),
        ([np.inf], [1], r"^expected finite numbers, got NaN or infinity"),
        ([1], [-np.inf], r"^expected finite numbers, got NaN or infinity"),
    ],
)
def test_arrays_that_cannot_be_compared_are_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        relative_error(a, b)


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (
            {"w": np.ones(2)},
            r"^gradient: expected the keys \['v', 'w'\], got \['w'\]; return",
        ),
        ({}, r"^gradient: expected the keys \['v', 'w'\], got \[\]"),
        (
            {"w": np.ones(2), "v": np.ones(1), "u": np.ones(1)},
            r"^gradient: expected the keys \['v', 'w'\], got \['u', 'v', 'w'\]",
        ),
        (
            {"w": np.ones((2, 1)), "v": np.ones(1)},
            r"^expected two arrays of one shape, got \(2, 1\) and \(2,\)",
        ),
    ],
)
def test_gradients_that_do_not_fit_the_weights_are_refused(gradient, message):
    weights = {"w": np.ones(2), "v": np.ones(1)}
    with pytest.raises(ValueError, match=message):
        check_gradient(lambda W: float(W["w"].sum() + W["v"].sum()), gradient, weights)


def test_the_error_of_float32_arrays_is_calculated_in_float64():
    a = np.array([1, 2, 3], np.float32) / np.float32(7)
    b = a + np.array([1e-3, 0, 2e-3], np.float32)
    expected = math.dist(a.tolist(), b.tolist()) / math.hypot(*b.tolist())
    assert relative_error(a, b) == pytest.approx(expected, rel=1e-14)
    assert relative_error(b, a) == pytest.approx(expected, rel=1e-14)
