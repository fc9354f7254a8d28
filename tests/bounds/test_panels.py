"""The slides' experiments: exact moments, the pipeline against its formulas, reproducibility."""

import numpy as np
import pytest
from scipy import linalg, stats

from sslboost import processor
from sslboost.bounds import panels
from sslboost.core import sweep
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import pipeline
from sslboost.processor.empirical import solve_batch
from sslboost.representation import risk
from sslboost.theorems._theorem import agrees

INF = np.inf
# False-alarm rate of the module's Monte Carlo checks of single entries.
Z = stats.norm.isf(1e-6 / 2000)


def cell(**changes):
    setting = {"n0": 40, "lam": 0.25, "d_f": 2, "n1": INF, "n2": INF, "seeds": 4, "restarts": 0}
    return panels.cell(**setting | changes, rng=np.random.default_rng(0))


def test_the_population_is_a_member_of_s():
    law = panels.population()
    assert (law.d_x, law.d_z, law.d_y, law.m) == (60, 10, 2, 50)
    assert processor.membership(law, 0.25 * processor.lambda_star(law)).holds


def test_moments_of_relu_units_are_those_of_samples():
    law = latent_population(1, 1, dims_x=(2, 2, 1), dims_z=(1, 1))
    V = np.random.default_rng(1).standard_normal((4, law.d_x))
    V[3] = -V[0]  # opposite and equal directions are the ends of the formula
    inputs = pipeline.relu_inputs(law, V)
    n = 100_000
    rows = np.hstack(inputs.sample(n, 2))
    products = rows[:, :, None] * rows[:, None, :]
    error = products.std(axis=0) / np.sqrt(n)
    assert (np.abs(rows.mean(axis=0)) < Z * rows.std(axis=0) / np.sqrt(n)).all()
    assert (np.abs(products.mean(axis=0) - inputs.law.cov) < Z * error + 1e-12).all()
    wrong = pipeline.relu_inputs(law, V[::-1]).law.cov
    assert (np.abs(products.mean(axis=0) - wrong) > Z * error).any()


def test_units_do_not_depend_on_the_scale_of_their_weights():
    law = panels.population()
    V = np.random.default_rng(1).standard_normal((3, law.d_x))
    scaled = pipeline.relu_inputs(law, V * np.array([[1e-3], [1], [1e3]])).law.cov
    assert np.allclose(scaled, pipeline.relu_inputs(law, V).law.cov, rtol=1e-12)


@pytest.mark.parametrize("n1", [INF, 300])
def test_nothing_is_left_up_to_m_and_something_past_it(n1):
    assert all(abs(row["processed"] - 2) < 1e-8 for row in cell(n0=50, n1=n1, n2=80))
    assert all(row["processed"] < 1.99 for row in cell(n0=200, n1=n1))


def test_standard_and_direct_lines_are_those_of_the_pipeline():
    rows = cell(n2=100, seeds=200, n0=5)
    for way, expected in panels.reference(100).items():
        draws = np.array([row[way] for row in rows]) / 2
        assert agrees(draws, expected).holds
        assert not agrees(draws, 1.2 * expected).holds
    assert all(row["plain"] == pytest.approx(0.3, rel=1e-9) for row in cell())


def test_a_head_on_infinite_labels_has_the_exact_risk():
    law = panels.population()
    A = np.random.default_rng(3).standard_normal((3, law.d_x))
    found = pipeline.downstream_risk(pipeline.raw_inputs(law), A.T, INF, None)
    assert found == pytest.approx(np.trace(risk.residual_cov(law, A)), rel=1e-10)
    assert pipeline.downstream_risk(pipeline.raw_inputs(law), A[:0].T, 50, 0) == pytest.approx(2)


def test_the_representation_keeps_what_f_shares_with_z():
    law, inputs = panels.population(), pipeline.raw_inputs(panels.population())
    pretext = pipeline.sample_pretext(inputs, INF)
    unwhiten = law.whitening.unwhiten
    both = unwhiten(np.hstack([law.U, law.N[:, :3]]))
    assert pipeline.representation(inputs, pretext, both).shape == (60, 2)
    assert pipeline.representation(inputs, pretext, unwhiten(law.N)).shape == (60, 0)


def test_the_best_processor_steps_at_lambda_star():
    law = panels.population()
    assert panels.best(0.999) == pytest.approx(law.floor / 2, rel=1e-9)
    assert panels.best(1.001) > panels.best(0.999) + 0.1
    few, many = (panels.best_of_units(k, 0.25, 3, 0) for k in (16, 60))
    assert panels.best(0.25) < many < few


def test_the_limit_is_one_up_to_m_and_pays_for_the_head_past_it():
    assert panels.limit(50, 0.25, 100) == 1
    assert panels.limit(400, 0.25, 100) == pytest.approx(panels.limit(400, 0.25) * 99 / 97)
    assert panels.limit(100, 0.25) > panels.limit(400, 0.25) > panels.reference(INF)["plain"]


def test_capacity_grows_with_the_units():
    full, short = (cell(d_f=k, units=k) for k in (50, 40))
    assert all(abs(row["processed"] - 2) < 1e-8 for row in full)
    assert all(row["processed"] < 1.99 for row in short)


