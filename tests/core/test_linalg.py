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


def test_weighted_columns_lose_their_weighted_mean():
    X, weights = np.array([[1.0, 0.1], [3.0, 0.1], [5.0, 0.1]]), np.array([0.5, 0.3, 0.2])
    rows, mean = linalg.centred(X, weights)
    assert mean == pytest.approx([2.4, 0.1], rel=2 * EPS)
    assert rows[:, 0] == pytest.approx([-1.4, 0.6, 2.6], rel=4 * EPS)
    assert (rows[:, 1] == 0).all()


def test_the_scale_of_a_column_is_its_root_mean_square():
    X = np.array([[3.0, 0.0, 1e-200], [4.0, 0.0, 1e-200]])
    expected = np.array([np.sqrt(12.5), 1.0, 1e-200])
    np.testing.assert_allclose(linalg.column_scale(X), expected, rtol=4 * EPS)
    # Of a number 1e9 times as large only eight digits are left: too few for a tolerance of 1e-10.
    coarse = linalg.column_scale(X, np.array([1e9, 0.0, 1e-200]))
    assert coarse[0] == pytest.approx(1e9 * 8 * EPS / linalg.RANK_RTOL)
    np.testing.assert_allclose(coarse[1:], expected[1:], rtol=4 * EPS)


def test_rounding_of_a_mean_is_no_column_of_a_fit():
    rng = np.random.default_rng(2)
    x, Y = rng.standard_normal((30, 1)), rng.standard_normal((30, 1))
    mean = np.array([0.0, 1e8])
    X = np.hstack([x, x + 1e8]) - mean  # two copies, one of which lost eight digits to its mean
    alone = x @ linalg.least_squares(x, Y)
    fitted = X @ linalg.least_squares(X, Y, mean)
    np.testing.assert_allclose(fitted, alone, atol=1e-7)
    assert np.abs(X @ linalg.least_squares(X, Y) - alone).max() > 1e-3  # the control


@pytest.mark.parametrize("near", [1e-4, 1e-8])
def test_a_column_counts_however_near_another_it_is(near):
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((30, 2)), rng.standard_normal((30, 1))
    close = np.column_stack([X[:, 0], X[:, 0] + near * X[:, 1]])
    fitted = close @ linalg.least_squares(close, Y)
    np.testing.assert_allclose(fitted, X @ linalg.least_squares(X, Y), atol=1e3 * EPS / near)
    unit = close / np.linalg.norm(close, axis=0)
    assert linalg.range_basis(unit).shape == (30, 2)
    assert linalg.kernel_basis(unit).shape == (30, 28)


def test_what_is_nearer_than_the_tolerance_counts_once():
    close = np.array([[1.0, 1.0], [0.0, 1e-12], [0.0, 0.0]])
    assert linalg.range_basis(close).shape == (3, 1) and linalg.kernel_basis(close).shape == (3, 2)
    faint = 1e-12 * np.eye(3)  # in correlation units: nothing but rounding
    assert linalg.range_basis(faint).shape == (3, 0) and linalg.kernel_basis(faint).shape == (3, 3)
    assert linalg.range_basis(faint, unit=0.0).shape == (3, 3)
    assert linalg.numerical_rank(np.array([])) == 0
    assert linalg.numerical_rank(np.array([1e4, 1e-5, 1e-7])) == 2


def singular(near):
    """Two inputs with correlation 1 - near, and their sum: rank two, whatever the units."""
    root = np.array([[1.0, 0.0], [1 - near, np.sqrt(2 * near - near**2)]])
    root = np.vstack([root, root.sum(axis=0)]) * [[1.0], [1e6], [1e-6]]
    return root @ root.T


@pytest.mark.parametrize("near", [1e-2, 1e-6, 1e-9])
@pytest.mark.parametrize("definite", [False, True])
def test_whitening_undoes_the_covariance_on_its_range(near, definite):
    cov = singular(near)[:2, :2] if definite else singular(near)
    white = linalg.whitening(cov)
    assert (white.rank, white.triangular) == (2, definite)
    T = white.unwhiten(np.eye(2))
    np.testing.assert_allclose(T.T @ cov @ T, np.eye(2), atol=100 * EPS / near)
    np.testing.assert_allclose(white.whiten(cov @ T), np.eye(2), atol=100 * EPS / near)
    sd = np.sqrt(np.diag(cov))
    for root in (white.root, linalg.square_root(cov)):
        assert root.shape == (len(cov), 2)
        assert np.abs((root @ root.T - cov) / np.outer(sd, sd)).max() < 10 * EPS
    np.testing.assert_allclose(white.root.T @ T, np.eye(2), atol=100 * EPS / near)
    for array in (white.factor, white.root):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_what_is_nearer_than_the_tolerance_is_one_input():
    for cov in (singular(1e-12), singular(1e-12)[:2, :2]):
        assert linalg.whitening(cov).rank == linalg.square_root(cov).shape[1] == 1
    nothing = np.zeros((2, 2))
    assert linalg.whitening(nothing).rank == linalg.square_root(nothing).shape[1] == 0


def test_a_small_asymmetry_is_mended_and_a_larger_one_refused():
    units = np.array([1.0, 1e6])
    for skew, fine in [(1e-12, True), (1e-8, False)]:
        cov = np.outer(units, units) * [[1, 0.5 + skew], [0.5, 1]]
        if fine:
            accepted = linalg.as_covariance("S", cov)
            assert (accepted == accepted.T).all()
            assert accepted[0, 1] == (cov[0, 1] + cov[1, 0]) / 2
        else:
            with pytest.raises(ValueError, match="S must be symmetric"):
                linalg.as_covariance("S", cov)


def test_a_covariance_is_its_own_copy_with_its_own_factor():
    given = np.array([[4.0, 2.0], [2.0, 5.0]])
    cov, factor = linalg.as_factored_covariance("S", given)
    given[:] = 0
    np.testing.assert_allclose(factor, [[2.0, 0.0], [1.0, 2.0]], rtol=2 * EPS)
    np.testing.assert_array_equal(cov, [[4.0, 2.0], [2.0, 5.0]])
    assert linalg.as_factored_covariance("S", [[1.0, 1.0], [1.0, 1.0]])[1] is None


def test_nothing_at_all_has_no_variance_and_predicts_nothing():
    assert linalg.constant_columns(np.empty((0, 3))).all()
    for X in (np.zeros((4, 2)), np.empty((4, 0))):
        B = linalg.least_squares(X, np.ones((4, 3)))
        assert B.shape == (X.shape[1], 3) and not B.any()
