"""The law of (x, z, y) that a sample's moments speak for, without what its noise adds to them.

A regression explains part of noise too: on average r / n of its variance for r inputs and n rows.
What x seems to explain of z and of y, and z of the rest of y, is lowered by that much, and what is
left is divided by degrees of freedom instead of rows. Where only some rows have labels, the law of
(x, z) is that of all rows and the regression of y on (x, z) that of the labelled ones.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.advice.rows.moments import joined
from sslboost.core.linalg import RANK_RTOL, Whitening, constant_columns, whitening
from sslboost.population import GaussianPopulation

#: Directions of psi that look like noise keep this share of their squared size: a representation
#: that is learned from a sample has them, too.
_KEPT = 1e-6


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns that count, and the units that they count in.

    Attributes
    ----------
    x, z, y : int arrays
        Places in (x, z, y) of the columns that are neither constant nor told by those before,
        also not among the labelled rows.
    unit : array (rank_x + rank_z,)
        Standard deviations of the columns of x and z that count.
    basis : array (d_y, rank_y)
        Orthonormal, of the directions in which y varies: squared errors stay what they are.
    left_out : dict of str to int array
        Places of the other columns, by the reason why they do not count.
    """

    x: np.ndarray
    z: np.ndarray
    y: np.ndarray
    unit: np.ndarray
    basis: np.ndarray
    left_out: dict

    @property
    def sizes(self):
        """Ranks of x, z and y."""
        return len(self.x), len(self.z), self.basis.shape[1]

    def of(self, labelled, rest):
        """Return the moments of these columns, out of those of (x, z, y) and of (x, z)."""
        x_z = np.concatenate([self.x, self.z])
        return labelled.columns(np.concatenate([x_z, self.y])), rest.columns(x_z)


def columns(labelled, rest, sizes):
    """Return the columns of a table that count.

    Parameters
    ----------
    labelled, rest : Moments
        Of (x, z, y) and of the other rows' (x, z).
    sizes : tuple of int
        d_x, d_z and d_y.

    Returns
    -------
    Columns
        A column is a copy where what the columns before it in its block leave of its variance is
        below 1e-10 of it, the rank tolerance of the package, or below its rounding.

    Raises
    ------
    ValueError
        If numbers are too small to have squares.
    """
    inputs = sum(sizes[:2])
    x_z, y = np.arange(inputs), np.arange(inputs, sum(sizes))
    n, mean, told = labelled.weighted()
    scatter, low, high = told[:inputs, :inputs], labelled.low[x_z], labelled.high[x_z]
    mean = mean[:inputs]
    if rest.rows:
        n, mean, scatter = joined((n, mean, scatter), rest.weighted())
        low, high = np.minimum(low, rest.low), np.maximum(high, rest.high)
    constant = constant_columns(np.stack([low, high]))
    varies = ~np.concatenate([constant, labelled.constant[y]])
    cov = scatter / max(n, 1)
    sd = np.sqrt(np.diag(cov))
    if (small := varies & (np.concatenate([sd, np.sqrt(np.diag(told)[y])]) < 1e-140)).any():
        raise ValueError(
            f"X, Z and Y must vary by more than 1e-140 to have squares, got {small.sum()} columns "
            "that do not: rescale them"
        )
    rounding = (8 * np.finfo(float).eps * np.abs(mean) / np.where(sd > 0, sd, 1.0)) ** 2
    kept, copies, silent = [], [], []
    for block in np.split(x_z, [sizes[0]]):
        block = block[varies[block]]
        first = _first_of_each(cov[np.ix_(block, block)], rounding[block])
        copies.append(block[~first])
        # The regression of y knows the labelled rows alone.
        block, idle = block[first], labelled.constant[block[first]]
        silent.append(block[idle])
        block = block[~idle]
        if rest.rows:
            first = _first_of_each(told[np.ix_(block, block)], rounding[block])
            copies.append(block[~first])
            block = block[first]
        kept.append(block)
    y_kept = y[varies[y]]
    return Columns(
        *kept,
        y_kept,
        sd[np.concatenate(kept)],
        _range(told[np.ix_(y_kept, y_kept)]),
        {
            "one value only": np.flatnonzero(~varies),
            "what the columns before tell": np.concatenate(copies),
            "one value only in the labelled rows": np.concatenate(silent),
        },
    )


