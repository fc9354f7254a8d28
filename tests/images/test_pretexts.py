"""What each pretext hides and shows, and the networks that read it."""

import numpy as np
import pytest
import torch

from sslboost.images import data
from sslboost.images.networks import Encoder, Perceptron, Processor, ResNet18, pooled
from sslboost.images.pretexts import PRETEXTS, Colourisation, Inpainting


@pytest.fixture(scope="module")
def images():
    return torch.tensor(data.load().train_images[:64])


def test_luminance_hides_the_colours():
    grey = torch.full((1, 3, 32, 32), 100, dtype=torch.uint8)
    tinted = grey.clone()
    tinted[:, 0] += 50  # red up, blue down by what keeps 0.299 r + 0.114 b: 131 levels in all
    tinted[:, 2] = 100 - round(50 * 0.299 / 0.114) + 31
    tinted[:, 1] = 100 - round(31 * 0.114 / 0.587)
    task = Colourisation()
    shown = [task.present(x).int() for x in (grey, tinted)]
    assert (shown[0] - shown[1]).abs().max() <= 1  # rounding of three bytes
    assert (task.hidden(grey) - task.hidden(tinted)).abs().max() > 1


def test_colours_are_means_of_the_cells():
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    image[:, 0, :8, :8] = 100  # one of the 4 x 4 cells is red
    z = Colourisation().hidden(image).view(2, 4, 4)
    luma = 0.299 * 100
    assert z[0, 0, 0] * 32 == pytest.approx(100 - luma, rel=1e-5)
    assert z[1, 0, 0] * 32 == pytest.approx(-luma, rel=1e-5)
    assert z[:, 1:].abs().max() == 0 and z[:, :, 1:].abs().max() == 0


def test_inpainting_shows_the_frame_and_asks_for_the_centre(images):
    task, changed = Inpainting(), images.clone()
    changed[:, :, 8:24, 8:24] = 255 - changed[:, :, 8:24, 8:24]
    assert torch.equal(task.present(images), task.present(changed))
    assert not torch.equal(task.hidden(images), task.hidden(changed))
    outside = images.clone()
    outside[:, :, :8] = 0
    assert torch.equal(task.hidden(images), task.hidden(outside))
    assert not torch.equal(task.present(images), task.present(outside))


@pytest.mark.parametrize("name", PRETEXTS)
def test_presenting_commutes_with_mirroring(images, name):
    task = PRETEXTS[name]
    assert torch.equal(task.present(images.flip(3)), task.present(images).flip(3))


@pytest.mark.parametrize("name", PRETEXTS)
def test_a_perfect_answer_scores_one_and_a_constant_one_scores_chance(images, name):
    task = PRETEXTS[name]
    _, targets = task.draw(images, torch.Generator().manual_seed(0))
    z = task.vector(targets)
    assert z.shape == (64, task.outputs)
    assert float(task.score(z, targets)) == 1
    constant = z.mean(0).expand_as(z)
    if name == "rotation":
        common = (targets == z.sum(0).argmax()).float().mean()
        assert float(task.score(constant, targets)) == pytest.approx(float(common))
        flat = torch.zeros_like(z)
        assert float(task.loss(flat, targets)) == pytest.approx(float(task.chance(targets)))
        assert torch.allclose(task.expectation(flat), torch.full_like(z, 0.25))
    else:
        # float32 sums over 64 rows.
        assert float(task.score(constant, targets)) == pytest.approx(0, abs=1e-5)
        loss, chance = float(task.loss(constant, targets)), float(task.chance(targets))
        assert loss == pytest.approx(chance, rel=1e-5)
        assert torch.equal(task.expectation(z), z)


@pytest.mark.parametrize(
    ("encoder", "sides"),
    [
        (Encoder((8, 16, 32), stride=1), (32, 16, 8)),
        (Encoder((8, 16, 32), stride=2), (16, 8, 4)),
        (ResNet18(), (32, 16, 8, 4)),
    ],
)
def test_every_stage_is_shown(encoder, sides):
    maps = encoder.eval()(torch.zeros(2, 3, 32, 32))
    widths = zip(encoder.widths, sides, strict=True)
    assert [h.shape for h in maps] == [(2, w, s, s) for w, s in widths]


def test_a_perceptron_shows_every_layer():
    assert [h.shape for h in Perceptron(5, (7, 3))(torch.zeros(2, 5))] == [(2, 7), (2, 3)]


def test_a_processor_is_standardised_on_its_training_batch():
    torch.manual_seed(0)
    f = Processor(Encoder((8, 16)), 4).train()
    x = torch.randn(256, 3, 32, 32)
    out = f(x).detach().numpy()
    variance = f.project(pooled(f.encoder(x)[-1])).detach().var(0, correction=0).numpy()
    assert np.abs(out.mean(0)).max() < 1e-5  # float32
    # The norm adds 1e-5 to the variance it divides by; both passes are float32.
    assert np.abs(out.std(0) - np.sqrt(variance / (variance + 1e-5))).max() < 1e-4
