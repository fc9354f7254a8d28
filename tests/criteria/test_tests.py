"""The tests on samples: calibration, exact values, independent peers, and what is no sample."""

import math

import numpy as np
import pytest
from causallearn.utils.cit import CIT
from scipy import stats
from statsmodels.multivariate.cancorr import CanCorr
from statsmodels.multivariate.multivariate_ols import _MultivariateOLS
from statsmodels.stats.multivariate import test_mvmean as hotelling

from sslboost import criteria
from sslboost.population import MixturePopulation, latent_population

# False-alarm rate of the whole module, shared among its Monte Carlo checks.
FALSE_ALARM = 1e-6 / 20


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


def heavy_tailed_draw(n, link):
    """Two classes of other sizes and scales; no fourth moment, nor even a mean."""

    def draw(rng):
        labels = (rng.random(n) < 0.3).astype(int)
        shape = (n, 2)
        f, z = ((1 + labels[:, None]) * rng.standard_cauchy(shape) for _ in range(2))
        return f + labels[:, None], z + link * f - labels[:, None], labels

    return draw


def test_permuted_test_has_its_size_for_heavy_tails_and_its_power():
    def test(*drawn, shuffled=False):
        f, z, labels = drawn
        given = np.zeros_like(labels) if shuffled else labels
        return criteria.c1_test_permuted(f, z, given, permutations=19, rng=0)

    repetitions, level = 2000, 0.05 + 1e-9  # one of twenty ranks
    assert_calibrated(
        rejections(test, heavy_tailed_draw(30, 0.0), repetitions, level, 3), 2000, 0.05
    )
    assert rejections(test, heavy_tailed_draw(30, 1.0), 200, level, 4) > 150
    # Control: with the classes forgotten, what y does to both looks like dependence.

    def confounded(rng):
        labels = rng.integers(2, size=40)
        return *(3 * labels[:, None] + rng.standard_normal((40, 1)) for _ in range(2)), labels

    assert rejections(lambda *a: test(*a, shuffled=True), confounded, 200, level, 5) > 150
    assert rejections(test, confounded, 200, level, 5) < 40


def test_permuted_statistic_is_the_mean_squared_canonical_correlation():
    rng = np.random.default_rng(6)
    labels = rng.integers(3, size=60)
    f, z = rng.standard_normal((60, 2)) + labels[:, None], rng.standard_normal((60, 3))
    z[:, 0] += f[:, 0]
    within = np.eye(3)[labels]
    F, Z = (A - within @ np.linalg.lstsq(within, A, rcond=None)[0] for A in (f, z))
    found = criteria.c1_test_permuted(f, z, 7 - labels, permutations=99, rng=0)
    assert found.statistic == pytest.approx(np.mean(CanCorr(F, Z).cancorr ** 2), abs=1e-12)
    assert found.p_value == 0.01 and found.df == ()
    again = criteria.c1_test_permuted(f * 1e9, z[:, [0, 1, 2, 2]] - 1e6, labels, rng=0)
    assert again.statistic == pytest.approx(found.statistic, abs=1e-9)
    assert again.p_value == 0.001


def test_pooled_test_has_power():
    cov = opposite_classes(0.4).cov[0]
    means = np.zeros((2, 2))
    dependent = MixturePopulation([0.5, 0.5], means, means, [cov, cov])
    assert rejections(criteria.c1_test_pooled, mixture_draw(dependent, 400), 50, 0.1, 16) == 50


def sample_tests(f, z, y):
    labels = (y[:, 0] > y[:, 0].mean()).astype(int)
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
    f, z, y = gaussian_draw(60, 3, 4, 0.5)(np.random.default_rng(19))
    design = np.hstack([np.ones((60, 1)), y, z])
    contrast = np.hstack([np.zeros((4, 3)), np.eye(4)])
    fit = _MultivariateOLS(f, design).fit()
    row = fit.mv_test([("z", contrast)]).results["z"]["stat"].loc["Wilks' lambda"]
    result = criteria.c1_test(f, z, y)
    assert result.df == pytest.approx((row["Num DF"], row["Den DF"]))
    assert result.statistic == pytest.approx(row["F Value"], rel=1e-8)
    assert result.p_value == pytest.approx(row["Pr > F"], rel=1e-8)


