"""The finite problem behind the limit past the threshold, drawn and minimised exactly."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.validation import as_array, as_count, as_matrix, as_number, as_rng, frozen, takes

_GRID = 40
_ZOOMS = 12


@dataclass(frozen=True, eq=False)
class FittingProblem:
    """One data set (X, y) of L_{inf,n0} in the coordinates that diagonalise X_N' X_N.

    With the singular value decomposition X_N / sqrt(n0) = P diag(sqrt(l)) Q' the training error
    of the direction b u + Q w is ``sum (y_in - b x_in - sqrt(l) w)^2`` plus what lies outside the
    range of X_N, a quadratic in b.

    Parameters
    ----------
    l : array (m,)
        Eigenvalues of X_N' X_N / n0, ascending and positive.
    x_in, y_in : array (m,)
        P' X_u / sqrt(n0) and P' y / sqrt(n0).
    outside : array (2, 2)
        Gram matrix of the rest of (X_u, y), over n0.

    Raises
    ------
    ValueError
        If they are no such arrays.
    """

    l: np.ndarray  # noqa: E741
    x_in: np.ndarray
    y_in: np.ndarray
    outside: np.ndarray

    def __post_init__(self):
        for name in ("l", "x_in", "y_in"):
            object.__setattr__(self, name, frozen(as_array(name, getattr(self, name), 1)))
            if len(getattr(self, name)) != len(self.l):
                raise ValueError(f"{name} must hold m = {len(self.l)} numbers")
        if not len(self.l) or self.l[0] <= 0 or (np.diff(self.l) < 0).any():
            raise ValueError(f"l must be positive and ascending, got {self.l}")
        outside = as_matrix("outside", self.outside, rows=2, columns=2)
        object.__setattr__(self, "outside", frozen(outside))


def draw_from_samples(m, n0, k2, rng=None):
    """Draw the fitting problem by sampling n0 rows of the m + 1 inputs and of y.

    Parameters
    ----------
    m : int
        Pretext-orthogonal inputs.
    n0 : int
        Labels, more than m.
    k2 : float
        Share of var y = 1 that x explains, in (0, 1].
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    FittingProblem

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Insufficient Downstream Samples Provably Fails", definition of L_{inf,n0}.
    """
    m, n0, k2 = _sizes(m, n0, k2)
    rng = as_rng(rng)
    X_u, X_N, noise = (rng.standard_normal((n0, d)) for d in (1, m, 1))
    pair = np.hstack([X_u, np.sqrt(k2) * X_u + np.sqrt(1 - k2) * noise])
    values, vectors = np.linalg.eigh(X_N.T @ X_N / n0)
    inside = vectors.T @ (X_N.T @ pair) / (n0 * np.sqrt(values)[:, None])
    outside = pair.T @ pair / n0 - inside.T @ inside
    return FittingProblem(values, inside[:, 0], inside[:, 1], outside)


def draw_spectral(m, n0, k2, rng=None):
    """Draw the fitting problem with the same law from O(m) random numbers.

    The eigenvalues of a Wishart matrix are those of a bidiagonal matrix of independent chi
    variables; its eigenvectors are independent of them and rotate (X_u, noise), which leaves
    independent normals inside the range of X_N and a 2 by 2 Wishart matrix outside.

    Parameters
    ----------
    m, n0, k2, rng
        As in :func:`draw_from_samples`.

    Returns
    -------
    FittingProblem

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: Dumitriu and Edelman (2002), the bidiagonal form of a Wishart matrix.
    """
    m, n0, k2 = _sizes(m, n0, k2)
    rng = as_rng(rng)
    chi = np.sqrt(rng.chisquare(n0 - np.arange(m)))
    chi_below = np.sqrt(rng.chisquare(np.arange(m - 1, 0, -1)))
    diagonal = chi**2 + np.append(0, chi_below**2)
    values = linalg.eigvalsh_tridiagonal(diagonal, chi[:-1] * chi_below) / n0
    mixing = np.array([[1, np.sqrt(k2)], [0, np.sqrt(1 - k2)]])
    inside = rng.standard_normal((m, 2)) @ mixing / np.sqrt(n0)
    factor = np.zeros((2, 2))
    factor[0] = np.sqrt(rng.chisquare(n0 - m)), rng.standard_normal()
    factor[1, 1] = np.sqrt(rng.chisquare(n0 - m - 1)) if n0 > m + 1 else 0
    factor = factor @ mixing
    return FittingProblem(values, inside[:, 0], inside[:, 1], factor.T @ factor / n0)


@takes(problem=FittingProblem)
def minimise(problem, lam, kappa2):
    """Return the alignment t and the objective at the minimum of a fitting problem.

    For a given b and norm of w the best w solves a sphere-constrained least-squares problem:
    it is the least-squares fit with ``l - mu`` for ``l``, for one mu below the smallest l, and
    mu >= 0 because the pretext term falls as w grows. What is left is a search over (b, mu), a
    grid that is refined around its best cell.

    Parameters
    ----------
    problem : FittingProblem
    lam, kappa2 : float
        As in :func:`sslboost.bounds.past_threshold.limit`.

    Returns
    -------
    t, objective : float
        b^2 / (b^2 + w'w), and L_{inf,n0} + lam tr cov_zz.

    Raises
    ------
    ValueError
        If lam or kappa2 is not positive.

    Source: chapter 4, proof of the limit.
    """
    penalty = as_number("lam", lam, above=0) * as_number("kappa2", kappa2, above=0)
    smallest = problem.l[0]
    # mu = smallest (1 - s^2), s in (0, 1]: the norm of w grows without bound as s falls to 0.
    low, high = np.array([0.0, -0.5]), np.array([1.0, 1.5])
    for _ in range(_ZOOMS):
        step = (high - low) / _GRID
        s, b = (low[i] + step[i] * (np.arange(_GRID) + 0.5) for i in range(2))
        value, t = _surface(problem, smallest * (1 - s**2), b, penalty)
        i, j = np.unravel_index(value.argmin(), value.shape)
        centre, reach = np.array([s[i], b[j]]), 4 * step
        low, high = centre - reach, centre + reach
        low[0], high[0] = max(low[0], 0), min(high[0], 1)
    return t[i, j], value[i, j]


def _surface(problem, mu, b, penalty):
    """Objective and alignment (len(mu), len(b)) along the curves w(mu, b)."""
    gap = problem.l - mu[:, None]
    parts = problem.y_in**2, problem.y_in * problem.x_in, problem.x_in**2
    moments = np.stack(parts)  # (3, m): coefficients of 1, -2b and b^2
    powers = np.stack([np.ones_like(b), -2 * b, b**2])  # (3, len(b))
    left = (mu[:, None] / gap) ** 2 @ moments.T @ powers
    norm = (problem.l / gap**2) @ moments.T @ powers + b**2
    (xx, xy), (_, yy) = problem.outside
    t = b**2 / norm
    return left + (yy - 2 * b * xy + b**2 * xx) + penalty * t, t


@takes(draw=callable)
def simulate(m, n0, lam, k2, kappa2, repetitions, rng=None, *, draw=draw_spectral):
    """Draw downstream risks 1 - k2 t of the processor learned from n0 labels.

    Parameters
    ----------
    m, n0 : int
        Pretext-orthogonal inputs and labels.
    lam, k2, kappa2 : float
        As in :func:`sslboost.bounds.past_threshold.limit`.
    repetitions : int
    rng : numpy.random.Generator or int, optional
    draw : callable
        :func:`draw_spectral` or :func:`draw_from_samples`.

    Returns
    -------
    array (repetitions,)
        1 where n0 <= m, by the theorem and without a draw.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Remark of Theorem 2".
    """
    repetitions, rng = as_count("repetitions", repetitions), as_rng(rng)
    lam, kappa2 = as_number("lam", lam, above=0), as_number("kappa2", kappa2, above=0)
    k2 = as_number("k2", k2, above=0, most=1)
    if as_count("n0", n0) <= as_count("m", m):
        return np.ones(repetitions)
    t = [minimise(draw(m, n0, k2, rng), lam, kappa2)[0] for _ in range(repetitions)]
    return 1 - k2 * np.array(t)


def _sizes(m, n0, k2):
    m = as_count("m", m)
    return m, as_count("n0", n0, least=m + 1), as_number("k2", k2, above=0, most=1)
