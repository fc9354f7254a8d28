"""Bounds: fifty digits as the measure of rounding, and what changes nothing."""

import mpmath
import numpy as np
import pytest
from exact import Exact, trace
from hypothesis import assume, given
from hypothesis import strategies as st
from populations import EPS, changed, conditioning, coordinates, populations, twins

from sslboost.bounds import capacity, general_loss, model_dependent, model_free, past_threshold
from sslboost.population import latent_population
from sslboost.processor import certificate_solution, empirical_loss

SEEDS = st.integers(0, 2**32 - 1)
POPULATION = latent_population(2, 2, dims_x=(3, 3, 8), dims_z=(2, 2))
LOG_RATIOS, LOG_LAMS = st.floats(-6, 6), st.floats(-5, 5)
SHARES = st.sampled_from([1.0, 1 - 1e-9, 0.9, 0.3, 1e-6])


def exact_objective(t, ratio, penalty, k2):
    """cos^2(alpha + beta) + penalty t and its derivative in t, in fifty digits."""
    ratio, penalty, k2 = (mpmath.mpf(float(v)) for v in (ratio, penalty, k2))
    a, b = k2 * t, (1 - t) / ratio
    angle = mpmath.asin(mpmath.sqrt(a)) + mpmath.asin(mpmath.sqrt(b))
    turn = mpmath.sqrt(a / (1 - a)) / (2 * t) - mpmath.sqrt(b / (1 - b)) / (2 * (1 - t))
    return mpmath.cos(angle) ** 2 + penalty * t, penalty - mpmath.sin(2 * angle) * turn


@given(LOG_RATIOS, LOG_LAMS, SHARES, st.floats(-2, 2))
def test_the_limit_past_the_threshold_keeps_its_digits(log_ratio, log_lam, k2, log_kappa2):
    ratio, kappa2 = 1 + 10**log_ratio, 10**log_kappa2
    lam = k2 / kappa2 * 10**log_lam
    found = past_threshold.limit(ratio, lam, k2, kappa2)
    problem = (ratio, lam * kappa2, k2)
    t = mpmath.mpf(float(found.t))
    # Within rounding of t the slope changes its sign, but for the rounding of its terms: at the
    # root they are as large as the penalty, and 1 - m / n0 loses digits near the threshold.
    rounding = 64 * EPS / (1 - 1 / ratio) * lam * kappa2
    below, above = t * (1 - 64 * EPS), t * (1 + 64 * EPS)
    assert exact_objective(below, *problem)[1] <= rounding
    if above < 1:
        assert exact_objective(above, *problem)[1] >= -rounding
    elif t == 1:
        t = below
    objective = float(exact_objective(t, *problem)[0])
    assert abs(found.objective - objective) <= 64 * EPS * (1 + lam * kappa2 * found.t)
    assert found.risk == 1 - k2 * found.t


@given(LOG_LAMS, SHARES)
def test_the_slope_at_the_threshold_keeps_its_digits(log_lam, k2):
    lam = 10**log_lam
    a, k = 1 + mpmath.mpf(k2) + mpmath.mpf(lam), mpmath.mpf(k2)
    exact = k * (a / mpmath.sqrt(a**2 - 4 * k) - 1) / 2
    # a / root - 1 cancels where root is near a.
    lost = float(a**2 / (4 * k)) if a**2 > 8 * k else 1.0
    found = past_threshold.threshold_slope(lam, k2, 1.0)
    assert abs(found / float(exact) - 1) <= 32 * EPS * (1 + lost)


@given(populations(decades=2.0), st.sampled_from([1e-3, 1.0]))
def test_the_margin_of_theorem_2_keeps_its_digits(population, lam):
    """For one label, where E[y|x] is one direction: lam Cov[y_hat, z]^2 / var y_hat."""
    one = changed(population, [*coordinates(population)[:2], coordinates(population)[2][:1]])
    assume(one.U.shape[1] == 1)
    law = Exact(one)
    A = law.best_linear("y", "x")
    S, S_z = A * law.block("x", "x") * A.T, A * law.block("x", "z")
    exact = float(trace(S_z.T * S_z) / S[0, 0])
    total = np.trace(one.block("z", "z"))
    # y_hat is known to the rounding of K_y over its length.
    lost = one.block("y", "y")[0, 0] / float(S[0, 0])
    error = abs(model_free.margin(one, lam) - lam * exact)
    assert error <= 16 * EPS * conditioning(one.cov) * np.sqrt(lost) * lam * total


