"""Pretext tasks: what is hidden from the network, and what it must tell.

A pretext is an object with ``outputs``, the numbers that a network must give; ``draw``, inputs and
targets from a batch of images; ``present``, x of an image as the downstream task sees it; ``loss``,
``chance`` (the loss of the best constant), ``score`` and ``expectation`` (the conditional mean of
z) of a network's outputs; and ``vector``, the targets as the z of the theory.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from sslboost.images.checks import as_features, as_generator, as_images, as_same_rows


@dataclass(frozen=True)
class Rotation:
    """Predict by which of four quarter turns an image was rotated.

    The turn is drawn independently of the image, so that it is uncorrelated with every label.

    Source: Gidaris et al. (2018); the slides name predicting image rotations as a pretext task.
    """

    outputs = 4

    def draw(self, images, generator):
        """Rotate every image by its own random number of quarter turns.

        Parameters
        ----------
        images : uint8 tensor (B, 3, 32, 32)
        generator : torch.Generator
            On the device of ``images``.

        Returns
        -------
        inputs : uint8 tensor (B, 3, 32, 32)
        targets : int64 tensor (B,)
            Quarter turns, 0 to 3.

        Raises
        ------
        ValueError
            If the images or the generator are not as above.

        Source: Gidaris et al. (2018), section 2.1.
        """
        device = as_images("images", images).device
        turns = torch.randint(
            *(self.outputs, (len(images),)),
            generator=as_generator(generator, device),
            device=device,
        )
        return self.apply(images, turns), turns

    def apply(self, images, turns):
        """Return ``images`` (B, 3, 32, 32) turned anticlockwise by ``turns`` (B,) quarters."""
        B, C, H, W = as_images("images", images).shape
        turns = _as_turns("turns", turns, B)
        pixels = torch.arange(H * W, device=images.device).view(H, W)
        tables = [torch.rot90(pixels, quarter).flatten() for quarter in range(self.outputs)]
        source = torch.stack(tables)[turns][:, None].expand(B, C, H * W)
        return images.reshape(B, C, H * W).gather(2, source).view(B, C, H, W)

    def present(self, images):
        """Return ``images`` (B, 3, 32, 32) upright, as they are."""
        return as_images("images", images)

    def vector(self, targets):
        """Return z (B, 4): one-hot quarter turns of ``targets`` (B,)."""
        return F.one_hot(_as_turns("targets", targets), self.outputs).float()

    def expectation(self, outputs):
        """Return psi_hat(x) (B, 4), the probability of every turn, of logits ``outputs``."""
        return _as_outputs(outputs, self.outputs).softmax(dim=1)

    def loss(self, outputs, targets):
        """Return the cross-entropy of logits ``outputs`` (B, 4), in nats."""
        outputs = _as_outputs(outputs, self.outputs)
        return F.cross_entropy(outputs, _as_turns("targets", targets, len(outputs)))

    def chance(self, targets):
        """Return the cross-entropy of the best constant, log 4 nats."""
        device = _as_turns("targets", targets).device
        return torch.log(torch.tensor(float(self.outputs), device=device))

    def score(self, outputs, targets):
        """Return the share of turns told by ``outputs`` (B, 4), a fraction."""
        outputs = _as_outputs(outputs, self.outputs)
        targets = _as_turns("targets", targets, len(outputs))
        return (outputs.argmax(1) == targets).float().mean()


@dataclass(frozen=True)
class _Regression:
    """A pretext whose target is a vector, told in the sense of least squares."""

    def vector(self, targets):
        """Return z (B, outputs): the targets themselves."""
        return _as_outputs(targets, self.outputs, "targets")

    def expectation(self, outputs):
        """Return psi_hat(x) (B, outputs): the outputs themselves."""
        return _as_outputs(outputs, self.outputs)

    def loss(self, outputs, targets):
        """Return the mean squared error of ``outputs`` (B, outputs)."""
        return F.mse_loss(*self._pair(outputs, targets))

    def chance(self, targets):
        """Return the mean squared error of the best constant, the mean variance of ``targets``."""
        return self.vector(targets).var(dim=0, correction=0).mean()

    def score(self, outputs, targets):
        """Return the share of the variance of z that ``outputs`` (B, outputs) explain, R²."""
        outputs, targets = self._pair(outputs, targets)
        if (spread := self.chance(targets)) == 0:
            raise ValueError("targets must vary, got the same one for every image")
        return 1 - (outputs - targets).square().mean() / spread

    def _pair(self, outputs, targets):
        pair = as_same_rows(outputs=outputs, targets=targets)
        return [_as_outputs(part, self.outputs) for part in pair]

    def draw(self, images, generator):
        """Hide the target of every image.

        Parameters
        ----------
        images : uint8 tensor (B, 3, 32, 32)
        generator : torch.Generator
            Not used: what is hidden is always the same.

        Returns
        -------
        inputs : uint8 tensor (B, 3, 32, 32)
        targets : float32 tensor (B, outputs)

        Raises
        ------
        ValueError
            If the images or the generator are not as above.

        Source: Zhang et al. (2016); Pathak et al. (2016).
        """
        as_generator(generator, as_images("images", images).device)
        return self.present(images), self.hidden(images)


@dataclass(frozen=True)
class Colourisation(_Regression):
    """Predict the chroma of an image, on a grid of 4 x 4 cells, from its luminance.

    Source: Zhang et al. (2016), as regression on E[z | x] in the sense of the slides.
    """

    outputs = 32

    def present(self, images):
        """Return the luminance of ``images`` (B, 3, 32, 32), three times."""
        return _luminance(images).round().to(torch.uint8).expand(-1, 3, -1, -1)

    def hidden(self, images):
        """Return the mean differences (B, 32) of red and blue from luminance in every cell.

        In units of 32 grey levels.
        """
        luminance = _luminance(images)
        chroma = images[:, [0, 2]].float() - luminance
        return F.adaptive_avg_pool2d(chroma, 4).flatten(1) / 32


@dataclass(frozen=True)
class Inpainting(_Regression):
    """Predict the hidden centre of an image, 16 x 16 pixels in 4 x 4 cells, from its frame.

    Source: Pathak et al. (2016); Lee et al. (2021), section 6, hide a part of the image.
    """

    outputs = 48

    def present(self, images):
        """Return ``images`` (B, 3, 32, 32) with a grey centre."""
        masked = as_images("images", images).clone()
        masked[:, :, 8:24, 8:24] = 128
        return masked

    def hidden(self, images):
        """Return the mean red, green and blue (B, 48) of every cell of the centre.

        In units of 64 grey levels from middle grey.
        """
        centre = as_images("images", images)[:, :, 8:24, 8:24].float()
        return F.adaptive_avg_pool2d(centre, 4).flatten(1) / 64 - 2


def _luminance(images):
    """Luma of Rec. 601 (B, 1, H, W), in grey levels."""
    images = as_images("images", images)
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device).view(3, 1, 1)
    return (images.float() * weights).sum(dim=1, keepdim=True)


def _as_turns(name, turns, rows=None):
    """Quarter turns of ``rows`` images."""
    right = isinstance(turns, torch.Tensor) and turns.dtype == torch.int64 and turns.ndim == 1
    if not right or not len(turns) or rows not in (None, len(turns)):
        need = "images" if rows is None else f"{rows} images"
        came = (
            turns if not isinstance(turns, torch.Tensor) else f"{turns.dtype} {tuple(turns.shape)}"
        )
        raise ValueError(f"{name} must be int64 quarter turns of {need} in a tensor, got {came}")
    if not 0 <= turns.min() <= turns.max() < Rotation.outputs:
        raise ValueError(f"{name} must be from 0 to 3, got {turns.min()} to {turns.max()}")
    return turns


def _as_outputs(outputs, width, name="outputs"):
    """What a network gives for z, or z itself: ``width`` numbers in a row."""
    outputs = as_features(name, outputs)
    if outputs.shape[1] != width:
        raise ValueError(f"{name} must have {width} columns, got shape {tuple(outputs.shape)}")
    return outputs


#: The pretexts by name.
PRETEXTS = {
    "rotation": Rotation(),
    "colourisation": Colourisation(),
    "inpainting": Inpainting(),
}
