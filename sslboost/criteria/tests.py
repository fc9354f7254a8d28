"""The two criteria on samples: plug-in estimates of the gaps, and calibrated tests."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from sslboost.core.linalg import RANK_RTOL, centred, column_scale, numerical_rank, whitening
from sslboost.core.validation import as_count, as_labels, as_rng, as_samples
from sslboost.population import GaussianPopulation


def empirical(X, Z, Y):
    """Return the Gaussian population with the sample's second moments.

    :func:`sslboost.criteria.c1_gap` and :func:`sslboost.criteria.c2_gap` of it are the plug-in
    estimates of the gaps. They are positive even where a criterion holds; :func:`c1_test` and
    :func:`c2_test` decide.

    Parameters
    ----------
    X, Z, Y : arrays (n, d_x), (n, d_z), (n, d_y)

    Returns
    -------
    GaussianPopulation
        With the covariances of the centred rows, divided by n.

    Raises
    ------
    ValueError
        If the arrays do not match.

    Source: slide "The Conditions That Processor f Needs to Satisfy", sample form.
    """
    X, Z, Y = as_samples(X=X, Z=Z, Y=Y)
    rows, _ = centred(np.concatenate([X, Z, Y], axis=1))
    return GaussianPopulation(rows.T @ rows / len(rows), X.shape[1], Z.shape[1], Y.shape[1])


@dataclass(frozen=True)
class CriterionTest:
    """A test of the hypothesis that a criterion holds.

    Parameters
    ----------
    statistic : float
        Value of the test statistic; large values speak against the criterion.
    df : tuple of float
        Degrees of freedom of its F (two) or chi-square (one) law; none where rows are permuted.
    p_value : float
        Probability of a value this large where the criterion holds.
    parts : tuple of CriterionTest
        The tests within each class, where there are such.
    """

    statistic: float
    df: tuple
    p_value: float
    parts: tuple = ()


def c1_test(F, Z, Y):
    """Test Cov[f(x), z | y] = 0 by Wilks' Lambda of the partial covariance.

    Exact for Gaussian rows when rank F or rank Z is at most 2, and accurate to Rao's approximation
    otherwise; it needs only one of F and Z to be Gaussian with constant covariance given Y and the
    other. Redundant columns are counted by rank; features that Y determines meet (C1) with p-value
    1. Where both have heavy tails, or covariances that change with Y, it rejects too often:
    :func:`sslboost.criteria.c1_test_permuted_residuals` and :func:`c1_test_pooled` do not.

    Parameters
    ----------
    F, Z, Y : arrays (n, d_f), (n, d_z), (n, d_y)
        Processed inputs, pretext labels and downstream labels.

    Returns
    -------
    CriterionTest

    Raises
    ------
    ValueError
        If rows do not match, an array is constant, or n does not exceed the sum of the ranks.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1); Rao (1951).
    """
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    return _wilks_test(("F", F), ("Z", Z), _span("Y", Y))


def c2_test(F, X, Y):
    """Test that x adds nothing to the best linear prediction of y from f(x).

    This is :func:`c1_test` with the roles (x, y | f), under the same conditions.

    Parameters
    ----------
    F, X, Y : arrays (n, d_f), (n, d_x), (n, d_y)
        Processed inputs, inputs and downstream labels.

    Returns
    -------
    CriterionTest

    Raises
    ------
    ValueError
        If rows do not match, an array is constant, or n does not exceed the sum of the ranks.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C2); Rao (1951).
    """
    F, X, Y = as_samples(F=F, X=X, Y=Y)
    return _wilks_test(("X", X), ("Y", Y), _span("F", F))


def c1_test_per_class(F, Z, labels):
    """Test Cov[f(x), z | y = c] = 0 for every class c.

    One Wilks test within each class, exact as in :func:`c1_test` and free to have its own
    covariance; the independent p-values are combined by Fisher's chi-square.

    Parameters
    ----------
    F, Z : arrays (n, d_f), (n, d_z)
    labels : array (n,)
        Whole numbers, of any convention.

    Returns
    -------
    CriterionTest
        Whose ``parts`` are the tests of the classes in increasing order of label.

    Raises
    ------
    ValueError
        If rows do not match, or a class is too small or has constant features.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1) for discrete y.
    """
    F, Z = as_samples(F=F, Z=Z)
    labels = as_labels("labels", labels, rows=len(F))
    parts = []
    for label in np.unique(labels):
        rows = labels == label
        named = [(f"{name} in class {label}", A[rows]) for name, A in [("F", F), ("Z", Z)]]
        parts.append(_wilks_test(*named, _nothing(rows.sum())))
    return _fisher(parts)


def c1_test_pooled(F, Z, labels):
    """Test E Cov[f(x), z | y] = 0, allowing every class its own covariance.

    Classes with opposite covariances meet the hypothesis, yet break the equal-covariance
    assumption of Wilks' Lambda. The products of class-centred features are averaged instead,
    and Hotelling's T^2 uses their sample covariance (a sandwich estimate): calibrated as n
    grows for any law with fourth moments.

    Parameters
    ----------
    F, Z : arrays (n, d_f), (n, d_z)
    labels : array (n,)
        Whole numbers, of any convention.

    Returns
    -------
    CriterionTest

    Raises
    ------
    ValueError
        If rows do not match, features are constant, or n does not exceed the number of classes
        plus rank F times rank Z.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1) on average over y;
    White (1980).
    """
    F, Z = as_samples(F=F, Z=Z)
    n = len(F)
    labels = as_labels("labels", labels, rows=n)
    _, indicators = _by_class(labels)
    P, Q = (_span(name, A, indicators).basis for name, A in [("F", F), ("Z", Z)])
    df = n - indicators.basis.shape[1]
    if df <= P.shape[1] * Q.shape[1]:
        raise ValueError(
            f"n must exceed the classes and rank F times rank Z together, got n = {n} with "
            f"{n - df} classes and ranks {P.shape[1]} and {Q.shape[1]}"
        )
    products = n * (P[:, :, None] * Q[:, None, :]).reshape(n, -1)
    # Features that never vary in the same class: in units of theirs the product is rounding.
    products, mean = centred(np.where(column_scale(products) > RANK_RTOL, products, 0.0))
    white = whitening(products.T @ products / df)
    t = white.whiten(mean[:, None])
    # A mean without variance is certain; below this size it could be that of what was cut off.
    if np.linalg.norm(mean - (white.root @ t)[:, 0]) > math.sqrt(RANK_RTOL):
        return CriterionTest(math.inf, (white.rank + 1, df - white.rank), 0.0)
    if (rank := white.rank) == 0:
        return CriterionTest(0.0, (0, df), 1.0)
    df2 = df - rank + 1
    statistic = float(n * np.sum(t**2) * df2 / (df * rank))
    return CriterionTest(statistic, (rank, df2), float(stats.f.sf(statistic, rank, df2)))


def c1_test_permuted(F, Z, labels, *, permutations=999, rng=None):
    """Test f(x) independent of z given y, by permuting the rows of z within every class.

    Exact for independent rows of any law, heavy tails included: where the hypothesis holds, the
    p-value is at most alpha with probability at most alpha. It sees what the average covariance
    within the classes shows; classes with opposite covariances look alike.

    Parameters
    ----------
    F, Z : arrays (n, d_f), (n, d_z)
    labels : array (n,)
        Whole numbers, of any convention.
    permutations : int
        The smallest p-value is one over their number plus one.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    CriterionTest
        The mean squared canonical correlation within the classes, and no degrees of freedom.

    Raises
    ------
    ValueError
        If rows do not match, features are constant, or the rank of F or of Z reaches n less the
        number of classes, where every permutation fits as well.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1) for discrete y;
    Phipson and Smyth (2010) for the p-value.
    """
    F, Z = as_samples(F=F, Z=Z)
    labels = as_labels("labels", labels, rows=len(F))
    permutations, rng = as_count("permutations", permutations), as_rng(rng)
    classes, indicators = _by_class(labels)
    P, Q = (_span(name, A, indicators).basis for name, A in [("F", F), ("Z", Z)])
    n, ranks = len(F), (P.shape[1], Q.shape[1])
    if max(ranks) >= n - indicators.basis.shape[1]:
        raise ValueError(
            f"n must exceed the classes and the ranks of F and Z, got n = {n} with "
            f"{indicators.basis.shape[1]} classes and ranks {ranks[0]} and {ranks[1]}"
        )
    if min(ranks) == 0:
        return CriterionTest(0.0, (), 1.0)
    observed = np.sum(np.square(P.T @ Q))
    P = P[np.argsort(classes, kind="stable")]
    reached = sum(
        np.sum(np.square(P.T @ Q[np.lexsort((rng.random(n), classes))])) >= observed - RANK_RTOL
        for _ in range(permutations)
    )
    p_value = (1 + reached) / (1 + permutations)
    return CriterionTest(float(observed / min(ranks)), (), float(p_value))


@dataclass(frozen=True, eq=False)
class _Span:
    """Orthonormal columns, and how much larger the numbers were that they were computed from."""

    basis: np.ndarray
    rounding: float


def _fisher(parts):
    """Fisher's combination of independent tests."""
    with np.errstate(divide="ignore"):
        statistic = -2 * np.log([part.p_value for part in parts]).sum()
    df = 2 * len(parts)
    p_value = stats.chi2.sf(statistic, df)
    return CriterionTest(float(statistic), (df,), float(p_value), tuple(parts))


