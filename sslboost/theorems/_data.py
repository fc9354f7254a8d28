"""Chapter 12: what a sample seems to explain."""

from dataclasses import dataclass

import numpy as np

from sslboost.theorems._theorem import Theorem, agrees

_CHAPTER = "12-your-own-data"


@dataclass(frozen=True)
class _Regression:
    """Inputs that stay, a truth, and what the claim takes the noise to explain."""

    X: np.ndarray
    B: np.ndarray
    root: np.ndarray
    inputs: int


def _problem(rng, inputs):
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
        "Noise seems to be explained",
        _CHAPTER,
        r"what $r$ inputs explain of $n$ rows exceeds what they tell by $r/(n-1)$ of the noise, "
        "on average",
        "beyond the slides",
        ("all r inputs are counted",),
        lambda rng: _problem(rng, 6),
        _explained_by_noise,
        lambda rng: _problem(rng, 5),
        "thm-noise-explains",
    ),
)
