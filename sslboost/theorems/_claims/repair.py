"""Chapter 9: the processor's loss repaired, and what the repair does not repair."""

from dataclasses import dataclass

import numpy as np

from sslboost import processor
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation
from sslboost.processor import members
from sslboost.theorems._claims.processor import raw_gaps
from sslboost.theorems._theorem import Theorem

_CHAPTER = "09-what-labels-can-buy"
_BEYOND = "beyond the slides"


@dataclass(frozen=True)
class _Minimisers:
    """Random minimisers of a loss, each of a population and a weight of its own."""

    populations: tuple
    weights: tuple
    matrices: tuple


def _minimisers(rng, law=processor.unexplained, *, count=40, d_f=4, **changes):
    """Of the conditional loss, at weights over five decades."""
    changes = {"invariance": False} | changes
    populations = tuple(members.random_member(9, 5, 2, rng=rng, **changes) for _ in range(count))
    weights = tuple(10 ** rng.uniform(-2, 3, count))
    matrices = tuple(
        processor.random_minimiser(law(p), d_f, lam, rng)
        for p, lam in zip(populations, weights, strict=True)
    )
    return _Minimisers(populations, weights, matrices)


def _as_it_is(population):
    return population


def _pairs(problem):
    return zip(problem.populations, problem.matrices, strict=True)


def _all_meet_both(problem, rng):
    worst = max(max(raw_gaps(p, A)) for p, A in _pairs(problem))
    return Certificate("", float(worst), tolerance=1e-8)


def _none_meets_both(problem, rng):
    best = min(max(raw_gaps(p, A)) for p, A in _pairs(problem))
    return Certificate("", float(best), 1e-4, at_least=True)


def _keeps_to_the_trade(problem, rng):
    """What each tells of z and loses of y, in raw coordinates, against the two bounds."""
    worst = -np.inf
    for (p, A), lam in zip(_pairs(problem), problem.weights, strict=True):
        _, y_on, delta = _raw(p)
        told, lost = _told_and_lost(p, A)
        most, price = np.sum((_onto(y_on) @ delta) ** 2), np.sum((_onto(delta) @ y_on) ** 2)
        worst = max(worst, told - min(most, price / lam), lost - min(price, lam * most))
    return Certificate("", float(worst), tolerance=1e-9)


def _raw(p):
    """The Cholesky factor of cov_xx; what x in its coordinates tells of y, and of z beyond y."""
    half = np.linalg.cholesky(p.block("x", "x"))
    y_on, z_on = (np.linalg.solve(half, p.block("x", name)) for name in "yz")
    return half, y_on, z_on - y_on @ np.linalg.solve(p.block("y", "y"), p.block("y", "z"))


def _told_and_lost(p, A):
    """What A x tells of z beyond y, and loses of y."""
    half, y_on, delta = _raw(p)
    seen = _onto(half.T @ A.T)
    return np.sum((seen @ delta) ** 2), np.sum(y_on**2) - np.sum((seen @ y_on) ** 2)


def _in_pairs(rng, order):
    """Two minimisers of each population, in an order of their weights."""
    populations, weights, matrices = [], [], []
    for _ in range(20):
        p = members.random_member(9, 5, 2, existence=False, invariance=False, rng=rng)
        populations += [p, p]
        weights += list(np.sort(10 ** rng.uniform(-2, 2, 2))[::order])
        law = processor.unexplained(p)
        matrices += [processor.random_minimiser(law, 4, lam, rng) for lam in weights[-2:]]
    return _Minimisers(tuple(populations), tuple(weights), tuple(matrices))


def _more_weight_never_tells_more(problem, rng):
    """By how much the second of a pair tells more of z beyond y, or loses less of y."""
    gaps = np.array([_told_and_lost(*pair) for pair in _pairs(problem)]).reshape(-1, 2, 2)
    told, lost = (gaps[:, 1] - gaps[:, 0]).T
    return Certificate("", float(max(told.max(), -lost.min())), tolerance=1e-9)


@dataclass(frozen=True)
class _Classes:
    """A law of finitely many values, and functions of x that minimise the conditional loss.

    Attributes
    ----------
    joint : array (values of x, classes, values of z)
    functions : tuple of arrays (d_f, values of x)
        Of several weights.
    """

    joint: np.ndarray
    functions: tuple


