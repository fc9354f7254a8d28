"""The processor learned from n0 extra labels: the empirical optimum, many problems at a time."""

from dataclasses import dataclass

import numpy as np

from sslboost.core.lbfgs import minimise
from sslboost.core.linalg import range_basis, whitening
from sslboost.core.validation import as_count, as_matrix, as_number, as_rng, as_samples
from sslboost.population import GaussianPopulation
from sslboost.processor._problems import (
    correlate,
    evaluate,
    least_squares_metric,
    least_squares_on_N,
    reduce_samples,
)
from sslboost.processor.optimum import Processor

#: Iterations after which the search takes stock of the curvature again.
_ROUND = 60

#: Iterations given to a start before the best of them is chosen.
_SCOUT = 240

#: Relative gradient norm at which a start may be left before that.
_SCOUT_TOLERANCE = 1e-4

#: F relative to its scale below which it is the lower bound 0 up to rounding.
_SOLVED = 1e-24


@dataclass(frozen=True, eq=False)
class Solutions:
    """Minimisers of a batch of empirical losses.

    Parameters
    ----------
    C : array (b, r, k)
        Orthonormal bases of the whitened directions that f sees; columns past a problem's own
        k are zero.
    objective : array (b,)
        F, the loss plus the constant lam tr cov_zz, in the units of y squared; at least 0.
    gradient : array (b,)
        Norm of the gradient of F at the orthonormal C, relative to the scale of F.
    converged : array of bool (b,)
        Whether ``gradient`` is within the tolerance.
    runs : array (b, starts)
        F where each start was left, before the best one was polished; nan for the starts that
        were not needed because an earlier one had reached the lower bound 0.
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


def solve(problems, *, restarts=8, structured=True, tolerance=1e-6, max_iterations=3000, rng=0):
    """Minimise a batch of empirical losses over all linear processors.

    Each problem is solved from several starts and the best is polished. The starts are the
    least-squares fit supported on N = ker K_z', which is the certificate (F = 0) for n0 <= m,
    so that the result is never worse than it; least squares on all inputs, with M_z penalised
    not at all, as much as in F, and more; and ``restarts`` random spans.

    Parameters
    ----------
    problems : Problems
    restarts : int
        Number of random starts, at least 0.
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
    objective, gradient = np.empty(b), np.empty(b)
    runs = np.empty((b, restarts + 4 * structured))
    for k in np.unique(problems.k):
        group = np.flatnonzero(problems.k == k)
        part = problems.take(group)
        starts = _structured_starts(part) if structured else []
        starts += [rng.standard_normal((len(part), r, k)) for _ in range(restarts)]
        C_k, runs[group] = _scout(part, starts, max(tolerance, _SCOUT_TOLERANCE))
        C_k, objective[group], gradient[group] = _descend(part, C_k, tolerance, max_iterations)
        C[group, :, :k] = part.basis @ C_k
    return Solutions(C, objective, gradient, gradient <= tolerance, runs)


def _scout(problems, starts, tolerance):
    """Go some way down from each start; return the best C of each problem and all values.

    A problem at the lower bound F = 0 is solved, and is left out from there on.
    """
    best = np.full(len(problems), np.inf)
    C_best = np.empty_like(starts[0])
    runs = np.full((len(problems), len(starts)), np.nan)
    todo = np.arange(len(problems))
    for j, start in enumerate(starts):
        part = problems.take(todo)
        C, value, _ = _descend(part, np.linalg.qr(start[todo])[0], tolerance, _SCOUT)
        runs[todo, j] = value
        better = value < best[todo]
        best[todo[better]], C_best[todo[better]] = value[better], C[better]
        todo = todo[best[todo] > _SOLVED * part.scale]
    return C_best, runs


def _descend(problems, C, tolerance, max_iterations):
    """Go down from C in rounds, each from an orthonormal basis and with a metric of its own."""
    C = C.copy()
    value, slope, _ = evaluate(problems, C)
    scale = np.where(problems.scale > 0, problems.scale, 1.0)
    gradient = np.linalg.norm(slope, axis=(1, 2)) / scale
    for left in range(max_iterations, 0, -_ROUND):
        todo = np.flatnonzero(gradient > tolerance)
        if len(todo) == 0:
            break
        part = problems.take(todo)
        ended = minimise(
            lambda C, members, part=part: evaluate(part.take(members), C)[:2],
            least_squares_metric(part, *_curvature(part, C[todo])),
            C[todo],
            tolerance=tolerance * scale[todo],
            max_iterations=min(left, _ROUND),
        )
        ended = np.linalg.qr(ended)[0]
        C[todo] = ended
        value[todo], slope, _ = evaluate(part, ended)
        gradient[todo] = np.linalg.norm(slope, axis=(1, 2)) / scale[todo]
    return C, value, gradient


def _curvature(problems, C):
    """Weights of M_z and of I next to X'X/n0 in the Hessian of F at the orthonormal C, roughly.

    At a stationary point of a problem with one direction and head w the Hessian in w C is
    2 (X'X/n0 + (lam / w^2) (M_z - t I)) up to rank two, where t = tr P_C M_z.
    """
    _, _, head = evaluate(problems, C)
    k = C.shape[2]
    size = np.maximum(np.sum(head**2, axis=(1, 2)), np.finfo(float).tiny)
    weight = problems.lam * k / size
    share = np.sum(C[:, problems.m :] ** 2 * problems.mu[:, :, None], axis=(1, 2)) / k
    return weight, weight * share


