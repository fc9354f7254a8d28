"""The pipeline on given inputs: what is drawn, what is kept, and what a seed decides."""

import numpy as np
import pytest

from sslboost.core.linalg import whitening
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import members, pipeline, random_minimiser, solve_batch
from sslboost.representation.risk import residual_cov

EPS = np.finfo(float).eps
INF = np.inf
POPULATION = latent_population(2, 2, dims_x=(3, 3, 2), dims_z=(2, 3))
RAW = pipeline.raw_inputs(POPULATION)
LIMIT = pipeline.sample_pretext(RAW, INF)


def test_a_pretext_sample_has_the_moments_of_its_rows():
    rng = np.random.default_rng(0)
    X, Z, _ = POPULATION.sample(50, rng)
    found = pipeline.Pretext.of_sample(X, Z)
    K = found.white.unwhiten(found.K_z)  # cov_xx^{-1} cov_xz
    fitted = np.linalg.lstsq(X, Z, rcond=None)[0]
    assert np.abs(K - fitted).max() <= 1e3 * EPS * np.linalg.cond(X) ** 2
    assert found.variance == pytest.approx(np.sum(Z**2) / 50)
    A = rng.standard_normal((2, POPULATION.d_x))
    Q = found.seen(A)
    explained = np.sum((Q.T @ found.K_z) ** 2)
    f = X @ A.T
    assert explained == pytest.approx(
        np.sum((f @ np.linalg.lstsq(f, Z, rcond=None)[0]) ** 2) / 50, rel=1e-9
    )


def test_the_rounding_of_a_constant_is_no_input():
    X, Z, _ = POPULATION.sample(50, 0)
    constants = np.full((50, 1), 0.1 + 0.2 - 0.3), np.full((50, 1), 3e-17)
    found = pipeline.Pretext.of_sample(np.hstack([X, constants[0]]), np.hstack([Z, constants[1]]))
    plain = pipeline.Pretext.of_sample(X, Z)
    assert found.white.rank == plain.white.rank == POPULATION.d_x
    assert np.abs(found.K_z[:, -1]).max() == 0
    assert found.variance == plain.variance


@pytest.mark.parametrize("s", [1e-12, 1.0, 1e12])
def test_what_f_sees_depends_on_no_unit_of_its_outputs(s):
    rng = np.random.default_rng(1)
    A = rng.standard_normal((3, POPULATION.d_x)) * np.array([[1], [s], [1 / s]])
    assert LIMIT.seen(A).shape == (POPULATION.rank_x, 3)
    features = pipeline.representation(RAW, LIMIT, A.T)
    assert features.shape == (POPULATION.d_x, 3)
    twice = pipeline.representation(RAW, LIMIT, np.vstack([A, A[:1] + A[1:2] / s]).T)
    assert twice.shape == (POPULATION.d_x, 3)


def test_what_cancels_is_not_seen():
    cov = np.kron([[1, 1], [1, 1]], np.eye(2))  # every input twice
    root = np.vstack([np.eye(2), np.eye(2), np.ones((1, 2)) / 2])
    joint = np.block([[cov, root[:4] @ root[4:].T], [root[4:] @ root[:4].T, np.eye(1)]])
    joint = np.block([[joint, np.zeros((5, 1))], [np.zeros((1, 5)), np.eye(1)]])
    population = GaussianPopulation(joint, 4, 1, 1)
    pretext = pipeline.sample_pretext(pipeline.raw_inputs(population), INF)
    assert pretext.seen([[1.0, 0.3, -1.0, -0.3]]).shape == (2, 0)
    assert pretext.seen([[1.0, 0.3, -1.0, -0.3 + 1e-6]]).shape == (2, 1)


def test_a_faint_link_with_z_is_a_representation_and_rounding_is_none():
    """Canonical correlations of 1e-6 are seen; a rank tolerance of 1e-3 would drop them."""
    faint = np.eye(4)
    faint[0, 2] = faint[2, 0] = 1e-6
    faint[0, 3] = faint[3, 0] = 0.5
    for cov, kept in [(faint, 1), (np.where(faint == 1e-6, 1e-13, faint), 0)]:
        inputs = pipeline.raw_inputs(GaussianPopulation(cov, 2, 1, 1))
        pretext = pipeline.sample_pretext(inputs, INF)
        assert pipeline.representation(inputs, pretext, np.eye(2)).shape == (2, kept)


def test_a_constant_z_is_no_part_of_a_representation():
    cov = np.diag([1.0, 1, 0, 1, 1])
    cov[0, 3] = cov[3, 0] = cov[0, 4] = cov[4, 0] = 0.5
    inputs = pipeline.raw_inputs(GaussianPopulation(cov, 2, 2, 1))
    pretext = pipeline.sample_pretext(inputs, INF)
    assert pipeline.representation(inputs, pretext, np.eye(2)).shape == (2, 1)


