"""psi, W and g: population optimality, empirical fits against oracles, reduced rank, bad input."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

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


@pytest.mark.parametrize("intercept", [False, True])
def test_fit_is_scikit_learn_s_regression(intercept):
    X, Y = data()
    X, Y = X + 3, Y - 7
    peer = LinearRegression(fit_intercept=intercept).fit(X, Y)
    fit = fit_linear(X, Y, intercept=intercept)
    rounding = 1e2 * EPS * np.linalg.cond(X) ** 2
    assert fit.matrix == pytest.approx(peer.coef_, abs=rounding)
    assert fit.offset == pytest.approx(peer.intercept_ if intercept else 0.0, abs=10 * rounding)


def test_both_stages_have_an_intercept_or_neither():
    X, Z = data()
    X, Z, Y = X + 3, Z - 7, X[:, :2] ** 2 + 5
    for intercept in (False, True):
        psi = LinearRegression(fit_intercept=intercept).fit(X[:25], Z[:25])
        head = LinearRegression(fit_intercept=intercept).fit(psi.predict(X[25:]), Y[25:])
        g = fit_ssl(X[:25], Z[:25], X[25:], Y[25:], intercept=intercept)
        rounding = 1e5 * EPS * np.abs(Y).max()
        assert g(X) == pytest.approx(head.predict(psi.predict(X)), abs=rounding)
        cut = fit_ssl(X[:25], Z[:25], X[25:], Y[25:], rank=1, intercept=intercept)
        assert np.linalg.matrix_rank(cut.matrix) == 1
        assert np.abs(cut(X) - g(X)).max() > 0.1


@pytest.mark.parametrize("s", [1e6, 1e7, 1e12])
@pytest.mark.parametrize("n", [20, 2000])
@pytest.mark.parametrize("intercept", [False, True])
def test_no_column_is_dropped_for_its_units(s, n, intercept):
    X, Z = data(n, 4, 3)
    Y = Z[:, :2] + 1
    units = np.array([s, 1 / s, 1.0, s])
    for rank in (None, 2):
        plain = fit_linear(X, Z, rank=rank, intercept=intercept)(X)
        scaled = fit_linear(X * units, Z, rank=rank, intercept=intercept)(X * units)
        assert scaled == pytest.approx(plain, abs=1e4 * EPS)
    z_units = np.array([1.0, s, 1 / s])
    plain = fit_ssl(X, Z, X, Y, intercept=intercept)(X)
    scaled = fit_ssl(X * units, Z * z_units, X * units, Y, intercept=intercept)(X * units)
    assert scaled == pytest.approx(plain, abs=1e5 * EPS)


@pytest.mark.parametrize("near", [1e-4, 1e-8])
def test_a_near_copy_of_a_column_is_a_column(near):
    X, Y = data(d_in=2)
    copy = X[:, :1] + near * X[:, 1:]
    fit = fit_linear(np.hstack([X[:, :1], copy]), Y)
    assert fit(np.hstack([X[:, :1], copy])) == pytest.approx(
        fit_linear(X, Y)(X), abs=1e3 * EPS / near
    )
    lost = fit_linear(X[:, :1], Y)(X[:, :1])
    assert np.abs(lost - fit_linear(X, Y)(X)).max() > 0.1


@pytest.mark.parametrize("constant", [0.1, 14.62, 1e6 + 0.1])
@pytest.mark.parametrize("n", [10, 1001])
def test_a_constant_column_gets_no_weight_beside_an_intercept(constant, n):
    X, Y = data(n)
    wide = np.column_stack([X, np.full(n, constant)])
    plain, fit = fit_linear(X, Y, intercept=True), fit_linear(wide, Y, intercept=True)
    assert (fit.matrix[:, -1] == 0).all()
    assert fit.matrix[:, :-1] == pytest.approx(plain.matrix, abs=1e3 * EPS)
    same = fit_linear(X, wide[:, -1:], intercept=True)
    assert (same.matrix == 0).all()
    assert same.offset[0] == pytest.approx(constant, rel=2 * EPS)
    g = fit_ssl(X, np.column_stack([Y, wide[:, -1]]), X, Y, intercept=True)
    assert g(X) == pytest.approx(plain(X), abs=1e4 * EPS)


def unlinked_up_to_rounding():
    """z independent of x by cancellation: cov_xz is nothing but rounding."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    loadings = np.concatenate([Q[:3] * [[1.0], [2.0], [0.3]], Q[3:4], Q[:1] + 0.5 * Q[3:4]])
    return GaussianPopulation(loadings @ loadings.T, 3, 1, 1)


def test_a_representation_is_not_read_out_of_rounding():
    population = unlinked_up_to_rounding()
    assert 0 < np.abs(population.block("x", "z")).max() < 10 * EPS
    assert (psi_star(population).matrix == 0).all() and (g_star(population).matrix == 0).all()
    assert gap_to_regression(population) == pytest.approx(1.25 - population.floor)
    # The same on samples: a z that is orthogonal to x in every digit but the last.
    factorial = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1.0]]).repeat(5, axis=0)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    x, z = factorial[:, :2] @ turn, factorial[:, 2:]
    y = factorial[:, :1] + 0.1 * np.random.default_rng(1).standard_normal((20, 1))
    assert np.abs(x.T @ z).max() < 100 * EPS
    for intercept in (False, True):
        g = fit_ssl(x, z, x, y, intercept=intercept)
        assert np.abs(g.matrix).max() < 100 * EPS
        assert g.offset[0] == pytest.approx(y.mean() if intercept else 0.0)


