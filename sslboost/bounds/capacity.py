"""Model capacity: networks that memorise, with their weights written down."""

from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import centred, column_scale, least_squares, numerical_rank
from sslboost.core.validation import (
    as_array,
    as_count,
    as_matrix,
    as_number,
    as_rng,
    as_samples,
    frozen,
)
from sslboost.representation.pretext import LinearMap


def as_widths(widths):
    """Return the neurons of the hidden layers as a tuple of positive integers.

    Parameters
    ----------
    widths : sequence of int

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If it is empty or holds anything else.
    """
    if isinstance(widths, str | bytes | dict | set) or not np.iterable(widths):
        raise ValueError(f"widths must be a sequence of integers, got {widths!r}")
    widths = tuple(widths)
    if not widths:
        raise ValueError("widths must hold at least one hidden layer, got none")
    return tuple(as_count(f"widths[{i}]", k) for i, k in enumerate(widths))


def linear_bound(d):
    """Return d, the slides' lower bound on the capacity of linear maps of d inputs.

    Parameters
    ----------
    d : int
        Number of inputs.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If d is not a positive integer.

    Source: slide "Model-Dependent Result", Definition 1, first bound.
    """
    return as_count("d", d)


def two_layer_bound(k):
    """Return k / 4, the slides' lower bound on the capacity of k hidden neurons.

    Parameters
    ----------
    k : int
        Number of hidden neurons.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If k is not a positive integer.

    Source: slide "Model-Dependent Result", Definition 1, second bound.
    """
    return as_count("k", k) / 4


def multi_layer_bound(widths):
    """Return min k_i / 4, the slides' lower bound on the capacity of a deeper network.

    Parameters
    ----------
    widths : sequence of int
        Neurons k_i of every hidden layer.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If widths is empty or holds anything but positive integers.

    Source: slide "Model-Dependent Result", Definition 1, third bound.
    """
    return min(as_widths(widths)) / 4


def parameter_count(d_in, widths, d_out):
    """Return the number of weights and biases of a network with a linear head.

    Parameters
    ----------
    d_in, d_out : int
        Inputs and outputs. For a processor under its head, the map W f counts: d_out = d_y.
    widths : sequence of int
        Neurons of every hidden layer, each with a bias.

    Returns
    -------
    int
        Over d_out, an upper bound on the capacity.

    Raises
    ------
    ValueError
        If an argument holds anything but positive integers.

    Source: chapter 6, the upper bound on the capacity.
    """
    widths = as_widths(widths)
    fan_in = (as_count("d_in", d_in), *widths[:-1])
    hidden = sum((a + 1) * b for a, b in zip(fan_in, widths, strict=True))
    return hidden + widths[-1] * as_count("d_out", d_out)


