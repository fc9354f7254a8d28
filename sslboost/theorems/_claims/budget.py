"""Chapter 10: where a budget of labels is best spent."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from sslboost import processor
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, isotropic_population
from sslboost.processor import members
from sslboost.theorems._theorem import Theorem, agrees
from sslboost.uses import budget, innovation

_CHAPTER = "10-the-label-budget"
_BEYOND = "beyond the slides"


@dataclass(frozen=True)
class _Nested:
    """A label that k of K features tell in part, the others the share ``more`` of its rest."""

    k: int
    K: int
    more: float
    labels: int


def _nested(rng, free):
    """Where the turn is said to be; ``free`` further labels are not paid for."""
    k, K = int(rng.integers(2, 5)), int(rng.integers(8, 12))
    labels = K + 1 + int(rng.integers(8, 16))
    return _Nested(k, K, (K - k) / (labels - K - 1), labels + free)


def _as_good_as_each_other(problem, rng, repetitions=4000):
    """Least squares on the first k and on all K features of fresh samples, scored exactly."""
    p, draws = problem, np.empty(repetitions)
    beta = np.ones(p.K)
    beta[p.k :] = np.sqrt(p.more / (p.K - p.k))
    for i in range(repetitions):
        X = rng.standard_normal((p.labels, p.K))
        y = X @ beta + rng.standard_normal(p.labels)
        few = np.zeros(p.K)
        few[: p.k] = np.linalg.lstsq(X[:, : p.k], y)[0]
        draws[i] = np.sum((few - beta) ** 2) - np.sum((np.linalg.lstsq(X, y)[0] - beta) ** 2)
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
class _Split:
    """A population, a budget, the labels for f, and the risk claimed."""

    population: GaussianPopulation
    labels: int
    n0: int
    claimed: float


def _split(rng, free):
    """``free`` of the directions that meet (C1) cost nothing."""
    d, noise, n0 = int(rng.integers(3, 6)), int(rng.integers(6, 10)), int(rng.integers(14, 24))
    k2 = rng.uniform(0.3, 0.8)
    p = isotropic_population(k2, 0.5, d, noise=noise, rng=rng)
    fewer = isotropic_population(k2, 0.5, d, noise=noise - free)
    claimed = budget.risks(fewer, n0 + 20, n0=n0)["conditional-loss processor"]
    return _Split(p, n0 + 20, n0, claimed)


def _costs_what_is_said(problem, rng, repetitions=1500):
    """f is fitted where (C1) holds, a head on f to fresh labels; the risk is exact given both."""
    p, n2 = problem.population, problem.labels - problem.n0
    free = processor.unexplained(p).N
    x, _, y = p.sample(repetitions * problem.n0, rng)
    f = _fits(p.whitening.whiten(x.T).T @ free, y, repetitions) @ free.T
    x, _, y = p.sample(repetitions * n2, rng)
    rows = p.whitening.whiten(x.T).T.reshape(repetitions, n2, -1) @ f[..., None]
    g = f * _fits(rows.reshape(-1, 1), y, repetitions)
    return agrees(p.floor + np.sum((g - p.K_y[:, 0]) ** 2, axis=1), problem.claimed)


@dataclass(frozen=True)
class _Ordered:
    """Populations, each with a budget."""

    populations: tuple
    labels: tuple


def _ordered(rng, existence):
    populations = tuple(
        members.random_member(9, 4, 1, existence=existence, invariance=False, rng=rng)
        for _ in range(40)
    )
    return _Ordered(populations, tuple(int(n) for n in rng.integers(10, 4000, 40)))


def _augmented_is_first(problem, rng):
    """By how much the augmented head is above the better of plain SSL and the joint head."""
    worst = -np.inf
    for p, labels in zip(problem.populations, problem.labels, strict=True):
        found = budget.risks(p, labels)
        rival = min(found["plain SSL"], found["joint head"])
        worst = max(worst, found["augmented head"] / rival - 1)
    return Certificate("", float(worst), tolerance=1e-10)


THEOREMS = (
    Theorem(
        "Fewer features or more",
        _CHAPTER,
        "k of K features are the better ones up to $K + 1 + (K-k)/(a-1)$ labels, $a$ the ratio of "
        "what the few and the many leave of y",
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
        r"d\operatorname{tr}R/\lVert B\rVert^2$",
        _BEYOND,
        ("‖B‖² is the signal in the features",),
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
        lambda rng: _ordered(rng, True),
        _augmented_is_first,
        lambda rng: _ordered(rng, False),
        "thm-budget-augmented",
    ),
    Theorem(
        "The price of a processor with Δ known",
        _CHAPTER,
        "the conditional loss at an infinite weight, and a head on it, have the exact risk "
        r"$(1 - k^2\,\mathbb E t)(n_2-1)/(n_2-2)$",
        _BEYOND,
        ("every direction that meets (C1) is paid for",),
        lambda rng: _split(rng, 0),
        _costs_what_is_said,
        lambda rng: _split(rng, 3),
        "thm-budget-conditional",
    ),
)