def _first_of_each(cov, rounding):
    """Which columns are not told by the ones before them: a Cholesky factor without pivots."""
    sd = np.sqrt(np.diag(cov))
    left = cov / np.outer(sd, sd)
    least = np.maximum(RANK_RTOL, rounding)
    try:  # where all columns count, as they mostly do, LAPACK says so
        pivots = np.diag(linalg.cholesky(left, lower=True)) ** 2
        if (pivots > least).all():
            return np.ones(len(cov), bool)
    except (linalg.LinAlgError, ValueError):
        pass
    kept = np.zeros(len(cov), bool)
    for j in range(len(cov)):
        if left[j, j] > least[j]:
            kept[j] = True
            left -= np.outer(left[:, j], left[j]) / left[j, j]
    return kept


def _range(scatter):
    """Orthonormal basis of the directions in which y varies, each in its own units."""
    if not len(scatter):
        return np.zeros((0, 0))
    sd = np.sqrt(np.diag(scatter))
    values = linalg.eigvalsh(scatter / np.outer(sd, sd))
    rank = int((values > RANK_RTOL * values[-1]).sum())
    return np.eye(len(scatter)) if rank == len(scatter) else linalg.eigh(scatter)[1][:, -rank:]


@dataclass(frozen=True, eq=False)
class Law:
    """A population in the place of a sample, and the sample's own moments.

    Attributes
    ----------
    population : GaussianPopulation
        x in whitened coordinates, z in standard deviations, y in its directions.
    cov : array (d, d)
        Plug-in covariance of the labelled rows, in the same units but x in standard deviations.
    labelled : int
        Rows of ``cov``.
    """

    population: GaussianPopulation
    cov: np.ndarray
    labelled: int


def law(labelled, rest, kept, weights=None):
    """Return the law that moments speak for, each group of rows counted with its weight.

    Parameters
    ----------
    labelled, rest : Moments
        Of the columns that count, as of :meth:`Columns.of`.
    kept : Columns
    weights : array (groups,), optional

    Returns
    -------
    Law

    Raises
    ------
    ValueError
        If there are too few rows for the number of columns.

    Notes
    -----
    No direction of psi is dropped: what looks like noise keeps a millionth of its squared size, for
    a representation that is learned from a sample has that direction, too.

    Source: Anderson (1957) for rows without y; Ezekiel (1930) for the degrees of freedom.
    """
    (r_x, r_z, _), p = kept.sizes, len(kept.x) + len(kept.z)
    if labelled.rows < p + 2:
        raise ValueError(
            f"Y must be known for more rows than x and z have independent columns, plus one: for "
            f"{p + 2} or more, got {labelled.rows} rows with ranks {r_x} and {r_z}; with fewer, "
            "noise cannot be told from what x explains: give fewer columns, or more rows"
        )
    n, mean, told = labelled.weighted(weights)
    N, shared = n, told[:p, :p]
    if rest.rows:
        N, _, shared = joined((n, mean[:p], shared), rest.weighted(weights))
    unit = np.concatenate([kept.unit, np.ones(len(kept.y))])
    rotate = linalg.block_diag(np.eye(p), kept.basis)
    told = rotate.T @ (told / np.outer(unit, unit)) @ rotate
    shared = shared / np.outer(kept.unit, kept.unit) / (N - 1)
    by = _Coordinates.of(shared, r_x)
    coefficients, spread, left = _regression(by, told, p, n, rest.rows)
    # What is left of z after x, of y after x and z, and then of x's part in both.
    lost = (N - 1) / (N - 1 - r_x)
    root = by.zeta.root * np.sqrt(lost)
    J = _lowered(coefficients[r_x:] * np.sqrt(lost), spread[r_x:].sum() * lost * left)
    E = np.block([[root @ root.T, root @ J], [(root @ J).T, J.T @ J]])
    new = linalg.block_diag(np.zeros((r_z, r_z)), left)
    K = _cross(by.K_z, coefficients[:r_x], r_x * E / (N - 1), spread[:r_x].mean() * new)
    cov = np.block([[np.eye(r_x), K], [K.T, K.T @ K + E + new]])
    return Law(GaussianPopulation(cov, *kept.sizes), told / (n - 1), labelled.rows)