@dataclass(frozen=True, eq=False)
class ReLUNetwork:
    """A network of layers h -> max(W h + b, 0) with a linear head without offset.

    Parameters
    ----------
    weights : tuple of arrays (k_i, k_{i-1})
    biases : tuple of arrays (k_i,)
    head : array (d_out, k_L)
    tolerance : float
        Bound on the rounding error of an output at the points the network was built for.

    Raises
    ------
    ValueError
        If the layers do not fit one another.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    head: np.ndarray
    tolerance: float = 0.0

    def __post_init__(self):
        for name in ("weights", "biases"):
            if not isinstance(getattr(self, name), tuple | list):
                came = type(getattr(self, name)).__name__
                raise ValueError(f"{name} must be a sequence of arrays, got {came}")
        if not self.weights or len(self.weights) != len(self.biases):
            raise ValueError(
                "weights and biases must be as many as the hidden layers, at least one, got "
                f"{len(self.weights)} and {len(self.biases)}"
            )
        weights, biases, fan_in = [], [], None
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            W, b = as_matrix(f"weights[{i}]", W, columns=fan_in), as_array(f"biases[{i}]", b, 1)
            if len(b) != len(W):
                raise ValueError(f"biases[{i}] must hold {len(W)} numbers, got {len(b)}")
            weights.append(frozen(W))
            biases.append(frozen(b))
            fan_in = len(b)
        object.__setattr__(self, "weights", tuple(weights))
        object.__setattr__(self, "biases", tuple(biases))
        head = as_matrix("head", self.head, columns=fan_in)
        as_count("number of rows of head", len(head))
        object.__setattr__(self, "head", frozen(head))
        as_number("tolerance", self.tolerance, least=0)

    @property
    def widths(self):
        """Neurons of every hidden layer."""
        return tuple(len(b) for b in self.biases)

    def __call__(self, X):
        """Return the (n, d_out) outputs at the rows of ``X`` (n, d_in)."""
        hidden = as_matrix("X", X, columns=self.weights[0].shape[1])
        for W, b in zip(self.weights, self.biases, strict=True):
            hidden = hidden @ W.T
            hidden += b
            np.maximum(hidden, 0, out=hidden)
        return hidden @ self.head.T


def memorise_linear(X, Y):
    """Return the linear map through n <= d points in general position.

    Parameters
    ----------
    X : array (n, d)
        Linearly independent rows.
    Y : array (n, d_out)

    Returns
    -------
    LinearMap
        Without offset, of least norm in units of the columns of X.

    Raises
    ------
    ValueError
        If there are more points than inputs, or the rows of X are linearly dependent.

    Source: slide "Model-Dependent Result", Definition 1, first bound.
    """
    X, Y = as_samples(X=X, Y=Y)
    n, d = X.shape
    if n > d:
        raise ValueError(f"X must have at most d = {d} rows for a linear map, got {n}")
    rank = numerical_rank(np.linalg.svdvals(X / column_scale(X)), np.sqrt(n))
    if rank < n:
        raise ValueError(f"X must have linearly independent rows, got rank {rank} for {n} rows")
    return LinearMap(least_squares(X, Y).T, np.zeros(Y.shape[1]))


def memorise(X, Y, widths, rng=None, *, directions=16):
    """Return a ReLU network through n points, with weights that are written down.

    The points are projected on one line and sorted. Neuron j of the last hidden layer is a
    hinge that opens just before point j, and its outgoing weight is the change of slope there.
    Earlier layers carry the projection in a single neuron, where it is positive. Of several
    random lines, drawn in units of the columns of X, the one with the smallest slopes is taken,
    for they amplify rounding.

    Parameters
    ----------
    X : array (n, d)
        Distinct rows.
    Y : array (n, d_out)
        Any labels.
    widths : sequence of int
        Neurons of every hidden layer; the last needs at least n.
    rng : numpy.random.Generator or int, optional
    directions : int
        Number of random lines to choose from.

    Returns
    -------
    ReLUNetwork
        Equal to Y at X up to its ``tolerance``.

    Raises
    ------
    ValueError
        If the last layer has fewer than n neurons, or two rows of X coincide.

    Source: slide "Model-Dependent Result", Definition 1; Zhang et al. (2017), Theorem 1.
    """
    X, Y = as_samples(X=X, Y=Y)
    widths, n = as_widths(widths), len(X)
    if widths[-1] < n:
        raise ValueError(
            f"widths must end with at least n = {n} neurons to memorise n points, got {widths[-1]}"
        )
    rng = as_rng(rng)
    lines = rng.standard_normal((as_count("directions", directions), X.shape[1]))
    lines /= np.linalg.norm(lines, axis=1, keepdims=True) * _units(X)
    fits = [_piecewise_linear(X @ line, Y) for line in lines]
    best = int(np.argmin([slopes.max(initial=0.0) for _, _, slopes in fits]))
    line, (knots, changes, slopes) = lines[best], fits[best]
    if not np.isfinite(slopes).all():
        raise ValueError("X must have distinct rows, got two that coincide")
    reach = (np.abs(X) @ np.abs(line)).max() + np.abs(knots).max()
    operations = n + 2 * X.shape[1] + 2 * len(widths) + 10
    tolerance = np.finfo(float).eps * operations * slopes.max(initial=0.0) * reach
    weights, biases = _carry(line, knots, widths)
    head = np.zeros((Y.shape[1], widths[-1]))
    head[:, :n] = changes.T
    return ReLUNetwork(weights, biases, head, float(tolerance))


def _units(X):
    """Spread of each column to the next power of two, which rescales it without rounding."""
    deviations = centred(X)[0]
    spread = np.where(deviations.any(axis=0), column_scale(deviations), np.inf)
    return np.exp2(np.round(np.log2(spread)))


def _piecewise_linear(t, Y):
    """Knots, changes of slope, and sizes of the slopes of the polygon through (t_i, Y_i)."""
    order = np.argsort(t)
    t, Y = t[order], Y[order]
    step = (t[-1] - t[0]) / max(len(t) - 1, 1) or 1.0
    knots = np.concatenate([[t[0] - step], t[:-1]])
    gaps, rises = (t - knots)[:, None], np.diff(Y, axis=0, prepend=np.zeros((1, Y.shape[1])))
    if gaps.min() <= 0:
        return knots, rises, np.full(Y.shape[1], np.inf)
    slopes = rises / gaps
    changes = np.diff(slopes, axis=0, prepend=np.zeros((1, Y.shape[1])))
    return knots, changes, 2 * np.abs(slopes).sum(axis=0)


def _carry(line, knots, widths):
    """Hidden layers that end with the hinges max(t - knot, 0) of t = line' x; spares are dead."""
    weights, biases, fan_in = [], [], len(line)
    for layer, width in enumerate(widths):
        W, b = np.zeros((width, fan_in)), np.zeros(width)
        # After the first layer neuron 0 holds t - knots[0], positive at every point.
        row = line if layer == 0 else np.eye(1, fan_in)[0]
        if layer == len(widths) - 1:
            W[: len(knots)] = row
            b[: len(knots)] = (knots[0] if layer else 0.0) - knots
        else:
            W[0], b[0] = row, (0.0 if layer else -knots[0])
        weights.append(W)
        biases.append(b)
        fan_in = width
    return tuple(weights), tuple(biases)
