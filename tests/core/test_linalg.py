"""Ranks, whitening and fits: no answer depends on units, and a constant is no variance."""

import math

import numpy as np
import pytest

from sslboost.core import linalg

EPS = np.finfo(float).eps


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linalg.as_covariance("S", np.ones((2, 3))), "S must be square"),
        (lambda: linalg.as_covariance("S", np.eye(2), size=3), "S must be 3 by 3"),
        (lambda: linalg.as_covariance("S", [[1, 0.5], [0.4, 1]]), "S must be symmetric"),
        (lambda: linalg.as_covariance("S", np.diag([1.0, -2.0])), "got a variance of -2"),
        (lambda: linalg.as_covariance("S", [[1, 2], [2, 1]]), "S must be positive semidefinite"),
        (lambda: linalg.as_covariance("S", [[0.0, 1], [1, 1]]), "S must be positive semidefinite"),
    ],
)
def test_what_is_no_covariance_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_covariance_is_symmetrised_and_may_be_singular():
    S = np.array([[1.0, 1 + 1e-15], [1.0, 1.0]])
    accepted = linalg.as_covariance("S", S)
    assert (accepted == accepted.T).all()
    assert (linalg.as_covariance("S", np.zeros((2, 2))) == 0).all()


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_verdict_on_a_covariance_does_not_depend_on_units(unit):
    units = np.array([1.0, unit])
    linalg.as_covariance("S", np.outer(units, units) * [[1, 0.99], [0.99, 1]])
    with pytest.raises(ValueError, match="positive semidefinite"):
        linalg.as_covariance("S", np.outer(units, units) * [[1, 1.01], [1.01, 1]])


CONSTANTS = [0.1, 14.62, 1e6 + 0.1, -3e-300, 1 / 3, 2.0, 0.0]


@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("n", [2, 3, 10, 1001])
def test_a_constant_has_no_variance_whether_or_not_it_is_exact(value, n):
    X = np.column_stack([np.full(n, value), np.arange(n) * 1e-12])
    assert linalg.constant_columns(X).tolist() == [True, False]
    by_hand = X - X.mean(axis=0)
    for rows in (X, by_hand, by_hand / np.where(by_hand.std(axis=0) > 0, by_hand.std(axis=0), 1)):
        centred, mean = linalg.centred(rows)
        assert (centred[:, 0] == 0).all() and centred[:, 1].any()
        rounding = 4 * EPS * np.abs(rows).max(axis=0)
        exact = [math.fsum(column) / n for column in rows.T]
        assert (np.abs(mean - exact) <= rounding).all()
    assert (linalg.without_constants(by_hand)[:, 0] == 0).all()


def test_a_constant_that_was_computed_in_two_ways_is_still_one():
    assert linalg.constant_columns(np.array([[0.1 + 0.2], [0.3]])).all()
    assert not linalg.constant_columns(np.array([[0.3], [0.3 * (1 + 1e-14)]])).any()


@pytest.mark.parametrize("s", [1.0, 1e7, 1e12, 1e150])
@pytest.mark.parametrize("n", [20, 2000])
def test_a_fit_does_not_depend_on_units(s, n):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((n, 4)), rng.standard_normal((n, 2))
    units = np.array([s, 1 / s, 1.0, s])
    plain = linalg.least_squares(X, Y)
    scaled = linalg.least_squares(X * units, Y)
    cond = np.linalg.cond(X)
    np.testing.assert_allclose(scaled * units[:, None], plain, rtol=0, atol=100 * cond**2 * 2.3e-16)
    np.testing.assert_allclose(plain, np.linalg.lstsq(X, Y, rcond=None)[0], atol=1e-13)


@pytest.mark.parametrize("s", [1e-9, 1.0, 1e9])
def test_a_repeated_column_is_no_new_one_in_whatever_units(s):
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((30, 3)), rng.standard_normal((30, 1))
    twice = np.column_stack([X, s * X[:, 0], np.zeros(30)])
    B = linalg.least_squares(twice, Y)
    np.testing.assert_allclose(twice @ B, X @ linalg.least_squares(X, Y), atol=1e-13)
    assert np.isfinite(B).all() and B[4] == 0
    np.testing.assert_allclose(B[0], s * B[3], rtol=1e-12)  # least norm shares in equal parts
