"""Chapter 4 past m: what ends there, and what does not."""

from dataclasses import dataclass

import numpy as np

from sslboost.bounds import past_threshold
from sslboost.bounds.past_threshold_simulation import simulate
from sslboost.core.certificate import Certificate
from sslboost.criteria import c2_gap
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import empirical_optimum, reduce_samples, solve
from sslboost.theorems._theorem import Theorem, agrees

_MODEL_FREE = "04-theorem-2"


@dataclass(frozen=True)
class _Past:
    """A point past the threshold, and the risk that is claimed for it."""

    ratio: float
    lam: float
    k2: float
    kappa2: float
    claimed: float


_m = 400


def _past(rng, error):
    """The claim is the limit for ``error`` times as many labels."""
    ratio, k2, kappa2 = rng.uniform(1.5, 4), rng.uniform(0.5, 1), rng.uniform(0.5, 2)
    law = rng.uniform(0.05, 0.5) * k2 / kappa2, k2, kappa2
    return _Past(ratio, *law, float(past_threshold.limit(error * ratio, *law).risk))


def _limit_is_reached(problem, rng, repetitions=40):
    """Finite problems, minimised without the formula."""
    n0, law = round(problem.ratio * _m), (problem.lam, problem.k2, problem.kappa2)
    risks = simulate(_m, n0, *law, repetitions, rng)
    return agrees(risks, problem.claimed, 1 / _m)


@dataclass(frozen=True)
class _Labels:
    """More labels than m for a processor, one label whose direction is all that z shows of x."""

    population: GaussianPopulation
    n0: int
    lam: float


def _labels(rng, share):
    """``share`` is of lam*, which is 1 over the variance of z that y explains."""
    m, y_to_z = int(rng.integers(5, 40)), rng.uniform(0.5, 1.5)
    law = latent_population(1, 1, dims_x=(2, 1, m), y_to_z=y_to_z, s_to_z=0.0, rng=rng)
    return _Labels(law, law.m * int(rng.integers(2, 20)), share / y_to_z**2)


def _none_with_c2(problem, rng):
    """The least loss of all f with (C2), whatever else they see, above the least of all f.

    They see u and pay for it, and for nothing else where they see directions of N besides.
    """
    law, lam = problem.population, problem.lam
    X, _, Y = law.sample(problem.n0, rng)
    found = empirical_optimum(X, Y, law, 2, lam, restarts=1)
    left = Y - X @ np.linalg.lstsq(X, Y, rcond=None)[0]
    price = lam * np.sum((law.U.T @ law.K_z) ** 2)
    least = found.loss + lam * np.trace(law.block("z", "z"))
    return Certificate("", float(np.sum(left**2) / len(X) + price - least), 1e-6, at_least=True)


@dataclass(frozen=True)
class _Ends:
    """A distance from either end of the curve, 1 - m / n0 and m / n0, where it is expanded."""

    distance: float
    lam: float
    k2: float
    kappa2: float


def _ends(rng, distance):
    k2, kappa2 = rng.uniform(0.3, 0.95), rng.uniform(0.5, 2)
    return _Ends(distance, rng.uniform(0.1, 0.6) * k2 / kappa2, k2, kappa2)


def _is_expanded(ends, rng):
    """The larger relative error of the two first terms; the next are of the order of distance."""
    law = ends.lam, ends.k2, ends.kappa2
    near, far = past_threshold.limit([1 / (1 - ends.distance), 1 / ends.distance], *law).risk
    fall = past_threshold.threshold_slope(*law) * ends.distance
    excess = past_threshold.far_excess(1 / ends.distance, *law)
    off = abs((1 - near) / fall - 1), abs((far - (1 - ends.k2)) / excess - 1)
    return Certificate("", float(max(off)), 1e-3)


@dataclass(frozen=True)
class _Several:
    """Two labels of unequal variance, and what their directions are claimed to say of z."""

    population: GaussianPopulation
    kappa2: np.ndarray
    lam: float
    n0: int
    d_f: int


def _several(rng, d_f):
    law = latent_population(2, 2, dims_x=(4, 4, 112), y_to_x=[3.0, 1.5], y_to_z=[1.0, 0.8], rng=rng)
    units = np.append(np.ones(law.d_x + law.d_z), [1.0, rng.uniform(1.3, 1.7)])
    law = GaussianPopulation(law.cov * np.outer(units, units), law.d_x, law.d_z, law.d_y)
    parts = past_threshold.coordinates(law)
    by_variance = np.argsort(parts.scale)  # the order of the labels in y
    return _Several(law, parts.kappa2[by_variance], 0.3, round(1.5 * law.m), d_f)


