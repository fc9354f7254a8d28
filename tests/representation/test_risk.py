"""The exact risk: formula against simulation, two simulations against each other, invariances."""

import numpy as np
import pytest
from scipy import stats

from sslboost.population import GaussianPopulation, latent_population
from sslboost.representation import risk
from sslboost.representation.pretext import LinearMap, fit_linear, g_star, psi_star

EPS = np.finfo(float).eps
# Two-sided comparisons of Monte Carlo means share one false alarm in a million.
COMPARISONS = 20
Z = stats.norm.isf(1e-6 / (2 * COMPARISONS))
POPULATION = latent_population(2, 4, dims_x=(5, 6, 7), dims_z=(2, 4))
IDENTITY = np.eye(18)


def rounding(population=POPULATION):
    return 1e3 * EPS * np.linalg.cond(population.block("x", "x"))


def off(draws, exact):
    """Distance of the mean from a value, in standard errors."""
    return abs(draws.mean() - exact) / (draws.std(ddof=1) / np.sqrt(len(draws)))


@pytest.mark.parametrize(
    ("population", "A", "k"),
    [
        (latent_population(2, 4, dims_x=(5, 6, 7), dims_z=(2, 4), s_to_z=0.0), "psi", 2),
        (POPULATION, "psi", 6),
        (POPULATION, "x", 18),
    ],
    ids=["d_y under CI", "d_z without CI", "d_x raw"],
)
def test_simulated_excess_is_the_exact_one_and_not_that_of_another_k(population, A, k):
    A = psi_star(population).matrix if A == "psi" else IDENTITY
    R = risk.residual_cov(population, A)
    sampled = risk.simulate_excess_risk_from_samples(population, A, 60, 3000, rng=k)
    short = risk.simulate_excess_risk(R, k, 60, 3000, rng=k)
    for draws in (sampled, short):
        assert off(draws, risk.excess_risk(R, k, 60)) < Z
        assert off(draws, risk.excess_risk(R, k + 1, 60)) > Z
        assert off(draws, risk.excess_risk(1.2 * R, k, 60)) > Z


def test_bartlett_draws_and_sampled_fits_have_one_law():
    R = risk.residual_cov(POPULATION, IDENTITY)
    sampled = risk.simulate_excess_risk_from_samples(POPULATION, IDENTITY, 40, 3000, rng=0)
    for n2, same in [(40, True), (44, False)]:
        short = risk.simulate_excess_risk(R, 18, n2, 3000, rng=1)
        assert (stats.ks_2samp(sampled, short).pvalue > 1e-7) == same


def test_one_feature_is_a_ratio_of_chi_squares():
    # k = d_y = 1: the excess is G^2 / chi^2_n, an F(1, n) variable over n.
    draws = risk.simulate_excess_risk(np.eye(1), 1, 12, 5000, rng=0)
    assert stats.kstest(12 * draws, stats.f(1, 12).cdf).pvalue > 1e-7
    assert stats.kstest(12 * draws, stats.f(2, 12).cdf).pvalue < 1e-7


@pytest.mark.parametrize(("k", "n2"), [(3, 5), (4, 6), (2, 30)])
def test_excess_of_one_output_is_hotelling_s_law(k, n2):
    """g' S^{-1} g for S ~ Wishart_k(n2) is k / (n2 - k + 1) times an F(k, n2 - k + 1) variable."""
    draws = risk.simulate_excess_risk(np.eye(1), k, n2, 6000, rng=k) * (n2 - k + 1) / k
    assert stats.kstest(draws, stats.f(k, n2 - k + 1).cdf).pvalue > 1e-7
    for wrong in (-1, 1):  # one degree of freedom more or less
        if n2 < 10:
            assert stats.kstest(draws, stats.f(k, n2 - k + 1 + wrong).cdf).pvalue < 1e-7


def test_simulations_draw_from_their_seed_and_from_nothing_else():
    for simulate in (
        lambda rng: risk.simulate_excess_risk(np.eye(2), 3, 20, 4, rng=rng),
        lambda rng: risk.simulate_excess_risk_from_samples(POPULATION, IDENTITY, 30, 4, rng=rng),
    ):
        first, again, other = (simulate(rng) for rng in (1, 1, 2))
        assert np.array_equal(first, again) and (first != other).all()
        assert len(set(first)) == 4
        generator = np.random.default_rng(1)
        assert np.array_equal(simulate(generator), first)
        assert (simulate(generator) != first).all()


def test_excess_scales_with_the_residual_covariance():
    """The same draws for R and for R in other units, and the sum over independent outputs."""
    one = risk.simulate_excess_risk(np.eye(1), 3, 20, 5, rng=0)
    assert risk.simulate_excess_risk([[9.0]], 3, 20, 5, rng=0) == pytest.approx(9 * one)
    silent = risk.simulate_excess_risk(np.diag([1.0, 0.0]), 3, 20, 5, rng=0)
    assert silent == pytest.approx(one)
    assert (risk.simulate_excess_risk(np.zeros((2, 2)), 3, 20, 5, rng=0) == 0).all()


