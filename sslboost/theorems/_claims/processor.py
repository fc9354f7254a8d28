"""Chapters 3 and 4: the loss and Theorem 1, and the lower bound of Theorem 2."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, optimize

from sslboost import criteria, processor
from sslboost.bounds import model_free
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor.empirical import empirical_optimum
from sslboost.representation.risk import whitened_span
from sslboost.theorems._theorem import Theorem, agrees

_LOSS, _MODEL_FREE = "03-the-loss-and-theorem-1", "04-theorem-2"
_SLIDE_LOSS = 'slide "How to Obtain f ? (Cont.)"'
_SLIDE_1 = 'slide "Rationality of The Loss", Theorem 1'
_SLIDE_2 = 'slide "Insufficient Downstream Samples Provably Fails", Theorem 2'
_REMARK_2 = 'slide "Remark of Theorem 2"'


def small_family(rng, **changes):
    """A population with 24 pretext-orthogonal inputs and links of random strengths."""
    strengths = {"y_to_x": rng.uniform(1, 2, 2), "y_to_z": rng.uniform(1, 2, 2)}
    sizes = {"d_y": 2, "d_s": 4, "dims_x": (4, 6, 20), "dims_z": (2, 4)}
    return latent_population(**{**sizes, **strengths, "rng": rng, **changes})


@dataclass(frozen=True)
class _Loss:
    """A processor, and the value claimed for its loss."""

    population: GaussianPopulation
    A: np.ndarray
    lam: float
    claimed: float


def _random_loss(rng):
    population, lam = small_family(rng), rng.uniform(0.3, 1)
    A = rng.standard_normal((3, population.d_x))
    return _Loss(population, A, lam, processor.population_loss(population, A, lam))


def _trace_that_rewards_z(rng):
    """The trace of P (M_y + lam M_z), as if explaining z were no fault."""
    problem = _random_loss(rng)
    Q = whitened_span(problem.population, problem.A)
    explained = np.sum((Q.T @ problem.population.K_z) ** 2)
    return replace(problem, claimed=problem.claimed - 2 * problem.lam * explained)


def _loss_on_samples(problem, rng, n=100_000):
    """Both heads are fitted to one sample and the loss is averaged over it."""
    x, z, y = problem.population.sample(n, rng)
    f = x @ problem.A.T
    left = [np.sum((t - f @ np.linalg.lstsq(f, t, rcond=None)[0]) ** 2, axis=1) for t in (y, z)]
    draws = left[0] - problem.lam * left[1]
    # Fitted heads lower each mean square by the share d_f / n of it.
    fitted = f.shape[1] / n * (np.mean(left[0]) + problem.lam * np.mean(left[1]))
    return agrees(draws, problem.claimed, fitted)


def _optimum(rng, factor):
    """The closed form for ``factor`` times the weight of the problem."""
    population = latent_population(
        2,
        2,
        dims_x=(3, 3, 2),
        dims_z=(2, 2),
        mix=0.5,
        leak=0.5,
        y_to_x=rng.uniform(1, 2, 2),
        rng=rng,
    )
    lam = rng.uniform(0.2, 0.4)
    A = processor.population_optimum(population, 2, factor * lam).matrix
    return _Loss(population, A, lam, processor.population_loss(population, A, lam))


def _search_finds_nothing_lower(problem, rng, starts=5):
    """Quasi-Newton search over all matrices, in raw coordinates, from random starts."""
    cov, lam = problem.population.block, problem.lam
    shape = problem.A.shape

    def loss(a):
        A = a.reshape(shape)
        seen = A @ cov("x", "x") @ A.T
        by_y, by_z = A @ cov("x", "y"), A @ cov("x", "z")
        head_y, head_z = np.linalg.solve(seen, by_y), np.linalg.solve(seen, by_z)
        return -np.sum(by_y * head_y) + lam * np.sum(by_z * head_z)

    found = min(
        optimize.minimize(loss, rng.standard_normal(problem.A.size)).fun for _ in range(starts)
    )
    nothing = processor.population_loss(problem.population, 0 * problem.A, lam)
    rounding = 1e-10 * np.trace(cov("y", "y"))
    return Certificate("", problem.claimed, found + nothing, rounding)


@dataclass(frozen=True)
class _Minimisers:
    """Random minimisers of the loss of several populations."""

    populations: tuple
    matrices: tuple


def _minimisers(rng, share, *, members=40, **changes):
    """One random minimiser of each of several populations at ``share`` of its lam*."""
    populations = tuple(small_family(rng, **changes) for _ in range(members))
    matrices = tuple(
        processor.random_minimiser(p, 6, share * processor.lambda_star(p), rng) for p in populations
    )
    return _Minimisers(populations, matrices)


def raw_gaps(population, A):
    """Largest conditional correlation of A x with z given y, and relative excess risk.

    By least squares in the coordinates of the Cholesky factor of cov_xx, with no use of the
    eigenvectors that the construction is made of.
    """
    cov = population.block
    L = np.linalg.cholesky(cov("x", "x"))
    basis = linalg.orth(L.T @ A.T, rcond=1e-9)
    to_f = np.linalg.solve(L.T, basis).T
    given_y = to_f @ cov("x", "z") - (to_f @ cov("x", "y")) @ np.linalg.solve(
        cov("y", "y"), cov("y", "z")
    )
    correlation = np.abs(given_y / np.sqrt(np.diag(cov("z", "z")))).max(initial=0)
    half = np.linalg.solve(L, cov("x", "y"))
    lost = half - basis @ (basis.T @ half)
    return correlation, np.sum(lost**2) / np.trace(cov("y", "y"))


def _all_meet_both(problem, rng):
    pairs = zip(problem.populations, problem.matrices, strict=True)
    return Certificate("", float(max(max(raw_gaps(p, A)) for p, A in pairs)), tolerance=1e-8)


def _all_fail_c1(problem, rng):
    pairs = zip(problem.populations, problem.matrices, strict=True)
    return Certificate("", float(min(raw_gaps(p, A)[0] for p, A in pairs)), 1e-3, at_least=True)


@dataclass(frozen=True)
class _Extra:
    """Labels for the processor, the weight of its loss, and the margin that is claimed."""

    population: GaussianPopulation
    lam: float
    n0: int
    margin: float


def _extra(rng, multiple, share=0.5, used=1.0):
    """``multiple`` of m labels; the loss has the share ``used`` of the weight of the claim."""
    population = small_family(rng)
    lam = share * processor.lambda_star(population)
    margin = model_free.margin(population, lam)
    return _Extra(population, used * lam, round(multiple * population.m), margin)


def _no_minimiser_meets_both(problem, rng, draws=20):
    """Loss of the best f with (C2), y_hat with all of N beside it, above the certificate's."""
    population = problem.population
    both = population.whitening.unwhiten(np.hstack([population.U, population.N])).T
    least = np.inf
    for _ in range(draws):
        X, _, Y = population.sample(problem.n0, rng)
        on_N = model_free.fit_on_N(population, X, Y)
        losses = [_extra_loss(population, A, X, Y, problem.lam) for A in (on_N, both)]
        least = min(least, losses[1] - losses[0])
    return Certificate("", float(least), problem.margin, 1e-8 * problem.margin, at_least=True)


