"""Pretext training: images as bytes on the device, augmented a whole batch at a time."""

import math
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from sslboost.core import checkpoints
from sslboost.core.validation import as_count, as_number
from sslboost.images.networks import Encoder, Perceptron, PretextNetwork, ResNet18

#: Mean and standard deviation of the red, green and blue training pixels, in units of 0 to 1.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


ARCHITECTURES = ("narrow", "resnet18", "perceptron")


@dataclass(frozen=True)
class Config:
    """A network and how to train it.

    Parameters
    ----------
    widths : tuple of int
        Channels of the encoder's stages, or neurons of the perceptron's layers.
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
    stride : int
        Of the first convolution.
    architecture : str
        ``narrow``, ``resnet18`` (whose widths and blocks are its own) or ``perceptron``.
    compiled : bool
        Compile the network with ``torch.compile``.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: int = 1
    epochs: float = 10
    batch: int = 256
    rate: float = 0.2
    decay: float = 5e-4
    stride: int = 1
    architecture: str = "narrow"
    compiled: bool = False

    def __post_init__(self):
        for i, width in enumerate(self.widths):
            as_count(f"widths[{i}]", width)
        as_count("blocks", self.blocks)
        as_count("batch", self.batch)
        as_count("stride", self.stride)
        as_number("epochs", self.epochs, above=0)
        as_number("rate", self.rate, above=0)
        as_number("decay", self.decay, least=0)
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"architecture must be one of {', '.join(ARCHITECTURES)}, got {self.architecture!r}"
            )

    def steps(self, images):
        """Return the number of steps that the epochs make over ``images`` images."""
        return max(1, round(self.epochs * images / min(self.batch, images)))

    def encoder(self, inputs=3):
        """Return a new encoder of images, or of vectors of length ``inputs``."""
        if self.architecture == "perceptron":
            return Perceptron(inputs, self.widths)
        if self.architecture == "resnet18":
            return ResNet18()
        return Encoder(self.widths, self.blocks, self.stride)


@dataclass(frozen=True, eq=False)
class Trained:
    """A pretext network and the record of its training.

    Attributes
    ----------
    network : PretextNetwork
        In evaluation mode.
    history : list of (float, float, float)
        Epoch, mean loss and score since the previous entry, about 25 entries an epoch.
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


