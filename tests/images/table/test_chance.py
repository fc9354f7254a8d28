"""Candidates for the slides' chance: what each gives by hand, and the controls beside it."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from sslboost.images import data
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import fit_head
from sslboost.images.table import _heads, chance
from sslboost.images.table.part import part_of
from sslboost.images.table.profiles import SMOKE

ROTATION = PRETEXTS["rotation"]


@pytest.fixture(scope="module")
def part(cifar):
    return part_of(SMOKE, ROTATION, 0)


@pytest.fixture(scope="module")
def pixels(cifar):
    return chance.decayed("smoke", "pixels", 60, 0, "cpu")


def test_a_constant_prediction_is_right_on_one_image_in_ten(cifar):
    diverged = chance.lagging("smoke", 60, "sgd", 1e4, 0, "cpu")
    share = np.bincount(cifar.test_labels[: SMOKE.test])[0] / SMOKE.test
    for row in diverged:
        assert row["diverged"] is not None and row["commonest"] == 1.0
        assert row["accuracy"] == share
    # Control: heads that learn slowly stay finite, and then predictions differ.
    calm = chance.lagging("smoke", 60, "adam", 1e-4, 0, "cpu")
    assert [row["labels"] for row in calm] == ["full", "half"] * 3
    assert {row["head"] for row in calm} == {row["head"] for row in diverged} == set(_heads.HEADS)
    for row in calm:
        assert row["diverged"] is None and row["commonest"] < 1 and row["size"] > 0
    assert calm != chance.lagging("smoke", 60, "adam", 1e-4, 1, "cpu")


def test_every_decay_is_read_by_every_head(pixels):
    assert len(pixels) == len(chance.DECAYS) * 3 * 2
    assert {row["head"] for row in pixels} == {"scale-free", "amplifying", "descending"}
    for row in pixels:
        assert 0 <= row["accuracy"] <= 1 and 0.1 <= row["commonest"] <= 1
        assert 0 <= row["told"] <= 1 and row["spread"] >= 0


def test_a_collapsed_layer_gives_a_constant_and_its_rounding_does_not(part):
    rng = np.random.default_rng(0)
    n, n_test = len(part.labels), len(part.test_labels)
    level = np.float32(0.3)
    collapsed, test = (
        np.where(rng.integers(2, size=(size, 6)), level, np.nextafter(level, np.float32(1)))
        for size in (n, n_test)
    )
    rows = _heads.read_heads(
        part, collapsed, test, heads=("scale-free", "amplifying", "descending")
    )
    commonest = {(row["head"], row["labels"]): row["commonest"] for row in rows}
    assert commonest["scale-free", "full"] == 1.0  # one level, up to its rounding
    assert commonest["amplifying", "full"] < 1.0  # which this head takes for features
    for row in rows:
        if row["commonest"] == 1.0:
            shares = np.bincount(part.test_labels, minlength=10) / n_test
            assert row["accuracy"] in shares


def test_a_descending_head_learns_a_linear_rule():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((900, 12)).astype(np.float32)
    y = (X @ rng.standard_normal((12, 10))).argmax(1)
    given = X[:600], y[:600], X[600:]
    found = np.mean(_heads._descending(*given) == y[600:])
    least_squares = np.mean(fit_head(*given[:2]).predict(X[600:]) == y[600:])
    assert found > 0.6 and least_squares > 0.6
    assert np.array_equal(_heads._descending(*given), _heads._descending(*given))


def test_psi_on_vectors_sees_every_turn(part):
    extract = chance._extractor("pixels", SMOKE, part, 60, 0, "cpu")
    vectors, turns = chance._turned(extract, part.test[:7])
    assert vectors.shape == (28, 3 * 64) and torch.equal(turns.bincount(), torch.full((4,), 7))
    upside_down = extract(part.test[:7].rot90(2, (2, 3)))
    assert np.allclose(vectors[turns == 2].numpy(), upside_down)
    labelled = torch.nn.functional.one_hot(turns).float() + 0.01 * torch.randn(
        28, 4, generator=torch.Generator().manual_seed(0)
    )
    longer = replace(SMOKE.psi, epochs=100)
    psi = chance.train_on_features(labelled.repeat(20, 1), turns.repeat(20), longer, seed=0)
    assert float((chance._outputs(psi, labelled).argmax(1) == turns).double().mean()) > 0.9


def test_every_candidate_is_recorded(tmp_path, monkeypatch, cifar):
    monkeypatch.setenv("SSLBOOST_DATA", str(tmp_path / "data"))
    asked = []

    def run(cell, grid, folder, **how):
        asked.extend((cell.__name__, dict(configuration)) for configuration in grid)
        assert how["code_version"].startswith(chance.version()) and how["n_jobs"] == 2
        assert folder == data.folder() / "table"
        return [{"accuracy": 0.1, "seed": 0, "rate": len(asked), "seconds": len(asked)}]

    monkeypatch.setattr(chance.sweep, "run", run)
    path = tmp_path / "chance.json"
    rows = chance.record_chance(path, profile="smoke", n_jobs=2)
    counts = Counter(cell for cell, _ in asked)
    assert counts == {"lagging": 5 * 5 * 3, "decayed": 2 * 5 * 5 + 2 * 5, "plain": 2 * 3}
    written = json.loads(path.read_text())
    assert sorted(map(str, written["runs"])) == sorted(map(str, rows))
    assert written["provenance"]["profile"] == "smoke" and len(rows) == 6
    # Rows of a later call join them, and those of other code do not.
    later = chance.record_chance(path, profile="smoke", arms=["plain"], seeds=(2, 7), n_jobs=2)
    assert asked[-2:] == [("plain", asked[-1][1] | {"decay": decay}) for decay in chance.STRONG]
    assert {configuration["seed"] for _, configuration in asked[-2:]} == {2}
    assert len(later) == 1 and len(json.loads(path.read_text())["runs"]) == 7
    assert not chance.record_chance(path, profile="smoke", arms=["plain"], seeds=(7,), n_jobs=2)
    monkeypatch.setattr(chance, "version", lambda: "0" * 16)
    with pytest.raises(ValueError, match="path must hold results of code_version 0000"):
        chance.record_chance(path, profile="smoke", n_jobs=2)
    chance.record_chance(path, profile="smoke", n_jobs=2, replace=True, arms=["decayed"])
    assert {row["arm"] for row in json.loads(path.read_text())["runs"]} == {"decayed"}


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda path: chance.lagging("x", 9, "sgd", 0.1, 0, "cpu"), "profile must be one of"),
        (lambda path: chance.lagging("smoke", 501, "sgd", 0.1, 0, "cpu"), "n0 must be at most 500"),
        (
            lambda path: chance.lagging("smoke", 9, "lbfgs", 0.1, 0, "cpu"),
            "optimiser must be one of",
        ),
        (lambda path: chance.decayed("smoke", "g", 9, 0, "cpu"), "source must be one of"),
        (lambda path: chance.decayed("smoke", "pixels", 9, -1, "cpu"), "seed must be"),
        (lambda path: chance.plain("smoke", -1, 0, "cpu"), "decay must be at least 0"),
        (lambda path: chance.plain("x", 0.1, 0, "cpu"), "profile must be one of"),
        (lambda path: chance.record_chance(path.parent), "path must be a file"),
        (lambda path: chance.record_chance(path, seeds=3), "seeds must be a sequence"),
        (lambda path: chance.record_chance(path, profile="x"), "profile must be one of"),
        (lambda path: chance.record_chance(path, arms=["all"]), "arms must be one of"),
        (lambda path: chance.record_chance(path, arms="lagging"), "arms must be a sequence"),
        (lambda path: chance.record_chance(path, replace=1), "replace must be True or False"),
    ],
)
def test_what_is_no_candidate_is_named(call, named, tmp_path):
    with pytest.raises(ValueError, match=named):
        call(tmp_path / "chance.json")
