"""The processor: its loss against oracles, its two adversaries, and f = identity."""

import dataclasses

import numpy as np
import pytest
import torch

from sslboost.core import checkpoints
from sslboost.core.checkpoints import Checkpoint
from sslboost.images import data
from sslboost.images.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs, pretext_accuracy
from sslboost.images.processor import explained_share, linear_psi, train_processor
from sslboost.images.table.profiles import SMOKE
from sslboost.images.training import train
from sslboost.pages import mechanism

ROTATION = PRETEXTS["rotation"]
SHORT = dataclasses.replace(SMOKE.processor, steps=12)
TINY = Config((8, 16), epochs=1, batch=64, rate=0.1, stride=2)


@pytest.fixture(scope="module")
def cifar():
    return data.load()


@pytest.fixture(scope="module")
def images(cifar):
    return torch.tensor(cifar.train_images[:1000])


@pytest.fixture(scope="module")
def extra(cifar):
    return torch.tensor(cifar.train_images[-200:]), torch.tensor(cifar.train_labels[-200:])


def weights(network):
    return list(network.state_dict().values())


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def test_the_identity_gives_back_plain_ssl_bit_for_bit(images):
    plain = train(images, ROTATION, TINY, seed=0, progress=False)
    through = train(
        images, ROTATION, TINY, seed=0, processor=torch.nn.Identity().eval(), progress=False
    )
    assert same(plain.network, through.network) and plain.history == through.history
    half = torch.nn.AvgPool2d(2).eval()  # the control: any other f changes the weights
    assert not same(
        plain.network,
        train(images, ROTATION, TINY, seed=0, processor=half, progress=False).network,
    )


def test_a_processor_in_training_mode_is_refused(images):
    with pytest.raises(ValueError, match="processor must be in evaluation mode"):
        train(images, ROTATION, TINY, seed=0, processor=torch.nn.Identity(), progress=False)


def test_the_explained_share_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    F, T = rng.standard_normal((200, 5)), rng.standard_normal((200, 3))
    T[:, 0] += F[:, 0] + 7
    value = float(explained_share(torch.tensor(F), torch.tensor(T)))
    # The ridge of a part in a million moves the share by about as much.
    assert value == pytest.approx(mechanism.explained(F, T), abs=1e-5)
    linear = torch.tensor(F @ rng.standard_normal((5, 2)) + 3)
    assert float(explained_share(torch.tensor(F), linear)) == pytest.approx(1, abs=1e-5)


def test_linear_psi_is_least_squares():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((300, 4)).astype(np.float32) + 5
    Z = rng.standard_normal((300, 3)).astype(np.float32) + F[:, :3]
    one = np.column_stack([np.ones(300), F])
    fitted = one @ np.linalg.lstsq(one, Z, rcond=None)[0]
    B, intercept = linear_psi(torch.tensor(F), torch.tensor(Z))
    assert np.abs(F @ B.numpy() + intercept.numpy() - fitted).max() < 1e-4  # float32


def test_the_label_is_fitted_and_the_pretext_lost(images, extra, cifar):
    drawn, targets = ROTATION.draw(
        torch.tensor(cifar.test_images[:2000]), torch.Generator().manual_seed(1)
    )
    z = ROTATION.vector(targets).double().numpy()

    def told(lam):
        config = dataclasses.replace(SMOKE.processor, steps=80, lam=lam)
        trained = train_processor(images, *extra, ROTATION, config, seed=0, progress=False)
        left = [entry[1] for entry in trained.history]
        assert lam or left[-1] < left[0] / 2
        return mechanism.explained(network_outputs(trained.network, drawn).astype(float), z)

    assert told(3.0) < told(0.0)


def test_a_network_adversary_lowers_what_a_network_can_tell(images, extra, cifar):
    test = torch.tensor(cifar.test_images[:2000])
    psi = dataclasses.replace(SMOKE.psi, epochs=6)

    def told(lam):
        config = dataclasses.replace(SMOKE.processor, steps=80, lam=lam)
        f = train_processor(
            images, *extra, ROTATION, config, adversary="network", seed=0, progress=False
        ).network
        network = train(images, ROTATION, psi, seed=0, processor=f, progress=False).network
        return pretext_accuracy(network, test, ROTATION, seed=0, processor=f)

    assert told(10.0) < told(0.0)


