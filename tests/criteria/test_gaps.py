"""(C1), (C2), existence, and the pipeline's exact risk."""

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
    with pytest.raises(ValueError, match="rng must be a"):
        criteria.simulate_pipeline(family(), np.eye(24), 30, 1, rng="seed")


@pytest.mark.parametrize("wrong", [None, "population", np.eye(3), {"cov": np.eye(3)}])
def test_what_is_no_population_is_named(wrong):
    for function in (criteria.ci_defect, criteria.epsilon_ci, criteria.existence_gap):
        with pytest.raises(ValueError, match="population must be a GaussianPopulation, got"):
            function(wrong)
    for function in (criteria.c1_gap, criteria.c2_gap, criteria.pipeline):
        with pytest.raises(ValueError, match="population must be a GaussianPopulation, got"):
            function(wrong, np.eye(24))
    for function in (criteria.c1_gap_per_class, criteria.c1_gap_pooled):
        with pytest.raises(ValueError, match="mixture must be a MixturePopulation, got"):
            function(wrong, np.eye(2))
    with pytest.raises(ValueError, match="population must be a GaussianPopulation, got"):
        criteria.four_processors(population=wrong)
    with pytest.raises(ValueError, match="population must be a GaussianPopulation, got"):
        criteria.simulate_pipeline(wrong, np.eye(24), 30, 1)


def test_simulated_pipeline_draws_from_its_seed_and_from_nothing_else():
    population, A = family(), np.eye(24)
    first, again, other = (
        criteria.simulate_pipeline(population, A, 30, 4, rng=rng) for rng in (1, 1, 2)
    )
    assert np.array_equal(first, again) and (first != other).all()
    assert len(set(first)) == 4
    state = np.random.default_rng(1)
    assert np.array_equal(criteria.simulate_pipeline(population, A, 30, 4, rng=state), first)
    assert (criteria.simulate_pipeline(population, A, 30, 4, rng=state) != first).all()


def unlinked_up_to_rounding():
    """z independent of x by cancellation: cov_xz is nothing but rounding."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    loadings = np.concatenate([Q[:3] * [[1.0], [2.0], [0.3]], Q[3:4], Q[:1] + 0.5 * Q[3:4]])
    return GaussianPopulation(loadings @ loadings.T, 3, 1, 1)


def test_a_representation_of_rounding_is_none():
    population = unlinked_up_to_rounding()
    assert 0 < np.abs(population.block("x", "z")).max() < ROUNDING
    assert criteria.pipeline(population, np.eye(3))[1] == 0
    risks = criteria.simulate_pipeline(population, np.eye(3), 30, 5, rng=0)
    assert risks == pytest.approx(1.25, rel=ROUNDING)  # Var y, as nothing is learned


def test_pipeline_risk_without_subtraction_is_a_covariance_where_y_is_determined():
    rng = np.random.default_rng(34)
    for _ in range(20):
        root = rng.standard_normal((4, 6))
        rows = np.concatenate([root, rng.standard_normal((3, 4)) @ root, root[:2]])
        population = GaussianPopulation(rows @ rows.T, 4, 3, 2)
        R, _ = criteria.pipeline(population, np.eye(4))
        assert np.linalg.eigvalsh(R).min() > -ROUNDING * np.trace(population.block("y", "y"))
        risk.expected_risk(R, 3, 20)


def test_a_gap_close_to_none_is_still_seen():
    """Distances of 1e-6 from (C1) and (C2), well above rounding and below any guess."""
    population = family(leak=1e-6)
    assert 1e-8 < criteria.existence_gap(population) < 1e-6
    with pytest.raises(ValueError, match="existence gap"):
        criteria.four_processors(population)
    nearly = family(s_to_z=1e-6)
    assert set(criteria.four_processors(nearly)) == set(criteria.four_processors(family()))
    assert criteria.pipeline(nearly, np.eye(24))[1] == 8