def _of_classes(rng, beyond):
    """x is a pair; its second part is independent of the rest but for z.

    The first tells of y, and of z through y alone; or ``beyond`` it, so that no function of x that
    knows as much of y is free of z.
    """
    prior, second = rng.dirichlet(np.full(3, 5.0)), rng.dirichlet(np.ones(3))
    first = rng.dirichlet(np.ones(4), 3).T
    z_given = rng.dirichlet(np.ones(3), (4 if beyond else 1, 3, 3))
    pair = first[:, None, :] * second[:, None] * prior
    joint = (pair[..., None] * z_given).reshape(12, 3, 3)
    law = _every_function(joint)
    weights = 10 ** rng.uniform(-2, 2, 5)
    return _Classes(joint, tuple(processor.random_minimiser(law, 4, w, rng) for w in weights))


def _every_function(joint):
    """Second moments of the indicators of x, of e in each class, and of the classes."""
    x, y, z = (axis.ravel() for axis in np.indices(joint.shape))
    weights, classes = joint.ravel(), np.eye(joint.shape[1])[y]
    given_y = joint.sum(axis=0) / joint.sum(axis=(0, 2))[:, None]
    e = np.eye(joint.shape[2])[z] - given_y[y]
    each = (e[:, :, None] * classes[:, None, :]).reshape(len(weights), -1)
    rows = np.hstack([np.eye(len(joint))[x], each, classes])
    rows = rows - weights @ rows
    sizes = len(joint), each.shape[1], classes.shape[1]
    return GaussianPopulation(rows.T @ (weights[:, None] * rows), *sizes)


def _meet_both_in_each_class(problem, rng):
    """Covariances with z within the classes and what is lost of E[y | x], summed value by value."""
    joint = problem.joint
    of_x, of_y = joint.sum(axis=(1, 2)), joint.sum(axis=(0, 2))
    posterior = joint.sum(axis=2) / of_x[:, None]
    worst = 0.0
    for A in problem.functions:
        f = A.T - of_x @ A.T
        f = f / np.sqrt(of_x @ f**2)
        for j, share in enumerate(of_y):
            within = joint[:, j] / share
            apart = f.T @ within - np.outer(f.T @ within.sum(axis=1), within.sum(axis=0))
            worst = max(worst, np.abs(apart).max())
        root = np.sqrt(of_x)[:, None]
        known = np.hstack([np.ones((len(f), 1)), f]) * root
        lost = posterior * root - known @ np.linalg.lstsq(known, posterior * root)[0]
        worst = max(worst, np.sum(lost**2))
    return Certificate("", float(worst), tolerance=1e-8)


def _onto(basis):
    """The rows of an orthonormal basis of the columns."""
    left, values, _ = np.linalg.svd(basis, full_matrices=False)
    return left[:, values > 1e-9 * values[0]].T


@dataclass(frozen=True)
class _Triples:
    """Labelled triples, and the law of the inputs."""

    population: GaussianPopulation
    n0: int


def _interpolants_pay_nothing(problem, rng):
    """The least-squares fit of the labels, and the covariance of it with what is left of z."""
    X, Z, Y = problem.population.sample(problem.n0, rng)
    fitted = X @ np.linalg.lstsq(X, Y)[0]
    left = Z - Y @ np.linalg.lstsq(Y, Z)[0]
    told = np.linalg.norm(fitted.T @ left) / (np.linalg.norm(fitted) * np.linalg.norm(left))
    return Certificate("", float(told), tolerance=1e-10)


def _triples(rng, multiple):
    population = members.random_member(20, 5, 2, existence=False, rng=rng)
    return _Triples(population, round(multiple * population.rank_x))


@dataclass(frozen=True)
class _Known:
    """Extra labels, and a processor that fits them where it tells nothing of z, nor of y."""

    population: GaussianPopulation
    X: np.ndarray
    Y: np.ndarray
    A: np.ndarray
    lam: float


