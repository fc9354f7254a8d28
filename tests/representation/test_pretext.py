"""psi, W and g: population optimality, empirical fits against oracles, reduced rank, bad input."""

import numpy as np
import pytest

from sslboost.population import GaussianPopulation, latent_population
from sslboost.representation import risk
from sslboost.representation.pretext import LinearMap, W_star, fit_linear, fit_ssl, g_star, psi_star

EPS = np.finfo(float).eps


def rounding(population):
    return 1e3 * EPS * np.linalg.cond(population.block("x", "x"))


def data(n=50, d_in=5, d_out=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d_in))
    return X, X @ rng.standard_normal((d_in, d_out)) + rng.standard_normal((n, d_out))


def gap_to_regression(population):
    """Distance of W* psi* from E[y|x], in units of y."""
    g = g_star(population)
    return risk.predictor_risk(population, g) - population.floor


def test_under_conditional_independence_nothing_is_lost():
    population = latent_population(s_to_z=0.0)
    A = population.best_linear("y", "x")
    assert np.abs(g_star(population).matrix - A).max() < rounding(population)


@pytest.mark.parametrize(
    "broken",
    [{"s_to_z": 0.0, "y_to_z": [1.0, 0.0]}, {"dims_z": (2, 0), "mix": 1.0}],
    ids=["rank falls short", "CI fails"],
)
def test_without_the_assumptions_something_is_lost(broken):
    assert gap_to_regression(latent_population(**broken)) > 0.1


def test_representation_under_ci_has_the_rank_of_y():
    for s_to_z, rank in [(0.0, 2), (1.0, 5)]:
        population = latent_population(s_to_z=s_to_z)
        assert risk.whitened_span(population, psi_star(population).matrix).shape[1] == rank


def test_W_star_leaves_residuals_uncorrelated_with_the_representation():
    population = latent_population(mix=1.0, leak=0.5)
    psi = psi_star(population)
    W = W_star(population, psi)
    cov = psi.matrix @ population.block("x", "x") @ psi.matrix.T
    gap = W.matrix @ cov - population.block("y", "x") @ psi.matrix.T
    assert np.abs(gap).max() < rounding(population)


def test_predictor_survives_rescaled_representation_and_singular_inputs():
    population = latent_population(mix=1.0)
    psi = psi_star(population)
    units = 10.0 ** np.arange(-4, 4)
    scaled = LinearMap(units[:, None] * psi.matrix, np.zeros(8))
    g = W_star(population, scaled).after(scaled)
    assert np.abs(g.matrix - g_star(population).matrix).max() < rounding(population)
    rows = np.insert(np.arange(len(population.cov)), 1, 0)
    double = GaussianPopulation(population.cov[np.ix_(rows, rows)], population.d_x + 1, 8, 2)
    assert abs(gap_to_regression(double) - gap_to_regression(population)) < rounding(population)


@pytest.mark.parametrize("intercept", [False, True])
def test_fit_is_least_squares_on_the_design_matrix(intercept):
    X, Y = data()
    X, Y = X + 3, Y - 7
    design = np.column_stack([X, np.ones(len(X))]) if intercept else X
    oracle = design @ np.linalg.lstsq(design, Y, rcond=None)[0]
    tolerance = 1e2 * EPS * np.linalg.cond(design) * np.abs(Y).max()
    assert np.abs(fit_linear(X, Y, intercept=intercept)(X) - oracle).max() < tolerance


def test_fit_is_the_minimal_norm_solution_of_normal_equations():
    X, Y = data()
    X = np.column_stack([X, X[:, 0]])
    fit = fit_linear(X, Y)
    assert np.abs(X.T @ (fit(X) - Y)).max() < 1e4 * EPS * len(X)
    assert np.abs(fit.matrix[:, 0] - fit.matrix[:, -1]).max() < 1e3 * EPS


