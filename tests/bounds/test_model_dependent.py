"""Theorem 4: the composed processor is blind to z, interpolates, and loses the label."""

import numpy as np
import pytest
from scipy import stats

from sslboost.bounds import capacity, model_dependent, model_free
from sslboost.population import GaussianPopulation, latent_population
from sslboost.representation.risk import residual_cov


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


def test_what_the_tail_hides_from_linear_heads_a_cut_off_finds_again(population):
    """f is u up to t, and what is not costs at most 2 abs(u) beyond."""
    X = population.sample(1000, 8)[0]
    f, directions = (
        model_dependent.tail_processor(population, X),
        population.whitening.unwhiten(population.U).T,
    )
    t = np.abs(X @ directions.T).max(axis=0)
    u = np.linspace(-10, 10, 200_001)
    mass = stats.norm.pdf(u) / stats.norm.pdf(u).sum()
    for j, direction in enumerate(directions):
        output = f(u[:, None] * (population.block("x", "x") @ direction))[:, j]
        cut_off = np.where(np.abs(output) <= t[j], output, 0)
        left = mass @ (u - cut_off) ** 2
        beyond = np.abs(u) > t[j]
        assert left <= mass[beyond] @ (2 * u[beyond]) ** 2 < 0.2
        slope = (mass @ (output * u)) / (mass @ output**2)
        assert mass @ (u - slope * output) ** 2 == pytest.approx(1, abs=1e-6)  # a linear head


def test_a_minimiser_keeps_what_z_does_not_see_of_the_label():
    """It meets the bound of part 3 exactly, half-way between the Bayes risk and guessing."""
    law = latent_population(2, 2, dims_x=(3, 3, 10), dims_z=(2, 2), y_to_z=[1.0, 0.0])
    X, _, Y = law.sample(8, 0)
    unseen = law.N @ (law.N.T @ law.U)
    kept = law.whitening.unwhiten(np.linalg.svd(unseen)[0][:, :1]).T
    both = np.vstack([model_free.fit_on_N(law, X, Y), kept])
    assert np.abs(law.block("z", "x") @ both.T).max() < 1e-12
    assert np.abs(Y - X @ both.T @ np.linalg.lstsq(X @ both.T, Y, rcond=None)[0]).max() < 1e-10
    left = np.trace(residual_cov(law, both))
    assert left == pytest.approx(law.floor + model_dependent.lost_label(law))
    assert left < np.trace(law.block("y", "y")) - 0.5


def test_the_excess_is_the_two_terms_written_out(population):
    """Each with its own 1/n and its own best head."""
    rng = np.random.default_rng(5)
    X, _, Y = population.sample(12, rng)

    def f(x):
        return x[:, :4] ** 2

    residual, explained = model_dependent.empirical_excess(population, f, 0.3, X, Y, 40, 6)
    left = Y - f(X) @ np.linalg.lstsq(f(X), Y, rcond=None)[0]
    assert residual == pytest.approx(np.sum(left**2) / 12)
    x, z, _ = population.sample(40, 6)
    fitted = f(x) @ np.linalg.lstsq(f(x), z, rcond=None)[0]
    assert explained == pytest.approx(0.3 * np.sum(fitted**2) / 40)
    other = model_dependent.empirical_excess(population, f, 0.3, X, Y, 40, 7)
    assert other[0] == residual and other[1] != explained


@pytest.mark.parametrize("s", [1e-12, 1e12])
def test_the_units_of_a_feature_do_not_matter(population, s):
    rng = np.random.default_rng(6)
    X, _, Y = population.sample(12, rng)
    units = np.array([1, s, 1 / s])
    pair = [
        model_dependent.empirical_excess(population, f, 0.3, X, Y, 40, 6)
        for f in (lambda x: x[:, :3], lambda x: x[:, :3] * units, lambda x: x[:, :2])
    ]
    assert pair[1] == pytest.approx(pair[0], rel=1e-9)
    assert pair[2] != pytest.approx(pair[0], rel=1e-3)  # control
    cov = population.block("y", "y")
    plain, scaled = (model_dependent.seen(X[:, :3] * u, Y, cov) for u in (1, units))
    assert scaled == pytest.approx(plain, rel=1e-9)
    # A copy and a column of zeros are no degrees of freedom.
    wide = np.hstack([X[:, :3], X[:, :1] * s, np.zeros((12, 1))])
    assert model_dependent.seen(wide, Y, cov) == pytest.approx(plain, rel=1e-9)


def test_targets_that_repeat_one_another_count_once():
    rng = np.random.default_rng(8)
    F, t = rng.standard_normal((50, 3)), rng.standard_normal((50, 1))
    once = model_dependent.seen(F, t, [[1.0]])
    twice = model_dependent.seen(F, np.hstack([t, t]), np.ones((2, 2)))
    assert once[1] == twice[1] == 3
    assert twice[0] == pytest.approx(once[0])


def test_a_seed_decides_the_memoriser(population):
    X, _, Y = population.sample(5, 0)
    a, b, c = (
        model_dependent.memorising_processor(population, X, Y, (5,), seed).f1.weights[0]
        for seed in (1, 1, 2)
    )
    assert np.array_equal(a, b) and not np.array_equal(a, c)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, X, Y: model_dependent.blind_part(None), "population must be"),
        (lambda p, X, Y: model_dependent.lost_label(X), "population must be"),
        (lambda p, X, Y: model_dependent.ComposedProcessor(3, len), "f2 must be a LinearMap"),
        (
            lambda p, X, Y: model_dependent.ComposedProcessor(model_dependent.blind_part(p), 3),
            "f1 must be callable",
        ),
        (
            lambda p, X, Y: model_dependent.memorising_processor(p, X[:, 1:], Y, (9,)),
            "X_extra must have 18 columns",
        ),
        (
            lambda p, X, Y: model_dependent.memorising_processor(p, X, Y[:, 1:], (9,)),
            "Y_extra must have 2 columns",
        ),
        (lambda p, X, Y: model_dependent.tail_processor(p, X[:0]), "number of rows of X_extra"),
        (lambda p, X, Y: model_dependent.tail_processor(p, 1e3 * X), "X_extra must lie within 37"),
        (lambda p, X, Y: model_dependent.seen(X, Y[1:], np.eye(2)), "F and T must have the same"),
        (lambda p, X, Y: model_dependent.seen(X, Y, np.eye(3)), "cov must be 2 by 2"),
        (
            lambda p, X, Y: model_dependent.empirical_excess(p, 3, 0.1, X, Y, 9),
            "f must be callable",
        ),
        (
            lambda p, X, Y: model_dependent.empirical_excess(p, len, 0.1, X, Y, 9),
            r"f\(x\) must have 2 axes",
        ),
        (
            lambda p, X, Y: model_dependent.empirical_excess(p, lambda x: x[1:], 0.1, X, Y, 9),
            r"f\(x\) must have 4 rows",
        ),
        (
            lambda p, X, Y: model_dependent.empirical_excess(p, np.exp, -0.1, X, Y, 9),
            "lam must be at least 0",
        ),
        (
            lambda p, X, Y: model_dependent.empirical_excess(p, np.exp, 0.1, X, Y, 10**18),
            "n1 must be at most",
        ),
    ],
)
def test_bad_input_names_the_argument(population, call, message):
    X, _, Y = population.sample(4, 0)
    with pytest.raises(ValueError, match=message):
        call(population, X, Y)
