"""What a head reads: features of images, and what a network gives for them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from sslboost.core.compute import autocast
from sslboost.core.validation import as_count
from sslboost.images.batches import to_input
from sslboost.images.checks import (
    as_counts,
    as_evaluated,
    as_images,
    as_pretext,
    as_seed,
    device_of,
)
from sslboost.images.networks.encoders import DEEPEST, ENCODERS
from sslboost.images.networks.models import PretextNetwork, Processor, check_reads, processed


@dataclass(frozen=True)
class Layer:
    """What a head reads of an encoder: maps of some stages, averaged to a grid, side by side.

    Parameters
    ----------
    stages : tuple of int
        Counted from 1.
    grid : int
        Side of the grid; vectors stay as they are.
    """

    stages: tuple[int, ...]
    grid: int = 4

    def __post_init__(self):
        object.__setattr__(self, "stages", as_counts("stages", self.stages, most=DEEPEST))
        as_count("grid", self.grid, most=32)

    @property
    def name(self):
        """In words, such as ``stages 3 + 4 at 4 x 4``."""
        word = "stage" if len(self.stages) == 1 else "stages"
        return f"{word} {' + '.join(map(str, self.stages))} at {self.grid} x {self.grid}"


def layer_features(encoder, images, layers, *, processor=None, batch=1000):
    """Return the features of layers of an encoder.

    Parameters
    ----------
    encoder : Encoder, WideEncoder, ResNet18 or Perceptron
        In evaluation mode.
    images : uint8 tensor (n, 3, 32, 32)
    layers : sequence of Layer
    processor : torch.nn.Module, optional
        The f between images and encoder, in evaluation mode.
    batch : int
        Images per step.

    Returns
    -------
    list of float32 arrays (n, d_i)
        d_i is the sum of width * grid^2 over the stages of a layer, of width for a perceptron.

    Raises
    ------
    ValueError
        If an argument is not as above; a network in training mode, above all, whose batch
        statistics would leak between images.

    Source: slide "Experiments" (representation under the linear head).
    """
    as_evaluated("encoder", encoder, ENCODERS)
    layers, stages = as_layers(layers), len(encoder.widths)
    if (last := max(max(layer.stages) for layer in layers)) > stages:
        raise ValueError(f"layers must be of the {stages} stages of encoder, got stage {last}")
    found = [[] for _ in layers]
    for maps in _outputs("encoder", encoder, images, processor, batch):
        for layer, chunks in zip(layers, found, strict=True):
            parts = [_gridded(maps[stage - 1], layer.grid) for stage in layer.stages]
            chunks.append(torch.cat(parts, dim=1).cpu())
    return [torch.cat(chunks).numpy() for chunks in found]


def as_layers(layers):
    """Return layers as a list.

    Parameters
    ----------
    layers : sequence of Layer

    Returns
    -------
    list of Layer

    Raises
    ------
    ValueError
        If there is none, or something else among them.
    """
    layers = list(layers) if np.iterable(layers) else []
    if not layers or not all(isinstance(layer, Layer) for layer in layers):
        raise ValueError(f"layers must be at least one Layer, got {layers!r:.200}")
    return layers


@torch.no_grad()
def _gridded(h, grid):
    return (F.adaptive_avg_pool2d(h.float(), grid) if h.ndim == 4 else h.float()).flatten(1)


def stage_features(encoder, images, *, grid=4, **how):
    """Return the features of every stage of an encoder, first to last, pooled to one grid.

    Parameters
    ----------
    encoder, images
        As of :func:`layer_features`.
    grid : int
        Side of the grid that feature maps are averaged to.
    **how
        As of :func:`layer_features`.

    Returns
    -------
    list of float32 arrays (n, width_i * grid^2), or (n, width_i) for a perceptron

    Raises
    ------
    ValueError
        As of :func:`layer_features`.

    Source: slide "Experiments" (representation under the linear head).
    """
    as_evaluated("encoder", encoder, ENCODERS)
    layers = [Layer((stage + 1,), grid) for stage in range(len(encoder.widths))]
    return layer_features(encoder, images, layers, **how)


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
