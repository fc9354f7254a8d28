"""The processor: its loss against oracles, its two adversaries, and f = identity."""

import dataclasses

import numpy as np
import pytest
import torch

from sslboost.images.batches import augment, to_input
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs, pretext_accuracy
from sslboost.images.processor import (
    ProcessorConfig,
    explained_share,
    initial_processor,
    linear_psi,
    train_processor,
)
from sslboost.images.table.profiles import SMOKE
from sslboost.images.training import train

ROTATION = PRETEXTS["rotation"]
SHORT = dataclasses.replace(SMOKE.processor, steps=12)
TINY = Config((8, 16), epochs=1, batch=64, rate=0.1, stride=2)


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


def explained(A, B):
    """Share of the variance of B that least squares on A explains, in double precision."""
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    left = B - A @ np.linalg.lstsq(A, B, rcond=None)[0]
    return 1 - np.sum(left**2) / np.sum(B**2)


def sample(n=200, dtype=float):
    rng = np.random.default_rng(0)
    F, T = rng.standard_normal((n, 5)), rng.standard_normal((n, 3))
    T[:, 0] += F[:, 0] + 7
    return F.astype(dtype), T.astype(dtype)


def test_the_explained_share_is_that_of_least_squares():
    F, T = sample()
    value = float(explained_share(torch.tensor(F), torch.tensor(T)))
    # The ridge of a part in a million moves the share by about as much.
    assert value == pytest.approx(explained(F, T), abs=1e-5)
    linear = torch.tensor(F @ np.random.default_rng(1).standard_normal((5, 2)) + 3)
    assert float(explained_share(torch.tensor(F), linear)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_explained_share_has_no_units(dtype):
    F, T = sample(dtype=dtype)
    scale = np.array([1e-6, 1, 1e6, 1e-3, 1], dtype)
    shift = np.array([0, 1e-3, -1e6, 1e-3, 0], dtype)
    plain, other = (
        explained_share(torch.tensor(f), torch.tensor(T)) for f in (F, F * scale + shift)
    )
    assert float(other) == pytest.approx(float(plain), abs=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1])
def test_a_constant_explains_nothing_and_needs_no_explanation(dtype, value):
    F, T = (torch.tensor(part) for part in sample(dtype=dtype))
    constant = torch.full((200, 1), value, dtype=F.dtype)
    up = torch.nextafter(constant, torch.full_like(constant, torch.inf))
    columns = [constant]
    if value:  # what sums in another order make of it
        columns.append(torch.where(T[:, :1] > 7, up, constant))
    for column in columns:
        wide = torch.cat([F, column], 1)
        share = explained_share(F, T)
        # The ridge is a part of the mean variance, of which a constant column changes the count.
        assert float(explained_share(wide, T)) == pytest.approx(float(share), abs=1e-5)
        assert float(explained_share(column, T)) == 0
        features = F.clone().requires_grad_()
        nothing = explained_share(features, column)
        nothing.backward()
        assert nothing.item() == 0 and not features.grad.any()


def test_linear_psi_is_least_squares():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((300, 4)).astype(np.float32) + 5
    Z = rng.standard_normal((300, 3)).astype(np.float32) + F[:, :3]
    one = np.column_stack([np.ones(300), F]).astype(float)
    fitted = one @ np.linalg.lstsq(one, Z.astype(float), rcond=None)[0]
    B, intercept = linear_psi(torch.tensor(F), torch.tensor(Z))
    # A handful of roundings of numbers up to 10, in double precision.
    assert np.abs(F @ B.numpy() + intercept.numpy() - fitted).max() < 1e-12


def test_linear_psi_of_features_far_from_zero_or_of_less_than_full_rank():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((300, 4))
    Z = F @ rng.standard_normal((4, 3)) + 0.1 * rng.standard_normal((300, 3))
    B, intercept = linear_psi(torch.tensor(F), torch.tensor(Z))
    fitted = F @ B.numpy() + intercept.numpy()
    # Means of 1e6 keep 1e-16 x 1e6 of the features: ten digits.
    far = torch.tensor(F + 1e6), torch.tensor(Z + 1e6)
    B, intercept = linear_psi(*far)
    assert np.abs(far[0].numpy() @ B.numpy() + intercept.numpy() - fitted - 1e6).max() < 1e-7
    # Twice the same feature, one that is constant and one in other units.
    wide = np.column_stack([F, F[:, 0], np.full(300, 0.1), 1e8 * F[:, 1]])
    B, intercept = linear_psi(torch.tensor(wide), torch.tensor(Z))
    assert np.abs(wide @ B.numpy() + intercept.numpy() - fitted).max() < 1e-9
    assert float(B[5].abs().max()) == 0
    assert np.abs(B.numpy()[[0, 4]]).max() < 10  # of least norm: no large numbers that cancel
    assert torch.allclose(B[0], B[4])


