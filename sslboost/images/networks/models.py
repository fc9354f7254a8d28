"""Networks on an encoder: psi with its head and the data processor f, and their first weights."""

import math

import torch
from torch import nn

from sslboost.core.compute import autocast
from sslboost.core.validation import as_count
from sslboost.images.checks import as_evaluated, as_flag, as_seed, device_of
from sslboost.images.networks.encoders import ENCODERS, WIDEST, Perceptron, ResNet18

#: Most weights of a network: beyond them lies a mistake.
LARGEST = 2**28


def pooled(h):
    """Return feature maps averaged over the picture, and vectors as they are.

    Parameters
    ----------
    h : tensor (B, w, H, W) or (B, w)

    Returns
    -------
    tensor (B, w)

    Raises
    ------
    ValueError
        If they are neither.

    Source: He et al. (2016).
    """
    if not isinstance(h, torch.Tensor) or not h.is_floating_point() or h.ndim not in (2, 4):
        raise ValueError(f"h must be a tensor of floats with 2 or 4 axes, got {type(h).__name__}")
    return h if h.ndim == 2 else h.mean(dim=(2, 3))


class PretextNetwork(nn.Module):
    """Encoder with a linear head on its pooled last stage: psi of a pretext."""

    def __init__(self, encoder, outputs):
        super().__init__()
        self.encoder = _as_encoder(encoder)
        self.head = nn.Linear(encoder.widths[-1], as_count("outputs", outputs, most=WIDEST))

    def forward(self, x):
        """Return the pretext outputs (B, outputs)."""
        return self.head(pooled(self.encoder(x)[-1]))


class Processor(nn.Module):
    """The data processor f: an encoder, a linear map to d_f features, and their standardisation.

    The last step costs nothing, since the heads on f(x) are linear or networks, and keeps f from
    hiding z by making it small.

    Parameters
    ----------
    encoder : Encoder, WideEncoder or ResNet18
    features : int
        d_f.
    standardised : bool
        Whether the last step is taken.
    """

    def __init__(self, encoder, features, standardised=True):
        super().__init__()
        self.encoder = _as_encoder(encoder)
        features = as_count("features", features, most=WIDEST)
        self.project = nn.Linear(encoder.widths[-1], features, bias=False)
        norm = as_flag("standardised", standardised)
        self.norm = nn.BatchNorm1d(features, affine=False) if norm else nn.Identity()

    def forward(self, x):
        """Return f(x) (B, features) for images (B, 3, 32, 32)."""
        return self.norm(self.project(pooled(self.encoder(x)[-1])))


def _as_encoder(encoder):
    if not isinstance(encoder, ENCODERS):
        kinds = " or ".join(kind.__name__ for kind in ENCODERS)
        raise ValueError(f"encoder must be a {kinds}, got {type(encoder).__name__}")
    return encoder


def drawn(build, seed):
    """Return a network with weights from a generator of its own, in evaluation mode.

    The same seed gives the same bits, also in threads, and the process's own generator is neither
    read nor moved. The distributions are PyTorch's and torchvision's own: uniform between
    plus and minus one over the root of the fan-in; in the stages of a ResNet-18 normal with
    variance two over the fan-out.

    Parameters
    ----------
    build : callable
        Makes the network.
    seed : int

    Returns
    -------
    torch.nn.Module
        On the CPU.

    Raises
    ------
    ValueError
        If the seed is no integer of at least 0, or there are more than ``LARGEST`` weights.

    Source: He et al. (2015), equation 14, for the stages of a ResNet-18.
    """
    generator = torch.Generator().manual_seed(as_seed(seed))
    with torch.device("meta"):  # no memory, and nothing drawn
        network = build()
    as_count("number of weights", sum(p.numel() for p in network.parameters()), most=LARGEST)
    network.to_empty(device="cpu")
    residual = [part.stages for part in network.modules() if isinstance(part, ResNet18)]
    wide = {part for stages in residual for part in stages.modules()}
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.reset_parameters()
            elif isinstance(part, nn.Conv2d) and part in wide:
                fan_out = part.weight[:, 0].numel()
                part.weight.normal_(0, math.sqrt(2 / fan_out), generator=generator)
            elif isinstance(part, nn.Conv2d | nn.Linear):
                bound = 1 / math.sqrt(part.weight[0].numel())
                for parameter in part.parameters():
                    parameter.uniform_(-bound, bound, generator=generator)
    return network.eval()


def check_reads(name, network, inputs):
    """Refuse inputs that the encoder of a network cannot read.

    Parameters
    ----------
    name : str
        Of the argument that describes the network, for the message.
    network : torch.nn.Module
    inputs : tensor (B, 3, H, W) or (B, d)

    Raises
    ------
    ValueError
        If they are images for a perceptron, vectors for a network of images, or of other lengths.
    """
    encoder = getattr(network, "encoder", network)
    if isinstance(encoder, Perceptron):
        need = f"vectors of length {encoder.layers[0].in_features}"
        fits = inputs.shape[1:] == encoder.layers[0].weight.shape[1:]
    elif isinstance(encoder, ENCODERS):
        need, fits = "images", inputs.ndim == 4 and inputs.shape[1] == 3
    else:
        return
    if not fits:
        raise ValueError(f"{name} reads {need}, got inputs of shape {tuple(inputs.shape)}")


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
        If the inputs are no such tensor, or the processor is in training mode, where batch
        statistics would leak between images, on another device, or gives no such tensor.

    Source: slide "SSL with Data Processor".
    """
    if not isinstance(inputs, torch.Tensor) or not inputs.is_floating_point() or inputs.ndim < 2:
        raise ValueError(f"inputs must be a tensor of floats, got {type(inputs).__name__}")
    if processor is None:
        return inputs
    if device_of(as_evaluated("processor", processor), inputs.device) != inputs.device:
        raise ValueError(f"processor must be on {inputs.device}, got {device_of(processor)}")
    check_reads("processor", processor, inputs)
    with autocast(inputs.device):
        outputs = processor(inputs)
    if not isinstance(outputs, torch.Tensor) or outputs.ndim < 2 or len(outputs) != len(inputs):
        raise ValueError("processor must give a tensor with a row for each image, got none")
    return outputs.float()
