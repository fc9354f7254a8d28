"""The head on psi(x), trained on augmented features; its weight c and its penalty by folds."""

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


def heads(sums, c, penalties):
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
    k, weight = sums.k, sums.weight
    mix = np.zeros((len(sums.total), len(sums.total) - k))
    mix[:k, :k], mix[k : 2 * k, :k] = np.eye(k), c * np.eye(k)
    mix[2 * k :, k:] = np.eye(len(sums.total) - 2 * k)
    mean = sums.total @ mix / weight
    second = mix.T @ sums.products @ mix / weight - np.outer(mean, mean)
    values, vectors = linalg.eigh(second[:k, :k])
    moments = vectors.T @ second[:k, k:]
    found = []
    for penalty in penalties:
        beta = vectors @ (moments / (np.maximum(values, 0.0) + penalty)[:, None])
        found.append((beta, mean[k:] - mean[:k] @ beta))
    return found
