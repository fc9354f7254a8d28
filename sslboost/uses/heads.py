"""Heads that learn from the z of the labelled samples, and predict from psi(x) alone.

The labelled rows come with F = psi(x) and with z. In training the innovation Z - F may explain a
part of y; the prediction uses F only. Variables are centred.
"""

from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import least_squares, numerical_rank
from sslboost.core.validation import as_array, as_matrix, as_number, as_samples, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap, fit_linear
from sslboost.uses.innovation import whitening_of_rest

#: Weights of the innovation among which :func:`choose_c` chooses, down to a signal of 1 / 41.
C_GRID = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0, 15.0, 40.0)

#: Penalties among which :func:`choose_ridge` chooses.
RIDGE_GRID = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True, eq=False)
class Choice:
    """A head whose parameter was chosen by leaving out one row at a time.

    Parameters
    ----------
    head : LinearMap
        From psi(x) (d_z) to y (d_y).
    parameter : float
        The chosen one.
    errors : array (1 + k,)
        Mean squared error on the row left out, summed over d_y: of plain SSL, and of each
        parameter of the grid.
    """

    head: LinearMap
    parameter: float
    errors: np.ndarray


def shift(F_pre, Z_pre):
    """Return Cov[z | x]^+ Cov[psi] (d_z, d_z), in which u_c = psi + c (z - psi) @ shift.

    Parameters
    ----------
    F_pre, Z_pre : arrays (n1, d_z)
        Representation and pretext label of the pretext data.

    Returns
    -------
    array (d_z, d_z)

    Raises
    ------
    ValueError
        If the arrays do not match.

    Source: beyond the slides; the augmented features in psi's own coordinates.
    """
    F, Z = _pretext_rows(F_pre=F_pre, Z_pre=Z_pre)
    left = Z - F
    white = whitening_of_rest(left.T @ left / len(F), Z.T @ Z / len(F))
    return white.unwhiten(white.whiten(F.T @ F / len(F)))


@takes(population=GaussianPopulation)
def shift_star(population):
    """Return the limit of :func:`shift` for unlimited pretext data, with psi = psi*.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    array (d_z, d_z)

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: beyond the slides; the augmented features in psi's own coordinates.
    """
    white = whitening_of_rest(population.conditional("z", "z", "x"), population.block("z", "z"))
    return white.unwhiten(white.whiten(population.K_z.T @ population.K_z))


def augment(F, Z, shift, c):
    """Return the augmented features u_c = psi + c Cov[psi] Cov[z | x]^+ (z - psi), as rows.

    Parameters
    ----------
    F, Z : arrays (n, d_z)
        psi(x) and z of the labelled rows.
    shift : array (d_z, d_z)
        As of :func:`shift`.
    c : float

    Returns
    -------
    array (n, d_z)

    Raises
    ------
    ValueError
        If the arrays do not match.

    Source: beyond the slides; the theorem on the innovation.
    """
    F, Z = _pretext_rows(F=F, Z=Z)
    d_z = F.shape[1]
    return F + as_number("c", c) * (Z - F) @ as_matrix("shift", shift, rows=d_z, columns=d_z)


def fit_augmented(F, Z, Y, shift, c, labels=None):
    """Return the augmented head: least squares of y on u_c, used on psi(x).

    Parameters
    ----------
    F, Z : arrays (n, d_z)
    Y : array (n, d_y)
    shift : array (d_z, d_z)
        As of :func:`shift`.
    c : float or array (d_y,)
        Weight of the innovation; 0 is plain SSL. With several, one for each of ``labels``.
    labels : array (d_y, d_y), optional
        ``Y @ labels`` are the labels that the weights belong to; Y itself when omitted.

    Returns
    -------
    LinearMap
        From psi(x) (d_z) to y (d_y).

    Raises
    ------
    ValueError
        If the arrays do not match or ``labels`` is singular.

    Source: beyond the slides; the theorem on the innovation.
    """
    F, Z, Y = _labelled_rows(F, Z, Y)
    d_y, c = Y.shape[1], as_array("c", c, int(np.iterable(c)))
    if c.ndim == 0 and labels is None:
        return fit_linear(augment(F, Z, shift, float(c)), Y)
    if c.shape not in [(), (d_y,)]:
        raise ValueError(f"c must be one number or {d_y}, got {len(c)}")
    labels = np.eye(d_y) if labels is None else as_matrix("labels", labels, rows=d_y, columns=d_y)
    if np.linalg.matrix_rank(labels) < d_y:
        raise ValueError("labels must be invertible, got a singular matrix")
    rows = [
        fit_linear(augment(F, Z, shift, weight), (Y @ label)[:, None]).matrix
        for weight, label in zip(np.broadcast_to(c, d_y), labels.T, strict=True)
    ]
    return LinearMap(np.linalg.solve(labels.T, np.concatenate(rows)), np.zeros(d_y))


def fit_joint(F, Z, Y, ridge=0.0):
    """Return the joint head: least squares of y on (psi, z - psi), of which psi's part is used.

    Parameters
    ----------
    F, Z : arrays (n, d_z)
    Y : array (n, d_y)
    ridge : float
        Weight, at least 0 and possibly infinite, of a penalty on the mean square of what the
        innovation explains; infinity is plain SSL.

    Returns
    -------
    LinearMap
        From psi(x) (d_z) to y (d_y).

    Raises
    ------
    ValueError
        If the arrays do not match or ridge is negative.

    Source: beyond the slides; the proposition on the joint head.
    """
    F, Z, Y = _labelled_rows(F, Z, Y)
    X, targets, d_z = _penalised(F, Z, _as_ridge(ridge)), Y, F.shape[1]
    if len(X) > len(Y):
        targets = np.concatenate([Y, np.zeros((len(X) - len(Y), Y.shape[1]))])
    return LinearMap(least_squares(X, targets)[:d_z].T, np.zeros(Y.shape[1]))