def train(
    images,
    pretext,
    config,
    *,
    seed,
    device="cpu",
    processor=None,
    checkpoint=None,
    progress=True,
):
    """Train psi on a pretext, on the images or on f of them; deterministic given the seed on CPU.

    Parameters
    ----------
    images : uint8 tensor (n, 3, 32, 32)
        Unlabelled images.
    pretext : Rotation, Colourisation or Inpainting
        Draws inputs and targets from a batch of images.
    config : Config
    seed : int
        Of the initial weights, the batches and the augmentation.
    device : str or torch.device
    processor : torch.nn.Module, optional
        The frozen f between inputs and network, in evaluation mode.
    checkpoint : Checkpoint, optional
        Where the state is kept, so that an interrupted run goes on and ends the same.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If images are not bytes of the right shape, or the processor is in training mode.
    OSError
        If the checkpoint cannot be written.

    Source: slide "Pretext-Based SSL (Cont.)", psi_hat; Gidaris et al. (2018).
    """
    images = as_images("images", images).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    batch = min(config.batch, len(images))
    steps = config.steps(len(images))

    def draw():
        chosen = torch.randint(len(images), (batch,), generator=generator, device=device)
        inputs, targets = pretext.draw(augment(images[chosen], generator), generator)
        return processed(to_input(inputs), processor), targets

    length = processed(to_input(images[:1]), processor).shape[1]
    network = initial_network(config, pretext.outputs, seed=seed, inputs=length).train()
    network.to(device, memory_format=torch.channels_last)
    if config.compiled:
        network.compile()
    optimizer, schedule = one_cycle(network, config, steps)

    def advance():
        inputs, targets = draw()
        with autocast(device):
            outputs = network(inputs)
        loss = pretext.loss(outputs.float(), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        return torch.stack([loss, pretext.score(outputs.detach().float(), targets)])

    history = checkpoints.run(
        advance,
        steps,
        [network, optimizer, schedule],
        generator,
        window=max(1, len(images) // batch // 25),
        unit=len(images) / batch,
        identity=repr((pretext, config, seed, len(images), processor is None)),
        checkpoint=checkpoint,
        progress=progress,
        name="pretext",
    )
    return Trained(network.eval(), history)


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

    Source: the book's house style.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or not len(images):
        raise ValueError(
            f"{name} must be uint8 with 4 axes and at least one image, "
            f"got {images.dtype} with shape {tuple(images.shape)}"
        )
    return images


def autocast(device):
    """Return the context of mixed precision: bfloat16 where it helps.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    torch.autocast

    Source: the documentation of torch.autocast.
    """
    return torch.autocast(torch.device(device).type, torch.bfloat16)


@torch.no_grad()
def processed(inputs, processor):
    """Return f of the inputs, or the inputs themselves without a processor.

    Parameters
    ----------
    inputs : float32 tensor (B, 3, H, W)
        Standardised.
    processor : torch.nn.Module or None

    Returns
    -------
    float32 tensor (B, d_f) or (B, 3, H, W)

    Raises
    ------
    ValueError
        If the processor is in training mode, where batch statistics would leak between images.

    Source: slide "SSL with Data Processor".
    """
    if processor is None:
        return inputs
    if processor.training:
        raise ValueError("processor must be in evaluation mode, got training mode")
    with autocast(inputs.device):
        return processor(inputs).float()


def initial_network(config, outputs, *, seed, inputs=3):
    """Return the untrained network that :func:`train` starts from, in evaluation mode.

    Parameters
    ----------
    config : Config
    outputs : int
        Numbers that the network gives.
    seed : int
    inputs : int
        Length of the vectors that a perceptron reads.

    Returns
    -------
    PretextNetwork

    Source: He et al. (2016).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PretextNetwork(config.encoder(inputs), outputs).eval()


def one_cycle(module, config, steps):
    """Return SGD with momentum and a rate that rises over a tenth of the steps and falls to zero.

    Parameters
    ----------
    module : torch.nn.Module
    config : Config
        Gives the peak rate and the decay of everything with more than one axis.
    steps : int

    Returns
    -------
    optimizer : torch.optim.SGD
    schedule : torch.optim.lr_scheduler.LambdaLR

    Source: Loshchilov and Hutter (2017), with a linear warm-up.
    """
    matrices = [p for p in module.parameters() if p.ndim > 1]
    vectors = [p for p in module.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, lr=config.rate, momentum=0.9, nesterov=True)

    def cycle(step):
        warm = max(1, steps // 10)
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, cycle)


def fine_tune(network, images, labels, config, *, seed, steps, progress=True):
    """Give labels to the encoder: train a copy of it, with a new head, to tell the classes.

    Parameters
    ----------
    network : PretextNetwork
        Left as it is.
    images : uint8 tensor (n, 3, 32, 32)
    labels : int64 tensor (n,)
    config : Config
        Gives batch and decay; the peak rate is a tenth of its rate.
    seed : int
    steps : int
    progress : bool

    Returns
    -------
    Trained
        Its network's outputs are the ten classes.

    Source: the fair alternative to a processor, with the same labels.
    """
    device = next(network.parameters()).device
    images, labels = as_images("images", images).to(device), labels.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    tuned = initial_network(config, 10, seed=seed)
    tuned.encoder.load_state_dict(network.encoder.state_dict())
    tuned.train().to(device, memory_format=torch.channels_last)
    optimizer, schedule = one_cycle(tuned, replace(config, rate=config.rate / 10), steps)
    batch = min(config.batch, len(images))

    def advance():
        chosen = torch.randint(len(images), (batch,), generator=generator, device=device)
        with autocast(device):
            outputs = tuned(to_input(augment(images[chosen], generator)))
        loss = F.cross_entropy(outputs.float(), labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        hits = outputs.detach().argmax(1) == labels[chosen]
        return torch.stack([loss, hits.float().mean()])

    history = checkpoints.run(
        advance,
        steps,
        [tuned, optimizer, schedule],
        generator,
        window=max(1, steps // 25),
        unit=len(images) / batch,
        identity="fine-tuning",
        checkpoint=None,
        progress=progress,
        name="fine-tuning",
    )
    return Trained(tuned.eval(), history)


@torch.no_grad()
def pretext_accuracy(network, images, pretext, *, seed, processor=None, batch=1000):
    """Return how well the network tells drawn pretext targets, in evaluation mode.

    Parameters
    ----------
    network : PretextNetwork
    images : uint8 tensor (n, 3, 32, 32)
    pretext : Rotation, Colourisation or Inpainting
    seed : int
        Of the targets drawn.
    processor : torch.nn.Module, optional
        The f between inputs and network.
    batch : int

    Returns
    -------
    float
        The share told, for rotation; R² for the others.

    Source: Gidaris et al. (2018), Table 1.
    """
    device = next(network.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    outputs, targets = [], []
    for chunk in images.split(batch):
        inputs, told = pretext.draw(chunk.to(device), generator)
        with autocast(device):
            outputs.append(network(processed(to_input(inputs), processor)).float())
        targets.append(told)
    return float(pretext.score(torch.cat(outputs), torch.cat(targets)))
