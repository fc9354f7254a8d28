"""What each pretext hides and shows."""

import numpy as np
import pytest
import torch

from sslboost.images.pretexts import PRETEXTS, Colourisation, Inpainting, Rotation


@pytest.fixture(scope="module")
def images(cifar):
    return torch.tensor(cifar.train_images[:64])


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
    for _ in range(200):
        counts += torch.bincount(Rotation().draw(images, generator)[1], minlength=4)
    n = counts.sum()
    # Binomial spread; 5.2 standard deviations: 1e-6 two-sided over 4 counts.
    assert ((counts - n / 4).abs() <= 5.2 * (n * 3 / 16).sqrt()).all()


@pytest.mark.parametrize("name", PRETEXTS)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda x: x.float(), "images must be a uint8 tensor of shape .* got torch.float32"),
        (lambda x: x.permute(0, 2, 3, 1), r"got torch.uint8 of shape \(64, 32, 32, 3\)"),
        (lambda x: x[:, :, :24], r"got torch.uint8 of shape \(64, 3, 24, 32\)"),
        (lambda x: x[:, :1], r"got torch.uint8 of shape \(64, 1, 32, 32\)"),
        (lambda x: x.numpy(), "images must be a uint8 tensor .* got ndarray"),
        (lambda x: x[:0], "images must hold at least 1 images"),
    ],
)
def test_what_is_no_image_is_named(images, name, change, named):
    task, wrong = PRETEXTS[name], change(images)
    for call in (lambda: task.draw(wrong, torch.Generator()), lambda: task.present(wrong)):
        with pytest.raises(ValueError, match=named):
            call()


@pytest.mark.parametrize("name", PRETEXTS)
@pytest.mark.parametrize("generator", [None, 0, np.random.default_rng(0)])
def test_what_is_no_generator_is_named(images, name, generator):
    with pytest.raises(ValueError, match=r"generator must be a torch\.Generator"):
        PRETEXTS[name].draw(images, generator)


_LOGITS, _TURNS = torch.zeros(5, 4), torch.zeros(5, dtype=torch.long)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda t: t.vector(_TURNS + 4), "targets must be from 0 to 3, got 4 to 4"),
        (lambda t: t.vector(_TURNS - 1), "targets must be from 0 to 3, got -1 to -1"),
        (lambda t: t.vector(_TURNS.float()), "targets must be int64 quarter turns of images"),
        (lambda t: t.vector([0, 1]), "targets must be int64 quarter turns of images in a tensor"),
        (lambda t: t.loss(_LOGITS, _TURNS[:4]), "targets must be int64 quarter turns of 5 images"),
        (lambda t: t.loss(_LOGITS[:, :3], _TURNS), "outputs must have 4 columns, got shape"),
        (lambda t: t.score(_LOGITS * torch.nan, _TURNS), "outputs must be finite"),
        (lambda t: t.expectation(_LOGITS[0]), "outputs must be a matrix of floats in a tensor"),
        (lambda t: t.chance(None), "targets must be int64 quarter turns"),
        (lambda t: Colourisation().loss(_LOGITS, _LOGITS), "outputs must have 32 columns"),
        (lambda t: Inpainting().vector(_LOGITS), "targets must have 48 columns"),
        (
            lambda t: Inpainting().score(torch.zeros(3, 48), torch.zeros(2, 48)),
            "outputs and targets must have the same rows",
        ),
    ],
)
def test_what_is_no_target_or_output_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(Rotation())


def test_turns_are_those_of_the_images(images):
    with pytest.raises(ValueError, match="turns must be int64 quarter turns of 64 images"):
        Rotation().apply(images, _TURNS)
