"""The processor learned from n0 extra labels: the empirical optimum, many problems at a time."""

from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import RANK_RTOL, column_scale, least_squares
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, as_samples, takes
from sslboost.population import GaussianPopulation
from sslboost.processor._problems import Problems, reduce_samples
from sslboost.processor._search import search
from sslboost.processor.optimum import Processor
from sslboost.processor.pipeline import Pretext

#: A fit whose residual is below this share of the labels interpolates them: least squares on a
#: matrix of full rank, whose singular values differ by less than 1 / RANK_RTOL, leaves less.
_INTERPOLATES = 1e-6


@dataclass(frozen=True, eq=False)
class Solutions:
    """Minimisers of a batch of empirical losses.

    Parameters
    ----------
    C : array (b, r, k)
        Orthonormal bases of the whitened directions that f sees; columns past the rank of the
        minimiser, which may be less than k, or 0, are zero.
    objective : array (b,)
        F, the loss plus the constant lam tr cov_zz, in the units of y squared; at least 0.
    gradient : array (b,)
        Norm of the gradient of F at the orthonormal C, relative to the scale of F.
    converged : array of bool (b,)
        Whether ``gradient`` is within the tolerance.
    runs : array (b, starts)
        F where each start of that rank was left, before the best one was polished; nan for the
        starts that were not needed because an earlier one had reached the lower bound 0, and
        where the minimiser is constant.
    """

    C: np.ndarray
    objective: np.ndarray
    gradient: np.ndarray
    converged: np.ndarray
    runs: np.ndarray


def solve_batch(X, Y, K_z, lam, *, d_f=None, **options):
    """Minimise the empirical losses of a batch of whitened extra samples.

    Parameters
    ----------
    X : array (b, n0, r)
        Whitened extra inputs.
    Y : array (b, n0, d_y)
    K_z : array (r, d_z) or (b, r, d_z)
        Whitened cross-covariance Cov[x_w, z]; of the population for L_{inf,n0}, of the pretext
        samples for L_{n1,n0}.
    lam : float or array (b,)
    d_f : int, optional
        Number of outputs of f; at least d_y when omitted.
    **options
        Passed to :func:`solve`.

    Returns
    -------
    Solutions

    Raises
    ------
    ValueError
        If shapes disagree or an argument is out of range.

    Source: slide "How to Obtain f ? (Cont.)", training loss.
    """
    return solve(reduce_samples(X, Y, K_z, lam, d_f=d_f), **options)


@takes(problems=Problems, structured=bool)
def solve(problems, *, restarts=8, structured=True, tolerance=1e-6, max_iterations=3000, rng=0):
    """Minimise a batch of empirical losses over all linear processors.

    Each problem is solved from several starts and the best is polished. The starts are the
    least-squares fit supported on N = ker K_z', which is the certificate (F = 0) for n0 <= m,
    so that the result is never worse than it; least squares on all inputs, with M_z penalised
    not at all, as much as in F, and more; and ``restarts`` random spans. Where there are fewer
    than k directions on N each further one has its price, and every rank from k down to m is
    tried; of rank 0 there is the constant f alone, which is never beaten by what is returned.

    Parameters
    ----------
    problems : Problems
    restarts : int
        Number of random starts for each rank, at least 0.
    structured : bool
        Whether to use the other starts as well.
    tolerance : float
        Relative gradient norm at which a run is done.
    max_iterations : int
        Bound on the iterations of the polish.
    rng : numpy.random.Generator or int, optional
        Draws the random starts.

    Returns
    -------
    Solutions

    Raises
    ------
    ValueError
        If an argument is out of range, or there is no start at all.

    Source: slide "How to Obtain f ? (Cont.)", training loss; Golub and Pereyra (1973).
    """
    restarts = as_count("restarts", restarts, least=0 if structured else 1)
    tolerance = as_number("tolerance", tolerance, above=0)
    max_iterations = as_count("max_iterations", max_iterations)
    rng = as_rng(rng)
    b, r = problems.T.shape[:2]
    C = np.zeros((b, r, int(problems.k.max())))
    objective, gradient = problems.constant, np.zeros(b)
    runs = np.full((b, restarts + 4 * structured), np.nan)
    for k in np.unique(problems.k):
        group = np.flatnonzero((problems.k == k) & (problems.constant > 0))
        part = problems.take(group)
        for rank in range(k, max(min(part.m, k), 1) - 1, -1):
            C_rank, value, slope, tried = search(
                part, rank, restarts, structured, tolerance, max_iterations, rng
            )
            better = value < objective[group]
            won, spans = group[better], (part.basis @ C_rank)[better]
            C[won] = 0.0
            C[won, :, :rank] = spans
            objective[won], gradient[won], runs[won] = value[better], slope[better], tried[better]
    return Solutions(C, objective, gradient, gradient <= tolerance, runs)


def _pretext(pretext):
    """What the law of (x, z), or a sample (X_pre, Z_pre) of it, says of the inputs."""
    if isinstance(pretext, Pretext):
        return pretext
    if isinstance(pretext, GaussianPopulation):
        return Pretext.of_law(pretext)
    if not isinstance(pretext, tuple | list) or len(pretext) != 2:
        came = type(pretext).__name__
        raise ValueError(
            f"pretext must be a GaussianPopulation or a pair of arrays (X_pre, Z_pre), got {came}"
        )
    X, Z = as_samples(X_pre=pretext[0], Z_pre=pretext[1])
    found = Pretext.of_sample(X, Z)
    if len(X) <= found.white.rank:
        raise ValueError(
            f"n1 must exceed the rank of x for the pretext term to see all of x, got {len(X)} "
            f"rows of X_pre with rank {found.white.rank}: L is the same for whatever f does where "
            "they are blind"
        )
    return found