def test_units_that_are_all_on_hide_their_fit_in_a_free_direction():
    """What z does not see fits less than all units do, and vanishes along one of its directions.

    There is then no minimiser: a large multiple of that direction hides any fit from z.
    """
    cov = np.eye(4)
    cov[0, 2], cov[0, 3], cov[2, 3] = 0.8, 0.9, 0.72
    law = GaussianPopulation(np.triu(cov) + np.triu(cov, 1).T, 2, 1, 1)
    V = np.array([[1, 0.3], [1, -0.2], [0.8, 0.5], [0.9, -0.4]])
    inputs = pipeline.relu_inputs(law, V)
    pretext = pipeline.sample_pretext(inputs, INF)
    free = linalg.null_space(inputs.law.block("x", "z").T)  # 3 of 4 directions
    X = np.vstack([[[1, 0.2], [2, -0.3], [1.5, 0.5]], law.sample(37, 0)[0]])
    units = np.maximum(X @ V.T / np.linalg.norm(V, axis=1), 0) - 1 / np.sqrt(2 * np.pi)
    Y = 2 * X[:, :1]
    assert np.linalg.matrix_rank(units[:3]) == 3 > np.linalg.matrix_rank(units[:3] @ free)
    left = Y[:3] - units[:3] @ free @ np.linalg.lstsq(units[:3] @ free, Y[:3], rcond=1e-10)[0]
    assert np.sum(left**2) / 3 > 0.4
    for n0, hidden in [(3, True), (40, False)]:
        white = pretext.white.whiten(units[:n0].T).T
        found = solve_batch(white[None], Y[:n0][None], pretext.K_z, 0.05)
        A = pretext.white.unwhiten(found.C[0])
        risk = pipeline.downstream_risk(
            inputs, pipeline.representation(inputs, pretext, A), INF, None
        )
        assert (found.objective[0] < 1e-10) == hidden
        assert (abs(risk - 1) < 1e-8) == hidden
        assert hidden or risk < 0.9


def test_a_sweep_gives_means_and_errors_and_is_reproducible(tmp_path):
    settings = sweep.grid(n0=[60, 200], lam=[0.25], d_f=[2], n1=[INF], n2=[100], seeds=[5])
    first = panels.run(settings, tmp_path / "a")
    again = panels.run(settings[::-1], tmp_path / "b", n_jobs=2)[::-1]
    assert first == again
    rows = sweep.run(panels.cell, settings, tmp_path / "a")
    risks = np.array([row["processed"] for row in rows[:5]]) / 2
    assert first[0]["processed"] == pytest.approx(risks.mean())
    assert first[0]["processed_se"] == pytest.approx(risks.std(ddof=1) / np.sqrt(5))
    assert [row["seeds"] for row in first] == [5, 5]
    one = panels.run([settings[0] | {"seeds": 1}], tmp_path / "a")
    assert np.isnan(one[0]["processed_se"]) and np.isfinite(one[0]["processed"])


def test_a_seed_decides_the_layers():
    a, b, c = (panels.best_of_units(12, 0.25, 1, seed) for seed in (1, 1, 2))
    assert a == b != c


SETTING = {"n0": 40, "lam": 0.25, "d_f": 2, "n1": INF, "n2": INF}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: panels.run(None, "cache"), "settings must be arguments of cell"),
        (lambda: panels.run([], "cache"), "number of settings must be"),
        (lambda: panels.run([{"n0": 3}], "cache"), "settings must be arguments of cell"),
        (lambda: panels.run([SETTING | {"rng": 0}], "cache"), "settings must be arguments"),
        (lambda: panels.learn(None, 40, 0.25, 2, 0), "problems must be triples"),
        (lambda: panels.learn([(1, 2, 3)], 40, 0.25, 2, 0), "problems must be triples"),
        (lambda: panels.limit(40, 0), "lam must be above 0"),
        (lambda: panels.limit(40, 0.5, 0.5), "n2 must be a positive integer"),
        (lambda: panels.reference(5), "n2 must exceed"),
        (lambda: panels.best(-1), "lam must be at least 0"),
        (lambda: panels.best_of_units(0, 0.25, 1), "units must be a positive integer"),
        (lambda: panels.cell(**SETTING, rng="a"), "rng must be"),
    ],
)
def test_bad_calls_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n0": 0}, "n0 must be a positive integer"),
        ({"lam": 0}, "lam must be above 0"),
        ({"n1": 60}, "n1 must be an integer of at least 61"),
        ({"n2": 0.5}, "n2 must be a positive integer"),
        ({"d_f": 0}, "d_f must be a positive integer"),
        ({"seeds": 0}, "seeds must be a positive integer"),
        ({"d_f": None}, "d_f must be a positive integer"),
        ({"units": -1}, "units must be an integer of at least 0"),
        ({"n0": 10**18}, "n0 must be at most"),
    ],
)
def test_bad_settings(changes, message):
    with pytest.raises(ValueError, match=message):
        cell(**changes)