def _each_is_its_own(problem, rng, draws=30):
    """Finite problems with both labels at once, minimised by the general solver."""
    law, lam = problem.population, problem.lam
    x, _, y = law.sample(draws * problem.n0, rng)
    X_w = law.whitening.whiten(x.T).T.reshape(draws, problem.n0, -1)
    Y = y.reshape(draws, problem.n0, -1)
    found = solve(reduce_samples(X_w, Y, law.K_z, lam, d_f=problem.d_f), restarts=1)
    variance = np.diag(law.block("y", "y"))
    risks = variance - np.sum((found.C.mT @ law.K_y) ** 2, axis=1)
    k2 = np.sum(law.K_y**2, axis=0) / variance
    limits = past_threshold.limit(problem.n0 / law.m, lam / variance, k2, problem.kappa2).risk
    each = [
        agrees(risks[:, i], variance[i] * limits[i], variance[i] * 0.25 / np.sqrt(law.m))
        for i in range(law.d_y)
    ]
    return max(each, key=lambda one: one.value / one.tolerance)


@dataclass(frozen=True)
class _Pretext:
    """One label, and as many pretext samples for every input."""

    population: GaussianPopulation
    samples: int


def _pretext(rng, samples):
    return _Pretext(latent_population(1, 1, dims_x=(3, 1, 100), rng=rng), samples)


def _is_that_of_unlimited(problem, rng, draws=16):
    """Risk and objective, both learned from samples, against the limit that knows the law."""
    law, n0 = problem.population, 3 * problem.population.m
    parts = past_threshold.coordinates(law)
    lam = float(0.7 * parts.k2[0] / parts.kappa2[0])
    limit, found = past_threshold.population_limit(law, n0, lam), np.empty((2, draws))
    for one in found.T:
        (X, _, Y), (x, z, _) = (law.sample(n, rng) for n in (n0, problem.samples * law.rank_x))
        f = empirical_optimum(X, Y, (x, z), 1, lam, restarts=0)
        one[:] = law.floor + c2_gap(law, f.matrix), f.loss + lam * np.sum(z**2) / len(z)
    claims = zip(found, (limit.risk, limit.objective), strict=True)
    both = [agrees(values, claimed, 0.25 / np.sqrt(law.m)) for values, claimed in claims]
    return max(both, key=lambda one: one.value / one.tolerance)


THEOREMS = (
    Theorem(
        "Past the threshold",
        _MODEL_FREE,
        r"for $n_0 > m$ the risk tends to a formula in $n_0/m$, $\lambda$, $k^2$ and $\kappa^2$",
        "beyond the slides",
        ("the formula is taken at the n₀/m of the sample",),
        lambda rng: _past(rng, 1.0),
        _limit_is_reached,
        lambda rng: _past(rng, 1.2),
        "thm-limit",
    ),
    Theorem(
        "Both ends of the curve",
        _MODEL_FREE,
        r"the risk leaves 1 with a slope in $1 - m/n_0$, and ends with the excess "
        r"$(1-k^2)\,(m/n_0)/(1-\lambda/\lambda^*)^2$",
        "beyond the slides",
        ("n₀ is near m, or far from it", "λ < λ*"),
        lambda rng: _ends(rng, 1e-6),
        _is_expanded,
        lambda rng: _ends(rng, 0.2),
        "thm-ends",
    ),
    Theorem(
        "Several labels",
        _MODEL_FREE,
        r"for $n_0 > m$ and $d_f \ge d_y$ the risk of each label tends to that of a problem of its "
        r"own, with $\lambda$ over its variance",
        "beyond the slides",
        ("d_f ≥ d_y", "M_z U is inside U", "λ > 0"),
        lambda rng: _several(rng, 2),
        _each_is_its_own,
        lambda rng: _several(rng, 1),
        "thm-reach",
    ),
    Theorem(
        "The limit from pretext samples",
        _MODEL_FREE,
        r"for $n_1/d_x \to \infty$ pretext samples the limits past $m$ are those of unlimited ones",
        "beyond the slides",
        ("n₁ is large against the number of inputs", "d_z is bounded"),
        lambda rng: _pretext(rng, 100),
        _is_that_of_unlimited,
        lambda rng: _pretext(rng, 2),
        "thm-reach",
    ),
    Theorem(
        "No finite sample gives all of the label",
        _MODEL_FREE,
        r"for $\lambda > 0$ and one label with noise no minimiser of $L_{\infty,n_0}$ over linear "
        r"processors meets (C2), however large $n_0$ is and however many outputs it has",
        "beyond the slides",
        ("λ > 0", "y is not a function of x", "M_z u = κ² u, κ² > 0", "m ≥ 1"),
        lambda rng: _labels(rng, rng.uniform(0.1, 0.9)),
        _none_with_c2,
        lambda rng: _labels(rng, 0.0),
        "thm-every-n0",
    ),
)
