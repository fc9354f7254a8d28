"""(C1), (C2), existence, the pipeline's exact risk, and the calibration of the tests."""

import numpy as np
import pytest
from scipy import stats

from sslboost import criteria
from sslboost.core.linalg import range_basis
from sslboost.population import GaussianPopulation, MixturePopulation, latent_population
from sslboost.representation import risk

# Rounding: covariances are whitened by a Cholesky factor, so errors grow with the condition
# number of cov_xx, at most 1 + 2^2 + 1^2 times a small constant here.
ROUNDING = 1e3 * np.finfo(float).eps
# False-alarm rate of the whole module, shared among its Monte Carlo checks.
FALSE_ALARM = 1e-6 / 40


def family(**changes):
    return latent_population(**{"d_y": 2, "d_s": 6, "dims_z": (2, 6), **changes})


def opposite_classes(rho=0.9, shift=2.0):
    """Two classes with equal means of z_2 and opposite covariances of x_2 and z_2."""
    cov = [np.eye(4), np.eye(4)]
    for matrix, sign in zip(cov, [1, -1], strict=True):
        matrix[1, 3] = matrix[3, 1] = sign * rho
    means = np.array([[0.0, 0.0], [shift, 0.0]])
    return MixturePopulation([0.5, 0.5], means, means, cov)


def rejections(test, draw, repetitions, level, seed):
    rng = np.random.default_rng(seed)
    return sum(test(*draw(rng)).p_value < level for _ in range(repetitions))


def assert_calibrated(count, repetitions, level):
    low, high = stats.binom.interval(1 - FALSE_ALARM, repetitions, level)
    assert low <= count <= high


@pytest.mark.parametrize("leak", [0.0, 1.0])
def test_c1_gap_is_the_covariance_given_y(leak):
    population = family(leak=leak)
    A = np.random.default_rng(1).standard_normal((3, population.d_x))
    cov = population.block
    given_y = cov("x", "z") - cov("x", "y") @ np.linalg.solve(cov("y", "y"), cov("y", "z"))
    root = np.linalg.cholesky(A @ cov("x", "x") @ A.T)
    expected = np.linalg.solve(root, A @ given_y) / np.sqrt(np.diag(cov("z", "z")))
    assert criteria.c1_gap(population, A) == pytest.approx(np.linalg.norm(expected), rel=1e-10)


def test_c2_gap_is_the_excess_over_the_floor():
    population = family()
    A = np.random.default_rng(2).standard_normal((3, population.d_x))
    excess = np.trace(risk.residual_cov(population, A)) - population.floor
    assert criteria.c2_gap(population, A) == pytest.approx(excess, rel=1e-10)
    assert excess > 0.01


def test_units_and_coordinates_do_not_matter():
    population = family(leak=0.5)
    rng = np.random.default_rng(3)
    A = rng.standard_normal((3, population.d_x))
    units = np.ones(len(population.cov))
    units[: population.d_x] = 10.0 ** rng.integers(-3, 4, population.d_x)
    units[population.d_x : -population.d_y] = 1e-6
    rescaled = GaussianPopulation(
        population.cov * np.outer(units, units), population.d_x, population.d_z, population.d_y
    )
    mixed = rng.standard_normal((3, 3)) @ A / units[: population.d_x]
    for gap in (criteria.c1_gap, criteria.c2_gap):
        assert gap(rescaled, mixed) == pytest.approx(gap(population, A), rel=1e-8)
    gap = criteria.existence_gap(population)
    assert criteria.existence_gap(rescaled) == pytest.approx(gap, rel=1e-8)
    assert gap > 0.01


def test_epsilon_ci_measures_conditional_dependence():
    assert criteria.epsilon_ci(family(s_to_z=0.0)) < ROUNDING
    assert criteria.epsilon_ci(family()) > 1


def test_existence_is_decided_by_the_best_predictor():
    holds, fails = family(), family(leak=1.0)
    rng = np.random.default_rng(4)
    for population in (holds, fails):
        A = population.best_linear("y", "x")
        gap = criteria.existence_gap(population)
        assert criteria.c1_gap(population, A) == pytest.approx(gap, rel=1e-8, abs=ROUNDING)
        assert criteria.c2_gap(population, A) < ROUNDING
    assert criteria.existence_gap(holds) < ROUNDING
    for _ in range(20):
        # Every processor that meets (C2) sees U, hence violates (C1) at least as much.
        extra = rng.standard_normal((rng.integers(1, 9), fails.d_x))
        A = np.vstack([fails.best_linear("y", "x"), extra])
        assert criteria.c2_gap(fails, A) < ROUNDING
        assert criteria.c1_gap(fails, A) >= criteria.existence_gap(fails) * (1 - ROUNDING)


