"""Theorem 2: the certificate below the threshold, and what each assumption is for."""

import numpy as np
import pytest

from sslboost.bounds import model_free
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import lambda_star
from sslboost.representation.risk import whitened_span

SIZES = {"d_y": 2, "d_s": 3, "dims_x": (4, 4, 12), "dims_z": (3, 4)}
POPULATION = latent_population(**SIZES)
# Residuals are relative to the labels; they grow with the condition number of an n0 by m
# Gaussian matrix, which exceeds 1e6 once in a million draws of a square one.
ROUNDING = (1e6 * 1e3 * np.finfo(float).eps) ** 2


@pytest.mark.parametrize("n0", [1, 2, 10, POPULATION.m])
@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_up_to_m_labels_the_bound_is_attained_and_the_label_lost(n0, spread):
    audit = model_free.audit(POPULATION, 0.1, n0, 100, rng=n0, spread=spread)
    for values in (audit.residual, audit.explained, audit.excess):
        assert values.max() < ROUNDING
    assert np.abs(audit.risk - 1).max() < ROUNDING


@pytest.mark.parametrize("beside", ["N", "anything"])
def test_further_outputs_in_N_are_as_good_and_save_nothing(beside):
    rng = np.random.default_rng(4)
    X, _, Y = POPULATION.sample(POPULATION.m - 3, rng)
    directions = POPULATION.N if beside == "N" else np.eye(POPULATION.rank_x)
    mixed = directions @ rng.standard_normal((directions.shape[1], 2))
    A = np.vstack([model_free.fit_on_N(POPULATION, X, Y), POPULATION.whitening.unwhiten(mixed).T])
    about_z = np.sum((whitened_span(POPULATION, A).T @ POPULATION.K_z) ** 2)
    total = np.trace(POPULATION.block("y", "y"))
    lost = abs(model_free.downstream_risk(POPULATION, A) / total - 1)
    assert (about_z < 1e-12) == (lost < 1e-12) == (beside == "N")


def test_one_label_more_ends_it():
    audit = model_free.audit(POPULATION, 0.1, POPULATION.m + 1, 100, rng=0)
    assert audit.residual.min() > ROUNDING
    assert audit.excess.min() > ROUNDING


def test_every_processor_with_c2_pays_the_margin():
    """The explained variance of z, by regression in the coordinates of x."""
    rng = np.random.default_rng(1)
    yhat = POPULATION.best_linear("y", "x")
    e_z = model_free.explained_by_yhat(POPULATION)
    cov = POPULATION.block
    for extra in range(5):
        A = np.vstack([yhat, rng.standard_normal((extra, POPULATION.d_x))])
        regression = np.linalg.solve(A @ cov("x", "x") @ A.T, A @ cov("x", "z"))
        explained = np.sum(regression * (A @ cov("x", "z")))
        assert explained >= e_z * (1 - 1e-10)
        assert (explained == pytest.approx(e_z, rel=1e-10)) == (extra == 0)
    assert model_free.margin(POPULATION, 0.1) == pytest.approx(0.1 * e_z)


def test_a_pretext_label_drawn_apart_from_y_costs_nothing_only_where_x_shows_all_of_it():
    """x tells y + e and z, or their sum: there z is uncorrelated with y, and not with y_hat."""
    y, z, e = np.eye(3) * [1, 1, 0.3]

    def cost(*x):
        rows = np.stack([*x, z, y])
        return model_free.explained_by_yhat(GaussianPopulation(rows @ rows.T, len(x), 1, 1))

    assert cost(y + e, z) < 1e-28
    assert cost(y + z + e) == pytest.approx(1 / 2.09)


@pytest.mark.parametrize("lam", [0.1, 1.0, 30.0])
def test_for_every_weight_there_is_a_population_of_the_proof(lam):
    """Part 3: lambda is given, so y_to_z is what has to be small, and e_z stays positive."""
    for y_to_z, member in ((0.9 / np.sqrt(lam), True), (1.1 / np.sqrt(lam), False)):
        law = latent_population(2, 2, dims_x=(4, 3, 9), y_to_z=y_to_z, s_to_z=0.0, rng=0)
        assert (lam < lambda_star(law)) == member
        assert model_free.margin(law, lam) > 1e-3 * lam * y_to_z**2


def test_downstream_risk_is_the_head_on_the_representation():
    """Against the pipeline written out in covariances."""
    A = np.random.default_rng(2).standard_normal((2, POPULATION.d_x))
    cov = POPULATION.block
    psi = np.linalg.solve(A @ cov("x", "x") @ A.T, A @ cov("x", "z")).T @ A
    gram, cross = psi @ cov("x", "x") @ psi.T, psi @ cov("x", "y")
    expected = np.trace(cov("y", "y")) - np.sum(cross * (np.linalg.pinv(gram, rcond=1e-8) @ cross))
    assert model_free.downstream_risk(POPULATION, A) == pytest.approx(expected, rel=1e-8)
    assert expected < np.trace(cov("y", "y")) - 1e-3


