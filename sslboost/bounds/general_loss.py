"""General losses g(||.||): their Gaussian expectations and the margin of Theorem 3."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.linalg import RANK_RTOL, as_covariance, least_squares, square_root
from sslboost.core.validation import (
    as_array,
    as_count,
    as_matrix,
    as_number,
    as_rng,
    as_samples,
    takes,
)
from sslboost.population import GaussianPopulation
from sslboost.representation.risk import whitened_span


def _euclidean(R):
    """Root of the sum of squares over the last axis."""
    return np.linalg.norm(R, axis=-1)


def _taxicab(R):
    """Sum of absolute values over the last axis."""
    return np.abs(R).sum(axis=-1)


def _largest(R):
    """Largest absolute value over the last axis."""
    return np.abs(R).max(axis=-1)


def _huber(r):
    return np.where(r <= 1, r**2 / 2, r - 0.5)


def _log_cosh(r):
    return r + np.log1p(np.exp(-2 * r)) - np.log(2)


@dataclass(frozen=True)
class GeneralLoss:
    """A loss g(||residual||).

    Parameters
    ----------
    g : callable
        Acts on arrays of nonnegative numbers; Theorem 3 needs it strictly increasing.
    norm : callable
        Norms (...) of residuals (..., d); Theorem 3 needs convex balls.

    Raises
    ------
    ValueError
        If they are not callable.
    """

    g: Callable = np.square
    norm: Callable = _euclidean

    def __post_init__(self):
        for name in ("g", "norm"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be callable, got {getattr(self, name)!r}")

    def __call__(self, residuals):
        """Return the losses (...) of residuals (..., d).

        Raises
        ------
        ValueError
            If they are no numbers, or g and norm do not return one finite number for each.
        """
        residuals = as_array("residuals", residuals, None)
        if residuals.ndim == 0 or residuals.shape[-1] == 0:
            raise ValueError(f"residuals must have coordinates, got shape {residuals.shape}")
        losses = as_array("values of g and norm", self.g(self.norm(residuals)), None)
        if losses.shape != residuals.shape[:-1]:
            raise ValueError(
                f"g and norm must return one number for each residual, got shape {losses.shape} "
                f"for {residuals.shape}"
            )
        return losses


#: Losses of Theorem 3 by name; :func:`mahalanobis` adds those that depend on a covariance.
LOSSES = {
    "squared": GeneralLoss(np.square),
    "absolute": GeneralLoss(lambda r: r),
    "Huber": GeneralLoss(_huber),
    "log-cosh": GeneralLoss(_log_cosh),
    "log(1 + r)": GeneralLoss(np.log1p),
    "square root": GeneralLoss(np.sqrt),
    "saturating 1 − exp(−r²)": GeneralLoss(lambda r: -np.expm1(-(r**2))),
    "fourth power": GeneralLoss(lambda r: r**4),
    "ℓ1 norm": GeneralLoss(lambda r: r, _taxicab),
    "squared ℓ1 norm": GeneralLoss(np.square, _taxicab),
    "ℓ∞ norm": GeneralLoss(lambda r: r, _largest),
    "log(1 + ℓ∞)": GeneralLoss(np.log1p, _largest),
}


@takes(g=callable)
def mahalanobis(cov, g=np.square):
    """Return the loss g(||cov^{-1/2} residual||).

    Parameters
    ----------
    cov : array (d, d)
        Definite.
    g : callable

    Returns
    -------
    GeneralLoss

    Raises
    ------
    ValueError
        If cov is not a definite covariance.

    Source: slide "More General Loss", rho a distance metric.
    """
    cov = as_covariance("cov", cov)
    try:
        L = linalg.cholesky(cov, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError("cov must be definite, got a singular covariance") from error

    def norm(R):
        if R.shape[-1] != len(L):
            raise ValueError(f"residuals must have {len(L)} coordinates, got {R.shape[-1]}")
        flat = linalg.solve_triangular(L, R.reshape(-1, len(L)).T, lower=True)
        return np.linalg.norm(flat, axis=0).reshape(R.shape[:-1])

    return GeneralLoss(g, norm)


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo mean and its standard error."""

    value: float
    standard_error: float


