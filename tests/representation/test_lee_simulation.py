"""Lee et al.'s simulation: trials, the RBF class, repetition and the straight-line summary."""

import numpy as np
import pytest

from sslboost.population import lee_mixture
from sslboost.representation import lee_simulation
from sslboost.representation.lee_simulation import (
    fit_rbf,
    linear_trial,
    linearity,
    rbf_trial,
    repeat,
)


def test_rbf_class_learns_what_no_line_can():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (1500, 2))
    Y = np.column_stack([np.cos(2 * X[:, 0]), X[:, 0] * X[:, 1]])
    g = fit_rbf(X[:1000], Y[:1000], rng=1)
    error = np.mean((g(X[1000:]) - Y[1000:]) ** 2, axis=0) / Y.var(axis=0)
    assert (error < 0.01).all()
    noise = fit_rbf(X[:1000], rng.standard_normal((1000, 1)), rng=1)
    assert np.mean(noise(X[1000:]) ** 2) < 0.1  # and finds nothing where there is nothing


def test_random_features_approximate_the_rbf_kernel():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6, 3))
    D = 40_000
    F = lee_simulation._fourier(X, rng.standard_normal((3, D)), rng.uniform(0, 2 * np.pi, D))
    distance = np.sum((X[:, None] - X[None]) ** 2, axis=-1)
    # Each of the 21 products is a mean of D terms in [-2, 2]: Hoeffding at 1e-6 in all.
    bound = 2 * np.sqrt(2 * np.log(2 * 21 / 1e-6) / D)
    assert np.abs(F @ F.T - np.exp(-distance / 2)).max() < bound


def test_held_out_ridge_is_ridge_regression():
    """Ridge regression is least squares with sqrt(n ridge) I appended to the centred design."""
    rng = np.random.default_rng(0)
    F = rng.standard_normal((80, 5))
    Y = F @ rng.standard_normal((5, 2)) + rng.standard_normal((80, 2))
    mean_f, mean_y = F[:60].mean(axis=0), Y[:60].mean(axis=0)
    fits = []
    for ridge in lee_simulation._RIDGES:
        design = np.concatenate([F[:60] - mean_f, np.sqrt(60 * ridge) * np.eye(5)])
        target = np.concatenate([Y[:60] - mean_y, np.zeros((5, 2))])
        fits.append((F - mean_f) @ np.linalg.lstsq(design, target, rcond=None)[0] + mean_y)
    errors = [np.sum(((fit[60:] - Y[60:]) / Y[:60].std(axis=0)) ** 2) for fit in fits]
    error, head = lee_simulation._held_out_ridge(F, Y)
    assert np.isclose(error, min(errors), rtol=1e-10)
    assert np.allclose(head(F), fits[int(np.argmin(errors))], rtol=0, atol=1e-10)


def test_linear_trial_scores_the_fitted_maps():
    """The exact excess of the direct fit against its mean squared error on fresh samples."""
    result = linear_trial(4, 0.3, n1=400, n2=100, rng=5)
    rng = np.random.default_rng(5)
    mixture = lee_mixture(4, 0.3, rng=rng)
    mixture.sample(400, rng)
    x, _, labels = mixture.sample(100, rng)
    g = lee_simulation.fit_linear(x, mixture.one_hot(labels), intercept=True)
    x, _, labels = mixture.sample(40_000, rng)
    losses = np.sum((g(x) - mixture.one_hot(labels)) ** 2, axis=1)
    error = losses.std(ddof=1) / np.sqrt(len(losses))
    # 4.9 standard errors on either side: one false alarm in a million.
    assert abs(losses.mean() - result["residual"] - result["direct"]) < 4.9 * error
    assert result["direct"] > 4.9 * error  # so that the excess is visible at this precision


def test_under_ci_there_is_no_approximation_error_and_the_cut_helps():
    mean, _ = repeat(linear_trial, 5, n1=1000, n2=200, n_jobs=1)
    assert abs(mean["approximation"]) < 1e-12
    assert mean["reduced"] < mean["ssl"] < mean["direct"]
    mean, _ = repeat(linear_trial, 5, n1=1000, n2=200, alpha=1.0, n_jobs=1)
    assert mean["approximation"] > 1e-3


def test_closed_form_representation_is_exact_under_ci_only():
    assert rbf_trial(5, n1=200, n2=200, n_test=200, rng=0)["closed"] < 1e-12
    assert rbf_trial(5, 1.0, n1=200, n2=200, n_test=200, rng=0)["closed"] > 1e-3


def test_repetition_is_reproducible_and_summarises_its_trials():
    def trial(rng, shift=0.0):
        return {"value": shift + rng.standard_normal()}

    (mean, error), again = (repeat(trial, 50, seed=3, n_jobs=1) for _ in range(2))
    assert (mean, error) == again
    assert repeat(trial, 50, seed=4, n_jobs=1)[0] != mean
    values = [
        np.random.default_rng(s).standard_normal() for s in np.random.SeedSequence(3).spawn(50)
    ]
    assert np.isclose(mean["value"], np.mean(values), rtol=1e-12)
    assert np.isclose(error["value"], np.std(values, ddof=1) / np.sqrt(50), rtol=1e-12)
    assert np.isclose(repeat(trial, 50, seed=3, n_jobs=1, shift=1.0)[0]["value"], 1 + mean["value"])


def test_straight_lines_are_straight_and_parabolas_are_not():
    x = np.linspace(0, 1, 11)
    line = linearity(x, 2 - 3 * x)
    assert np.isclose(line["slope"], -3) and np.isclose(line["intercept"], 2)
    assert line["r2"] > 1 - 1e-12 and line["worst"] < 1e-12
    curve = linearity(x, x**2)
    # Residuals of the parabola are x^2 - x + 3/20 on this grid: 3/20 at both ends.
    assert np.isclose(curve["worst"], 0.15) and curve["r2"] < 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_rbf(np.ones((3, 1)), np.ones((3, 1))), "number of rows of X must be an int"),
        (lambda: fit_rbf(np.ones((9, 1)), np.ones((9, 1))), "X must hold different rows"),
        (lambda: fit_rbf(np.eye(4), np.eye(3)), "X and Y must have the same number of rows"),
        (lambda: fit_rbf(np.eye(4), np.eye(4), features=0), "features must be a positive integer"),
        (lambda: linear_trial(1), "k must be an integer of at least 2, got 1"),
        (lambda: linear_trial(2, -0.1), "alpha must be at least 0"),
        (lambda: linear_trial(2, n1=0), "n1 must be a positive integer"),
        (lambda: linear_trial(2, n2=0), "n2 must be a positive integer"),
        (lambda: rbf_trial(1), "k must be an integer of at least 2, got 1"),
        (lambda: repeat(linear_trial, 1), "trials must be an integer of at least 2, got 1"),
        (
            lambda: linearity([1.0, 2.0], [1.0, 2.0]),
            "number of values of x must be an",
        ),
        (lambda: linearity([1.0, 2.0, 3.0], [1.0, 2.0]), "y must have 3 values"),
        (lambda: linearity([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), "x must vary, got 1 throughout"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
