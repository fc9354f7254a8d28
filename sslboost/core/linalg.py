"""Linear algebra in which no answer depends on the units of a column: ranks, whitening, fits.

Every rank decision of the package is made here, relative to the standard deviations of the
columns, so that neither rescaling nor shifting one can change it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.validation import as_matrix

#: A singular value (of a matrix in whitened or correlation units) or an eigenvalue of a
#: correlation matrix counts as zero when it is below this fraction of the largest one.
RANK_RTOL = 1e-10

#: A column is constant when its values differ by less than this many units of their rounding:
#: 0.1 + 0.2 and 0.3 are the same constant.
_ROUNDINGS = 8

#: In units of no less than this fraction of what a column was computed from, rounding is no rank.
_COARSEST = _ROUNDINGS * np.finfo(float).eps / RANK_RTOL


def constant_columns(X):
    """Return which columns hold one value only, up to the rounding of that value.

    Parameters
    ----------
    X : array (n, d)

    Returns
    -------
    array of bool (d,)
    """
    if len(X) == 0:
        return np.ones(X.shape[1], bool)
    low, high = X.min(axis=0), X.max(axis=0)
    return high - low <= _ROUNDINGS * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high))


def centred(X, weights=None):
    """Return the columns less their means, and the means.

    A constant becomes zero exactly, whether or not its value is exact in binary, and so does what
    is left of one that was centred before: rounding is not variance.

    Parameters
    ----------
    X : array (n, d)
        At least one row.
    weights : array (n,), optional
        Of the rows, with sum 1; equal ones when omitted.

    Returns
    -------
    array (n, d)
    array (d,)
    """
    mean = _mean(X, weights)
    rest = _mean(X - mean, weights)  # the rounding of a long sum
    return np.where(constant_columns(X), 0.0, X - mean - rest), mean + rest


def _mean(X, weights):
    return X.mean(axis=0) if weights is None else weights @ X


def without_constants(X):
    """Return centred columns, with zero for the constant: the rounding of a centred one.

    Parameters
    ----------
    X : array (n, d)

    Returns
    -------
    array (n, d)
    """
    return np.where(constant_columns(X), 0.0, X) if len(X) > 1 else X


def column_scale(X, size=0.0):
    """Return the unit that each column counts in: its root mean square, 1 for one of zeros.

    Where a column was computed from far larger numbers it is a fixed fraction of those instead.

    Parameters
    ----------
    X : array (n, d)
    size : float or array (d,)
        Of those numbers: the means, where they were subtracted.

    Returns
    -------
    array (d,)
    """
    n, largest = max(len(X), 1), np.abs(X).max(axis=0, initial=0.0)
    safe = np.where(largest > 0, largest, 1.0)  # squares of 1e-200 would vanish
    rms = safe * np.where(largest > 0, np.sqrt(np.sum(np.square(X / safe), axis=0) / n), 1.0)
    return np.maximum(rms, _COARSEST * size)


def least_squares(X, Y, size=0.0):
    """Return B (d, k) that minimises ||Y - X B||, of least norm in units of the columns of X.

    Parameters
    ----------
    X : array (n, d)
    Y : array (n, k)
    size : float or array (d,)
        As in :func:`column_scale`.

    Returns
    -------
    array (d, k)
        X B does not change when a column of X is rescaled; nor does its rank.
    """
    if not X.any():
        return np.zeros((X.shape[1], Y.shape[1]))
    units = column_scale(X, size)
    left, values, right = linalg.svd(X / units, full_matrices=False, check_finite=False)
    rank = numerical_rank(values, np.sqrt(len(X)))
    in_units = right[:rank].T @ ((left[:, :rank].T @ Y) / values[:rank, None])
    return in_units / units[:, None]


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates in which a covariance is the identity on its range.

    With ``T`` (d, rank) such that ``T' cov T = I``, ``whiten(B)`` is ``T' B`` and
    ``unwhiten(C)`` is ``T C``. ``T`` is the inverse transpose of the Cholesky factor ``factor``
    for a definite covariance, where only triangular solves are needed, and ``factor`` itself
    for a singular one. A x has the coordinates ``root' A'``, with ``root root' = cov``.
    """

    factor: np.ndarray
    triangular: bool
    root: np.ndarray

    def __post_init__(self):
        self.factor.flags.writeable = self.root.flags.writeable = False

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
            return linalg.solve_triangular(self.factor, C, trans=1, lower=True, check_finite=False)
        return self.factor @ C


def whitening(cov, factor=None):
    """Return the :class:`Whitening` of a covariance; units of the coordinates do not matter.

    A definite covariance costs one Cholesky factor, which may be handed in. A singular one is
    reduced to correlations, so that rescaling a coordinate cannot change its rank, and costs an
    ``eigh``.

    Parameters
    ----------
    cov : array (d, d)
    factor : array (d, d), optional
        Its lower Cholesky factor.

    Returns
    -------
    Whitening
    """
    factor = _cholesky(cov) if factor is None else factor
    if factor is not None and (np.diag(factor) ** 2 > RANK_RTOL * np.diag(cov)).all():
        return Whitening(factor, True, factor)
    scale = _standard_deviations(cov)
    values, vectors = linalg.eigh(cov / np.outer(scale, scale))
    kept = values > RANK_RTOL * values[-1]
    vectors, lengths, scale = vectors[:, kept], np.sqrt(values[kept]), scale[:, None]
    return Whitening(vectors / lengths / scale, False, scale * vectors * lengths)


