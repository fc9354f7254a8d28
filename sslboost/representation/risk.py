"""Exact finite-sample risk of least squares on Gaussian features; Monte Carlo as its check."""

import numpy as np
from scipy import linalg

from sslboost.core.linalg import (
    as_covariance,
    column_scale,
    least_squares,
    range_basis,
    square_root,
)
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap, W_star


@takes(population=GaussianPopulation)
def whitened_span(population, A):
    """Return an orthonormal basis (rank_x, k) of the whitened directions that f(x) = A x sees.

    Only this span matters to a linear head: any two processors with the same span give the
    same predictions.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)
        The processor f(x) = A x.

    Returns
    -------
    array (rank_x, k)
        Basis of the range of (A cov_xx^{1/2})'; k is the rank of f(x).

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "How to Obtain f ?" (the loss sees f only through W* f).
    """
    C, size = population.whitened(A)
    return range_basis(C / column_scale(C, size), unit=np.sqrt(len(C)))


@takes(population=GaussianPopulation)
def residual_cov(population, A):
    """Return R = Cov[y | f(x)] (d_y, d_y) for f(x) = A x.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)

    Returns
    -------
    array (d_y, d_y)
        Its trace is the risk of the best linear head, min_W E||y - W f(x)||^2.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "The Conditions That Processor f Needs to Satisfy", left side of (C2).
    """
    Q = whitened_span(population, A)
    missed = population.K_y - Q @ (Q.T @ population.K_y)
    return population.noise + missed.T @ missed


def expected_risk(R, k, n2):
    """Return E[risk] of least squares fitted on n2 samples of a k-dimensional Gaussian feature.

    With y = W* phi + r, r ~ N(0, R) independent of the Gaussian feature phi of rank k,

        E ||y - W_hat phi||^2 = tr(R) (n2 - 1) / (n2 - k - 1).

    Parameters
    ----------
    R : array (d_y, d_y)
        Residual covariance Cov[y | phi].
    k : int
        Rank of the feature; 0 means no feature, whose risk is tr(R).
    n2 : int or numpy.inf
        Number of downstream labels.

    Returns
    -------
    float
        In the units of y squared.

    Raises
    ------
    ValueError
        If R is no covariance, k no count, or n2 <= k + 1, for which the formula is not: from k - 1
        to k + 1 the expectation is infinite, and below that another one holds.

    Source: slide "Why Does Pretext-Based SSL Work?", O~(k) made exact; the inverse-Wishart mean.
    """
    R = as_covariance("R", R)
    return float(np.trace(R)) * (1 + _excess_factor(k, n2))


def excess_risk(R, k, n2):
    """Return the expected excess risk tr(R) k / (n2 - k - 1) over the best linear head.

    Parameters
    ----------
    R, k, n2
        As in :func:`expected_risk`.

    Returns
    -------
    float
        In the units of y squared.

    Raises
    ------
    ValueError
        As in :func:`expected_risk`.

    Source: slide "Why Does Pretext-Based SSL Work?".
    """
    R = as_covariance("R", R)
    return float(np.trace(R)) * _excess_factor(k, n2)


def _excess_factor(k, n2):
    k = as_count("k", k, least=0)
    if isinstance(n2, float | np.floating) and n2 == np.inf:
        return 0.0
    n2 = as_count("n2", n2)
    if k and n2 <= k + 1:
        raise ValueError(
            f"n2 must exceed k + 1 = {k + 1} for the formula of the expected risk, got {n2}"
        )
    return k / (n2 - k - 1) if k else 0.0