@pytest.mark.parametrize(
    ("function", "first", "second"),
    [(explained_share, "features", "targets"), (linear_psi, "f", "z")],
)
def test_what_is_no_pair_of_matrices_is_named(function, first, second):
    F, Z = (torch.tensor(part) for part in sample(20))
    for wrong, named in [
        ((F.numpy(), Z), f"{first} must be a matrix of floats in a tensor, got ndarray"),
        ((F, Z[:-1]), f"{first} and {second} must have the same rows, got 20 on cpu, 19 on cpu"),
        ((F[0], Z), f"{first} must be a matrix of floats in a tensor, got torch.float64"),
        ((F.int(), Z), f"{first} must be a matrix of floats in a tensor, got torch.int32"),
        ((F * torch.nan, Z), f"{first} must be finite"),
        ((F + 1j, Z), f"{first} must be a matrix of floats in a tensor, got torch.complex128"),
        ((F[:0], Z[:0]), f"{first} must have rows and columns"),
        ((F, None), f"{second} must be a matrix of floats in a tensor, got NoneType"),
        ((F.to_sparse(), Z), f"{first} must be a matrix of floats in a tensor"),
    ]:
        with pytest.raises(ValueError, match=named):
            function(*wrong)


@pytest.mark.parametrize("lam", [1.0, 0.25])
def test_one_step_goes_down_the_loss_of_the_slides(images, extra, lam, monkeypatch):
    """Against autograd through least squares in double precision, on the same draws."""
    monkeypatch.setenv("SSLBOOST_BF16", "0")
    network = Config((4, 8), batch=200, rate=0.1, decay=0.0, stride=2)
    config = dataclasses.replace(SMOKE.processor, network=network, steps=1, lam=lam, features=4)
    trained = train_processor(images, *extra, ROTATION, config, seed=3, progress=False).network

    generator = torch.Generator().manual_seed(3)
    chosen = torch.randperm(200, generator=generator)
    among = torch.randperm(len(images), generator=generator)[:200]
    x, turns = ROTATION.draw(augment(images[among], generator), generator)
    y, z = (torch.nn.functional.one_hot(t).double() for t in (extra[1][chosen], turns))

    def left(features, targets):
        F, T = (part - part.mean(0) for part in (features, targets))
        return (T - F @ torch.linalg.lstsq(F, T).solution).square().sum() / T.square().sum()

    def step(weight):
        f = initial_processor(config, seed=3).double().train()
        outputs = f(to_input(torch.cat([extra[0][chosen], x])).double())
        ours, theirs = outputs.split(200)
        (left(ours, y) + weight * (1 - left(theirs, z))).backward()
        # SGD with Nesterov's momentum 0.9: its first step is 1.9 times the gradient.
        return torch.cat([(-0.1 * 1.9 * p.grad).flatten() for p in f.parameters()])

    start = initial_processor(config, seed=3)
    moved = torch.cat(
        [(p - q).flatten() for p, q in zip(trained.parameters(), start.parameters(), strict=True)]
    ).detach()
    expected = step(lam)

    def relative(other):
        return float((moved - other).norm() / expected.norm())

    # What single precision leaves is far from what another weight of z would change.
    assert relative(expected) < 0.1 * min(relative(step(lam / 2)), relative(step(2 * lam)))


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
        return explained(network_outputs(trained.network, drawn).astype(float), z)

    assert told(3.0) < told(0.0)


def test_nothing_is_gained_from_a_rival_that_has_diverged(images, extra):
    wild = dataclasses.replace(SMOKE.processor.adversary, rate=30.0)
    config = dataclasses.replace(SMOKE.processor, adversary=wild, steps=3, rounds=3)
    how = {"adversary": "network", "seed": 0, "progress": False}
    history = train_processor(images, *extra, ROTATION, config, **how).history
    assert [told for _, _, told in history] == [0.0, 0.0, 0.0]


