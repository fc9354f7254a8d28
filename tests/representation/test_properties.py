"""Representations, fits and risks: fifty digits as the measure, and what changes nothing.

Bounds are a constant times eps times a condition number in units of the columns; for least
squares its square, as residuals are not small.
"""

from fractions import Fraction

import exact
import numpy as np
from exact import Exact, rounded
from hypothesis import assume, given
from hypothesis import strategies as st
from populations import EPS, changed, conditioning, coordinates, populations, processors, twins

from sslboost.population import latent_population
from sslboost.representation import (
    W_star,
    excess_risk,
    expected_risk,
    fit_linear,
    fit_ssl,
    g_star,
    predictor_risk,
    psi_star,
    residual_cov,
    simulate_excess_risk_from_samples,
    whitened_span,
)
from sslboost.representation.pretext import LinearMap


def bound(population):
    return 10 * EPS * conditioning(population.cov)


@given(populations(links=False, most=4), st.data())
def test_residuals_keep_their_digits(population, data):
    A = data.draw(processors(population))
    units = np.sqrt(np.diag(population.block("y", "y")))
    gap = residual_cov(population, A) - rounded(Exact(population).residual(A))
    assert np.abs(gap / np.outer(units, units)).max() < bound(population)


@given(populations(links=False, most=4), st.integers(0, 2**32 - 1), st.floats(0, 8))
def test_the_risk_of_a_predictor_keeps_its_digits_near_the_best_one(population, seed, nearness):
    best = population.best_linear("y", "x")
    x, y = (np.sqrt(np.diag(population.block(name, name))) for name in "xy")
    step = np.random.default_rng(seed).standard_normal(best.shape) * np.outer(y, 1 / x)
    g = LinearMap(best + 10.0**-nearness * step, np.zeros(population.d_y))
    risk = float(Exact(population).risk(g.matrix))
    assert abs(predictor_risk(population, g) - risk) <= bound(population) * risk


@given(populations(most=4))
def test_the_predictor_loses_no_more_than_its_representation(population):
    """Solved against cov_xx for psi* and against Cov[psi*] for W*: both condition numbers."""
    full = Exact(population)
    A = full.best_linear("z", "x")
    cov_psi = rounded(A * full.block("x", "z"))
    square = population.d_z <= population.d_x
    assume(square and conditioning(cov_psi) * conditioning(population.cov) < 1e12)
    exact_risk = exact.trace(full.residual(rounded(A)))
    found = predictor_risk(population, g_star(population))
    tolerance = bound(population) * np.sqrt(conditioning(cov_psi))
    assert abs(found - float(exact_risk)) <= tolerance * np.trace(population.block("y", "y"))


@given(populations(links=False))
def test_the_rank_of_the_representation_is_that_of_cov_xz(population):
    psi = psi_star(population)
    assert whitened_span(population, psi.matrix).shape[1] == population.V.shape[1]


@given(populations(), st.data())
def test_units_and_copies_change_no_span_and_no_risk(population, data):
    A = data.draw(processors(population))
    x, z, y = coordinates(population)
    copies = data.draw(st.lists(st.sampled_from(list(x)), max_size=2))
    wide = [np.concatenate([x, copies]), z, y]
    exponents = data.draw(st.lists(st.integers(-12, 12), min_size=20, max_size=20))
    units = np.resize(10.0 ** (np.array(exponents) / 2), sum(len(part) for part in wide))
    other = changed(population, wide, units)
    spread = np.hstack([A, np.zeros((len(A), len(copies)))])
    for i, copied in enumerate(copies):  # half of the weight on the copy
        spread[:, len(x) + i] = spread[:, copied] / 2
        spread[:, copied] /= 2
    B = spread / units[: spread.shape[1]]
    B = np.vstack([1e8 * B, B[:1] - 2 * B[-1:]])  # rows in other units, and a redundant one
    assert whitened_span(other, B).shape[1] == len(A)
    sd = np.sqrt(np.diag(population.block("y", "y")))
    gap = residual_cov(other, B) / np.outer(units[-len(y) :], units[-len(y) :])
    gap = (gap - residual_cov(population, A)) / np.outer(sd, sd)
    assert np.abs(gap).max() < 30 * bound(population)


@given(st.integers(0, 60), st.integers(1, 400), st.integers(1, 3), st.integers(0, 99))
def test_the_expected_risk_is_its_formula_in_exact_fractions(k, more, d_y, seed):
    root = np.random.default_rng(seed).standard_normal((d_y, d_y))
    R = root @ root.T
    n2 = k + 1 + more
    total = sum(Fraction(R[i, i]) for i in range(d_y))
    for found, exact_value in [
        (expected_risk(R, k, n2), total * Fraction(n2 - 1, n2 - k - 1)),
        (excess_risk(R, k, n2), total * Fraction(k, n2 - k - 1)),
    ]:
        assert abs(Fraction(found) - exact_value) <= 4 * EPS * exact_value


