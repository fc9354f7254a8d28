"""The joint law: blocks, conditionals, predictors, invariances, sampling, mixtures."""

import numpy as np
import pytest
from scipy import stats

from sslboost.population import (
    GaussianPopulation,
    MixturePopulation,
    latent_population,
    lee_mixture,
)

EPS = np.finfo(float).eps
# False-alarm rate of the module, shared by its Monte Carlo comparisons (two-sided).
COMPARISONS = 1500
Z = stats.norm.isf(1e-6 / (2 * COMPARISONS))


def random_population(d_x=6, d_z=4, d_y=2, seed=0):
    root = np.random.default_rng(seed).standard_normal((d_x + d_z + d_y,) * 2)
    return GaussianPopulation(root @ root.T, d_x, d_z, d_y)


def rounding(population):
    """c eps cond: covariances of this module have entries of order ten."""
    return 1e3 * EPS * np.linalg.cond(population.cov)


def copied(population):
    """The same law with the first input recorded twice."""
    rows = np.insert(np.arange(len(population.cov)), 1, 0)
    cov = population.cov[np.ix_(rows, rows)]
    return GaussianPopulation(cov, population.d_x + 1, population.d_z, population.d_y)


def rescaled(population, seed=1):
    units = 10.0 ** np.random.default_rng(seed).integers(-6, 7, len(population.cov))
    cov = population.cov * np.outer(units, units)
    return GaussianPopulation(cov, population.d_x, population.d_z, population.d_y), units


def test_blocks_are_slices_of_the_joint_covariance():
    population = random_population()
    assert (population.block("x", "z") == population.cov[:6, 6:10]).all()
    assert (population.block("y", "x") == population.block("x", "y").T).all()
    with pytest.raises(ValueError):
        population.cov[0, 0] = 2.0


def test_the_caller_keeps_a_writable_covariance():
    cov = np.eye(3)
    population = GaussianPopulation(cov, 1, 1, 1)
    cov[0, 0] = 2.0
    assert population.cov[0, 0] == 1.0


def test_best_linear_solves_the_normal_equations():
    population = random_population()
    A = population.best_linear("z", "x")
    gap = A @ population.block("x", "x") - population.block("z", "x")
    assert np.abs(gap).max() < rounding(population)


def test_conditional_covariance_is_the_schur_complement_of_the_inverse():
    population = random_population()
    rest = np.linalg.inv(np.linalg.inv(population.cov)[:10, :10])
    assert np.abs(population.conditional("x", "z", "y") - rest[:6, 6:]).max() < rounding(population)


def test_whitened_blocks_reproduce_the_explained_covariance():
    population = random_population()
    M = population.best_linear("y", "x") @ population.block("x", "y")
    assert np.abs(population.K_y.T @ population.K_y - M).max() < rounding(population)
    assert np.isclose(population.floor, np.trace(population.conditional("y", "y", "x")))


def test_bases_split_the_whitened_space():
    population = latent_population(2, 3)
    assert population.U.shape == (24, 2) and population.V.shape == (24, 5)
    assert population.m == 19 and population.N.shape == (24, 19)
    assert np.abs(population.N.T @ population.K_z).max() < rounding(population)
    assert np.abs(population.N.T @ population.U).max() < rounding(population)


def test_a_copied_input_changes_nothing_but_the_width():
    population = random_population()
    double = copied(population)
    assert (double.d_x, double.rank_x, double.m) == (7, 6, population.m)
    assert np.isclose(double.floor, population.floor, rtol=rounding(population), atol=0)
    for target in "zy":
        predicted = [
            p.best_linear(target, "x") @ p.block("x", target) for p in (population, double)
        ]
        assert np.abs(predicted[0] - predicted[1]).max() < rounding(population)


def test_a_constant_input_is_allowed():
    cov = np.zeros((4, 4))
    cov[1:, 1:] = [[2.0, 1.0, 0.5], [1.0, 2.0, 0.5], [0.5, 0.5, 1.0]]
    population = GaussianPopulation(cov, 2, 1, 1)
    assert population.rank_x == 1
    assert np.isclose(population.floor, 1 - 0.5**2 / 2)


