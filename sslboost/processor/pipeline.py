"""The processed pipeline on given inputs: pretext data, representation, head, exact risk."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import RANK_RTOL, Whitening, range_basis, whitening
from sslboost.core.validation import as_count, as_matrix, as_rng
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap, fit_linear
from sslboost.representation.risk import predictor_risk


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a linear layer of the processor sees: second moments, and a way to sample them.

    Parameters
    ----------
    law : GaussianPopulation
        With the second moments of (inputs, z, y), which is all that linear maps of them need.
    sample : callable
        ``sample(n, rng)`` draws rows of (inputs, z, y) from their true law.
    """

    law: GaussianPopulation
    sample: Callable


def raw_inputs(population):
    """Return the inputs of a linear processor f(x) = A x.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    Inputs

    Source: slide "Experiments".
    """
    return Inputs(population, population.sample)


def relu_inputs(population, V):
    """Return the inputs of f(x) = A relu(V x), a class whose capacity grows with its units.

    The second moments are exact. With unit rows v_i of V cov_xx^{1/2}, r = cov[v_i'x, v_j'x] and
    cos t = r: E relu relu = (sin t + (pi - t) r) / 2 pi, and Cov[relu(v'x), z] = Cov[v'x, z] / 2.

    Parameters
    ----------
    population : GaussianPopulation
    V : array (units, d_x)
        First layer; its rows are rescaled to give v'x unit variance.

    Returns
    -------
    Inputs
        Of the centred units.

    Raises
    ------
    ValueError
        If V does not act on d_x inputs.

    Source: Cho and Saul (2009), arc-cosine kernel of degree 1; Stein's identity.
    """
    V = as_matrix("V", V, columns=population.d_x)
    V = V / np.sqrt(np.sum(V @ population.block("x", "x") * V, axis=1, keepdims=True))
    r = np.clip(V @ population.block("x", "x") @ V.T, -1, 1)
    np.fill_diagonal(r, 1.0)
    angle = np.arccos(r)
    units, labels = len(V), population.d_z + population.d_y
    cov = np.empty((units + labels, units + labels))
    cov[:units, :units] = (np.sin(angle) + (np.pi - angle) * r - 1) / (2 * np.pi)
    cov[:units, units:] = V @ population.cov[: population.d_x, population.d_x :] / 2
    cov[units:, :units] = cov[:units, units:].T
    cov[units:, units:] = population.cov[population.d_x :, population.d_x :]

    def sample(n, rng=None):
        x, z, y = population.sample(n, rng)
        return np.maximum(x @ V.T, 0) - 1 / np.sqrt(2 * np.pi), z, y

    return Inputs(GaussianPopulation(cov, units, population.d_z, population.d_y), sample)


@dataclass(frozen=True, eq=False)
class Pretext:
    """What pretext data say of the inputs.

    Parameters
    ----------
    cov : array (d_x, d_x)
        Second moments of the inputs.
    white : Whitening
        Their whitening.
    K_z : array (rank_x, d_z)
        Cov[x_w, z].
    """

    cov: np.ndarray
    white: Whitening
    K_z: np.ndarray


def sample_pretext(inputs, n1, rng=None):
    """Draw n1 pretext samples of the inputs.

    Parameters
    ----------
    inputs : Inputs
    n1 : int or numpy.inf
        More than d_x; infinity gives the population's moments and draws nothing.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Pretext

    Raises
    ------
    ValueError
        If n1 is too small.

    Source: slide "Pretext-Based SSL (Cont.)", X_pre and Z_pre.
    """
    law = inputs.law
    if n1 == np.inf:
        return Pretext(law.block("x", "x"), law.whitening, law.K_z)
    X, Z, _ = inputs.sample(as_count("n1", n1, least=law.d_x + 1), rng)
    cov = X.T @ X / n1
    white = whitening(cov)
    return Pretext(cov, white, white.whiten(X.T @ Z / n1))


def representation(inputs, pretext, A):
    """Return features (d_x, k) with the span of the representation psi(f(x)), f(x) = A' x.

    Parameters
    ----------
    inputs : Inputs
    pretext : Pretext
        On which psi is fitted.
    A : array (d_x, k_f)

    Returns
    -------
    array (d_x, k)
        k counts the canonical correlations of f(x) with z above rounding: a linear head has no
        sense of scale, and would otherwise read a representation out of rounding errors.

    Source: slides "Pretext-Based SSL (Cont.)" and "Remark of Theorem 2".
    """
    Q = range_basis(pretext.white.whiten(pretext.cov @ A))
    sd = np.sqrt(np.diag(inputs.law.block("z", "z")))
    left, values, _ = np.linalg.svd(Q.T @ pretext.K_z / sd, full_matrices=False)
    return pretext.white.unwhiten(Q @ left[:, values > RANK_RTOL])


def downstream_risk(inputs, features, n2, rng):
    """Return the exact risk of a head fitted to n2 labels of the given linear features.

    Parameters
    ----------
    inputs : Inputs
    features : array (d_x, k)
    n2 : int or numpy.inf
    rng : numpy.random.Generator or int
        Draws the labelled sample where n2 is finite.

    Returns
    -------
    float
        In the units of y squared; tr cov_yy for k = 0.

    Raises
    ------
    ValueError
        If n2 is neither a positive integer nor infinite.

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    law = inputs.law
    if n2 == np.inf:
        white = whitening(features.T @ law.block("x", "x") @ features)
        head = white.unwhiten(white.whiten(features.T @ law.block("x", "y"))).T
        return predictor_risk(law, LinearMap(head @ features.T, np.zeros(law.d_y)))
    X, _, Y = inputs.sample(as_count("n2", n2), as_rng(rng))
    phi = LinearMap(features.T, np.zeros(features.shape[1]))
    head = fit_linear(phi(X), Y).after(phi) if features.shape[1] else _nothing(law)
    return predictor_risk(law, head)


def _nothing(law):
    return LinearMap(np.zeros((law.d_y, law.d_x)), np.zeros(law.d_y))
