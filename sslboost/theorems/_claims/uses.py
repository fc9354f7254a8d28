"""Chapter 9: heads that learn from the labelled z, their price, and that of a choice."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, isotropic_population
from sslboost.processor import members
from sslboost.representation.pretext import psi_star
from sslboost.theorems._theorem import FALSE_ALARM, Theorem, agrees
from sslboost.uses import heads, innovation

_CHAPTER = "09-what-labels-can-buy"
_BEYOND = "beyond the slides"


def _mean_is_the_regression(population, rng, n=20_000):
    """No correlation of (x, z) with y - E[y | x, z], in a sample."""
    x, z, y = population.sample(n, rng)
    seen = np.concatenate([x, z], axis=1)
    rest = y - seen @ innovation.mean_given_both(population)
    seen, rest = (a / np.linalg.norm(a, axis=0) for a in (seen, rest))
    bound = stats.norm.isf(FALSE_ALARM / (2 * seen.shape[1] * rest.shape[1]))
    return Certificate("", float(np.abs(seen.T @ rest).max()), tolerance=bound / np.sqrt(n))


@dataclass(frozen=True)
class _Head:
    """A head fitted with a weight, or jointly, and the excess claimed for it."""

    population: GaussianPopulation
    c: float | None
    n2: int
    claimed: float


def _augmented(rng, factor):
    """A head of ``factor`` times the weight, and the excess that the right one has."""
    k2, rho = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.8)
    population, c = isotropic_population(k2, rho, 8, rng=rng), 1 / k2 - 1
    plain = (1 - k2) * 8 / (16 - 8 - 1)
    return _Head(population, factor * c, 16, plain / innovation.gain(k2, rho))


def _joint(rng, free):
    population = members.random_member(8, 6, 2, existence=False, rng=rng)
    claimed = innovation.joint_excess(population, 20 + free * population.d_z)
    return _Head(population, None, 20, claimed)


def _simulated_excess(problem, rng, repetitions=1000, copies=20):
    """The head is fitted to fresh samples, and scored by its distance from E[y | psi(x)].

    So few rows that one more or less changes the excess by an eighth; each sample of (x, z) has
    ``copies`` of y, drawn anew given both, so that little of the noise is left in the mean.
    """
    p, n = problem.population, problem.n2
    psi, shift, given = psi_star(p), heads.shift_star(p), p.d_x + p.d_z
    cov_psi = psi.matrix @ p.block("x", "x") @ psi.matrix.T
    best = np.linalg.lstsq(cov_psi, psi.matrix @ p.block("x", "y"), rcond=1e-10)[0].T
    on_both = np.linalg.solve(p.cov[:given, :given], p.cov[:given, given:])
    root = np.linalg.cholesky(p.block("y", "y") - p.cov[given:, :given] @ on_both)
    x, z, _ = p.sample(repetitions * n, rng)
    known, F = np.concatenate([x, z], axis=1) @ on_both, psi(x)
    draws = []
    for rows in np.arange(repetitions * n).reshape(repetitions, n):
        rest = rng.standard_normal((n, copies, p.d_y)) @ root.T
        y = (known[rows, None] + rest).reshape(n, -1)
        if problem.c is None:
            head = heads.fit_joint(F[rows], z[rows], y)
        else:
            head = heads.fit_augmented(F[rows], z[rows], y, shift, problem.c)
        error = head.matrix - np.tile(best, (copies, 1))
        draws.append(np.sum((error @ cov_psi) * error) / copies)
    return agrees(draws, problem.claimed)


@dataclass(frozen=True)
class _Choice:
    """Linear predictors of y = beta' x + noise to choose from, and rows to choose by.

    Fresh rows are drawn by the check; those that the predictors were fitted to are kept.
    """

    beta: np.ndarray
    variance: float
    heads: np.ndarray
    fresh: int
    seen: tuple | None = None


def _rivals(rng, fresh):
    """Fits to the first columns of 60 rows: the first of two, the last of all 40 columns."""
    beta = rng.standard_normal(40) * np.repeat([0.6, 0.02], [2, 38])
    variance, X = rng.uniform(0.5, 1), rng.standard_normal((60, 40))
    y = X @ beta + np.sqrt(variance) * rng.standard_normal(60)
    found = np.zeros((3, 40))
    for head, columns in zip(found, (2, 8, 40), strict=True):
        head[:columns] = np.linalg.lstsq(X[:, :columns], y)[0]
    return _Choice(beta, variance, found, 60, None if fresh else (X[None], y[None]))


def cost_of_a_choice(excess, variance, rows):
    """The bound of the theorem for the first of several predictors and its rivals."""
    first, worse = excess[0], excess[excess > excess[0]]
    delta, nu = worse - first, 8 * variance * (first + worse) + 2 * (first**2 + worse**2)
    return first + np.sum(delta * nu / (nu + rows * delta**2))


def _chosen_excess(problem, rng, repetitions=1000):
    """The least mean squared error on the rows decides."""
    p, d = problem, len(problem.beta)
    if p.seen is None:
        X = rng.standard_normal((repetitions, p.fresh, d))
        y = X @ p.beta + np.sqrt(p.variance) * rng.standard_normal((repetitions, p.fresh))
    else:
        X, y = p.seen
    chosen = np.argmin(np.mean((X @ p.heads.T - y[..., None]) ** 2, axis=1), axis=1)
    excess = np.sum((p.heads - p.beta) ** 2, axis=1)
    draws = excess[chosen]
    error = stats.norm.isf(FALSE_ALARM) * np.std(draws) / np.sqrt(len(draws))
    bound = cost_of_a_choice(excess, p.variance, p.fresh)
    return Certificate("", float(draws.mean()), float(bound), float(error))


THEOREMS = (
    Theorem(
        "The innovation tells",
        _CHAPTER,
        r"with (C1) and (C2) within reach $\mathbb E[y \mid x, z] = B^\top x_w + RC^{-1}B^\top "
        r"K_z\Sigma_{\zeta\zeta}^{-1}\zeta$",
        _BEYOND,
        ("some processor meets (C1) and (C2)", "C = Cov E[y | x] is invertible"),
        lambda rng: members.random_member(9, 5, 2, invariance=False, rng=rng),
        _mean_is_the_regression,
        lambda rng: members.random_member(9, 5, 2, existence=False, rng=rng),
        "thm-innovation",
    ),
    Theorem(
        "Gain of the augmented head",
        _CHAPTER,
        r"in the isotropic case the excess falls by $(1 + \rho(1-k^2)/k^2)/(1-\rho)$ at every n₂",
        _BEYOND,
        ("c = 1 / k² − 1",),
        lambda rng: _augmented(rng, 1.0),
        _simulated_excess,
        lambda rng: _augmented(rng, 0.3),
        "thm-gain",
    ),
    Theorem(
        "The joint head",
        _CHAPTER,
        r"has excess $\operatorname{tr}(S)\,d/(n_2-d-d_\zeta-1)$, $S = \Sigma_{yy\mid\phi z}$, "
        "with or without existence",
        _BEYOND,
        ("the coefficients of the innovation are paid for",),
        lambda rng: _joint(rng, 0),
        _simulated_excess,
        lambda rng: _joint(rng, 1),
        "thm-joint",
    ),
    Theorem(
        "What a choice can cost",
        _CHAPTER,
        r"the head that is best on $n_v$ fresh labels costs at most "
        r"$\sum_j \delta_j\nu_j/(\nu_j + n_v\delta_j^2)$ more than the first",
        _BEYOND,
        ("the rows that decide are not those of the fits",),
        lambda rng: _rivals(rng, fresh=True),
        _chosen_excess,
        lambda rng: _rivals(rng, fresh=False),
        "thm-safe",
    ),
)