def test_units_change_nothing_but_units():
    population = latent_population(2, 3, rng=2)
    other, units = rescaled(population)
    assert other.rank_x == population.rank_x and other.m == population.m
    assert other.U.shape == population.U.shape and other.V.shape == population.V.shape
    d_x, d_z = population.d_x, population.d_z
    A = other.best_linear("z", "x") / units[d_x : d_x + d_z, None] * units[:d_x]
    assert np.abs(A - population.best_linear("z", "x")).max() < rounding(population)


def test_sampling_has_the_stated_covariance_even_when_singular():
    population = copied(random_population(3, 2, 1))
    n = 20_000
    rows = np.concatenate(population.sample(n, rng=0), axis=1)
    assert np.abs(rows[:, 0] - rows[:, 1]).max() < rounding(population)
    assert rank_of(rows) == 6
    cov = population.cov
    # Isserlis: Var of x_i x_j is cov_ii cov_jj + cov_ij^2.
    spread = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / n)
    assert (np.abs(rows.T @ rows / n - cov) < Z * spread).all()
    assert (np.abs(rows.T @ rows / n - 1.3 * cov) > Z * spread)[np.diag_indices(7)].all()


def rank_of(rows):
    return np.linalg.matrix_rank(rows / rows.std(axis=0))


def test_samples_are_gaussian():
    x, _, y = random_population().sample(5000, rng=1)
    for values in (x[:, 0], y[:, 1]):
        assert stats.kstest(values / values.std(), "norm").pvalue > 1e-6 / COMPARISONS


