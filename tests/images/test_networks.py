"""The networks: what they show of an image, and weights that belong to their seed alone."""

import hashlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional as F

from sslboost.images.batches import to_input
from sslboost.images.networks.config import Config
from sslboost.images.networks.encoders import Encoder, Perceptron, ResNet18, WideEncoder
from sslboost.images.networks.models import (
    PretextNetwork,
    Processor,
    check_reads,
    drawn,
    pooled,
    processed,
)
from sslboost.images.processor import initial_processor
from sslboost.images.table.profiles import PAPER, SMOKE
from sslboost.images.training import initial_network

NARROW = Config((4, 8))


@pytest.mark.parametrize(
    ("encoder", "sides"),
    [
        (Encoder((8, 16, 32), stride=1), (32, 16, 8)),
        (Encoder((8, 16, 32), stride=2), (16, 8, 4)),
        (WideEncoder((8, 16, 32)), (32, 16, 8)),
        (ResNet18(), (32, 16, 8, 4)),
    ],
)
def test_every_stage_is_shown(encoder, sides):
    maps = encoder.eval()(torch.zeros(2, 3, 32, 32))
    widths = zip(encoder.widths, sides, strict=True)
    assert [h.shape for h in maps] == [(2, w, s, s) for w, s in widths]


def test_an_epoch_shows_as_many_images_as_there_are():
    config = Config((4, 8), epochs=3, batch=256)
    assert (config.steps(1024), config.steps(1000)) == (12, 12)
    assert config.steps(100) == 3  # batches of all hundred


def test_a_wide_group_is_two_convolutions_written_out(images):
    config = Config((4, 8, 6), architecture="wide")
    encoder = drawn(config.encoder, 0)
    assert isinstance(encoder, WideEncoder) and encoder.widths == (4, 8, 6)
    x = to_input(images[:3])
    stem, first, second = encoder(x)
    group = encoder.groups[1]

    def normalised(norm, h):
        return torch.relu(h / torch.sqrt(torch.tensor(1.0 + norm.eps)))  # as drawn: mean 0, one

    convolved = nn.functional.conv2d(first, group.conv1.weight, padding=1)
    h = normalised(group.norm1, nn.functional.max_pool2d(convolved, 2))
    residual = nn.functional.conv2d(h, group.conv2.weight, padding=1)
    # Sums of 8 * 9 products in float32.
    assert torch.allclose(second, h + normalised(group.norm2, residual), rtol=1e-5, atol=1e-6)
    assert (stem >= 0).all() and (second >= h - 1e-6).all()


def strided_and_thin(network):
    """Strided 1 x 1 convolutions of few channels, whose training corrupts memory in float32."""
    return [
        part
        for part in network.modules()
        if isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1)
        if part.stride != (1, 1) and part.in_channels < 16
    ]


def test_no_convolution_is_strided_and_thin_and_the_skip_is_one_in_two_steps():
    assert not strided_and_thin(Encoder((4, 8, 12), 2)) and not strided_and_thin(ResNet18())
    assert strided_and_thin(nn.Conv2d(8, 16, 1, 2))  # control
    block = Encoder((4, 8)).stages[1][0]
    x = torch.randn(2, 4, 9, 10, generator=torch.Generator().manual_seed(0))
    at_once = F.conv2d(x, block.skip[1].weight, stride=2)
    assert torch.equal(block.skip(x), F.conv2d(x[:, :, ::2, ::2], block.skip[1].weight))
    torch.testing.assert_close(block.skip(x), at_once)


def test_a_perceptron_shows_every_layer():
    assert [h.shape for h in Perceptron(5, (7, 3))(torch.zeros(2, 5))] == [(2, 7), (2, 3)]


def test_a_processor_is_standardised_on_its_training_batch():
    f = drawn(lambda: Processor(Encoder((8, 16)), 4), 0).train()
    x = torch.randn(256, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    out = f(x).detach().numpy()
    variance = f.project(pooled(f.encoder(x)[-1])).detach().var(0, correction=0).numpy()
    assert np.abs(out.mean(0)).max() < 1e-5  # float32
    # The norm adds 1e-5 to the variance it divides by; both passes are float32.
    assert np.abs(out.std(0) - np.sqrt(variance / (variance + 1e-5))).max() < 1e-4


def digest(network):
    tensors = network.state_dict().values()
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in tensors)).hexdigest()


