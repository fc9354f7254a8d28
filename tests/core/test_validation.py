"""The checks at the public door: what passes, what is refused, and that the argument is named."""

import numpy as np
import pytest

from sslboost.core import validation as check


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check.as_array("a", "text", 1), "a must be a numeric array, got str"),
        (lambda: check.as_array("a", [[1.0]], 1), r"a must have 1 axes, got shape \(1, 1\)"),
        (lambda: check.as_array("a", [1, np.nan, np.inf], 1), "a must be finite, got 2 non-finite"),
        (lambda: check.as_matrix("M", np.ones((2, 3)), rows=3), "M must have 3 rows"),
        (lambda: check.as_matrix("M", np.ones((2, 3)), columns=2), "M must have 2 columns"),
        (
            lambda: check.as_samples(X=np.ones((2, 1)), Y=np.ones((3, 1))),
            "X and Y must have the same number of rows, got X: 2, Y: 3",
        ),
        (lambda: check.as_count("n0", -3), "n0 must be a positive integer, got -3"),
        (lambda: check.as_count("n0", 0), "n0 must be a positive integer, got 0"),
        (lambda: check.as_count("n0", 2.0), "n0 must be a positive integer, got 2.0"),
        (lambda: check.as_count("n0", True), "n0 must be a positive integer, got True"),
        (lambda: check.as_count("k", 1, least=2), "k must be an integer of at least 2, got 1"),
        (lambda: check.as_number("lam", "x"), "lam must be a number, got 'x'"),
        (lambda: check.as_number("lam", np.nan), "lam must be finite, got nan"),
        (lambda: check.as_number("lam", 0.0, above=0), "lam must be above 0, got 0.0"),
        (
            lambda: check.as_number("alpha", 2, least=0, most=1),
            "alpha must be at least 0 and at most 1, got 2",
        ),
        (lambda: check.as_covariance("S", np.ones((2, 3))), "S must be square"),
        (lambda: check.as_covariance("S", np.eye(2), size=3), "S must be 3 by 3"),
        (lambda: check.as_covariance("S", [[1, 0.5], [0.4, 1]]), "S must be symmetric"),
        (lambda: check.as_covariance("S", np.diag([1.0, -2.0])), "got a variance of -2"),
        (lambda: check.as_covariance("S", [[1, 2], [2, 1]]), "S must be positive semidefinite"),
        (lambda: check.as_covariance("S", [[0.0, 1], [1, 1]]), "S must be positive semidefinite"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_good_input_passes_unchanged():
    assert check.as_count("n", np.int64(3)) == 3
    assert check.as_count("n", 0, least=0) == 0
    assert check.as_number("lam", 1, least=1, most=1) == 1.0
    X, Y = check.as_samples(X=[[1, 2]], Y=[[3]])
    assert X.dtype == Y.dtype == float and X.shape == (1, 2)


def test_covariance_is_symmetrised_and_may_be_singular():
    S = np.array([[1.0, 1 + 1e-15], [1.0, 1.0]])
    accepted = check.as_covariance("S", S)
    assert (accepted == accepted.T).all()
    assert (check.as_covariance("S", np.zeros((2, 2))) == 0).all()


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_verdict_on_a_covariance_does_not_depend_on_units(unit):
    units = np.array([1.0, unit])
    check.as_covariance("S", np.outer(units, units) * [[1, 0.99], [0.99, 1]])
    with pytest.raises(ValueError, match="positive semidefinite"):
        check.as_covariance("S", np.outer(units, units) * [[1, 1.01], [1.01, 1]])
