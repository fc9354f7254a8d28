"""Rank-revealing linear algebra shared by the theory modules."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.validation import RANK_RTOL


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates in which a covariance is the identity on its range.

    With ``T`` (d, rank) such that ``T' cov T = I``, ``whiten(B)`` is ``T' B`` and
    ``unwhiten(C)`` is ``T C``. ``T`` is the inverse transpose of the Cholesky factor ``factor``
    for a definite covariance, where only triangular solves are needed, and ``factor`` itself
    for a singular one.
    """

    factor: np.ndarray
    triangular: bool

    @property
    def rank(self):
        """Number of directions with positive variance."""
        return self.factor.shape[1]

    def whiten(self, B):
        """Return ``T' B`` (rank, k) for ``B`` (d, k)."""
        if self.triangular:
            return linalg.solve_triangular(self.factor, B, lower=True, check_finite=False)
        return self.factor.T @ B

    def unwhiten(self, C):
        """Return ``T C`` (d, k) for ``C`` (rank, k)."""
        if self.triangular:
            return linalg.solve_triangular(
                self.factor, C, lower=True, trans="T", check_finite=False
            )
        return self.factor @ C


def whitening(cov, factor=None):
    """Return the :class:`Whitening` of a covariance; units of the coordinates do not matter.

    A definite covariance costs one Cholesky factor, which may be handed in. A singular one is
    reduced to correlations, so that rescaling a coordinate cannot change its rank, and costs an
    ``eigh``.
    """
    if factor is None:
        factor = _cholesky(cov)
    if factor is not None and (np.diag(factor) ** 2 > RANK_RTOL * np.diag(cov)).all():
        return Whitening(factor, True)
    scale = np.sqrt(np.diag(cov))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = linalg.eigh(cov / np.outer(scale, scale))
    kept = values > RANK_RTOL * values[-1]
    return Whitening(vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None], False)


def _cholesky(cov):
    """The lower Cholesky factor, or None where there is none."""
    try:
        return linalg.cholesky(cov, lower=True)
    except linalg.LinAlgError:
        return None


def square_root(cov):
    """Return ``R`` (d, rank) with ``R R' = cov``."""
    scale = np.sqrt(np.diag(cov))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = linalg.eigh(cov / np.outer(scale, scale))
    kept = values > RANK_RTOL * max(values[-1], RANK_RTOL)
    return scale[:, None] * vectors[:, kept] * np.sqrt(values[kept])


def range_basis(matrix, *, unit=1.0):
    """Return an orthonormal basis (rows, rank) of the column space of ``matrix``.

    Singular values below ``RANK_RTOL`` times the largest, or below ``RANK_RTOL * unit`` (the
    size that rounding is measured against), count as zero.
    """
    left, values, _ = linalg.svd(matrix, full_matrices=False)
    return left[:, : numerical_rank(values, unit)]


def kernel_basis(matrix, *, unit=1.0):
    """Return an orthonormal basis (rows, rows - rank) of the complement of the column space."""
    left, values, _ = linalg.svd(matrix, full_matrices=True)
    return left[:, numerical_rank(values, unit) :]


def numerical_rank(singular_values, unit=1.0):
    """Return how many singular values exceed the one rank tolerance."""
    if len(singular_values) == 0:
        return 0
    return int((singular_values > RANK_RTOL * max(singular_values[0], unit)).sum())
