"""Theorem 2: too few extra labels n0 leave every minimiser of L_{inf,n0} without the label."""

from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import RANK_RTOL, least_squares, whitening
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, as_samples, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.risk import residual_cov, whitened_span


@takes(population=GaussianPopulation)
def explained_by_yhat(population):
    """Return e_z = E||z||^2 - min_W E||z - W y_hat||^2, what y_hat = E[y | x] explains of z.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    float
        ||U' K_z||_F^2, in the units of z squared.

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: slide "Insufficient Downstream Samples Provably Fails"; chapter 4.
    """
    return float(np.sum((population.U.T @ population.K_z) ** 2))


@takes(population=GaussianPopulation)
def margin(population, lam):
    """Return lam e_z, by which every processor with (C2) exceeds the minimum of L_{inf,n0}.

    Parameters
    ----------
    population : GaussianPopulation
    lam : float
        Weight of the pretext term, positive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If lam is not positive, or y_hat explains nothing of z.

    Source: slide "Insufficient Downstream Samples Provably Fails" (Theorem 2), made exact.
    """
    lam = as_number("lam", lam, above=0)
    e_z = explained_by_yhat(population)
    correlations = population.in_units_of_sd(population.U.T @ population.K_z, "z")
    if np.linalg.norm(correlations) <= RANK_RTOL:
        raise ValueError(f"population must have y_hat explain some of z, got e_z = {e_z:.3g}")
    return lam * e_z


@takes(population=GaussianPopulation)
def fit_on_N(population, X_extra, Y_extra, *, spread=0.0, rng=None):
    """Return the least-squares processor supported on N, the pretext-orthogonal directions.

    Where n0 <= m it interpolates the labels for almost every sample, and is a minimiser of
    L_{inf,n0}; ``spread`` then adds a random element of the kernel, for the other minimisers.

    Parameters
    ----------
    population : GaussianPopulation
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
    spread : float
        Standard deviation of the coefficients added in the kernel; 0 for the minimal norm.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (d_y, d_x)
        A, with f(x) = A x.

    Raises
    ------
    ValueError
        If the arrays do not fit the population.

    Source: chapter 4, step 2 of the proof of Theorem 2.
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    as_matrix("X_extra", X, columns=population.d_x)
    as_matrix("Y_extra", Y, columns=population.d_y)
    spread = as_number("spread", spread, least=0)
    to_N = population.whitening.unwhiten(population.N)
    features = X @ to_N  # whitened: in no units
    coefficients = np.linalg.lstsq(features, Y, rcond=RANK_RTOL)[0]
    if spread:
        free = as_rng(rng).normal(scale=spread, size=coefficients.shape)
        coefficients += free - np.linalg.lstsq(features, features @ free, rcond=RANK_RTOL)[0]
    return (to_N @ coefficients).T


@dataclass(frozen=True, eq=False)
class Audit:
    """What was measured on draws of the extra sample, each against its own least processor.

    Parameters
    ----------
    residual : array (draws,)
        (1/n0) min_W ||Y_extra - W f(X_extra)||^2 over tr cov_yy.
    explained : array (draws,)
        Variance of z that f explains, over tr cov_zz.
    risk : array (draws,)
        Downstream risk of the head on psi*(f(x)), n1 = n2 = infinity, over tr cov_yy.
    excess : array (draws,)
        L_{inf,n0}(f) less its lower bound -lam tr cov_zz.
    """

    residual: np.ndarray
    explained: np.ndarray
    risk: np.ndarray
    excess: np.ndarray


@takes(population=GaussianPopulation)
def audit(population, lam, n0, draws, rng=None, *, spread=0.0):
    """Draw extra samples, fit processors on N, and measure what Theorem 2 says of them.

    The measurements take another route than the construction: residuals on the raw sample,
    covariances of f(x) with z and y in the coordinates of x.

    Parameters
    ----------
    population : GaussianPopulation
    lam : float
        Weight of the pretext term; may be 0, to see the theorem fail.
    n0 : int
        Extra labels; may exceed m, to see the theorem fail.
    draws : int
    rng : numpy.random.Generator or int, optional
    spread : float
        As in :func:`fit_on_N`.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Remark of Theorem 2".
    """
    lam, n0 = as_number("lam", lam, least=0), as_count("n0", n0)
    rng = as_rng(rng)
    rows = np.empty((as_count("draws", draws), 3))
    cov = population.block
    total_y, total_z = np.trace(cov("y", "y")), np.trace(cov("z", "z"))
    for row in rows:
        X, _, Y = population.sample(n0, rng)
        A = fit_on_N(population, X, Y, spread=spread, rng=rng)
        features = X @ A.T
        left = Y - features @ least_squares(features, Y, np.abs(A) @ np.abs(X).max(axis=0))
        explained_z = whitening(A @ cov("x", "x") @ A.T).whiten(A @ cov("x", "z"))
        row[:] = np.sum(left**2) / n0, np.sum(explained_z**2), downstream_risk(population, A)
    residual, explained, risk = rows.T
    excess = residual + lam * explained
    return Audit(residual / total_y, explained / total_z, risk / total_y, excess)


@takes(population=GaussianPopulation)
def downstream_risk(population, A):
    """Return the risk of the best head on psi*(A x) = E[z | A x], for n1 = n2 = infinity.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)

    Returns
    -------
    float
        In the units of y squared; tr cov_yy where A x is uncorrelated with z.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "Remark of Theorem 2" ("even if we use infinite data").
    """
    Q = whitened_span(population, A)
    left, values, _ = np.linalg.svd(population.in_units_of_sd(Q.T @ population.K_z, "z"))
    # Correlations are measured against 1: rounding in f must not pass for a representation.
    seen = Q @ left[:, : int((values > RANK_RTOL).sum())]
    return float(np.trace(residual_cov(population, population.whitening.unwhiten(seen).T)))
