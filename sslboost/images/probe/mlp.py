"""The nonlinear head of the rotation literature, as a second reading of frozen features."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sslboost.core.compute import threads
from sslboost.core.validation import takes
from sslboost.images.checks import as_device, as_seed
from sslboost.images.data import CLASSES
from sslboost.images.networks.config import Config
from sslboost.images.networks.models import drawn
from sslboost.images.probe.given import (
    held_out_rows,
    labelled_pairs,
    rounding_of,
    standardised,
)
from sslboost.images.probe.head import Probe
from sslboost.images.training import descend, one_cycle, outputs_of

#: Two hidden layers of 200 neurons, and how they are trained.
HEAD = Config((200, 200), architecture="perceptron", epochs=30, batch=128, rate=0.1)

#: Weight decays tried.
DECAYS = (5e-4, 5e-3)


@takes(name=str, config=Config)
def fit_mlp(
    name,
    train_features,
    train_labels,
    test_features,
    test_labels,
    *,
    seed,
    config=HEAD,
    device="cpu",
):
    """Train a network on features to tell the classes, and score it on the test images.

    Features are standardised by training statistics. The fifth of the training rows that chooses
    the penalty of :func:`sslboost.images.probe.fit_probe` chooses the weight decay here.

    Parameters
    ----------
    name : str
        Of the features.
    train_features, test_features : arrays (n, d), (n_test, d)
    train_labels, test_labels : int arrays (n,), (n_test,)
        As of :func:`sslboost.images.probe.fit_probe`.
    seed : int
        Of the weights and the batches.
    config : Config
        Its widths are those of the hidden layers; its weight decay is one of ``DECAYS``.
    device : str or torch.device

    Returns
    -------
    Probe
        Its penalty is the weight decay.

    Raises
    ------
    ValueError
        If an argument is not as above, the device is absent, or the training diverges.

    Source: Gidaris et al. (2018), section 3.1: hidden layers of 200 with batch normalisation.
    """
    (X, y), (X_test, y_test) = labelled_pairs(
        train_features, train_labels, test_features, test_labels
    )
    seed, device, held = as_seed(seed), as_device(device), held_out_rows(y)
    X, mean, unit = standardised(X.astype(float), rounding_of(train_features))
    X_test = (X_test - mean) / unit
    with threads(config.threads):
        found = [
            _accuracy(_trained(X[~held], y[~held], config, decay, seed, device), X[held], y[held])
            for decay in DECAYS
        ]
        best = int(np.argmax(found))
        network = _trained(X, y, config, DECAYS[best], seed, device)
        accuracy = _accuracy(network, X_test, y_test)
    error = float(np.sqrt(accuracy * (1 - accuracy) / len(y_test)))
    return Probe(name, X.shape[1], DECAYS[best], found[best], accuracy, error)


def _network(inputs, widths):
    layers = []
    for width in widths:
        layers += [nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, len(CLASSES)))


def _trained(X, y, config, decay, seed, device):
    X, y = torch.from_numpy(X).float().to(device), torch.from_numpy(y).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    network = drawn(lambda: _network(X.shape[1], config.widths), seed).train().to(device)
    optimizer, schedule = one_cycle(network, replace(config, decay=decay), config.steps(len(X)))
    batch = min(config.batch, len(X))
    for _ in range(config.steps(len(X))):
        chosen = torch.randint(len(X), (batch,), generator=generator, device=device)
        loss = F.cross_entropy(outputs_of(network, X[chosen]), y[chosen])
        descend(loss, optimizer, schedule)
    return network.eval()


@torch.no_grad()
def _accuracy(network, X, y):
    device = next(network.parameters()).device
    outputs = outputs_of(network, torch.from_numpy(X).float().to(device))
    return float(np.mean(outputs.argmax(1).cpu().numpy() == y))
