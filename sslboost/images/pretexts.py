"""Pretext tasks: what is hidden from the network, and what it must tell.

A pretext is an object with ``outputs``, the numbers that a network must give; ``draw``, inputs and
targets from a batch of images; ``present``, x of an image as the downstream task sees it; ``loss``,
``chance`` (the loss of the best constant), ``score`` and ``expectation`` (the conditional mean of
z) of a network's outputs; and ``vector``, the targets as the z of the theory.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F


@dataclass(frozen=True)
class Rotation:
    """Predict by which of four quarter turns an image was rotated.

    The turn is drawn independently of the image, so that it is uncorrelated with every label.

    Source: Gidaris et al. (2018); the slides name predicting image rotations as a pretext task.
    """

    outputs: int = 4

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

        Source: Gidaris et al. (2018), section 2.1.
        """
        turns = torch.randint(
            self.outputs, (len(images),), generator=generator, device=images.device
        )
        return self.apply(images, turns), turns

    def apply(self, images, turns):
        """Return ``images`` (B, 3, 32, 32) turned anticlockwise by ``turns`` (B,) quarters."""
        B, C, H, W = images.shape
        pixels = torch.arange(H * W, device=images.device).view(H, W)
        tables = [torch.rot90(pixels, quarter).flatten() for quarter in range(self.outputs)]
        source = torch.stack(tables)[turns][:, None].expand(B, C, H * W)
        return images.reshape(B, C, H * W).gather(2, source).view(B, C, H, W)

    def present(self, images):
        """Return ``images`` upright, as they are."""
        return images

    def vector(self, targets):
        """Return z (B, 4): one-hot quarter turns of ``targets`` (B,)."""
        return F.one_hot(targets, self.outputs).float()

    def expectation(self, outputs):
        """Return psi_hat(x) (B, 4), the probability of every turn, of logits ``outputs``."""
        return outputs.softmax(dim=1)

    def loss(self, outputs, targets):
        """Return the cross-entropy of logits ``outputs`` (B, 4), in nats."""
        return F.cross_entropy(outputs, targets)

    def chance(self, targets):
        """Return the cross-entropy of the best constant, log 4 nats."""
        return torch.log(torch.tensor(float(self.outputs), device=targets.device))

    def score(self, outputs, targets):
        """Return the share of turns told by ``outputs`` (B, 4), a fraction."""
        return (outputs.argmax(1) == targets).float().mean()


@dataclass(frozen=True)
class _Regression:
    """A pretext whose target is a vector, told in the sense of least squares."""

    def vector(self, targets):
        """Return z (B, outputs): the targets themselves."""
        return targets

    def expectation(self, outputs):
        """Return psi_hat(x) (B, outputs): the outputs themselves."""
        return outputs

    def loss(self, outputs, targets):
        """Return the mean squared error of ``outputs`` (B, outputs)."""
        return F.mse_loss(outputs, targets)

    def chance(self, targets):
        """Return the mean squared error of the best constant, the mean variance of ``targets``."""
        return targets.var(dim=0, correction=0).mean()

    def score(self, outputs, targets):
        """Return the share of the variance of z that ``outputs`` (B, outputs) explain, R²."""
        residual = (outputs - targets).square().mean()
        return 1 - residual / targets.var(dim=0, correction=0).mean()

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

        Source: Zhang et al. (2016); Pathak et al. (2016).
        """
        return self.present(images), self.hidden(images)


@dataclass(frozen=True)
class Colourisation(_Regression):
    """Predict the chroma of an image, on a grid of 4 x 4 cells, from its luminance.

    Source: Zhang et al. (2016), as regression on E[z | x] in the sense of the slides.
    """

    outputs: int = 32

    def present(self, images):
        """Return the luminance of ``images`` (B, 3, 32, 32), three times."""
        return _luminance(images).round().to(torch.uint8).expand(-1, 3, -1, -1)

    def hidden(self, images):
        """Return the mean differences (B, 32) of red and blue from luminance in every cell.

        In units of 32 grey levels.
        """
        chroma = images[:, [0, 2]].float() - _luminance(images)
        return F.adaptive_avg_pool2d(chroma, 4).flatten(1) / 32


@dataclass(frozen=True)
class Inpainting(_Regression):
    """Predict the hidden centre of an image, 16 x 16 pixels in 4 x 4 cells, from its frame.

    Source: Pathak et al. (2016); Lee et al. (2021), section 6, hide a part of the image.
    """

    outputs: int = 48

    def present(self, images):
        """Return ``images`` (B, 3, 32, 32) with a grey centre."""
        masked = images.clone()
        masked[:, :, 8:24, 8:24] = 128
        return masked

    def hidden(self, images):
        """Return the mean red, green and blue (B, 48) of every cell of the centre.

        In units of 64 grey levels from middle grey.
        """
        centre = images[:, :, 8:24, 8:24].float()
        return F.adaptive_avg_pool2d(centre, 4).flatten(1) / 64 - 2


def _luminance(images):
    """Luma of Rec. 601 (B, 1, H, W), in grey levels."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device).view(3, 1, 1)
    return (images.float() * weights).sum(dim=1, keepdim=True)


#: The pretexts by name.
PRETEXTS = {
    "rotation": Rotation(),
    "colourisation": Colourisation(),
    "inpainting": Inpainting(),
}
