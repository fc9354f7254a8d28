"""The price of an intercept, against fits of rows whose means are not zero."""

import numpy as np
import pytest
from scipy import stats

from sslboost.population import GaussianPopulation, isotropic_population
from sslboost.uses import budget, intercept
from sslboost.uses.innovation import augmented_excess, innovation

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
    assert not any("processor" in use for use in found)
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


def test_the_weight_is_that_of_the_least_risk():
    root = np.random.default_rng(0).standard_normal((11, 14))
    wide = GaussianPopulation(root @ root.T, 5, 4, 2)
    floor = np.trace(innovation(wide).given_phi)
    for n in (12, 300):
        c, known = intercept.best_weight(wide, n), intercept.risks(wide, n)["augmented head"]
        assert (1 + 1 / n) * (floor + augmented_excess(wide, c, n - 1)) == pytest.approx(known)
        # The correlations of x and y, by another route than the one of the package.
        y = wide.block("y", "y")
        squares = np.linalg.eigvals(np.linalg.solve(y, y - wide.conditional("y", "y", "x"))).real
        asked = [augmented_excess(wide, 1 / k2 - 1, n - 1) for k2 in squares]
        assert augmented_excess(wide, c, n - 1) == pytest.approx(min(asked))
        assert max(asked) > 1.001 * min(asked)


def test_a_label_without_signal_has_no_weight():
    cov = np.eye(4)
    with pytest.raises(ValueError, match="population must have y depend on x, got cov_xy = 0"):
        intercept.best_weight(GaussianPopulation(cov, 2, 1, 1), 8)