def _estimate(draws):
    return Estimate(float(draws.mean()), float(draws.std(ddof=1) / np.sqrt(len(draws))))


@takes(loss=GeneralLoss)
def expected_increase(loss, small, extra, n=100_000, rng=None):
    """Estimate E loss(e + a) - E loss(e) for independent e ~ N(0, small), a ~ N(0, extra).

    Anderson's inequality says that it is not negative. The draws are paired, and each a is used
    with both signs, which removes the odd part of the noise.

    Parameters
    ----------
    loss : GeneralLoss
    small, extra : arrays (d, d)
        Covariances.
    n : int
        Number of pairs.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If a covariance is none or ``n`` is below 2.

    Source: Anderson (1955), Corollary 3; slide "More General Loss".
    """
    small = as_covariance("small", small)
    extra = as_covariance("extra", extra, size=len(small))
    n = as_count("n", n, least=2)
    rng = as_rng(rng)
    roots = [square_root(cov) for cov in (small, extra)]
    e, a = (rng.standard_normal((n, root.shape[1])) @ root.T for root in roots)
    return _estimate((loss(e + a) + loss(e - a)) / 2 - loss(e))


@takes(population=GaussianPopulation)
def explained_cov(population, A=None):
    """Return Cov[E[z | f(x)]] (d_z, d_z), the part of z that f(x) = A x explains.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x), optional
        E[y|x] when omitted.

    Returns
    -------
    array (d_z, d_z)

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "How to Obtain f ?".
    """
    Q = population.U if A is None else whitened_span(population, A)
    explained = Q.T @ population.K_z
    return explained.T @ explained


@takes(population=GaussianPopulation, loss=GeneralLoss)
def margin(population, loss, lam=1.0, *, A=None, n=100_000, rng=None):
    """Estimate lam (E loss(z) - E loss(z - E[z | f(x)])), the margin of Theorem 3.

    Parameters
    ----------
    population : GaussianPopulation
    loss : GeneralLoss
        g_1 and the norm rho_1 of the pretext term.
    lam : float
        Weight of the pretext term.
    A : array (d_f, d_x), optional
        The processor; E[y|x] when omitted, for which every processor that meets (C2) exceeds
        the minimum by at least this.
    n : int
        Number of draws.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Estimate
        In the units of the loss.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "More General Loss", Theorem 3.
    """
    lam = as_number("lam", lam)
    extra = explained_cov(population, A)
    cov_zz = population.block("z", "z")
    found = expected_increase(loss, _remainder(cov_zz, extra), extra, n, rng)
    return Estimate(lam * found.value, abs(lam) * found.standard_error)


def _remainder(cov, part):
    """Return cov - part, a covariance: where only its rounding is left there is nothing."""
    left = cov - part
    sd = np.sqrt(np.where(np.diag(cov) > 0, np.diag(cov), 1.0))
    values, vectors = linalg.eigh(left / np.outer(sd, sd))
    if values[0] > RANK_RTOL:
        return left
    root = sd[:, None] * vectors * np.sqrt(np.where(values > RANK_RTOL, values, 0.0))
    return root @ root.T


@takes(loss=GeneralLoss)
def extra_loss(A, X_extra, Y_extra, loss):
    """Return the mean of g_2(rho_2(y, W f(x))) on the extra sample, W by least squares.

    Parameters
    ----------
    A : array (d_f, d_x)
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
    loss : GeneralLoss
        g_2 and the norm rho_2.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the arrays do not match.

    Source: slide "More General Loss", first term on n0 samples.
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    A = as_matrix("A", A, columns=X.shape[1])
    f = X @ A.T
    heads = least_squares(f, Y, np.abs(A) @ np.abs(X).max(axis=0))
    return float(loss(Y - f @ heads).mean())
