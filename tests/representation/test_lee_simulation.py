"""Lee et al.'s simulation: trials, the RBF class, repetition and the straight-line summary."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sslboost.population import lee_mixture
from sslboost.representation import LinearMap, fit_ssl, lee_simulation, risk
from sslboost.representation.lee_simulation import (
    FourierMap,
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


def test_held_out_ridge_is_scikit_learn_s_and_picks_the_best_on_the_last_quarter():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((80, 30)) + 2
    Y = F[:, :1] * [[1.0, 0.0]] + rng.standard_normal((80, 2)) + 5
    peers = [Ridge(alpha=60 * ridge).fit(F[:60], Y[:60]) for ridge in lee_simulation._RIDGES]
    sd = Y[:60].std(axis=0)
    errors = [np.sum(((peer.predict(F[60:]) - Y[60:]) / sd) ** 2) for peer in peers]
    best = peers[int(np.argmin(errors))]
    error, head = lee_simulation._held_out_ridge(F, Y)
    assert error == pytest.approx(min(errors), rel=1e-8)
    assert head.matrix == pytest.approx(best.coef_, abs=1e-9)
    assert head.offset == pytest.approx(best.intercept_, abs=1e-8)


def test_the_choice_of_a_penalty_does_not_depend_on_the_units_of_an_output():
    """One output wants no penalty and one wants much: neither unit decides which is heard."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (200, 2))
    Y = np.column_stack([np.cos(2 * X[:, 0]), rng.standard_normal(200)])
    fits = []
    for units in ([1.0, 1.0], [1.0, 2.0**20], [2.0**20, 1.0]):
        fits.append(fit_rbf(X, Y * units, rng=1)(X) / units)
    assert np.array_equal(fits[0], fits[1]) and np.array_equal(fits[0], fits[2])


def test_constants_change_no_fit_of_the_rbf_class():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((60, 2)), rng.standard_normal((60, 1))
    wide = np.column_stack([Y, np.full(60, 14.62)])
    fit, plain = fit_rbf(X, wide, rng=1)(X), fit_rbf(X, Y, rng=1)(X)
    assert fit[:, 0] == pytest.approx(plain[:, 0], rel=1e-9)
    assert fit[:, 1] == pytest.approx(14.62, rel=1e-14)


def test_the_rbf_class_draws_from_its_seed_and_from_nothing_else():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((40, 2)), rng.standard_normal((40, 1))
    first, again, other = (fit_rbf(X, Y, features=16, rng=rng) for rng in (1, 1, 2))
    assert np.array_equal(first.frequencies, again.frequencies)
    assert (first.frequencies != other.frequencies).all() and first.frequencies.shape == (2, 16)
    for trial in (linear_trial, rbf_trial):
        results = [trial(3, n1=60, n2=60, rng=rng) for rng in (1, 1, 2)]
        assert results[0] == results[1] and results[0] != results[2]


def test_a_fourier_map_keeps_its_own_numbers():
    frequencies, phases = np.ones((2, 3)), np.zeros(3)
    g = FourierMap(frequencies, phases, LinearMap(np.ones((1, 3)), [1.0]))
    frequencies += 1
    phases += 1
    X = np.array([[0.0, 0.0], [np.pi / 2, np.pi / 2]])
    amplitude = 3 * np.sqrt(2 / 3)
    assert g(X) == pytest.approx(np.array([[1 + amplitude], [1 - amplitude]]))
    with pytest.raises(ValueError, match="read-only"):
        g.phases[:] = 0
    with pytest.raises(FrozenInstanceError):
        g.phases = phases
    assert g == g and len({g, g}) == 1


def test_theory_of_a_trial_by_hand():
    k, n2 = 4, 300
    result = linear_trial(k, 0.3, n1=100, n2=n2, rng=5)
    population = lee_mixture(k, 0.3, rng=np.random.default_rng(5)).moments()
    cov = population.block
    A = np.linalg.solve(cov("x", "x"), cov("x", "z")).T  # psi*, of full rank d_z = 40
    explained = A @ cov("x", "y")
    R = cov("y", "y") - explained.T @ np.linalg.solve(A @ cov("x", "x") @ A.T, explained)
    floor = np.trace(cov("y", "y") - cov("y", "x") @ np.linalg.solve(cov("x", "x"), cov("x", "y")))
    assert result["residual"] == pytest.approx(floor, rel=1e-9)
    assert result["approximation"] == pytest.approx(np.trace(R) - floor, rel=1e-6)
    # d_z = 40 features and an intercept, with n2 - 41 - 1 degrees of freedom left.
    expected = np.trace(R) - floor + np.trace(R) * 41 / (n2 - 42)
    assert result["theory_z"] == pytest.approx(expected, rel=1e-9)
    assert result["theory_psi"] == result["theory_z"]
    assert result["theory_x"] == pytest.approx(floor * 51 / (n2 - 52), rel=1e-9)
    under_ci = linear_trial(k, 0.0, n1=100, n2=n2, rng=5)
    expected = under_ci["residual"] * k / (n2 - k - 1)  # rank k - 1 and an intercept
    assert under_ci["theory_psi"] == pytest.approx(expected, rel=1e-9)


