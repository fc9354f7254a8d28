"""Chapter 4 past m: what ends there, and what does not."""

from dataclasses import dataclass

import numpy as np

from sslboost.bounds import past_threshold
from sslboost.bounds.past_threshold_simulation import (
    FittingProblem,
    draw_from_samples,
    minimise,
    simulate,
)
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import reduce_samples, solve
from sslboost.theorems._theorem import Theorem, agrees

_MODEL_FREE = "04-theorem-2"


@dataclass(frozen=True)
class _Past:
    """A point past the threshold, and the point for which the limit is claimed."""

    ratio: float
    claimed: float
    lam: float
    k2: float
    kappa2: float


_m, _kappa2 = 400, 1.5


def _past(rng, error):
    ratio, k2, kappa2 = rng.uniform(1.5, 4), rng.uniform(0.5, 0.95), rng.uniform(0.5, 2)
    return _Past(ratio, error * ratio, rng.uniform(0.05, 0.5) * k2 / kappa2, k2, kappa2)


def _limit_is_reached(problem, rng, repetitions=40):
    """Finite problems, minimised without the formula."""
    n0, law = round(problem.ratio * _m), (problem.lam, problem.k2, problem.kappa2)
    risks = simulate(_m, n0, *law, repetitions, rng)
    return agrees(risks, float(past_threshold.limit(problem.claimed, *law).risk), 1 / _m)


@dataclass(frozen=True)
class _Sample:
    """One extra sample with more labels than m, and the weight of the loss."""

    problem: FittingProblem
    k2: float
    lam: float


def _sample(rng, k2, ratio):
    m = rng.integers(5, 50)
    return _Sample(draw_from_samples(m, m * ratio, k2, rng), k2, rng.uniform(0.02, 0.1))


def _is_tilted(sample, rng):
    """Gap of (C2) at the minimum; the search over (b, mu) ends within 1e-6 of it."""
    t, _ = minimise(sample.problem, sample.lam, _kappa2)
    return Certificate("", float(sample.k2 * (1 - t)), 1e-6, at_least=True)


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


def _several(rng, claimed):
    law = latent_population(2, 2, dims_x=(4, 4, 112), y_to_x=[3.0, 1.5], y_to_z=[1.0, 0.8], rng=rng)
    units = np.append(np.ones(law.d_x + law.d_z), [1.0, rng.uniform(1.3, 1.7)])
    law = GaussianPopulation(law.cov * np.outer(units, units), law.d_x, law.d_z, law.d_y)
    parts = past_threshold.coordinates(law)
    by_variance = np.argsort(parts.scale)  # the order of the labels in y
    return _Several(law, parts.kappa2[by_variance][claimed], 0.3, round(1.5 * law.m))


def _each_is_its_own(problem, rng, draws=30):
    """Finite problems with both labels at once, minimised by the general solver."""
    law, lam = problem.population, problem.lam
    x, _, y = law.sample(draws * problem.n0, rng)
    X_w = law.whitening.whiten(x.T).T.reshape(draws, problem.n0, -1)
    found = solve(reduce_samples(X_w, y.reshape(draws, problem.n0, -1), law.K_z, lam), restarts=1)
    variance = np.diag(law.block("y", "y"))
    risks = variance - np.sum((found.C.mT @ law.K_y) ** 2, axis=1)
    k2 = np.sum(law.K_y**2, axis=0) / variance
    limits = past_threshold.limit(problem.n0 / law.m, lam / variance, k2, problem.kappa2).risk
    each = [
        agrees(risks[:, i], variance[i] * limits[i], variance[i] * 0.25 / np.sqrt(law.m))
        for i in range(law.d_y)
    ]
    return max(each, key=lambda one: one.value / one.tolerance)


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
        r"for $n_0 > m$ the risk of each label is that of a problem of its own, with "
        r"$\lambda$ over its variance",
        "beyond the slides",
        ("each label has the κ² of its own direction", "d_f ≥ d_y", "λ > 0"),
        lambda rng: _several(rng, [0, 1]),
        _each_is_its_own,
        lambda rng: _several(rng, [1, 0]),
        "thm-reach",
    ),
    Theorem(
        "No finite sample gives all of the label",
        _MODEL_FREE,
        r"for one label with noise no minimiser of $L_{\infty,n_0}$ over linear processors meets "
        r"(C2), however large $n_0$ is",
        "beyond the slides",
        ("y is not a function of x", "m ≥ 1", "λ > 0", "M_z u = κ²u with κ² > 0"),
        lambda rng: _sample(rng, rng.uniform(0.3, 0.9), rng.integers(2, 20)),
        _is_tilted,
        lambda rng: _sample(rng, 1.0, 20),
        "thm-every-n0",
    ),
)
