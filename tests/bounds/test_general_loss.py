"""Gaussian expectations of general losses and the margin of Theorem 3."""

import numpy as np
import pytest
from scipy import stats

from sslboost.bounds import general_loss
from sslboost.bounds.general_loss import LOSSES, GeneralLoss, expected_increase, margin
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor.empirical import certificate_solution

POPULATION = latent_population(2, 2, dims_x=(3, 3, 10), dims_z=(2, 2))
Z = stats.norm.isf(1e-6 / 40)
SIZES = "d_x", "d_z", "d_y"


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_strictly_increasing_and_even(name):
    loss = LOSSES[name]
    r = np.linspace(0, 4, 401)
    assert (np.diff(loss.g(r)) > 0).all() and np.isfinite(loss.g(r)).all()
    R = np.random.default_rng(0).standard_normal((50, 3))
    assert loss(-R) == pytest.approx(loss(R))
    assert loss.norm(2.5 * R) == pytest.approx(2.5 * loss.norm(R))


@pytest.mark.parametrize("name", LOSSES)
def test_margin_is_positive(name):
    found = margin(POPULATION, LOSSES[name], 0.3, n=40_000, rng=1)
    assert found.value > Z * found.standard_error


def test_squared_margin_is_the_explained_variance():
    found = margin(POPULATION, LOSSES["squared"], 0.3, n=40_000, rng=1)
    exact = 0.3 * np.sum((POPULATION.U.T @ POPULATION.K_z) ** 2)
    assert abs(found.value - exact) < Z * found.standard_error
    assert abs(found.value - 0.5 * exact) > Z * found.standard_error


def test_absolute_increase_in_one_dimension_is_exact():
    found = expected_increase(GeneralLoss(lambda r: r), [[1.0]], [[3.0]], n=100_000, rng=2)
    assert abs(found.value - np.sqrt(2 / np.pi)) < Z * found.standard_error


def test_the_standard_error_is_that_of_a_mean():
    """Its square is unbiased for the variance of the estimate over fresh draws."""
    n, repetitions = 2, 3000
    found = [
        expected_increase(LOSSES["saturating 1 − exp(−r²)"], [[1.0]], [[1.0]], n=n, rng=seed)
        for seed in range(repetitions)
    ]
    values = np.array([one.value for one in found])
    errors = np.array([one.standard_error for one in found]) ** 2
    ratio = errors.mean() / values.var(ddof=1)
    # Of both factors, from their own spread.
    spread = np.hypot(
        errors.std() / errors.mean(), ((values - values.mean()) ** 2).std() / values.var()
    ) / np.sqrt(repetitions)
    assert abs(ratio - 1) < Z * spread
    assert abs(ratio * (n - 1) / n - 1) > Z * spread  # the divisor n is told apart


def test_a_seed_decides_the_draws():
    a, b, c = (margin(POPULATION, LOSSES["absolute"], n=50, rng=seed).value for seed in (1, 1, 2))
    assert a == b != c


def test_z_that_is_explained_fully_has_a_margin():
    """What is left of z is rounding, of either sign, and still a covariance."""
    root = np.array([[1.0, 0, 0], [0, 1, 0], [3, 0.1, 0], [0.7, 0.3, 0], [3, 0.1, 1]])
    population = GaussianPopulation(root @ root.T, 2, 2, 1)
    found = margin(population, LOSSES["squared"], A=np.eye(2), n=20_000, rng=0)
    assert abs(found.value - np.trace(population.block("z", "z"))) < Z * found.standard_error


def test_a_remainder_that_is_rounding_is_nothing():
    cov = np.diag([1.0, 2.0])
    part = np.diag([1.0 + 4 * np.finfo(float).eps, 0.5])
    left, half = general_loss._remainder(cov, part), general_loss._remainder(cov, cov / 2)
    assert left[0, 0] == 0
    rounding = 8 * np.finfo(float).eps
    np.testing.assert_allclose(left, np.diag([0.0, 1.5]), rtol=rounding)
    np.testing.assert_allclose(half, cov / 2, rtol=rounding)