def made(seed):
    """A network, a reader of f(x) and a processor of one seed."""
    return (
        digest(initial_network(NARROW, 4, seed=seed)),
        digest(initial_network(SMOKE.psi, 4, seed=seed, inputs=16)),
        digest(initial_processor(SMOKE.processor, seed=seed)),
    )


def test_threads_get_the_weights_of_their_seeds():
    seeds = list(range(12)) * 5
    alone = {seed: made(seed) for seed in set(seeds)}
    assert len(set(itertools.chain(*alone.values()))) == 3 * len(alone)
    ended = threading.Event()

    def disturb():  # draws from the process's own generator, and seeds it
        while not ended.is_set():
            torch.rand(10)
            torch.manual_seed(5)

    state = torch.get_rng_state()
    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(made, seeds))
    finally:
        ended.set()
        disturber.join()
        torch.set_rng_state(state)
    assert found == [alone[seed] for seed in seeds]


def test_the_generator_of_the_process_is_neither_read_nor_moved(monkeypatch):
    def forbidden(*_):
        raise AssertionError

    first = made(0)
    torch.rand(1)
    state = torch.get_rng_state()
    monkeypatch.setattr(torch, "manual_seed", forbidden)
    monkeypatch.setattr(torch, "set_rng_state", forbidden)
    assert made(0) == first
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("build", "network"),
    [
        (
            lambda: PretextNetwork(PAPER.ssl.encoder(), 4),
            initial_network(PAPER.ssl, 4, seed=0),
        ),
        (
            lambda: PretextNetwork(NARROW.encoder(), 4),
            initial_network(NARROW, 4, seed=0),
        ),
        (
            lambda: PretextNetwork(Perceptron(50, (60, 70)), 4),
            initial_network(replace(SMOKE.psi, widths=(60, 70)), 4, seed=0, inputs=50),
        ),
        (
            lambda: Processor(SMOKE.processor.network.encoder(), 16),
            initial_processor(SMOKE.processor, seed=0),
        ),
    ],
)
def test_weights_have_the_distributions_of_the_libraries(build, network):
    state = torch.get_rng_state()
    theirs, ours = build().eval(), network
    torch.set_rng_state(state)
    assert str(ours) == str(theirs)
    kept = ours.state_dict()
    for name, value in theirs.state_dict().items():
        own, value = kept[name].double().numpy(), value.double().numpy()
        assert own.shape == value.shape
        if np.ptp(value) == 0:  # norms and their statistics
            assert np.array_equal(own, value)
            continue
        # Kolmogorov and Smirnov between two draws, at most 60 parameters of each network; a false
        # alarm in any has a chance of 1e-6.
        assert stats.ks_2samp(own.ravel()[:20_000], value.ravel()[:20_000]).pvalue > 1e-6 / 240


def test_other_distributions_would_be_noticed():
    network = initial_network(replace(SMOKE.psi, widths=(150, 150)), 4, seed=0, inputs=8)
    weight = network.encoder.layers[1].weight.detach().numpy().ravel()
    normal = np.random.default_rng(0).normal(0, weight.std(), weight.size)
    for other in (normal, 1.2 * weight):
        assert stats.ks_2samp(weight, other).pvalue < 1e-6 / 240


