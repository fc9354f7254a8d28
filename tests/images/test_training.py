"""Pretext tasks, training and probing on real images, within a smoke budget."""

import dataclasses

import numpy as np
import pytest
import torch

from sslboost.images import data
from sslboost.images.batches import augment, to_input
from sslboost.images.config import Config
from sslboost.images.pretexts import Rotation
from sslboost.images.probe import (
    Probe,
    best_by_held_out,
    fit_probe,
    network_outputs,
    pretext_accuracy,
    stage_features,
)
from sslboost.images.training import initial_network, train
from sslboost.pages import live


class _Upright(Rotation):
    """Every image as it is."""

    def draw(self, images, generator):
        return images, torch.zeros(len(images), dtype=torch.long)


SMOKE = Config(widths=(8, 16, 32), epochs=3, batch=64, rate=0.05)


@pytest.fixture(scope="module")
def cifar():
    return data.load()


@pytest.fixture(scope="module")
def images(cifar):
    return torch.tensor(cifar.train_images[:4000])


@pytest.fixture(scope="module")
def smoke(images):
    return train(images, Rotation(), SMOKE, seed=0, progress=False)


def test_four_quarter_turns_are_the_identity(images):
    turned = images[:8]
    for _ in range(4):
        turned = Rotation().apply(turned, torch.ones(8, dtype=torch.long))
    assert torch.equal(turned, images[:8])


def test_one_quarter_turn_is_anticlockwise():
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    image[..., 0, -1] = 9  # top right
    assert Rotation().apply(image, torch.tensor([1]))[0, 0, 0, 0] == 9  # top left


def test_rotations_are_uniform(images):
    counts = torch.zeros(4)
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        counts += torch.bincount(Rotation().draw(images, generator)[1], minlength=4)
    n = counts.sum()
    # Binomial spread; 5.2 standard deviations: 1e-6 two-sided over 4 counts.
    assert ((counts - n / 4).abs() <= 5.2 * (n * 3 / 16).sqrt()).all()


def test_augmentation_shifts_and_flips_real_pixels(images):
    batch = images[:200]
    shifted = augment(batch, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(batch.float(), (4,) * 4, mode="reflect").to(torch.uint8)
    for image, result in zip(padded, shifted, strict=True):
        candidates = [
            crop
            for i in range(9)
            for j in range(9)
            for crop in [image[:, i : i + 32, j : j + 32]]
            if torch.equal(crop, result) or torch.equal(crop.flip(2), result)
        ]
        assert candidates
    assert not torch.equal(shifted, batch)
    still = augment(batch, torch.Generator().manual_seed(0), pad=0)
    flipped = (still == batch.flip(3)).flatten(1).all(1)
    assert ((still == batch).flatten(1).all(1) | flipped).all() and flipped.any()


def test_inputs_are_standardised(cifar):
    x = to_input(torch.tensor(cifar.train_images[:20000]))
    assert x.is_contiguous(memory_format=torch.channels_last)
    # The constants describe all 50,000 images; a sample of images moves the mean by far less.
    assert x.mean(dim=(0, 2, 3)).abs().max() < 0.02
    assert (x.std(dim=(0, 2, 3)) - 1).abs().max() < 0.02


def test_pretext_is_learned_above_chance_on_unseen_images(cifar, smoke):
    test = torch.tensor(cifar.test_images[:4000])
    spread = np.sqrt(3 / 16 / len(test))
    start = initial_network(SMOKE, 4, seed=0)
    assert pretext_accuracy(smoke.network, test, Rotation(), seed=1) > 0.25 + 10 * spread
    # Control: the same measure on the network before training is near chance.
    assert pretext_accuracy(start, test, Rotation(), seed=1) < 0.25 + 10 * spread


def test_training_is_deterministic_given_the_seed(images):
    config = dataclasses.replace(SMOKE, epochs=0.5)

    def weights(seed):
        return train(images[:1000], Rotation(), config, seed=seed, progress=False).network

    first, again, other = (weights(seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_batch_statistics_are_learned_and_then_frozen(smoke):
    start = initial_network(SMOKE, 4, seed=0).state_dict()
    end = smoke.network.state_dict()
    means = [key for key in end if key.endswith("running_mean")]
    assert means and all(not torch.equal(start[key], end[key]) for key in means)
    assert not smoke.network.training


def test_training_refuses_images_that_are_not_bytes(images):
    with pytest.raises(ValueError, match="images must be uint8"):
        train(images.float(), Rotation(), SMOKE, seed=0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("widths", (8, 0)), ("blocks", 0), ("batch", -1), ("epochs", 0), ("rate", 0), ("decay", -1)],
)
def test_config_names_the_wrong_field(field, value):
    with pytest.raises(ValueError, match=field):
        Config(**{field: value})


def test_probe_beats_chance_and_shuffled_labels_do_not(cifar, images, smoke):
    test = torch.tensor(cifar.test_images[:4000])
    X = stage_features(smoke.network.encoder, images)[1]
    X_test = stage_features(smoke.network.encoder, test)[1]
    labels, test_labels = cifar.train_labels[:4000], cifar.test_labels[:4000]
    chance_spread = np.sqrt(0.09 / 4000)
    real = fit_probe("stage 2", X, labels, X_test, test_labels)
    assert real.accuracy > 0.1 + 20 * chance_spread
    shuffled = np.random.default_rng(0).permutation(labels)
    false = fit_probe("stage 2", X, shuffled, X_test, test_labels)
    # Predictions cluster on few classes, whose counts vary: allow their spread as well.
    class_spread = np.sqrt(0.09 / 400)
    assert abs(false.accuracy - 0.1) < 5.2 * np.hypot(chance_spread, class_spread)


def test_probe_recovers_a_linear_rule_and_ignores_the_test_set():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 20)) * np.geomspace(1e-3, 1e3, 20)
    labels = (X / np.geomspace(1e-3, 1e3, 20) @ rng.standard_normal((20, 10))).argmax(1)
    probe = fit_probe("rule", X[:2000], labels[:2000], X[2000:], labels[2000:])
    assert probe.accuracy > 0.7
    other = fit_probe("rule", X[:2000], labels[:2000], X[2000:], labels[2000:][::-1].copy())
    assert (other.penalty, other.held_out) == (probe.penalty, probe.held_out)


