"""Chapter 10: where a budget of labels is best spent."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, stats

from sslboost import criteria
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation
from sslboost.processor import members
from sslboost.theorems._theorem import FALSE_ALARM, Theorem, agrees
from sslboost.uses import budget, innovation

_CHAPTER = "10-the-label-budget"
_BEYOND = "beyond the slides"


@dataclass(frozen=True)
class _Nested:
    """A label that few of many features tell in part, the others the share ``more`` of its rest."""

    few: int
    many: int
    more: float
    labels: int


def _nested(rng, free):
    """Where the turn is said to be; ``free`` further labels are not paid for."""
    few, many = int(rng.integers(2, 5)), int(rng.integers(8, 12))
    labels = many + 1 + int(rng.integers(8, 16))
    return _Nested(few, many, (many - few) / (labels - many - 1), labels + free)


def _as_good_as_each_other(problem, rng, repetitions=4000):
    """Least squares on the few and on all features of fresh samples, scored exactly."""
    p, draws = problem, np.empty(repetitions)
    beta = np.ones(p.many)
    beta[p.few :] = np.sqrt(p.more / (p.many - p.few))
    for i in range(repetitions):
        X = rng.standard_normal((p.labels, p.many))
        y = X @ beta + rng.standard_normal(p.labels)
        short = np.zeros(p.many)
        short[: p.few] = np.linalg.lstsq(X[:, : p.few], y)[0]
        draws[i] = np.sum((short - beta) ** 2) - np.sum((np.linalg.lstsq(X, y)[0] - beta) ** 2)
    return agrees(draws, 0.0)


@dataclass(frozen=True)
class _Valley:
    """Features, the squared length of the head in units of the rest, and a number of labels."""

    d: int
    signal: float
    labels: int


def _valley(rng, factor):
    """One of the two edges between which guessing is said to be best."""
    d, steps = int(rng.integers(12, 20)), int(rng.integers(5, 9))
    side = rng.choice([-1, 1])
    return _Valley(d, factor * d / steps, d + int(side) * (1 + steps))


def _no_better_than_guessing(problem, rng, repetitions=4000):
    """The fit of least norm has the squared error of no head at all, in the mean."""
    p, beta = problem, np.zeros(problem.d)
    beta[0] = np.sqrt(p.signal)
    draws = np.empty(repetitions)
    for i in range(repetitions):
        X = rng.standard_normal((p.labels, p.d))
        y = X @ beta + rng.standard_normal(p.labels)
        draws[i] = np.sum((np.linalg.lstsq(X, y)[0] - beta) ** 2)
    return agrees(draws, p.signal)


@dataclass(frozen=True)
class _Turn:
    """A population without existence, a weight, and the number of labels where it turns."""

    population: GaussianPopulation
    c: float
    labels: int


def _turn(rng, factor, labels=16):
    """The weight at which that number of labels is the turn, times ``factor``."""
    while True:
        p = members.random_member(8, 4, 1, existence=False, rng=rng)
        told = innovation.innovation(p)
        sign = float(np.sign(np.sum((told.J @ told.told) * told.B)))

        def less(c, p=p, sign=sign):
            plain = innovation.augmented_excess(p, 0.0, labels)
            return innovation.augmented_excess(p, sign * c, labels) / plain - 1

        if less(0.05) < 0 < less(5.0):
            return _Turn(p, factor * sign * optimize.brentq(less, 0.05, 5.0), labels)


def _turns_there(problem, rng, repetitions=3000):
    """The augmented head and plain SSL on the same samples, scored by their distance from B."""
    p, told = problem.population, innovation.innovation(problem.population)
    x, z, y = p.sample(repetitions * problem.labels, rng)
    phi = p.whitening.whiten(x.T).T @ p.V
    new = told.white.whiten((z - x @ p.best_linear("z", "x").T).T).T @ told.J.T
    both = (phi + problem.c * new, phi)
    errors = [_fits(F, y, repetitions) - told.B[:, 0] for F in both]
    return agrees(np.subtract(*(np.sum(error**2, axis=1) for error in errors)), 0.0)


def _fits(X, y, repetitions):
    """Least squares (repetitions, d) on as many samples in turn."""
    X, y = (a.reshape(repetitions, -1, a.shape[1]) for a in (X, y))
    return np.linalg.solve(X.mT @ X, X.mT @ y)[..., 0]


@dataclass(frozen=True)
class _Told:
    """A population, the Delta that is told, a number of labels, and the risk claimed."""

    population: GaussianPopulation
    delta: np.ndarray
    labels: int
    claimed: float


def _told(rng, wrong):
    """Delta of the population, or ``wrong`` times as much of another one beside it."""
    p, other = (members.random_member(9, 5, 2, invariance=False, rng=rng) for _ in range(2))
    labels = int(rng.integers(14, 24))
    delta = criteria.ci_defect(p) + wrong * criteria.ci_defect(other)
    return _Told(p, delta, labels, budget.told_delta(p, labels))


def _pays_for_no_more(problem, rng, repetitions=2000):
    """A head of least norm on E[z | f(x)], f what is at right angles to Delta, scored exactly."""
    p = problem.population
    free = linalg.null_space(problem.delta.T, rcond=1e-9)
    to_psi = free @ free.T @ p.K_z
    x, _, y = p.sample(repetitions * problem.labels, rng)
    features = p.whitening.whiten(x.T).T @ to_psi
    blocks = (a.reshape(repetitions, problem.labels, -1) for a in (features, y))
    draws = [
        p.floor + np.sum((to_psi @ linalg.lstsq(F, Y, cond=1e-9)[0] - p.K_y) ** 2)
        for F, Y in zip(*blocks, strict=True)
    ]
    return agrees(draws, problem.claimed)


@dataclass(frozen=True)
class _First:
    """A population, and a number of labels."""

    population: GaussianPopulation
    labels: int


def _first(rng, existence):
    """Without existence one whose bias is said to cost more than it saves."""
    while True:
        p = members.random_member(8, 4, 1, existence=existence, invariance=False, rng=rng)
        d, d_zeta = p.V.shape[1], len(innovation.innovation(p).told)
        labels = d + d_zeta + 2 + int(rng.integers(4, 30))
        found = budget.risks(p, labels)
        if existence or found["augmented head"] > 1.2 * found["plain SSL"]:
            return _First(p, labels)


def _augmented_is_first(problem, rng, repetitions=3000):
    """The three heads on the same samples: by how many errors the augmented one is behind."""
    p, told = problem.population, innovation.innovation(problem.population)
    x, z, y = p.sample(repetitions * problem.labels, rng)
    phi = p.whitening.whiten(x.T).T @ p.V
    zeta = told.white.whiten((z - x @ p.best_linear("z", "x").T).T).T
    c = 1 / np.sum(p.K_y**2 / p.block("y", "y")) - 1
    features = (phi + c * (zeta @ told.J.T), phi, np.hstack([phi, zeta]))
    heads = [_fits(F, y, repetitions)[:, : phi.shape[1]] for F in features]
    augmented, *rivals = (np.sum((head - told.B[:, 0]) ** 2, axis=1) for head in heads)
    behind = [np.mean(augmented - one) / stats.sem(augmented - one) for one in rivals]
    return Certificate("", float(max(behind)), float(stats.norm.isf(FALSE_ALARM / 2)))


THEOREMS = (
    Theorem(
        "Fewer features or more",
        _CHAPTER,
        "$d_1$ of $d_2$ features are the better ones up to $d_2 + 1 + (d_2-d_1)/(a-1)$ labels, $a$ "
        "the ratio of what the few and the many leave of y",
        _BEYOND,
        ("every label is paid for",),
        lambda rng: _nested(rng, 0),
        _as_good_as_each_other,
        lambda rng: _nested(rng, 6),
        "thm-budget-nested",
    ),
    Theorem(
        "The valley",
        _CHAPTER,
        r"least squares on d features is worse than guessing where $|n-d| < 1 + "
        r"d\operatorname{tr}R_\phi/\lVert B_\phi\rVert^2$",
        _BEYOND,
        ("‖B_φ‖² is the signal in the features",),
        lambda rng: _valley(rng, 1.0),
        _no_better_than_guessing,
        lambda rng: _valley(rng, 1.5),
        "thm-budget-valley",
    ),
    Theorem(
        "A biased head turns",
        _CHAPTER,
        "without existence the augmented head is better than plain SSL up to a number of labels, "
        "and no more",
        _BEYOND,
        ("the weight is the one that the number belongs to",),
        lambda rng: _turn(rng, 1.0),
        _turns_there,
        lambda rng: _turn(rng, 0.5),
        "thm-budget-augmented",
    ),
    Theorem(
        "An unbiased head is first",
        _CHAPTER,
        "with existence and $d_y = 1$ the augmented head is never behind plain SSL nor the joint "
        "head",
        _BEYOND,
        ("some processor meets (C1) and (C2)",),
        lambda rng: _first(rng, True),
        _augmented_is_first,
        lambda rng: _first(rng, False),
        "thm-budget-augmented",
    ),
    Theorem(
        "Who is told Δ needs no label for f",
        _CHAPTER,
        "the projection on $\\ker\\Delta^\\top$ takes no label, and its head pays for no more "
        "features than $y$ has coordinates: exact risk",
        _BEYOND,
        ("the Δ that is told is that of the population",),
        lambda rng: _told(rng, 0.0),
        _pays_for_no_more,
        lambda rng: _told(rng, 1.0),
        "thm-budget-told",
    ),
)
