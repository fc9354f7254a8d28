"""Lee et al.'s simulation: trials of pretext-based learning on their Gaussian mixture."""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy import linalg
from scipy.spatial.distance import pdist

from sslboost.core.linalg import centred, column_scale, constant_columns
from sslboost.core.validation import (
    as_array,
    as_count,
    as_matrix,
    as_number,
    as_rng,
    as_samples,
    frozen,
    takes,
)
from sslboost.population import lee_mixture
from sslboost.representation import risk
from sslboost.representation.pretext import LinearMap, fit_linear, fit_ssl, psi_star

# Held-out error picks one of each: kernel widths in units of the median distance between two
# inputs, and ridge penalties in units of the features' second moment.
_BANDWIDTHS = (0.5, 1.0, 2.0)
_RIDGES = 10.0 ** np.arange(-7, 0)


@dataclass(frozen=True, eq=False)
class FourierMap:
    """A map linear in random Fourier features, sqrt(2 / D) cos(x frequencies + phases).

    Parameters
    ----------
    frequencies : array (d_in, D)
        Draws from the Fourier transform of an RBF kernel.
    phases : array (D,)
        Uniform on [0, 2 pi).
    head : LinearMap
        From the D features to the outputs.

    Raises
    ------
    ValueError
        If the numbers of features differ.
    """

    frequencies: np.ndarray
    phases: np.ndarray
    head: LinearMap

    def __post_init__(self):
        frequencies = as_matrix("frequencies", self.frequencies)
        phases, width = as_array("phases", self.phases, 1), frequencies.shape[1]
        if len(phases) != width:
            raise ValueError(
                f"phases must have one value for each of {width} columns of frequencies, "
                f"got {len(phases)}"
            )
        if not isinstance(self.head, LinearMap):
            raise ValueError(f"head must be a LinearMap, got {type(self.head).__name__}")
        as_matrix("head.matrix", self.head.matrix, columns=width)
        object.__setattr__(self, "frequencies", frozen(frequencies))
        object.__setattr__(self, "phases", frozen(phases))

    def __call__(self, X):
        """Return the (n, d_out) images of the rows of ``X`` (n, d_in)."""
        X = as_matrix("X", X, columns=len(self.frequencies))
        return self.head(_fourier(X, self.frequencies, self.phases))


def _fourier(X, frequencies, phases):
    return np.sqrt(2 / len(phases)) * np.cos(X @ frequencies + phases)


def fit_rbf(X, Y, *, features=256, rng=None):
    """Return ridge regression on random Fourier features of an RBF kernel.

    The first three quarters of the rows fit, the last quarter chooses the kernel's width and
    the ridge penalty from a small fixed grid; nothing but X and Y is looked at.

    Parameters
    ----------
    X : array (n, d_in)
        At least 4 rows, in random order.
    Y : array (n, d_out)
    features : int
        Number D of random features.
    rng : numpy.random.Generator or int, optional
        Draws the features.

    Returns
    -------
    FourierMap

    Raises
    ------
    ValueError
        If the arrays do not match, have fewer than 4 rows, or ``features`` is no count.

    Source: Rahimi and Recht (2007); Lee et al. (2021), the RBF class of their simulation.
    """
    X, Y = as_samples(X=X, Y=Y)
    as_count("number of rows of X", len(X), least=4)
    features = as_count("features", features)
    rng = as_rng(rng)
    width = np.median(pdist(X[:300]))
    if not width > 0:
        raise ValueError("X must hold different rows, got a median distance of 0")
    best_error, best = np.inf, None
    for bandwidth in _BANDWIDTHS:
        frequencies = rng.standard_normal((X.shape[1], features)) / (bandwidth * width)
        phases = rng.uniform(0, 2 * np.pi, features)
        error, head = _held_out_ridge(_fourier(X, frequencies, phases), Y)
        if error < best_error:
            best_error, best = error, FourierMap(frequencies, phases, head)
    return best