def choose_c(F, Z, Y, shift, grid=C_GRID, margin=1.0):
    """Return the augmented head whose c predicts best where it is left out, or plain SSL.

    What the innovation explains of y in a joint fit is taken off first, where there are rows
    enough for one: it is no business of the head, and would drown the comparison in noise.

    Parameters
    ----------
    F, Z : arrays (n, d_z)
        More rows than the rank of psi.
    Y : array (n, d_y)
    shift : array (d_z, d_z)
        As of :func:`shift`.
    grid : sequence of float
        Weights to choose from besides 0, plain SSL.
    margin : float
        By how many standard errors of the difference the best must be better than plain SSL.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If the arrays do not match, have too few rows, or an argument is out of range.

    Source: beyond the slides; Allen (1974), the prediction sum of squares.
    """
    F, Z, Y = _labelled_rows(F, Z, Y)
    grid = [0.0, *_grid(grid)]
    left_out = (_left_out(augment(F, Z, shift, c), F, Y) for c in grid)
    best, errors = _choice(grid, left_out, _less_innovation(F, Z, Y), margin)
    return Choice(fit_augmented(F, Z, Y, shift, best), best, errors)


def choose_ridge(F, Z, Y, grid=RIDGE_GRID, margin=0.0):
    """Return the joint head whose penalty predicts best where it is left out, or plain SSL.

    Parameters
    ----------
    F, Z : arrays (n, d_z)
        More rows than the rank of psi and z together.
    Y : array (n, d_y)
    grid : sequence of float
        Penalties to choose from besides infinity, plain SSL.
    margin : float
        By how many standard errors of the difference the best must be better than plain SSL.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If the arrays do not match, have too few rows, or an argument is out of range.

    Source: beyond the slides; Allen (1974), the prediction sum of squares.
    """
    F, Z, Y = _labelled_rows(F, Z, Y)
    grid = [np.inf, *_grid(grid, least=0)]
    rows = [_penalised(F, Z, ridge) for ridge in grid]
    left_out = (_left_out(X, _beside(F, X.shape[1]), Y) for X in rows)
    best, errors = _choice(grid, left_out, Y, margin)
    return Choice(fit_joint(F, Z, Y, best), best, errors)


def _choice(grid, left_out, target, margin):
    """The value with the least error on rows left out, or the first if not worse by the margin.

    And the mean error of each value.
    """
    margin = as_number("margin", margin, least=0)
    errors = np.array([np.sum((target - one) ** 2, axis=1) for one in left_out])
    best = int(np.argmin(errors.mean(axis=1)))
    less = errors[0] - errors[best]
    better = less.mean() > margin * np.std(less, ddof=1) / np.sqrt(len(less))
    return grid[best if better else 0], errors.mean(axis=1)


def _beside(F, columns):
    """The rows of psi with an innovation of zero, as they are predicted from."""
    return np.concatenate([F, np.zeros((len(F), columns - F.shape[1]))], axis=1)


def _less_innovation(F, Z, Y):
    """Y less what the innovation explains of it in a joint fit without that row.

    The innovation is uncorrelated with psi: what is taken off changes no comparison of heads on
    average, and takes its noise away. Where rows are too few for that fit Y stays as it is.
    """
    X = np.concatenate([F, Z - F], axis=1)
    if len(X) <= X.shape[1] + 1:
        return Y
    return Y - _left_out(X, np.concatenate([np.zeros_like(F), Z - F], axis=1), Y)


def _penalised(F, Z, ridge):
    """Rows of (psi, z - psi), with those of the penalty below them; psi alone for infinity."""
    if ridge == np.inf:
        return F
    X = np.concatenate([F, Z - F], axis=1)
    if ridge == 0:
        return X
    root = np.sqrt(ridge) * np.linalg.qr(Z - F, mode="r")
    return np.concatenate([X, np.concatenate([np.zeros_like(root), root], axis=1)])


def _left_out(X, T, Y):
    """Predictions (n, d_y) at the rows T of the fit of Y on X that leaves out the same row.

    Rows of X past those of Y are a penalty, with targets of zero.
    """
    units = np.sqrt(np.sum(X**2, axis=0))
    units[units == 0] = 1.0
    left, values, right = np.linalg.svd(X / units, full_matrices=False)
    rank = numerical_rank(values, 0.0)
    left, right = left[: len(Y), :rank], right[:rank] / values[:rank, None]
    told = left.T @ Y
    leverage = np.sum(left**2, axis=1)
    if (leverage > 1 - 1e-10).any():
        raise ValueError(
            f"Y must have more rows than the features have rank, got {len(Y)} rows and rank {rank}"
        )
    seen = (T / units) @ right.T
    weight = np.sum(seen * left, axis=1) / (1 - leverage)
    return seen @ told - weight[:, None] * (Y - left @ told)


def _grid(grid, **bounds):
    values = as_array("grid", grid, 1)
    if not len(values):
        raise ValueError("grid must hold at least one value, got none")
    return [as_number("grid", value, **bounds) for value in values]


def _as_ridge(ridge):
    unlimited = isinstance(ridge, float | np.floating) and ridge == np.inf
    return np.inf if unlimited else as_number("ridge", ridge, least=0)


def _pretext_rows(**arrays):
    F, Z = as_samples(**arrays)
    if F.shape[1] != Z.shape[1]:
        names = " and ".join(arrays)
        raise ValueError(f"{names} must have as many columns, got {F.shape[1]} and {Z.shape[1]}")
    return F, Z


def _labelled_rows(F, Z, Y):
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    return *_pretext_rows(F=F, Z=Z), Y
