"""The two-layer network: laws, autograd, float32, and what is refused."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import problems

from hwlib import gradient_descent, init_weights, logistic_loss_grad, predict
from hwlib.gradcheck import relative_error
from hwlib.losses import stable_logistic_loss

PRECISIONS = [np.float32, np.float64]


def loss(X, y, W):
    return stable_logistic_loss(y, predict(X, W)[1])


def autograd(X, y, W):
    """Loss and gradient by PyTorch, in float64, from its own loss function."""
    X, y = torch.tensor(X, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    leaves = {k: torch.tensor(w, dtype=torch.float64, requires_grad=True) for k, w in W.items()}
    z2 = torch.sigmoid(X @ leaves["w1"]) @ leaves["w2"]
    value = torch.nn.functional.binary_cross_entropy_with_logits(z2, y)
    value.backward()
    return value.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


def draw(seed, B=5, D=3, K=4, dtype=np.float64, scale=1.0):
    rng = np.random.default_rng(seed)
    X = (scale * rng.standard_normal((B, D))).astype(dtype)
    y = rng.integers(0, 2, (B, 1)).astype(dtype)
    return X, y, init_weights(D, K, rng, dtype)


# --- Forward ------------------------------------------------------------------------------------


@given(problems())
def test_prediction_agrees_with_pytorch(problem):
    X, _, W = problem
    t1 = torch.tensor(X) @ torch.tensor(W["w1"])
    t2 = torch.sigmoid(t1) @ torch.tensor(W["w2"])
    z1, z2, yhat = predict(X, W)
    np.testing.assert_allclose(z1, t1, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(z2, t2, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(yhat, torch.sigmoid(t2), rtol=1e-13)


@given(problems())
def test_loss_of_the_network_agrees_with_pytorch(problem):
    X, y, W = problem
    assert loss(X, y, W) == pytest.approx(autograd(X, y, W)[0], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_shapes_and_precision_of_a_prediction(dtype):
    X, _, W = draw(0, B=5, D=3, K=4, dtype=dtype)
    z1, z2, yhat = predict(X, W)
    assert (z1.shape, z2.shape, yhat.shape) == ((5, 4), (5, 1), (5, 1))
    assert z1.dtype == z2.dtype == yhat.dtype == dtype


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.bool_, list])
def test_features_of_any_type_are_taken_as_float64(kind):
    X = np.array([[1, 0], [0, 1], [1, 1]])
    _, y, W = draw(1, B=3, D=2)
    given_X = X.tolist() if kind is list else X.astype(kind)
    for one, other in zip(predict(given_X, W), predict(X.astype(float), W), strict=True):
        assert one.dtype == np.float64
        np.testing.assert_array_equal(one, other)
    gradient = logistic_loss_grad(given_X, y, W)
    for name, expected in logistic_loss_grad(X.astype(float), y, W).items():
        assert gradient[name].dtype == np.float64
        np.testing.assert_array_equal(gradient[name], expected)


# --- Gradient -----------------------------------------------------------------------------------


@given(problems(), st.integers(0, 2**32 - 1))
def test_gradient_in_a_random_direction_agrees_with_central_differences(problem, seed):
    X, y, W = problem
    rng = np.random.default_rng(seed)
    direction = {name: rng.standard_normal(w.shape) for name, w in W.items()}
    h = 6e-6
    above, below = (
        loss(X, y, {name: w + sign * h * direction[name] for name, w in W.items()})
        for sign in (1, -1)
    )
    gradient = logistic_loss_grad(X, y, W)
    slope = sum(float(np.sum(gradient[name] * direction[name])) for name in W)
    # The third derivative times h² / 6, and rounding of a loss of about 1 divided by h.
    assert (above - below) / (2 * h) == pytest.approx(slope, rel=1e-7, abs=1e-8)


@given(problems())
def test_gradient_agrees_with_autograd(problem):
    X, y, W = problem
    gradient, expected = logistic_loss_grad(X, y, W), autograd(X, y, W)[1]
    assert set(gradient) == set(expected)
    for name in expected:
        assert gradient[name].shape == W[name].shape
        np.testing.assert_allclose(gradient[name], expected[name], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_float32_gradient_agrees_with_float64(seed):
    X, y, W = draw(seed, B=40, D=6, K=5, dtype=np.float32)
    gradient = logistic_loss_grad(X, y, W)
    wide = logistic_loss_grad(
        X.astype(np.float64), y, {name: w.astype(np.float64) for name, w in W.items()}
    )
    for name in wide:
        assert gradient[name].dtype == np.float32
        assert relative_error(gradient[name], wide[name]) < 1e-6  # eight roundings of float32


@pytest.mark.parametrize("B", [1, 255, 770])
def test_gradient_of_many_rows_agrees_with_autograd(B):
    X, y, W = draw(B, B=B)
    gradient, expected = logistic_loss_grad(X, y, W), autograd(X, y, W)[1]
    for name in expected:
        np.testing.assert_allclose(gradient[name], expected[name], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kinds", [(np.float32, np.float64), (np.float64, np.float32)])
def test_gradient_of_weights_in_two_precisions_is_that_of_the_wider(kinds):
    X, y, W = draw(3, dtype=np.float32)
    mixed = {name: W[name].astype(kind) for name, kind in zip(W, kinds, strict=True)}
    expected = autograd(X, y, W)[1]
    gradient = logistic_loss_grad(X, y, mixed)
    assert gradient["w2"].dtype == np.float64
    for name in expected:
        np.testing.assert_allclose(gradient[name], expected[name], rtol=1e-5, atol=1e-7)


def test_gradient_near_the_zero_keeps_digits():
    W = {"w1": np.zeros((2, 3)), "w2": np.zeros((3, 1))}
    gradient = logistic_loss_grad(np.ones((4, 2)), np.full((4, 1), 0.5 + 2.0**-40), W)
    np.testing.assert_allclose(gradient["w2"], np.full((3, 1), -0.5 * 2.0**-40), rtol=1e-3)


def test_float64_labels_leave_a_float32_gradient_float32():
    X, y, W = draw(2, dtype=np.float32)
    gradient = logistic_loss_grad(X, y.astype(np.float64), W)
    assert {g.dtype for g in gradient.values()} == {np.dtype(np.float32)}


def exact_gradient(X, y, W):
    """The gradient in mpmath with 60 digits, one example, one product after the other."""
    to_mp = np.vectorize(lambda number: mpmath.mpf(float(number)), otypes=[object])
    X, y, w1, w2 = to_mp(X), to_mp(y), to_mp(W["w1"]), to_mp(W["w2"])
    sigmoid = np.vectorize(lambda t: 1 / (1 + mpmath.exp(-t)), otypes=[object])
    z1 = X @ w1
    a1, slope = sigmoid(z1), sigmoid(z1) * sigmoid(-z1)
    delta = (sigmoid(a1 @ w2) - y) / len(X)
    return {"w1": X.T @ (delta @ w2.T * slope), "w2": a1.T @ delta}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reach", [1e1, 1e2, 1e4])
def test_float32_gradient_at_huge_logits_is_silent_and_agrees_with_mpmath(reach, seed):
    X, y, W = draw(seed, B=3, D=2, K=3, dtype=np.float32)
    # Whole numbers and powers of two: z1 is exact, so that the exponential magnifies no rounding.
    X = np.float32(np.round(X * 4))
    W = {
        "w1": np.float32(np.round(W["w1"] * reach / 4)),
        "w2": np.float32(np.round(W["w2"] * reach)),
    }
    with np.errstate(all="raise", under="ignore"):
        gradient = logistic_loss_grad(X, y, W)
        z1, z2, _ = predict(X, W)
    assert max(np.abs(z1).max(), np.abs(z2).max()) > reach / 4
    with mpmath.workdps(60):
        expected = exact_gradient(X, y, W)
    for name in W:
        assert gradient[name].dtype == np.float32
        np.testing.assert_allclose(
            gradient[name], expected[name].astype(np.float64), rtol=1e-3, atol=1e-37
        )


def test_gradient_of_a_network_that_is_right_and_sure_keeps_its_digits():
    W = {"w1": np.array([[0.0]]), "w2": np.array([[80.0]])}  # z2 = 40 for every example
    gradient = logistic_loss_grad([[1.0]], [[1.0]], W)
    assert gradient["w2"][0, 0] == pytest.approx(-4.248354255291589e-18 / 2, rel=1e-15)
    assert gradient["w1"][0, 0] == pytest.approx(-4.248354255291589e-18 * 80 / 4, rel=1e-15)


@pytest.mark.parametrize(("dtype", "reach"), [(np.float32, 90), (np.float64, 740)])
def test_numbers_too_small_to_hold_are_no_error(dtype, reach):
    W = {"w1": np.full((1, 1), -reach, dtype), "w2": np.full((1, 1), 1e-3, dtype)}
    X, y = np.ones((3, 1), dtype), np.ones((3, 1), dtype)
    with np.errstate(all="raise", under="ignore"):
        z2 = predict(X, W)[1]
        gradient = logistic_loss_grad(X, y, W)
        losses = gradient_descent(X, y, W, learning_rate=1e-3, steps=2).losses
    assert z2 == pytest.approx(0, abs=1e-40)
    assert gradient["w2"] == pytest.approx(0, abs=1e-38)
    assert losses == pytest.approx(np.log(2), rel=1e-7)


# --- Laws ---------------------------------------------------------------------------------------


@given(problems(), st.randoms(use_true_random=False))
def test_order_of_the_hidden_units_does_not_matter(problem, random):
    X, y, W = problem
    order = list(range(len(W["w2"])))
    random.shuffle(order)
    permuted = {"w1": W["w1"][:, order], "w2": W["w2"][order]}
    assert loss(X, y, permuted) == pytest.approx(loss(X, y, W), rel=1e-13)
    gradient, moved = logistic_loss_grad(X, y, W), logistic_loss_grad(X, y, permuted)
    np.testing.assert_allclose(moved["w1"], gradient["w1"][:, order], rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(moved["w2"], gradient["w2"][order], rtol=1e-11, atol=1e-15)


@given(problems(), st.integers(2, 4))
def test_a_batch_repeated_has_the_same_loss_and_gradient(problem, times):
    X, y, W = problem
    many_X, many_y = np.tile(X, (times, 1)), np.tile(y, (times, 1))
    assert loss(many_X, many_y, W) == pytest.approx(loss(X, y, W), rel=1e-13)
    gradient, repeated = logistic_loss_grad(X, y, W), logistic_loss_grad(many_X, many_y, W)
    for name in W:
        np.testing.assert_allclose(repeated[name], gradient[name], rtol=1e-11, atol=1e-15)


@given(problems())
def test_gradient_of_a_batch_is_the_mean_over_its_examples(problem):
    X, y, W = problem
    single = [logistic_loss_grad(X[b : b + 1], y[b : b + 1], W) for b in range(len(X))]
    gradient = logistic_loss_grad(X, y, W)
    for name in W:
        mean = np.mean([g[name] for g in single], axis=0)
        np.testing.assert_allclose(gradient[name], mean, rtol=1e-11, atol=1e-15)


@given(problems())
def test_nothing_given_is_changed(problem):
    X, y, W = problem
    before = [X.copy(), y.copy(), W["w1"].copy(), W["w2"].copy()]
    predict(X, W)
    logistic_loss_grad(X, y, W)
    gradient_descent(X, y, W, learning_rate=0.1, steps=2)
    for array, copy in zip([X, y, W["w1"], W["w2"]], before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_strided_features_and_weights_give_the_same_numbers():
    wide = np.random.default_rng(3).standard_normal((12, 8))
    X, w1, w2 = wide[::3, ::2], wide[:4, ::-2], wide[4:8, 3:4]
    y = np.array([[1.0], [0.0], [1.0], [0.0]])
    copies = {"w1": w1.copy(), "w2": w2.copy()}
    for one, other in zip(predict(X, {"w1": w1, "w2": w2}), predict(X.copy(), copies), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)
    gradient, expected = (
        logistic_loss_grad(X, y, {"w1": w1, "w2": w2}),
        logistic_loss_grad(X.copy(), y, copies),
    )
    for name in expected:
        np.testing.assert_allclose(gradient[name], expected[name], rtol=1e-13, atol=1e-16)


# --- Initial weights and descent ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_initial_weights_have_the_variance_of_one_over_the_inputs(dtype):
    W = init_weights(400, 2500, np.random.default_rng(0), dtype)
    assert W["w1"].shape == (400, 2500)
    assert W["w2"].shape == (2500, 1)
    assert W["w1"].dtype == W["w2"].dtype == dtype
    # Four standard errors of an estimated variance, sqrt(2 / n) each.
    assert W["w1"].var() * 400 == pytest.approx(1, abs=4 * np.sqrt(2 / 1e6))
    assert W["w2"].var() * 2500 == pytest.approx(1, abs=4 * np.sqrt(2 / 2500))
    assert abs(W["w1"].mean()) * 20 < 4e-3
    assert abs(W["w2"].mean()) * 50 < 4 / 50


def test_initial_weights_are_float64_and_repeat_with_the_seed():
    one, same, other = (init_weights(3, 2, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one["w1"].dtype == np.float64
    for name in ("w1", "w2"):
        np.testing.assert_array_equal(one[name], same[name])
        assert (one[name] != other[name]).all()


def test_the_smallest_network_can_be_drawn():
    W = init_weights(1, 1, np.random.default_rng(0))
    assert (W["w1"].shape, W["w2"].shape) == ((1, 1), (1, 1))


@pytest.mark.parametrize(("inputs", "hidden"), [(0, 1), (1, 0), (-1, 3)])
def test_impossible_networks_are_refused(inputs, hidden):
    message = (
        r"^expected at least one input and one hidden unit, got "
        rf"inputs={inputs} and hidden={hidden}; pass X\.shape\[1\]"
    )
    with pytest.raises(ValueError, match=message):
        init_weights(inputs, hidden, np.random.default_rng(0))


def test_descent_is_that_of_pytorch():
    X, y, W = draw(7, B=20, D=3, K=4)
    leaves = {k: torch.tensor(w, requires_grad=True) for k, w in W.items()}
    optimizer = torch.optim.SGD(leaves.values(), lr=0.5)
    expected = []
    for _ in range(10):
        optimizer.zero_grad()
        z2 = torch.sigmoid(torch.tensor(X) @ leaves["w1"]) @ leaves["w2"]
        value = torch.nn.functional.binary_cross_entropy_with_logits(z2, torch.tensor(y))
        expected.append(value.item())
        value.backward()
        optimizer.step()
    end = gradient_descent(X, y, W, learning_rate=0.5, steps=10)
    assert end.losses.shape == (11,)
    assert end.losses.dtype == np.float64
    np.testing.assert_allclose(end.losses[:10], expected, rtol=1e-12)
    assert end.losses[10] == loss(X, y, end.weights)
    for name, leaf in leaves.items():
        np.testing.assert_allclose(end.weights[name], leaf.detach(), rtol=1e-11)


def test_descent_of_no_steps_returns_a_copy():
    X, y, W = draw(8)
    end = gradient_descent(X, y, W, learning_rate=0.1, steps=0)
    assert end.losses.tolist() == [loss(X, y, W)]
    for name in W:
        np.testing.assert_array_equal(end.weights[name], W[name])
        assert not np.shares_memory(end.weights[name], W[name])


@pytest.mark.parametrize("seed", range(3))
def test_small_steps_lower_the_loss_each_time(seed):
    X, y, W = draw(seed, B=30)
    losses = gradient_descent(X, y, W, learning_rate=0.1, steps=20).losses
    assert (np.diff(losses) < 0).all()


def test_descent_keeps_float32():
    X, y, W = draw(9, dtype=np.float32)
    end = gradient_descent(X, y, W, learning_rate=0.1, steps=3)
    assert {w.dtype for w in end.weights.values()} == {np.dtype(np.float32)}
    assert end.losses.dtype == np.float64


@pytest.mark.parametrize(("learning_rate", "steps"), [(0, 1), (-0.1, 1), (np.nan, 1), (0.1, -1)])
def test_impossible_descents_are_refused(learning_rate, steps):
    X, y, W = draw(0)
    message = (
        r"^expected learning_rate > 0 and steps >= 0, "
        rf"got learning_rate={learning_rate} and steps={steps}"
    )
    with pytest.raises(ValueError, match=message):
        gradient_descent(X, y, W, learning_rate=learning_rate, steps=steps)


# --- What is refused ----------------------------------------------------------------------------

W1, W2 = np.zeros((3, 4)), np.zeros((4, 1))
FIT = r"^expected X \(B, D\) and w1 \(D, K\) with one D, got X \({}\) and w1 \({}\); examples"
COLUMN = (
    r"^W\['w2'\]: expected shape \(4, 1\), one row per hidden unit, got \({}\); "
    r"try w2\.reshape\(-1, 1\)\.$"
)
BAD_NETWORKS = [
    (np.zeros((2, 5)), {"w1": W1, "w2": W2}, FIT.format("2, 5", "3, 4")),
    (np.zeros(3), {"w1": W1, "w2": W2}, FIT.format("3,", "3, 4")),
    (np.zeros((2, 3, 1)), {"w1": W1, "w2": W2}, FIT.format("2, 3, 1", "3, 4")),
    (np.zeros((2, 3)), {"w1": W1.T, "w2": W2}, FIT.format("2, 3", "4, 3")),
    (np.zeros((2, 3)), {"w1": W1[:, 0], "w2": W2}, FIT.format("2, 3", "3,")),
    (np.zeros((2, 3)), {"w1": W1[None], "w2": W2}, FIT.format("2, 3", "1, 3, 4")),
    (np.zeros((2, 3)), {"w1": W1, "w2": W2[:, 0]}, COLUMN.format("4,")),
    (np.zeros((2, 3)), {"w1": W1, "w2": W2.T}, COLUMN.format("1, 4")),
    (np.zeros((2, 3)), {"w1": W1, "w2": np.zeros((3, 1))}, COLUMN.format("3, 1")),
    (np.zeros((2, 3)), {"w1": W1, "w2": np.zeros((4, 2))}, COLUMN.format("4, 2")),
    (
        np.zeros((0, 3)),
        {"w1": W1, "w2": W2},
        r"^X: expected at least one example, .* \(0, 3\);",
    ),
    (np.zeros((2, 0)), {"w1": W1[:0], "w2": W2}, r"^X: expected at least one example, .* \(2, 0\)"),
    (
        np.zeros((2, 3)),
        {"w1": W1[:, :0], "w2": W2[:0]},
        r"^W\['w1'\]: expected at least one",
    ),
    (
        np.zeros((2, 3)),
        {"w1": W1},
        r'^W: expected the keys "w1" and "w2", got \[\'w1\'\]; see',
    ),
    (
        np.zeros((2, 3)),
        {"w2": W2},
        r'^W: expected the keys "w1" and "w2", got \[\'w2\'\]; see',
    ),
    (np.zeros((2, 3)), {}, r'^W: expected the keys "w1" and "w2", got \[\]; see init_weights\.$'),
    (
        np.array([[0, 0, 0], [0, np.nan, 0]]),
        {"w1": W1, "w2": W2},
        r"^z: expected numbers, got NaN at index \(1, 0\); clean the input",
    ),
    (
        np.zeros((2, 3)),
        {"w1": np.full((3, 4), np.nan), "w2": W2},
        r"^W\['w1'\]: expected numbers, got NaN at index \(0, 0\)",
    ),
    (
        np.zeros((2, 3)),
        {"w1": W1, "w2": np.array([[0], [0], [np.nan], [0]])},
        r"^W\['w2'\]: expected numbers, got NaN at index \(2, 0\)",
    ),
]


@pytest.mark.parametrize(("X", "W", "message"), BAD_NETWORKS)
def test_what_does_not_fit_is_refused(X, W, message):
    with pytest.raises(ValueError, match=message):
        predict(X, W)
    with pytest.raises(ValueError, match=message):
        logistic_loss_grad(X, np.zeros((len(X), 1)), W)


def test_infinities_that_meet_are_named():
    W = {"w1": np.array([[1.0], [-1.0]]), "w2": np.ones((1, 1))}
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match=r"^z: expected numbers, got NaN at index \(0, 0\)"),
    ):
        predict([[np.inf, np.inf]], W)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], r"^y: expected the shape of z, \(2, 1\), got \(2,\); .* try y\.reshape\(-1, 1\)"),
        ([[0], [2]], r"^y: expected labels 0 or 1 .*, got values from 0 to 2; map"),
        ([[0], [np.nan]], r"^y: expected numbers, got NaN at index \(1, 0\)"),
    ],
)
def test_bad_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        logistic_loss_grad(np.zeros((2, 3)), y, {"w1": W1, "w2": W2})
    with pytest.raises(ValueError, match=message):
        gradient_descent(np.zeros((2, 3)), y, {"w1": W1, "w2": W2}, learning_rate=1, steps=1)
