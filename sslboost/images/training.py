"""Pretext training: images as bytes on the device, augmented a whole batch at a time."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F
from tqdm import tqdm

from sslboost._validation import as_count, as_number
from sslboost.images.networks import Encoder, PretextNetwork

#: Mean and standard deviation of the red, green and blue training pixels, in units of 0 to 1.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Config:
    """How to train a pretext network.

    Parameters
    ----------
    widths : tuple of int
        Channels of the encoder's stages.
    blocks : int
        Residual blocks per stage.
    epochs : float
        Passes over the pretext images.
    batch : int
        Images per step.
    rate : float
        Peak of the one-cycle learning rate.
    decay : float
        Weight decay of matrices and filters.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: int = 1
    epochs: float = 10
    batch: int = 256
    rate: float = 0.2
    decay: float = 5e-4

    def __post_init__(self):
        for i, width in enumerate(self.widths):
            as_count(f"widths[{i}]", width)
        as_count("blocks", self.blocks)
        as_count("batch", self.batch)
        as_number("epochs", self.epochs, above=0)
        as_number("rate", self.rate, above=0)
        as_number("decay", self.decay, least=0)


@dataclass(frozen=True, eq=False)
class Trained:
    """A pretext network and the record of its training.

    Attributes
    ----------
    network : PretextNetwork
        In evaluation mode.
    history : list of (float, float, float)
        Epoch, mean loss and accuracy since the previous entry, about 25 entries an epoch.
    """

    network: PretextNetwork
    history: list


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
        Largest shift in pixels.

    Returns
    -------
    uint8 tensor (B, C, H, W)

    Source: He et al. (2016), section 4.2.
    """
    B, _, H, W = images.shape
    device = images.device

    def draw(high):
        return torch.randint(high, (B, 1), generator=generator, device=device)

    padded = F.pad(images.float(), (pad,) * 4, mode="reflect").to(images.dtype)
    rows = draw(2 * pad + 1) + torch.arange(H, device=device)  # (B, H)
    columns = draw(2 * pad + 1) + torch.arange(W, device=device)  # (B, W)
    columns = torch.where(draw(2) == 1, columns.flip(1), columns)
    index = torch.arange(B, device=device)[:, None, None]
    # Advanced indices on either side of the channel slice put channels last.
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def train(images, pretext, config, *, seed, device="cpu", progress=True):
    """Train a network on a classification pretext; deterministic given the seed on one CPU.

    Parameters
    ----------
    images : uint8 tensor (n, 3, 32, 32)
        Unlabelled images.
    pretext : Rotation
        Draws inputs and targets from a batch of images.
    config : Config
    seed : int
        Of the initial weights, the batches and the augmentation.
    device : str or torch.device
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If images are not bytes of the right shape.

    Source: slide "Pretext-Based SSL (Cont.)", psi_hat; Gidaris et al. (2018).
    """
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise ValueError(
            f"images must be uint8 with 4 axes, got {images.dtype} with shape {tuple(images.shape)}"
        )
    images = images.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    network = initial_network(config, pretext.outputs, seed=seed).train()
    network.to(device, memory_format=torch.channels_last)
    batch = min(config.batch, len(images))
    steps = max(1, round(config.epochs * len(images) / batch))
    optimizer, schedule = _optimizer(network, config, steps)
    window = max(1, len(images) // batch // 25)
    history, seen = [], []
    for step in tqdm(range(1, steps + 1), desc="pretext", unit="step", disable=not progress):
        chosen = torch.randint(len(images), (batch,), generator=generator, device=device)
        inputs, targets = pretext.draw(augment(images[chosen], generator), generator)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            logits = network(to_input(inputs))
        loss = F.cross_entropy(logits.float(), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        seen.append(torch.stack([loss.detach(), (logits.argmax(1) == targets).float().mean()]))
        if step % window == 0 or step == steps:
            history.append((step * batch / len(images), *torch.stack(seen).mean(0).tolist()))
            seen = []
    return Trained(network.eval(), history)


def initial_network(config, outputs, *, seed):
    """Return the untrained network that :func:`train` starts from, in evaluation mode.

    Parameters
    ----------
    config : Config
    outputs : int
        Pretext classes.
    seed : int

    Returns
    -------
    PretextNetwork

    Source: He et al. (2016).
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PretextNetwork(Encoder(config.widths, config.blocks), outputs).eval()


def _optimizer(network, config, steps):
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, lr=config.rate, momentum=0.9, nesterov=True)

    def cycle(step):  # linear warm-up over a tenth of the steps, then cosine to zero
        warm = max(1, steps // 10)
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, cycle)


@torch.no_grad()
def pretext_accuracy(network, images, pretext, *, seed, batch=1000):
    """Return the share of drawn pretext targets that the network tells, in evaluation mode.

    Parameters
    ----------
    network : PretextNetwork
    images : uint8 tensor (n, 3, 32, 32)
    pretext : Rotation
    seed : int
        Of the targets drawn.
    batch : int

    Returns
    -------
    float

    Source: Gidaris et al. (2018), Table 1.
    """
    device = next(network.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    hits = 0
    for chunk in images.split(batch):
        inputs, targets = pretext.draw(chunk.to(device), generator)
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(to_input(inputs))
        hits += int((logits.argmax(1) == targets).sum())
    return hits / len(images)
