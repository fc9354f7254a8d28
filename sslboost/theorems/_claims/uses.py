"""Chapter 9: the loss repaired, heads that learn from the labelled z, and a limit for all."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from sslboost import processor
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, isotropic_population
from sslboost.processor import members
from sslboost.representation.pretext import psi_star
from sslboost.theorems._claims.processor import raw_gaps
from sslboost.theorems._theorem import FALSE_ALARM, Theorem, agrees
from sslboost.uses import heads, innovation, limit

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
        cov = p.block
        half = np.linalg.cholesky(cov("x", "x"))
        y_on, z_on = (np.linalg.solve(half, cov("x", name)) for name in "yz")
        delta = z_on - y_on @ np.linalg.solve(cov("y", "y"), cov("y", "z"))
        told = np.sum((_onto(half.T @ A.T) @ delta) ** 2)
        lost = np.sum(y_on**2) - np.sum((_onto(half.T @ A.T) @ y_on) ** 2)
        most, price = np.sum((_onto(y_on) @ delta) ** 2), np.sum((_onto(delta) @ y_on) ** 2)
        worst = max(worst, told - min(most, price / lam), lost - min(price, lam * most))
    return Certificate("", float(worst), tolerance=1e-9)


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
    """A head fitted with a weight or a penalty, and the excess claimed for it."""

    population: GaussianPopulation
    c: float | None
    n2: int
    claimed: float


def _augmented(rng, factor):
    """A head of ``factor`` times the weight, and the excess that the right one has."""
    k2, rho = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.8)
    population, c = isotropic_population(k2, rho, 6, rng=rng), 1 / k2 - 1
    plain = (1 - k2) * 6 / (30 - 6 - 1)
    return _Head(population, factor * c, 30, plain / innovation.gain(k2, rho))


def _joint(rng, free):
    population = members.random_member(8, 4, 2, existence=False, rng=rng)
    claimed = innovation.joint_excess(population, 18 + free * population.d_z)
    return _Head(population, None, 18, claimed)


def _simulated_excess(problem, rng, repetitions=500):
    """The head is fitted to fresh samples, and scored by its distance from E[y | psi(x)]."""
    p = problem.population
    psi, shift = psi_star(p), heads.shift_star(p)
    cov_psi = psi.matrix @ p.block("x", "x") @ psi.matrix.T
    best = np.linalg.lstsq(cov_psi, psi.matrix @ p.block("x", "y"), rcond=1e-10)[0].T
    draws = []
    for _ in range(repetitions):
        x, z, y = p.sample(problem.n2, rng)
        F = psi(x)
        if problem.c is None:
            head = heads.fit_joint(F, z, y)
        else:
            head = heads.fit_augmented(F, z, y, shift, problem.c)
        error = head.matrix - best
        draws.append(np.trace(error @ cov_psi @ error.T))
    return agrees(draws, problem.claimed)


@dataclass(frozen=True)
class _Bound:
    """A family of populations, and a bound claimed for every method."""

    tau: np.ndarray
    c: float
    left: float
    n2: int
    claimed: float


def _bounded(rng, given):
    """The bound for what is left of y given both; or, which is too much, given x alone."""
    k2, rho = rng.uniform(0.3, 0.7), rng.uniform(0.5, 0.9)
    tau, c, left = limit.isotropic(k2, rho, 12)
    problem = _Bound(tau, c, left, 240, limit.with_existence(tau, c, left, 240))
    return problem if given == "both" else replace(problem, claimed=(1 - k2) * 11 / 240)


def _no_head_is_better(problem, rng, repetitions=2000):
    """The best head known over the uniform law of the bound, on full samples of the features."""
    p, d, n = problem, len(problem.tau), problem.n2
    axes = np.sqrt(p.left / (p.c * (1 - p.c * p.tau)))
    draws = []
    for _ in range(repetitions // 10):
        u = rng.standard_normal((n, d)) * np.sqrt(1 + p.c**2 * p.tau)
        beta = rng.standard_normal((d, 10))
        beta = axes[:, None] * beta / np.linalg.norm(beta, axis=0)
        y = u @ beta + np.sqrt(p.left) * rng.standard_normal((n, 10))
        found = np.linalg.solve(u.T @ u + p.left * d * np.diag(axes**-2), u.T @ y)
        draws.append(np.mean(np.sum((found - beta) ** 2, axis=0)))
    error = stats.norm.isf(FALSE_ALARM) * stats.sem(draws)
    return Certificate("", float(np.mean(draws)), p.claimed, float(error), at_least=True)


@dataclass(frozen=True)
class _Prior:
    """Sizes of a regression on d features beside others, and its claimed minimax risk."""

    d: int
    others: int
    n2: int
    claimed: float


def _diffuse(rng, others):
    d, beside, n2 = 4, 5, int(rng.integers(18, 30))
    return _Prior(d, beside, n2, limit.given_both([[1.0]], d, others, n2))


def _bayes_risk(problem, rng, repetitions=4000, spread=1e6):
    """Of the posterior mean under a wide Gaussian prior, which no method can better."""
    size = problem.d + problem.others
    X = rng.standard_normal((repetitions, problem.n2, size))
    precision = X.mT @ X + np.eye(size) / spread
    first = np.eye(size)[:, : problem.d]
    draws = np.einsum("bii->b", first.T @ np.linalg.solve(precision, first))
    return agrees(draws, problem.claimed)


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
        "The slides' loss is not it",
        _CHAPTER,
        "without invariance no minimiser of the slides' loss on the same populations does",
        _BEYOND,
        ("the pretext term is charged for all of z",),
        lambda rng: _minimisers(rng, _as_it_is),
        _none_meets_both,
        _minimisers,
        "thm-repair",
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
        "Minimax without existence",
        _CHAPTER,
        r"a diffuse prior makes $\operatorname{tr}(S)\,d/(n_2-d-d_\zeta-1)$ the risk of the best "
        "method",
        _BEYOND,
        ("the coefficients of the innovation are unknown",),
        lambda rng: _diffuse(rng, 5),
        _bayes_risk,
        lambda rng: _diffuse(rng, 0),
        "thm-limit-every-method",
    ),
    Theorem(
        "A limit with existence",
        _CHAPTER,
        r"no method has mean excess below $(d-1)S/(n_2a + (d-1)S/k^2)$, "
        r"$a = 1 + \rho(1-k^2)/k^2$",
        _BEYOND,
        ("S is what is left of y given x and z, and not given x",),
        lambda rng: _bounded(rng, "both"),
        _no_head_is_better,
        lambda rng: _bounded(rng, "x"),
        "thm-limit-every-method",
    ),
)