@pytest.mark.parametrize(("d_f", "d_z"), [(2, 2), (2, 3), (3, 4)])
def test_every_class_agrees_with_canonical_correlations(d_f, d_z):
    f, z, y = gaussian_draw(50, d_f, d_z, 0.5)(np.random.default_rng(23))
    labels = (y[:, 0] > 0).astype(int)
    result = criteria.c1_test_per_class(f, z, labels)
    for label, part in enumerate(result.parts):
        rows = labels == label
        row = CanCorr(f[rows], z[rows]).corr_test().stats_mv.loc["Wilks' lambda"]
        assert part.df == pytest.approx((row["Num DF"], row["Den DF"]))
        assert part.statistic == pytest.approx(row["F Value"], rel=1e-8)
        assert part.p_value == pytest.approx(row["Pr > F"], rel=1e-8)
    fisher = stats.combine_pvalues([part.p_value for part in result.parts], method="fisher")
    assert result.df == (4,)
    assert result.statistic == pytest.approx(fisher.statistic, rel=1e-12)
    assert result.p_value == pytest.approx(fisher.pvalue, rel=1e-12)


def test_one_class_pooled_is_hotelling_of_the_products():
    f, z, _ = gaussian_draw(60, 2, 2, 0.5)(np.random.default_rng(24))
    products = (f - f.mean(axis=0))[:, :, None] * (z - z.mean(axis=0))[:, None, :]
    peer = hotelling(products.reshape(60, -1), np.zeros(4))
    result = criteria.c1_test_pooled(f, z, np.full(60, 7))
    assert result.df == peer.df
    assert result.statistic == pytest.approx(peer.statistic, rel=1e-10)
    assert result.p_value == pytest.approx(peer.pvalue, rel=1e-10)


def test_pooled_statistic_by_hand():
    """Three classes: T^2 with n - 3 degrees of freedom, F with n - 3 - 4 + 1."""
    f, z, y = gaussian_draw(70, 2, 2, 0.5)(np.random.default_rng(25))
    labels = np.digitize(y[:, 0], [-0.5, 0.5])
    for label in range(3):
        for part in (f, z):
            part[labels == label] -= part[labels == label].mean(axis=0)
    products = (f[:, :, None] * z[:, None, :]).reshape(70, -1)
    mean = products.mean(axis=0)
    S = (products - mean).T @ (products - mean) / 67
    t_squared = 70 * mean @ np.linalg.solve(S, mean)
    result = criteria.c1_test_pooled(f, z, labels)
    assert result.df == (4, 64)
    assert result.statistic == pytest.approx(t_squared * 64 / (67 * 4), rel=1e-10)
    assert result.p_value == stats.f.sf(result.statistic, 4, 64)


def test_the_partial_correlation_is_that_of_fisher_s_z():
    """Our exact t and the peer's asymptotic z are two functions of one partial correlation."""
    f, z, y = gaussian_draw(80, 1, 1, 1.0)(np.random.default_rng(26))
    theirs = CIT(np.hstack([f, z, y]), "fisherz")(0, 1, [2, 3])
    result = criteria.c1_test(f, z, y)
    r = math.sqrt(result.statistic / (result.statistic + result.df[1]))
    ours = 2 * stats.norm.sf(math.sqrt(80 - 2 - 3) * math.atanh(r))
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert abs(result.p_value - theirs) < 0.01


def test_determined_features_meet_the_criteria():
    x, z, y = family().sample(60, rng=20)
    assert criteria.c1_test(y @ [[1.0], [2.0]], z, y).p_value == 1
    assert criteria.c2_test(x, x, y).p_value == 1
    labels = np.arange(60) % 3
    assert criteria.c1_test_permuted(labels[:, None], z, labels, permutations=9).p_value == 1