def empirical_optimum(X_extra, Y_extra, pretext, d_f, lam, **options):
    """Return the processor that minimises L_{inf,n0} or L_{n1,n0}.

    Parameters
    ----------
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
        Extra labelled samples; variables are centred.
    pretext : GaussianPopulation, Pretext or pair of arrays (n1, d_x), (n1, d_z)
        The law of (x, z) for infinite n1, what is known of it, or the pretext sample
        (X_pre, Z_pre). Its variables are centred as well: a column of one value is the rounding
        of a constant, and left out.
    d_f : int
        Number of outputs of f; below d_y the fit has rank d_f.
    lam : float
        Weight of the pretext term, at least 0.
    **options
        Passed to :func:`solve`.

    Returns
    -------
    Processor
        Of rank at most min(d_f, d_y, rank X_extra), and less where the pretext term makes
        directions too dear; further rows are zero.

    Raises
    ------
    ValueError
        If arrays do not match, an argument is out of range, or n1 is at most the rank of x.

    Source: slides "How to Obtain f ? (Cont.)" and "Inadequate Downstream Samples Provably Fails".
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    d_f, lam = as_count("d_f", d_f), as_number("lam", lam, least=0)
    pre = _pretext(pretext)
    as_matrix("X_extra", X, columns=len(pre.white.root))
    A = np.zeros((d_f, X.shape[1]))
    if pre.white.rank == 0:  # x is constant, and so is f
        return Processor(A, _loss(A, X, Y, pre, lam))
    found = solve_batch(pre.white.whiten(X.T).T[None], Y[None], pre.K_z, lam, d_f=d_f, **options)
    A[: found.C.shape[2]] = pre.white.unwhiten(found.C[0]).T
    loss = _loss(A, X, Y, pre, lam)
    return Processor(A, loss, float(found.gradient[0]), bool(found.converged[0]))


def empirical_loss(A, X_extra, Y_extra, pretext, lam):
    """Return L_{inf,n0} or L_{n1,n0} of f(x) = A x.

    Parameters
    ----------
    A : array (d_f, d_x)
    X_extra, Y_extra, pretext, lam
        As in :func:`empirical_optimum`.

    Returns
    -------
    float
        ``||Y - f(X) W||^2 / n0`` less lam times the pretext residual, in the units of y squared,
        each term with its own best head.

    Raises
    ------
    ValueError
        As :func:`empirical_optimum`.

    Source: slide "How to Obtain f ? (Cont.)", training loss.
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    lam, pre = as_number("lam", lam, least=0), _pretext(pretext)
    as_matrix("X_extra", X, columns=len(pre.white.root))
    return _loss(as_matrix("A", A, columns=X.shape[1]), X, Y, pre, lam)


def _loss(A, X, Y, pre, lam):
    f = X @ A.T
    residual = Y - f @ least_squares(f, Y, np.abs(A) @ np.abs(X).max(axis=0))
    explained = pre.seen(A).T @ pre.K_z
    return float(np.sum(residual**2) / len(X) - lam * (pre.variance - np.sum(explained**2)))


@takes(population=GaussianPopulation)
def certificate_solution(population, X_extra, Y_extra, d_f=None):
    """Return the processor that attains the lower bound of L_{inf,n0} when n0 <= m.

    Its rows span the minimal-norm interpolant of Y_extra that is supported on the
    pretext-orthogonal directions: the first term of the loss is 0 and the second is
    -lam tr cov_zz, and no f can make either smaller.

    Parameters
    ----------
    population : GaussianPopulation
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
    d_f : int, optional
        Number of outputs of f; d_y when omitted.

    Returns
    -------
    array (d_f, d_x)
        A of f(x) = A x.

    Raises
    ------
    ValueError
        If n0 > m, or d_f is below both d_y and n0, or the sample cannot be interpolated.

    Source: slide "Inadequate Downstream Samples Provably Fails", Theorem 2.
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    as_matrix("X_extra", X, columns=population.d_x)
    n0, m, d_y = len(X), population.m, Y.shape[1]
    d_f = d_y if d_f is None else as_count("d_f", d_f)
    if n0 > m:
        raise ValueError(
            f"n0 must be at most m = {m}, the number of pretext-orthogonal directions, "
            f"got {n0}: {n0 - m} too many to interpolate on them"
        )
    if d_f < min(d_y, n0):
        raise ValueError(f"d_f must be at least min(d_y, n0) = {min(d_y, n0)}, got {d_f}")
    on_N = population.whitening.whiten(X.T).T @ population.N  # whitened: in no units
    B = np.linalg.lstsq(on_N, Y, rcond=RANK_RTOL)[0]
    if (np.abs(on_N @ B - Y) > _INTERPOLATES * column_scale(Y)).any():
        raise ValueError("X_extra must have distinct rows on ker K_z', got samples of lower rank")
    span = np.linalg.svd(B, full_matrices=False)[0][:, : min(d_f, d_y)]
    A = np.zeros((d_f, population.d_x))
    A[: span.shape[1]] = population.whitening.unwhiten(population.N @ span).T
    return A