def test_dependent_features_have_the_risk_of_their_span():
    rng = np.random.default_rng(2)
    A = rng.standard_normal((2, POPULATION.d_x))
    exact = np.trace(residual_cov(POPULATION, A))
    wide = np.vstack([A, A.sum(axis=0), 1e9 * A[0]])
    assert pipeline.downstream_risk(RAW, wide.T, INF, None) == pytest.approx(exact, rel=1e-9)
    drawn = [pipeline.downstream_risk(RAW, F.T, 40, 3) for F in (A, wide)]
    assert drawn[0] == pytest.approx(drawn[1], rel=1e-9)
    nothing = np.zeros((POPULATION.d_x, 0))
    for n2 in (5, INF):
        risk = pipeline.downstream_risk(RAW, nothing, n2, 0)
        assert risk == pytest.approx(np.trace(POPULATION.block("y", "y")))


def drawn_sample(seed):
    return pipeline.sample_pretext(RAW, 40, seed).K_z


def searched(seed):
    x, _, y = POPULATION.sample(9, 0)
    X = POPULATION.whitening.whiten(x.T).T
    return solve_batch(
        X[None], y[None], POPULATION.K_z, 0.1, restarts=3, structured=False, rng=seed
    ).runs


@pytest.mark.parametrize(
    "drawn",
    [
        drawn_sample,
        searched,
        lambda seed: pipeline.downstream_risk(RAW, np.eye(8), 30, seed),
        lambda seed: random_minimiser(POPULATION, 3, 0.1, seed),
        lambda seed: members.random_member(rng=seed).cov,
        lambda seed: members.survey([POPULATION], (0.1, 0.9), rng=seed).c1,
        lambda seed: RAW.draw(3, seed)[0],
        lambda seed: pipeline.relu_inputs(POPULATION, np.eye(2, 8)).draw(3, seed)[0],
    ],
    ids=["pretext", "starts", "labels", "minimiser", "member", "survey", "rows", "units"],
)
def test_a_seed_decides_what_is_drawn(drawn):
    assert np.array_equal(drawn(5), drawn(5))
    assert np.array_equal(drawn(5), drawn(np.random.default_rng(5)))
    assert not np.array_equal(drawn(5), drawn(6))


def broken(rows):
    return pipeline.Inputs(POPULATION, lambda n, rng: rows)


x_3, z_3, y_3 = POPULATION.sample(3, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pipeline.raw_inputs(None), "population must be a GaussianPopulation"),
        (lambda: pipeline.Inputs(POPULATION, 3), "sample must be callable, got int"),
        (lambda: pipeline.Inputs(3, len), "law must be a GaussianPopulation, got int"),
        (lambda: pipeline.Pretext(None, LIMIT.K_z, 1.0), "white must be a Whitening"),
        (lambda: pipeline.Pretext(LIMIT.white, LIMIT.K_z[1:], 1.0), "K_z must have 8 rows"),
        (lambda: pipeline.Pretext(LIMIT.white, LIMIT.K_z, -1.0), "variance must be at least 0"),
        (lambda: LIMIT.seen(np.ones((1, 3))), "A must have 8 columns"),
        (lambda: broken(3).draw(3), r"sample must return rows of \(x, z, y\), got int"),
        (lambda: broken((x_3, z_3)).draw(3), "sample must return rows"),
        (lambda: broken((x_3, z_3, y_3)).draw(4), "x of sample must have 4 rows"),
        (lambda: broken((x_3, y_3, y_3)).draw(3), "z of sample must have 5 columns"),
        (lambda: broken((x_3, z_3, None)).draw(3), "y of sample must be a numeric array"),
        (lambda: RAW.draw(0), "n must be a positive integer"),
        (lambda: RAW.draw(3, "seed"), "rng must be a numpy.random.Generator"),
        (lambda: pipeline.relu_inputs(POPULATION, np.ones((2, 3))), "V must have 8 columns"),
        (lambda: pipeline.relu_inputs(POPULATION, np.zeros((0, 8))), "number of rows of V"),
        (lambda: pipeline.relu_inputs(POPULATION, np.eye(9, 8)), "V must have rows .* on row 8"),
        (lambda: pipeline.sample_pretext(RAW, 8), "n1 must be an integer of at least 9"),
        (lambda: pipeline.sample_pretext(RAW, np.full(2, INF)), "n1 must be an integer"),
        (lambda: pipeline.sample_pretext(POPULATION, 90), "inputs must be a Inputs"),
        (lambda: pipeline.representation(RAW, POPULATION, np.eye(8)), "pretext must be a Pretext"),
        (lambda: pipeline.representation(RAW, LIMIT, np.eye(7)), "A must have 8 rows"),
        (lambda: pipeline.downstream_risk(RAW, np.eye(7), 9, 0), "features must have 8 rows"),
        (lambda: pipeline.downstream_risk(RAW, np.eye(8), 10**18, 0), "n2 must be at most"),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_pretext_keeps_its_own_memory():
    K = LIMIT.K_z.copy()
    kept = pipeline.Pretext(whitening(POPULATION.block("x", "x")), K, 1.0)
    K[:] = 0
    assert np.array_equal(kept.K_z, LIMIT.K_z)
    with pytest.raises(ValueError, match="read-only"):
        kept.K_z[0] = 1