@dataclass(frozen=True, eq=False)
class _Coordinates:
    """x_w and zeta_w, whitened x and whitened z - E[z | x], of a covariance of (x, z)."""

    x: Whitening
    K_z: np.ndarray
    zeta: Whitening

    @classmethod
    def of(cls, cov, r_x):
        x = whitening(cov[:r_x, :r_x])
        K_z = x.whiten(cov[:r_x, r_x:])
        left = cov[r_x:, r_x:] - K_z.T @ K_z
        kept = np.diag(left) > RANK_RTOL * np.diag(cov)[r_x:]  # or x determines it
        return cls(x, K_z, whitening(left * np.outer(kept, kept)))

    def __call__(self, moments):
        """Products of (x, z) with whatever else, as those of (x_w, zeta_w)."""
        r_x = len(self.K_z)
        first = self.x.whiten(moments[:r_x])
        return np.concatenate([first, self.zeta.whiten(moments[r_x:] - self.K_z.T @ first)])


def _regression(by, told, p, n, rest):
    """Of y on (x_w, zeta_w): coefficients, variances of each in units of what is left, and that."""
    cross = by(told[:p, p:])
    if rest:  # x may determine in the labelled rows what it does not in all of them
        gram = whitening(by(by(told[:p, :p]).T))
        white = gram.unwhiten(np.eye(gram.rank))
        coefficients = white @ (white.T @ cross)
        spread = np.sum(white**2, axis=1)
    else:
        coefficients, spread = cross / (n - 1), np.full(len(cross), 1 / (n - 1))
    left = (told[p:, p:] - coefficients.T @ cross) / (n - 1 - len(cross))
    values, vectors = linalg.eigh((left + left.T) / 2)
    values[values < RANK_RTOL * np.trace(told[p:, p:]) / n] = 0.0
    return coefficients, spread, (vectors * values) @ vectors.T


def _cross(K_z, K_y, of_both, of_y):
    """(K_z, K_y) less their noise, in coordinates of which the first span K_z.

    That span, psi as this sample teaches it, is kept. What y has outside of it is noise of y's own;
    inside, the noise of z as a whole, and of y for as many directions as there are.
    """
    d = min(K_z.shape)
    Q = linalg.qr(K_z)[0]
    inside = np.hstack([Q.T @ K_z, Q.T @ K_y])
    outside = inside[d:, K_z.shape[1] :]
    r_z = K_z.shape[1]
    K = np.zeros_like(inside)
    K[:d] = _lowered(inside[:d], of_both + d * of_y)
    K[d:, r_z:] = _lowered(outside, len(outside) * of_y[r_z:, r_z:])
    return K


def _lowered(K, noise):
    """K (r, q) without what its noise adds to K'K, on average the matrix ``noise``.

    In units of the noise of a row, noise / r, the trace of K'K is too large by r q. Its eigenvalues
    are lowered alike, none below zero, until the trace is right, or zero.
    """
    white = whitening(noise / max(len(K), 1))
    if not white.rank or not len(K):
        return K
    left, values, right = linalg.svd(white.whiten(K.T).T, full_matrices=False)
    squares = np.square(values)
    goal = _onto_simplex(squares, squares.sum() - len(K) * white.rank)
    change = np.sqrt(np.maximum(goal, _KEPT * squares)) - values
    return K + (left * change) @ right @ white.root.T


def _onto_simplex(values, total):
    """The nearest vector to ``values`` (falling) that is nonnegative and sums to ``total``."""
    if total <= 0:
        return np.zeros_like(values)
    sums = np.cumsum(values) - total
    steps = sums / np.arange(1, len(values) + 1)
    return np.maximum(values - steps[np.flatnonzero(values > steps)[-1]], 0.0)
