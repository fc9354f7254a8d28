"""What a law says: sizes of effects, tests, predicted risks, and how sure the sample makes of them.

The bootstrap reads no row again. It weighs groups of rows by 1 + h or 1 - h and divides what
changes by h: a resample that repeats rows would fit their noise twice, small weights do not.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from sslboost.advice.law import law
from sslboost.core.linalg import RANK_RTOL, whitening
from sslboost.criteria import ci_defect, wilks_from_moments
from sslboost.uses import intercept
from sslboost.uses.innovation import innovation

#: By how much the bootstrap changes the weight of a group of rows.
_STEP = 0.25

#: What lies outside of an interval by chance, in both directions together.
ALPHA = 0.05

#: What others are compared with: what everybody has, of which the better counts.
REFERENCES = ("plain SSL", "guessing")


@dataclass(frozen=True)
class Effect:
    """A share of a variance, how sure the sample is of it, and a test of whether it is zero.

    Attributes
    ----------
    name, meaning : str
    estimate : float
    low, high : float or None
        Of the 95 % interval; None without a bootstrap.
    p_value : float or None
        None where there is nothing to test, or the rows are too few.
    """

    name: str
    meaning: str
    estimate: float
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True)
class Use:
    """A use of the labels: its predicted risk, and its ratio to that of the reference.

    Attributes
    ----------
    name : str
    risk : float
        As a share of the variance of y, so that 1 is its mean; infinite where the expectation is.
    low, high : float or None
        Of the 95 % interval.
    ratio, ratio_low, ratio_high : float or None
        Over the risk of plain SSL or of guessing, whichever is less; None for an infinite risk.
        The intervals hold for all uses together with 95 %.
    """

    name: str
    risk: float
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


def judge(labelled, rest, kept, labels, bootstrap, rng):
    """Return the effects, the uses and the law of a sample.

    Parameters
    ----------
    labelled, rest : Moments
        Of the columns that count, by groups of rows where there is a bootstrap.
    kept : Columns
    labels : int
        The budget.
    bootstrap : int
        Resamples; none for 0.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of Effect
    tuple of Use
    str
        The reference.
    Law
    """
    whole = law(labelled, rest, kept)
    sizes, defect = _sizes(whole.population)
    risks = _shares_of_y(whole.population, labels)
    if np.isfinite(risks["plain SSL"]):
        del risks["minimum norm"]  # which is plain SSL then
    moved = None
    if bootstrap:
        drawn = [
            _measured(law(labelled, rest, kept, 1 + _STEP * signs).population, labels, risks)
            for signs in rng.choice([-1.0, 1.0], (bootstrap, len(labelled.count)))
        ]
        moved = _Moved(*map(np.array, zip(*drawn, strict=True)), _freedom(labelled, bootstrap))
    reference = min(REFERENCES, key=risks.get)
    return (
        _effects(whole, sizes, defect, moved),
        _uses(risks, reference, moved),
        reference,
        whole,
    )


def _shares_of_y(population, labels):
    """Risks of the uses as shares of the variance of y."""
    risks = intercept.risks(population, labels)
    variance = np.trace(population.block("y", "y"))
    return {use: float(risk / variance) for use, risk in risks.items()}


def _freedom(labelled, bootstrap):
    """Degrees of freedom of a variance over as many groups, by as many resamples."""
    groups = int((labelled.count > 0).sum())
    return 1 / (1 / max(groups - 1, 1) + 1 / bootstrap)


@dataclass(frozen=True, eq=False)
class _Moved:
    """Of every resample: sizes, the defect that existence asks to vanish, logarithms of risks."""

    sizes: np.ndarray
    defects: np.ndarray
    logs: np.ndarray
    df: float

    def error(self, values):
        """Standard errors of what took these values in the resamples."""
        finite = np.where(np.isfinite(values).all(axis=0), values, np.nan)
        return finite.std(axis=0, ddof=1) / _STEP

    @property
    def reach(self):
        """Standard errors to either side of an estimate."""
        return stats.t.ppf(1 - ALPHA / 2, self.df)


def _measured(population, labels, uses):
    sizes, defect = _sizes(population)
    risks = _shares_of_y(population, labels)
    values = np.array([risks[use] for use in uses])
    return sizes, defect, _logs(values)


def _logs(values):
    return np.log(np.where(values > 0, values, np.nan))


def _sizes(p):
    """Shares: x of y, z of the rest, x of z beyond y, psi loses of y; and E[y | x]'s defect."""
    total, left = np.trace(p.block("y", "y")), np.trace(p.noise)
    told = innovation(p)
    defect = ci_defect(p)  # z is in standard deviations here
    lost = np.sum(p.K_y**2) - np.sum(told.B**2)
    sizes = [
        _share(total - left, total),
        _share(np.sum(told.told**2), left),
        _share(np.sum(defect**2), p.d_z),
        _share(lost, total),
    ]
    return np.array(sizes), (_frame(p.K_y).T @ defect).ravel() / math.sqrt(p.d_z)


def _share(part, whole):
    """part / whole, of which rounding counts for nothing."""
    share = part / whole if whole > 0 else 0.0
    return min(share, 1.0) if share > RANK_RTOL else 0.0


def _frame(K):
    """The orthonormal columns nearest to K: its directions, without a basis that may turn."""
    left, _, right = linalg.svd(K, full_matrices=False)
    return left @ right