@st.composite
def regressions(draw, *, decades=3.0):
    """Samples (X, Y) with correlated columns, and more rows than columns."""
    d, k = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    n = d + draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    left = np.linalg.qr(rng.standard_normal((n, d)))[0] * np.sqrt(n)
    spread = 10.0 ** -np.linspace(0, draw(st.floats(0, decades)), d)
    X = left * spread @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    return X / np.sqrt(np.mean(X**2, axis=0)), rng.standard_normal((n, k))


@given(regressions(), st.booleans())
def test_fitted_coefficients_keep_their_digits(sample, intercept):
    X, Y = sample
    design = np.column_stack([X, np.ones(len(X))]) if intercept else X
    B = rounded(exact.least_squares(design, Y))
    found = fit_linear(X, Y, intercept=intercept)
    cond = np.linalg.cond(design)
    scale = np.abs(Y).max() * np.sqrt(len(X))
    tolerance = 10 * EPS * cond**2 * scale
    assert np.abs(found.matrix.T - B[: X.shape[1]]).max() < tolerance
    if intercept:
        assert np.abs(found.offset - B[-1]).max() < tolerance


@given(regressions(decades=2.0), twins(), st.booleans(), st.sampled_from([None, 1, 2]))
def test_fitted_values_do_not_depend_on_how_the_inputs_are_written(sample, twin, intercept, rank):
    X, Y = sample
    other = twin(X, centred=intercept)
    plain, rewritten = (
        fit_linear(inputs, Y, intercept=intercept, rank=rank)(inputs) for inputs in (X, other)
    )
    cond = np.linalg.cond(X - intercept * X.mean(axis=0))
    digits = twin.digits if intercept else EPS
    gap = gap_at(fit_linear(X, Y, intercept=intercept)(X), rank, intercept)
    assume(gap > 1e-2)  # a cut between equal singular values is anyone's choice
    assert np.abs(plain - rewritten).max() < 30 * digits * cond**2 / gap * np.abs(Y).max()


def gap_at(fitted, rank, intercept):
    """Relative gap between the singular values of a fit that a rank keeps and those it drops."""
    values = np.linalg.svd(fitted - intercept * fitted.mean(axis=0), compute_uv=False)
    if rank is None or rank >= len(values):
        return 1.0
    return (values[rank - 1] - values[rank]) / values[0]


@given(regressions(decades=1.0), twins(), st.integers(0, 99))
def test_the_two_stages_do_not_depend_on_how_the_inputs_are_written(sample, twin, seed):
    X, Z = sample
    Y = np.random.default_rng(seed).standard_normal((len(X), 2))
    Z = np.column_stack([Z, Z[:, 0]])  # psi_hat of deficient rank, whose rank must survive
    other = twin(X)
    plain = fit_ssl(X, Z, X, Y, intercept=True)(X)
    rewritten = fit_ssl(other, Z, other, Y, intercept=True)(other)
    psi = fit_linear(X, Z[:, :-1], intercept=True)(X)
    cond = np.linalg.cond(X - X.mean(axis=0))
    psi = psi - psi.mean(axis=0)
    values = np.linalg.svd(psi / np.linalg.norm(psi, axis=0), compute_uv=False)
    assume(values[min(psi.shape[1], X.shape[1]) - 1] > 1e-2)
    assert np.abs(plain - rewritten).max() < 300 * twin.digits * cond**2 * np.abs(Y).max()


@given(st.integers(0, 2**32 - 1))
def test_simulated_heads_do_not_depend_on_units(seed):
    """Powers of two are exact, so that the samples are the same to the last bit."""
    population = latent_population(2, 2, dims_x=(3, 2, 1), dims_z=(2, 2), rng=seed)
    units = 2.0 ** np.random.default_rng(seed).integers(-40, 41, len(population.cov))
    units[-2:] = 1
    other = changed(population, coordinates(population), units)
    A = np.random.default_rng(seed).standard_normal((3, 6))
    plain, scaled = (
        simulate_excess_risk_from_samples(p, B, 8, 2, rng=seed)
        for p, B in [(population, A), (other, A / units[:6])]
    )
    # Eight rows for three features: the condition number of the fit stays below a thousand.
    np.testing.assert_allclose(scaled, plain, rtol=1e6 * EPS)


@given(populations(most=4), st.data())
def test_a_head_ignores_how_its_features_are_written(population, data):
    A = data.draw(processors(population))
    psi = LinearMap(A, np.zeros(len(A)))
    powers = data.draw(st.lists(st.integers(-12, 12), min_size=len(A), max_size=len(A)))
    mixed = (
        np.vstack([A, A.sum(axis=0, keepdims=True)])
        * 10.0 ** np.resize(powers, len(A) + 1)[:, None]
    )
    other = LinearMap(mixed, np.zeros(len(A) + 1))
    risks = [predictor_risk(population, W_star(population, p).after(p)) for p in (psi, other)]
    assert abs(risks[0] - risks[1]) <= 10 * bound(population) * np.trace(population.block("y", "y"))