def _standard_deviations(cov):
    scale = np.sqrt(np.maximum(np.diag(cov), 0))
    return np.where(scale > 0, scale, 1.0)


def _cholesky(cov):
    """The lower Cholesky factor, or None where there is none."""
    try:
        return linalg.cholesky(cov, lower=True)
    except linalg.LinAlgError:
        return None


def square_root(cov):
    """Return ``R`` (d, rank) with ``R R' = cov``.

    Parameters
    ----------
    cov : array (d, d)

    Returns
    -------
    array (d, rank)
    """
    scale = _standard_deviations(cov)
    values, vectors = linalg.eigh(cov / np.outer(scale, scale))
    kept = values > RANK_RTOL * max(values[-1], RANK_RTOL)
    return scale[:, None] * vectors[:, kept] * np.sqrt(values[kept])


def range_basis(matrix, *, unit=1.0):
    """Return an orthonormal basis (rows, rank) of the column space of ``matrix``.

    Singular values below ``RANK_RTOL`` times the largest, or below ``RANK_RTOL * unit``, count
    as zero.

    Parameters
    ----------
    matrix : array (rows, columns)
        In whitened or correlation units.
    unit : float
        The size that rounding is measured against.

    Returns
    -------
    array (rows, rank)
    """
    left, values, _ = linalg.svd(matrix, full_matrices=False)
    return left[:, : numerical_rank(values, unit)]


def kernel_basis(matrix, *, unit=1.0):
    """Return an orthonormal basis (rows, rows - rank) of the complement of the column space.

    Parameters
    ----------
    matrix : array (rows, columns)
    unit : float
        As in :func:`range_basis`.

    Returns
    -------
    array (rows, rows - rank)
    """
    left, values, _ = linalg.svd(matrix, full_matrices=True)
    return left[:, numerical_rank(values, unit) :]


def numerical_rank(singular_values, unit=1.0):
    """Return how many singular values exceed the one rank tolerance.

    Parameters
    ----------
    singular_values : array (k,)
    unit : float
        As in :func:`range_basis`.

    Returns
    -------
    int
    """
    largest = singular_values.max(initial=unit)
    return int((singular_values > RANK_RTOL * largest).sum())


def as_covariance(name, value, *, size=None):
    """Return ``value`` as a symmetric positive semidefinite matrix, exactly symmetric.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : array-like (d, d)
    size : int, optional
        d.

    Returns
    -------
    array (d, d)
        Of its own memory.

    Raises
    ------
    ValueError
        If it is no covariance of that size.
    """
    return as_factored_covariance(name, value, size=size)[0]


def as_factored_covariance(name, value, *, size=None):
    """Return a covariance of its own memory and its lower Cholesky factor, None where singular.

    Factoring a definite covariance is the cheapest proof that it is one, and the pivots relative
    to the variances do not depend on units.

    Parameters
    ----------
    name, value, size
        As in :func:`as_covariance`.

    Returns
    -------
    array (d, d)
    array (d, d) or None

    Raises
    ------
    ValueError
        If it is no covariance of that size.
    """
    given = as_matrix(name, value)
    if given.size == 0 or given.shape[0] != given.shape[1] or len(given) != (size or len(given)):
        need = "square" if size is None else f"{size} by {size}"
        raise ValueError(f"{name} must be {need}, got shape {given.shape}")
    variance = np.diag(given)
    matrix = given.copy()
    if not np.array_equal(given, given.T):
        scale = np.sqrt(np.abs(variance))
        skew = np.abs(given - given.T)
        if (skew > RANK_RTOL * np.outer(scale, scale)).any():
            raise ValueError(f"{name} must be symmetric, got an asymmetry of {skew.max():.3g}")
        matrix = (given + given.T) / 2
    if (variance < 0).any():
        raise ValueError(
            f"{name} must be positive semidefinite, got a variance of {variance.min():.3g}"
        )
    try:
        # The transpose of the copy is the same matrix, in the order that LAPACK works on in place.
        return matrix, linalg.cholesky(
            matrix.copy().T, lower=True, overwrite_a=True, check_finite=False
        )
    except linalg.LinAlgError:
        scale = np.sqrt(np.where(variance > 0, variance, 1.0))
        values = linalg.eigvalsh(matrix / np.outer(scale, scale))
    if values[0] < -RANK_RTOL * max(values[-1], 1.0):
        raise ValueError(
            f"{name} must be positive semidefinite, got a correlation matrix "
            f"with eigenvalue {values[0]:.3g}"
        )
    return matrix, None
