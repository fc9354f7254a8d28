"""Chapters 1 and 11: what a representation loses, and what the head on it costs."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sslboost import criteria
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, latent_population
from sslboost.representation import pretext, risk
from sslboost.theorems._theorem import FALSE_ALARM, Theorem, agrees, not_rejected

_CHAPTER = "01-pretext-ssl"
_SLIDE = 'slide "Why Does Pretext-Based SSL Work?"'
_REPETITIONS = 600


def family(rng, **changes):
    """A population of the book's family with links of random strengths."""
    strengths = {
        name: rng.uniform(1.0, 2.0, size)
        for name, size in [("y_to_x", 2), ("y_to_z", 2), ("s_to_x", 8), ("s_to_z", 8)]
    }
    sizes = {"d_y": 2, "d_s": 8, "dims_x": (10, 14, 16), "dims_z": (2, 8)}
    return latent_population(**{**sizes, **strengths, "rng": rng, **changes})


def with_ci(rng):
    """A member of the family in which x and z are independent given y."""
    return family(rng, s_to_z=0.0)


def _residual_is_orthogonal(population, rng, n=20_000):
    """No correlation between x and y - W* psi*(x), in a sample."""
    x, _, y = population.sample(n, rng)
    error = y - pretext.g_star(population)(x)
    x, error = (a / np.linalg.norm(a, axis=0) for a in (x, error))
    bound = stats.norm.isf(FALSE_ALARM / (2 * x.shape[1] * y.shape[1]))
    return Certificate("", float(np.abs(x.T @ error).max()), tolerance=float(bound / np.sqrt(n)))


@dataclass(frozen=True)
class _Rate:
    """The claim that a head on f(x) = A x pays for k numbers."""

    population: GaussianPopulation
    A: np.ndarray
    k: int


def _simulated_rate(problem, rng):
    """Heads fitted to n2(epsilon) labels, for a tenth of tr R, have the excess of the formula."""
    R = risk.residual_cov(problem.population, problem.A)
    n2 = math.ceil(risk.sample_complexity(R, problem.k, 0.1 * np.trace(R)))
    draws = risk.simulate_excess_risk_from_samples(
        problem.population, problem.A, n2, _REPETITIONS, rng
    )
    return agrees(draws, risk.excess_risk(R, problem.k, n2))


def _on_psi(population, k):
    return _Rate(population, pretext.psi_star(population).matrix, k)


def _on_x(population):
    return _Rate(population, np.eye(population.d_x), population.d_x)


def _redundant(rng):
    """The same law with every input given twice."""
    once = family(rng)
    twice = np.r_[: once.d_x, : len(once.cov)]
    return GaussianPopulation(once.cov[np.ix_(twice, twice)], 2 * once.d_x, once.d_z, once.d_y)


def _plug_in(rng, rank):
    population = with_ci(rng)
    psi = pretext.fit_linear(*population.sample(200, rng)[:2], rank=rank)
    return _Rate(population, psi.matrix, population.d_z)


def _bartlett(rng, share):
    population, n2 = family(rng), 120
    return population, n2, round(share * n2)


def _same_law(problem, rng):
    population, sampled, bartlett = problem
    A, R = np.eye(population.d_x), risk.residual_cov(population, np.eye(population.d_x))
    fits = risk.simulate_excess_risk_from_samples(population, A, sampled, 2 * _REPETITIONS, rng)
    draws = risk.simulate_excess_risk(R, population.d_x, bartlett, 2 * _REPETITIONS, rng)
    return not_rejected(float(stats.ks_2samp(fits, draws).pvalue))


@dataclass(frozen=True)
class _Nearly:
    """A population near conditional independence, and the claimed bound of what is lost."""

    population: GaussianPopulation
    bound: float


def _nearly(rng, power):
    population = family(rng, dims_z=(2, 0), mix=rng.uniform(0.02, 0.2))
    B = np.linalg.solve(population.block("y", "y"), population.block("y", "z"))
    sigma = np.linalg.svd(B, compute_uv=False)[-1]
    return _Nearly(population, float((criteria.epsilon_ci(population) / sigma) ** power))


def _loses_no_more(problem, rng):
    """Distance of the best head on psi* from E[y | x], by the normal equations in x."""
    xx = problem.population.block("x", "x")
    psi, yhat = (
        pretext.psi_star(problem.population).matrix,
        problem.population.best_linear("y", "x"),
    )
    seen, shared = psi @ xx @ psi.T, psi @ xx @ yhat.T
    total = np.trace(yhat @ xx @ yhat.T)
    lost = total - np.sum(shared * np.linalg.solve(seen, shared))
    return Certificate("", float(lost), problem.bound, tolerance=1e-12 * total)


@dataclass(frozen=True)
class _Few:
    """A head on features with standard deviations ``sd``, and fewer labels than features."""

    W: np.ndarray
    sd: np.ndarray
    n2: int