_EFFECTS = (
    ("signal", "x explains of y"),
    ("innovation", "z explains of the rest of y"),
    ("C1 of x", "x tells of z beyond y"),
    ("C2 of psi", "psi loses of y"),
)


def _effects(whole, sizes, defect, moved):
    p = whole.population
    x, z, y = np.split(np.arange(len(whole.cov)), np.cumsum([p.d_x, p.d_z]))
    squares, *ranks = canonical_squares(whole.cov, x, np.concatenate([z, y]))
    p_values = [
        _wilks(whole, x, y),
        _wilks(whole, z, y, x),
        _wilks(whole, x, z, y),
        rank_test(squares, whole.labelled, *ranks, min(p.d_x, p.d_z)),
    ]
    low, high = [None] * 4, [None] * 4
    if moved:
        half = moved.reach * moved.error(moved.sizes)
        low, high = (np.clip(sizes + s * half, 0, 1).tolist() for s in (-1, 1))
    found = [
        Effect(*name, float(size), *rest)
        for name, size, *rest in zip(_EFFECTS, sizes, low, high, p_values, strict=True)
    ]
    return (*found, _existence(defect, moved))


def _existence(defect, moved):
    """The squared gap, less what noise adds to it, and Box's test of a sum of unequal squares."""
    name = ("existence", "E[y | x] tells of z beyond y")
    square = float(defect @ defect)
    if not moved:
        return Effect(*name, square, None, None, None)
    spread = (moved.defects - moved.defects.mean(axis=0)) / _STEP
    b, df = len(spread), moved.df
    gram = spread @ spread.T / (b - 1)  # its traces are those of the covariance
    one, two = np.trace(gram), np.sum(gram**2)
    half = moved.reach * np.std(np.sum(moved.defects**2, axis=1), ddof=1) / _STEP
    low, high = (max(square - one + s * half, 0.0) for s in (-1, 1))
    estimate = max(square - one, 0.0)
    two = max(df**2 / ((df - 1) * (df + 2)) * (two - one**2 / df), one**2 / spread.shape[1])
    if one <= RANK_RTOL:
        return Effect(*name, estimate, low, high, None)
    freedom = one**2 / two
    p_value = float(stats.f.sf(square / one, freedom, freedom * df))
    return Effect(*name, estimate, low, high, p_value)


def _wilks(whole, first, second, given=()):
    try:
        return wilks_from_moments(whole.cov, whole.labelled, first, second, given).p_value
    except ValueError:  # too few rows for so many columns
        return None


def rank_test(squares, n, p, q, rank):
    """Test that no more than ``rank`` canonical correlations of two groups of columns are not zero.

    Parameters
    ----------
    squares : array (min(p, q),)
        Of the sample's correlations, falling.
    n, p, q : int
        Rows, and ranks of the groups.
    rank : int

    Returns
    -------
    float or None
        The p value; None where there are no more correlations, or too few rows.

    Source: Bartlett (1947) with Lawley's (1959) correction.
    """
    kept, left = squares[:rank], squares[rank:]
    free = n - 1 - rank - (p + q + 1) / 2
    if not len(left) or free <= 0 or left[0] >= 1 or (kept <= 0).any():
        return None
    statistic = -(free + np.sum(1 / kept)) * np.log1p(-left).sum()
    return float(stats.chi2.sf(statistic, (p - rank) * (q - rank)))


def canonical_squares(cov, first, second):
    """Return the squared canonical correlations of two groups of columns, and their ranks.

    Parameters
    ----------
    cov : array (d, d)
    first, second : arrays of int
        Places of the columns.

    Returns
    -------
    array (min(p, q),)
    p, q : int
    """
    a, b = (whitening(cov[np.ix_(k, k)]) for k in (first, second))
    cross = b.whiten(a.whiten(cov[np.ix_(first, second)]).T)
    return np.minimum(np.square(linalg.svdvals(cross)), 1.0), a.rank, b.rank


def directions(whole):
    """Return how many directions of z the rows show x to predict, by tests one after the other.

    Parameters
    ----------
    whole : Law

    Returns
    -------
    int
        The least number that the test at 5 % does not reject.
    """
    p = whole.population
    x, z = np.arange(p.d_x), np.arange(p.d_x, p.d_x + p.d_z)
    squares, *ranks = canonical_squares(whole.cov, x, z)
    for rank in range(len(squares)):
        p_value = rank_test(squares, whole.labelled, *ranks, rank)
        if p_value is None or p_value >= ALPHA:
            return rank
    return len(squares)


def _uses(risks, reference, moved):
    names, values = list(risks), np.array(list(risks.values()))
    first = names.index(reference)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = values / values[first]
    unknown = np.full(len(names), np.nan)
    columns = [unknown, unknown, ratio, unknown, unknown]
    if moved:
        pairs = 2 * len(names) - 3  # with either reference, for the better one is chosen, too
        half = moved.reach * moved.error(moved.logs)
        with np.errstate(invalid="ignore"):
            apart = moved.logs - moved.logs[:, [first]]
        beside = stats.t.ppf(1 - ALPHA / 2 / pairs, moved.df) * moved.error(apart)
        columns[:2] = [values * np.exp(sign * half) for sign in (-1, 1)]
        columns[3:] = [ratio * np.exp(sign * beside) for sign in (-1, 1)]
    return tuple(
        Use(name, float(values[i]), *(_known(column[i]) for column in columns))
        for i, name in enumerate(names)
    )


def _known(value):
    return float(value) if np.isfinite(value) else None
