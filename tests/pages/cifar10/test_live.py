"""The live run: its rows, its record, and a run of a few steps on random images."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from sslboost.images.networks.config import Config
from sslboost.images.probe import Probe
from sslboost.pages.cifar10 import live


def probe(name, held_out, accuracy=0.5, error=0.01):
    return Probe(name, 8, 0.1, held_out, accuracy, error)


@pytest.fixture
def result():
    """A result as of a run, its best stages not the last."""
    return live.LiveResult(
        history=[[0.5, 1.3, 0.3], [1.0, 1.1, 0.5]],
        pretext_accuracy=0.6,
        raw=probe("raw pixels", 0.3),
        untrained=[probe("stage 1", 0.4), probe("stage 2", 0.35)],
        trained=[probe("stage 1", 0.5), probe("stage 2", 0.55), probe("stage 3", 0.45)],
        psi=probe("output", 0.2),
        seconds=61.5,
        provenance={"commit": "abc"},
    )


def test_the_rows_hold_the_best_and_the_last_stages(result):
    rows = {name: p.name for name, p in result.rows()}
    assert rows == {
        "raw pixels": "raw pixels",
        "random features, best stage": "stage 1",
        "random features, last stage": "stage 2",
        "rotation, best stage": "stage 2",
        "rotation, last stage": "stage 3",
        "rotation, prediction only": "output",
    }


def test_the_separation_adds_the_errors_in_quadrature():
    better, worse = probe("a", 0.5, 0.9, 0.03), probe("b", 0.5, 0.4, 0.04)
    assert live.separation(better, worse) == pytest.approx(0.5 / 0.05)
    sure = probe("c", 0.5, 1.0, 0.0)
    assert live.separation(sure, worse) == pytest.approx(0.6 / 0.04)
    with pytest.raises(ValueError, match="must have a standard error, got 0 for both"):
        live.separation(sure, sure)
    with pytest.raises(ValueError, match="worse must be a Probe, got float"):
        live.separation(sure, 0.5)


def test_a_result_is_read_back_as_it_was_recorded(result, tmp_path):
    live.record(result, tmp_path / "live.json")
    assert live.recorded(tmp_path / "live.json") == result
    assert json.loads((tmp_path / "live.json").read_text())["seconds"] == 61.5


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("psi"),
        lambda found: found.update(raw=None),
        lambda found: found.update(raw={"name": "raw pixels"}),
        lambda found: found["raw"].update(width="8"),
        lambda found: found.update(trained=[]),
        lambda found: found.update(untrained=3),
        lambda found: found.update(history=[[1, 2]]),
        lambda found: found.update(pretext_accuracy="0.6"),
        lambda found: found.update(seconds=None),
        lambda found: found.update(provenance=[]),
    ],
)
def test_a_file_of_something_else_is_named(result, tmp_path, change):
    found = dataclasses.asdict(result)
    change(found)
    (tmp_path / "live.json").write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"path must hold a recorded live result, got .*live.json"):
        live.recorded(tmp_path / "live.json")


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b"null", b"\xff", b"[" * 10**5])
def test_a_file_that_is_no_result_is_named(tmp_path, content):
    (tmp_path / "live.json").write_bytes(content)
    with pytest.raises(ValueError, match="path must hold a recorded live result"):
        live.recorded(tmp_path / "live.json")


def test_other_malformed_calls_are_named(result, tmp_path, cifar, parts):
    with pytest.raises(FileNotFoundError):
        live.recorded(tmp_path / "none.json")
    with pytest.raises(ValueError, match="path must be a path, got 3"):
        live.recorded(3)
    with pytest.raises(ValueError, match="result must be a LiveResult, got dict"):
        live.record({}, tmp_path / "live.json")
    with pytest.raises(ValueError, match="path must be a file, got the folder"):
        live.record(result, tmp_path)
    for name, wrong in [("cifar", None), ("config", {}), ("parts", [1]), ("seed", -1)]:
        with pytest.raises(ValueError, match=f"{name} must be"):
            live.run(**{"cifar": cifar, "parts": parts, name: wrong})


def test_a_run_measures_every_stage_and_does_not_depend_on_the_threads(cifar, parts):
    config = Config((4, 8), epochs=1, batch=10, stride=2)
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(live.run(cifar, config=config, parts=parts, progress=False))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(1)
    first, again = (dataclasses.replace(r, seconds=0, provenance={}) for r in found)
    assert first == again
    assert [p.name for p in first.trained] == ["stage 1", "stage 2"] and len(first.untrained) == 2
    assert first.raw.width == 3072 and first.psi.width == 4
    assert np.shape(first.history)[1] == 3 and found[0].seconds > 0
    assert {"commit", "date", "command"} <= found[0].provenance.keys()