@pytest.mark.parametrize("pretext", PRETEXTS)
@pytest.mark.parametrize("adversary", ["linear", "network"])
def test_training_is_deterministic_given_the_seed(images, extra, pretext, adversary):
    def network(seed):
        return train_processor(
            *(images, *extra, PRETEXTS[pretext], SHORT),
            adversary=adversary,
            seed=seed,
            progress=False,
        ).network

    assert same(network(0), network(0)) and not same(network(0), network(1))


def test_bad_input_is_named(images, extra):
    def run(adversary="linear", images=images, labels=extra[1]):
        how = {"adversary": adversary, "seed": 0}
        train_processor(images, extra[0], labels, ROTATION, SHORT, **how)

    with pytest.raises(ValueError, match="adversary must be one of linear, network"):
        run(adversary="none")
    with pytest.raises(ValueError, match="images must be uint8"):
        run(images=images.float())
    with pytest.raises(ValueError, match="labels must hold one class"):
        run(labels=extra[1][:-1])


class PowerCutError(Exception):
    """Stands for a power cut."""


def interrupt_after(monkeypatch, savings):
    """Let a run stop right after its checkpoint was written ``savings`` times."""
    save, count = Checkpoint.save, [0]

    def stopping(self, identity, state):
        save(self, identity, state)
        count[0] += 1
        if count[0] == savings:
            raise PowerCutError

    monkeypatch.setattr(Checkpoint, "save", stopping)


@pytest.mark.parametrize("adversary", ["linear", "network"])
def test_an_interrupted_processor_ends_the_same(images, extra, tmp_path, monkeypatch, adversary):
    def run(checkpoint=None):
        return train_processor(
            *(images, *extra, ROTATION, SHORT),
            adversary=adversary,
            seed=0,
            checkpoint=checkpoint,
            progress=False,
        )

    whole, checkpoint = run(), Checkpoint(tmp_path / "f.pt", every=5)
    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        interrupt_after(patch, 2)
        run(checkpoint)
    resumed = run(checkpoint)
    assert same(whole.network, resumed.network) and whole.history == resumed.history


def test_an_interrupted_psi_ends_the_same(images, tmp_path, monkeypatch):
    def run(checkpoint=None):
        return train(images, ROTATION, TINY, seed=0, checkpoint=checkpoint, progress=False)

    whole, checkpoint = run(), Checkpoint(tmp_path / "psi.pt", every=4)
    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        interrupt_after(patch, 2)
        run(checkpoint)
    taken = []
    run_steps = checkpoints.tqdm

    def counting(steps, **how):
        taken.extend(steps)
        return run_steps(steps, **how)

    monkeypatch.setattr(checkpoints, "tqdm", counting)
    resumed = run(checkpoint)
    assert taken[0] == 9  # two savings of four steps are not taken again
    assert same(whole.network, resumed.network) and whole.history == resumed.history


@pytest.mark.parametrize("damage", ["truncated", "other run"])
def test_a_checkpoint_that_cannot_be_trusted_is_a_clean_restart(images, tmp_path, damage):
    checkpoint = Checkpoint(tmp_path / "psi.pt", every=4)
    whole = train(images, ROTATION, TINY, seed=0, checkpoint=checkpoint, progress=False)
    if damage == "truncated":
        content = checkpoint.path.read_bytes()
        checkpoint.path.write_bytes(content[: len(content) // 2])
        seed = 0
    else:
        seed = 1
    with pytest.warns(UserWarning, match="training starts from the beginning"):
        again = train(images, ROTATION, TINY, seed=seed, checkpoint=checkpoint, progress=False)
    assert same(whole.network, again.network) == (damage == "truncated")


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "state.pt")
    checkpoint.save("run", {"step": 1})

    def full(state, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"state\.pt could not be written"):
        checkpoint.save("run", {"step": 2})
    assert checkpoint.load("run")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
