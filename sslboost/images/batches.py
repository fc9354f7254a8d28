"""Images as bytes on the device: checked, augmented a whole batch at a time, standardised."""

import torch

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

    Source: Krizhevsky (2009); the constants are those of the training images.
    """
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    scaled = (images.float() / 255 - mean) / std
    return scaled.contiguous(memory_format=torch.channels_last)


def augment(images, generator, *, pad=4):
    """Shift every image by up to ``pad`` pixels (edges reflected) and flip half of them.

    Parameters
    ----------
    images : uint8 tensor (B, C, H, W)
    generator : torch.Generator
    pad : int
        Largest shift in pixels, less than H and W.

    Returns
    -------
    uint8 tensor (B, C, H, W)

    Source: He et al. (2016), section 4.2.
    """
    B, C, H, W = images.shape
    device = images.device

    def draw(high):
        return torch.randint(high, (B, 1), generator=generator, device=device)

    def shifted(size):
        at = (draw(2 * pad + 1) - pad + torch.arange(size, device=device)).abs()
        return size - 1 - (size - 1 - at).abs()  # (B, size), reflected at both edges

    rows, columns = shifted(H), shifted(W)
    columns = torch.where(draw(2) == 1, columns.flip(1), columns)
    pixels = (rows[:, :, None] * W + columns[:, None, :]).view(B, 1, H * W)
    return images.reshape(B, C, H * W).gather(2, pixels.expand(B, C, H * W)).view(B, C, H, W)


def as_images(name, images):
    """Return images if they are bytes.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    images : uint8 tensor (n, 3, H, W)

    Returns
    -------
    uint8 tensor (n, 3, H, W)

    Raises
    ------
    ValueError
        If they are not bytes with four axes, or there are none.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or not len(images):
        raise ValueError(
            f"{name} must be uint8 with 4 axes and at least one image, "
            f"got {images.dtype} with shape {tuple(images.shape)}"
        )
    return images