def test_sampled_excess_is_the_risk_of_the_fitted_predictor_above_the_best():
    draws = risk.simulate_excess_risk_from_samples(POPULATION, IDENTITY, 50, 1, rng=7)
    x, _, y = POPULATION.sample(50, rng=7)
    direct = risk.predictor_risk(POPULATION, fit_linear(x, y)) - POPULATION.floor
    assert np.isclose(draws[0], direct, rtol=rounding())


def test_expected_risk_is_residual_plus_excess():
    R = np.array([[2.0, 0.5], [0.5, 1.0]])
    assert np.isclose(risk.expected_risk(R, 3, 10), 3 * 9 / 6, rtol=4 * EPS)
    assert np.isclose(risk.expected_risk(R, 3, 10), 3 + risk.excess_risk(R, 3, 10), rtol=4 * EPS)
    assert risk.expected_risk(R, 3, np.inf) == risk.expected_risk(R, 3, np.float32("inf")) == 3
    assert risk.excess_risk(R, 3, np.inf) == 0
    assert risk.expected_risk(R, 0, 1) == 3


@pytest.mark.parametrize("k", [1, 5, 40])
@pytest.mark.parametrize("epsilon", [1e-3, 0.1, 3.0])
def test_sample_complexity_is_the_least_number_of_labels(k, epsilon):
    R = np.eye(2)
    labels = int(np.ceil(risk.sample_complexity(R, k, epsilon) - 1e-6))
    assert risk.excess_risk(R, k, labels) <= epsilon * (1 + 1e-6)
    if labels - 1 > k + 1:
        assert risk.excess_risk(R, k, labels - 1) > epsilon


def test_residual_of_all_inputs_is_the_floor_and_grows_as_inputs_go():
    R = risk.residual_cov(POPULATION, IDENTITY)
    assert np.isclose(np.trace(R), POPULATION.floor, rtol=rounding())
    assert np.abs(R - POPULATION.conditional("y", "y", "x")).max() < rounding()
    fewer = risk.residual_cov(POPULATION, IDENTITY[2:])
    assert np.linalg.eigvalsh(fewer - R).min() > -rounding()
    assert np.trace(fewer - R) > 0.01


def test_residual_of_a_determined_label_is_an_accepted_covariance():
    rng = np.random.default_rng(0)
    for _ in range(20):
        root, A = rng.standard_normal((6, 8)), rng.standard_normal((3, 6))
        rows = np.concatenate([root, A @ root])
        R = risk.residual_cov(GaussianPopulation(rows @ rows.T, 6, 1, 2), np.eye(6))
        scale = np.trace(rows @ rows.T) * np.linalg.cond(root @ root.T)
        assert 0 <= risk.expected_risk(R, 6, 20) < 1e2 * EPS * scale


def test_span_sees_through_the_processor_s_coordinates():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 18))
    units = 10.0 ** np.arange(-6, 18, 3)
    mixed = units[:, None] * (rng.standard_normal((8, 4)) @ A)
    Q, other = (risk.whitened_span(POPULATION, B) for B in (A, mixed))
    assert Q.shape == other.shape == (18, 4)
    assert np.abs(Q @ Q.T - other @ other.T).max() < 1e3 * rounding()
    assert risk.whitened_span(POPULATION, np.zeros((3, 18))).shape == (18, 0)


def test_copying_or_rescaling_inputs_changes_no_risk():
    rows = np.insert(np.arange(len(POPULATION.cov)), 1, 0)
    units = 10.0 ** np.random.default_rng(0).integers(-5, 6, 19)
    cov = POPULATION.cov[np.ix_(rows, rows)]
    cov[:19] *= units[:, None]
    cov[:, :19] *= units
    double = GaussianPopulation(cov, 19, 6, 2)
    for A, other in [(IDENTITY, np.eye(19)), (psi_star(POPULATION), psi_star(double))]:
        A, other = (getattr(B, "matrix", B) for B in (A, other))
        k, k_other = risk.whitened_span(POPULATION, A), risk.whitened_span(double, other)
        assert k.shape == k_other.shape
        gap = risk.residual_cov(POPULATION, A) - risk.residual_cov(double, other)
        assert np.abs(gap).max() < rounding()


def test_a_processor_that_cancels_sees_nothing():
    """x3 = 0.1 x1 + 0.3 x2, and f(x) = 0.1 x1 + 0.3 x2 - x3 is zero up to its last digit."""
    root = np.random.default_rng(0).standard_normal((5, 5))
    root[2] = 0.1 * root[0] + 0.3 * root[1]
    population = GaussianPopulation(root @ root.T, 3, 1, 1)
    nothing = [[0.1, 0.3, -1.0]]
    assert risk.whitened_span(population, nothing).shape == (2, 0)
    assert risk.residual_cov(population, nothing) == pytest.approx(population.block("y", "y"))
    assert risk.simulate_excess_risk_from_samples(population, nothing, 5, 2, rng=0).max() == 0
    something = np.vstack([nothing, [[1.0, 0.0, 0.0]]])
    assert risk.whitened_span(population, something).shape == (2, 1)
    near = [[0.1, 0.3, -1.0 + 1e-6]]
    assert risk.whitened_span(population, near).shape == (2, 1)