def test_a_constant_feature_changes_nothing():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5))
    labels = rng.integers(10, size=500)
    wide = np.column_stack([X, np.ones(500)])
    a = fit_probe("a", X[:400], labels[:400], X[400:], labels[400:])
    b = fit_probe("a", wide[:400], labels[:400], wide[400:], labels[400:])
    assert (a.accuracy, a.held_out) == (b.accuracy, b.held_out)


def test_stage_features_refuse_training_mode(images):
    network = initial_network(SMOKE, 4, seed=0).train()
    with pytest.raises(ValueError, match="encoder must be in evaluation mode"):
        stage_features(network.encoder, images[:10])
    with pytest.raises(ValueError, match="network must be in evaluation mode"):
        network_outputs(network, images[:10])


def test_psi_hat_is_the_probabilities_of_the_network(smoke, images):
    psi = network_outputs(smoke.network, images[:50], pretext=Rotation(), batch=20)
    assert psi.shape == (50, 4)
    # Sums of four float32 numbers below one.
    assert np.abs(psi.sum(axis=1) - 1).max() <= 8 * np.finfo(np.float32).eps
    upright = pretext_accuracy(smoke.network, images[:50], _Upright(), seed=0)
    assert np.mean(psi.argmax(axis=1) == 0) == pytest.approx(upright, rel=1e-6)  # float32


def test_the_best_stage_is_chosen_without_the_test_set():
    a = Probe("a", 1, 1.0, held_out=0.6, accuracy=0.1, standard_error=0.0)
    b = Probe("b", 1, 1.0, held_out=0.5, accuracy=0.9, standard_error=0.0)
    assert best_by_held_out([a, b]) is a


def test_a_recorded_result_comes_back_whole(cifar, tmp_path):
    few = data.Cifar10(
        cifar.train_images[:600],
        cifar.train_labels[:600],
        cifar.test_images[:200],
        cifar.test_labels[:200],
    )
    parts = data.split(600, sizes=(100, 200, 300))
    config = dataclasses.replace(SMOKE, epochs=1)
    result = live.run(few, config=config, parts=parts, progress=False)
    live.record(result, tmp_path / "live.json")
    assert live.recorded(tmp_path / "live.json") == result
    assert [path.name for path in tmp_path.iterdir()] == ["live.json"]
    (tmp_path / "live.json").write_text('{"history": ')
    with pytest.raises(ValueError, match="recorded live result"):
        live.recorded(tmp_path / "live.json")