def test_linear_trial_fits_what_it_says():
    rng = np.random.default_rng(5)
    mixture = lee_mixture(4, 0.3, rng=rng)
    x_pre, z_pre, _ = mixture.sample(200, rng)
    x, _, labels = mixture.sample(150, rng)
    y = mixture.one_hot(labels)
    result = linear_trial(4, 0.3, n1=200, n2=150, rng=5)
    population = mixture.moments()
    mean = mixture.weights @ mixture.mean_x
    for name, rank in [("ssl", None), ("reduced", 3)]:
        g = fit_ssl(x_pre, z_pre, x, y, rank=rank, intercept=True)
        about_mean = LinearMap(g.matrix, g(mean[None])[0] - mixture.weights)
        excess = risk.predictor_risk(population, about_mean) - population.floor
        assert result[name] == pytest.approx(excess, rel=1e-9)


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


@pytest.mark.parametrize("shift", [0.0, 1e9])
@pytest.mark.parametrize("unit", [2.0**-40, 1.0, 2.0**40])
def test_a_line_is_the_same_wherever_it_is_measured(shift, unit):
    line = linearity(unit * (shift + np.arange(5.0)), unit * np.array([1.0, 2, 3, 4, 6]))
    assert line["slope"] == pytest.approx(1.2, rel=1e-14)
    assert line["r2"] == pytest.approx(36 / 37, rel=1e-14)
    assert line["worst"] == pytest.approx(0.08, rel=1e-13)
    assert line["intercept"] == pytest.approx(unit * (0.8 - 1.2 * shift), rel=1e-13)


@pytest.mark.parametrize("constant", [0.1, 14.62, 1e6 + 0.1])
def test_a_constant_is_no_line(constant):
    with pytest.raises(ValueError, match="x must vary"):
        linearity(np.full(7, constant), range(7))
    with pytest.raises(ValueError, match="y must vary"):
        linearity(range(7), np.full(7, constant))


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
        (lambda: rbf_trial(2, n1=3), "n1 must be an integer of at least 4, got 3"),
        (lambda: rbf_trial(2, n2=3), "n2 must be an integer of at least 4, got 3"),
        (lambda: rbf_trial(2, n_test=0), "n_test must be a positive integer, got 0"),
        (lambda: rbf_trial(2, "0"), "alpha must be a number, got '0'"),
        (lambda: rbf_trial(2, rng=1.5), "rng must be a"),
        (lambda: linear_trial(2, n2=50), "n2 must exceed"),
        (lambda: fit_rbf(np.eye(4), np.eye(4), rng="a"), "rng must be a"),
        (lambda: FourierMap(np.ones((2, 3)), np.ones(2), None), "phases must have one value for"),
        (
            lambda: FourierMap(np.ones((2, 3)), np.ones(3), None),
            "head must be a LinearMap, got NoneType",
        ),
        (
            lambda: FourierMap(np.ones((2, 3)), np.ones(3), LinearMap(np.eye(2), np.zeros(2))),
            "head.matrix must have 3 columns",
        ),
        (lambda: fit_rbf(np.eye(4), np.eye(4), rng=0)(np.ones((1, 3))), "X must have 4 columns"),
        (lambda: repeat(None, 2), "trial must be callable, got NoneType"),
        (lambda: repeat(linear_trial, 2, seed=-1), "seed must be an integer of at least 0, got -1"),
        (lambda: repeat(linear_trial, 2, n_jobs=0), "n_jobs must be a number of processes or -1"),
        (lambda: repeat(linear_trial, 2, n_jobs="all"), "n_jobs must be an integer"),
        (lambda: repeat(lambda rng: 1.0, 2, n_jobs=1), "trial must return a dict"),
        (
            lambda: repeat(lambda rng: {str(rng.random()): 1.0}, 2, n_jobs=1),
            "trial must return a dict with the same names always",
        ),
        (lambda: repeat(lambda rng: {"a": "b"}, 2, n_jobs=1), "a must be a numeric array"),
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
