"""Chapters 11 and 12: what means cost, and what noise seems to explain, on real data."""

from dataclasses import dataclass

import numpy as np

from sslboost.representation import risk
from sslboost.theorems._theorem import Theorem, agrees

_BEYOND = "beyond the slides"


@dataclass(frozen=True)
class _Intercept:
    """A regression on k features whose means are unknown, with the risk claimed for it."""

    k: int
    n2: int
    claimed: float


def _unknown_means(rng, spent):
    """Of a head without signal, for whose intercept ``spent`` labels are counted."""
    k, n2 = int(rng.integers(2, 6)), 16
    risk_of_centred = risk.expected_risk(np.eye(1), k, n2 - spent)
    return _Intercept(k, n2, (1 + spent / n2) * risk_of_centred)


def _fitted_intercept(problem, rng, repetitions=8000):
    """Fits with a column of ones, and their risk at x with the mean 3 and y with the mean 5."""
    X = 3 + rng.standard_normal((repetitions, problem.n2, problem.k))
    y = 5 + rng.standard_normal((repetitions, problem.n2, 1))
    X = np.concatenate([np.ones((repetitions, problem.n2, 1)), X], axis=2)
    fitted = np.linalg.solve(X.mT @ X, X.mT @ y)[..., 0]
    slopes = fitted[:, 1:]
    at_mean = fitted[:, 0] + 3 * slopes.sum(axis=1) - 5
    return agrees(1 + at_mean**2 + np.sum(slopes**2, axis=1), problem.claimed)


@dataclass(frozen=True)
class _Regression:
    """Inputs that stay, a truth, and what the claim takes the noise to explain."""

    X: np.ndarray
    B: np.ndarray
    root: np.ndarray
    inputs: int


def _noisy(rng, inputs):
    X = rng.standard_normal((40, 6))
    X = (X - X.mean(axis=0)) @ rng.standard_normal((6, 6))
    return _Regression(X, rng.standard_normal((6, 3)) / 4, rng.standard_normal((3, 3)), inputs)


def _explained_by_noise(problem, rng):
    """Trace of K'K over draws of the noise, against that of the truth and its share of noise."""
    X, n = problem.X, len(problem.X)
    Q = np.linalg.qr(X)[0]  # the whitened inputs, over sqrt(n - 1)
    T = X @ problem.B + rng.standard_normal((4000, n, 3)) @ problem.root.T
    draws = np.sum((Q.T @ T) ** 2, axis=(1, 2)) / (n - 1)
    truth = np.sum((X @ problem.B) ** 2)
    noise = problem.inputs * np.sum(problem.root**2)
    return agrees(draws, (truth + noise) / (n - 1))


THEOREMS = (
    Theorem(
        "An intercept costs one label",
        "11-on-real-data",
        r"with unknown means the risk of $n$ labels is $1 + 1/n$ times that of $n - 1$ labels of "
        "centred variables",
        _BEYOND,
        ("the label of the intercept is counted",),
        lambda rng: _unknown_means(rng, 1),
        _fitted_intercept,
        lambda rng: _unknown_means(rng, 0),
        "thm-intercept",
    ),
    Theorem(
        "Noise seems to be explained",
        "12-your-own-data",
        r"what $r$ inputs explain of $n$ rows exceeds what they tell by $r/(n-1)$ of the noise, "
        "on average",
        _BEYOND,
        ("all r inputs are counted",),
        lambda rng: _noisy(rng, 6),
        _explained_by_noise,
        lambda rng: _noisy(rng, 5),
        "thm-noise-explains",
    ),
)
