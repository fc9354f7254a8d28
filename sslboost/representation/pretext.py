"""Pretext representation psi, linear head W and the predictor g = W psi they make."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.linalg import centred, column_scale, least_squares
from sslboost.core.validation import as_array, as_count, as_matrix, as_samples, frozen, takes
from sslboost.population import GaussianPopulation


@dataclass(frozen=True, eq=False)
class LinearMap:
    """The map x -> A x + b on the rows of a sample matrix.

    Parameters
    ----------
    matrix : array (d_out, d_in)
        A.
    offset : array (d_out,)
        b, zero for zero-mean laws.

    Raises
    ------
    ValueError
        If they are no matrix and vector of as many rows.
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __post_init__(self):
        matrix, offset = as_matrix("matrix", self.matrix), as_array("offset", self.offset, 1)
        if len(offset) != len(matrix):
            raise ValueError(
                f"offset must have one value for each of {len(matrix)} rows of matrix, "
                f"got {len(offset)}"
            )
        object.__setattr__(self, "matrix", frozen(matrix))
        object.__setattr__(self, "offset", frozen(offset))

    def __call__(self, X):
        """Return the (n, d_out) images of the rows of ``X`` (n, d_in)."""
        X = as_matrix("X", X, columns=self.matrix.shape[1])
        return X @ self.matrix.T + self.offset

    def after(self, first):
        """Return the composition of this map after ``first``: g = W psi is ``W.after(psi)``."""
        if not isinstance(first, LinearMap):
            raise ValueError(f"first must be a LinearMap, got {type(first).__name__}")
        if len(first.matrix) != self.matrix.shape[1]:
            raise ValueError(
                f"first must have {self.matrix.shape[1]} outputs, got {len(first.matrix)}"
            )
        return LinearMap(self.matrix @ first.matrix, self.matrix @ first.offset + self.offset)


@takes(population=GaussianPopulation)
def psi_star(population):
    """Return psi*(x) = E[z | x], the population representation.

    It sees the directions that predict z and no others: a linear head has no sense of scale, and
    would read a representation out of the rounding errors of E[z | x].

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    LinearMap
        From x (d_x) to z (d_z).

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: slide "Pretext-Based SSL", definition of psi*.
    """
    V = population.V
    A = population.whitening.unwhiten(V) @ (V.T @ population.K_z)
    return LinearMap(A.T, np.zeros(population.d_z))


@takes(population=GaussianPopulation, psi=LinearMap)
def W_star(population, psi):
    """Return the best linear head of y on psi(x).

    Parameters
    ----------
    population : GaussianPopulation
    psi : LinearMap
        Representation of x; only its matrix matters for a zero-mean law.

    Returns
    -------
    LinearMap
        From psi(x) to y; of least norm in units of psi(x) where that is singular.

    Raises
    ------
    ValueError
        If psi does not act on d_x inputs.

    Source: slide "Pretext-Based SSL", definition of W*.
    """
    A = as_matrix("psi.matrix", psi.matrix, columns=population.d_x)
    features, size = population.whitened(A)
    return LinearMap(least_squares(features, population.K_y, size).T, np.zeros(population.d_y))


@takes(population=GaussianPopulation)
def g_star(population):
    """Return the downstream predictor g = W* psi* of the population.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    LinearMap
        From x (d_x) to y (d_y).

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: slide "Pretext-Based SSL", definition of g.
    """
    psi = psi_star(population)
    return W_star(population, psi).after(psi)


@takes(intercept=bool)
def fit_linear(X, Y, *, rank=None, intercept=False):
    """Return the least-squares linear map from the rows of X to those of Y.

    With ``rank`` it is the reduced-rank regression: the least-squares fit projected on the
    leading ``rank`` right singular vectors of the fitted values, the best fit of that rank.

    Parameters
    ----------
    X : array (n, d_in)
        No fitted value depends on the units of a column, nor with an intercept on its mean.
    Y : array (n, d_out)
    rank : int, optional
        Largest rank of the map; full when omitted.
    intercept : bool
        Fit an offset as well, for laws whose mean is not zero.

    Returns
    -------
    LinearMap
        Of least norm in units of the columns where X is rank deficient.

    Raises
    ------
    ValueError
        If the arrays do not match, have no rows, or ``rank`` is not a positive integer.

    Source: slide "Pretext-Based SSL (Cont.)"; Izenman (1975), equation 2.10 with weight I.
    """
    X, Y = as_samples(X=X, Y=Y)
    rank = None if rank is None else as_count("rank", rank)
    return _fit(X, Y, rank, intercept)


def _fit(X, Y, rank, intercept, size=0.0):
    mean_x, mean_y = np.zeros(X.shape[1]), np.zeros(Y.shape[1])
    if intercept:
        (X, mean_x), (Y, mean_y) = centred(X), centred(Y)
    B = least_squares(X, Y, np.maximum(np.abs(mean_x), size))
    if rank is not None:
        right = linalg.svd(X @ B, full_matrices=False)[2][:rank]
        B = B @ right.T @ right
    return LinearMap(B.T, mean_y - mean_x @ B)


def fit_ssl(X_pre, Z_pre, X_down, Y_down, *, rank=None, intercept=False):
    """Return the empirical predictor g_hat = W_hat psi_hat.

    Parameters
    ----------
    X_pre, Z_pre : arrays (n1, d_x), (n1, d_z)
        Pretext data.
    X_down, Y_down : arrays (n2, d_x), (n2, d_y)
        Downstream data.
    rank : int, optional
        Rank kept of psi_hat; full when omitted.
    intercept : bool
        Fit offsets in both stages.

    Returns
    -------
    LinearMap
        From x (d_x) to y (d_y).

    Raises
    ------
    ValueError
        If the arrays do not match, or ``rank`` is not a positive integer.

    Source: slide "Pretext-Based SSL (Cont.)", definitions of psi_hat, W_hat and g_hat.
    """
    X_pre, Z_pre = as_samples(X_pre=X_pre, Z_pre=Z_pre)
    X_down, Y_down = as_samples(X_down=X_down, Y_down=Y_down)
    if X_down.shape[1] != X_pre.shape[1]:
        raise ValueError(
            "X_pre and X_down must have the same number of columns, "
            f"got {X_pre.shape[1]} and {X_down.shape[1]}"
        )
    psi = fit_linear(X_pre, Z_pre, rank=rank, intercept=intercept).matrix
    # What x does not predict of z is left in psi_hat as the rounding of numbers as large as z.
    size = column_scale(Z_pre)
    # Of centred inputs, whose image has all its digits wherever the mean lies.
    rows, mean = centred(X_down) if intercept else (X_down, np.zeros(X_down.shape[1]))
    W = _fit(rows @ psi.T, Y_down, None, intercept, size)
    G = W.matrix @ psi
    return LinearMap(G, W.offset - G @ mean)