@pytest.mark.parametrize(("leak", "exists"), [(0.0, True), (1.0, False)])
def test_existence_as_an_identity_of_covariances(leak, exists):
    population = family(leak=leak)
    A = population.best_linear("y", "x")
    cov_yhat = A @ population.block("x", "x") @ A.T
    right = cov_yhat @ np.linalg.solve(population.block("y", "y"), population.block("y", "z"))
    difference = np.abs(A @ population.block("x", "z") - right).max()
    assert (difference < ROUNDING) == exists
    assert difference < ROUNDING or difference > 0.01


def test_c1_is_inherited_by_smaller_spans_and_c2_by_larger_ones():
    population = family(leak=0.7)
    rng = np.random.default_rng(5)
    A = rng.standard_normal((6, population.d_x))
    B = rng.standard_normal((3, 6))
    assert criteria.c1_gap(population, B @ A) <= criteria.c1_gap(population, A) * (1 + ROUNDING)
    assert criteria.c2_gap(population, B @ A) >= criteria.c2_gap(population, A) * (1 - ROUNDING)


def test_four_processors_fill_the_table():
    population = family()
    gaps = {
        name: (criteria.c1_gap(population, A), criteria.c2_gap(population, A))
        for name, A in criteria.four_processors(population).items()
    }
    met = {name: (c1 < ROUNDING, c2 < ROUNDING) for name, (c1, c2) in gaps.items()}
    assert met == {
        "C1 and C2": (True, True),
        "C2 only": (False, True),
        "C1 only": (True, False),
        "neither": (False, False),
    }
    assert min(value for pair in gaps.values() for value in pair if value > ROUNDING) > 0.1


def test_pipeline_costs_d_y_or_d_z_and_a_constant():
    population = family()
    lost = range_basis(population.K_y)[:, 0] @ population.K_y
    results = {
        name: criteria.pipeline(population, A)
        for name, A in criteria.four_processors(population).items()
    }
    ranks = {name: k for name, (_, k) in results.items()}
    assert ranks == {"C1 and C2": 2, "C2 only": 8, "C1 only": 1, "neither": 7}
    for name, (R, _) in results.items():
        constant = 0.0 if name in ("C1 and C2", "C2 only") else np.sum(lost**2)
        assert np.trace(R) == pytest.approx(population.floor + constant, rel=1e-12)


@pytest.mark.parametrize("name", ["C1 and C2", "C2 only", "C1 only", "neither"])
def test_pipeline_agrees_with_fitted_heads(name):
    population = family()
    A = criteria.four_processors(population)[name]
    R, k = criteria.pipeline(population, A)
    risks = criteria.simulate_pipeline(population, A, 30, 1000, rng=6)
    z = stats.norm.isf(FALSE_ALARM / 2)
    error = z * risks.std(ddof=1) / np.sqrt(len(risks))
    assert abs(risks.mean() - risk.expected_risk(R, k, 30)) <= error
    # Control: the rank of raw x is told apart.
    assert abs(risks.mean() - risk.expected_risk(R, population.d_x, 30)) > error


def test_processors_that_see_nothing():
    population = latent_population(1, 1, dims_x=(1, 1, 0), dims_z=(1, 1))
    A = criteria.four_processors(population)["C1 only"]
    R, k = criteria.pipeline(population, A)
    assert A.shape == (0, 2) and k == 0
    assert np.array_equal(R, population.block("y", "y"))


@pytest.mark.parametrize(
    ("population", "message"),
    [
        (family(leak=1.0), "existence gap"),
        (family(s_to_z=0.0), "violate conditional independence"),
        (family(y_to_x=0.0), "y depend on x"),
    ],
)
def test_four_processors_name_what_the_population_lacks(population, message):
    with pytest.raises(ValueError, match=message):
        criteria.four_processors(population)


def test_pooled_and_per_class_differ():
    mixture = opposite_classes()
    assert criteria.c1_gap_per_class(mixture, np.eye(2)) == pytest.approx([0.9, 0.9], rel=1e-12)
    assert criteria.c1_gap_pooled(mixture, np.eye(2)) < ROUNDING
    assert criteria.c1_gap_per_class(mixture, [[1.0, 0.0]]) == pytest.approx([0, 0], abs=ROUNDING)


def test_pooled_gap_is_the_gap_of_the_second_moments():
    rng = np.random.default_rng(7)
    factors = rng.standard_normal((3, 7, 9))
    cov = factors @ factors.transpose(0, 2, 1) / 9
    means = rng.standard_normal((2, 3, 4))
    mixture = MixturePopulation([0.2, 0.3, 0.5], means[0], means[1][:, :3], cov)
    A = rng.standard_normal((2, 4))
    pooled = criteria.c1_gap_pooled(mixture, A)
    # Regression on one-hot labels is the class mean: a route through cov_yy^+ instead.
    assert pooled == pytest.approx(criteria.c1_gap(mixture.moments(), A), rel=1e-10)
    assert 0.01 < pooled < mixture.weights @ criteria.c1_gap_per_class(mixture, A)


