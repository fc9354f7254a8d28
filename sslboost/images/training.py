"""Pretext training: images as bytes on the device, augmented a whole batch at a time."""

import math
from dataclasses import dataclass

import torch

from sslboost.core import checkpoints
from sslboost.core.checkpoints import Checkpoint
from sslboost.core.compute import autocast, threads, uses_bfloat16
from sslboost.core.validation import as_count, takes
from sslboost.images.batches import Shuffled, augment, to_input
from sslboost.images.checks import (
    as_device,
    as_flag,
    as_images,
    as_pretext,
    as_seed,
)
from sslboost.images.networks.config import Config
from sslboost.images.networks.models import PretextNetwork, check_reads, drawn, processed

#: The modules whose source decides what training gives; a checkpoint of other sources is not used.
MODULES = (
    *(f"sslboost.core.{part}" for part in ("checkpoints", "compute")),
    *(f"sslboost.images.networks.{part}" for part in ("config", "encoders", "models")),
    *(f"sslboost.images.{part}" for part in ("batches", "pretexts", "training")),
)


@dataclass(frozen=True, eq=False)
class Trained:
    """A pretext network and the record of its training.

    Attributes
    ----------
    network : PretextNetwork
        In evaluation mode.
    history : list of (float, float, float)
        Epoch, mean loss and score since the previous entry, about 25 entries an epoch.
    seconds : float
        Of the processor.
    """

    network: PretextNetwork
    history: list
    seconds: float


@takes(config=Config, checkpoint=Checkpoint)
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
        Unlabelled images, at least two.
    pretext : Rotation, Colourisation or Inpainting
        Draws inputs and targets from a batch of images.
    config : Config
    seed : int
        Of the initial weights, the batches and the augmentation.
    device : str or torch.device
    processor : torch.nn.Module, optional
        The frozen f between inputs and network, on the device, in evaluation mode.
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
        If an argument is not as above, the device is absent, the processor is in training mode or
        gives what the network cannot read, or the training diverges.
    OSError
        If the checkpoint cannot be written.

    Source: slide "Pretext-Based SSL (Cont.)", psi_hat; Gidaris et al. (2018).
    """
    pretext, seed, device = as_pretext(pretext), as_seed(seed), as_device(device)
    progress = as_flag("progress", progress)
    images = as_images("images", images, least=2).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    first = processed(to_input(images[:1]), processor)
    network = initial_network(config, pretext.outputs, seed=seed, inputs=first.shape[1])
    check_reads("the network of config", network, first)

    def learn(rows):
        inputs, targets = pretext.draw(augment(images[rows], generator), generator)
        outputs = outputs_of(network, processed(to_input(inputs), processor))
        return pretext.loss(outputs, targets), pretext.score(outputs.detach(), targets)

    batch = min(config.batch, len(images))
    return descended(
        network,
        learn,
        config,
        config.steps(len(images)),
        Shuffled(len(images), batch, generator),
        window=max(1, len(images) // batch // 25),
        unit=len(images) / batch,
        facts=("pretext", images, pretext, config, seed, processor),
        checkpoint=checkpoint,
        progress=progress,
        name="pretext",
    )


def descended(network, learn, config, steps, batches, *, facts, modules=(), **how):
    """Train a network for a loss; on a CPU with the threads of its configuration.

    Parameters
    ----------
    network : PretextNetwork
        In evaluation mode; it is trained in place.
    learn : callable
        ``learn(rows)`` returns the loss and a score of a batch.
    config : Config
    steps : int
    batches : Shuffled
        Its generator, on the device to train on, is all the randomness of ``learn``.
    facts : tuple
        What the training is known by, besides its code and where it runs.
    modules : tuple of str
        Whose source decides as well what it gives.
    **how
        As of :func:`sslboost.core.checkpoints.run`.

    Returns
    -------
    Trained
    """
    generator = batches.generator
    device = generator.device
    network.train().to(device, memory_format=torch.channels_last)
    if config.compiled:
        network.compile()
    optimizer, schedule = one_cycle(network, config, steps)

    def advance():
        loss, score = learn(batches.draw())
        descend(loss, optimizer, schedule)
        return torch.stack([loss, score])

    known_by = ((*MODULES, *modules), *facts, device.type, uses_bfloat16(device))
    parts = [network, optimizer, schedule, batches]
    with threads(config.threads):
        taken = checkpoints.run(advance, steps, parts, generator, known_by=known_by, **how)
    return Trained(network.eval(), *taken)


def descend(loss, optimizer, schedule=None):
    """Take one step down a loss.

    Parameters
    ----------
    loss : tensor ()
    optimizer : torch.optim.Optimizer
    schedule : torch.optim.lr_scheduler.LRScheduler, optional
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if schedule:
        schedule.step()


def outputs_of(network, inputs):
    """Return what a network in training gives, in single precision.

    Parameters
    ----------
    network : torch.nn.Module
    inputs : float32 tensor (B, ...)

    Returns
    -------
    float32 tensor (B, outputs)

    Raises
    ------
    ValueError
        If the training has diverged.
    """
    with autocast(inputs.device):
        outputs = network(inputs)
    outputs = outputs.float()
    if not torch.isfinite(outputs).all():
        raise ValueError("config must have a lower rate: the training diverged to no number")
    return outputs


@takes(config=Config)
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
        Its weights are those of the seed, whatever else is drawn meanwhile.

    Raises
    ------
    ValueError
        If a size or the seed is no such integer.

    Source: He et al. (2016).
    """
    inputs = as_count("inputs", inputs)
    return drawn(lambda: PretextNetwork(config.encoder(inputs), outputs), seed)


@takes(module=torch.nn.Module, config=Config)
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

    Raises
    ------
    ValueError
        If the steps are no positive integer, or the module has no parameters.

    Source: Loshchilov and Hutter (2017), with a linear warm-up.
    """
    steps = as_count("steps", steps)
    parameters = list(module.parameters())
    if not parameters:
        raise ValueError("module must have parameters to train, got none")
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, lr=config.rate, momentum=0.9, nesterov=True)

    def cycle(step):
        warm = max(1, steps // 10)
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, cycle)