def test_hubers_loss_is_square_up_to_one_and_linear_beyond():
    residuals = np.array([[0.3, 0.4], [0.6, 0.8], [3.0, 4.0], [0.0, 0.0]])  # 0.5, 1, 5 and 0 long
    np.testing.assert_allclose(LOSSES["Huber"](residuals), [0.125, 0.5, 4.5, 0.0], rtol=1e-15)


@pytest.mark.parametrize("s", [1e-12, 1e12])
def test_the_extra_loss_does_not_depend_on_units(s):
    rng = np.random.default_rng(7)
    x, _, y = POPULATION.sample(30, rng)
    A = rng.standard_normal((3, 16))
    units = np.where(np.arange(16) % 2, s, 1 / s)
    loss = LOSSES["Huber"]
    plain = general_loss.extra_loss(A, x, y, loss)
    scaled = general_loss.extra_loss(A / units * np.array([[1], [s], [1 / s]]), x * units, y, loss)
    assert scaled == pytest.approx(plain, rel=1e-9)
    assert general_loss.extra_loss(A[:2], x, y, loss) > plain + 1e-3


def test_mahalanobis_does_not_depend_on_units():
    cov = POPULATION.block("z", "z")
    R = np.random.default_rng(3).standard_normal((7, 4))
    units = np.array([1e-3, 1, 10, 1e4])
    a = general_loss.mahalanobis(cov)(R)
    b = general_loss.mahalanobis(cov * np.outer(units, units))(R * units)
    assert a == pytest.approx(b)
    assert a == pytest.approx(np.einsum("ni,ni->n", R, np.linalg.solve(cov, R.T).T))


def test_blind_processor_has_no_margin_and_interpolates():
    x, _, y = POPULATION.sample(POPULATION.m, 4)
    A = certificate_solution(POPULATION, x, y)
    found = margin(POPULATION, LOSSES["absolute"], A=A, n=1000, rng=5)
    assert abs(found.value) < 1e-10
    assert general_loss.extra_loss(A, x, y, LOSSES["absolute"]) < 1e-8
    best = POPULATION.best_linear("y", "x")
    assert general_loss.extra_loss(best, x, y, LOSSES["absolute"]) > 1e-3


def _law_with(cov_xy, cov_xz, cov_yz):
    """Six standard inputs, one label and one pretext label of variance 2."""
    cov = 2 * np.eye(8)
    cov[:6, :6] = np.eye(6)
    cov[:6, 6], cov[:6, 7], cov[6, 7] = cov_xz, cov_xy, cov_yz
    return GaussianPopulation(np.triu(cov) + np.triu(cov, 1).T, 6, 1, 1)


def test_a_label_that_shares_with_z_only_what_x_does_not_tell_has_no_margin():
    """What counts is U' K_z and not Cov[y, z]: an interpolant beside y_hat meets (C2) for free."""
    inputs = np.eye(6)
    law = _law_with(inputs[0], inputs[1], 0.8)
    assert law.block("y", "z")[0, 0] == 0.8
    assert margin(law, LOSSES["absolute"], rng=0, n=100).value == 0
    x, _, y = law.sample(4, 0)
    both = np.vstack([certificate_solution(law, x, y), law.best_linear("y", "x")])
    assert general_loss.extra_loss(both, x, y, LOSSES["absolute"]) < 1e-8
    assert np.abs(general_loss.explained_cov(law, both)).max() < 1e-20
    seen = _law_with(inputs[0], inputs[0], 0.8)  # control: z tells of the label's direction
    assert margin(seen, LOSSES["absolute"], rng=0, n=1000).value > 0.1


@pytest.mark.parametrize("name", LOSSES)
def test_the_margin_is_positive_where_x_tells_all_of_z(name):
    """Cov[z | x] is 0, and that of z - E[z | y_hat] singular."""
    T, z = np.eye(len(POPULATION.cov)), slice(POPULATION.d_x, POPULATION.d_x + POPULATION.d_z)
    T[z] = POPULATION.best_linear("z", "x") @ T[: POPULATION.d_x]
    law = GaussianPopulation(T @ POPULATION.cov @ T.T, *(getattr(POPULATION, k) for k in SIZES))
    assert np.abs(law.conditional("z", "z", given="x")).max() < 1e-12
    found = margin(law, LOSSES[name], n=40_000, rng=1)
    assert found.value > Z * found.standard_error


