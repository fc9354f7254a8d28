"""Chapter 2: the criteria, when a processor meets them, and what each violation costs."""

from dataclasses import dataclass

import numpy as np

from sslboost import criteria
from sslboost.core.certificate import Certificate
from sslboost.population import GaussianPopulation, MixturePopulation
from sslboost.theorems._claims.representation import family, with_ci
from sslboost.theorems._theorem import FALSE_ALARM, Theorem, agrees, not_rejected

_CHAPTER = "02-criteria"
_SLIDE = 'slide "The Conditions That Processor f Needs to Satisfy'


def _any_function_meets_c1(population, rng, n=5000):
    """Eight random nonlinear functions of x pass the test of (C1)."""
    x, z, y = population.sample(n, rng)
    f = x @ rng.standard_normal((population.d_x, 8)) / 4
    f = np.hstack([np.tanh(f[:, :4]), np.sin(f[:, 4:])])
    return not_rejected(criteria.c1_test(f, z, y).p_value)


def _best_predictor_meets_both(population, rng, n=2000):
    x, z, y = population.sample(n, rng)
    f = x @ population.best_linear("y", "x").T
    return not_rejected(criteria.c1_test(f, z, y).p_value, criteria.c2_test(f, x, y).p_value)


def _no_other_is_better(population, rng, tries=200):
    """Least C1 gap, in raw covariances, of f that see all of U and more; none is below that of U.

    Wider processors come from one random direction beside U to all of them.
    """
    cov, gaps = population.block, []
    through_y = np.linalg.solve(cov("y", "y"), cov("y", "z"))
    beyond_y = (cov("x", "z") - cov("x", "y") @ through_y) / np.sqrt(np.diag(cov("z", "z")))
    for i in range(tries):
        beside = rng.standard_normal((i % (population.d_x - 1), population.d_x))
        A = np.concatenate([population.best_linear("y", "x"), beside])
        L = np.linalg.cholesky(A @ cov("x", "x") @ A.T)
        gaps.append(np.linalg.norm(np.linalg.solve(L, A @ beyond_y)))
    return Certificate("", float(min(gaps)), 1e-3, at_least=True)


@dataclass(frozen=True)
class _Cell:
    """A processor of the table {C1} x {C2}, and the risk curve claimed for it."""

    population: GaussianPopulation
    A: np.ndarray
    remaining: float
    k: int


def _cell(rng, claimed, processor=None):
    """The processor called ``processor`` under the claim about the one called ``claimed``."""
    population = family(rng, mix=rng.uniform(0, 0.3))
    strongest = np.sum((population.U[:, :1].T @ population.K_y) ** 2)
    d_y, d_z = population.d_y, population.d_z
    remaining, k = {
        "C1 and C2": (population.floor, d_y),
        "C2 only": (population.floor, d_z),
        "C1 only": (population.floor + strongest, d_y - 1),
        "neither": (population.floor + strongest, d_z - 1),
    }[claimed]
    A = criteria.four_processors(population)[processor or claimed]
    return _Cell(population, A, float(remaining), k)


def _simulated_curve(cell, rng, n2=60, repetitions=400):
    """Representations from covariances of f(x) and z, heads fitted to samples, exact scores."""
    risks = criteria.simulate_pipeline(cell.population, cell.A, n2, repetitions, rng)
    return agrees(risks, cell.remaining * (n2 - 1) / (n2 - cell.k - 1))


def _two_classes(rng, signs):
    """Classes whose covariances of x_2 and z_2 have the given signs."""
    rho, shift = rng.uniform(0.8, 0.95), rng.uniform(1, 2)
    cov = [np.eye(4) for _ in signs]
    for matrix, sign in zip(cov, signs, strict=True):
        matrix[1, 3] = matrix[3, 1] = sign * rho
    means = np.array([[0.0, 0.0], [shift, 0.0]])
    return MixturePopulation([0.5, 0.5], means, means, cov)


def _pooled_holds_and_per_class_fails(mixture, rng, n=400):
    """The larger of two ratios to the level: of one p-value to it, and of it to the other."""
    sample = mixture.sample(n, rng)
    pooled = criteria.c1_test_pooled(*sample).p_value
    per_class = criteria.c1_test_per_class(*sample).p_value
    with np.errstate(divide="ignore"):
        return Certificate("", float(max(per_class / FALSE_ALARM, FALSE_ALARM / pooled)), 1.0)


def _processor(name, statement, claimed, swapped, assumption):
    return Theorem(
        name,
        _CHAPTER,
        statement,
        f'{_SLIDE} (Cont.)"',
        (assumption,),
        lambda rng: _cell(rng, claimed),
        _simulated_curve,
        lambda rng: _cell(rng, claimed, swapped),
        "thm-pipeline",
    )


THEOREMS = (
    Theorem(
        "(C1) relaxes conditional independence",
        _CHAPTER,
        r"under conditional independence every function of $x$ meets (C1), linear or not",
        f'{_SLIDE}"',
        ("x and z independent given y",),
        with_ci,
        _any_function_meets_c1,
        family,
        "thm-relaxation",
    ),
    Theorem(
        "Existence",
        _CHAPTER,
        r"where $\mathbb E[y \mid x]$ meets (C1), it meets (C2) as well: some $f$ meets both",
        'slide "Can Pretext-Based SSL Be Boosted? (Cont.)", "if such processor f exists"',
        ("E[y | x] meets (C1)",),
        lambda rng: family(rng, mix=0.5),
        _best_predictor_meets_both,
        lambda rng: family(rng, leak=1.0),
        "thm-existence",
    ),
    Theorem(
        "Existence is necessary",
        _CHAPTER,
        r"where $\mathbb E[y \mid x]$ fails (C1), every $f$ that meets (C2) fails it too",
        'slide "Can Pretext-Based SSL Be Boosted? (Cont.)", "if such processor f exists"',
        ("E[y | x] fails (C1)", "f meets (C2)"),
        lambda rng: family(rng, leak=rng.uniform(0.5, 2)),
        _no_other_is_better,
        family,
        "thm-existence",
    ),
    _processor(
        "Processor with (C1) and (C2)",
        r"risk $\operatorname{tr}\operatorname{Cov}[y \mid x]\,(n_2-1)/(n_2-d_y-1)$: "
        r"boosted, as under conditional independence",
        "C1 and C2",
        "C2 only",
        "f meets (C1)",
    ),
    _processor(
        "Processor with (C2) alone",
        r"risk $\operatorname{tr}\operatorname{Cov}[y \mid x]\,(n_2-1)/(n_2-d_z-1)$: "
        r"nothing gained over plain SSL",
        "C2 only",
        "C1 and C2",
        "f keeps every direction that explains z",
    ),
    _processor(
        "Processor with (C1) alone",
        "a constant is added to the risk that no number of labels removes",
        "C1 only",
        "C1 and C2",
        "f drops a direction that explains y",
    ),
    _processor(
        "Processor with neither",
        r"the constant and $d_z-1$ numbers to fit are both paid for",
        "neither",
        "C2 only",
        "f drops a direction that explains y",
    ),
    Theorem(
        "(C1) pooled and per class",
        _CHAPTER,
        r"for discrete $y$, $\mathbb E\operatorname{Cov}[f(x), z \mid y] = 0$ does not "
        r"give (C1) within the classes",
        f'{_SLIDE}", (C1) for a class label',
        ("classes with opposite covariances",),
        lambda rng: _two_classes(rng, (1, -1)),
        _pooled_holds_and_per_class_fails,
        lambda rng: _two_classes(rng, (1, 1)),
        "def-pooled",
    ),
)
