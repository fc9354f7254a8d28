"""The price of an intercept, against fits of rows whose means are not zero."""

import numpy as np
import pytest
from scipy import stats

from sslboost.population import isotropic_population
from sslboost.uses import budget, intercept

# Chance that a right program fails the simulation.
FALSE_ALARM = 1e-6


@pytest.fixture(scope="module")
def law():
    return isotropic_population(0.4, 0.3, 3, noise=2)


def drawn(law, n, repetitions=4000):
    """Risks of guessing and of least squares on x, fitted with a column of ones to shifted rows."""
    rng = np.random.default_rng(0)
    x, _, y = (part.reshape(repetitions, n, -1) + 3 for part in law.sample(repetitions * n, rng))
    design = np.concatenate([np.ones((repetitions, n, 1)), x], axis=2)
    fitted = np.linalg.solve(design.mT @ design, design.mT @ y)[..., 0]
    coefficients, offset = fitted[:, 1:], fitted[:, 0] - 3 + 3 * fitted[:, 1:].sum(axis=1)
    matrix = np.column_stack(
        [-coefficients, np.zeros((repetitions, law.d_z)), np.ones(repetitions)]
    )
    rest = np.einsum("ri,ij,rj->r", matrix, law.cov, matrix)
    guessed = law.block("y", "y")[0, 0] + (y.mean(axis=1)[:, 0] - 3) ** 2
    return {"guessing": guessed, "x directly": rest + offset**2}


@pytest.mark.parametrize("n", [12, 40])
def test_the_risk_is_that_of_fits_with_an_intercept(law, n):
    found, centred = intercept.risks(law, n), budget.risks(law, n)
    z = stats.norm.isf(FALSE_ALARM / 8)
    for use, values in drawn(law, n).items():
        error = z * stats.sem(values)
        assert abs(values.mean() - found[use]) < error
        assert abs(values.mean() - centred[use]) > error


def test_it_is_the_proposition_for_every_use_that_needs_no_processor(law):
    n = np.array([2, 5, 30])
    found, fewer = intercept.risks(law, n), budget.risks(law, [1, 4, 29])
    assert set(found) == set(intercept.FORMULAS) <= set(budget.USES)
    assert not set(found) & set(budget.NEED_DELTA)
    for use in set(found) - {"minimum norm"}:
        assert found[use] == pytest.approx((1 + 1 / n) * fewer[use])


def test_the_least_norm_is_apart_from_plain_ssl_only_where_that_has_no_risk(law):
    found = intercept.risks(isotropic_population(0.4, 0.3, 9), [4, 30])
    assert np.isfinite(found["minimum norm"]).tolist() == [True, False]
    assert np.isfinite(found["plain SSL"]).tolist() == [False, True]


@pytest.mark.parametrize("labels", [1, 0, 2.5, [], [30, 1]])
def test_what_is_no_budget_is_refused(law, labels):
    with pytest.raises(ValueError, match="labels must be"):
        intercept.risks(law, labels)