def _few(rng, spread):
    k = rng.integers(12, 30)
    return _Few(rng.standard_normal(k), np.geomspace(1, spread, k), rng.integers(2, k // 2))


def _has_the_excess_of_few(problem, rng, repetitions=4000):
    """Fits of minimal norm to labels with noise of variance one."""
    (k,), n2 = problem.W.shape, problem.n2
    Phi = problem.sd * rng.standard_normal((repetitions, n2, k))
    y = Phi @ problem.W + rng.standard_normal((repetitions, n2))
    fits = (np.linalg.pinv(Phi) @ y[..., None])[..., 0]
    draws = np.sum((problem.sd * (fits - problem.W)) ** 2, axis=1)
    power = np.sum((problem.sd * problem.W) ** 2)
    return agrees(draws, n2 / (k - n2 - 1) + power * (1 - n2 / k))


THEOREMS = (
    Theorem(
        "No approximation error",
        _CHAPTER,
        r"under conditional independence $W^*\psi^*(x) = \mathbb E[y \mid x]$",
        _SLIDE,
        ("x and z independent given y", "rank cov_zy = d_y"),
        with_ci,
        _residual_is_orthogonal,
        lambda rng: family(rng, dims_z=(2, 0), mix=1.0),
        "thm-approximation",
    ),
    Theorem(
        "Nearly conditional independence",
        _CHAPTER,
        r"the head on $\psi^*$ loses at most $\varepsilon_{CI}^2/\sigma_{\min}(B)^2$ of "
        r"$\mathbb E[y \mid x]$, $B = \Sigma_{zy}\Sigma_{yy}^{-1}$",
        "beyond the slides",
        ("rank cov_zy = d_y", "the bound is the square of the departure, not its fourth power"),
        lambda rng: _nearly(rng, 2),
        _loses_no_more,
        lambda rng: _nearly(rng, 4),
        "thm-approximate-ci",
    ),
    Theorem(
        "Fewer labels than features",
        _CHAPTER,
        r"with $n_2 \le k - 2$ labels the fit of minimal norm has excess risk "
        r"$\operatorname{tr}(R)\,n_2/(k-n_2-1) + \|W\|^2(1 - n_2/k)$",
        "beyond the slides",
        ("the features are isotropic",),
        lambda rng: _few(rng, 1.0),
        _has_the_excess_of_few,
        lambda rng: _few(rng, 10.0),
        "thm-few-labels",
    ),
    Theorem(
        "Sample complexity Õ(dim y)",
        _CHAPTER,
        r"under conditional independence the head on $\psi^*$ has excess risk "
        r"$\operatorname{tr}(R)\,d_y/(n_2-d_y-1)$",
        _SLIDE,
        ("x and z independent given y", "rank cov_zy = d_y"),
        lambda rng: _on_psi(with_ci(rng), 2),
        _simulated_rate,
        lambda rng: _on_psi(family(rng), 2),
        "thm-labels",
    ),
    Theorem(
        "Sample complexity Õ(dim z)",
        _CHAPTER,
        r"without conditional independence the head on $\psi^*$ has excess risk "
        r"$\operatorname{tr}(R)\,d_z/(n_2-d_z-1)$",
        _SLIDE,
        ("rank cov_xz = d_z, which conditional independence would forbid",),
        lambda rng: _on_psi(family(rng), 10),
        _simulated_rate,
        lambda rng: _on_psi(with_ci(rng), 10),
        "thm-labels",
    ),
    Theorem(
        "Sample complexity Õ(dim x)",
        _CHAPTER,
        r"the head on $x$ itself has excess risk $\operatorname{tr}(R)\,d_x/(n_2-d_x-1)$",
        _SLIDE,
        ("cov_xx invertible",),
        lambda rng: _on_x(family(rng)),
        _simulated_rate,
        lambda rng: _on_x(_redundant(rng)),
        "thm-labels",
    ),
    Theorem(
        "Finite pretext data",
        _CHAPTER,
        r"with finite $n_1$ the head on $\hat\psi$ pays for $d_z$ numbers again, even "
        r"under conditional independence",
        'slide "Pretext-Based SSL (Cont.)"; beyond the slides',
        ("ψ̂ is the plain least-squares fit, of full rank",),
        lambda rng: _plug_in(rng, rank=None),
        _simulated_rate,
        lambda rng: _plug_in(rng, rank=2),
        "thm-plugin",
    ),
    Theorem(
        "Bartlett's factor",
        _CHAPTER,
        r"the excess risk of a fitted head has the law of $\|L^{-1}GR^{1/2}\|^2$",
        "Bartlett (1933)",
        ("the same number of labels n₂ on both sides",),
        lambda rng: _bartlett(rng, 1.0),
        _same_law,
        lambda rng: _bartlett(rng, 0.75),
        "thm-bartlett",
    ),
)
