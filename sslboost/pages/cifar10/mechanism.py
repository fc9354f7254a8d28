"""What a processor does to real images while it learns, in the terms of the theorems."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from sslboost import criteria
from sslboost.bounds import model_free
from sslboost.core.linalg import centred, least_squares
from sslboost.core.validation import as_count, as_labels, as_matrix, as_samples, takes
from sslboost.images.checks import as_classes, as_images, as_pretext, as_seed
from sslboost.images.data import Cifar10, Split
from sslboost.images.probe import fit_probe, network_outputs
from sslboost.images.processor import ProcessorConfig, initial_processor, train_processor
from sslboost.images.table.common import settled
from sslboost.images.table.processed import train_y_error


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

    Raises
    ------
    ValueError
        If these are no images and no pretext, or the grid is finer than the images.

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    images, pretext = as_images("images", images), as_pretext(pretext)
    grid = as_count("grid", grid, most=images.shape[-1])
    inputs, targets = pretext.draw(images, torch.Generator().manual_seed(as_seed(seed)))
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

    Raises
    ------
    ValueError
        If these are no images with their classes and no pretext, or z does not vary.

    Source: theorem 2 (e_z); slide "Insufficient Downstream Samples Provably Fails".
    """
    X, Z = vectors(as_images("images", images, least=2), pretext, seed=seed)
    Y = _one_hot(as_classes("labels", labels, rows=len(X), least=2))
    shuffled = np.random.default_rng(seed).permutation(Y)
    total = centred(Z)[0].var(axis=0).sum()
    population = criteria.empirical(X, Z, Y)
    return Dependence(
        label=explained(Y, Z),
        chance=(Y.shape[1] - 1) / (len(Z) - 1),
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
        The same in every unit of the columns of A.

    Raises
    ------
    ValueError
        If these are not two matrices of as many rows, or no column of B varies.

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    A, B = (centred(matrix)[0] for matrix in as_samples(A=A, B=B))
    if not B.any():
        raise ValueError("B must vary, got constant columns")
    left = B - A @ least_squares(A, B)
    return 1 - float(np.sum(left**2) / np.sum(B**2))


def _one_hot(labels):
    """One column for each class among the labels."""
    return (labels[:, None] == np.unique(labels)).astype(float)


@dataclass(frozen=True)
class Snapshot:
    """A processor at one moment of its training.

    Attributes
    ----------
    step : int
    train_y_error : float
        Share of the variance of y left on the n0 extra labels.
    pretext_told : float
        Adjusted R² of z on f(x), of images that trained nothing; NaN of too few of them.
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


@takes(cifar=Cifar10, parts=Split, config=ProcessorConfig, progress=bool)
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
        If there are fewer extra labels, or another argument is not what it must be.

    Source: slide "How to Obtain f ? (Cont.)".
    """
    n0 = as_count("n0", n0, most=len(parts.extra))
    scored = as_count("scored", scored)
    pretext, seed = as_pretext(pretext), as_seed(seed)
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
        told = 1 - _left(network_outputs(network, drawn).astype(float), z, free=len(z) - 1)
        left = train_y_error(network, presented, labels)
        snapshots.append(Snapshot(step, left, told, probe.accuracy))

    images = torch.tensor(cifar.train_images[parts.pretext])
    start = settled(initial_processor(config, seed=seed), images)
    observe(0, start)
    trained = train_processor(
        images,
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

    Shares are adjusted for the rows that fitting d features uses up, so that features which know
    nothing explain nothing on average; NaN where there are too few rows.

    Attributes
    ----------
    name : str
        Of the features.
    c1_pooled : float
        Share of z that the features explain within the classes.
    c1_worst : float
        The same in the class where it is largest; a largest share of several is above 0 on
        average also for features that know nothing.
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

    Raises
    ------
    ValueError
        If these are not samples of as many rows, the labels are of one class, or z varies in none.

    Source: slide "The Conditions That Processor f Needs to Satisfy"; Ezekiel (1930) for the
    adjustment.
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be text, got {name!r}")
    features, z = as_samples(features=features, z=z)
    Y = _one_hot(as_labels("labels", labels, rows=len(features)))
    as_count("number of classes among the labels", Y.shape[1], least=2)
    within = [(centred(features[c])[0], centred(z[c])[0]) for c in Y.T.astype(bool)]
    varies = [pair for pair in within if pair[1].any()]
    if not varies:
        raise ValueError("z must vary within a class, got one value in each")
    together = [np.concatenate(part) for part in zip(*within, strict=True)]
    pooled = 1 - _left(*together, free=len(Y) - Y.shape[1])
    shares = [1 - _left(*pair, free=len(pair[0]) - 1) for pair in varies]
    worst = max((share for share in shares if not np.isnan(share)), default=np.nan)
    values = spectrum(features)
    dimension = float(values.sum() ** 2 / (values**2).sum())
    return Judged(name, pooled, worst, _left(features, Y, free=len(Y) - 1), dimension)


def _left(A, B, *, free):
    """Share of the variance of B that A leaves, of ``free`` degrees of freedom before the fit."""
    after = free - A.shape[1]
    return (1 - explained(A, B)) * free / after if after > 0 else np.nan


def spectrum(features):
    """Return the eigenvalues of the covariance of features, largest first.

    Parameters
    ----------
    features : array (n, d)

    Returns
    -------
    array (min(n, d),)

    Raises
    ------
    ValueError
        If it is no matrix, or no column varies.

    Source: slide "The Conditions That Processor f Needs to Satisfy".
    """
    around_mean = centred(as_matrix("features", features))[0]
    if not around_mean.any():
        raise ValueError("features must vary, got constant columns")
    return np.linalg.svd(around_mean, compute_uv=False) ** 2 / len(around_mean)
