"""Chapter 4 past m: what ends there, and what does not."""

from dataclasses import dataclass

from sslboost.bounds import past_threshold
from sslboost.bounds.past_threshold_simulation import (
    FittingProblem,
    draw_from_samples,
    minimise,
    simulate,
)
from sslboost.core.certificate import Certificate
from sslboost.theorems._theorem import Theorem, agrees

_MODEL_FREE = "04-theorem-2"


@dataclass(frozen=True)
class _Past:
    """A point past the threshold, and the point for which the limit is claimed."""

    ratio: float
    claimed: float
    lam: float


_m, _k2, _kappa2 = 400, 0.9, 1.5


def _past(rng, error):
    ratio = rng.uniform(1.5, 4)
    return _Past(ratio, error * ratio, rng.uniform(0.02, 0.3))


def _limit_is_reached(problem, rng, repetitions=40):
    """Finite problems, minimised without the formula."""
    n0 = round(problem.ratio * _m)
    risks = simulate(_m, n0, problem.lam, _k2, _kappa2, repetitions, rng)
    limit = past_threshold.limit(problem.claimed, problem.lam, _k2, _kappa2).risk
    return agrees(risks, float(limit), 1 / _m)


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
        "No finite sample gives all of the label",
        _MODEL_FREE,
        r"for one label with noise no minimiser of $L_{\infty,n_0}$ over linear processors meets "
        r"(C2), however large $n_0$ is",
        "beyond the slides",
        ("y is not a function of x", "m ≥ 1"),
        lambda rng: _sample(rng, rng.uniform(0.3, 0.9), rng.integers(2, 20)),
        _is_tilted,
        lambda rng: _sample(rng, 1.0, 20),
        "thm-every-n0",
    ),
)
