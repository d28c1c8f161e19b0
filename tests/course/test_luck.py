"""The luck of the test images, against SciPy and against simulated tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from hwlib.course.luck import paired_images, wilson


@given(st.integers(1, 20_000), st.data())
def test_wilson_is_that_of_scipy(images: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, images))
    expected = binomtest(right, images).proportion_ci(0.95, method="wilson")
    found = wilson(right / images, images, norm.ppf(0.975))
    np.testing.assert_allclose(found, (expected.low, expected.high), rtol=1e-9, atol=1e-12)


def test_the_interval_holds_the_truth_in_19_of_20_tests() -> None:
    rng = np.random.default_rng(0)
    seen = rng.binomial(1000, 0.88, 4000) / 1000
    held = [low <= 0.88 <= high for low, high in (wilson(share, 1000) for share in seen)]
    assert 0.94 < np.mean(held) < 0.96


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=3000))
def test_pairs_are_judged_as_scipy_judges_a_coin(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs).T
    found = paired_images(first, second)
    assert found.first - found.second == first.sum() - second.sum()
    n = found.first + found.second
    expected = binomtest(found.first, n).pvalue if n else 1.0
    assert found.chance == pytest.approx(expected, rel=1e-9)


def test_what_is_no_share_and_what_is_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a share of at least one image, got 88 of 100"):
        wilson(88, 100)
    with pytest.raises(ValueError, match=r"got \(2,\) and \(3,\)"):
        paired_images([True, False], [True, False, True])
