"""The logistic loss: laws, agreement with mpmath, scikit-learn, autograd, and what is refused."""

import exact
import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from strategies import CORNERS, DTYPES, finite, labelled_logits, labels, logits

from hwlib.losses import (
    as_float,
    check_labels,
    logistic_loss,
    logistic_loss_logit_grad,
    logistic_loss_per_example,
    sigmoid,
    sigmoid_and_slope,
    softplus,
    stable_logistic_loss,
)

PER_ENTRY = [sigmoid, softplus]
OF_LOGITS = [logistic_loss_per_example, logistic_loss_logit_grad]
PAIRS = [*OF_LOGITS, stable_logistic_loss, logistic_loss]
PRECISIONS = [np.float32, np.float64]


def silent(function, *arguments, **options):
    """Call ``function`` where every floating-point event but underflow is an error."""
    with np.errstate(all="raise", under="ignore"):
        return function(*arguments, **options)


def spread(dtype, n=150):
    """Logits of both signs and every magnitude, the corners included."""
    info = np.finfo(dtype)
    exponents = np.linspace(np.log2(float(info.smallest_subnormal)), info.maxexp - 1e-3, n)
    magnitudes = np.r_[2.0**exponents, np.linspace(0, 800, n), CORNERS[dtype][:-1]]
    return np.r_[magnitudes, -magnitudes].astype(dtype).reshape(-1, 1)


# --- Values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_sigmoid_and_softplus_agree_with_mpmath_over_the_whole_range(name, dtype):
    z = spread(dtype)
    computed = silent({"sigmoid": sigmoid, "softplus": softplus}[name], z)
    assert computed.dtype == dtype
    assert computed.shape == z.shape
    assert exact.ulp_errors(computed, getattr(exact, name), z).max() <= 2.5


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("label", [0.0, 1.0, 0.5, 0.25, 2.0**-149, 1 - 2.0**-24])
def test_loss_agrees_with_mpmath_over_the_whole_range(label, dtype):
    z = spread(dtype)
    y = np.full_like(z, label)
    computed = silent(logistic_loss_per_example, y, z)
    assert computed.dtype == dtype
    assert computed.shape == z.shape
    assert exact.ulp_errors(computed, exact.loss, y, z).max() <= 2.5


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_derivative_agrees_with_mpmath_over_the_whole_range(label, dtype):
    z = spread(dtype)
    y = np.full_like(z, label)
    computed = silent(logistic_loss_logit_grad, y, z)
    assert computed.dtype == dtype
    assert computed.shape == z.shape
    assert exact.ulp_errors(computed, exact.derivative, y, z).max() <= 4


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_sigmoid_and_slope_agree_with_mpmath_over_the_whole_range(dtype):
    drawn = np.random.default_rng(0).normal(0, 40, (3000, 1)).astype(dtype)
    z = np.r_[spread(dtype), drawn]
    value, slope = silent(sigmoid_and_slope, z)
    assert value.dtype == slope.dtype == dtype
    assert value.max() <= 1
    # Both are exp(z/2)² in a tail: its error, up to 2.6 ulp with NumPy in float32, counts twice.
    assert exact.ulp_errors(value, exact.sigmoid, z).max() <= 6
    assert exact.ulp_errors(slope, lambda t: exact.sigmoid(t) * exact.sigmoid(-t), z).max() <= 8


def near_the_zero(n=40):
    """Soft labels of every size, and logits at which the derivative is close to 0, both (n, 1)."""
    rng = np.random.default_rng(0)
    tiny = 2.0 ** rng.uniform(-1074, 0, n)
    about_half = 0.5 + rng.integers(-500, 500, n) * 2.0**-54
    y = np.r_[rng.random(n), tiny, 1 - tiny, about_half, np.full(n, 0.5)]
    y = y[(y > 0) & (y < 1)]
    z = np.log(y) - np.log1p(-y)
    z[y == 0.5] = 2.0 ** rng.uniform(-1070, 0, (y == 0.5).sum())
    z = np.r_[z, np.nextafter(z, np.inf), z * (1 + 2.0 ** -rng.integers(1, 52, len(z)))]
    return np.tile(y, 3).reshape(-1, 1), z.reshape(-1, 1)


