"""The reference of the study of accuracy, and the unit that it counts errors in."""

from types import SimpleNamespace

import exact
import mpmath
import numpy as np
import pytest

from studies.accuracy.exact import exact_values

HERE = SimpleNamespace(map=map)  # in place of a pool of processes
Z = np.array([-745.1, -40, -1.5, -1e-300, 0, 5e-324, 0.3, 36.7, 709.7, 1e308])
REFERENCES = {
    "sigmoid": lambda _, z: exact.sigmoid(z),
    "softplus": lambda _, z: exact.softplus(z),
    "loss": exact.loss,
    "derivative": exact.derivative,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 0.3, 0.5, 1])
@pytest.mark.parametrize("name", REFERENCES)
def test_exact_values_are_those_of_another_reference(name, label, dtype):
    z = Z[np.abs(Z) < np.finfo(dtype).max].astype(dtype)
    y = np.full_like(z, label)
    found = exact_values(name, y, z, HERE)
    for i in range(len(z)):
        expected = REFERENCES[name](float(y[i]), float(z[i]))
        ulp = mpmath.mpf(2) ** int(found.ulp[i])
        off = mpmath.mpf(float(found.high[i])) + mpmath.mpf(float(found.rest[i])) * ulp - expected
        assert abs(off) < 1e-3 * ulp
        resolved = abs(z[i]) < 50  # σ(z) can be told from 1
        if resolved and (name != "derivative" or label in (0, 1)):
            assert ulp == exact.ulp(expected, dtype)


def test_a_soft_derivative_is_measured_by_its_larger_term():
    z = np.array([0.3])
    sigma = 1 / (1 + np.exp(-z))
    [found] = np.exp2(exact_values("derivative", sigma, z, HERE).ulp)
    assert found == np.spacing(sigma * (1 - sigma))[0]  # both terms are σ(z) (1 - σ(z)) there
    assert exact_values("derivative", sigma, z, HERE).high[0] < found
