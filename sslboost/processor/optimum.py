"""The data processor f: loss, exact population optimum, and the populations where it is right.

A linear processor f(x) = A x enters the loss only through the projector P onto the whitened
directions it sees,

    L(P) = tr cov_yy - lam tr cov_zz - tr P (M_y - lam M_z),    M_y = K_y K_y',  M_z = K_z K_z',

so that the optimum is an eigenproblem of the size d_y + d_z of the two thin factors.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.linalg import RANK_RTOL
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, frozen, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.risk import whitened_span


@dataclass(frozen=True, eq=False)
class Processor:
    """A fitted linear processor f(x) = A x.

    Parameters
    ----------
    matrix : array (d_f, d_x)
        A; rows that the optimum leaves unused are zero.
    loss : float
        Value of the loss that was minimised, in the units of y squared.
    gradient : float
        Norm of the loss's gradient relative to the scale of the loss; 0 for a closed form.
    converged : bool
        Whether the solver met its tolerance.

    Raises
    ------
    ValueError
        If they are no such things.
    """

    matrix: np.ndarray
    loss: float
    gradient: float = 0.0
    converged: bool = True

    def __post_init__(self):
        object.__setattr__(self, "matrix", frozen(as_matrix("matrix", self.matrix)))
        object.__setattr__(self, "loss", as_number("loss", self.loss))
        object.__setattr__(self, "gradient", as_number("gradient", self.gradient, least=0))
        if not isinstance(self.converged, bool):
            raise ValueError(f"converged must be a bool, got {self.converged!r}")

    @property
    def rank(self):
        """Number of directions of x that f uses, the rows of A that are not zero."""
        return int(np.any(self.matrix != 0, axis=1).sum())

    def transform(self, X):
        """Return the rows f(x), (n, d_f), of the rows of ``X`` (n, d_x).

        Raises
        ------
        ValueError
            If ``X`` does not have d_x columns.

        Source: slide "Can Pretext-Based SSL Be Boosted? (Cont.)".
        """
        return as_matrix("X", X, columns=self.matrix.shape[1]) @ self.matrix.T


@takes(population=GaussianPopulation)
def population_loss(population, A, lam):
    """Return L(f; P) of f(x) = A x.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)
    lam : float
        Weight of the pretext term, at least 0.

    Returns
    -------
    float
        ``E||y - W* f||^2 - lam E||z - W* f||^2``, each with its own best linear W*.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs or lam is negative.

    Source: slide "How to Obtain f ? (Cont.)", total population loss.
    """
    lam = as_number("lam", lam, least=0)
    Q = whitened_span(population, A)
    return float(_loss_of_nothing(population, lam) - _gain(population, Q, lam))


def _loss_of_nothing(population, lam):
    """Loss of a constant f: tr cov_yy - lam tr cov_zz."""
    return np.trace(population.block("y", "y")) - lam * np.trace(population.block("z", "z"))


def _gain(population, Q, lam):
    """tr P (M_y - lam M_z) for P = Q Q'."""
    return np.sum((Q.T @ population.K_y) ** 2) - lam * np.sum((Q.T @ population.K_z) ** 2)


@takes(population=GaussianPopulation)
def spectrum(population, lam, most=None):
    """Return the nonzero part of the eigendecomposition of M_y - lam M_z.

    With the thin QR factorisation [K_y, K_z] = Q [R_y, R_z] the matrix is
    ``Q (R_y R_y' - lam R_z R_z') Q'``: everything outside the span of Q is its kernel.

    Parameters
    ----------
    population : GaussianPopulation
    lam : float
        At least 0.
    most : int, optional
        Return only this many of the largest eigenvalues.

    Returns
    -------
    values : array (k,)
        Eigenvalues in decreasing order, k = min(rank_x, d_y + d_z, most); those within
        rounding of zero are set to zero.
    vectors : array (rank_x, k)
        Orthonormal eigenvectors in whitened coordinates.

    Raises
    ------
    ValueError
        If lam is negative.

    Source: slide "Rationality of The Loss"; the trace form of the chapter on the loss.
    """
    lam = as_number("lam", lam, least=0)
    most = None if most is None else as_count("most", most)
    K = np.concatenate([population.K_y, population.K_z], axis=1)
    if len(K) == 0:  # x is constant
        return np.zeros(0), np.zeros((0, 0))
    (reflectors, tau), R = linalg.qr(K, mode="raw", check_finite=False)
    R_y, R_z = R[: len(tau), : population.d_y], R[: len(tau), population.d_y :]
    values, vectors = linalg.eigh(R_y @ R_y.T - lam * (R_z @ R_z.T), check_finite=False)
    scale = np.sum(R_y**2) + lam * np.sum(R_z**2)
    values = np.where(np.abs(values) > RANK_RTOL * scale, values, 0.0)[::-1][:most]
    padded = np.zeros((len(K), len(values)), order="F")
    padded[: len(tau)] = vectors[:, ::-1][:, :most]
    reflectors = reflectors[:, : len(tau)]
    # Q times the vectors, without forming Q; the work space is that of a blocked product.
    vectors = linalg.lapack.dormqr("L", "N", reflectors, tau, padded, 64 * len(values))[0]
    return values, vectors


