"""Chapter 9: what no method can do better."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from sslboost.core.certificate import Certificate
from sslboost.theorems._theorem import FALSE_ALARM, Theorem, agrees
from sslboost.uses import limit

_CHAPTER = "09-what-labels-can-buy"
_BEYOND = "beyond the slides"


@dataclass(frozen=True)
class _Bound:
    """A family of populations with existence, and a bound claimed for every method."""

    tau: np.ndarray
    c: float
    left: float
    n2: int
    claimed: float


def _bounded(rng, given, least=1.0, n2=240):
    """The bound for what is left of y given both; or, which is too much, given x alone.

    Three directions, of which each tells between ``least`` and all of what the last tells: with
    three of them a bound for one more is above what the best head attains.
    """
    k2, rho = rng.uniform(0.3, 0.7), rng.uniform(0.5, 0.8)
    tau, c, left = limit.isotropic(k2, rho, 3)
    tau = tau * np.linspace(least, 1, 3)
    problem = _Bound(tau, c, left, n2, limit.with_existence(tau, c, left, n2))
    return problem if given == "both" else replace(problem, claimed=(1 - k2) * 2 / n2)


def _of_the_design(rng, given):
    """The mean of the sharper bound, at ten labels for each direction."""
    p = _bounded(rng, "both", n2=30)
    draws = limit.given_design(p.tau, p.c, p.left, p.n2, 20_000, rng)
    claimed = draws.mean() if given == "both" else draws.mean() * (1 + p.c**2 * p.tau[0])
    return replace(p, claimed=float(claimed))


def _samples(problem, rng, repetitions, heads):
    """Gram matrices of the augmented features, heads of the ellipsoid, and what ridge finds."""
    p, d = problem, len(problem.tau)
    axes = np.sqrt(p.left / (p.c * (1 - p.c * p.tau)))
    beta = rng.standard_normal((repetitions, d, heads))
    beta = axes[:, None] * beta / np.linalg.norm(beta, axis=1, keepdims=True)
    u = rng.standard_normal((repetitions, p.n2, d)) * np.sqrt(1 + p.c**2 * p.tau)
    y = u @ beta + np.sqrt(p.left) * rng.standard_normal((repetitions, p.n2, heads))
    gram = u.mT @ u
    found = np.linalg.solve(gram + p.left * d * np.diag(axes**-2), u.mT @ y)
    return axes, gram, beta, found


def _no_head_is_better(problem, rng):
    """The ridge head, and that head brought to the ellipsoid that the true one is of."""
    axes, _, beta, found = _samples(problem, rng, 300, 50)
    known = found / np.linalg.norm(found / axes[:, None], axis=1, keepdims=True)
    draws = [np.sum((head - beta) ** 2, axis=1).mean(axis=1) for head in (found, known)]
    best = min(draws, key=np.mean)
    error = stats.norm.isf(FALSE_ALARM) * stats.sem(best)
    return Certificate("", float(best.mean()), problem.claimed, float(error), at_least=True)


def _told(rng, penalty):
    """What the ridge head attains, here claimed for ``penalty`` times the penalty."""
    problem = _bounded(rng, "both", n2=12)
    return replace(problem, claimed=penalty)


def _ridge_attains(problem, rng):
    """Its error less the claim for the same features, over heads and features."""
    p, d = problem, len(problem.tau)
    axes, gram, beta, found = _samples(p, rng, 8000, 40)
    matrix = gram / p.left + problem.claimed * d * np.diag(axes**-2)
    said = np.einsum("bii->b", np.linalg.solve(matrix, np.broadcast_to(np.eye(d), matrix.shape)))
    return agrees(np.sum((found - beta) ** 2, axis=1).mean(axis=1) - said, 0.0)


@dataclass(frozen=True)
class _Several:
    """Labels that share orthonormal directions of psi, each with a length and a share of its own.

    With T = tau I the law has C = diag(lengths2) and R = C diag(c), and existence holds.
    """

    d: int
    tau: float
    c: np.ndarray
    lengths2: np.ndarray
    n2: int
    claimed: float

    @property
    def left(self):
        """Variances of the labels given x and z."""
        return (1 - self.c * self.tau) * self.c * self.lengths2


def _several(rng, others):
    """Two labels, each bounded with the direction of the other known; or as if it were alone."""
    tau, c, lengths2 = 0.4, rng.uniform(0.5, 1.5, 2), rng.uniform(0.5, 1, 2)
    problem = _Several(4, tau, c, lengths2, 400, 0.0)
    free = problem.d - 1 - others
    bounds = [
        limit.with_existence(np.full(free + 1, tau), one, left, problem.n2)
        for one, left in zip(c, problem.left, strict=True)
    ]
    return replace(problem, claimed=float(sum(bounds)))


def _no_heads_are_better(problem, rng, repetitions=1500):
    """Least squares of each label on its own features, told the other's direction and the length.

    Whoever is told more does no worse, so that the bound lies close below.
    """
    p, labels = problem, range(len(problem.c))
    draws = np.zeros(repetitions)
    frame = np.linalg.qr(rng.standard_normal((repetitions, p.d, len(labels))))[0]
    for j in labels:
        u = rng.standard_normal((repetitions, p.n2, p.d)) * np.sqrt(1 + p.c[j] ** 2 * p.tau)
        beta = frame[:, :, [j]] * np.sqrt(p.lengths2[j])
        y = u @ beta + np.sqrt(p.left[j]) * rng.standard_normal((repetitions, p.n2, 1))
        found = np.linalg.solve(u.mT @ u, u.mT @ y)
        others = np.delete(frame, j, axis=2)
        found -= others @ (others.mT @ found)
        found *= np.sqrt(p.lengths2[j]) / np.linalg.norm(found, axis=1, keepdims=True)
        draws += np.sum((found - beta) ** 2, axis=(1, 2))
    error = stats.norm.isf(FALSE_ALARM) * stats.sem(draws)
    return Certificate("", float(draws.mean()), p.claimed, float(error), at_least=True)


@dataclass(frozen=True)
class _Prior:
    """Sizes of a regression on d features beside others, and its claimed minimax risk."""

    d: int
    others: int
    n2: int
    claimed: float


def _diffuse(rng, others):
    d, beside, n2 = 4, 5, int(rng.integers(18, 30))
    return _Prior(d, beside, n2, limit.given_both([[1.0]], d, others, n2))


def _bayes_risk(problem, rng, repetitions=4000, spread=1e6):
    """Of the posterior mean under a wide Gaussian prior, which no method can better."""
    size = problem.d + problem.others
    X = rng.standard_normal((repetitions, problem.n2, size))
    precision = X.mT @ X + np.eye(size) / spread
    first = np.eye(size)[:, : problem.d]
    draws = np.einsum("bii->b", first.T @ np.linalg.solve(precision, first))
    return agrees(draws, problem.claimed)


THEOREMS = (
    Theorem(
        "Minimax without existence",
        _CHAPTER,
        r"a diffuse prior makes $\operatorname{tr}(S)\,d/(n_2-d-d_\zeta-1)$ the risk of the best "
        "method",
        _BEYOND,
        ("the coefficients of the innovation are unknown",),
        lambda rng: _diffuse(rng, 5),
        _bayes_risk,
        lambda rng: _diffuse(rng, 0),
        "thm-limit-every-method",
    ),
    Theorem(
        "A limit with existence",
        _CHAPTER,
        r"no method has mean excess below $(d-1)S/(n_2a + (d-1)S/k^2)$, "
        r"$a = 1 + \rho(1-k^2)/k^2$",
        _BEYOND,
        ("S is what is left of y given x and z, and not given x",),
        lambda rng: _bounded(rng, "both"),
        _no_head_is_better,
        lambda rng: _bounded(rng, "x"),
        "thm-limit-every-method",
    ),
    Theorem(
        "A limit where directions differ",
        _CHAPTER,
        r"no method has mean excess below $((d-1)/d)^2\sum_i l_i^2/(np_i/S + (d-1)^2/d)$",
        _BEYOND,
        ("S is what is left of y given x and z, and not given x",),
        lambda rng: _bounded(rng, "both", rng.uniform(0.6, 0.9)),
        _no_head_is_better,
        lambda rng: _bounded(rng, "x", rng.uniform(0.6, 0.9)),
        "thm-limit-every-method",
    ),
    Theorem(
        "A limit for the features at hand",
        _CHAPTER,
        r"nor below $((d-1)/d)^2\,\mathbb E\operatorname{tr}L^2(p(\mathcal I) + (d-1)^2I/d)^{-1}$",
        _BEYOND,
        ("the innovation tells of the head as well",),
        lambda rng: _of_the_design(rng, "both"),
        _no_head_is_better,
        lambda rng: _of_the_design(rng, "x"),
        "thm-limit-every-method",
    ),
    Theorem(
        "A limit for several labels",
        _CHAPTER,
        r"no method has mean excess below $\sum_j(d-d_y)S_j/(na_j + (d-d_y)S_j/l_j^2)$",
        _BEYOND,
        ("what the directions of the other labels leave is unknown of each",),
        lambda rng: _several(rng, others=1),
        _no_heads_are_better,
        lambda rng: _several(rng, others=0),
        "thm-limit-every-method",
    ),
    Theorem(
        "What ridge attains",
        _CHAPTER,
        r"in the isotropic case the ridge penalty $Sd/k^2$ has the excess "
        r"$\mathbb E\operatorname{tr}(\mathcal W/S + (d/k^2)I)^{-1}$",
        _BEYOND,
        ("the penalty is Sd / k²",),
        lambda rng: _told(rng, 1.0),
        _ridge_attains,
        lambda rng: _told(rng, 0.5),
        "thm-limit-every-method",
    ),
)