def sample_complexity(R, k, epsilon):
    """Return n2(epsilon) = k + 1 + k tr(R) / epsilon, the labels for excess risk epsilon.

    Parameters
    ----------
    R : array (d_y, d_y)
        Residual covariance Cov[y | phi].
    k : int
        Rank of the feature.
    epsilon : float
        Excess risk to reach, in the units of y squared.

    Returns
    -------
    float
        Real-valued; its ceiling is the smallest sufficient number of labels among those above
        k + 1. Fewer than k labels may do as well, where W phi itself varies by little more
        than epsilon.

    Raises
    ------
    ValueError
        If R is no covariance, k no positive count or epsilon not positive.

    Source: slide "Why Does Pretext-Based SSL Work?": O~(d_y), O~(d_z), O~(d_x) made exact.
    """
    R = as_covariance("R", R)
    k = as_count("k", k)
    epsilon = as_number("epsilon", epsilon, above=0)
    return k + 1 + k * float(np.trace(R)) / epsilon


@takes(population=GaussianPopulation, g=LinearMap)
def predictor_risk(population, g):
    """Return E||y - g(x)||^2 of a linear predictor, exactly.

    Parameters
    ----------
    population : GaussianPopulation
    g : LinearMap
        From x (d_x) to y (d_y).

    Returns
    -------
    float
        In the units of y squared.

    Raises
    ------
    ValueError
        If g does not map d_x inputs to d_y outputs.

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    G = as_matrix("g.matrix", g.matrix, rows=population.d_y, columns=population.d_x)
    error = population.whitened(G)[0] - population.K_y
    return population.floor + float(np.sum(error**2) + np.sum(g.offset**2))


def simulate_excess_risk(R, k, n2, repetitions, rng=None):
    """Draw excess risks of least squares without drawing a single sample.

    For whitened features the Gram matrix is S ~ Wishart_k(n2, I), and given S the error of the
    fitted head is S^{-1/2} G R^{1/2} with standard Gaussian G. Bartlett's triangular factor of
    S costs O(k^2) numbers instead of n2 k, and the excess risk is ||L^{-1} G R^{1/2}||_F^2.

    Parameters
    ----------
    R : array (d_y, d_y)
        Residual covariance Cov[y | phi].
    k, n2 : int
        Feature rank and number of labels, n2 > k + 1.
    repetitions : int
        Number of independent draws.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (repetitions,)
        Excess risks, distributed exactly as those of :func:`simulate_excess_risk_from_samples`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: Bartlett (1933); slide "Why Does Pretext-Based SSL Work?".
    """
    root = square_root(as_covariance("R", R))
    _excess_factor(as_count("k", k), as_count("n2", n2))
    rng = as_rng(rng)
    excess = np.empty(as_count("repetitions", repetitions))
    for i in range(len(excess)):
        L = np.tril(rng.standard_normal((k, k)), -1)
        np.fill_diagonal(L, np.sqrt(rng.chisquare(n2 - np.arange(k))))
        noise = rng.standard_normal((k, root.shape[1])) @ root.T
        excess[i] = np.sum(linalg.solve_triangular(L, noise, lower=True) ** 2)
    return excess


@takes(population=GaussianPopulation)
def simulate_excess_risk_from_samples(population, A, n2, repetitions, rng=None):
    """Draw excess risks by sampling (x, y), fitting the head, and scoring it exactly.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)
        The processor f(x) = A x on which the head is fitted.
    n2 : int
        Number of labels, more than rank f(x) + 1.
    repetitions : int
        Number of independent draws.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (repetitions,)
        Excess over the risk of the best linear head on A x.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Pretext-Based SSL (Cont.)", definition of W_hat.
    """
    Q = whitened_span(population, A)
    _excess_factor(Q.shape[1], as_count("n2", n2))
    rng = as_rng(rng)
    phi = LinearMap(population.whitening.unwhiten(Q).T, np.zeros(Q.shape[1]))
    best = W_star(population, phi).matrix
    excess = np.empty(as_count("repetitions", repetitions))
    for i in range(len(excess)):
        x, _, y = population.sample(n2, rng)
        W_hat = least_squares(phi(x), y).T
        excess[i] = np.sum((W_hat - best) ** 2)
    return excess