def _by_class(labels):
    """The class of every row, and the span of the indicators of the classes."""
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return classes, _Span(np.eye(len(sizes))[classes] / np.sqrt(sizes), 1.0)


def _nothing(n):
    return _Span(np.empty((n, 0)), 0.0)


def _span(name, X, given=None):
    """The span of the centred columns of X less their part in another span.

    Columns count in their own units, so that units cannot change a rank; nor can a shift, since
    digits lost to the mean, here or in what is given, are not taken for a direction.
    """
    n, columns = X.shape
    given = given or _nothing(n)
    X, mean = centred(X)
    if not X.any():
        raise ValueError(f"{name} must vary from row to row, got {columns} constant columns")
    sd = column_scale(X)
    size = np.abs(mean) + sd * (1 + given.rounding)
    units = column_scale(X, size)
    X = X / (units * math.sqrt(n))
    X = X - given.basis @ (given.basis.T @ X)
    left, values, _ = linalg.svd(X, full_matrices=False)
    rank = numerical_rank(values)
    least = values[rank - 1] if rank else 1.0
    return _Span(left[:, :rank], float((size / units).max() / least))


def _wilks_test(first, second, given):
    """Wilks' Lambda of two named samples given a span, by Rao's F."""
    P, Q = _span(*first, given).basis, _span(*second, given).basis
    n, p, q, g = len(P), P.shape[1], Q.shape[1], given.basis.shape[1]
    names = tuple(sample[0] for sample in (first, second))
    return _rao_test(np.linalg.svd(P.T @ Q, compute_uv=False), n, p, q, g, names)