def _held_out_ridge(F, Y):
    """Fit every ridge penalty on three quarters of the rows; return the best on the rest."""
    n = 3 * len(F) // 4
    (fit_f, mean_f), (fit_y, mean_y) = centred(F[:n]), centred(Y[:n])
    values, vectors = linalg.eigh(fit_f.T @ fit_f / n)
    values = np.maximum(values, 0)
    coordinates = vectors.T @ (fit_f.T @ fit_y) / n
    held_f, held_y = (F[n:] - mean_f) @ vectors, Y[n:] - mean_y
    sd = column_scale(fit_y)  # so that the choice does not depend on the units of an output

    def error(ridge):
        residual = held_f @ (coordinates / (values + ridge)[:, None]) - held_y
        return np.sum((residual / sd) ** 2)

    errors = [error(ridge) for ridge in _RIDGES]
    B = vectors @ (coordinates / (values + _RIDGES[np.argmin(errors)])[:, None])
    return min(errors), LinearMap(B.T, mean_y - mean_f @ B)


def linear_trial(k=10, alpha=0.0, *, n1=4000, n2=1000, rng=None):
    """Run one trial of Lee et al.'s simulation with the linear function class.

    Parameters
    ----------
    k : int
        Number of classes, at least 2.
    alpha : float in [0, 1]
        Share of z that is copied from x; 0 is conditional independence.
    n1, n2 : int
        Numbers of pretext samples and of downstream labels.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    dict of float
        Exact excess risks over the best linear predictor of the one-hot y: "ssl" of W_hat psi_hat,
        "reduced" with psi_hat cut to rank k - 1, "direct" of y on x; and what theory expects
        of a head with an intercept: "theory_z" for d_z features, "theory_psi" for rank psi*,
        "theory_x" for d_x, of which "approximation" is the part that no n2 removes.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: Lee et al. (2021), the simulation with a linear function class.
    """
    k = as_count("k", k, least=2)
    n1, n2 = as_count("n1", n1), as_count("n2", n2)
    rng = as_rng(rng)
    mixture = lee_mixture(k, alpha, rng=rng)
    population = mixture.moments()
    theory = _linear_theory(population, n2)
    x_pre, z_pre, _ = mixture.sample(n1, rng)
    x, _, labels = mixture.sample(n2, rng)
    y = mixture.one_hot(labels)

    mean_x = mixture.weights @ mixture.mean_x

    def excess(g):
        about_mean = LinearMap(g.matrix, g(mean_x[None])[0] - mixture.weights)
        return risk.predictor_risk(population, about_mean) - population.floor

    return {
        "ssl": excess(fit_ssl(x_pre, z_pre, x, y, intercept=True)),
        "reduced": excess(fit_ssl(x_pre, z_pre, x, y, rank=k - 1, intercept=True)),
        "direct": excess(fit_linear(x, y, intercept=True)),
        **theory,
    }


def _linear_theory(population, n2):
    """Approximation and estimation error for Gaussian features and n1 = inf."""
    A = psi_star(population).matrix
    R = risk.residual_cov(population, A)
    approximation = float(np.trace(R)) - population.floor
    rank = risk.whitened_span(population, A).shape[1]
    # An intercept is one more feature to fit, up to a relative 2 / (k n2).
    floor = risk.residual_cov(population, np.eye(population.d_x))
    return {
        "approximation": approximation,
        "theory_psi": approximation + risk.excess_risk(R, rank + 1, n2),
        "theory_z": approximation + risk.excess_risk(R, population.d_z + 1, n2),
        "theory_x": risk.excess_risk(floor, population.d_x + 1, n2),
        "residual": population.floor,
    }


def rbf_trial(k=10, alpha=0.0, *, n1=4000, n2=1000, n_test=1000, rng=None):
    """Run one trial of Lee et al.'s simulation with the RBF function class.

    Parameters
    ----------
    k, alpha, n1, n2
        As in :func:`linear_trial`.
    n_test : int
        Test inputs on which ||g(x) - E[y | x]||^2 is averaged.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    dict of float
        Excess risks over the Bayes risk: "ssl" with psi_hat fitted by :func:`fit_rbf` on the
        pretext data, "closed" with psi* = E[z | x] in closed form, "direct" with
        :func:`fit_rbf` of y on x.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: Lee et al. (2021), the simulation with a universal function class.
    """
    k, alpha = as_count("k", k, least=2), as_number("alpha", alpha, least=0, most=1)
    n1, n2 = as_count("n1", n1, least=4), as_count("n2", n2, least=4)
    n_test, rng = as_count("n_test", n_test), as_rng(rng)
    mixture = lee_mixture(k, alpha, rng=rng)
    x_pre, z_pre, _ = mixture.sample(n1, rng)
    x, _, labels = mixture.sample(n2, rng)
    y = mixture.one_hot(labels)
    x_test = mixture.sample(n_test, rng)[0]
    best = mixture.posterior(x_test)

    def excess(psi):
        head = fit_linear(psi(x), y, intercept=True)
        return float(np.mean(np.sum((head(psi(x_test)) - best) ** 2, axis=1)))

    copied = alpha * np.eye(mixture.d_x, mixture.d_z)
    own = mixture.mean_z - mixture.mean_x @ copied
    direct = fit_rbf(x, y, rng=rng)(x_test)
    return {
        "ssl": excess(fit_rbf(x_pre, z_pre, rng=rng)),
        "closed": excess(lambda x: mixture.posterior(x) @ own + x @ copied),
        "direct": float(np.mean(np.sum((direct - best) ** 2, axis=1))),
    }


