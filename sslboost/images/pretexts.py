"""Pretext tasks: what is hidden from the network, and what it must tell."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rotation:
    """Predict by which of four quarter turns an image was rotated.

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
        rotated = torch.empty_like(images)
        for quarter in range(self.outputs):
            members = turns == quarter
            rotated[members] = torch.rot90(images[members], quarter, dims=(2, 3))
        return rotated