def _structured_starts(problems):
    """Least squares supported on N, and on all inputs with M_z penalised more and more."""
    everything, k = np.arange(len(problems)), problems.k[0]
    fit = problems.rest + np.sum(problems.T**2, axis=(1, 2))
    weight = problems.lam / np.where(fit > 0, fit, 1.0)
    target = correlate(problems, problems.T)
    heads = [least_squares_on_N(problems)]
    for strength in (0, 1, 10):
        heads.append(least_squares_metric(problems, strength * weight, 0)(target, everything))
    return [np.linalg.svd(head, full_matrices=False)[0][:, :, :k] for head in heads]


def _pretext_moments(pretext):
    """Return (whitening, K_z, tr cov_zz) of a population or of a pretext sample (X, Z)."""
    if isinstance(pretext, GaussianPopulation):
        return pretext.whitening, pretext.K_z, float(np.trace(pretext.block("z", "z")))
    X, Z = as_samples(**dict(zip(("X_pre", "Z_pre"), pretext, strict=True)))
    n1 = as_count("number of rows of X_pre", len(X))
    white = whitening(X.T @ X / n1)
    if n1 <= white.rank:
        raise ValueError(
            f"n1 must exceed the rank of x for the pretext term to see all of x, got {n1} rows of "
            f"X_pre with rank {white.rank}: L is the same for whatever f does where they are blind"
        )
    return white, white.whiten(X.T @ Z / n1), float(np.sum(Z**2) / n1)


def empirical_optimum(X_extra, Y_extra, pretext, d_f, lam, **options):
    """Return the processor that minimises L_{inf,n0} or L_{n1,n0}.

    Parameters
    ----------
    X_extra, Y_extra : arrays (n0, d_x), (n0, d_y)
        Extra labelled samples; variables are centred.
    pretext : GaussianPopulation or pair of arrays (n1, d_x), (n1, d_z)
        The law of (x, z) for infinite n1, or the pretext sample (X_pre, Z_pre).
    d_f : int
        Number of outputs of f; below d_y the fit has rank d_f.
    lam : float
        Weight of the pretext term, at least 0.
    **options
        Passed to :func:`solve`.

    Returns
    -------
    Processor
        Of rank at most min(d_f, d_y, n0); further rows are zero.

    Raises
    ------
    ValueError
        If arrays do not match, an argument is out of range, or n1 is at most the rank of x.

    Source: slides "How to Obtain f ? (Cont.)" and "Inadequate Downstream Samples Provably Fails".
    """
    X, Y = as_samples(X_extra=X_extra, Y_extra=Y_extra)
    as_count("n0", len(X))
    d_f, lam = as_count("d_f", d_f), as_number("lam", lam, least=0)
    white, K_z, pretext_variance = _pretext_moments(pretext)
    as_matrix("X_extra", X, columns=len(white.factor))
    found = solve_batch(white.whiten(X.T).T[None], Y[None], K_z, lam, d_f=d_f, **options)
    A = np.zeros((d_f, X.shape[1]))
    A[: found.C.shape[2]] = white.unwhiten(found.C[0]).T
    loss = float(found.objective[0] - lam * pretext_variance)
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
    n0 = as_count("n0", len(X))
    lam = as_number("lam", lam, least=0)
    white, K_z, pretext_variance = _pretext_moments(pretext)
    A = as_matrix("A", A, columns=X.shape[1])
    residual = Y - X @ A.T @ np.linalg.lstsq(X @ A.T, Y, rcond=None)[0]
    if isinstance(pretext, GaussianPopulation):
        seen = white.whiten(pretext.block("x", "x") @ A.T)
    else:
        X_pre = np.asarray(pretext[0], dtype=float)
        seen = white.whiten(X_pre.T @ (X_pre @ A.T) / len(X_pre))
    explained = range_basis(seen / np.maximum(np.linalg.norm(seen, axis=0), 1e-300)).T @ K_z
    return float(np.sum(residual**2) / n0 - lam * (pretext_variance - np.sum(explained**2)))


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
    n0, m, d_y = as_count("n0", len(X)), population.m, Y.shape[1]
    d_f = d_y if d_f is None else as_count("d_f", d_f)
    if n0 > m:
        raise ValueError(
            f"n0 must be at most m = {m}, the number of pretext-orthogonal directions, "
            f"got {n0}: {n0 - m} too many to interpolate on them"
        )
    if d_f < min(d_y, n0):
        raise ValueError(f"d_f must be at least min(d_y, n0) = {min(d_y, n0)}, got {d_f}")
    on_N = population.whitening.whiten(X.T).T @ population.N
    B = np.linalg.lstsq(on_N, Y, rcond=None)[0]
    if not np.allclose(on_N @ B, Y, rtol=0, atol=1e-6 * np.abs(Y).max()):
        raise ValueError("X_extra must have distinct rows on ker K_z', got samples of lower rank")
    span = np.linalg.svd(B, full_matrices=False)[0][:, : min(d_f, d_y)]
    A = np.zeros((d_f, population.d_x))
    A[: span.shape[1]] = population.whitening.unwhiten(population.N @ span).T
    return A