def test_empirical_population_has_the_sample_moments():
    x, z, y = family().sample(300, rng=8)
    population = criteria.empirical(x + 5, z, y)
    assert np.allclose(population.cov, np.cov(np.hstack([x, z, y]).T, bias=True), rtol=1e-10)
    assert 0 < criteria.c1_gap(population, family().best_linear("y", "x"))


# Calibration: (F, Z, Y) with ranks 1 and 2, where Rao's F is exact, and 3, where it approximates.


def gaussian_draw(n, d_f, d_z, link):
    def draw(rng):
        y = rng.standard_normal((n, 2))
        f = y @ np.ones((2, d_f)) + rng.standard_normal((n, d_f))
        z = np.exp(y[:, :1]) * rng.choice([-1, 1], size=(n, d_z)) + y @ np.ones((2, d_z))
        z[:, 0] += link * (f - y @ np.ones((2, d_f)))[:, 0]
        return f, z, y

    return draw


@pytest.mark.parametrize(("d_f", "d_z"), [(1, 1), (2, 3), (3, 4)])
def test_c1_test_has_its_size_and_power(d_f, d_z):
    # z is far from Gaussian: one Gaussian side suffices.
    size = rejections(criteria.c1_test, gaussian_draw(25, d_f, d_z, 0.0), 800, 0.1, 9)
    assert_calibrated(size, 800, 0.1)
    power = rejections(criteria.c1_test, gaussian_draw(60, d_f, d_z, 3.0), 100, 0.1, 10)
    assert power > 80


def test_c2_test_has_its_size_and_power():
    population = family()
    A = criteria.four_processors(population)

    def draw(name):
        def sample(rng):
            x, _, y = population.sample(50, rng)
            return x @ A[name].T, x, y

        return sample

    assert_calibrated(rejections(criteria.c2_test, draw("C1 and C2"), 500, 0.1, 11), 500, 0.1)
    assert rejections(criteria.c2_test, draw("C1 only"), 50, 0.1, 12) > 45


def mixture_draw(mixture, n):
    def draw(rng):
        x, z, labels = mixture.sample(n, rng)
        return x, z, labels

    return draw


def test_per_class_test_has_its_size_and_power():
    # Classes differ in their variances: every class is tested within itself.
    cov = [np.eye(4), np.diag([100.0, 1, 1, 100])]
    means = np.array([[0.0, 0.0], [2.0, 1.0]])
    null = MixturePopulation([0.3, 0.7], means, means, cov)
    count = rejections(criteria.c1_test_per_class, mixture_draw(null, 60), 800, 0.1, 13)
    assert_calibrated(count, 800, 0.1)
    draw = mixture_draw(opposite_classes(), 60)
    assert rejections(criteria.c1_test_per_class, draw, 50, 0.1, 14) == 50


def test_pooled_test_holds_its_size_where_wilks_does_not():
    mixture = opposite_classes()
    draw = mixture_draw(mixture, 400)
    count = rejections(criteria.c1_test_pooled, draw, 1000, 0.1, 15)
    assert_calibrated(count, 1000, 0.1)

    def naive(x, z, labels):
        return criteria.c1_test(x, z, mixture.one_hot(labels))

    assert rejections(naive, draw, 1000, 0.1, 15) > stats.binom.isf(FALSE_ALARM, 1000, 0.1)


def test_pooled_test_has_power():
    cov = opposite_classes(0.4).cov[0]
    means = np.zeros((2, 2))
    dependent = MixturePopulation([0.5, 0.5], means, means, [cov, cov])
    assert rejections(criteria.c1_test_pooled, mixture_draw(dependent, 400), 50, 0.1, 16) == 50


def sample_tests(f, z, y):
    labels = (y[:, 0] > 0).astype(int)
    return [
        criteria.c1_test(f, z, y),
        criteria.c2_test(f, np.hstack([f, z]), y),
        criteria.c1_test_per_class(f, z, labels),
        criteria.c1_test_pooled(f, z, labels),
    ]


def test_tests_ignore_units_and_redundant_columns():
    f, z, y = gaussian_draw(80, 2, 3, 0.5)(np.random.default_rng(17))
    redundant = np.hstack([f, f @ [[1.0], [2.0]], np.full((80, 1), 7.0)])
    for plain, changed in zip(
        sample_tests(f, z, y), sample_tests(1e3 * redundant + 5, 1e-6 * z, y), strict=True
    ):
        assert changed.df == plain.df
        assert changed.p_value == pytest.approx(plain.p_value, rel=1e-6)
        assert 0 < plain.p_value < 1


