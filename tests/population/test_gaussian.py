"""The joint law: blocks, conditionals, predictors, invariances, sampling."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import stats

from sslboost.population import GaussianPopulation, latent_population

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


@pytest.mark.parametrize("near", [1e-6, 1e-9])
def test_a_nearly_singular_input_keeps_its_rank_and_its_predictions(near):
    """x2 = x1 + sqrt(near) e, and y = e: all of y is in the difference of two near copies."""
    root = np.array([[1.0, 0, 0], [1.0, np.sqrt(near), 0], [1.0, 0, 1.0], [0, 1.0, 0]])
    population = GaussianPopulation(root @ root.T, 2, 1, 1)
    assert (population.rank_x, population.m, population.U.shape) == (2, 1, (2, 1))
    rounding = 10 * EPS / near
    assert population.best_linear("y", "x")[0] * np.sqrt(near) == pytest.approx(
        [-1, 1], rel=rounding
    )
    assert population.floor < rounding
    assert population.conditional("y", "y", "x")[0, 0] == pytest.approx(0, abs=rounding)
    # With a copy on top the covariance is singular, and its rank is found by eigenvalues.
    double = copied(population)
    assert (double.rank_x, double.m) == (2, 1)
    x, _, y = double.sample(50, rng=0)
    assert np.abs((x[:, 2] - x[:, 0]) / np.sqrt(near) - y[:, 0]).max() < 1e2 * EPS / near
    assert double.floor < 1e3 * rounding


def test_what_is_below_the_tolerance_is_a_copy():
    near = 1e-13
    cov = np.array([[1, 1 - near, 0.5, 0], [1 - near, 1, 0.5, 0], [0.5, 0.5, 1, 0], [0, 0, 0, 1]])
    assert GaussianPopulation(cov, 2, 1, 1).rank_x == 1


@pytest.mark.parametrize("link", [1e-3, 1e-8])
def test_a_faint_link_is_a_direction(link):
    cov = np.eye(5)
    cov[0, 2] = cov[2, 0] = cov[1, 3] = cov[3, 1] = link
    cov[0, 4] = cov[4, 0] = link
    population = GaussianPopulation(cov, 2, 2, 1)
    assert (population.V.shape[1], population.m, population.U.shape[1]) == (2, 0, 1)
    fainter = cov.copy()
    fainter[1, 3] = fainter[3, 1] = 1e-12
    assert GaussianPopulation(fainter, 2, 2, 1).m == 1


def test_the_noise_is_what_x_leaves_of_y():
    population = random_population()
    rest = population.conditional("y", "y", "x")
    assert np.abs(population.noise - rest).max() < rounding(population)
    assert population.floor == np.trace(population.noise)
    # Nor is there anything to explain in a constant.
    constant = GaussianPopulation(np.diag([1.0, 1.0, 0.0, 2.0]), 1, 1, 2)
    assert constant.noise == pytest.approx(np.diag([0.0, 2.0]), rel=2 * EPS, abs=0)
    # y2 is a sum of inputs, so that nothing is left of it, exactly or by rounding.
    root = np.random.default_rng(1).standard_normal((5, 6))
    rows = np.concatenate([root, root[:1] + root[1:2]])
    determined = GaussianPopulation(rows @ rows.T, 3, 1, 2)
    assert np.linalg.eigvalsh(determined.noise).min() >= -EPS * np.trace(determined.cov)
    assert abs(determined.noise[1, 1]) < rounding(random_population())
    assert determined.noise[0, 0] > 0.1


def test_columns_in_units_of_standard_deviations():
    cov = np.diag([1.0, 0.25, 4.0, 0.0, 1.0])
    population = GaussianPopulation(cov, 1, 3, 1)
    K = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]])
    expected = [[2.0, 0.5, 0.0], [4.0, 1.0, 0.0]]
    assert np.array_equal(population.in_units_of_sd(K, "z"), expected)


def test_coefficients_on_whitened_inputs_reproduce_the_covariance_of_a_processor():
    population = random_population()
    A = np.random.default_rng(2).standard_normal((3, 6))
    for law, B in [(population, A), (copied(population), np.insert(A, 1, 0, axis=1))]:
        C, size = law.whitened(B)
        exact = B @ law.block("x", "x") @ B.T
        assert np.abs(C.T @ C - exact).max() < 1e3 * EPS * np.abs(exact).max()
        cross = C.T @ law.K_z - B @ law.block("x", "z")
        assert np.abs(cross).max() < rounding(population)
        assert size == pytest.approx(np.abs(B) @ np.sqrt(np.diag(law.block("x", "x"))))


def test_nobody_else_can_change_a_population():
    population, singular = random_population(), copied(random_population())
    for law in (population, singular):
        white = law.whitening
        kept = [law.cov, law.block("x", "z"), law.K_y, law.K_z, law.U, law.V, law.N, law.noise]
        for array in [*kept, white.factor, white.root]:
            with pytest.raises(ValueError, match="read-only"):
                array += 1.0
    with pytest.raises(FrozenInstanceError):
        population.cov = np.eye(12)
    assert population == population and population != random_population()
    assert len({population, population}) == 1
    rows = population.sample(3, rng=0)
    rows[0][:] = 0.0
    assert population.sample(3, rng=0)[0].any()


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
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