def test_same_seed_same_bits():
    population = random_population()
    first, second = (population.sample(5, rng=3) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (population.sample(5, rng=4)[0] != first[0]).any()


def test_latent_family_switches_do_what_they_say():
    def ci(population):
        return np.abs(population.conditional("x", "z", "y")).max()

    assert ci(latent_population(s_to_z=0.0)) < 1e3 * EPS
    assert ci(latent_population()) > 0.1
    independent = latent_population(y_to_z=[1.0, 0.0])
    assert np.linalg.matrix_rank(independent.block("z", "y")) == 1
    member = latent_population()
    tilted = latent_population(mix=1.0)
    for population, inside in [(member, True), (tilted, False)]:
        M_z = population.K_z @ population.K_z.T
        leaves = M_z @ population.U - population.U @ (population.U.T @ M_z @ population.U)
        assert (np.abs(leaves).max() < 1e3 * EPS) == inside


def test_latent_family_explains_y_as_its_loadings_say():
    # x_1 = B_y y + e with orthonormal columns of length 2: Var[y | x] = 1 / (1 + 4) each.
    assert np.isclose(latent_population(2, 3).floor, 2 / 5, rtol=1e3 * EPS)


def test_lee_mixture_moments_match_samples_and_alpha_breaks_independence():
    mixture = lee_mixture(3, 0.5, d_x=4, d_z=6)
    x, z, labels = mixture.sample(20_000, rng=0)
    y = mixture.one_hot(labels)
    rows = np.concatenate([x, z, y], axis=1)
    rows -= rows.mean(axis=0)
    products = rows[:, :, None] * rows[:, None, :]
    error = products.std(axis=0, ddof=1) / np.sqrt(len(rows))
    gap = np.abs(products.mean(axis=0) - mixture.moments().cov)
    # The sample mean was subtracted: a bias of cov / n, far below the standard error.
    assert (gap <= Z * error + np.abs(mixture.moments().cov) / len(rows)).all()
    assert np.abs(lee_mixture(3, 0.0).within(1)).max() == 0
    assert np.allclose(mixture.within(1), 0.5 * np.eye(4, 6), atol=0)


def test_posterior_is_the_conditional_mean_of_the_one_hot_label():
    mixture = MixturePopulation(
        [0.3, 0.7], [[0.0, 0], [1, 1]], [[0.0], [1]], [np.eye(3), 2 * np.eye(3)]
    )
    x, _, labels = mixture.sample(20_000, rng=0)
    P = mixture.posterior(x)
    density = [
        w * stats.multivariate_normal.pdf(x, mean, cov[:2, :2])
        for w, mean, cov in zip(mixture.weights, mixture.mean_x, mixture.cov, strict=True)
    ]
    assert np.allclose(P, np.transpose(density) / np.sum(density, axis=0)[:, None], rtol=1e-12)
    residual = (mixture.one_hot(labels) - P)[:, 0]
    for weight in (np.ones(len(x)), x[:, 0], x[:, 1] ** 2):
        moment = residual * weight
        assert abs(moment.mean()) < Z * moment.std(ddof=1) / np.sqrt(len(x))


def singular_mixture():
    return MixturePopulation([1.0], [[0.0, 0.0]], [[0.0]], [np.diag([1.0, 0.0, 1.0])])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianPopulation(np.eye(3), 0, 2, 1), "d_x must be a positive integer, got 0"),
        (lambda: GaussianPopulation(np.eye(3), 1, 1, 2), "cov must be 4 by 4"),
        (lambda: GaussianPopulation(-np.eye(3), 1, 1, 1), "cov must be positive semidefinite"),
        (lambda: GaussianPopulation(np.full((3, 3), np.nan), 1, 1, 1), "cov must be finite"),
        (lambda: GaussianPopulation(np.ones(3), 1, 1, 1), "cov must have 2 axes"),
        (lambda: random_population().block("x", "w"), "b must be one of x, z, y, got 'w'"),
        (lambda: random_population().block("xz", "x"), "a must be one of x, z, y, got 'xz'"),
        (lambda: random_population().block(np.eye(2), "x"), "a must be one of x, z, y"),
        (lambda: random_population().best_linear("x", None), "given must be one of x, z, y"),
        (lambda: random_population().best_linear(1, "x"), "target must be one of x, z, y"),
        (lambda: random_population().conditional("x", "z", 0), "given must be one of x, z, y"),
        (lambda: random_population().in_units_of_sd(np.eye(2), "z"), "K must have 4 columns"),
        (lambda: random_population().in_units_of_sd(np.eye(4), []), "name must be one of"),
        (lambda: random_population().whitened(np.eye(2)), "A must have 6 columns"),
        (lambda: random_population().sample(0), "n must be a positive integer, got 0"),
        (lambda: latent_population(0), "d_y must be a positive integer"),
        (lambda: latent_population(dims_x=(1, 2)), "dims_x must hold 3 block sizes, got 2"),
        (lambda: latent_population(dims_x=3), "dims_x must hold 3 block sizes"),
        (lambda: latent_population(dims_x=(0, 2, 2)), r"dims_x\[0\] must be a positive integer"),
        (lambda: latent_population(dims_z=(3, -1)), r"dims_z\[1\] must be an integer of at least"),
        (lambda: latent_population(y_to_x=[1.0] * 3), "y_to_x must be one number or 2"),
        (lambda: latent_population(s_to_z=np.nan), "s_to_z must be finite"),
        (lambda: latent_population(mix="a"), "mix must be a number"),
        (lambda: lee_mixture(0), "k must be a positive integer"),
        (lambda: lee_mixture(2, 1.5), "alpha must be at least 0 and at most 1, got 1.5"),
        (lambda: lee_mixture(2).sample(-1), "n must be a positive integer"),
        (lambda: lee_mixture(2).within(2), "label must be at most 1, got 2"),
        (lambda: lee_mixture(2).one_hot([-1]), r"labels must lie in 0..1, got -1..-1"),
        (lambda: lee_mixture(2).one_hot([0.5]), "labels must be whole numbers, got 0.5"),
        (lambda: lee_mixture(2).posterior(np.ones((1, 3))), "x must have 50 columns"),
        (lambda: singular_mixture().posterior(np.ones((1, 2))), r"cov\[0\] must have a definite"),
        (
            lambda: MixturePopulation([0.5, 0.6], np.eye(2), np.eye(2), [np.eye(4)] * 2),
            "weights must be positive and sum to 1",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(3), np.eye(2), [np.eye(4)] * 2),
            "mean_x must have 2 rows",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(2), np.eye(2), [np.eye(4)]),
            "cov must hold 2 matrices",
        ),
        (
            lambda: MixturePopulation([1.0], [[0.0]], [[0.0]], [[[1, 2], [2, 1]]]),
            r"cov\[0\] must be positive semidefinite",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
