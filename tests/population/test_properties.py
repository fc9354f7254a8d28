"""Populations of every shape: fifty digits as the measure of rounding, and what changes nothing.

Covariances are compared in units of standard deviations. A covariance that is solved against
loses as many digits as its condition number in those units has: errors are bounded by a constant
times eps times it, where the constant covers the sums over at most fifteen coordinates.
"""

import numpy as np
from exact import Exact, rounded
from hypothesis import given
from hypothesis import strategies as st
from populations import EPS, changed, conditioning, coordinates, populations

from sslboost.population import GaussianPopulation

BLOCKS = [(a, b) for a in "xzy" for b in "xzy" if a != b]


def sd(population, name):
    return np.sqrt(np.diag(population.block(name, name)))


def bound(population):
    return 4 * EPS * conditioning(population.cov)


def error(found, exact, rows, columns):
    """Largest error of a matrix in units of its rows and columns."""
    return np.abs((found - rounded(exact)) / np.outer(rows, columns)).max()


@given(populations(links=False))
def test_predictions_and_conditionals_keep_their_digits(population):
    exact = Exact(population)
    for a, b in BLOCKS:
        rows, columns = sd(population, a), sd(population, b)
        found = population.best_linear(a, b)
        assert error(found, exact.best_linear(a, b), rows, 1 / columns) < bound(population)
        found = population.conditional(a, a, b)
        assert error(found, exact.conditional(a, a, b), rows, rows) < bound(population)


@given(populations(links=False))
def test_the_noise_and_the_bayes_risk_keep_theirs_where_little_is_left(population):
    exact, units = Exact(population), sd(population, "y")
    found = error(population.noise, exact.conditional("y", "y", "x"), units, units)
    assert found < bound(population)
    assert np.linalg.eigvalsh(population.noise / np.outer(units, units)).min() >= -4 * EPS
    floor = float(exact.floor)
    assert abs(population.floor - floor) <= bound(population) * floor


@given(populations(links=False))
def test_whitened_blocks_explain_what_x_explains(population):
    exact = Exact(population)
    for a, K in [("z", population.K_z), ("y", population.K_y)]:
        explained = exact.best_linear(a, "x") * exact.block("x", a)
        assert error(K.T @ K, explained, sd(population, a), sd(population, a)) < bound(population)


@given(populations(), st.data())
def test_units_change_no_rank_and_every_prediction_by_its_unit(population, data):
    """Up to 10^12 in the ratio of two units, so 10^24 in that of their variances."""
    powers = data.draw(
        st.lists(st.integers(-6, 6), min_size=len(population.cov), max_size=len(population.cov))
    )
    units = 10.0 ** np.array(powers)
    other = changed(population, coordinates(population), units)
    assert (other.rank_x, other.m) == (population.rank_x, population.m)
    assert (other.U.shape, other.V.shape) == (population.U.shape, population.V.shape)
    x, z, y = coordinates(population)
    for target, rows in [("z", z), ("y", y)]:
        A = other.best_linear(target, "x") / units[rows][:, None] * units[x]
        gap = (A - population.best_linear(target, "x")) * sd(population, "x")
        assert np.abs(gap / sd(population, target)[:, None]).max() < 2 * bound(population)


@given(populations(), st.randoms(use_true_random=False))
def test_the_order_of_coordinates_does_not_matter(population, random):
    rows = [random.sample(list(part), len(part)) for part in coordinates(population)]
    other = changed(population, rows)
    assert (other.rank_x, other.m) == (population.rank_x, population.m)
    assert abs(other.floor - population.floor) <= 2 * bound(population) * population.floor


@given(populations(), st.data())
def test_copies_constants_and_sums_of_inputs_add_nothing(population, data):
    x, z, y = coordinates(population)
    copies = data.draw(st.lists(st.sampled_from(list(x)), min_size=1, max_size=3))
    wide = changed(population, [np.concatenate([x, copies]), z, y])
    mixed = _with_sum_and_constant(wide)
    for other in (wide, mixed):
        assert (other.rank_x, other.m) == (population.rank_x, population.m)
        assert other.U.shape[1] == population.U.shape[1]
        units = sd(population, "y")
        gap = (other.noise - population.noise) / np.outer(units, units)
        assert np.abs(gap).max() <= 10 * bound(population)


def _with_sum_and_constant(population):
    """Two more inputs: the sum of the others in their own units, and a constant."""
    x, z, y = coordinates(population)
    first = np.zeros((len(population.cov), len(x) + 2))
    first[x, x] = 1
    first[x, len(x)] = 1 / sd(population, "x")
    rest = np.eye(len(population.cov))[:, len(x) :]
    map_ = np.hstack([first, rest])
    cov = map_.T @ population.cov @ map_
    return GaussianPopulation((cov + cov.T) / 2, len(x) + 2, len(z), len(y))


@given(populations(most=4), st.integers(0, 2**32 - 1))
def test_rotating_the_inputs_changes_no_law_of_z_and_y(population, seed):
    d = population.d_x
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]
    rotation = np.eye(len(population.cov))
    rotation[:d, :d] = Q / sd(population, "x")  # in their own units, or rotation costs digits
    cov = rotation @ population.cov @ rotation.T
    other = GaussianPopulation((cov + cov.T) / 2, d, population.d_z, population.d_y)
    assert (other.rank_x, other.m) == (population.rank_x, population.m)
    for name in "zy":
        gap = population.conditional(name, name, "x") - other.conditional(name, name, "x")
        units = sd(population, name)
        assert np.abs(gap / np.outer(units, units)).max() < 10 * bound(population)


@given(populations())
def test_memory_order_and_single_precision_of_the_covariance(population):
    d = population.d_x, population.d_z, population.d_y
    fortran = GaussianPopulation(np.asfortranarray(population.cov), *d)
    assert np.array_equal(fortran.K_y, population.K_y) and fortran.floor == population.floor
    if conditioning(population.cov) < 1e4:  # single precision keeps such a matrix definite
        single = population.cov.astype(np.float32)
        widened = GaussianPopulation(single.astype(float), *d)
        assert np.array_equal(GaussianPopulation(single, *d).K_z, widened.K_z)


@given(populations(), st.integers(0, 2**32 - 1))
def test_samples_in_other_units_are_the_same_samples(population, seed):
    """Powers of two are exact, so that not a bit may differ."""
    units = 2.0 ** np.random.default_rng(seed).integers(-40, 41, len(population.cov))
    other = changed(population, coordinates(population), units)
    rows, scaled = (np.hstack(p.sample(3, rng=seed)) for p in (population, other))
    assert np.array_equal(rows * units, scaled)