def test_exact_dependence_is_rejected_without_a_warning():
    f, _, y = gaussian_draw(30, 2, 2, 0.0)(np.random.default_rng(21))
    assert criteria.c1_test(f, f, y).p_value < 1e-100


def test_a_covariance_without_variance_is_certain():
    """f = z = +-1: every product is one. No variance is the strongest evidence, not none."""
    sign = np.tile([[1.0], [-1.0]], (10, 1))
    other = np.random.default_rng(27).standard_normal((20, 1))
    one = np.zeros(20, int)
    for z, df in [(sign, (1, 19)), (np.hstack([sign, other]), (2, 18))]:
        result = criteria.c1_test_pooled(sign, z, one)
        assert (result.statistic, result.df, result.p_value) == (math.inf, df, 0.0)
    assert criteria.c1_test_pooled(sign, other, one).p_value > 1e-3


def test_features_that_never_vary_together_meet_the_pooled_criterion():
    labels = np.repeat([0, 1], 10)
    varying = np.random.default_rng(28).standard_normal((20, 1))
    f, z = varying * (labels == 0)[:, None], varying * labels[:, None]
    result = criteria.c1_test_pooled(f, z, labels)
    assert (result.statistic, result.p_value) == (0.0, 1.0)
    determined = criteria.c1_test_pooled(labels[:, None], varying, labels)
    assert (determined.statistic, determined.df, determined.p_value) == (0.0, (0, 18), 1.0)


@pytest.mark.parametrize("constant", [0.1, 14.62, 1e6 + 0.1, 2.0])
@pytest.mark.parametrize("centre", [False, True])
def test_a_constant_column_is_no_feature(constant, centre):
    f, z, y = gaussian_draw(80, 2, 3, 0.5)(np.random.default_rng(29))

    def widened(part):
        wide = np.column_stack([part, np.full(80, constant)])
        return wide - wide.mean(axis=0) if centre else wide

    plain, wide = sample_tests(f, z, y), sample_tests(widened(f), widened(z), widened(y))
    for before, after in zip(plain, wide, strict=True):
        assert after.df == before.df
        assert after.p_value == pytest.approx(before.p_value, rel=1e-9)
    population = criteria.empirical(widened(f), widened(z), widened(y))
    before = criteria.empirical(f, z, y)
    assert (population.d_x, population.rank_x, population.m) == (3, 2, before.m)
    assert population.floor == pytest.approx(before.floor, rel=1e-12)
    alone = np.full((80, 1), constant)
    for test, arguments in [
        (criteria.c1_test, (alone - centre * alone.mean(), z, y)),
        (criteria.c2_test, (f, alone - centre * alone.mean(), y)),
        (criteria.c1_test_pooled, (alone - centre * alone.mean(), z, np.arange(80) % 2)),
    ]:
        with pytest.raises(ValueError, match="must vary from row to row, got 1 constant columns"):
            test(*arguments)


def test_the_constant_of_the_issue_leaves_one_orthogonal_direction():
    """Three inputs and a constant 0.1, two pretext labels: rank 3, of which m = 1."""
    rng = np.random.default_rng(30)
    x, z, y = (
        rng.standard_normal((50, 3)),
        rng.standard_normal((50, 2)),
        rng.standard_normal((50, 1)),
    )
    for constant in (0.1, 14.62, 1e6 + 0.1):
        population = criteria.empirical(np.column_stack([x, np.full(50, constant)]), z, y)
        assert (population.rank_x, population.m) == (3, 1)
        population = criteria.empirical(x, np.column_stack([z, np.full(50, constant)]), y)
        assert (population.rank_x, population.m) == (3, 1)
        assert np.abs(population.block("z", "x")[2]).max() == 0


