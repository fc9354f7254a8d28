"""Heads that lag behind f: one step by hand, growth without bound, and what stops it."""

import dataclasses

import numpy as np
import pytest
import torch

from sslboost.images import lagging
from sslboost.images.batches import augment, to_input
from sslboost.images.lagging import train_lagging
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs
from sslboost.images.table.profiles import SMOKE

ROTATION = PRETEXTS["rotation"]
SMALL = dataclasses.replace(
    SMOKE.processor, network=Config((4, 8), batch=100, stride=2), features=4, steps=1
)


def trained(images, extra, **how):
    changes = {name: how.pop(name) for name in ("steps", "lam") if name in how}
    how = {"optimiser": "sgd", "rate": 0.05, "seed": 3} | how
    return train_lagging(images, *extra, ROTATION, dataclasses.replace(SMALL, **changes), **how)


@pytest.mark.parametrize("lam", [0.0, 0.5, 2.0])
def test_a_step_of_f_goes_down_the_label_loss_and_up_that_of_its_rival(
    images, extra, lam, monkeypatch
):
    """Against autograd in double precision, on the same draws."""
    monkeypatch.setenv("SSLBOOST_BF16", "0")
    config = dataclasses.replace(SMALL, lam=lam)
    generator = torch.Generator().manual_seed(3)
    chosen = torch.randperm(200, generator=generator)[:100]
    among = torch.randperm(len(images), generator=generator)[:100]
    x, turns = ROTATION.draw(augment(images[among], generator), generator)
    targets = [torch.nn.functional.one_hot(t).double() for t in (extra[1][chosen], turns)]

    def step(weight):
        f, heads = (part.double().train() for part in lagging._initial(config, ROTATION, 3))
        outputs = f(to_input(torch.cat([extra[0][chosen], x])).double()).split(100)
        left, told = (
            (head(output) - target).square().mean() / target.var(dim=0, correction=0).mean()
            for head, output, target in zip(heads, outputs, targets, strict=True)
        )
        (left - weight * told).backward()
        return torch.cat([(-0.05 * p.grad).flatten() for p in f.parameters()])

    start = lagging._initial(config, ROTATION, 3)[0]
    ours = trained(images, extra, lam=lam).network
    pairs = zip(ours.parameters(), start.parameters(), strict=True)
    moved = torch.cat([(p - q).detach().double().flatten() for p, q in pairs])

    def error(weight):
        return float((moved - step(weight)).norm() / moved.norm())

    # What single precision leaves is far from what another weight of z would change.
    assert error(lam) < 0.1 * min(error(lam + 0.5), error(-lam - 0.5))


def test_the_losses_are_those_of_the_heads_in_units_of_the_variances(images, extra, monkeypatch):
    monkeypatch.setenv("SSLBOOST_BF16", "0")
    found = trained(images, extra)
    (step, left, told, size) = found.history[0]
    assert step == 1 and found.diverged is None and not found.network.training
    # Heads that are hardly more than zero at first: about the variance and the squared mean.
    one_hot = np.eye(10)[extra[1]]
    constant = np.mean(one_hot**2) / np.mean(one_hot.var(axis=0))
    assert 0.5 * constant < left < 2 * constant and 0.5 < told < 4
    assert 0 < size < 10


def test_with_a_large_step_f_grows_until_nothing_is_a_number(images, extra):
    grown = trained(images, extra, lam=10.0, steps=200, rate=1.0)
    assert grown.diverged is not None and len(grown.history) == grown.diverged < 200
    assert not np.isfinite(grown.history[-1]).all() and np.isfinite(grown.history[-2]).all()
    assert grown.history[-2][3] > 100 * grown.history[0][3]
    # Control: without the pretext term nothing rewards growth.
    calm = trained(images, extra, lam=0.0, steps=60, rate=0.05)
    assert calm.diverged is None
    first, last = np.mean(calm.history[:10], axis=0), np.mean(calm.history[-10:], axis=0)
    assert (last[1:3] < first[1:3]).all()  # both heads learn
    assert np.isfinite(network_outputs(calm.network, images[:10])).all()


def test_a_seed_decides_and_the_optimiser_matters(images, extra):
    histories = [
        trained(images, extra, steps=3, **how).history
        for how in ({}, {}, {"seed": 4}, {"optimiser": "adam"}, {"rate": 0.01})
    ]
    assert histories[0] == histories[1]
    assert all(histories[0] != other for other in histories[2:])


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"optimiser": "lbfgs"}, "optimiser must be one of sgd, adam"),
        ({"rate": 0}, "rate must be"),
        ({"seed": -1}, "seed must be"),
        ({"device": "nowhere"}, "device must be one"),
    ],
)
def test_what_cannot_be_trained_is_named(images, extra, wrong, named):
    with pytest.raises(ValueError, match=named):
        trained(images, extra, **wrong)
    with pytest.raises(ValueError, match="labels must hold at least 2 classes"):
        trained(images, (extra[0], [1] * 200))
