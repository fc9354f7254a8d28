"""What a processor does to real images while it learns, in the terms of the theorems."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from sslboost import criteria
from sslboost.bounds import model_free
from sslboost.images.probe import fit_probe, network_outputs
from sslboost.images.processor import initial_processor, train_processor
from sslboost.images.table.cells import train_y_error


def vectors(images, pretext, *, grid=8, seed=0):
    """Return x and z of images as the rows of the theory, x at a coarse resolution.

    Parameters
    ----------
    images : uint8 tensor (n, 3, 32, 32)
    pretext : Rotation, Colourisation or Inpainting
    grid : int
        Side of the grid to which x is averaged.
    seed : int
        Of the targets drawn.

    Returns
    -------
    X : array (n, 3 grid^2)
        In grey levels.
    Z : array (n, d_z)

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    inputs, targets = pretext.draw(images, torch.Generator().manual_seed(seed))
    X = F.adaptive_avg_pool2d(inputs.float(), grid).flatten(1)
    return X.double().numpy(), pretext.vector(targets).double().numpy()


@dataclass(frozen=True)
class Dependence:
    """How much of z the label and its best linear prediction explain, as shares of tr Var z.

    Attributes
    ----------
    label : float
        R² of z on y: zero if and only if Sigma_zy = 0.
    chance : float
        What ``label`` would be on average if z were independent of y.
    shuffled : float
        ``label`` with the labels permuted, the control.
    yhat : float
        e_z over tr Sigma_zz: R² of z on the best linear prediction of y from x.
    """

    label: float
    chance: float
    shuffled: float
    yhat: float


def dependence(images, labels, pretext, *, seed=0):
    """Measure Sigma_zy and e_z of a pretext on real images.

    Parameters
    ----------
    images : uint8 tensor (n, 3, 32, 32)
    labels : int array (n,)
    pretext : Rotation, Colourisation or Inpainting
    seed : int
        Of the targets and of the permutation.

    Returns
    -------
    Dependence

    Source: theorem 2 (e_z); slide "Insufficient Downstream Samples Provably Fails".
    """
    X, Z = vectors(images, pretext, seed=seed)
    Y = np.eye(10)[np.asarray(labels)]
    shuffled = np.random.default_rng(seed).permutation(Y)
    total = Z.var(axis=0).sum()
    population = criteria.empirical(X, Z, Y)
    return Dependence(
        label=explained(Y, Z),
        chance=9 / (len(Z) - 1),
        shuffled=explained(shuffled, Z),
        yhat=model_free.explained_by_yhat(population) / total,
    )


def explained(A, B):
    """Return the share of the variance of B that least squares on A explains, in the sample.

    Parameters
    ----------
    A : array (n, a)
    B : array (n, b)

    Returns
    -------
    float

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    left = B - A @ np.linalg.lstsq(A, B, rcond=None)[0]
    return 1 - float(np.sum(left**2) / np.sum(B**2))


@dataclass(frozen=True)
class Snapshot:
    """A processor at one moment of its training.

    Attributes
    ----------
    step : int
    train_y_error : float
        Share of the variance of y left on the n0 extra labels.
    pretext_told : float
        R² of z on f(x), pretext images that trained nothing.
    accuracy : float
        Head on f(x), test images.
    """

    step: int
    train_y_error: float
    pretext_told: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Mechanism:
    """A processor, what it was before its training, and its snapshots.

    Attributes
    ----------
    network, start : Processor
    snapshots : list of Snapshot
        From before the first step to the end.
    """

    network: torch.nn.Module
    start: torch.nn.Module
    snapshots: list


def follow(cifar, parts, pretext, config, n0, *, scored=5000, seed=0, progress=True):
    """Train a processor on n0 extra labels and look at it ten times on the way.

    Parameters
    ----------
    cifar : Cifar10
    parts : Split
    pretext : Rotation, Colourisation or Inpainting
    config : ProcessorConfig
    n0 : int
        Extra labels.
    scored : int
        Downstream images, with labels for the head, and test images that a snapshot uses.
    seed : int
    progress : bool

    Returns
    -------
    Mechanism

    Raises
    ------
    ValueError
        If there are fewer extra labels.

    Source: slide "How to Obtain f ? (Cont.)".
    """
    if n0 > len(parts.extra):
        raise ValueError(f"n0 must be at most the {len(parts.extra)} extra labels, got {n0}")
    chosen = np.random.default_rng(seed).permutation(parts.extra)[:n0]
    extra, labels = torch.tensor(cifar.train_images[chosen]), cifar.train_labels[chosen]
    down = pretext.present(torch.tensor(cifar.train_images[parts.downstream[:scored]]))
    test = torch.tensor(cifar.test_images[:scored])
    drawn, targets = pretext.draw(test, torch.Generator().manual_seed(seed))
    z = pretext.vector(targets).double().numpy()
    presented, snapshots = pretext.present(extra), []

    def observe(step, network):
        f = network_outputs(network, down), network_outputs(network, pretext.present(test))
        head_labels = cifar.train_labels[parts.downstream[:scored]]
        probe = fit_probe("f(x)", f[0], head_labels, f[1], cifar.test_labels[:scored])
        told = explained(network_outputs(network, drawn).astype(float), z)
        left = train_y_error(network, presented, labels)
        snapshots.append(Snapshot(step, left, told, probe.accuracy))

    start = initial_processor(config, seed=seed)
    observe(0, start)
    trained = train_processor(
        torch.tensor(cifar.train_images[parts.pretext]),
        extra,
        torch.tensor(labels),
        pretext,
        config,
        seed=seed,
        observe=observe,
        progress=progress,
    )
    return Mechanism(trained.network, start, snapshots)


@dataclass(frozen=True)
class Judged:
    """The criteria of chapter 2 on features of real images.

    Attributes
    ----------
    name : str
        Of the features.
    c1_pooled : float
        Share of z that the features explain within the classes.
    c1_worst : float
        The same in the class where it is largest.
    c2 : float
        Share of the variance of y that the best linear head leaves.
    dimension : float
        Participation ratio of the covariance spectrum, (sum v)^2 / sum v^2.
    """

    name: str
    c1_pooled: float
    c1_worst: float
    c2: float
    dimension: float


def judge(name, features, z, labels):
    """Measure (C1) and (C2) of features on a sample.

    Parameters
    ----------
    name : str
    features : array (n, d)
    z : array (n, d_z)
    labels : int array (n,)

    Returns
    -------
    Judged

    Source: slide "The Conditions That Processor f Needs to Satisfy".
    """
    classes = [labels == label for label in range(10)]
    centred = [(features[c] - features[c].mean(0), z[c] - z[c].mean(0)) for c in classes]
    pooled = explained(*(np.concatenate(part) for part in zip(*centred, strict=True)))
    worst = max(explained(*pair) for pair in centred)
    values = spectrum(features)
    dimension = float(values.sum() ** 2 / (values**2).sum())
    return Judged(name, pooled, worst, 1 - explained(features, np.eye(10)[labels]), dimension)


def spectrum(features):
    """Return the eigenvalues of the covariance of features, largest first.

    Parameters
    ----------
    features : array (n, d)

    Returns
    -------
    array (d,)

    Source: slide "The Conditions That Processor f Needs to Satisfy".
    """
    return np.linalg.svd(features - features.mean(axis=0), compute_uv=False) ** 2 / len(features)
