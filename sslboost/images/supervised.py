"""Networks that learn from labels: from nothing, or from what a pretext has taught."""

from dataclasses import replace

import torch
from torch.nn import functional as F

from sslboost.core.checkpoints import Checkpoint
from sslboost.core.validation import as_count, takes
from sslboost.images.batches import Shuffled, augment, to_input
from sslboost.images.checks import (
    as_classes,
    as_device,
    as_flag,
    as_images,
    as_pretext,
    as_seed,
    device_of,
)
from sslboost.images.data import CLASSES
from sslboost.images.networks.config import Config
from sslboost.images.networks.models import PretextNetwork, check_reads
from sslboost.images.training import descended, initial_network, outputs_of


@takes(config=Config, checkpoint=Checkpoint)
def train_classifier(
    images, labels, config, *, seed, pretext=None, device="cpu", checkpoint=None, progress=True
):
    """Train a network from nothing to tell the classes: what the same labels give without SSL.

    Parameters
    ----------
    images : uint8 tensor (n, 3, 32, 32)
    labels : int array or tensor (n,)
        Their classes, 0 to 9, at least two of them.
    config : Config
    seed : int
        Of the initial weights, the batches and the augmentation.
    pretext : Rotation, Colourisation or Inpainting, optional
        Presents the augmented images to the network; they are shown as they are when omitted.
    device : str or torch.device
    checkpoint : Checkpoint, optional
        As of :func:`sslboost.images.training.train`.
    progress : bool

    Returns
    -------
    Trained
        Its network's outputs are the ten classes.

    Raises
    ------
    ValueError
        If an argument is not as above, the device is absent, or the training diverges.
    OSError
        If the checkpoint cannot be written.
    """
    seed, device = as_seed(seed), as_device(device)
    images = as_images("images", images, least=2)
    network = initial_network(config, len(CLASSES), seed=seed)
    check_reads("the network of config", network, to_input(images[:1]))
    return _learned(
        "supervised",
        network,
        images,
        labels,
        config,
        config.steps(len(images)),
        seed=seed,
        device=device,
        pretext=pretext,
        facts=(),
        checkpoint=checkpoint,
        progress=progress,
    )


@takes(network=PretextNetwork, config=Config, checkpoint=Checkpoint)
def fine_tune(
    network, images, labels, config, *, seed, steps, pretext=None, checkpoint=None, progress=True
):
    """Give labels to the encoder: train a copy of it, with a new head, to tell the classes.

    Parameters
    ----------
    network : PretextNetwork
        Of images, trained under ``config``; left as it is.
    images : uint8 tensor (n, 3, 32, 32)
    labels : int array or tensor (n,)
        Their classes, 0 to 9, at least two of them.
    config : Config
        Gives batch and decay; the peak rate is a tenth of its rate.
    seed : int
    steps : int
    pretext : Rotation, Colourisation or Inpainting, optional
        As of :func:`train_classifier`.
    checkpoint : Checkpoint, optional
        As of :func:`sslboost.images.training.train`.
    progress : bool

    Returns
    -------
    Trained
        Its network's outputs are the ten classes.

    Raises
    ------
    ValueError
        If an argument is not as above, or the training diverges.
    OSError
        If the checkpoint cannot be written.
    """
    seed, steps, device = as_seed(seed), as_count("steps", steps), device_of(network)
    images = as_images("images", images, least=2)
    check_reads("network", network, to_input(images[:1].to(device)))
    tuned = initial_network(config, len(CLASSES), seed=seed)
    try:
        tuned.encoder.load_state_dict(network.encoder.state_dict())
    except RuntimeError as error:
        raise ValueError("config must be that of network, got one of other weights") from error
    return _learned(
        "fine-tuning",
        tuned,
        images,
        labels,
        replace(config, rate=config.rate / 10, compiled=False),
        steps,
        seed=seed,
        device=device,
        pretext=pretext,
        facts=(network,),
        checkpoint=checkpoint,
        progress=progress,
    )


def _learned(
    name, network, images, labels, config, steps, *, seed, device, pretext, facts, progress, **how
):
    """Train a network to tell the classes of augmented images, as a pretext presents them."""
    progress = as_flag("progress", progress)
    classes = as_classes("labels", labels, rows=len(images), least=2)
    images, classes = images.to(device), torch.from_numpy(classes).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    batch = min(config.batch, len(images))
    pretext = None if pretext is None else as_pretext(pretext)

    def learn(rows):
        shown = augment(images[rows], generator)
        outputs = outputs_of(network, to_input(pretext.present(shown) if pretext else shown))
        hits = outputs.detach().argmax(1) == classes[rows]
        return F.cross_entropy(outputs, classes[rows]), hits.float().mean()

    return descended(
        network,
        learn,
        config,
        steps,
        Shuffled(len(images), batch, generator),
        window=max(1, steps // 25),
        unit=len(images) / batch,
        facts=(name, images, classes, pretext, config, seed, steps, *facts),
        modules=(__name__,),
        progress=progress,
        name=name,
        **how,
    )
