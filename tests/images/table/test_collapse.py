"""A network psi on f(x) under weight decay: measured, recorded, and constant where decay wins."""

import json
from dataclasses import replace

import pytest
import torch

from sslboost.core import sweep
from sslboost.images import data
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.processor import initial_processor
from sslboost.images.table import collapse
from sslboost.images.table.profiles import SMOKE

ROTATION = PRETEXTS["rotation"]


@pytest.fixture(scope="module")
def parts():
    return data.split(sizes=(100, 600, 300))


def test_psi_is_constant_where_decay_wins(cifar, parts):
    f = initial_processor(SMOKE.processor, seed=0)
    psi = replace(SMOKE.psi, epochs=6, rate=0.5)
    few = data.Cifar10(
        cifar.train_images, cifar.train_labels, cifar.test_images[:500], cifar.test_labels[:500]
    )
    how = {"scored": 200, "progress": False}
    kept, lost = collapse.collapse(few, parts, ROTATION, f, psi, (0.0, 1.0), **how)
    assert (kept.decay, lost.decay) == (0.0, 1.0)
    assert lost.spread < 1e-3 * kept.spread
    assert kept.accuracy > lost.accuracy
    seed = collapse.collapse(few, parts, ROTATION, f, psi, [0.0], seed=1, **how)[0]
    assert seed.spread != kept.spread


def test_a_cell_measures_both_halves_of_the_labels():
    rows = collapse.collapse_cell("smoke", 60, 0, 0.05)
    assert [row["labels"] for row in rows] == ["full", "half"]
    for row in rows:
        assert row.keys() == {"labels", "layer", "accuracy", "pretext_accuracy", "spread"}
    assert rows == collapse.collapse_cell("smoke", 60, 0, 0.05)
    assert rows != collapse.collapse_cell("smoke", 60, 1, 0.05)


def test_the_record_holds_every_cell(tmp_path, monkeypatch):
    asked = {}

    def run(cell, grid, folder, **how):
        asked.update(how, cell=cell, grid=grid, folder=folder)
        return [{"accuracy": 0.1}]

    monkeypatch.setenv("SSLBOOST_DATA", str(tmp_path))
    monkeypatch.setattr(sweep, "run", run)
    path = tmp_path / "collapse.json"
    rows = collapse.record_collapse(path, profile="smoke", decays=[0.05, 0.1], n_jobs=2)
    written = json.loads(path.read_text())
    assert written["runs"] == rows == [{"accuracy": 0.1}]
    assert written["provenance"]["seconds"] >= 0
    sizes = {cell["n0"] for cell in asked["grid"]}
    assert sizes == {100, 200, 300, 400, 500} and len(asked["grid"]) == 5 * 3 * 2
    assert asked["cell"] is collapse.collapse_cell and asked["n_jobs"] == 2
    # Named by the code that measures it, this module's own included.
    assert asked["code_version"].startswith(
        sweep.code_version(collapse.__name__, *collapse.common.MODULES)
    )


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"cifar": None}, "cifar must be a Cifar10, got NoneType"),
        ({"parts": (1, 2, 3)}, "parts must be a Split, got tuple"),
        ({"pretext": "rotation"}, "pretext must be a pretext object"),
        ({"f": "f"}, "f must be a Module, got str"),
        ({"f": torch.nn.Identity()}, "f must be in evaluation mode"),
        ({"decays": b"1"}, "decays must be a sequence of numbers"),
        ({"config": SMOKE}, "config must be a Config, got Profile"),
        ({"decays": 0.05}, "decays must be a sequence of numbers, got 0.05"),
        ({"decays": []}, "decays must be a sequence of numbers"),
        ({"decays": [0.05, -1]}, "decays must be at least 0, got -1"),
        ({"progress": None}, "progress must be True or False, got None"),
        ({"scored": 0}, "scored must be a positive integer"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
    ],
)
def test_what_cannot_be_measured_is_named(cifar, parts, wrong, named):
    right = {"cifar": cifar, "parts": parts, "pretext": ROTATION, "f": None}
    right |= {"config": SMOKE.ssl, "decays": [0.05]}
    with pytest.raises(ValueError, match=named):
        collapse.collapse(**{"progress": False} | right | wrong)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda path: collapse.record_collapse(path.parent), "path must be a file"),
        (lambda path: collapse.record_collapse(None), "path must be a path"),
        (lambda path: collapse.record_collapse(path, profile="x"), "profile must be one of"),
        (lambda path: collapse.record_collapse(path, decays=3), "decays must be a sequence"),
        (lambda path: collapse.collapse_cell("x", 100, 0, 0.05), "profile must be one of"),
        (lambda path: collapse.collapse_cell("smoke", 501, 0, 0.05), "n0 must be at most 500"),
        (lambda path: collapse.collapse_cell("smoke", 1, 0, 0.05), "labelled must hold at least 2"),
        (lambda path: collapse.collapse_cell("smoke", 100, 0, "a"), "decay must be a number"),
        (lambda path: collapse.collapse_cell("smoke", 100, 0.5, 0.1), "seed must be an integer"),
    ],
)
def test_what_is_no_cell_is_named(tmp_path, call, named):
    with pytest.raises(ValueError, match=named):
        call(tmp_path / "collapse.json")