def test_a_head_ignores_a_feature_that_cancels():
    """x3 = 0.1 x1 + 0.3 x2, and psi = 0.1 x1 + 0.3 x2 - x3 is zero up to its last digit."""
    root = np.random.default_rng(0).standard_normal((5, 5))
    root[2] = 0.1 * root[0] + 0.3 * root[1]
    population = GaussianPopulation(root @ root.T, 3, 1, 1)
    psi = LinearMap([[0.1, 0.3, -1.0]], [0.0])
    assert (W_star(population, psi).matrix == 0).all()
    near = LinearMap([[0.1, 0.3, -1.0 + 1e-6]], [0.0])
    assert np.abs(W_star(population, near).matrix).max() > 1e3


@pytest.mark.parametrize("shift", [0.0, 1e8])
def test_a_second_stage_adds_no_direction_to_the_first(shift):
    """z is one function of x, written three times; far from zero the copies differ by rounding."""
    X, Y = data(d_in=2)
    z = X[:, :1] - X[:, 1:]
    plain = fit_ssl(X, z, X, Y, intercept=True)(X)
    copies = np.hstack([z, 3 * z, z + shift])
    for inputs in (X, X + shift):
        found = fit_ssl(inputs, copies, inputs, Y, intercept=True)(inputs)
        assert found == pytest.approx(plain, abs=1e2 * EPS * (1 + shift))
    other = fit_linear(X, Y, intercept=True)(X)
    assert np.abs(plain - other).max() > 0.1  # what one more direction would do


@pytest.mark.parametrize("shift", [1e6, 1e8, 1e10])
def test_a_copy_that_lies_far_away_is_no_new_column(shift):
    X, Y = data()
    wide = np.column_stack([X, X[:, 0] + shift])
    plain = fit_linear(X, Y, intercept=True)
    found = fit_linear(wide, Y, intercept=True)
    assert found(wide) == pytest.approx(plain(X), abs=1e2 * EPS * shift)
    # What the rounding of the copy could explain by chance, as one more column of noise would.
    noise = (X[:, 0] + shift) - shift - X[:, 0]
    by_chance = fit_linear(np.column_stack([X, noise]), Y, intercept=True)
    assert np.abs(by_chance(np.column_stack([X, noise])) - plain(X)).max() > 1e-2


def test_no_intercept_is_fitted_unless_asked_for():
    X, Y = data()
    X, Y = X + 3, Y - 7
    for fit in (lambda **k: fit_linear(X, Y, **k), lambda **k: fit_ssl(X, Y, X, Y, **k)):
        assert np.array_equal(fit()(X), fit(intercept=False)(X))
        assert np.abs(fit()(X) - fit(intercept=True)(X)).max() > 0.01
        assert (fit().offset == 0).all()


def test_a_map_keeps_its_own_numbers():
    matrix, offset = np.eye(2), np.zeros(2)
    g = LinearMap(matrix, offset)
    matrix += 1
    offset += 1
    assert np.array_equal(g(np.eye(2)), np.eye(2))
    for array in (g.matrix, g.offset):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    with pytest.raises(FrozenInstanceError):
        g.offset = np.ones(2)
    assert g == g and g != LinearMap(g.matrix, g.offset) and len({g, g}) == 1
    assert np.array_equal(LinearMap([[2]], [1])(np.ones((3, 1))), np.full((3, 1), 3.0))


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
        (lambda: W_star(latent_population(), np.eye(24)), "psi must be a LinearMap, got ndarray"),
        (lambda: W_star(None, fit_linear(X, Y)), "population must be a GaussianPopulation, got No"),
        (lambda: psi_star("population"), "population must be a GaussianPopulation, got str"),
        (lambda: g_star({}), "population must be a GaussianPopulation, got dict"),
        (lambda: fit_linear(X, Y, intercept="yes"), "intercept must be a bool, got str"),
        (lambda: fit_linear(X, Y, intercept=None), "intercept must be a bool, got NoneType"),
        (lambda: fit_linear(X, Y, rank=1.0), "rank must be a positive integer, got 1.0"),
        (lambda: fit_linear(X + 0j, Y), "X must be a numeric array, got an array of dtype complex"),
        (lambda: fit_linear(np.ma.masked_less(X, 0), Y), "X must have no mask"),
        (lambda: fit_ssl(X, Y, X, Y, intercept=1), "intercept must be a bool, got int"),
        (lambda: fit_ssl(X, Y, X, Y, rank=0), "rank must be a positive integer, got 0"),
        (lambda: fit_ssl(X, Y, X, Y * np.inf), "Y_down must be finite"),
        (
            lambda: LinearMap(np.eye(2), np.zeros(3)),
            "offset must have one value for each",
        ),
        (lambda: LinearMap(np.eye(2), 0.0), "offset must have 1 axes"),
        (lambda: LinearMap(np.ones(2), np.zeros(2)), "matrix must have 2 axes"),
        (lambda: LinearMap(None, np.zeros(2)), "matrix must be a numeric array, got NoneType"),
        (lambda: fit_linear(X, Y).after(fit_linear(X, Y)), "first must have 5 outputs, got 4"),
        (lambda: fit_linear(X, Y).after(np.eye(5)), "first must be a LinearMap, got ndarray"),
        (lambda: fit_linear(X, Y)(None), "X must be a numeric array, got NoneType"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