def keeps_the_digits_of_the_larger_term(y, z, computed):
    for label, logit, value in zip(y.ravel(), z.ravel(), computed.ravel(), strict=True):
        label, logit = float(label), float(logit)
        larger = max((1 - label) * exact.sigmoid(logit), label * exact.sigmoid(-logit))
        off = abs(exact.mpf(float(value)) - exact.derivative(label, logit))
        assert off <= 3 * exact.ulp(larger, np.float64) + exact.ulp(abs(value), computed.dtype)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_derivative_keeps_the_digits_of_its_larger_term_close_to_its_zero(dtype):
    y, z = (values.astype(dtype) for values in near_the_zero())
    keeps_the_digits_of_the_larger_term(y, z, silent(logistic_loss_logit_grad, y, z))


def test_derivative_at_its_zero_is_zero():
    assert logistic_loss_logit_grad(0.5, 0.0) == 0


@given(DTYPES.flatmap(labelled_logits))
def test_derivative_of_any_label_is_within_a_few_ulp_of_the_larger_term(problem):
    y, z = problem
    assume(np.isfinite(z).all())
    keeps_the_digits_of_the_larger_term(y, z, logistic_loss_logit_grad(y, z))


@given(DTYPES.flatmap(labelled_logits))
def test_loss_of_any_label_is_within_a_few_ulp(problem):
    y, z = problem
    assume(np.isfinite(z).all())
    assert exact.ulp_errors(logistic_loss_per_example(y, z), exact.loss, y, z).max() <= 2.5


def test_tails_keep_every_digit():
    # Figures of the book: at z = 40 the short form is 0, and so is the difference σ(z) - y.
    assert stable_logistic_loss([[1]], [[40.0]]) == pytest.approx(4.248354255291589e-18, rel=4e-16)
    derivative = logistic_loss_logit_grad([[1]], [[40.0]])
    assert derivative[0, 0] == pytest.approx(-4.248354255291589e-18, rel=4e-16)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_values_at_infinity(dtype):
    z = np.array([[-np.inf], [np.inf]], dtype)
    assert sigmoid(z).ravel().tolist() == [0, 1]
    assert softplus(z).ravel().tolist() == [0, np.inf]
    value, slope = sigmoid_and_slope(z)
    # h · (1 / h) is 1 or the number before it, as `exp` rounds on this processor.
    assert value[0] == 0
    assert 1 - np.finfo(dtype).epsneg <= value[1] <= 1
    assert slope.ravel().tolist() == [0, 0]
    for y, losses, slopes in (
        (0, [0, np.inf], [0, 1]),
        (1, [np.inf, 0], [-1, 0]),
        (0.25, [np.inf, np.inf], [-0.25, 0.75]),
    ):
        y = np.full((2, 1), y)
        assert logistic_loss_per_example(y, z).ravel().tolist() == losses
        assert logistic_loss_logit_grad(y, z).ravel().tolist() == slopes
        assert stable_logistic_loss(y, z) == np.inf


def test_means_near_the_largest_number_do_not_overflow():
    z = np.full((1000, 1), 1.7e308)
    assert stable_logistic_loss(np.zeros_like(z), z) == pytest.approx(1.7e308, rel=1e-15)
    assert stable_logistic_loss([[0], [0]], [[1e300], [1.6e308]]) == pytest.approx(
        0.8e308 + 5e299, rel=1e-15
    )


def test_means_of_the_smallest_losses_do_not_underflow():
    z = np.array([[-744.0], [-744.5], [-740.0]])
    assert 0 < silent(stable_logistic_loss, np.zeros_like(z), z) < 1e-320


def test_one_infinite_loss_makes_the_mean_infinite_beside_a_huge_one():
    assert stable_logistic_loss([[0], [0]], [[1e308], [np.inf]]) == np.inf


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_naive_loss_where_it_cannot_break_agrees_with_scikit_learn(label):
    yhat = np.linspace(0.01, 0.99, 99)
    y = np.full_like(yhat, label)
    y[::3] = 1 - label
    expected = log_loss(y, yhat)
    assert logistic_loss(y.reshape(-1, 1), yhat.reshape(-1, 1)) == pytest.approx(
        expected, rel=1e-14
    )


