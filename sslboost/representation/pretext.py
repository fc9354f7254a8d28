"""Pretext representation psi, linear head W and the predictor g = W psi they make."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.linalg import whitening
from sslboost.core.validation import as_count, as_matrix, as_samples


@dataclass(frozen=True, eq=False)
class LinearMap:
    """The map x -> A x + b on the rows of a sample matrix.

    Parameters
    ----------
    matrix : array (d_out, d_in)
        A.
    offset : array (d_out,)
        b, zero for zero-mean laws.
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, X):
        """Return the (n, d_out) images of the rows of ``X`` (n, d_in)."""
        X = as_matrix("X", X, columns=self.matrix.shape[1])
        return X @ self.matrix.T + self.offset

    def after(self, first):
        """Return the composition of this map after ``first``: g = W psi is ``W.after(psi)``."""
        return LinearMap(self.matrix @ first.matrix, self.matrix @ first.offset + self.offset)


def psi_star(population):
    """Return psi*(x) = E[z | x], the population representation.

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
    return LinearMap(population.best_linear("z", "x"), np.zeros(population.d_z))


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
        From psi(x) to y; of minimal norm where psi(x) is singular.

    Raises
    ------
    ValueError
        If psi does not act on d_x inputs.

    Source: slide "Pretext-Based SSL", definition of W*.
    """
    A = as_matrix("psi.matrix", psi.matrix, columns=population.d_x)
    white = whitening(A @ population.block("x", "x") @ A.T)
    W = white.unwhiten(white.whiten(A @ population.block("x", "y"))).T
    return LinearMap(W, np.zeros(population.d_y))


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


def fit_linear(X, Y, *, rank=None, intercept=False):
    """Return the least-squares linear map from the rows of X to those of Y.

    With ``rank`` it is the reduced-rank regression: the least-squares fit projected on the
    leading ``rank`` right singular vectors of the fitted values, the best fit of that rank.

    Parameters
    ----------
    X : array (n, d_in)
    Y : array (n, d_out)
    rank : int, optional
        Largest rank of the map; full when omitted.
    intercept : bool
        Fit an offset as well, for laws whose mean is not zero.

    Returns
    -------
    LinearMap
        Of minimal norm where X is rank deficient.

    Raises
    ------
    ValueError
        If the arrays do not match, have no rows, or ``rank`` is not a positive integer.

    Source: slide "Pretext-Based SSL (Cont.)"; Izenman (1975), equation 2.10 with weight I.
    """
    X, Y = as_samples(X=X, Y=Y)
    as_count("number of rows of X", len(X))
    mean_x = X.mean(axis=0) if intercept else np.zeros(X.shape[1])
    mean_y = Y.mean(axis=0) if intercept else np.zeros(Y.shape[1])
    B = np.linalg.lstsq(X - mean_x, Y - mean_y, rcond=None)[0]
    if rank is not None:
        rank = as_count("rank", rank)
        right = linalg.svd((X - mean_x) @ B, full_matrices=False)[2][:rank]
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
        If the arrays do not match.

    Source: slide "Pretext-Based SSL (Cont.)", definitions of psi_hat, W_hat and g_hat.
    """
    psi = fit_linear(X_pre, Z_pre, rank=rank, intercept=intercept)
    return fit_linear(psi(X_down), Y_down, intercept=intercept).after(psi)