@takes(population=GaussianPopulation)
def population_optimum(population, d_f, lam):
    """Return the processor that minimises the population loss, in closed form.

    Its rows are the at most d_f eigenvectors of M_y - lam M_z with the largest positive
    eigenvalues, the minimiser of least rank; the other rows are zero.

    Parameters
    ----------
    population : GaussianPopulation
        cov_xx may be singular.
    d_f : int
        Number of outputs of f.
    lam : float
        Weight of the pretext term, at least 0.

    Returns
    -------
    Processor

    Raises
    ------
    ValueError
        If d_f is not a positive integer or lam is negative.

    Source: slides "How to Obtain f ? (Cont.)" and "Rationality of The Loss".
    """
    d_f = as_count("d_f", d_f)
    values, vectors = spectrum(population, lam, min(d_f, population.d_y))
    kept = int((values > 0).sum())
    A = np.zeros((d_f, population.d_x))
    A[:kept] = population.whitening.unwhiten(vectors[:, :kept]).T
    return Processor(A, float(_loss_of_nothing(population, lam) - values[:kept].sum()))


@takes(population=GaussianPopulation)
def random_minimiser(population, d_f, lam, rng=None):
    """Return a random minimiser of the population loss, not only the one of least rank.

    Every minimiser keeps all eigenvectors with positive eigenvalue (the d_f largest) and may
    add directions of eigenvalue zero while outputs are left. Here a uniformly random number of
    uniformly random ones is added, and a random matrix mixes them into the d_f outputs.

    Parameters
    ----------
    population : GaussianPopulation
    d_f : int
    lam : float
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (d_f, d_x)
        A of f(x) = A x.

    Raises
    ------
    ValueError
        As :func:`population_optimum`.

    Source: slide "Rationality of The Loss", the set A_P.
    """
    d_f = as_count("d_f", d_f)
    rng = as_rng(rng)
    values, vectors = spectrum(population, lam)
    kept = min(d_f, int((values > 0).sum()))
    away = vectors[:, values != 0]
    room = min(d_f - kept, population.rank_x - away.shape[1])
    free = rng.standard_normal((population.rank_x, rng.integers(room + 1)))
    for _ in range(2):  # twice, so that the rest is orthogonal to rounding
        free = free - away @ (away.T @ free)
    span = np.concatenate([vectors[:, :kept], np.linalg.qr(free)[0]], axis=1)
    mixing = rng.standard_normal((d_f, span.shape[1]))
    return mixing @ population.whitening.unwhiten(span).T


@takes(population=GaussianPopulation)
def lambda_star(population):
    """Return lam*, the weight past which the optimum throws a y-direction away.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    float
        ``min over u in U of u'M_y u / u'M_z u``; infinite where U explains nothing of z.

    Raises
    ------
    ValueError
        If y does not depend on x.

    Source: slide "Rationality of The Loss" ("choosing a proper parameter lambda").
    """
    U = population.U
    if U.shape[1] == 0:
        raise ValueError("population must have y depend on x, got cov_xy = 0")
    K_z = U.T @ population.K_z
    share = np.linalg.norm(population.in_units_of_sd(K_z, "z"))
    if share <= RANK_RTOL * np.linalg.norm(population.in_units_of_sd(population.K_z, "z")):
        return np.inf
    # M_y = R'R on U. Largest rows first and pivoted, R keeps the digits of every y, also where
    # their units differ (Cox and Higham, 1998).
    rows = population.K_y.T @ U
    rows = rows[np.argsort(-np.linalg.norm(rows, axis=1))]
    R, pivots = linalg.qr(rows, mode="r", pivoting=True)
    along_z = linalg.solve_triangular(R[: U.shape[1]], K_z[pivots], trans="T")
    return float(linalg.svdvals(along_z)[0] ** -2)
