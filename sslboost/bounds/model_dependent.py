"""Theorem 4: a processor that memorises the extra labels from what is independent of z."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sslboost.bounds.capacity import ReLUNetwork, memorise
from sslboost.core.linalg import as_covariance, column_scale, least_squares, range_basis, whitening
from sslboost.core.validation import as_count, as_matrix, as_number, as_samples, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap

#: Standard deviations beyond which a tail has no probability in floating point.
_NO_TAIL = 37.0


@dataclass(frozen=True, eq=False)
class ComposedProcessor:
    """The processor f = f1 after f2 of Theorem 4.

    Parameters
    ----------
    f2 : LinearMap
        From x to what f1 may see.
    f1 : callable
        From the rows of f2's outputs to the rows of f(x).

    Raises
    ------
    ValueError
        If they are no such maps.
    """

    f2: LinearMap
    f1: Callable

    def __post_init__(self):
        _check_maps(self.f2, self.f1)

    def __call__(self, X):
        """Return the rows f(x) of the rows of ``X`` (n, d_x)."""
        return self.f1(self.f2(X))


@takes(f2=LinearMap, f1=callable)
def _check_maps(f2, f1):
    """Refuse what is no pair of maps."""


@takes(population=GaussianPopulation)
def blind_part(population):
    """Return f2(x) = N' x_w, the largest linear part of x that is independent of z.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    LinearMap
        From x (d_x) to m standard normal coordinates.

    Raises
    ------
    ValueError
        If every direction of x is correlated with z, m = 0.

    Source: slide "Model-Dependent Result (Cont.)", f2(x) independent of z.
    """
    if population.m == 0:
        raise ValueError("population must leave some of x independent of z, got m = 0")
    return LinearMap(population.whitening.unwhiten(population.N).T, np.zeros(population.m))


@takes(population=GaussianPopulation)
def memorising_processor(population, X_extra, Y_extra, widths, rng=None):
    """Return f = f1 after f2 that is blind to z and interpolates the extra labels.

    Parameters
    ----------
    population : GaussianPopulation
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
    widths : sequence of int
        Hidden layers of f1; the last needs at least n0 neurons.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    ComposedProcessor
        A minimiser of L_{inf,n0}, with d_f = d_y outputs.

    Raises
    ------
    ValueError
        If f1 is too narrow for the construction, or no part of x is independent of z.

    Source: slide "Model-Dependent Result (Cont.)", Theorem 4.
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    as_matrix("X_extra", X, columns=population.d_x)
    as_matrix("Y_extra", Y, columns=population.d_y)
    f2 = blind_part(population)
    return ComposedProcessor(f2, memorise(f2(X), Y, widths, rng))


@takes(population=GaussianPopulation)
def tail_processor(population, X_extra):
    """Return a network that is E[y|x] at the extra inputs, up to a linear map, with cov[f, z] = 0.

    In each coordinate u of E[y|x] it returns u - C (max(u - t, 0) - max(-u - t, 0)), with t the
    largest abs(u) in the sample and C = 1 / P(abs(u) > t): what happens where there is no extra
    label cancels the covariance with u, and with it those with y and z. Linear heads find nothing
    of the label in f(x); a function of f(x) that is not linear finds nearly all of it.

    Parameters
    ----------
    population : GaussianPopulation
    X_extra : array (n0, d_x)

    Returns
    -------
    ReLUNetwork
        One hidden layer of 4 rank(cov_xy) <= 4 d_y neurons, whatever n0.

    Raises
    ------
    ValueError
        If the label is not correlated with x, ``X_extra`` does not have d_x columns, or lies so
        far out that nothing is left of the tail.

    Source: chapter 6, the tail; Stein's identity.
    """
    (X,) = as_samples(X_extra=X_extra)
    as_matrix("X_extra", X, columns=population.d_x)
    directions = population.whitening.unwhiten(population.U).T
    r = len(directions)
    if r == 0:
        raise ValueError("population must have a label that is correlated with x, got cov_xy = 0")
    t = np.abs(X @ directions.T).max(axis=0)
    if t.max() > _NO_TAIL:
        raise ValueError(
            f"X_extra must lie within {_NO_TAIL:g} standard deviations, got {t.max():.3g}"
        )
    C = 1 / (2 * stats.norm.sf(t))
    weights = np.concatenate([directions, -directions, directions, -directions])
    biases = np.concatenate([np.zeros(2 * r), -t, -t])
    head = np.hstack([np.eye(r), -np.eye(r), -np.diag(C), np.diag(C)])
    return ReLUNetwork((weights,), (biases,), head)


@takes(population=GaussianPopulation)
def lost_label(population):
    """Return ||V' K_y||_F^2, the least that linear heads on f lose of the label if cov[f, z] = 0.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    float
        In the units of y squared; tr cov_yy less the Bayes risk where U lies in range K_z.

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: slide "Model-Dependent Result (Cont.)"; chapter 6, the constant in Theorem 4.
    """
    return float(np.sum((population.V.T @ population.K_y) ** 2))


def seen(F, T, cov):
    """Return the squared length of whitened targets along the features, ||P_F T cov^{-1/2}||^2.

    Where the Gaussian targets are independent of the features it is chi-squared with
    rank F times rank cov degrees of freedom, whatever the law of the features.

    Parameters
    ----------
    F : array (n, d_f)
    T : array (n, d)
        Zero-mean targets.
    cov : array (d, d)
        Their covariance.

    Returns
    -------
    value : float
    freedom : int
        Degrees of freedom under independence.

    Raises
    ------
    ValueError
        If the arrays do not match or ``cov`` is no covariance.

    Source: Cochran's theorem.
    """
    F, T = as_samples(F=F, T=T)
    white = whitening(as_covariance("cov", cov, size=T.shape[1]))
    basis = range_basis(F / column_scale(F), unit=np.sqrt(len(F)))
    return float(np.sum((white.whiten(T.T) @ basis) ** 2)), basis.shape[1] * white.rank


@takes(population=GaussianPopulation, f=callable)
def empirical_excess(population, f, lam, X_extra, Y_extra, n1, rng=None):
    """Return L_{n1,n0}(f) less its lower bound, the pretext term on a fresh sample of n1.

    Parameters
    ----------
    population : GaussianPopulation
    f : callable
        From rows of x to rows of f(x).
    lam : float
        Weight of the pretext term, not negative.
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
    n1 : int
        Size of the pretext sample.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    residual : float
        (1/n0) min_W ||Y_extra - W f(X_extra)||^2.
    explained : float
        lam (1/n1) (||Z||^2 - min_W ||Z - W f(X)||^2); the excess is the sum of the two.

    Raises
    ------
    ValueError
        If an argument is out of range, or f does not return one row of numbers for each of x.

    Source: slide "How to Obtain f ? (Cont.)", the training loss.
    """
    lam, n1 = as_number("lam", lam, least=0), as_count("n1", n1)
    X_extra, Y_extra = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    as_matrix("X_extra", X_extra, columns=population.d_x)
    as_matrix("Y_extra", Y_extra, columns=population.d_y)
    X, Z, _ = population.sample(n1, rng)
    left, fitted = _split(f, X_extra, Y_extra), _split(f, X, Z)
    return left[0] / len(Y_extra), lam * fitted[1] / n1


def _split(f, X, T):
    """Squared lengths of the part of T off the span of f(X), and of the part in it."""
    F = as_matrix("f(x)", f(X), rows=len(X))
    fitted = F @ least_squares(F, T)
    return float(np.sum((T - fitted) ** 2)), float(np.sum(fitted**2))