def test_scalar_case_is_the_partial_correlation():
    f, z, y = gaussian_draw(30, 1, 1, 1.0)(np.random.default_rng(18))
    design = np.hstack([np.ones((30, 1)), y])
    residuals = [a - design @ np.linalg.lstsq(design, a, rcond=None)[0] for a in (f, z)]
    r = np.corrcoef(*(a.ravel() for a in residuals))[0, 1]
    df = 30 - 2 - 2
    t = r * np.sqrt(df / (1 - r**2))
    result = criteria.c1_test(f, z, y)
    assert result.df == (1, df)
    assert result.p_value == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9)


def test_wilks_agrees_with_statsmodels():
    multivariate = pytest.importorskip("statsmodels.multivariate.multivariate_ols")
    f, z, y = gaussian_draw(60, 3, 4, 0.5)(np.random.default_rng(19))
    design = np.hstack([np.ones((60, 1)), y, z])
    contrast = np.hstack([np.zeros((4, 3)), np.eye(4)])
    fit = multivariate._MultivariateOLS(f, design).fit()
    row = fit.mv_test([("z", contrast)]).results["z"]["stat"].loc["Wilks' lambda"]
    result = criteria.c1_test(f, z, y)
    assert result.df == pytest.approx((row["Num DF"], row["Den DF"]))
    assert result.statistic == pytest.approx(row["F Value"], rel=1e-8)
    assert result.p_value == pytest.approx(row["Pr > F"], rel=1e-8)


def test_determined_features_meet_the_criteria():
    x, z, y = family().sample(60, rng=20)
    assert criteria.c1_test(y @ [[1.0], [2.0]], z, y).p_value == 1
    assert criteria.c2_test(x, x, y).p_value == 1


def test_exact_dependence_is_rejected_without_a_warning():
    f, _, y = gaussian_draw(30, 2, 2, 0.0)(np.random.default_rng(21))
    assert criteria.c1_test(f, f, y).p_value < 1e-100


BAD = [
    (criteria.c1_test, (np.ones((9, 1)), "z", "y"), "F must vary"),
    (criteria.c1_test, ("f", np.ones((9, 1)), "y"), "Z must vary"),
    (criteria.c1_test, ("f", "z", np.ones((9, 2))), "Y must vary"),
    (criteria.c1_test, (np.full((9, 1), np.nan), "z", "y"), "F must be finite"),
    (criteria.c1_test, (np.zeros((8, 1)), "z", "y"), "same number of rows"),
    (criteria.c1_test, (np.eye(9), "z", "y"), "n must exceed the ranks of F, Z"),
    (criteria.c2_test, ("f", np.eye(9), "y"), "n must exceed the ranks of X, Y"),
    (criteria.c2_test, (np.ones((9, 1)), "z", "y"), "F must vary"),
    (criteria.c1_test_per_class, ("f", "z", np.full(9, 0.5)), "labels must be whole numbers"),
    (criteria.c1_test_per_class, ("f", "z", np.arange(9)), "F in class 0 must vary"),
    (criteria.c1_test_per_class, ("f", "z", np.arange(9) // 3), "ranks of F in class 0"),
    (criteria.c1_test_pooled, ("f", "z", np.arange(9)), "n must exceed the classes"),
    (criteria.c1_test_pooled, ("f", "z", np.zeros(8, int)), "one label for each of 9 rows, got 8"),
    (criteria.c1_test_pooled, (np.eye(9), "z", np.zeros(9, int)), "rank F times rank Z"),
    (criteria.empirical, ("f", "z", np.zeros((8, 1))), "same number of rows"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), BAD)
def test_bad_samples_are_named(function, arguments, message):
    rng = np.random.default_rng(22)
    good = {"f": rng.standard_normal((9, 1)), "z": rng.standard_normal((9, 2))}
    good["y"] = rng.standard_normal((9, 1))
    arguments = [good[a] if isinstance(a, str) else a for a in arguments]
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@pytest.mark.parametrize(
    "function", [criteria.c1_gap, criteria.c2_gap, criteria.pipeline, criteria.c1_gap_pooled]
)
def test_bad_processors_are_named(function):
    population = opposite_classes() if function is criteria.c1_gap_pooled else family()
    with pytest.raises(ValueError, match="A must have"):
        function(population, np.ones((2, 5)))
    with pytest.raises(ValueError, match="A must be finite"):
        function(population, np.full((1, population.d_x), np.inf))


def test_simulated_pipeline_rejects_bad_counts():
    with pytest.raises(ValueError, match="repetitions must be a positive integer"):
        criteria.simulate_pipeline(family(), np.eye(24), 30, 0)
    with pytest.raises(ValueError, match="n2 must be a positive integer"):
        criteria.simulate_pipeline(family(), np.eye(24), -3, 1)
