"""Checks of arguments at the public door, and the one tolerance for rank decisions."""

import numpy as np
from scipy import linalg

#: A singular value (of a matrix in whitened or correlation units) or an eigenvalue of a
#: correlation matrix counts as zero when it is below this fraction of the largest one.
RANK_RTOL = 1e-10


def as_array(name, value, ndim):
    """Return ``value`` as a finite float64 array with ``ndim`` axes."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a numeric array, got {type(value).__name__}") from error
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = int(np.size(array) - np.isfinite(array).sum())
        raise ValueError(f"{name} must be finite, got {bad} non-finite values")
    return array


def as_matrix(name, value, *, rows=None, columns=None):
    """Return ``value`` as a finite matrix with the given numbers of rows and columns."""
    matrix = as_array(name, value, 2)
    if rows is not None and matrix.shape[0] != rows:
        raise ValueError(f"{name} must have {rows} rows, got shape {matrix.shape}")
    if columns is not None and matrix.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {matrix.shape}")
    return matrix


def as_samples(**arrays):
    """Return the named matrices after checking that all have the same number of rows."""
    matrices = {name: as_matrix(name, value) for name, value in arrays.items()}
    rows = {name: len(matrix) for name, matrix in matrices.items()}
    if len(set(rows.values())) > 1:
        listed = ", ".join(f"{name}: {n}" for name, n in rows.items())
        raise ValueError(f"{' and '.join(rows)} must have the same number of rows, got {listed}")
    return tuple(matrices.values())


def as_count(name, value, *, least=1):
    """Return ``value`` as an int of at least ``least``."""
    need = "a positive integer" if least == 1 else f"an integer of at least {least}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be {need}, got {value!r}")
    return int(value)


def as_number(name, value, *, above=-np.inf, least=-np.inf, most=np.inf):
    """Return ``value`` as a finite float within the stated bounds."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number, got {value!r}") from error
    if not (np.isfinite(number) and number > above and least <= number <= most):
        bounds = [
            f"above {above:g}" if above > -np.inf else "",
            f"at least {least:g}" if least > -np.inf else "",
            f"at most {most:g}" if most < np.inf else "",
        ]
        need = " and ".join(bound for bound in bounds if bound) or "finite"
        raise ValueError(f"{name} must be {need}, got {value!r}")
    return number


def as_covariance(name, value, *, size=None):
    """Return ``value`` as a symmetric positive semidefinite matrix, exactly symmetric."""
    return as_factored_covariance(name, value, size=size)[0]


def as_factored_covariance(name, value, *, size=None):
    """Return a covariance of its own memory and its lower Cholesky factor, None where singular.

    Factoring a definite covariance is the cheapest proof that it is one, and the pivots relative
    to the variances do not depend on units.
    """
    given = as_matrix(name, value)
    if given.shape[0] != given.shape[1] or (size is not None and len(given) != size):
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
