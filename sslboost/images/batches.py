"""Images as bytes on the device: checked, augmented a whole batch at a time, standardised."""

import torch

from sslboost.core.validation import as_count
from sslboost.images.checks import as_generator, as_images

#: Mean and standard deviation of the red, green and blue training pixels, in units of 0 to 1.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


def to_input(images):
    """Return images as standardised floats in channels-last order.

    Parameters
    ----------
    images : uint8 tensor (B, 3, H, W)

    Returns
    -------
    float32 tensor (B, 3, H, W)
        Mean 0 and standard deviation 1 in each channel over the training images.

    Raises
    ------
    ValueError
        If they are not bytes with three channels, channels first.

    Source: Krizhevsky (2009); the constants are those of the training images.
    """
    images = as_images("images", images, shape=(3, None, None))
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    scaled = (images.float() / 255 - mean) / std
    return scaled.contiguous(memory_format=torch.channels_last)


class Shuffled:
    """Rows in a random order: every one is drawn once before any is drawn again.

    Those that fill no batch at the end of a pass are left out of it.

    Parameters
    ----------
    rows : int
    batch : int
        Rows drawn at a time, at most all of them.
    generator : torch.Generator
        On the device to draw on.

    Raises
    ------
    ValueError
        If an argument is not as above.
    """

    def __init__(self, rows, batch, generator):
        self.rows = as_count("rows", rows)
        self.batch = as_count("batch", batch, most=rows)
        self.generator = as_generator(generator)
        self.order, self.at = None, rows

    def draw(self):
        """Return the next batch of rows, an int64 tensor (batch,)."""
        if self.at + self.batch > self.rows:
            device = self.generator.device
            self.order = torch.randperm(self.rows, generator=self.generator, device=device)
            self.at = 0
        self.at += self.batch
        return self.order[self.at - self.batch : self.at]

    def state_dict(self):
        """Return where it stands, without the generator."""
        return {"order": self.order, "at": self.at}

    def load_state_dict(self, state):
        """Go on from where another one stood."""
        order, self.at = state["order"], state["at"]
        self.order = None if order is None else order.to(self.generator.device)


def augment(images, generator, *, pad=4):
    """Shift every image by up to ``pad`` pixels (edges reflected) and flip half of them.

    Parameters
    ----------
    images : uint8 tensor (B, 3, H, W)
    generator : torch.Generator
        On the device of ``images``.
    pad : int
        Largest shift in pixels, less than H and W.

    Returns
    -------
    uint8 tensor (B, 3, H, W)

    Raises
    ------
    ValueError
        If they are not bytes with three channels, channels first, the generator is none or of
        another device, or the shift does not fit.

    Source: He et al. (2016), section 4.2.
    """
    B, C, H, W = as_images("images", images, shape=(3, None, None)).shape
    device = images.device
    generator = as_generator(generator, device)
    pad = as_count("pad", pad, least=0, most=min(H, W) - 1)

    def draw(high):
        return torch.randint(high, (B, 1), generator=generator, device=device)

    def shifted(size):
        at = (draw(2 * pad + 1) - pad + torch.arange(size, device=device)).abs()
        return size - 1 - (size - 1 - at).abs()  # (B, size), reflected at both edges

    rows, columns = shifted(H), shifted(W)
    columns = torch.where(draw(2) == 1, columns.flip(1), columns)
    pixels = (rows[:, :, None] * W + columns[:, None, :]).view(B, 1, H * W)
    return images.reshape(B, C, H * W).gather(2, pixels.expand(B, C, H * W)).view(B, C, H, W)
