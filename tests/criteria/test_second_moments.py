"""Tests from second moments are the tests from rows."""

import numpy as np
import pytest

from sslboost import criteria

EPS = np.finfo(float).eps


def rows(n=60, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((n, 2))
    f = y @ rng.standard_normal((2, 3)) + rng.standard_normal((n, 3))
    z = y @ rng.standard_normal((2, 4)) + 0.3 * f[:, :1] + rng.standard_normal((n, 4))
    return f, z, y


def cov_of(*parts, units=1.0):
    return np.cov(np.hstack(parts).T) * np.outer(units, units) * np.ones(1)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_criterion_from_moments_is_that_from_rows(seed):
    f, z, y = rows(seed=seed)
    expected = criteria.c1_test(f, z, y)
    units = 10.0 ** np.random.default_rng(seed).integers(-9, 10, 9)
    for unit in (np.ones(9), units):
        found = criteria.wilks_from_moments(
            cov_of(f, z, y, units=unit), 60, range(3), range(3, 7), range(7, 9)
        )
        assert found.df == expected.df
        # Squares of correlations lose eps times the condition number, here below 1e4.
        assert found.statistic == pytest.approx(expected.statistic, rel=1e4 * 8 * EPS)
        assert found.p_value == pytest.approx(expected.p_value, rel=1e-8)


def test_the_second_criterion_and_none_given_are_the_same_test_with_other_roles():
    f, z, y = rows()
    assert criteria.wilks_from_moments(
        cov_of(f, z, y), 60, range(3, 7), range(7, 9), range(3)
    ).p_value == pytest.approx(criteria.c2_test(f, z, y).p_value, rel=1e-8)
    alone = criteria.wilks_from_moments(cov_of(f, z), 60, range(3), range(3, 7))
    assert alone.df[0] == 12 and alone.p_value < 1e-6


def test_copies_of_columns_and_what_is_given_itself_count_for_nothing():
    f, z, y = rows()
    found = criteria.wilks_from_moments(
        cov_of(f, z, y, 1e6 * f[:, :2]), 60, [0, 1, 2, 9, 10], range(3, 7), range(7, 9)
    )
    assert found.df == criteria.c1_test(f, z, y).df
    told = criteria.wilks_from_moments(cov_of(f, z, f), 60, range(3), range(3, 7), range(7, 10))
    assert told.p_value == 1.0 and told.df[0] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": 8}, "n must exceed"),
        ({"first": []}, "first must name"),
        ({"second": [9]}, "second must be places"),
        ({"given": [0.5]}, "given must be places"),
        ({"cov": np.ones((2, 3))}, "cov must be square"),
    ],
)
def test_wrong_arguments_are_named(change, said):
    right = {"cov": cov_of(*rows()), "n": 60, "first": range(3), "second": range(3, 7)}
    with pytest.raises(ValueError, match=said):
        criteria.wilks_from_moments(**right | {"given": range(7, 9)} | change)
