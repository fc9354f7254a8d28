"""The linear pretext map in the coordinates in which x, z and their covariance are diagonal."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.linalg import centred, column_scale, whitening

#: A part of z that x tells up to this share of its variance has no innovation to speak of.
_TOLD = 1e-8


@dataclass(frozen=True, eq=False)
class Canonical:
    """Canonical variates of x and of z: psi(x) is a variate of x times its correlation.

    Attributes
    ----------
    x_mean, x_map : arrays (d_x,), (d_x, k)
        ``(x - x_mean) x_map`` are uncorrelated, with variance 1.
    z_mean, z_map : arrays (d_z,), (d_z, k)
    correlations : array (k,)
        Between the variates of x and of z, falling.
    """

    x_mean: np.ndarray
    x_map: np.ndarray
    z_mean: np.ndarray
    z_map: np.ndarray
    correlations: np.ndarray

    def variates(self, X):
        """Return the variates (n, k) of x."""
        return (X - self.x_mean) @ self.x_map

    def innovations(self, X, Z):
        """Return what the augmented head adds for c = 1, in units of the variates of x (n, k).

        In these coordinates Cov[psi] and Cov[z | x] are diagonal, and
        ``Cov[psi] Cov[z | x]^-1 (z - psi(x))`` is ``rho^2 / (1 - rho^2) (b - rho a)`` for the
        variates a of x and b of z.
        """
        rho = self.correlations
        left = 1 - rho**2
        weight = np.where(left > _TOLD, rho / np.where(left > _TOLD, left, 1.0), 0.0)
        return weight * ((Z - self.z_mean) @ self.z_map - rho * self.variates(X))


def canonical(X, Z, weights, rank=None):
    """Return the canonical variates of samples.

    Parameters
    ----------
    X, Z : float64 arrays (n, d_x), (n, d_z)
    weights : array (n,)
        Nonnegative, not all zero.
    rank : int, optional
        Leading variates to keep; all when omitted.

    Returns
    -------
    Canonical
        No variate depends on the units of a column. Constant columns count for nothing.

    Source: Hotelling (1936); Izenman (1975) for the regression of reduced rank.
    """
    weights = weights / weights.sum()
    x_mean, white_x = _white(X, weights)
    z_mean, white_z = _white(Z, weights)
    x, z = (X - x_mean) @ white_x, (Z - z_mean) @ white_z
    left, correlations, right = linalg.svd(x.T @ (weights[:, None] * z), full_matrices=False)
    kept = slice(rank)
    return Canonical(
        x_mean,
        white_x @ left[:, kept],
        z_mean,
        white_z @ right[kept].T,
        np.minimum(correlations[kept], 1.0),
    )


def _white(X, weights):
    """Means, and the map to uncorrelated coordinates of variance 1."""
    rows, mean = centred(X, weights)
    unit = column_scale(rows[weights > 0])
    rows = rows / unit
    covariance = whitening(rows.T @ (weights[:, None] * rows))
    return mean, covariance.unwhiten(np.eye(covariance.rank)) / unit[:, None]


def directly(X, weights, rank=None):
    """Return the columns of x themselves as variates, for want of any z.

    Parameters
    ----------
    X : float64 array (n, d_x)
    weights : array (n,)
    rank : int, optional
        Leading columns to keep; all when omitted.

    Returns
    -------
    Canonical
        Of correlations 1, so that there are no innovations.
    """
    rows, mean = centred(X, weights / weights.sum())
    unit = column_scale(rows[weights > 0])
    kept = np.eye(X.shape[1])[:, :rank] / unit[:, None]
    nothing = np.zeros((0, kept.shape[1]))
    return Canonical(mean, kept, np.zeros(0), nothing, np.ones(kept.shape[1]))