@given(twins(), st.integers(1, 8), SEEDS)
def test_points_are_memorised_in_whatever_units(twin, n, seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 4)), rng.standard_normal((n, 2))
    written = twin(X)
    network = capacity.memorise(written, Y, (n,), 0)
    assert np.abs(network(written) - Y).max() <= network.tolerance
    # A shift by a multiple of the spread costs as many digits, a unit none.
    plain = capacity.memorise(X, Y, (n,), 0)
    assert network.tolerance <= 1e4 * (1 + twin.shift + (twin.constant or 0)) * plain.tolerance
    if n <= 4:
        linear = capacity.memorise_linear(twin(X, centred=False), Y)
        condition = np.linalg.cond(X)
        gap = np.abs(linear(twin(X, centred=False)) - Y).max()
        assert gap <= 1e3 * EPS * condition * np.abs(Y).max()


@given(twins(most=3), st.integers(4, 30), SEEDS)
def test_the_units_of_features_change_no_fit(twin, n, seed):
    rng = np.random.default_rng(seed)
    F, T = rng.standard_normal((n, 3)), rng.standard_normal((n, 2))
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    value, freedom = model_dependent.seen(F, T, cov)
    same, also = model_dependent.seen(twin(F, centred=False), T, cov)
    digits = 1e3 * EPS * np.linalg.cond(F) ** 2
    assert freedom == also == 6
    assert abs(same - value) <= digits * np.sum(T**2)
    x, _, y = POPULATION.sample(n, rng)

    def f(rows):
        return rows[:, :3]

    plain = model_dependent.empirical_excess(POPULATION, f, 0.3, x, y, 50, 0)
    written = model_dependent.empirical_excess(
        POPULATION, lambda rows: twin(f(rows), centred=False), 0.3, x, y, 50, 0
    )
    digits = 1e3 * EPS * np.linalg.cond(f(x)) ** 2
    assert written == pytest.approx(plain, rel=0, abs=digits * (1 + np.sum(y**2)))


@given(st.integers(1, POPULATION.m), SEEDS)
def test_below_the_threshold_two_constructions_attain_the_bound(n0, seed):
    x, _, y = POPULATION.sample(n0, seed)
    lam = 0.3
    least = -lam * np.trace(POPULATION.block("z", "z"))
    condition = np.linalg.cond(POPULATION.whitening.whiten(x.T).T @ POPULATION.N)
    rounding = (1e3 * EPS * condition) ** 2 * np.sum(y**2) + 64 * EPS * abs(least)
    for A in (
        certificate_solution(POPULATION, x, y),
        model_free.fit_on_N(POPULATION, x, y),
        model_free.fit_on_N(POPULATION, x, y, spread=1.0, rng=seed),
    ):
        assert abs(empirical_loss(A, x, y, POPULATION, lam) - least) <= rounding
        squared = general_loss.extra_loss(A, x, y, general_loss.LOSSES["squared"])
        assert squared <= rounding


@given(st.integers(1, 4), st.integers(1, 12), SEEDS)
def test_the_squared_loss_is_the_first_term_of_the_empirical_loss(d_f, n0, seed):
    rng = np.random.default_rng(seed)
    x, _, y = POPULATION.sample(n0, rng)
    A = rng.standard_normal((d_f, POPULATION.d_x)) * 10.0 ** rng.integers(-9, 10, (d_f, 1))
    squared = general_loss.extra_loss(A, x, y, general_loss.LOSSES["squared"])
    term = empirical_loss(A, x, y, POPULATION, 0.0)
    assert squared == pytest.approx(term, rel=1e-9, abs=1e-20)
