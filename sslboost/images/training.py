"""Pretext training: images as bytes on the device, augmented a whole batch at a time."""

import math
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from sslboost.core import checkpoints
from sslboost.images.batches import as_images, augment, to_input
from sslboost.images.networks import PretextNetwork


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


def autocast(device):
    """Return the context of mixed precision: bfloat16 where it helps.

    Parameters
    ----------
    device : str or torch.device

    Returns
    -------
    torch.autocast
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