def _rao_test(correlations, n, p, q, g, names=("first", "second")):
    """Test two samples given a third by Rao's F of Wilks' Lambda.

    Parameters
    ----------
    correlations : array (k,)
        The canonical ones of the first and the second sample given the third.
    n, p, q, g : int
        Rows, and ranks of the three.
    names : tuple of two str
        Of the samples, for the message.

    Returns
    -------
    CriterionTest

    Source: Rao (1951).
    """
    error_df = n - 1 - g - q
    if error_df < p or g >= n - 1:
        raise ValueError(
            f"n must exceed the ranks of {names[0]}, {names[1]} and what is given, "
            f"got n = {n} with ranks {p}, {q} and {g}"
        )
    df1 = p * q
    if df1 == 0:
        return CriterionTest(0.0, (0, error_df), 1.0)
    r = np.minimum(correlations, 1.0)
    s = math.sqrt((df1**2 - 4) / (p**2 + q**2 - 5)) if p**2 + q**2 > 5 else 1.0
    df2 = s * (error_df + q - (p + q + 1) / 2) - (df1 - 2) / 2
    with np.errstate(divide="ignore"):
        log_root = np.log1p(-(r**2)).sum() / s
        statistic = np.expm1(-log_root) * df2 / df1
    return CriterionTest(float(statistic), (df1, df2), float(stats.f.sf(statistic, df1, df2)))