def _extra_loss(population, A, X, Y, lam):
    """L_{inf,n0}(A x) + lam tr cov_zz."""
    features = X @ A.T
    left = Y - features @ np.linalg.lstsq(features, Y, rcond=1e-12)[0]
    by_z = A @ population.block("x", "z")
    explained = np.sum(by_z * np.linalg.solve(A @ population.block("x", "x") @ A.T, by_z))
    return np.sum(left**2) / len(X) + lam * explained


@dataclass(frozen=True)
class _Learned:
    """Processors learned from several draws of n0 labels."""

    population: GaussianPopulation
    matrices: tuple


def _learned(rng, multiple, draws=8):
    extra = _extra(rng, multiple, share=0.2)
    samples = [extra.population.sample(extra.n0, rng) for _ in range(draws)]
    matrices = tuple(
        empirical_optimum(X, Y, extra.population, 2, extra.lam, restarts=0).matrix
        for X, _, Y in samples
    )
    return _Learned(extra.population, matrices)


def _nothing_is_left(problem, rng):
    """Risk with unlimited pretext data and labels, as a share of tr cov_yy."""
    total = np.trace(problem.population.block("y", "y"))
    risks = [model_free.downstream_risk(problem.population, A) for A in problem.matrices]
    return Certificate("", float(max(abs(risk / total - 1) for risk in risks)), tolerance=1e-8)


def _plain_ssl_is_better(problem, rng, share=2.0, repetitions=200):
    """Simulated risk of plain SSL against that of the processor with unlimited labels.

    ``share`` is of the number of labels at which a head on k features is as good as guessing.
    """
    population = problem.population
    k, best = population.V.shape[1], population.floor
    gain = np.trace(population.block("y", "y")) - best
    n2 = int(np.ceil(share * (k + 1 + k * best / gain)))
    processed = min(model_free.downstream_risk(population, A) for A in problem.matrices)
    plain = criteria.simulate_pipeline(population, np.eye(population.d_x), n2, repetitions, rng)
    noise = agrees(plain, np.mean(plain)).tolerance
    return Certificate("", float(np.mean(plain)), processed, tolerance=-noise)