class Pairs(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: Config(widths=()), "widths must be a sequence of integers"),
        (lambda: Config(widths=8), "widths must be a sequence of integers"),
        (lambda: Config(widths="88"), "widths must be a sequence of integers"),
        (lambda: Config(widths=(8, 0)), r"widths.1. must be a positive integer"),
        (lambda: Config(widths=(10**6,)), r"widths.0. must be at most"),
        (lambda: Config(blocks=0), "blocks must be a positive integer"),
        (lambda: Config(batch=1), "batch must be an integer of at least 2"),
        (lambda: Config(epochs=0), "epochs must be above 0"),
        (lambda: Config(rate=np.nan), "rate must be above 0"),
        (lambda: Config(decay=-1), "decay must be at least 0"),
        (lambda: Config(stride=1.5), "stride must be a positive integer"),
        (lambda: Config(architecture="vgg"), "architecture must be one of narrow"),
        (lambda: Config(architecture=["narrow"]), "architecture must be one of narrow"),
        (lambda: Config(compiled="no"), "compiled must be True or False"),
        (lambda: Config(threads=0), "threads must be a positive integer"),
        (lambda: NARROW.steps(0), "images must be a positive integer"),
        (lambda: SMOKE.psi.encoder(0), "inputs must be a positive integer"),
        (lambda: Encoder((4,), stride=0), "stride must be a positive integer"),
        (lambda: PretextNetwork(nn.Identity(), 4), "encoder must be a Encoder or WideEncoder or"),
        (lambda: Processor(Encoder(), -1), "features must be a positive integer"),
        (lambda: initial_network(NARROW, 0, seed=0), "outputs must be a positive integer"),
        (lambda: initial_network(NARROW, 4, seed=-1), "seed must be an integer of at least 0"),
        (lambda: initial_network(NARROW, 4, seed=None), "seed must be an integer of at least 0"),
        (lambda: initial_network(NARROW, 4, seed=0, inputs=2.5), "inputs must be a positive"),
        (lambda: initial_network("narrow", 4, seed=0), "config must be a Config, got str"),
        (lambda: initial_processor(NARROW, seed=0), "config must be a ProcessorConfig"),
        (lambda: initial_processor(SMOKE.processor, seed="0"), "seed must be an integer"),
        (
            lambda: initial_network(Config((4096,) * 9), 4, seed=0),
            "number of weights must be at most",
        ),
        (lambda: pooled(torch.zeros(2, 3, 4)), "h must be a tensor of floats with 2 or 4 axes"),
        (lambda: processed(None, None), "inputs must be a tensor of floats, got NoneType"),
        (
            lambda: processed(np.zeros((2, 3, 32, 32)), nn.Identity().eval()),
            "inputs must be a tensor of floats, got ndarray",
        ),
        (lambda: pooled([[1.0]]), "h must be a tensor of floats with 2 or 4 axes, got list"),
    ],
)
def test_what_is_no_network_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()


@pytest.mark.parametrize(
    ("processor", "named"),
    [
        (nn.Identity(), "processor must be in evaluation mode"),
        (nn.Sequential(nn.Identity().train()).eval(), None),
        (Pairs().eval(), "processor must give a tensor with a row for each image"),
        (nn.Flatten(0).eval(), "processor must give a tensor with a row for each image"),
        (abs, "processor must be a Module, got builtin_function_or_method"),
        (Perceptron(5, (3,)).eval(), "processor reads vectors of length 5, got inputs of shape"),
    ],
)
def test_what_is_no_processor_is_named(processor, named):
    x = torch.zeros(2, 3, 32, 32)
    if named is None:
        assert torch.equal(processed(x, processor), x)
        return
    with pytest.raises(ValueError, match=named):
        processed(x, processor)


def test_a_processor_with_one_part_in_training_is_refused():
    f = initial_processor(SMOKE.processor, seed=0)
    f.encoder.norm.train()
    with pytest.raises(ValueError, match="processor must be in evaluation mode"):
        processed(torch.zeros(2, 3, 32, 32), f)


def test_a_network_reads_what_it_was_built_for():
    reader = PretextNetwork(Perceptron(5, (3,)), 4)
    check_reads("network", reader, torch.zeros(2, 5))
    check_reads("network", Encoder(), torch.zeros(2, 3, 32, 32))
    check_reads("network", nn.Identity(), torch.zeros(2))
    with pytest.raises(ValueError, match="network reads vectors of length 5"):
        check_reads("network", reader, torch.zeros(2, 6))
    with pytest.raises(ValueError, match="network reads images, got inputs of shape"):
        check_reads("network", ResNet18(), torch.zeros(2, 5))