def test_units_of_x_do_not_matter():
    X, _, Y = POPULATION.sample(10, rng=3)
    A = model_free.fit_on_N(POPULATION, X, Y)
    Q = whitened_span(POPULATION, A)
    Q_scaled = whitened_span(POPULATION, 1e6 * A)
    assert np.abs(Q @ Q.T - Q_scaled @ Q_scaled.T).max() < 1e-10


@pytest.mark.parametrize("s", [1e-12, 1e12])
def test_units_of_single_columns_do_not_matter(s):
    units = np.where(np.arange(POPULATION.d_x) % 2, s, 1 / s)
    everything = np.concatenate([units, np.ones(len(POPULATION.cov) - len(units))])
    cov = POPULATION.cov * np.outer(everything, everything)
    other = GaussianPopulation(cov, POPULATION.d_x, POPULATION.d_z, POPULATION.d_y)
    X, _, Y = POPULATION.sample(10, rng=3)
    for population, unit in [(POPULATION, 1.0), (other, units)]:
        A = model_free.fit_on_N(population, X * unit, Y)
        assert np.abs((X * unit) @ A.T - Y).max() <= 1e-9 * np.abs(Y).max()
        assert model_free.downstream_risk(population, A) == pytest.approx(
            np.trace(POPULATION.block("y", "y")), rel=1e-9
        )
    assert model_free.margin(other, 0.1) == pytest.approx(model_free.margin(POPULATION, 0.1))


def test_a_faint_link_has_a_margin_in_whatever_units_of_z():
    """e_z may be small next to the variance of another z: it is no rounding."""
    cov = np.eye(4)
    cov[0, 1] = cov[1, 0] = cov[0, 3] = cov[3, 0] = 0.5
    units = np.array([1, 1, 1e9, 1])
    faint = GaussianPopulation(cov * np.outer(units, units), 1, 2, 1)
    assert model_free.margin(faint, 2.0) == pytest.approx(2 * 0.25)
    cov[0, 1] = cov[1, 0] = 1e-6
    assert model_free.margin(GaussianPopulation(cov, 1, 2, 1), 1.0) == pytest.approx(1e-12)


def test_an_audit_measures_each_quantity_in_its_units_and_by_its_seed():
    audit = model_free.audit(POPULATION, 0.3, 40, 1, rng=7)
    rng = np.random.default_rng(7)
    X, _, Y = POPULATION.sample(40, rng)
    A = model_free.fit_on_N(POPULATION, X, Y)
    f = X @ A.T
    left = Y - f @ np.linalg.lstsq(f, Y, rcond=None)[0]
    total_y = np.trace(POPULATION.block("y", "y"))
    assert audit.residual[0] == pytest.approx(np.sum(left**2) / 40 / total_y)
    assert audit.excess[0] == pytest.approx(np.sum(left**2) / 40, abs=1e-9)
    assert audit.risk[0] == pytest.approx(1, abs=1e-9)
    again, other = (model_free.audit(POPULATION, 0.3, 40, 1, rng=seed) for seed in (7, 8))
    assert again.residual == audit.residual != other.residual
    free = [model_free.fit_on_N(POPULATION, X[:4], Y[:4], spread=1.0, rng=s) for s in (1, 1, 2)]
    assert np.array_equal(free[0], free[1]) and not np.array_equal(free[0], free[2])


def test_without_a_price_there_is_no_theorem():
    with pytest.raises(ValueError, match=r"^lam must be above 0"):
        model_free.margin(POPULATION, 0.0)
    blind = latent_population(**SIZES, y_to_z=0.0)
    with pytest.raises(ValueError, match="y_hat explain some of z"):
        model_free.margin(blind, 0.1)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("n0", lambda: model_free.audit(POPULATION, 0.1, 0, 1)),
        ("draws", lambda: model_free.audit(POPULATION, 0.1, 3, 0)),
        ("lam", lambda: model_free.audit(POPULATION, -0.1, 3, 1)),
        ("X_extra", lambda: model_free.fit_on_N(POPULATION, np.ones((3, 2)), np.ones((3, 2)))),
        ("population", lambda: model_free.margin(3, 0.1)),
        ("population", lambda: model_free.explained_by_yhat(None)),
        ("A", lambda: model_free.downstream_risk(POPULATION, np.ones((1, 3)))),
        (
            "spread",
            lambda: model_free.fit_on_N(POPULATION, np.ones((3, 20)), np.ones((3, 2)), spread=-1),
        ),
        (
            "X_extra and Y_extra",
            lambda: model_free.fit_on_N(POPULATION, np.ones((3, 20)), np.ones((2, 2))),
        ),
    ],
)
def test_bad_input_is_named(name, call):
    with pytest.raises(ValueError, match=f"^{name} must"):
        call()
