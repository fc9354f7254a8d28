"""Checkpoints: training stopped inside a step goes on from the last saving and ends the same."""

import os
import subprocess
import sys
import threading
import warnings
from dataclasses import replace

import pytest
import torch

from sslboost.core.checkpoints import Checkpoint, identity
from sslboost.images import data, processor, supervised, training
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS, Rotation
from sslboost.images.processor import ProcessorConfig, initial_processor, train_processor
from sslboost.images.supervised import fine_tune
from sslboost.images.training import initial_network, train

#: 160 images in batches of two: history is averaged over three steps, savings are every five.
PSI = Config((4, 8), epochs=0.375, batch=2, rate=0.02, stride=2)
STEPS, EVERY = 30, 5

#: A hundred steps make windows of two, so that odd savings fall inside one.
F = ProcessorConfig(
    network=Config((4, 8), batch=8, rate=0.05, stride=2),
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

    def tuned(checkpoint=None, seed=0):
        how = {"seed": seed, "steps": STEPS, "checkpoint": checkpoint, "progress": False}
        return fine_tune(initial_network(PSI, 4, seed=7), *extra, PSI, **how)

    def f(adversary):
        def run(checkpoint=None, seed=0):
            how = {"seed": seed, "checkpoint": checkpoint, "progress": False}
            pretext = PRETEXTS["rotation"]
            return train_processor(images, *extra, pretext, F, adversary=adversary, **how)

        return run

    return {
        "psi": (psi, training),
        "tuned": (tuned, supervised),
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
    [
        ("psi", EVERY, 14, STEPS),
        ("linear", 25, 40, F.steps),
        ("network", 25, 40, F.steps),
    ],
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
    if name == "psi":  # what was spent before the stop counts
        assert resumed.seconds > state["seconds"] > 0
    # Control: the comparison tells two runs apart.
    assert not same(whole, run(seed=1))


@pytest.mark.parametrize("name", ["psi", "tuned", "network"])
def test_finished_training_takes_no_step_again(runs, name, tmp_path, monkeypatch):
    run, module = runs[name]
    checkpoint = Checkpoint(tmp_path / "state.pt", every=1000)
    whole = run(checkpoint)
    begun = counted(monkeypatch, module)
    assert same(whole, run(checkpoint)) and begun == []
    checkpoint.remove()
    assert same(whole, run(checkpoint)) and begun


@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit", "no archive", "other run"])
def test_what_cannot_be_trusted_is_reported_and_not_used(runs, damage, tmp_path):
    run, _ = runs["psi"]
    checkpoint = Checkpoint(tmp_path / "state.pt", every=1000)
    expected = run()
    run(checkpoint, seed=1 if damage == "other run" else 0)
    content = bytearray(checkpoint.path.read_bytes())
    if damage == "one bit":  # of a weight, where nothing else would notice it
        weight = expected.network.state_dict()["head.weight"].numpy().tobytes()
        content[content.index(weight)] ^= 64
    changed = {"truncated": content[: len(content) // 2], "empty": b"", "no archive": b"state"}
    checkpoint.path.write_bytes(changed.get(damage, content))
    reason = "belongs to another run" if damage == "other run" else "cannot be read"
    with pytest.warns(UserWarning, match=rf"state\.pt {reason}"):
        assert same(expected, run(checkpoint))
    with warnings.catch_warnings():  # the damaged file was replaced by a good one
        warnings.simplefilter("error")
        assert same(expected, run(checkpoint))


class Turned(Rotation):
    """Another class that says of itself what the first one says."""


SHORT = replace(F, steps=2)


@pytest.fixture(scope="module")
def arguments(cifar):
    """Arguments of every kind of training, and what else each of them may be."""
    images = torch.tensor(cifar.train_images[:160])
    labelled, labels = (
        torch.tensor(cifar.train_images[-80:]),
        torch.tensor(cifar.train_labels[-80:]),
    )
    one_pixel, one_label = images.clone(), labels.clone()
    one_pixel[50, 0, 3, 3] ^= 1
    one_label[50] = (one_label[50] + 1) % 10
    f, other_f = (initial_processor(F, seed=seed) for seed in (0, 1))
    moved = initial_processor(F, seed=0)
    moved.norm.running_mean += 1e-3
    psi = Config((4,), epochs=0.02, batch=2, architecture="perceptron")
    network, other = (initial_network(PSI, 4, seed=seed) for seed in (0, 1))
    rotation = PRETEXTS["rotation"]
    return {
        "train": (
            train,
            {"images": images, "pretext": rotation, "config": psi, "processor": f, "seed": 0},
            {
                "images": [one_pixel, images.flip(0), images[:159]],
                "pretext": [PRETEXTS["inpainting"], Turned()],
                "config": [replace(psi, rate=0.03), replace(psi, widths=(5,))],
                "processor": [other_f, moved],
                "seed": [1],
            },
        ),
        "train_processor": (
            train_processor,
            {
                "images": images,
                "labelled": labelled,
                "labels": labels,
                "pretext": rotation,
                "config": SHORT,
                "seed": 0,
            },
            {
                "images": [one_pixel],
                "labelled": [labelled.flip(3)],
                "labels": [one_label],
                "pretext": [Turned()],
                "config": [replace(SHORT, lam=0.5)],
                "adversary": ["network"],
            },
        ),
        "fine_tune": (
            fine_tune,
            {
                "network": network,
                "images": labelled,
                "labels": labels,
                "config": PSI,
                "seed": 0,
                "steps": 2,
            },
            {
                "network": [other],
                "images": [labelled.flip(3)],
                "labels": [one_label],
                "config": [replace(PSI, decay=0.1)],
                "steps": [3],
            },
        ),
    }


@pytest.mark.parametrize("kind", ["train", "train_processor", "fine_tune"])
def test_a_run_is_known_by_the_contents_of_its_arguments(kind, arguments, tmp_path, monkeypatch):
    function, right, others = arguments[kind]
    checkpoint = Checkpoint(tmp_path / "state.pt")

    def run(**how):
        return function(**right | how, checkpoint=checkpoint, progress=False)

    run()
    kept = checkpoint.path.read_bytes()
    with warnings.catch_warnings():  # its own
        warnings.simplefilter("error")
        run()
    wrong = [{name: value} for name, values in others.items() for value in values]
    for how in wrong:
        checkpoint.path.write_bytes(kept)
        with pytest.warns(UserWarning, match="belongs to another run"):
            run(**how)
    checkpoint.path.write_bytes(kept)
    monkeypatch.setenv("SSLBOOST_BF16", str(1 - training.uses_bfloat16("cpu")))
    with pytest.warns(UserWarning, match="belongs to another run"):
        run()


def test_a_run_is_known_by_its_code(tmp_path, monkeypatch):
    (tmp_path / "own_training.py").write_text("RATE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = identity(["own_training"], 1)
    assert identity(["own_training"], 1) == before != identity(["own_training"], 2)
    (tmp_path / "own_training.py").write_text("RATE = 2\n")
    assert identity(["own_training"], 1) != before


def test_a_run_is_known_by_the_same_name_in_every_process():
    facts = """[initial_processor(F, seed=0), Rotation(), F, {"a": 1.5}]"""
    code = f"""
from sslboost.core.checkpoints import identity
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import Rotation
from sslboost.images.processor import ProcessorConfig, initial_processor
F = {F!r}
print(identity({training.MODULES!r}, *{facts}))
"""
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other == identity(training.MODULES, *eval(facts))


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


def test_a_place_that_cannot_hold_a_checkpoint_is_found_before_training(
    runs, tmp_path, monkeypatch
):
    run, module = runs["psi"]
    begun = counted(monkeypatch, module)
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder").mkdir()
    for path, named in [
        (tmp_path / "file" / "state.pt", "the folder of a checkpoint must be a folder"),
        (tmp_path / "folder", "the path of a checkpoint must be a file, got the folder"),
    ]:
        with pytest.raises(ValueError, match=named):
            run(Checkpoint(path))

    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    with pytest.raises(OSError, match=r"the folder of a checkpoint .* Read-only file system"):
        run(Checkpoint(tmp_path / "new" / "state.pt"))
    assert begun == []


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: Checkpoint(None), "path must be a path, got None"),
        (lambda: Checkpoint("state\0.pt"), "path must be a path"),
        (lambda: Checkpoint("state.pt", every=0), "every must be a positive integer, got 0"),
        (lambda: Checkpoint("state.pt").save("run", None), "state must be a dict, got NoneType"),
        (lambda: Checkpoint("state.pt", every="all"), "every must be a positive integer"),
    ],
)
def test_what_is_no_checkpoint_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_writers_in_several_threads_leave_one_whole_state(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.pt")
    states = [{"step": step, "parts": torch.full((50_000,), float(step))} for step in range(6)]

    def write(state):
        for _ in range(5):
            checkpoint.save("run", state)

    writers = [threading.Thread(target=write, args=(state,)) for state in states]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        state = checkpoint.load("run")
        assert state is None or (state["parts"] == state["step"]).all()
    assert checkpoint.load("run") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_checkpoint_that_is_gone_is_none(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checkpoint.load("run") is None
        checkpoint.remove()