def test_naive_loss_breaks_as_the_book_shows():
    with np.errstate(all="ignore"):
        assert logistic_loss([[0]], [[1]]) == np.inf
        assert np.isnan(logistic_loss([[1]], [[1]]))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        logistic_loss([[1]], [[0]])


@given(labelled_logits())
def test_both_losses_agree_where_the_naive_one_is_sound(problem):
    y, z = problem
    z = np.clip(z, -5, 5)
    assert logistic_loss(y, sigmoid(z)) == pytest.approx(stable_logistic_loss(y, z), rel=1e-12)


@given(labelled_logits())
def test_loss_and_derivative_agree_with_autograd(problem):
    y, z = problem
    z = np.clip(z, -30, 30)
    leaf, share, zero = torch.tensor(z, requires_grad=True), torch.tensor(y), torch.zeros(z.shape)
    # PyTorch's own softplus is linear from 20 on, which is too far from the truth for this test.
    loss = share * torch.logaddexp(zero, -leaf) + (1 - share) * torch.logaddexp(zero, leaf)
    loss.sum().backward()
    np.testing.assert_allclose(logistic_loss_per_example(y, z), loss.detach(), rtol=1e-13)
    # rtol for hard labels in the tails, atol for autograd near the zero of a soft one.
    np.testing.assert_allclose(logistic_loss_logit_grad(y, z), leaf.grad, rtol=1e-13, atol=1e-15)


# --- Laws ---------------------------------------------------------------------------------------


@given(DTYPES.flatmap(labelled_logits))
def test_loss_is_at_least_zero(problem):
    y, z = problem
    assert (logistic_loss_per_example(y, z) >= 0).all()
    assert stable_logistic_loss(y, z) >= 0


@given(DTYPES.flatmap(labelled_logits))
def test_loss_of_the_opposite_label_at_the_opposite_logit_is_the_same(problem):
    y, z = problem
    assume((1 - (1 - y) == y).all())  # else 1 - y itself is rounded
    np.testing.assert_array_equal(
        logistic_loss_per_example(1 - y, -z), logistic_loss_per_example(y, z)
    )
    np.testing.assert_array_equal(
        logistic_loss_logit_grad(1 - y, -z), -logistic_loss_logit_grad(y, z)
    )


@given(logits())
def test_sigmoid_and_softplus_at_the_opposite_logit(z):
    assert sigmoid(z) + sigmoid(-z) == pytest.approx(1, rel=3e-16)
    if np.isfinite(z):
        assert float(softplus(z)) == pytest.approx(
            max(z, 0.0) + float(softplus(-abs(z))), rel=3e-16
        )


@given(logits(), logits())
def test_sigmoid_and_softplus_do_not_decrease(a, b):
    low, high = sorted((a, b))
    # A last digit may go down where the exponential is rounded to either side.
    assert sigmoid(low) * (1 - 4e-16) <= sigmoid(high)
    assert softplus(low) * (1 - 4e-16) <= softplus(high)


@given(labels(), finite(700), finite(700), st.floats(0, 1))
def test_loss_is_convex_in_the_logit(y, a, b, share):
    between = share * a + (1 - share) * b
    at_a, at_b, at_between = logistic_loss_per_example([y, y, y], [a, b, between])
    chord = share * at_a + (1 - share) * at_b
    assert at_between <= chord + 1e-15 * max(1, abs(a), abs(b))


@given(labels(), finite(30), finite(30))
def test_derivative_does_not_decrease_with_the_logit(y, a, b):
    low, high = sorted((a, b))
    at_low, at_high = logistic_loss_logit_grad([y, y], [low, high])
    assert at_low <= at_high + 4e-16


@given(DTYPES.flatmap(labelled_logits))
def test_mean_is_the_mean_of_the_losses_of_the_examples(problem):
    y, z = problem
    with np.errstate(over="ignore"):
        expected = np.mean(logistic_loss_per_example(y, z), dtype=np.longdouble)
    assert stable_logistic_loss(y, z) == pytest.approx(float(expected), rel=1e-14, abs=0)


