"""Trained processors: the objective in closed form, its scores, and the resumable study."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import stats

from sslboost.bounds import model_free
from sslboost.bounds import trained_capacity as trained


def test_scores_are_those_of_networks_written_out():
    """One linear neuron: residual, explained, risk and tail in closed form."""
    rng = np.random.default_rng(0)
    population = trained.study_population()
    n0 = 30
    draws = [population.sample(n0, rng) for _ in range(2)]
    X, Y = (torch.tensor(np.stack([draw[i] for draw in draws])) for i in (0, 2))
    a = np.zeros(population.d_x)
    a[0] = 1.0
    # relu(a'x) - relu(-a'x) = a'x
    hidden = np.stack([a, -a], axis=1)[None].repeat(2, axis=0)
    parameters = [hidden, np.zeros((2, 1, 2)), np.array([[[1.0], [-1.0]]]).repeat(2, axis=0)]
    rows = trained._scores(population, [torch.tensor(p) for p in parameters], X, Y, 0.3, 1)
    cov = population.block("x", "x")[0, 0]
    explained_z = np.sum(population.block("x", "z")[0] ** 2) / cov
    risk = np.trace(population.block("y", "y")) - np.sum(population.block("x", "y")[0] ** 2) / cov
    # Scored on a sample: a correlation's standard error is at most 1 / sqrt(n).
    error = stats.norm.isf(1e-6) / np.sqrt(trained.SCORED)
    size = np.trace(population.block("z", "z")) + np.trace(population.block("y", "y"))
    u = stats.norm.isf(0.005)
    tail = 2 * (u * stats.norm.pdf(u) + 0.005)  # of E u^2 beyond the quantile
    for (x, _, y), row in zip(draws, rows, strict=True):
        left = np.sum((y - x[:, :1] @ np.linalg.lstsq(x[:, :1], y, rcond=None)[0]) ** 2) / n0
        assert row["residual"] == pytest.approx(left, rel=1e-5)
        assert row["explained"] == pytest.approx(explained_z, abs=2 * error * size)
        assert row["risk"] == pytest.approx(risk, abs=2 * error * size)
        assert row["objective"] == pytest.approx(row["residual"] + 0.3 * row["explained"])
        assert row["tail"] == pytest.approx(tail, abs=10 * error)
        yhat = x @ population.best_linear("y", "x").T
        other = np.sum((y - yhat @ np.linalg.lstsq(yhat, y, rcond=None)[0]) ** 2) / n0
        price = 0.3 * model_free.explained_by_yhat(population)
        assert row["objective_yhat"] == pytest.approx(other + price, rel=1e-5)


def test_a_seed_decides_the_networks_also_in_threads():
    """Four at a time are those of one after the other, and torch is left as it was."""
    population = trained.study_population()

    def run(seed):
        return trained.train(population, (8,), 40, networks=2, steps=20, batch=64, rng=seed)

    before, state = torch.get_num_threads(), torch.random.get_rng_state()
    alone = [run(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == alone
    assert alone[0] != alone[1]
    assert torch.get_num_threads() == before
    assert torch.equal(torch.random.get_rng_state(), state)


def test_few_labels_fail_and_many_do_not():
    population = trained.study_population()
    few, many = (
        np.mean([row["risk"] for row in trained.train(
            population, (8,), n0, networks=2, steps=600, batch=512, rng=0
        )])
        for n0 in (20, 4000)
    )  # fmt: skip
    middle = (np.trace(population.block("y", "y")) + population.floor) / 2
    assert many < middle < few


def test_training_lowers_the_objective_below_that_of_yhat_when_labels_are_few():
    population = trained.study_population()
    rows = trained.train(population, (16,), 40, networks=2, steps=600, batch=512, rng=0)
    for row in rows:
        assert 0 <= row["objective"] < row["objective_yhat"]
        assert 0.01 <= row["tail"] <= 1  # at least the share that equal sizes would give
        assert row["objective"] == pytest.approx(row["residual"] + 0.2 * row["explained"])


def test_the_study_resumes_and_is_deterministic(tmp_path):
    settings = {"networks": 2, "steps": 20, "n_jobs": 1}
    first = trained.study(("11-8",), (0.5, 1), tmp_path / "a", **settings)
    again = trained.study(("11-8",), (0.5, 1), tmp_path / "a", **settings)
    fresh = trained.study(("11-8",), (0.5, 1), tmp_path / "b", **settings)
    assert first == again == fresh
    assert {row["n0"] for row in first} == {round(r * first[0]["parameters"]) for r in (0.5, 1)}


def test_more_inputs_are_more_noise_and_nothing_else():
    small, large = trained.study_population(), trained.study_population(33)
    assert large.d_x - small.d_x == large.m - small.m == 22
    assert large.floor == pytest.approx(small.floor)
    with pytest.raises(ValueError, match="d_x must be an integer of at least 6"):
        trained.study_population(5)


def test_half_way_interpolates_the_crossing():
    population = trained.study_population()
    top, bottom = float(np.trace(population.block("y", "y"))), population.floor
    rows = [
        {"architecture": "11-8", "n0": n0, "risk": risk}
        for n0, risk in [(10, top), (100, top), (1000, bottom)]
    ]
    assert trained.half_way(rows, "11-8") == pytest.approx(10**2.5)
    assert np.isnan(trained.half_way(rows[:2], "11-8"))
    with pytest.raises(ValueError, match="architecture must be one of"):
        trained.half_way(rows, "11-9")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n0": 2}, "n0 must be an integer of at least 4"),
        ({"n0": 50, "lam": -1}, "lam must be at least 0"),
        ({"n0": 50, "steps": 0}, "steps must be a positive integer"),
        ({"n0": 50, "rate": 0}, "rate must be above 0"),
        ({"n0": 50, "batch": None}, "batch must be a positive integer"),
        ({"n0": 50, "networks": 10**18}, "networks must be at most"),
        ({"n0": 50, "rng": "seed"}, "rng must be"),
        ({"n0": 50, "widths": ()}, "widths must hold at least one"),
        ({"n0": 50, "widths": "88"}, "widths must be a sequence"),
        ({"n0": 50, "population": 3}, "population must be a GaussianPopulation"),
    ],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        trained.train(**{"population": trained.study_population(), "widths": (8,)} | arguments)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: trained.cell("11-x", 1), "architecture must be inputs and hidden widths"),
        (lambda: trained.cell("11", 1), "architecture must be inputs and hidden widths"),
        (lambda: trained.cell(11, 1), "architecture must be inputs and hidden widths"),
        (lambda: trained.cell("3-8", 1), "inputs of architecture must be an integer of at least 6"),
        (lambda: trained.cell("11-0", 1), "a size of architecture must be"),
        (lambda: trained.cell("11-8", 0), "ratio must be above 0"),
        (lambda: trained.study((), (1,), "cache"), "architectures must be a sequence"),
        (lambda: trained.study("11-8", (1,), "cache"), "architectures must be a sequence"),
        (lambda: trained.study(("11-8", "a"), (1,), "cache"), r"architectures\[1\] must be"),
        (lambda: trained.study(("11-8",), (1, -1), "cache"), r"ratios\[1\] must be above 0"),
        (lambda: trained.study(("11-8",), (1,), "cache", steps=0), "steps must be"),
        (lambda: trained.half_way(None, "11-8"), r"rows\[0\] must be a row of the study"),
        (lambda: trained.half_way([{"risk": 1}], "11-8"), r"rows\[0\] must be a row"),
        (lambda: trained.half_way([], 3), "architecture must be one of"),
    ],
)
def test_what_is_no_study_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_the_command_writes_a_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "ARCHITECTURES", ("11-8",))
    monkeypatch.setattr(trained, "RATIOS", (1,))
    out = tmp_path / "results" / "capacity.json"
    out.parent.mkdir()
    options = ["--networks", "1", "--steps", "5", "--jobs", "1", "--cache", str(tmp_path / "c")]
    assert trained.main(["--out", str(out), *options]) == 0
    assert len(json.loads(out.read_text())["rows"]) == 1
    assert [path.name for path in out.parent.iterdir()] == ["capacity.json"]