def test_intercept_makes_the_fit_equivariant_to_shifts():
    X, Y = data()
    plain, shifted = fit_linear(X, Y, intercept=True), fit_linear(X + 10, Y - 5, intercept=True)
    assert np.abs(plain(X) - 5 - shifted(X + 10)).max() < 1e4 * EPS * 10
    without = fit_linear(X, Y), fit_linear(X + 10, Y - 5)
    assert np.abs(without[0](X) - 5 - without[1](X + 10)).max() > 0.1


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_reduced_rank_fit_has_that_rank_and_no_other_is_better(rank):
    X, Y = data()
    fit = fit_linear(X, Y, rank=rank)
    assert np.linalg.matrix_rank(fit.matrix) == rank
    full = fit_linear(X, Y)(X)
    # Eckart and Young: the error adds the squared singular values that were dropped.
    dropped = np.linalg.svd(full, compute_uv=False)[rank:]
    least = np.sum((Y - full) ** 2) + np.sum(dropped**2)
    assert np.isclose(np.sum((Y - fit(X)) ** 2), least, rtol=1e3 * EPS)
    rng = np.random.default_rng(rank)
    for _ in range(20):
        left, right = np.linalg.svd(fit.matrix + 0.1 * rng.standard_normal((4, 5)))[::2]
        other = left[:, :rank] @ left[:, :rank].T @ fit.matrix @ right[:rank].T @ right[:rank]
        assert np.sum((Y - X @ other.T) ** 2) > least


def test_a_rank_beyond_the_width_is_the_full_fit():
    X, Y = data()
    gap = fit_linear(X, Y, rank=99).matrix - fit_linear(X, Y).matrix
    assert np.abs(gap).max() < 1e3 * EPS * np.linalg.cond(X)


def test_plug_in_representation_has_full_rank_even_under_ci():
    population = latent_population(s_to_z=0.0)
    x, z, _ = population.sample(2000, rng=0)
    psi = fit_linear(x, z)
    assert np.linalg.matrix_rank(psi.matrix) == population.d_z
    assert np.linalg.matrix_rank(psi_star(population).matrix, tol=1e-10) == population.d_y


def test_empirical_predictor_tends_to_the_population_one():
    population = latent_population(s_to_z=0.0)
    excess = []
    for n in (300, 3000, 30_000):
        x, z, y = population.sample(2 * n, rng=n)
        g = fit_ssl(x[:n], z[:n], x[n:], y[n:], rank=2)
        excess.append(risk.predictor_risk(population, g) - population.floor)
    assert 0 < excess[2] < excess[1] / 3 < excess[0] / 9


def test_composition_applies_one_map_after_the_other():
    rng = np.random.default_rng(0)
    psi = LinearMap(rng.standard_normal((3, 5)), rng.standard_normal(3))
    W = LinearMap(rng.standard_normal((2, 3)), rng.standard_normal(2))
    X = rng.standard_normal((4, 5))
    assert np.abs(W.after(psi)(X) - W(psi(X))).max() < 1e2 * EPS


X, Y = data()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_linear(X, Y[:-1]), "X and Y must have the same number of rows"),
        (lambda: fit_linear(X[0], Y), "X must have 2 axes"),
        (lambda: fit_linear(X, Y * np.nan), "Y must be finite"),
        (lambda: fit_linear(X[:0], Y[:0]), "number of rows of X must be a positive integer"),
        (lambda: fit_linear(X, Y, rank=0), "rank must be a positive integer, got 0"),
        (lambda: fit_ssl(X, Y[1:], X, Y), "X_pre and Z_pre must have the same number of rows"),
        (lambda: fit_ssl(X, Y, X, Y[1:]), "X_down and Y_down must have the same number of rows"),
        (lambda: fit_ssl(X, Y, X[:, 1:], Y), "X_pre and X_down must have the same number of col"),
        (lambda: fit_linear(X, Y)(X[:, 1:]), "X must have 5 columns"),
        (lambda: W_star(latent_population(), fit_linear(X, Y)), "psi.matrix must have 24 columns"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