@given(labelled_logits())
def test_mean_ignores_order_and_duplication_of_the_batch(problem):
    y, z = problem
    once = stable_logistic_loss(y, z)
    assert stable_logistic_loss(y[::-1], z[::-1]) == pytest.approx(once, rel=1e-15)
    twice = stable_logistic_loss(np.r_[y, y], np.r_[z, z])
    assert twice == pytest.approx(once, rel=1e-15)


@given(labelled_logits(np.float32))
def test_float32_is_float64_rounded_once(problem):
    y, z = problem
    wide_y, wide_z = y.astype(np.float64), z.astype(np.float64)
    for function in PER_ENTRY:
        np.testing.assert_array_equal(function(z), function(wide_z).astype(np.float32))
    for function in OF_LOGITS:
        rounded = function(wide_y, wide_z).astype(np.float32)
        np.testing.assert_array_equal(function(y, z), rounded)


# --- Form of the input --------------------------------------------------------------------------


@pytest.mark.parametrize("function", PER_ENTRY)
@pytest.mark.parametrize(
    "z", [3, -2.5, [1, -2], [[True, False]], np.int8([-100, 100]), np.float16([[0.5]])]
)
def test_other_types_are_taken_as_float64(function, z):
    computed = function(z)
    assert computed.dtype == np.float64
    assert computed.shape == np.shape(z)
    np.testing.assert_array_equal(computed, function(np.asarray(z, np.float64)))


@pytest.mark.parametrize("function", OF_LOGITS)
@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.bool_, np.float32, np.float64])
def test_labels_of_any_type_give_the_precision_of_the_logits(function, dtype, kind):
    y, z = np.array([[0], [1], [1]], kind), np.array([[3], [-70], [2]], dtype)
    computed = function(y, z)
    assert computed.dtype == dtype
    np.testing.assert_array_equal(computed, function(y.astype(dtype), z))


@pytest.mark.parametrize("shape", [(), (3,), (3, 1), (2, 3, 4)])
def test_functions_of_logits_keep_any_shape(shape):
    z = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape)
    y = np.ones(shape)
    for computed in (sigmoid(z), softplus(z), *(function(y, z) for function in OF_LOGITS)):
        assert computed.shape == shape


def test_sigmoid_and_slope_keep_any_shape():
    for z in (np.array(0.3), np.zeros((2, 3, 4))):
        assert {found.shape for found in sigmoid_and_slope(z)} == {z.shape}


def test_strided_input_gives_the_same_numbers_and_is_not_changed():
    wide = np.random.default_rng(0).standard_normal((6, 8)) * 10
    z, y = wide[::-2, ::3].T, (wide > 0).astype(float)[::-2, ::3].T
    assert not z.flags.c_contiguous
    before = wide.copy()
    for function in PER_ENTRY:
        np.testing.assert_array_equal(function(z), function(z.copy()))
    for function in OF_LOGITS:
        np.testing.assert_array_equal(function(y, z), function(y.copy(), z.copy()))
    for one, other in zip(sigmoid_and_slope(z), sigmoid_and_slope(z.copy()), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(wide, before)


def test_results_are_new_arrays():
    z = np.zeros((2, 1))
    for computed in (
        sigmoid(z),
        softplus(z),
        logistic_loss_per_example(z, z),
        *sigmoid_and_slope(z),
    ):
        assert not np.shares_memory(computed, z)


def test_losses_of_a_batch_are_python_floats():
    assert type(stable_logistic_loss([[1]], np.float32([[2]]))) is float
    assert type(logistic_loss([[1]], np.float32([[0.5]]))) is float


@given(DTYPES.flatmap(lambda dtype: st.tuples(st.just(dtype), logits(dtype), labels(dtype))))
@example((np.float32, 1e4, 1.0))
@example((np.float32, -1e4, 1.0))
@example((np.float64, -745.2, 1.0))
def test_nothing_warns_or_raises_for_any_logit(drawn):
    dtype, z, y = drawn
    y, z = np.array([[y]], dtype), np.array([[z]], dtype)
    results = [silent(sigmoid, z), silent(softplus, z), *silent(sigmoid_and_slope, z)]
    results += [silent(function, y, z) for function in (*OF_LOGITS, stable_logistic_loss)]
    assert not any(np.isnan(result).any() for result in results)


# --- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("function", [*PER_ENTRY, lambda z: as_float("z", z)])
@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.nan, r"^z: expected numbers, got NaN at index \(\); clean the input"),
        ([1, np.nan], r"^z: expected numbers, got NaN at index \(1,\); clean the input"),
        (
            np.float32([[0, 0], [0, np.nan], [np.nan, 0]]),
            r"^z: expected numbers, got NaN at index \(1, 1\); clean the input, or find",
        ),
        ([], r"^z: expected at least one example, got an empty array of shape \(0,\); check how"),
        (np.zeros((0, 1)), r"got an empty array of shape \(0, 1\); check how the batch was cut\.$"),
    ],
)
def test_bad_logits_are_refused(function, z, message):
    with pytest.raises(ValueError, match=message):
        function(z)


