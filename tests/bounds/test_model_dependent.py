"""Theorem 4: the composed processor is blind to z, interpolates, and loses the label."""

import numpy as np
import pytest
from scipy import stats

from sslboost.bounds import capacity, model_dependent, model_free
from sslboost.population import GaussianPopulation, latent_population


@pytest.fixture(scope="module")
def population():
    return latent_population(2, 3, dims_x=(6, 6, 6), dims_z=(3, 4))


def test_the_blind_part_is_uncorrelated_with_z_and_standard(population):
    f2 = model_dependent.blind_part(population).matrix
    rounding = 100 * np.finfo(float).eps * np.linalg.cond(population.block("x", "x"))
    assert len(f2) == population.m
    assert np.abs(f2 @ population.block("x", "z")).max() <= rounding
    cov = f2 @ population.block("x", "x") @ f2.T
    assert np.abs(cov - np.eye(population.m)).max() <= rounding


def test_the_memorising_processor_interpolates_and_does_not_see_z(population):
    rng = np.random.default_rng(0)
    X, _, Y = population.sample(60, rng)
    f = model_dependent.memorising_processor(population, X, Y, (60,), rng)
    assert np.abs(f(X) - Y).max() <= f.f1.tolerance
    x, z, _ = population.sample(20_000, rng)
    value, freedom = model_dependent.seen(f(x), z, population.block("z", "z"))
    assert stats.chi2.sf(value, freedom) > 1e-6
    # Power: the same network on all of x sees z.
    sighted = capacity.memorise(X, Y, (60,), rng)
    value, freedom = model_dependent.seen(sighted(x), z, population.block("z", "z"))
    assert stats.chi2.sf(value, freedom) < 1e-6


def test_seen_is_chi_squared_under_independence():
    rng = np.random.default_rng(1)
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    root = np.linalg.cholesky(cov)
    F = np.exp(rng.standard_normal((200, 3)))  # any law of the features
    draws = [
        model_dependent.seen(F, rng.standard_normal((200, 2)) @ root.T, cov) for _ in range(500)
    ]
    assert {freedom for _, freedom in draws} == {6}
    values = [value for value, _ in draws]
    assert stats.kstest(values, stats.chi2(6).cdf).pvalue > 1e-6
    assert stats.kstest(values, stats.chi2(7).cdf).pvalue < 1e-6  # control


def test_the_excess_of_the_memoriser_is_below_the_margin_and_that_of_yhat_is_not(population):
    rng, lam = np.random.default_rng(2), 0.3
    X, _, Y = population.sample(50, rng)
    f = model_dependent.memorising_processor(population, X, Y, (50,), rng)
    A = population.best_linear("y", "x")
    of_f = sum(model_dependent.empirical_excess(population, f, lam, X, Y, 50_000, 3))
    of_yhat = sum(
        model_dependent.empirical_excess(population, lambda x: x @ A.T, lam, X, Y, 50_000, 3)
    )
    margin = model_free.margin(population, lam)
    assert of_f < margin / 10 < margin < of_yhat


def test_what_is_lost_is_all_of_the_label_where_u_lies_in_the_range_of_k_z(population):
    explained = np.trace(population.block("y", "y")) - population.floor
    # Sums of squares of unit size agree to a small multiple of machine precision.
    assert model_dependent.lost_label(population) == pytest.approx(explained, rel=1e-12)
    blind = latent_population(2, 3, y_to_z=0.0)
    assert model_dependent.lost_label(blind) == pytest.approx(0, abs=1e-12)


def test_a_population_without_a_blind_part_is_refused():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((5, 5))
    full = GaussianPopulation(root @ root.T, 2, 2, 1)
    with pytest.raises(ValueError, match="some of x independent of z, got m = 0"):
        model_dependent.blind_part(full)


def test_the_tail_processor_is_yhat_on_the_sample_and_blind_on_the_population(population):
    X = population.sample(300, 4)[0]
    f = model_dependent.tail_processor(population, X)
    yhat = X @ population.best_linear("y", "x").T
    F = f(X)
    assert np.allclose(F @ np.linalg.lstsq(F, yhat, rcond=None)[0], yhat)
    assert f.widths == (4 * population.d_y,)
    # Along each coordinate of E[y|x] the covariance is an integral over a line.
    knots, weights = np.polynomial.legendre.leggauss(400)
    for j, direction in enumerate(population.whitening.unwhiten(population.U).T):
        x = population.block("x", "x") @ direction  # one standard deviation along the coordinate
        t = np.abs(X @ direction).max()
        pieces = np.array([-12, -t, 0, t, 12])
        half = np.diff(pieces)[:, None] / 2
        u = (pieces[:-1, None] + half * (knots + 1)).ravel()
        mass = (half * weights).ravel() * stats.norm.pdf(u)
        outputs = f(u[:, None] * x)
        size = mass @ outputs[:, j] ** 2
        # Rounding of sums of terms of the size of f, which is large in the tail.
        assert abs(mass @ (outputs[:, j] * u)) <= 1e-10 * np.sqrt(size)
        assert size > 1  # the price: the tail outweighs E u^2 = 1
    with pytest.raises(ValueError, match="correlated with x, got cov_xy = 0"):
        model_dependent.tail_processor(latent_population(1, 1, y_to_x=0.0), np.zeros((3, 24)))
