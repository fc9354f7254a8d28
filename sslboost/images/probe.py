"""The linear head on frozen features: chosen on held-out training labels, scored once on test."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import linalg
from torch.nn import functional as F

from sslboost.core.validation import as_samples
from sslboost.images.batches import to_input
from sslboost.images.training import autocast, processed

#: Ridge penalties tried, in units of the mean variance of the standardised features.
PENALTIES = tuple(10.0**p for p in np.arange(-5, 1.5, 0.5))


@dataclass(frozen=True)
class Probe:
    """Accuracy of a linear head on one set of features.

    Attributes
    ----------
    name : str
        Of the features.
    width : int
        Number of features.
    penalty : float
        Ridge penalty chosen on the held-out training labels.
    held_out : float
        Accuracy on those, a fraction.
    accuracy : float
        Accuracy on the test images, a fraction.
    standard_error : float
        Binomial standard error of ``accuracy``.
    """

    name: str
    width: int
    penalty: float
    held_out: float
    accuracy: float
    standard_error: float


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
        If a network is in training mode, where batch statistics would leak between images.

    Source: slide "Experiments" (representation under the linear head).
    """
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
        If a network is in training mode, where batch statistics would leak between images.

    Source: slide "Pretext-Based SSL (Cont.)", psi_hat.
    """
    chunks = _outputs("network", network, images, processor, batch)
    outputs = torch.cat([chunk.float().cpu() for chunk in chunks])
    return (pretext.expectation(outputs) if pretext else outputs).numpy()


@torch.no_grad()
def _outputs(name, network, images, processor, batch):
    if network.training:
        raise ValueError(f"{name} must be in evaluation mode, got training mode")
    device = next(network.parameters()).device
    for chunk in images.split(batch):
        inputs = processed(to_input(chunk.to(device)), processor)
        with autocast(device):
            outputs = network(inputs)
        yield outputs


def fit_probe(name, train_features, train_labels, test_features, test_labels):
    """Fit the least-squares head W_hat on one-hot labels and score it on the test images.

    Features are standardised by training statistics. One fifth of the training rows, the
    last, choose the ridge penalty; the head is then fitted on all of them.

    Parameters
    ----------
    name : str
    train_features, test_features : arrays (n, d), (n_test, d)
    train_labels, test_labels : int arrays (n,), (n_test,)

    Returns
    -------
    Probe

    Raises
    ------
    ValueError
        If rows and labels do not match or features are not finite.

    Source: slide "Pretext-Based SSL (Cont.)", W_hat.
    """
    X, _ = as_samples(train_features=train_features, train_labels=train_labels[:, None])
    X_test, _ = as_samples(test_features=test_features, test_labels=test_labels[:, None])
    fit = len(X) - len(X) // 5
    heads = _heads(X[:fit], train_labels[:fit])
    held_out = [_accuracy(head, X[fit:], train_labels[fit:]) for head in heads]
    best = int(np.argmax(held_out))
    head = _heads(X, train_labels, PENALTIES[best : best + 1])[0]
    accuracy = _accuracy(head, X_test, test_labels)
    error = np.sqrt(accuracy * (1 - accuracy) / len(X_test))
    return Probe(name, X.shape[1], PENALTIES[best], held_out[best], accuracy, float(error))


def _heads(X, labels, penalties=PENALTIES):
    """Ridge heads as (coefficients, intercept), one eigendecomposition for all penalties."""
    mean, std = X.mean(axis=0), X.std(axis=0)
    # What varies by no more than the rounding of its values is constant, and stays unscaled.
    std = np.where(std > np.finfo(np.float32).eps * np.abs(X).max(axis=0), std, 1.0)
    X = (X - mean) / std
    Y = np.eye(10)[labels]
    Y_mean = Y.mean(axis=0)
    values, vectors = linalg.eigh(X.T @ X / len(X))
    projected = vectors.T @ (X.T @ (Y - Y_mean)) / len(X)
    for_each = []
    for penalty in penalties:
        B = vectors @ (projected / (np.maximum(values, 0) + penalty)[:, None]) / std[:, None]
        for_each.append((B, Y_mean - mean @ B))
    return for_each


def _accuracy(head, X, labels):
    B, intercept = head
    return float(np.mean((X @ B + intercept).argmax(axis=1) == labels))


def best_by_held_out(probes):
    """Return the probe with the best held-out accuracy, so that no test label chooses.

    Parameters
    ----------
    probes : sequence of Probe

    Returns
    -------
    Probe
    """
    return max(probes, key=lambda probe: probe.held_out)


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
