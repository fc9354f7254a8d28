"""The law that a sample speaks for: right on average where a sample's own covariance is not."""

import numpy as np
import pytest
from scipy import stats

from sslboost import criteria
from sslboost.advice.law import columns, law
from sslboost.advice.rows import table
from sslboost.population import GaussianPopulation
from sslboost.uses.innovation import innovation

# Chance that a right program fails a check of this module.
FALSE_ALARM = 1e-6


def population(seed=0, d=(6, 3, 2)):
    root = np.random.default_rng(seed).standard_normal((sum(d), sum(d) + 6))
    return GaussianPopulation(root @ root.T, *d)


def law_of(x, z, y, groups=1, weights=None):
    rows = table(x, z, y)
    sums = rows.moments(groups)
    kept = columns(sums.labelled, sums.rest, rows.sizes)
    return law(*kept.of(sums.labelled, sums.rest), kept, weights)


def shares(p):
    """What x does not tell of y and of z, z's share of the rest, and y's variance."""
    scale = np.sqrt(np.diag(p.block("z", "z")))
    left_z = np.diag(p.conditional("z", "z", "x")) / scale**2
    told = innovation(p)
    return np.array(
        [p.floor, left_z.sum(), np.trace(told.given_both - told.given_phi), p.cov[-1, -1]]
    )


def drawn(p, n, labelled, how, repetitions=200):
    rng, found = np.random.default_rng(1), []
    for _ in range(repetitions):
        x, z, y = p.sample(n, rng)
        y[labelled:] = np.nan
        found.append(how(x, z, y))
    return np.array(found)


@pytest.mark.parametrize(("n", "labelled"), [(60, 60), (600, 60)])
def test_what_is_left_of_y_and_z_is_right_on_average(n, labelled):
    p = population()
    true = [p.floor, shares(p)[1]]
    found = drawn(p, n, labelled, lambda *rows: shares(law_of(*rows).population)[:2])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    z = stats.norm.isf(FALSE_ALARM / 4)
    # The share of z is a ratio, whose mean is off by an order less than the correction, d_x / n.
    assert (np.abs(found.mean(axis=0) - true) < z * error + [0, 6 / n * 3 * 6 / n]).all()
    if n == labelled:
        raw = drawn(p, n, n, lambda *rows: shares(criteria.empirical(*rows))[:2])
        assert (np.abs(raw.mean(axis=0) - true) > z * error).all()


def test_the_trace_of_the_labels_variance_is_the_samples_where_all_have_labels():
    x, z, y = population().sample(80, 0)
    found = law_of(x, z, y).population
    expected = np.cov(y.T)
    lost = np.trace(found.block("y", "y")) / np.trace(expected) - 1
    assert abs(lost) < 8 / 80  # the correction shifts between parts, and cuts at zero


def test_more_rows_bring_the_law_to_the_population():
    p = population()
    few, many = (law_of(*p.sample(n, 0)).population for n in (400, 40_000))

    def apart(found):
        one, other = (np.array([*shares(q)[:3], criteria.existence_gap(q)]) for q in (found, p))
        return np.abs(one - other).max()

    assert apart(many) < apart(few) / 3
    # Six deviations of a variance that is estimated from so many rows.
    assert apart(many) < 6 * np.sqrt(2 / 40_000) * np.trace(p.block("y", "y"))


def test_whatever_the_coordinates_the_law_is_one():
    x, z, y = population().sample(100, 0)
    turn = np.random.default_rng(2).standard_normal((6, 6))
    for changed in [(x @ turn, z, y), (x * 10.0 ** np.arange(-9, 9, 3), z + 1e6, y)]:
        found, expected = shares(law_of(*changed).population), shares(law_of(x, z, y).population)
        assert found[:3] == pytest.approx(expected[:3], rel=1e-7)


def test_a_weighted_law_is_that_of_repeated_groups():
    x, z, y = population().sample(128, 0)
    weights = np.ones(64)
    weights[:20] = 1.25
    one = law_of(x, z, y, 64, weights).population
    whole = law_of(x, z, y, 64).population
    same = law_of(x, z, y).population
    assert np.allclose(np.abs(whole.cov), np.abs(same.cov), atol=1e-9)
    assert np.abs(shares(one) - shares(whole)).max() > 1e-3


def test_where_x_determines_z_nothing_is_left_of_it():
    x, _, y = population().sample(100, 0)
    found = law_of(x, x[:, :2] @ np.ones((2, 1)) + x[:, 2:3], y).population
    assert abs(found.conditional("z", "z", "x")).max() < 1e-9
    assert np.isfinite(found.cov).all()