@pytest.mark.parametrize(("distance", "rank"), [(1e-4, 2), (1e-8, 2), (1e-13, 1)])
def test_a_feature_counts_as_long_as_it_is_more_than_rounding(distance, rank):
    f, z, y = gaussian_draw(80, 1, 2, 0.5)(np.random.default_rng(31))
    own = np.random.default_rng(32).standard_normal((80, 1))
    near, far = np.hstack([f, f + distance * own]), np.hstack([f, own][:rank])
    for before, after in zip(sample_tests(far, z, y), sample_tests(near, z, y), strict=True):
        assert after.df == before.df
        # The new direction is known to as many digits as it stands out of rounding.
        rel = 1e-10 if rank == 1 else 1e4 * np.finfo(float).eps / distance
        assert after.p_value == pytest.approx(before.p_value, rel=rel)


@pytest.mark.parametrize("shift", [0.0, 1e6, 1e8, 1e11])
def test_a_mean_however_large_hides_no_feature_and_makes_none(shift):
    f, z, y = gaussian_draw(80, 2, 3, 0.5)(np.random.default_rng(33))
    moved = f + shift  # known to 1e-16 of the shift, and so is all that follows
    rel = 1e-10 + 1e3 * np.finfo(float).eps * shift
    for before, after in zip(sample_tests(f, z, y), sample_tests(moved, z, y), strict=True):
        assert after.df == before.df
        assert after.p_value == pytest.approx(before.p_value, rel=rel)
    # f determines its own sums, and y what is made of it, wherever their means lie.
    assert criteria.c1_test(y @ [[1.0], [2.0]], z, y + shift).p_value == 1
    assert criteria.c2_test(moved, f @ [[1.0], [2.0]], y).p_value == 1


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
    (criteria.c1_test_per_class, ("f", "z", list("aabbccdde")), "labels must be a numeric array"),
    (criteria.c1_test_pooled, ("f", "z", np.full(9, np.nan)), "labels must be finite"),
    (criteria.c1_test_pooled, ("f", "z", np.zeros((9, 1))), "labels must have 1 axes"),
    (
        criteria.c1_test_pooled,
        ("f", "z", np.ma.masked_less(np.arange(9), 2)),
        "labels must have no",
    ),
    (
        criteria.c1_test,
        (np.ones((9, 1)) * 1j, "z", "y"),
        "F must be a numeric array, got an array of",
    ),
    (criteria.c2_test, ("f", None, "y"), "X must be a numeric array, got NoneType"),
    (criteria.empirical, (np.empty((0, 1)), np.empty((0, 1)), np.empty((0, 1))), "rows of X must"),
    (criteria.empirical, (np.empty((9, 0)), "z", "y"), "number of columns of X must be a positive"),
    (criteria.c1_test_per_class, ("f", "z", np.arange(9)), "F in class 0 must vary"),
    (criteria.c1_test_per_class, ("f", "z", np.arange(9) // 3), "ranks of F in class 0"),
    (criteria.c1_test_pooled, ("f", "z", np.arange(9)), "n must exceed the classes"),
    (criteria.c1_test_pooled, ("f", "z", np.zeros(8, int)), "one label for each of 9 rows, got 8"),
    (criteria.c1_test_pooled, (np.eye(9), "z", np.zeros(9, int)), "rank F times rank Z"),
    (criteria.empirical, ("f", "z", np.zeros((8, 1))), "same number of rows"),
    (criteria.c1_test_permuted, ("f", "z", np.zeros(8, int)), "one label for each of 9 rows"),
    (criteria.c1_test_permuted, (np.eye(9), "z", np.arange(9) % 2), "n must exceed the classes"),
    (criteria.c1_test_permuted, ("f", np.ones((9, 1)), np.arange(9) % 2), "Z must vary"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), BAD)
def test_bad_samples_are_named(function, arguments, message):
    rng = np.random.default_rng(22)
    good = {"f": rng.standard_normal((9, 1)), "z": rng.standard_normal((9, 2))}
    good["y"] = rng.standard_normal((9, 1))
    arguments = [good[a] if isinstance(a, str) else a for a in arguments]
    with pytest.raises(ValueError, match=message):
        function(*arguments)
