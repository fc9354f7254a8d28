"""What a head reads: features of images, and what a network gives for them."""

import torch
from torch.nn import functional as F

from sslboost.core.compute import autocast
from sslboost.core.validation import as_count
from sslboost.images.batches import to_input
from sslboost.images.checks import as_evaluated, as_images, as_pretext, as_seed, device_of
from sslboost.images.networks.encoders import ENCODERS
from sslboost.images.networks.models import PretextNetwork, Processor, check_reads, processed


@torch.no_grad()
def stage_features(encoder, images, *, processor=None, grid=4, batch=1000):
    """Return the features of every encoder stage, pooled to a coarse grid.

    Parameters
    ----------
    encoder : Encoder, ResNet18 or Perceptron
        In evaluation mode.
    images : uint8 tensor (n, 3, 32, 32)
    processor : torch.nn.Module, optional
        The f between images and encoder, in evaluation mode.
    grid : int
        Side of the grid that feature maps are averaged to; vectors stay as they are.
    batch : int
        Images per step.

    Returns
    -------
    list of float32 arrays (n, width_i * grid^2), or (n, width_i) for a perceptron
        One for each stage, first to last.

    Raises
    ------
    ValueError
        If an argument is not as above; a network in training mode, above all, whose batch
        statistics would leak between images.

    Source: slide "Experiments" (representation under the linear head).
    """
    as_evaluated("encoder", encoder, ENCODERS)
    grid = as_count("grid", grid, most=32)
    stages = [[] for _ in encoder.widths]
    for maps in _outputs("encoder", encoder, images, processor, batch):
        for stage, h in zip(stages, maps, strict=True):
            h = F.adaptive_avg_pool2d(h.float(), grid) if h.ndim == 4 else h.float()
            stage.append(h.flatten(1).cpu())
    return [torch.cat(stage).numpy() for stage in stages]


def network_outputs(network, images, *, pretext=None, processor=None, batch=1000):
    """Return what a network gives for images: f(x), or psi_hat itself.

    Parameters
    ----------
    network : Processor or PretextNetwork
        In evaluation mode.
    images : uint8 tensor (n, 3, 32, 32)
    pretext : Rotation, Colourisation or Inpainting, optional
        Of a pretext network: turns its outputs into psi_hat(x), the conditional mean of z.
    processor : torch.nn.Module, optional
        The f between images and network, in evaluation mode.
    batch : int
        Images per step.

    Returns
    -------
    float32 array (n, outputs)

    Raises
    ------
    ValueError
        As of :func:`stage_features`.

    Source: slide "Pretext-Based SSL (Cont.)", psi_hat.
    """
    as_evaluated("network", network, (PretextNetwork, Processor))
    if pretext is not None:
        as_pretext(pretext)
    chunks = _outputs("network", network, images, processor, batch)
    outputs = torch.cat([chunk.float().cpu() for chunk in chunks])
    return (outputs if pretext is None else pretext.expectation(outputs)).numpy()


@torch.no_grad()
def _outputs(name, network, images, processor, batch):
    device, images = device_of(network), as_images("images", images)
    for chunk in images.split(as_count("batch", batch)):
        yield _output(name, network, to_input(chunk.to(device)), processor)


def _output(name, network, inputs, processor):
    inputs = processed(inputs, processor)
    check_reads(name, network, inputs)
    with autocast(inputs.device):
        return network(inputs)


@torch.no_grad()
def pretext_accuracy(network, images, pretext, *, seed, processor=None, batch=1000):
    """Return how well the network tells drawn pretext targets, in evaluation mode.

    Parameters
    ----------
    network : PretextNetwork
        In evaluation mode.
    images : uint8 tensor (n, 3, 32, 32)
    pretext : Rotation, Colourisation or Inpainting
    seed : int
        Of the targets drawn.
    processor : torch.nn.Module, optional
        The f between inputs and network, in evaluation mode.
    batch : int
        Images per step.

    Returns
    -------
    float
        The share told, for rotation; R² for the others.

    Raises
    ------
    ValueError
        As of :func:`stage_features`; or if the targets are the same for all images and R² has no
        meaning.

    Source: Gidaris et al. (2018), Table 1.
    """
    as_evaluated("network", network, PretextNetwork)
    pretext, images = as_pretext(pretext), as_images("images", images)
    device = device_of(network)
    generator = torch.Generator(device).manual_seed(as_seed(seed))
    outputs, targets = [], []
    for chunk in images.split(as_count("batch", batch)):
        inputs, told = pretext.draw(chunk.to(device), generator)
        outputs.append(_output("network", network, to_input(inputs), processor).float())
        targets.append(told)
    return float(pretext.score(torch.cat(outputs), torch.cat(targets)))
