"""Heads on psi(x) that listen to z in training, from sums over the labelled rows."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums over labelled rows, from which every head of theirs follows.

    Attributes
    ----------
    weight : float
        Of all rows.
    total : array (2k + q,)
        Of the variates a, the innovations e and the targets t.
    products : array (2k + q, 2k + q)
        Of (a, e, t) with itself.
    k : int
    """

    weight: float
    total: np.ndarray
    products: np.ndarray
    k: int


def sums(variates, innovations, targets, weights):
    """Return the sums over rows.

    Parameters
    ----------
    variates, innovations : arrays (n, k)
    targets : array (n, q)
    weights : array (n,)

    Returns
    -------
    Sums
    """
    rows = np.hstack([variates, innovations, targets])
    weighted = weights[:, None] * rows
    return Sums(weights.sum(), weighted.sum(axis=0), rows.T @ weighted, variates.shape[1])


def augmented(sums, c, penalties):
    """Return ridge heads on the features a + c e as (coefficients, intercept), for each penalty.

    Parameters
    ----------
    sums : Sums
    c : float
    penalties : sequence of float
        In units of the variance of a variate.

    Returns
    -------
    list of (array (k, q), array (q,))
        To be used on the variates alone, without e.
    """
    k = sums.k
    mean, second = _moments(sums)
    mix = np.eye(len(mean), len(mean) - k, -k)
    mix[:k, :k], mix[k : 2 * k, :k] = np.eye(k), c * np.eye(k)
    second = mix.T @ second @ mix
    values, vectors = linalg.eigh(second[:k, :k])
    moments = vectors.T @ second[:k, k:]
    found = []
    for penalty in penalties:
        beta = vectors @ (moments / (np.maximum(values, 0.0) + penalty)[:, None])
        found.append((beta, mean[2 * k :] - (mean[:k] + c * mean[k : 2 * k]) @ beta))
    return found


def joint(sums, innovation, penalties):
    """Return the variates' part of ridge heads on the features (a, e), for each penalty.

    Parameters
    ----------
    sums : Sums
    innovation : float
        Penalty of the innovations, in units of the variance of each; infinity leaves them out.
    penalties : sequence of float
        Of the variates, in units of their variance.

    Returns
    -------
    list of (array (k, q), array (q,))
        To be used on the variates alone, without e.
    """
    if innovation == np.inf:
        return augmented(sums, 0.0, penalties)
    k = sums.k
    mean, second = _moments(sums)
    spread = np.sqrt(np.maximum(np.diag(second)[k : 2 * k], 0.0))
    units = np.concatenate([np.ones(k), np.divide(1, spread, out=np.zeros(k), where=spread > 0)])
    gram = units[:, None] * second[: 2 * k, : 2 * k] * units
    moments = units[:, None] * second[: 2 * k, 2 * k :]
    found = []
    for penalty in penalties:
        ridge = np.diag(np.repeat([penalty, innovation], k))
        both = units[:, None] * linalg.solve(gram + ridge, moments, assume_a="pos")
        found.append((both[:k], mean[2 * k :] - mean[: 2 * k] @ both))
    return found


def _moments(sums):
    """Means and covariances of (a, e, t)."""
    mean = sums.total / sums.weight
    return mean, sums.products / sums.weight - np.outer(mean, mean)