@takes(trial=callable)
def repeat(trial, trials, seed=0, *, n_jobs=-1, **arguments):
    """Run a trial many times; return the mean and standard error of each quantity.

    Parameters
    ----------
    trial : callable
        :func:`linear_trial` or :func:`rbf_trial`.
    trials : int
        Number of independent repetitions, at least 2.
    seed : int
        Trial i draws from the i-th child of this seed, so that sweeps share their draws.
    n_jobs : int
        Processes, as in joblib; -1 uses every core. The result does not depend on it.
    **arguments
        Passed to ``trial``.

    Returns
    -------
    mean, standard_error : dict of float

    Raises
    ------
    ValueError
        If ``trials`` is below 2, ``seed`` or ``n_jobs`` is no such integer, the trial refuses its
        arguments or returns no numbers.

    Source: Lee et al. (2021), mean and standard error over trials.
    """
    trials = as_count("trials", trials, least=2)
    seed = as_count("seed", seed, least=0, most=2**128 - 1)
    n_jobs = min(as_count("n_jobs", n_jobs, least=-1), trials)
    if n_jobs == 0:
        raise ValueError("n_jobs must be a number of processes or -1, got 0")
    seeds = np.random.SeedSequence(seed).spawn(trials)
    # joblib's processes run one linear-algebra thread each, which small matrices need.
    results = Parallel(n_jobs=n_jobs)(
        delayed(trial)(**arguments, rng=np.random.default_rng(s)) for s in seeds
    )
    if not all(isinstance(r, dict) and r.keys() == results[0].keys() for r in results):
        raise ValueError(f"trial must return a dict with the same names always, got {results[0]!r}")
    table = {name: as_array(name, [r[name] for r in results], 1) for name in results[0]}
    mean = {name: float(values.mean()) for name, values in table.items()}
    error = {name: float(v.std(ddof=1) / np.sqrt(trials)) for name, v in table.items()}
    return mean, error


def linearity(x, y):
    """Return the least-squares line through points and how far from straight they are.

    Parameters
    ----------
    x, y : arrays (n,)
        At least 3 points, not all at one x or at one y.

    Returns
    -------
    dict of float
        "slope", "intercept", "r2", "worst": the largest residual over the range of y.

    Raises
    ------
    ValueError
        If there are fewer than 3 points, lengths differ, or x or y is constant.

    Source: Lee et al. (2021), "scales linearly".
    """
    x, y = as_array("x", x, 1), as_array("y", y, 1)
    as_count("number of values of x", len(x), least=3)
    if len(x) != len(y):
        raise ValueError(f"y must have {len(x)} values, as x, got {len(y)}")
    for name, values in [("x", x), ("y", y)]:
        if constant_columns(values[:, None])[0]:
            raise ValueError(f"{name} must vary, got {values[0]:g} throughout")
    rows, (mean_x, mean_y) = centred(np.column_stack([x, y]))
    slope = fit_linear(rows[:, :1], rows[:, 1:]).matrix[0, 0]
    spread = np.ptp(y)
    residual = (rows[:, 1] - slope * rows[:, 0]) / spread
    return {
        "slope": float(slope),
        "intercept": float(mean_y - slope * mean_x),
        "r2": float(1 - np.sum(residual**2) / np.sum((rows[:, 1] / spread) ** 2)),
        "worst": float(np.abs(residual).max()),
    }