@pytest.mark.parametrize("near", [1e-3, 1e-7])
def test_two_nearly_equal_features_are_two(near):
    A = np.eye(18)[:2]
    A[1] = A[0] + near * A[1]
    Q = risk.whitened_span(POPULATION, A)
    other = risk.whitened_span(POPULATION, np.eye(18)[:2])
    assert Q.shape == (18, 2)
    assert np.abs(Q @ Q.T - other @ other.T).max() < rounding() / near


def test_risk_near_the_best_predictor_is_the_floor_and_a_square():
    best = LinearMap(POPULATION.best_linear("y", "x"), np.zeros(2))
    assert risk.predictor_risk(POPULATION, best) == pytest.approx(POPULATION.floor, rel=1e-14)
    step = LinearMap(best.matrix + 1e-6, np.array([1e-6, 0.0]))
    excess = 1e-12 * (2 * POPULATION.block("x", "x").sum() + 1)
    found = risk.predictor_risk(POPULATION, step) - risk.predictor_risk(POPULATION, best)
    assert found == pytest.approx(excess, rel=1e-3)  # of 1e-11, where the risks are of order 1


def test_predictor_risk_is_the_mean_squared_error():
    x, _, y = POPULATION.sample(20_000, rng=0)
    g = LinearMap(g_star(POPULATION).matrix + 0.05, np.array([0.3, -0.2]))
    losses = np.sum((y - g(x)) ** 2, axis=1)
    assert off(losses, risk.predictor_risk(POPULATION, g)) < Z
    assert off(losses, risk.predictor_risk(POPULATION, g_star(POPULATION))) > Z


R = np.eye(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: risk.expected_risk(-R, 1, 9), "R must be positive semidefinite"),
        (lambda: risk.expected_risk(R, -1, 9), "k must be an integer of at least 0, got -1"),
        (lambda: risk.expected_risk(R, 3, 4), r"n2 must exceed k \+ 1 = 4 .* got 4"),
        (lambda: risk.excess_risk(R, 3, 0), "n2 must be a positive integer, got 0"),
        (lambda: risk.excess_risk(R, 3, 9.5), "n2 must be a positive integer, got 9.5"),
        (lambda: risk.excess_risk(R, 3, -np.inf), "n2 must be a positive integer, got -inf"),
        (lambda: risk.excess_risk(R, 3, np.array([9, 9])), "n2 must be a positive integer, got"),
        (lambda: risk.expected_risk(R, 3, None), "n2 must be a positive integer, got None"),
        (lambda: risk.expected_risk(R, 3, 10**18), "n2 must be at most"),
        (lambda: risk.expected_risk(None, 3, 9), "R must be a numeric array, got NoneType"),
        (lambda: risk.sample_complexity(R, 1, "0.1"), "epsilon must be a number, got '0.1'"),
        (lambda: risk.simulate_excess_risk(R, 2, 9, 5, rng=-1), "rng must be a"),
        (lambda: risk.simulate_excess_risk(R, 0, 9, 5), "k must be a positive integer, got 0"),
        (lambda: risk.whitened_span(IDENTITY, IDENTITY), "population must be a GaussianPopulation"),
        (lambda: risk.residual_cov(None, IDENTITY), "population must be a GaussianPopulation"),
        (
            lambda: risk.simulate_excess_risk_from_samples({}, IDENTITY, 9, 5),
            "population must be a GaussianPopulation, got dict",
        ),
        (lambda: risk.predictor_risk(POPULATION, IDENTITY), "g must be a LinearMap, got ndarray"),
        (lambda: risk.excess_risk(R * np.nan, 3, 9), "R must be finite"),
        (lambda: risk.excess_risk(R[0], 3, 9), "R must have 2 axes"),
        (lambda: risk.sample_complexity(R, 0, 0.1), "k must be a positive integer, got 0"),
        (lambda: risk.sample_complexity(R, 1, 0.0), "epsilon must be above 0, got 0.0"),
        (lambda: risk.simulate_excess_risk(R, 2, 3, 5), r"n2 must exceed k \+ 1 = 3"),
        (lambda: risk.simulate_excess_risk(R, 2, np.inf, 5), "n2 must be a positive integer"),
        (lambda: risk.simulate_excess_risk(R, 2, 9, 0), "repetitions must be a positive integer"),
        (
            lambda: risk.simulate_excess_risk_from_samples(POPULATION, IDENTITY, 19, 5),
            r"n2 must exceed k \+ 1 = 19",
        ),
        (
            lambda: risk.simulate_excess_risk_from_samples(POPULATION, IDENTITY, np.inf, 5),
            "n2 must be a positive integer, got inf",
        ),
        (lambda: risk.whitened_span(POPULATION, np.eye(3)), "A must have 18 columns"),
        (lambda: risk.residual_cov(POPULATION, np.ones(18)), "A must have 2 axes"),
        (
            lambda: risk.predictor_risk(POPULATION, LinearMap(np.ones((1, 18)), np.zeros(1))),
            "g.matrix must have 2 rows",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