def _useless(rng, n0):
    """With Delta known, four directions are free of it and of y."""
    population = members.random_member(9, 3, 2, invariance=False, rng=rng)
    X, _, Y = population.sample(n0, rng)
    taken = np.concatenate([population.U, processor.unexplained(population).V], axis=1)
    free = population.whitening.unwhiten(np.linalg.svd(taken)[0][:, taken.shape[1] :])
    A = (free @ np.linalg.lstsq(X @ free, Y)[0]).T
    return _Known(population, X, Y, A, 10 ** rng.uniform(-1, 1))


def _is_a_minimiser_and_useless(problem, rng):
    """Its loss is at the bound, and what it keeps is correlated neither with y nor with z."""
    p, law = problem.population, processor.unexplained(problem.population)
    loss = processor.empirical_loss(problem.A, problem.X, problem.Y, law, problem.lam)
    above = loss + problem.lam * np.trace(law.block("z", "z"))
    told = problem.A @ np.concatenate([p.block("x", "z"), p.block("x", "y")], axis=1)
    kept = np.einsum("ij,jk,ik->i", problem.A, p.block("x", "x"), problem.A)
    others = np.diag(p.cov)[p.d_x :]
    worst = np.abs(told / np.sqrt(np.outer(kept, others))).max()
    return Certificate("", float(max(worst, above / np.mean(problem.Y**2))), tolerance=1e-8)


THEOREMS = (
    Theorem(
        "The loss repaired",
        _CHAPTER,
        "where (C1) and (C2) can be met every minimiser of the conditional loss meets them, "
        r"for every $\lambda > 0$",
        _BEYOND,
        ("some processor meets (C1) and (C2)",),
        _minimisers,
        _all_meet_both,
        lambda rng: _minimisers(rng, existence=False),
        "thm-repair",
    ),
    Theorem(
        "The loss repaired for classes",
        _CHAPTER,
        "the same of classes, laws of finitely many values and all functions of $x$, with (C1) "
        "within every class",
        _BEYOND,
        ("what x tells of y tells nothing of z beyond it",),
        lambda rng: _of_classes(rng, beyond=False),
        _meet_both_in_each_class,
        lambda rng: _of_classes(rng, beyond=True),
        "thm-repair",
    ),
    Theorem(
        "The slides' loss is not it",
        _CHAPTER,
        "without invariance no minimiser of the slides' loss on the same populations does",
        _BEYOND,
        ("the pretext term is charged for all of z",),
        lambda rng: _minimisers(rng, _as_it_is),
        _none_meets_both,
        _minimisers,
    ),
    Theorem(
        "A trade without existence",
        _CHAPTER,
        r"$\lambda\|\Delta^\top Q\|^2$ plus the C2 gap is at most the price of (C1), and at most "
        r"$\lambda\|\Delta^\top U\|^2$",
        _BEYOND,
        ("f minimises the conditional loss",),
        lambda rng: _minimisers(rng, existence=False),
        _keeps_to_the_trade,
        lambda rng: _minimisers(rng, _as_it_is, existence=False),
        "thm-trade",
    ),
    Theorem(
        "More weight never tells more",
        _CHAPTER,
        "of two minimisers that of the heavier weight tells no more of z beyond y, and loses no "
        "less of y",
        _BEYOND,
        ("the second weight is the heavier one",),
        lambda rng: _in_pairs(rng, 1),
        _more_weight_never_tells_more,
        lambda rng: _in_pairs(rng, -1),
        "thm-trade",
    ),
    Theorem(
        "Known Δ does not select",
        _CHAPTER,
        r"with $\Delta$ known a processor that tells nothing of y minimises the conditional loss "
        "of the extra labels",
        _BEYOND,
        ("n₀ ≤ m_e − dim U",),
        lambda rng: _useless(rng, 4),
        _is_a_minimiser_and_useless,
        lambda rng: _useless(rng, 6),
        "thm-known-delta",
    ),
    Theorem(
        "Triples alone charge nothing",
        _CHAPTER,
        r"with $\Delta$ estimated from the labelled triples whoever interpolates them is at the "
        "bound of the conditional loss",
        _BEYOND,
        ("n₀ ≤ rank Σ_xx",),
        lambda rng: _triples(rng, 1.0),
        _interpolants_pay_nothing,
        lambda rng: _triples(rng, 1.5),
        "thm-void",
    ),
)