THEOREMS = (
    Theorem(
        "The loss is a trace",
        _LOSS,
        r"$L(f) = \operatorname{tr}\Sigma_{yy} - \lambda\operatorname{tr}\Sigma_{zz} - "
        r"\operatorname{tr}P(M_y - \lambda M_z)$ for the projector $P$ of $f$",
        _SLIDE_LOSS,
        ("λ M_z is subtracted from M_y", "P projects on the whitened directions that f sees"),
        _random_loss,
        _loss_on_samples,
        _trace_that_rewards_z,
        "thm-trace-form",
    ),
    Theorem(
        "The optimum in closed form",
        _LOSS,
        r"the eigenvectors of $M_y - \lambda M_z$ with positive eigenvalue minimise the loss",
        _SLIDE_LOSS,
        ("the eigenvectors belong to the λ of the loss",),
        lambda rng: _optimum(rng, 1.0),
        _search_finds_nothing_lower,
        lambda rng: _optimum(rng, 4.0),
        "thm-minimisers",
    ),
    Theorem(
        "Theorem 1 (loss rationality)",
        _LOSS,
        r"on a member of $\mathbb S$ every minimiser of the loss meets (C1) and (C2) for "
        r"$0 < \lambda < \lambda^*$",
        _SLIDE_1,
        ("E[y | x] meets (C1)", "M_z U is inside U", "0 < λ < λ*", "d_f ≥ rank cov_xy"),
        lambda rng: _minimisers(rng, rng.uniform(0.1, 0.99)),
        _all_meet_both,
        lambda rng: _minimisers(rng, 1.02),
        "thm-loss",
    ),
    Theorem(
        "Outside S",
        _LOSS,
        r"where the pretext mixes $y$ and $s$, so that $M_zU$ leaves $U$, every minimiser "
        r"fails (C1)",
        _SLIDE_1,
        ("M_z U is not inside U",),
        lambda rng: _minimisers(rng, 0.5, mix=0.5),
        _all_fail_c1,
        lambda rng: _minimisers(rng, 0.5),
        "thm-loss",
    ),
    Theorem(
        "Theorem 2 (model-free lower bound)",
        _MODEL_FREE,
        r"for $n_0 \le m$ no minimiser of $L_{\infty,n_0}$ meets (C1) and (C2), by a "
        r"margin of $\lambda e_z$",
        _SLIDE_2,
        ("n₀ ≤ m", "λ > 0", "y_hat explains some of z"),
        lambda rng: _extra(rng, 1),
        _no_minimiser_meets_both,
        lambda rng: _extra(rng, 8, share=0.1),
        "thm-model-free",
    ),
    Theorem(
        "Theorem 2, λ > 0 is needed",
        _MODEL_FREE,
        r"the margin grows in proportion to $\lambda$: it is there for a hundredth of $\lambda^*$",
        _SLIDE_2,
        ("λ > 0",),
        lambda rng: _extra(rng, 0.5, share=0.01),
        _no_minimiser_meets_both,
        lambda rng: _extra(rng, 0.5, share=0.01, used=0),
        "thm-model-free",
    ),
    Theorem(
        "Constant error",
        _MODEL_FREE,
        r"for $n_0 \le m$ the downstream risk is $\operatorname{tr}\Sigma_{yy}$ with "
        r"unlimited pretext data and labels",
        _REMARK_2,
        ("n₀ ≤ m",),
        lambda rng: _learned(rng, rng.uniform(0.2, 1)),
        _nothing_is_left,
        lambda rng: _learned(rng, 2),
        "thm-constant-error",
    ),
    Theorem(
        "Better not to use them",
        _MODEL_FREE,
        r"for $n_0 \le m$ plain SSL with more than $k + 1 + kr/(\operatorname{tr}\Sigma_{yy} - r)$"
        r" labels has less risk than the processor with any, where "
        r"$k = \operatorname{rank}\Sigma_{xz}$ and $r$ is the best possible risk",
        _REMARK_2,
        ("n₀ ≤ m", "n₂ > k + 1 + k r / (tr Σ_yy − r)"),
        lambda rng: _learned(rng, 1),
        _plain_ssl_is_better,
        lambda rng: _learned(rng, 40),
        "thm-constant-error",
    ),
)
