"""Training on real images, within a smoke budget: batches, pretexts, fine-tuning."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sslboost.core.compute import threads
from sslboost.images.batches import Shuffled, augment, to_input
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS, Rotation
from sslboost.images.probe import network_outputs, pretext_accuracy
from sslboost.images.processor import initial_processor
from sslboost.images.supervised import fine_tune, train_classifier
from sslboost.images.table.profiles import SMOKE
from sslboost.images.training import initial_network, one_cycle, train

QUICK = Config((4, 8), epochs=1, batch=64, rate=0.05, stride=2)


def same(a, b):
    states = a.network.state_dict(), b.network.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_augmentation_shifts_and_flips_real_pixels(images):
    batch = images[:100]
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


def test_every_row_is_drawn_once_before_any_comes_again():
    def fresh():
        return Shuffled(10, 3, torch.Generator().manual_seed(0))

    rows = fresh()
    passes = [torch.cat([rows.draw() for _ in range(3)]).tolist() for _ in range(20)]
    assert all(len(set(one)) == 9 for one in passes)
    assert {row for one in passes for row in one} == set(range(10))
    assert len({tuple(one) for one in passes}) == 20
    # One that stopped inside a pass goes on where it stood.
    first, second = fresh(), fresh()
    first.draw(), second.load_state_dict(first.state_dict())
    second.generator.set_state(first.generator.get_state())
    for _ in range(7):
        assert torch.equal(first.draw(), second.draw())
    # Control: rows drawn anew each time come again at once.
    anew = torch.randint(10, (20, 9), generator=torch.Generator().manual_seed(0))
    assert any(len(set(one)) < 9 for one in anew.tolist())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((0, 1, torch.Generator()), "rows must be a positive integer"),
        ((4, 5, torch.Generator()), "batch must be at most 4"),
        ((4, 2, 0), "generator must be a torch.Generator"),
    ],
)
def test_what_cannot_be_drawn_is_named(given, named):
    with pytest.raises(ValueError, match=named):
        Shuffled(*given)


def test_inputs_are_standardised(images):
    x = to_input(images)
    assert x.is_contiguous(memory_format=torch.channels_last)
    # The constants describe all 50,000 images; means of a thousand stray by about 0.02.
    assert x.mean(dim=(0, 2, 3)).abs().max() < 0.1
    assert (x.std(dim=(0, 2, 3)) - 1).abs().max() < 0.1


def test_a_pretext_is_learned_above_chance_on_unseen_images(cifar, rotated):
    trained, config = rotated
    test = torch.tensor(cifar.test_images[:2000])
    spread = np.sqrt(3 / 16 / len(test))
    start = initial_network(config, 4, seed=0)
    assert pretext_accuracy(trained.network, test, Rotation(), seed=1) > 0.25 + 10 * spread
    # Control: the same measure on the network before training is near chance.
    assert pretext_accuracy(start, test, Rotation(), seed=1) < 0.25 + 10 * spread


def test_training_is_deterministic_given_the_seed(images):
    torch.manual_seed(1)
    first, again, other = (
        train(images, Rotation(), QUICK, seed=seed, progress=False) for seed in (0, 0, 1)
    )
    assert same(first, again) and first.history == again.history
    assert not same(first, other)


@pytest.mark.parametrize("around", [1, 3])
def test_training_has_threads_of_its_own(images, around):
    """Sums depend on their number, and so would the weights."""
    seen = []

    class Watched(Rotation):
        def draw(self, images, generator):
            seen.append(torch.get_num_threads())
            return super().draw(images, generator)

    with threads(around):
        for count in (1, 2):
            config = replace(QUICK, epochs=0.1, threads=count)
            train(images, Watched(), config, seed=0, progress=False)
            assert set(seen) == {count}
            seen.clear()
        assert torch.get_num_threads() == around


def test_batch_statistics_are_learned_and_then_frozen(rotated):
    trained, config = rotated
    start = initial_network(config, 4, seed=0).state_dict()
    end = trained.network.state_dict()
    means = [key for key in end if key.endswith("running_mean")]
    assert means and all(not torch.equal(start[key], end[key]) for key in means)
    assert not any(part.training for part in trained.network.modules())


def test_weight_decay_is_of_matrices_and_filters_alone():
    network = initial_network(SMOKE.ssl, 4, seed=0)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    config = replace(SMOKE.ssl, decay=0.5, rate=0.1)
    optimizer, _ = one_cycle(network, config, 1)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    # One step of SGD with Nesterov's momentum 0.9 along the decay alone.
    shrunk = 1 - 0.1 * 0.5 * 1.9
    for name, parameter in network.named_parameters():
        decays = name.endswith("weight") and "norm" not in name
        expected = before[name] * (shrunk if decays else 1.0)
        assert torch.allclose(parameter, expected, rtol=1e-6, atol=0), name
    assert any("norm" in name for name in before) and "head.bias" in before


def test_the_rate_rises_over_a_tenth_and_falls_to_nothing():
    network = torch.nn.Linear(2, 2)
    optimizer, schedule = one_cycle(network, replace(SMOKE.ssl, rate=0.3), 40)
    rates = []
    for _ in range(40):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[:5] == pytest.approx([0.3 / 4, 0.6 / 4, 0.9 / 4, 0.3, 0.3])
    assert rates[22] == pytest.approx(0.15) and rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.001


def test_what_a_pretext_hides_stays_hidden_where_images_are_shifted(extra):
    images, labels = extra
    other = images.clone()
    other[:, :, 12:20, 12:20] = 0  # within the hidden centre wherever it is shifted

    def taught(images, pretext, seed=0):
        how = {"seed": seed, "pretext": pretext, "progress": False}
        return train_classifier(images, labels, QUICK, **how)

    hidden = PRETEXTS["inpainting"]
    assert same(taught(images, hidden), taught(other, hidden))
    assert not same(taught(images, None), taught(other, None))
    how = {"seed": 0, "steps": 3, "progress": False}
    network = taught(images, hidden).network
    tuned = [fine_tune(network, x, labels, QUICK, pretext=hidden, **how) for x in (images, other)]
    assert same(*tuned)


def test_labels_are_learned_by_a_copy_of_the_encoder(rotated, extra):
    network, config = rotated[0].network, rotated[1]
    before = {name: value.clone() for name, value in network.state_dict().items()}

    def tuned(labels, seed=0):
        how = {"seed": seed, "steps": 40, "progress": False}
        return fine_tune(network, extra[0], labels, replace(config, rate=0.5), **how)

    trained = tuned(extra[1])
    told = network_outputs(trained.network, extra[0]).argmax(1) == extra[1].numpy()
    assert told.mean() > 0.3  # of the images it was trained on; chance is 0.1
    assert same(trained, tuned(extra[1].double().numpy()))  # the same labels in other clothes
    assert not same(trained, tuned(extra[1], seed=1))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


ROTATION = Rotation()
READER = SMOKE.psi


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"images": "float"}, "images must be a uint8 tensor of shape .* got torch.float32"),
        ({"images": "channels last"}, r"got torch.uint8 of shape \(8, 32, 32, 3\)"),
        ({"images": "small"}, r"got torch.uint8 of shape \(8, 3, 24, 32\)"),
        ({"images": "grey"}, r"got torch.uint8 of shape \(8, 1, 32, 32\)"),
        ({"images": "one"}, "images must hold at least 2 images"),
        ({"images": "array"}, "images must be a uint8 tensor .* got ndarray"),
        ({"images": "no memory"}, "images must be a uint8 tensor"),
        ({"pretext": "rotation"}, "pretext must be a pretext object, got str, without outputs"),
        ({"pretext": Rotation}, "pretext must be a pretext object, got the class Rotation"),
        ({"config": "laptop"}, "config must be a Config, got str"),
        ({"config": SMOKE.processor}, "config must be a Config, got ProcessorConfig"),
        ({"config": READER}, "the network of config reads vectors of length 3"),
        ({"seed": None}, "seed must be an integer of at least 0"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"seed": 0.5}, "seed must be an integer of at least 0"),
        ({"device": "nowhere"}, "device must be one that is there, got 'nowhere'"),
        ({"device": "meta"}, "device must be one that is there, got 'meta'"),
        ({"device": 1.5}, "device must be one that is there, got 1.5"),
        ({"progress": "yes"}, "progress must be True or False, got 'yes'"),
        ({"checkpoint": "path.pt"}, "checkpoint must be a Checkpoint, got str"),
        ({"processor": "training"}, "processor must be in evaluation mode"),
        ({"processor": "f"}, "the network of config reads images, got inputs of shape"),
        ({"processor": 3}, "processor must be a Module, got int"),
    ],
)
def test_what_cannot_be_trained_on_is_named(wrong, named, images):
    f = initial_processor(SMOKE.processor, seed=0)
    known = {
        "float": images[:8].float(),
        "channels last": images[:8].permute(0, 2, 3, 1),
        "small": images[:8, :, :24],
        "grey": images[:8, :1],
        "one": images[:1],
        "array": images[:8].numpy(),
        "no memory": images[:8].to("meta"),
        "training": torch.nn.Identity(),
        "f": f,
    }
    right = {"images": images[:8], "pretext": ROTATION, "config": QUICK, "seed": 0}
    given = {
        name: known[value] if isinstance(value, str) and value in known else value
        for name, value in wrong.items()
    }
    with pytest.raises(ValueError, match=named):
        train(**{"progress": False} | right | given)


def test_training_that_diverges_is_named(images):
    with pytest.raises(ValueError, match="config must have a lower rate"):
        train(images, PRETEXTS["inpainting"], replace(QUICK, rate=1e9), seed=0, progress=False)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"labels": "-1"}, "labels must be classes from 0 to 9, got -1: leave unlabelled images"),
        ({"labels": "1 to 10"}, "labels must be classes from 0 to 9, got 10"),
        ({"labels": "halves"}, "labels must be whole numbers, got 2.5"),
        ({"labels": "short"}, "labels must hold one label for each of 200 rows, got 199"),
        ({"labels": "one class"}, "labels must hold at least 2 classes, got 1"),
        ({"labels": "text"}, "labels must be a numeric array"),
        ({"labels": "masked"}, "labels must have no mask"),
        ({"labels": "column"}, "labels must have 1 axes"),
        ({"images": "float"}, "images must be a uint8 tensor"),
        ({"network": "state"}, "network must be a PretextNetwork"),
        ({"network": "reader"}, "network reads vectors of length 16"),
        ({"config": SMOKE.ssl}, "config must be that of network, got one of other weights"),
        ({"progress": 0}, "progress must be True or False"),
        ({"steps": 0}, "steps must be a positive integer"),
        ({"seed": "0"}, "seed must be an integer of at least 0"),
    ],
)
def test_what_cannot_be_fine_tuned_on_is_named(wrong, named, images, extra):
    labels = extra[1].numpy()
    network = initial_network(QUICK, 4, seed=0)
    known = {
        "-1": np.where(labels == 3, -1, labels),
        "1 to 10": labels + 1,
        "halves": labels + 0.5,
        "short": labels[:-1],
        "one class": np.zeros(200),
        "text": labels.astype(str),
        "masked": np.ma.array(labels, mask=labels == 3),
        "column": labels[:, None],
        "float": extra[0].float(),
        "state": network.state_dict(),
        "reader": initial_network(READER, 4, seed=0, inputs=16),
    }
    right = {"network": network, "images": extra[0], "labels": labels, "config": QUICK}
    given = {
        name: known.get(value, value) if isinstance(value, str) else value
        for name, value in wrong.items()
    }
    with pytest.raises(ValueError, match=named):
        fine_tune(**{"seed": 0, "steps": 1, "progress": False} | right | given)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda x, g: augment(x.float(), g), "images must be a uint8 tensor"),
        (lambda x, g: augment(x[:, :1], g), r"images must be .* got torch.uint8 of shape"),
        (lambda x, g: augment(x.permute(0, 2, 3, 1), g), r"images must be .* got torch.uint8"),
        (lambda x, g: augment(x, 0), "generator must be a torch.Generator, got int"),
        (lambda x, g: augment(x, np.random.default_rng()), "generator must be a torch.Generator"),
        (lambda x, g: augment(x, g, pad=32), "pad must be at most 31"),
        (lambda x, g: augment(x, g, pad=-1), "pad must be an integer of at least 0"),
        (lambda x, g: to_input(x.numpy()), "images must be a uint8 tensor .* got ndarray"),
        (lambda x, g: to_input(x[:, :2]), "images must be a uint8 tensor"),
        (lambda x, g: to_input(x[:0]), "images must hold at least 1 images"),
        (lambda x, g: one_cycle("network", QUICK, 5), "module must be a Module, got str"),
        (lambda x, g: one_cycle(torch.nn.ReLU(), QUICK, 5), "module must have parameters"),
        (lambda x, g: one_cycle(torch.nn.Linear(1, 1), QUICK, 0), "steps must be a positive"),
    ],
)
def test_what_is_no_batch_is_named(call, named, images):
    with pytest.raises(ValueError, match=named):
        call(images[:4], torch.Generator().manual_seed(0))
