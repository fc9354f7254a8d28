"""Past the threshold n0 = m: the limit of the learned processor as m and n0 grow together."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import elementwise

from sslboost.core.linalg import RANK_RTOL
from sslboost.core.validation import as_array, as_count, as_number, takes
from sslboost.population import GaussianPopulation

#: Of which the square is still a number: at 0 itself the slope may vanish without a minimum.
_SMALLEST_ANGLE = 1e-150


@dataclass(frozen=True, eq=False)
class Limit:
    """Limit of the processor that minimises L_{inf,n0}.

    Parameters
    ----------
    t : array
        Share of the processor's direction that lies on u, in [0, 1].
    objective : array
        Limit of min L_{inf,n0} + lam tr cov_zz, in units of var y; 0 is the certificate's value.
    risk : array
        Downstream risk with unlimited n1 and n2, 1 - k2 t, in units of var y.
    """

    t: np.ndarray
    objective: np.ndarray
    risk: np.ndarray


def best_fit(t, ratio, k2):
    """Return F(t) = cos^2(alpha + beta), the least training error at alignment ``t``.

    Among directions d with (u'd)^2 = t the best one leaves this share of ``y`` unexplained on
    the n0 labels. The angle ``alpha``, sin^2 alpha = k2 t, is honest and is there on new
    samples too; ``beta``, sin^2 beta = (1 - t) m / n0, is fitted noise. F is convex in t.

    Parameters
    ----------
    t : array
        Alignment in [0, 1].
    ratio : array
        n0 / m; infinity for unlimited labels.
    k2 : array
        Share of var y that x explains, in (0, 1].

    Returns
    -------
    array
        In [0, 1]; 0 where alpha + beta reaches a right angle.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Insufficient Downstream Samples Provably Fails", first term of L_{inf,n0}.
    """
    t = _within("t", t, least=0, most=1)
    ratio = _within("ratio", ratio, above=0)
    k2 = _within("k2", k2, above=0, most=1)
    alpha = np.arcsin(np.sqrt(k2 * t))
    beta = np.arcsin(np.sqrt(np.minimum((1 - t) / ratio, 1)))
    return np.cos(np.minimum(alpha + beta, np.pi / 2)) ** 2


def limit(ratio, lam, k2, kappa2):
    """Return the limit of the learned processor for one-dimensional y.

    In whitened coordinates y = k u'x + noise with var y = 1, and u'x explains kappa2 of z. The
    objective F(t) + lam kappa2 t is strictly convex on [0, 1] past the threshold, so that the
    root of its slope is the one minimum.

    Parameters
    ----------
    ratio : array
        n0 / m, labels for each pretext-orthogonal direction.
    lam : array
        Weight of the pretext term, in units of var y; positive.
    k2 : array
        Share of var y that x explains, in (0, 1].
    kappa2 : array
        u' M_z u > 0, in the units of z squared.

    Returns
    -------
    Limit
        Arrays of the arguments' common shape.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides ("Insufficient Downstream Samples Provably Fails"); chapter 4.
    """
    arguments = np.broadcast_arrays(
        _within("ratio", ratio, above=0),
        _within("lam", lam, above=0),
        _within("k2", k2, above=0, most=1),
        _within("kappa2", kappa2, above=0),
    )
    ratio, lam, k2, kappa2 = arguments
    past = ratio > 1  # up to the threshold t is 0
    t = np.zeros(ratio.shape)
    t[past] = _alignment(ratio[past], (lam * kappa2)[past], k2[past])
    fit = np.where(past, best_fit(t, ratio, k2), 0.0)
    return Limit(t, fit + lam * kappa2 * t, 1 - k2 * t)


def _alignment(ratio, penalty, k2):
    """The t at which the slope of F + penalty t vanishes, or the end that it falls towards."""
    ends = np.full(ratio.shape, _SMALLEST_ANGLE), np.full(ratio.shape, np.pi / 2)
    found = elementwise.find_root(_slope, ends, args=(ratio, penalty, k2))
    end = _slope(np.pi / 4, ratio, penalty, k2) < 0
    return np.where(found.success, np.sin(found.x) ** 2, end)


def _slope(theta, ratio, penalty, k2):
    """Derivative of F + penalty t along t = sin^2 theta, where every term stays bounded."""
    k, root = np.sqrt(k2), np.sqrt(1 / ratio)
    sin_a, sin_b = k * np.sin(theta), root * np.cos(theta)
    cos_a = np.sqrt(1 - k2 + (k * np.cos(theta)) ** 2)
    cos_b = np.sqrt(1 - 1 / ratio + (root * np.sin(theta)) ** 2)
    turn = k * np.cos(theta) / cos_a - root * np.sin(theta) / cos_b
    sin_twice = 2 * (sin_a * cos_b + cos_a * sin_b) * (cos_a * cos_b - sin_a * sin_b)
    return penalty * np.sin(2 * theta) - sin_twice * turn


def threshold_slope(lam, k2, kappa2):
    """Return the rate at which the risk falls just past the threshold.

    As n0 / m falls to 1, risk = 1 - k2 rate (1 - m / n0) + o(1 - m / n0) with
    rate = (a / sqrt(a^2 - 4 k2) - 1) / 2 and a = 1 + k2 + lam kappa2.

    Parameters
    ----------
    lam, k2, kappa2 : array
        As in :func:`limit`.

    Returns
    -------
    array
        k2 rate, the slope of the risk against 1 - m / n0, without its sign.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; chapter 4, expansion of the limit at n0 = m.
    """
    k2 = _within("k2", k2, above=0, most=1)
    penalty = _within("lam", lam, above=0) * _within("kappa2", kappa2, above=0)
    root = np.sqrt((1 - k2) ** 2 + penalty * (penalty + 2 * (1 + k2)))  # of a^2 - 4 k2
    return k2 * ((1 + k2 + penalty) / root - 1) / 2


def far_excess(ratio, lam, k2, kappa2):
    """Return the excess risk far past the threshold, (1 - k2) (m / n0) / (1 - lam / lam*)^2.

    The leading term of 1 - k2 t - (1 - k2) as n0 / m grows, for lam < lam* = k2 / kappa2:
    that of least squares on m inputs, multiplied by what the pretext term costs.

    Parameters
    ----------
    ratio, lam, k2, kappa2 : array
        As in :func:`limit`, with lam below k2 / kappa2.

    Returns
    -------
    array
        In units of var y.

    Raises
    ------
    ValueError
        If an argument is out of range, or lam reaches lam*.

    Source: beyond the slides; chapter 4, expansion of the limit at m / n0 = 0.
    """
    ratio = _within("ratio", ratio, above=0)
    k2 = _within("k2", k2, above=0, most=1)
    share = _within("lam", lam, above=0) * _within("kappa2", kappa2, above=0) / k2
    if (share >= 1).any():
        raise ValueError(f"lam must be below lam* = k2 / kappa2, got {np.max(share):.3g} lam*")
    return (1 - k2) / (ratio * (1 - share) ** 2)


def first_win(lam, k2, kappa2, n2, rank_z):
    """Return the smallest n0 / m at which the processed pipeline beats plain SSL.

    With n2 downstream labels plain SSL fits rank_z numbers and has the exact risk
    (1 - k2)(n2 - 1)/(n2 - rank_z - 1); past m the processed pipeline fits one, and its risk tends
    to (1 - k2 t)(n2 - 1)/(n2 - 2). With n2 infinite plain SSL is at the Bayes risk, unbeaten.

    Parameters
    ----------
    lam : array
        Weight of the pretext term, in units of var y; positive.
    k2, kappa2 : float
        As in :func:`limit`.
    n2 : int
        Downstream labels, more than rank_z + 1.
    rank_z : int
        Rank of cov_xz.

    Returns
    -------
    array
        Of the shape of ``lam``; infinity where no n0 below 10^6 m suffices.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; slide "Remark of Theorem 2" ("better NOT to use").
    """
    rank_z = as_count("rank_z", rank_z)
    n2 = as_count("n2", n2, least=rank_z + 2)
    lam = _within("lam", lam, above=0)
    target = (1 - _within("k2", k2, above=0, most=1)) * (n2 - 2) / (n2 - rank_z - 1)

    def excess(ratio, lam):
        return limit(ratio, lam, k2, kappa2).risk - target

    grid = 1 + np.geomspace(1e-6, 1e6, 1001)
    wins = excess(grid, lam[..., None]) < 0
    first = wins.argmax(axis=-1)
    bracket = grid[np.maximum(first - 1, 0)], grid[first]
    crossing = elementwise.find_root(excess, bracket, args=(lam,))
    return np.where(wins.any(axis=-1), np.where(crossing.success, crossing.x, bracket[1]), np.inf)


@dataclass(frozen=True, eq=False)
class Coordinates:
    """A population as independent one-dimensional problems.

    Parameters
    ----------
    scale : array (d_y,)
        Variance of each label coordinate.
    k2 : array (d_y,)
        Share of it that x explains.
    kappa2 : array (d_y,)
        Pretext variance explained by that coordinate's direction of x.
    """

    scale: np.ndarray
    k2: np.ndarray
    kappa2: np.ndarray


@takes(population=GaussianPopulation)
def coordinates(population):
    """Split a population into the one-dimensional problems to which the limit applies.

    Needs cov_yy, Cov[y_hat] and K_y' M_z K_y to share their eigenvectors, M_z U to lie in U,
    and every label coordinate to be explained by x in part, and to explain some of z.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    Coordinates

    Raises
    ------
    ValueError
        Names the assumption that fails and by how much.

    Source: chapter 4, the limit for d_y > 1.
    """
    K_y, K_z, U = population.K_y, population.K_z, population.U
    if U.shape[1] < population.d_y:
        raise ValueError(f"rank K_y must be d_y = {population.d_y}, got {U.shape[1]}")
    image, size = K_z @ (K_z.T @ U), np.linalg.norm(K_z) ** 2
    if (out := np.linalg.norm(image - U @ (U.T @ image))) > RANK_RTOL * size:
        raise ValueError(f"population must have M_z U inside U, got {out / size:.3g} outside")
    total, explained = population.block("y", "y"), K_y.T @ K_y
    shared = (K_z.T @ K_y).T @ (K_z.T @ K_y)
    blocks = [block / np.trace(block) for block in (total, explained, shared) if block.any()]
    weights = np.sqrt([2, 3, 5])
    basis = np.linalg.eigh(sum(w * b for w, b in zip(weights, blocks, strict=False)))[1]
    turned = [basis.T @ block @ basis for block in blocks]
    mixed = max(np.abs(block - np.diag(np.diag(block))).max() for block in turned)
    if mixed > RANK_RTOL:
        raise ValueError(
            "population must have cov_yy, Cov[y_hat] and K_y' M_z K_y with common eigenvectors, "
            f"got off-diagonal parts of {mixed:.3g}"
        )
    scale, seen, kept = (np.sum(basis * (M @ basis), axis=0) for M in (total, explained, shared))
    kappa2 = kept / seen
    if kappa2.min() <= RANK_RTOL * size:
        raise ValueError(
            f"every label coordinate must explain some of z, got a share {kappa2.min():.3g}"
        )
    return Coordinates(scale, seen / scale, kappa2)


@takes(population=GaussianPopulation)
def population_limit(population, n0, lam):
    """Return the limit's risk and objective for a population and d_f >= d_y, label by label.

    Parameters
    ----------
    population : GaussianPopulation
        One that :func:`coordinates` accepts.
    n0 : int
        Labels for the processor.
    lam : float
        Weight of the pretext term.

    Returns
    -------
    Limit
        ``t`` (d_y,) for each coordinate; ``objective`` and ``risk`` summed, in y squared.

    Raises
    ------
    ValueError
        As in :func:`coordinates`, or if an argument is out of range.

    Source: chapter 4, the limit for d_y > 1.
    """
    n0 = as_count("n0", n0)
    lam = as_number("lam", lam, above=0)
    parts = coordinates(population)
    ratio = n0 / as_count("population.m", population.m)
    each = limit(ratio, lam / parts.scale, parts.k2, parts.kappa2)
    return Limit(each.t, np.sum(parts.scale * each.objective), np.sum(parts.scale * each.risk))


def _within(name, value, *, above=-np.inf, least=-np.inf, most=np.inf):
    """The value as a float array inside the stated range; infinity is allowed only as a ratio."""
    array = as_array(name, value, None, infinite=name == "ratio")
    inside = (array > above) & (array >= least) & (array <= most)
    if not inside.all():
        lower = f"above {above:g}" if above > -np.inf else f"at least {least:g}"
        upper = f" and at most {most:g}" if most < np.inf else ""
        raise ValueError(f"{name} must be {lower}{upper}, got {array[~inside].flat[0]:g}")
    return array
