"""The processed pipeline on given inputs: pretext data, representation, head, exact risk."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import (
    RANK_RTOL,
    Whitening,
    column_scale,
    range_basis,
    whitening,
    without_constants,
)
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, frozen, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap, W_star, fit_linear
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

    Raises
    ------
    ValueError
        If they are no such things.
    """

    law: GaussianPopulation
    sample: Callable

    def __post_init__(self):
        _check_inputs(self.law, self.sample)

    def draw(self, n, rng=None):
        """Return n rows of (inputs, z, y), checked to be those of the law.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator or int, optional

        Returns
        -------
        x, z, y : arrays (n, d_x), (n, d_z), (n, d_y)

        Raises
        ------
        ValueError
            If ``n`` is no count, or ``sample`` returns anything else.
        """
        n, rng = as_count("n", n), as_rng(rng)
        rows, law = self.sample(n, rng), self.law
        if not isinstance(rows, tuple | list) or len(rows) != 3:
            raise ValueError(f"sample must return rows of (x, z, y), got {type(rows).__name__}")
        sizes = {"x": law.d_x, "z": law.d_z, "y": law.d_y}
        return tuple(
            as_matrix(f"{name} of sample", part, rows=n, columns=size)
            for part, (name, size) in zip(rows, sizes.items(), strict=True)
        )


@takes(law=GaussianPopulation, sample=callable)
def _check_inputs(law, sample):
    """Refuse what is no law or cannot be drawn from."""


@takes(population=GaussianPopulation)
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


@takes(population=GaussianPopulation)
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
        If V does not act on d_x inputs, or v'x is constant for one of its rows.

    Source: Cho and Saul (2009), arc-cosine kernel of degree 1; Stein's identity.
    """
    V = as_matrix("V", V, columns=population.d_x)
    units, labels = as_count("number of rows of V", len(V)), population.d_z + population.d_y
    C, size = population.whitened(V)
    length = np.linalg.norm(C, axis=0)
    if (length <= RANK_RTOL * size).any():
        i = int(np.argmin(length / np.where(size > 0, size, 1.0)))
        raise ValueError(f"V must have rows on which x varies, got none of it on row {i}")
    V = V / length[:, None]
    r = np.clip(V @ population.block("x", "x") @ V.T, -1, 1)
    np.fill_diagonal(r, 1.0)
    angle = np.arccos(r)
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
    white : Whitening
        Of the inputs' second moments.
    K_z : array (rank_x, d_z)
        Cov[x_w, z].
    variance : float
        tr cov_zz.

    Raises
    ------
    ValueError
        If they are no such things.
    """

    white: Whitening
    K_z: np.ndarray
    variance: float

    def __post_init__(self):
        if not isinstance(self.white, Whitening):
            raise ValueError(f"white must be a Whitening, got {type(self.white).__name__}")
        object.__setattr__(self, "K_z", frozen(as_matrix("K_z", self.K_z, rows=self.white.rank)))
        object.__setattr__(self, "variance", as_number("variance", self.variance, least=0))

    @staticmethod
    def of_law(law):
        """Return what unlimited pretext data say, those of a :class:`GaussianPopulation`."""
        return Pretext(law.whitening, law.K_z, np.trace(law.block("z", "z")))

    @staticmethod
    def of_sample(X, Z):
        """Return what the centred rows X (n1, d_x) and Z (n1, d_z) say."""
        X, Z = without_constants(X), without_constants(Z)
        white = whitening(X.T @ X / len(X))
        return Pretext(white, white.whiten(X.T @ Z / len(X)), np.sum(Z**2) / len(X))

    def seen(self, A):
        """Return an orthonormal basis (rank_x, k) of the whitened directions that A x sees.

        As :func:`sslboost.representation.risk.whitened_span`, which knows the law.

        Parameters
        ----------
        A : array (d_f, d_x)

        Returns
        -------
        array (rank_x, k)

        Raises
        ------
        ValueError
            If A does not act on the inputs.
        """
        root = self.white.root
        A = as_matrix("A", A, columns=len(root))
        size = np.abs(A) @ np.linalg.norm(root, axis=1)
        C = root.T @ A.T
        return range_basis(C / column_scale(C, size), unit=np.sqrt(max(len(C), 1)))


@takes(inputs=Inputs)
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
    if _is_unlimited(n1):
        return Pretext.of_law(inputs.law)
    X, Z, _ = inputs.draw(as_count("n1", n1, least=inputs.law.d_x + 1), rng)
    return Pretext.of_sample(X, Z)


@takes(inputs=Inputs, pretext=Pretext)
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

    Raises
    ------
    ValueError
        If A does not act on the inputs.

    Source: slides "Pretext-Based SSL (Cont.)" and "Remark of Theorem 2".
    """
    Q = pretext.seen(as_matrix("A", A, rows=inputs.law.d_x).T)
    correlations = inputs.law.in_units_of_sd(Q.T @ pretext.K_z, "z")
    left, values, _ = np.linalg.svd(correlations, full_matrices=False)
    return pretext.white.unwhiten(Q @ left[:, values > RANK_RTOL])


@takes(inputs=Inputs)
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
        If n2 is neither a positive integer nor infinite, or the features are none of d_x inputs.

    Source: slide "Pretext-Based SSL (Cont.)".
    """
    law = inputs.law
    matrix = as_matrix("features", features, rows=law.d_x).T
    phi = LinearMap(matrix, np.zeros(len(matrix)))
    if _is_unlimited(n2):
        return predictor_risk(law, W_star(law, phi).after(phi))
    X, _, Y = inputs.draw(as_count("n2", n2), rng)
    if not len(matrix):
        return float(np.trace(law.block("y", "y")))
    return predictor_risk(law, fit_linear(phi(X), Y).after(phi))


def _is_unlimited(n):
    return isinstance(n, float | np.floating) and n == np.inf