@pytest.mark.parametrize("name", ["squared", "absolute"])
def test_off_centre_a_head_reads_z_from_what_is_independent_of_it(name):
    """The head on a blind f with mean 1 tells the mean of z, so that "centred" is needed."""
    rng, g = np.random.default_rng(8), LOSSES[name].g
    blind, z = 1 + rng.standard_normal(50_000), rng.standard_normal(50_000)

    def least(mean):
        return min(g(np.abs(z + mean - w * blind)).mean() for w in np.linspace(0, mean, 21))

    assert least(5.0) < 0.7 * g(np.abs(z + 5)).mean()
    assert least(0.0) == g(np.abs(z)).mean()


def test_without_gaussians_keeping_the_label_can_be_paid_more_than_blindness():
    """Each with its own best head, over a grid: that of a blind f need not be 0 then.

    z = (e_1, e_2 + s y_hat) with random signs, the l1 norm and a g that is nearly a step.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(121)
    u, v = (part.ravel() for part in np.meshgrid(nodes, nodes))
    mass = np.outer(weights, weights).ravel() / weights.sum() ** 2
    heads = [(p, q) for p in np.linspace(-1.2, 1.2, 13) for q in np.linspace(-1.2, 1.2, 13)]

    def paid(s, first, second, f):
        z = [(e, d + s * u) for e in (-1, 1) for d in (-1, 1)]
        sizes = [np.abs(a + first * f) + np.abs(b + second * f) for a, b in z]
        return np.mean([mass @ -np.expm1(-(size**8) / 20) for size in sizes])

    blind, keeping = (min(paid(0.6, *head, f) for head in heads) for f in (v, u))
    nothing = paid(0.6, 0, 0, u)
    assert nothing - keeping > 0.02  # the margin of the formula is positive
    assert blind < keeping - 0.02  # and yet the blind processor is paid less


def test_dropping_monotonicity_turns_the_margin_around():
    redescending = GeneralLoss(lambda r: r**2 * np.exp(-(r**2)))
    found = margin(POPULATION, redescending, n=40_000, rng=6)
    assert found.value < -Z * found.standard_error
    negative = margin(POPULATION, LOSSES["absolute"], -1.0, n=40_000, rng=6)
    assert negative.value < -Z * negative.standard_error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: margin(POPULATION, LOSSES["squared"], np.nan), "lam must"),
        (lambda: margin(3, LOSSES["squared"]), "population must be a GaussianPopulation"),
        (lambda: margin(POPULATION, np.square), "loss must be a GeneralLoss, got ufunc"),
        (lambda: margin(POPULATION, LOSSES["squared"], rng="a"), "rng must be"),
        (lambda: general_loss.explained_cov(None), "population must be"),
        (lambda: general_loss.mahalanobis(np.eye(2), 3), "g must be callable"),
        (lambda: general_loss.mahalanobis(np.eye(2))(np.ones((3, 3))), "residuals must have 2"),
        (lambda: GeneralLoss(3), "g must be callable"),
        (lambda: GeneralLoss(np.square, None), "norm must be callable"),
        (lambda: GeneralLoss()(3.0), "residuals must have coordinates"),
        (lambda: GeneralLoss()(["a"]), "residuals must be a numeric array"),
        (lambda: GeneralLoss(lambda r: "loss")(np.ones((2, 2))), "values of g and norm must"),
        (lambda: GeneralLoss(np.sum)(np.ones((2, 2))), "g and norm must return one number"),
        (lambda: general_loss.extra_loss(np.eye(2), np.eye(2), np.eye(2), 3), "loss must be"),
        (lambda: margin(POPULATION, LOSSES["squared"], n=1), "n must"),
        (lambda: margin(POPULATION, LOSSES["squared"], A=np.ones((1, 3))), "A must"),
        (lambda: expected_increase(LOSSES["squared"], -np.eye(2), np.eye(2)), "small must"),
        (lambda: expected_increase(LOSSES["squared"], np.eye(2), np.eye(3)), "extra must"),
        (lambda: general_loss.mahalanobis(np.ones((2, 2))), "cov must be definite"),
        (
            lambda: general_loss.extra_loss(
                np.ones((1, 2)), np.ones((3, 2)), np.ones((4, 1)), LOSSES["squared"]
            ),
            "same number of rows",
        ),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
