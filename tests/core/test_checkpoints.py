"""Checkpoints: training stopped inside a step goes on from the last saving and ends the same."""

import os
import warnings

import pytest
import torch

from sslboost.core.checkpoints import Checkpoint
from sslboost.images import data, processor, training
from sslboost.images.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.processor import ProcessorConfig, train_processor
from sslboost.images.training import train

#: 160 images in batches of two: history is averaged over three steps, savings are every five.
PSI = Config((4, 8), epochs=0.375, batch=2, rate=0.02, stride=2)
STEPS, EVERY = 30, 5

#: A hundred steps make windows of two, so that odd savings fall inside one.
F = ProcessorConfig(
    network=Config((4, 8), batch=16, rate=0.05, stride=2),
    adversary=Config((8,), architecture="perceptron", rate=0.05),
    features=4,
    steps=100,
)


@pytest.fixture(scope="module")
def cifar():
    return data.load()


@pytest.fixture(scope="module")
def runs(cifar):
    """Every kind of training as ``run(checkpoint)``, with the module that augments its batches."""
    images = torch.tensor(cifar.train_images[:160])
    extra = torch.tensor(cifar.train_images[-80:]), torch.tensor(cifar.train_labels[-80:])

    def psi(checkpoint=None, seed=0):
        how = {"seed": seed, "checkpoint": checkpoint, "progress": False}
        return train(images, PRETEXTS["inpainting"], PSI, **how)

    def f(adversary):
        def run(checkpoint=None, seed=0):
            how = {"seed": seed, "checkpoint": checkpoint, "progress": False}
            pretext = PRETEXTS["rotation"]
            return train_processor(images, *extra, pretext, F, adversary=adversary, **how)

        return run

    return {
        "psi": (psi, training),
        "linear": (f("linear"), processor),
        "network": (f("network"), processor),
    }


class StoppedError(Exception):
    """Stands for what ends a process."""


def counted(monkeypatch, module, stop_at=None):
    """Count the steps that are begun, and stop inside one of them."""
    augment, begun = module.augment, []

    def counting(images, generator):
        begun.append(len(images))
        if len(begun) == stop_at:
            raise StoppedError
        return augment(images, generator)

    monkeypatch.setattr(module, "augment", counting)
    return begun


def same(a, b):
    states = a.network.state_dict(), b.network.state_dict()
    equal = all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    return equal and a.history == b.history


@pytest.mark.parametrize(
    ("name", "every", "stop_at", "steps"),
    [("psi", EVERY, 14, STEPS), ("linear", 25, 40, F.steps), ("network", 25, 40, F.steps)],
)
def test_training_stopped_inside_a_step_ends_as_if_it_had_not(
    runs, name, every, stop_at, steps, tmp_path, monkeypatch
):
    run, module = runs[name]
    checkpoint = Checkpoint(tmp_path / "new" / "state.pt", every=every)
    whole = run()
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        counted(patch, module, stop_at)
        run(checkpoint)
    saved = (stop_at - 1) // every * every
    state = torch.load(checkpoint.path, weights_only=True)
    assert state["step"] == saved
    assert state["seen"]  # measurements of a window that is not full are kept as well
    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        begun = counted(patch, module)
        resumed = run(checkpoint)
    assert len(begun) == steps - saved
    assert same(whole, resumed)
    # Control: the comparison tells two runs apart.
    assert not same(whole, run(seed=1))


@pytest.mark.parametrize("name", ["psi", "linear", "network"])
def test_finished_training_takes_no_step_again(runs, name, tmp_path, monkeypatch):
    run, module = runs[name]
    checkpoint = Checkpoint(tmp_path / "state.pt", every=1000)
    whole = run(checkpoint)
    begun = counted(monkeypatch, module)
    assert same(whole, run(checkpoint)) and begun == []
    checkpoint.remove()
    assert same(whole, run(checkpoint)) and begun


@pytest.mark.parametrize("name", ["psi", "network"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "other run"])
def test_what_cannot_be_trusted_is_reported_and_not_used(runs, name, damage, tmp_path):
    run, _ = runs[name]
    checkpoint = Checkpoint(tmp_path / "state.pt", every=1000)
    expected = run()
    run(checkpoint, seed=1 if damage == "other run" else 0)
    if damage != "other run":
        content = checkpoint.path.read_bytes()
        checkpoint.path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    reason = "belongs to another run" if damage == "other run" else "cannot be read"
    with pytest.warns(UserWarning, match=rf"state\.pt {reason}"):
        assert same(expected, run(checkpoint))
    with warnings.catch_warnings():  # the damaged file was replaced by a good one
        warnings.simplefilter("error")
        assert same(expected, run(checkpoint))


def unwritable(*_):
    raise OSError(28, "No space left on device")


def short(state, file):
    file.write(b"half")
    raise RuntimeError("unexpected pos 4 vs 0")


@pytest.mark.parametrize(
    ("module", "function", "failing"),
    [(os, "replace", unwritable), (torch, "save", unwritable), (torch, "save", short)],
)
def test_a_checkpoint_that_cannot_be_written_keeps_the_one_before(
    runs, module, function, failing, tmp_path, monkeypatch
):
    run, _ = runs["psi"]
    checkpoint = Checkpoint(tmp_path / "state.pt", every=EVERY)
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        counted(patch, training, EVERY + 1)
        run(checkpoint)
    before = checkpoint.path.read_bytes()
    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"state\.pt could not"):
        patch.setattr(module, function, failing)
        run(checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    assert checkpoint.path.read_bytes() == before
    assert same(run(), run(checkpoint))