SHAPES = r"^y: expected the shape of (z|yhat), \(2, 1\), got \({}\); NumPy would broadcast .* try "
RANGE = r"^y: expected labels 0 or 1 \(or .*\), got values from {} to {}; map your classes to 0"
BAD_LABELS = [
    ([0, 1], SHAPES.format("2,") + r"y\.reshape\(-1, 1\)\.$"),
    ([[0, 1]], SHAPES.format("1, 2")),
    ([[1]], SHAPES.format("1, 1")),
    (1, SHAPES.format("")),
    ([[-1], [1]], RANGE.format("-1", "1")),
    ([[1], [2]], RANGE.format("1", "2")),
    ([[0], [1 + 2**-52]], RANGE.format("0", "1")),
    ([[-(2.0**-1074)], [0]], RANGE.format("-4.94066e-324", "0")),
    ([[0], [np.inf]], RANGE.format("0", "inf")),
    ([[0], [np.nan]], r"^y: expected numbers, got NaN at index \(1, 0\); clean"),
    (np.zeros((0, 1)), r"^y: expected at least one example, got an empty array of shape \(0, 1\)"),
]


@pytest.mark.parametrize("function", PAIRS)
@pytest.mark.parametrize(("y", "message"), BAD_LABELS)
def test_bad_labels_are_refused(function, y, message):
    with pytest.raises(ValueError, match=message):
        function(y, [[0.25], [0.75]])


@pytest.mark.parametrize(
    ("function", "name"), [(f, "z") for f in PAIRS[:3]] + [(logistic_loss, "yhat")]
)
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[0.5], [np.nan]], r"^{}: expected numbers, got NaN at index \(1, 0\); clean the input"),
        (np.zeros((0, 1)), r"^{}: expected at least one example, got an empty array of shape"),
    ],
)
def test_bad_logits_beside_labels_are_refused(function, name, values, message):
    with pytest.raises(ValueError, match=message.format(name)):
        function(np.zeros(np.shape(values)), values)


@pytest.mark.parametrize(
    ("yhat", "found"),
    [([[-0.5], [1]], "-0.5 to 1"), ([[0], [1.5]], "0 to 1.5"), ([[3], [-4]], "-4 to 3")],
)
def test_probabilities_outside_their_range_are_refused(yhat, found):
    message = rf"^yhat: expected probabilities between 0 and 1, got values from {found}; pass sigm"
    with pytest.raises(ValueError, match=message):
        logistic_loss([[0], [1]], yhat)


def test_labels_name_what_they_should_fit():
    with pytest.raises(ValueError, match=r"^y: expected the shape of logits, \(3,\), got \(1,\);"):
        check_labels([1], "logits", np.zeros(3))


@given(st.lists(labels(), min_size=1, max_size=5))
def test_every_label_from_0_to_1_is_accepted(y):
    np.testing.assert_array_equal(check_labels(y, "z", np.zeros(len(y))), y)
