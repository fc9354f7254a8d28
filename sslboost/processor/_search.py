"""The search for the minimum of a batch of empirical losses over processors of one rank."""

import numpy as np

from sslboost.core.lbfgs import minimise
from sslboost.processor._problems import (
    correlate,
    evaluate,
    least_squares_metric,
    least_squares_on_N,
)

#: Iterations after which the search takes stock of the curvature again.
_ROUND = 60

#: Iterations given to a start before the best of them is chosen.
_SCOUT = 240

#: Relative gradient norm at which a start may be left before that.
_SCOUT_TOLERANCE = 1e-4

#: F relative to its scale below which it is the lower bound 0 up to rounding.
_SOLVED = 1e-24


def search(problems, rank, restarts, structured, tolerance, max_iterations, rng):
    """Minimise F over the processors of one rank, from every start.

    Parameters
    ----------
    problems : Problems
    rank : int
        At least 1, and at most the number of inputs.
    restarts, structured, tolerance, max_iterations, rng
        As in :func:`sslboost.processor.solve`.

    Returns
    -------
    C : array (b, r, rank)
        Orthonormal, in the basis of the problems.
    objective, gradient : arrays (b,)
    runs : array (b, starts)
        As in :class:`sslboost.processor.Solutions`.
    """
    starts = _structured_starts(problems, rank) if structured else []
    shape = (len(problems), problems.T.shape[1], rank)
    starts += [rng.standard_normal(shape) for _ in range(restarts)]
    C, runs = _scout(problems, starts, max(tolerance, _SCOUT_TOLERANCE))
    return *_descend(problems, C, tolerance, max_iterations), runs


def _scout(problems, starts, tolerance):
    """Go some way down from each start; return the best C of each problem and all values.

    A problem at the lower bound F = 0 is solved, and is left out from there on.
    """
    best = np.full(len(problems), np.inf)
    C_best = starts[0].copy()
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
    # Where C sees nothing of Y_extra the head is zero, and the guess only has to be finite.
    size = np.maximum(np.sum(head**2, axis=(1, 2)), np.finfo(float).eps ** 2 * problems.constant)
    weight = problems.lam * k / size
    share = np.sum(C[:, problems.m :] ** 2 * problems.mu[:, :, None], axis=(1, 2)) / k
    return weight, weight * share


def _structured_starts(problems, rank):
    """Least squares supported on N, and on all inputs with M_z penalised more and more."""
    everything, fit = np.arange(len(problems)), problems.constant
    weight = problems.lam / np.where(fit > 0, fit, 1.0)
    target = correlate(problems, problems.T)
    heads = [least_squares_on_N(problems)]
    for strength in (0, 1, 10):
        heads.append(least_squares_metric(problems, strength * weight, 0)(target, everything))
    return [np.linalg.svd(head, full_matrices=False)[0][:, :, :rank] for head in heads]
