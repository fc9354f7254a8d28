"""What a head may read of a network: one family of features for every column of the table.

Everything is averaged over an image and its mirror image, which training does not tell apart.
"""

import numpy as np

from sslboost.core.validation import as_choice, as_samples, takes
from sslboost.images.checks import as_evaluated
from sslboost.images.networks.encoders import ENCODERS, Perceptron
from sslboost.images.networks.models import PretextNetwork, Processor
from sslboost.images.probe import Layer, layer_features, network_outputs
from sslboost.images.probe.features import as_layers
from sslboost.images.probe.given import as_pair
from sslboost.images.table.part import Part


@takes(part=Part)
def input_rows(part):
    """Return rows of heads on the pixels themselves.

    Parameters
    ----------
    part : Part

    Returns
    -------
    list of dict
        As of :meth:`sslboost.images.table.part.Part.score`.
    """

    def pixels(images):
        return [images.flatten(1).numpy().astype(np.float32)]

    return part.score("input", ["pixels"], *_both(part, pixels))


@takes(encoder=ENCODERS)
def layers_of(encoder):
    """Return what a head may read of an encoder, whichever it is.

    Parameters
    ----------
    encoder : Encoder, WideEncoder, ResNet18 or Perceptron

    Returns
    -------
    list of Layer
        Every stage at 4 x 4, the last but one at 8 x 8 too, and the last two side by side.

    Raises
    ------
    ValueError
        If it is none of those.
    """
    last = len(encoder.widths)
    layers = [Layer((stage,)) for stage in range(1, last + 1)]
    if last > 1:
        finer = [] if isinstance(encoder, Perceptron) else [Layer((last - 1,), 8)]
        layers += [*finer, Layer((last - 1, last))]
    return layers


@takes(part=Part)
def hidden_rows(network, part, layers=None, *, processor=None, more=None, further=None):
    """Return rows of heads on the layers of a network's encoder, and on the best of them.

    Parameters
    ----------
    network : PretextNetwork or Processor
    part : Part
    layers : sequence of Layer, optional
        Those of :func:`layers_of` when omitted.
    processor : torch.nn.Module, optional
        The f between images and network.
    more : pair of uint8 tensor (n, 3, 32, 32) and int array (n,), optional
        Further labelled images, given to the heads as well.
    further : dict, optional
        ``seed`` and ``components`` of the further readings of the best layer, as of
        :meth:`sslboost.images.table.part.Part.score_further`.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    as_evaluated("network", network, (PretextNetwork, Processor))
    layers = layers_of(network.encoder) if layers is None else as_layers(layers)

    def extract(images):
        return layer_features(network.encoder, images, layers, processor=processor)

    names, features = [layer.name for layer in layers], _both(part, extract)
    given = {}
    if more is not None:
        more = as_pair("more", more)
        given = {"more": mirrored(extract, more[0]), "more_labels": more[1]}
    rows = part.score("layer", names, *features, **given)
    if further is None:
        return rows
    if not isinstance(further, dict) or further.keys() != {"seed", "components"}:
        raise ValueError(f"further must hold seed and components, got {further!r:.80}")
    return rows + part.score_further(rows, names, *features, **further)


@takes(part=Part)
def output_rows(network, part, *, through=None, **how):
    """Return rows of heads on what a network gives: f(x), or psi_hat(x).

    Parameters
    ----------
    network : PretextNetwork or Processor
    part : Part
    through : array (outputs, d), optional
        A linear map between what the network gives and the heads.
    **how
        As of :func:`sslboost.images.probe.network_outputs`.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If an argument is not as above.
    """

    if through is not None:
        (through,) = as_samples(through=through)

    def extract(images):
        outputs = network_outputs(network, images, **how)
        if through is not None and len(through) != outputs.shape[1]:
            need = f"through must have {outputs.shape[1]} rows"
            raise ValueError(f"{need}, got shape {through.shape}")
        return [outputs if through is None else outputs @ through]

    return part.score("output", ["output"], *_both(part, extract))


@takes(part=Part)
def told_row(network, part, labels):
    """Return the row of what a classifier tells of the test images, without another head.

    Parameters
    ----------
    network : PretextNetwork
        Whose outputs are the classes.
    part : Part
    labels : str
        ``full`` or ``half``: those that it was trained on.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    as_choice("labels", labels, part.rows)
    (outputs,) = mirrored(lambda images: [network_outputs(network, images)], part.test)
    accuracy = float(np.mean(outputs.argmax(axis=1) == part.test_labels))
    own = {"labels": labels, "features": "output", "layer": "output"}
    return own | {"penalty": None, "held_out": None, "accuracy": accuracy}


def mirrored(extract, images):
    """Return features averaged over images and their mirror images.

    Parameters
    ----------
    extract : callable
        Gives a list of arrays for images.
    images : uint8 tensor (n, 3, 32, 32)

    Returns
    -------
    list of arrays
    """
    pairs = zip(extract(images), extract(images.flip(3)), strict=True)
    return [(features + flipped) / 2 for features, flipped in pairs]


def _both(part, extract):
    """Features of the downstream and of the test images."""
    return tuple(mirrored(extract, images) for images in (part.downstream, part.test))
