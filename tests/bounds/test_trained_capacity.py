"""Trained processors: the objective in closed form, its scores, and the resumable study."""

import json

import numpy as np
import pytest
import torch

from sslboost.bounds import trained_capacity as trained


def test_explained_is_what_least_squares_explains_and_differentiates():
    rng = np.random.default_rng(0)
    F, T = rng.standard_normal((2, 50, 3)), rng.standard_normal((2, 50, 2))
    for dtype in (torch.float64,):
        tensor = torch.tensor(F, dtype=dtype, requires_grad=True)
        value = trained.explained(tensor, torch.tensor(T, dtype=dtype))
    for i in range(2):
        left = T[i] - F[i] @ np.linalg.lstsq(F[i], T[i], rcond=None)[0]
        exact = (np.sum(T[i] ** 2) - np.sum(left**2)) / 50
        # The documented jitter changes the value by at most about a part in a million.
        assert value[i].item() == pytest.approx(exact, rel=1e-5)
    assert torch.autograd.gradcheck(
        lambda f: trained.explained(f, torch.tensor(T)), torch.tensor(F, requires_grad=True)
    )


def test_explained_ignores_invertible_changes_of_the_features():
    rng = np.random.default_rng(1)
    F, T = torch.tensor(rng.standard_normal((1, 40, 3))), torch.tensor(rng.normal(size=(1, 40, 2)))
    mixed = F @ torch.tensor(rng.standard_normal((3, 3)))
    assert trained.explained(mixed, T).item() == pytest.approx(
        trained.explained(F, T).item(), rel=1e-3
    )


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
    ],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        trained.train(trained.study_population(), (8,), **arguments)


def test_the_command_writes_a_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "ARCHITECTURES", ("11-8",))
    monkeypatch.setattr(trained, "RATIOS", (1,))
    out = tmp_path / "results" / "capacity.json"
    options = ["--networks", "1", "--steps", "5", "--jobs", "1", "--cache", str(tmp_path / "c")]
    trained.main(["--out", str(out), *options])
    assert len(json.loads(out.read_text())["rows"]) == 1
    assert [path.name for path in out.parent.iterdir()] == ["capacity.json"]