def test_a_network_adversary_lowers_what_a_network_can_tell(images, extra, cifar):
    test = torch.tensor(cifar.test_images[:2000])
    psi = dataclasses.replace(SMOKE.psi, epochs=6)

    def told(lam):
        config = dataclasses.replace(SMOKE.processor, steps=160, lam=lam)
        f = train_processor(
            images, *extra, ROTATION, config, adversary="network", seed=0, progress=False
        ).network
        network = train(images, ROTATION, psi, seed=0, processor=f, progress=False).network
        return pretext_accuracy(network, test, ROTATION, seed=0, processor=f)

    # The difference of two shares of 2,000 images has a standard error of 0.016 at most.
    assert told(10.0) < told(0.0) - 2 * np.sqrt(2 * 0.25 / 2000)


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


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"adversary": "none"}, "adversary must be one of linear, network, got 'none'"),
        ({"adversary": ["linear"]}, "adversary must be one of linear, network"),
        ({"images": "float"}, "images must be a uint8 tensor .* got torch.float32"),
        ({"images": "one"}, "images must hold at least 2 images"),
        ({"labelled": "channels last"}, "labelled must be a uint8 tensor"),
        ({"labelled": "one"}, "labelled must hold at least 2 images"),
        ({"labels": "short"}, "labels must hold one label for each of 200 rows, got 199"),
        ({"labels": "1 to 10"}, "labels must be classes from 0 to 9, got 10"),
        ({"labels": "-1"}, "labels must be classes from 0 to 9, got -1: leave unlabelled images"),
        ({"labels": "one class"}, "labels must hold at least 2 classes, got 1"),
        ({"labels": "one hot"}, "labels must have 1 axes"),
        ({"labels": None}, "labels must be a numeric array, got NoneType"),
        ({"config": TINY}, "config must be a ProcessorConfig, got Config"),
        ({"pretext": "rotation"}, "pretext must be a pretext object"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"device": "cuda:77"}, "device must be one that is there, got 'cuda:77'"),
        ({"progress": 1}, "progress must be True or False, got 1"),
        ({"observe": 3}, "observe must be callable"),
        ({"checkpoint": 3}, "checkpoint must be a Checkpoint"),
    ],
)
def test_what_no_processor_can_learn_from_is_named(wrong, named, images, extra):
    known = {
        "float": images.float(),
        "one": images[:1],
        "channels last": extra[0].permute(0, 2, 3, 1),
        "short": extra[1][:-1],
        "1 to 10": extra[1] + 1,
        "-1": torch.where(extra[1] == 3, -1, extra[1]),
        "one class": torch.zeros(200),
        "one hot": torch.nn.functional.one_hot(extra[1]),
    }
    right = {"images": images, "labelled": extra[0], "labels": extra[1], "pretext": ROTATION}
    given = {
        name: known.get(value, value) if isinstance(value, str) else value
        for name, value in wrong.items()
    }
    with pytest.raises(ValueError, match=named):
        train_processor(**{"config": SHORT, "seed": 0, "progress": False} | right | given)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"network": SHORT}, "network must be a Config"),
        ({"network": SMOKE.psi}, "network must read images, got the architecture perceptron"),
        ({"adversary": "linear"}, "adversary must be a Config"),
        ({"adversary": SMOKE.ssl}, "adversary must be of the architecture perceptron, got narrow"),
        ({"features": 0}, "features must be a positive integer"),
        ({"steps": 1.5}, "steps must be a positive integer"),
        ({"rounds": -1}, "rounds must be a positive integer"),
        ({"lam": -0.5}, "lam must be at least 0"),
        ({"lam": "1"}, "lam must be a number"),
    ],
)
def test_what_is_no_configuration_is_named(wrong, named):
    right = {"network": SMOKE.ssl, "adversary": SMOKE.psi}
    with pytest.raises(ValueError, match=named):
        ProcessorConfig(**right | wrong)


def test_labels_of_any_type_are_the_same_labels(images, extra):
    short = dataclasses.replace(SHORT, steps=2)

    def trained(labels):
        how = {"seed": 0, "progress": False}
        return train_processor(images, extra[0], labels, ROTATION, short, **how).network

    expected = trained(extra[1])
    for other in (extra[1].numpy(), extra[1].tolist(), extra[1].float(), extra[1].to(torch.uint8)):
        assert same(trained(other), expected)


def test_few_images_and_labels_are_enough(images, extra):
    """Batches in which a target may be constant train all the same."""
    short = dataclasses.replace(SHORT, steps=20)
    two = torch.tensor([int((extra[1] == label).nonzero()[0]) for label in (1, 2)])
    labelled = extra[0][two], extra[1][two]
    for adversary in ("linear", "network"):
        how = {"adversary": adversary, "seed": 0, "progress": False}
        history = train_processor(images[:2], *labelled, ROTATION, short, **how).history
        assert np.isfinite(history).all()
