"""Tests and intervals of the advice: calibrated where there is nothing, powerful elsewhere."""

import numpy as np
import pytest
from scipy import stats

from sslboost import criteria
from sslboost.advice import advise
from sslboost.advice.judgement import canonical_squares, rank_test
from sslboost.population import GaussianPopulation, isotropic_population

# Chance that a right program fails a check of this module.
FALSE_ALARM = 1e-5


def rank_p_value(rng, more, n=120):
    """Of the test that z's two directions of x are all that tells of y; ``more`` breaks it."""
    x = rng.standard_normal((n, 6))
    z = x[:, :2] + rng.standard_normal((n, 2))
    y = x[:, :1] + more * x[:, 2:3] + rng.standard_normal((n, 1)) + z[:, :1]
    cov = np.cov(np.hstack([x, z, y]).T)
    squares, p, q = canonical_squares(cov, np.arange(6), np.arange(6, 9))
    return rank_test(squares, n, p, q, 2)


def test_the_test_of_ranks_is_calibrated_and_has_power():
    rng = np.random.default_rng(0)
    rejected = sum(rank_p_value(rng, 0.0) < 0.05 for _ in range(2000))
    low, high = stats.binom.interval(1 - FALSE_ALARM, 2000, 0.05)
    assert low <= rejected <= high
    assert sum(rank_p_value(rng, 0.8) < 0.05 for _ in range(100)) > 90


def test_the_test_of_ranks_says_where_there_is_nothing_to_test():
    squares = np.array([0.5, 0.2])
    assert rank_test(squares, 100, 2, 3, 2) is None
    assert rank_test(squares, 5, 2, 3, 1) is None
    assert rank_test(np.array([1.0, 1.0]), 100, 2, 2, 1) is None


@pytest.mark.parametrize("n", [400])
def test_the_test_of_existence_is_calibrated_and_has_power(n):
    held, sets = isotropic_population(0.5, 0.5, 3), 60
    root = np.random.default_rng(0).standard_normal((7, 9))
    broken = GaussianPopulation(root @ root.T, 3, 3, 1)

    def rejected(population, seed):
        rng = np.random.default_rng(seed)
        report = advise(*population.sample(n, rng), labels=20, bootstrap=30, rng=rng)
        return report.effects[-1].p_value < 0.05

    found = sum(rejected(held, seed) for seed in range(sets))
    assert found <= stats.binom.isf(FALSE_ALARM, sets, 0.05)
    assert sum(rejected(broken, seed) for seed in range(10)) >= 9


def test_the_other_p_values_are_those_of_the_tests_on_rows():
    root = np.random.default_rng(0).standard_normal((8, 12))
    x, z, y = GaussianPopulation(root @ root.T, 4, 3, 1).sample(100, np.random.default_rng(1))
    signal, innovation, first = advise(x, z, y, bootstrap=0).effects[:3]
    assert first.p_value == pytest.approx(criteria.c1_test(x, z, y).p_value, rel=1e-6, abs=0)
    assert innovation.p_value == pytest.approx(criteria.c1_test(z, y, x).p_value, rel=1e-6, abs=0)
    assert signal.p_value < 0.05


def test_intervals_are_as_wide_as_estimates_are_apart():
    population = isotropic_population(0.5, 0.5, 3)
    found = [
        advise(*population.sample(500, s), labels=20, bootstrap=40 * (s < 3)) for s in range(30)
    ]
    spread = np.std([report.effects[0].estimate for report in found], ddof=1)
    half = np.mean([r.effects[0].high - r.effects[0].low for r in found[:3]]) / 2
    reach = stats.t.ppf(0.975, 1 / (1 / 63 + 1 / 40))
    # Thirty samples know a deviation to 13 %, three times 40 resamples and 64 groups to 9 %.
    assert half / reach / spread == pytest.approx(1, rel=0.6)


def test_more_rows_make_intervals_narrower_as_the_root_of_their_number():
    population = isotropic_population(0.5, 0.5, 3)
    widths = []
    for n in (500, 8000):
        reports = [advise(*population.sample(n, s), labels=20, bootstrap=40) for s in range(4)]
        widths.append(np.mean([r.effects[0].high - r.effects[0].low for r in reports]))
    # 64 groups and 40 resamples know a deviation to 15 %, four of them to 8 %.
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.5)
