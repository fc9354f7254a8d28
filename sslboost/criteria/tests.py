"""The two criteria on samples: plug-in estimates of the gaps, and calibrated tests."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sslboost.core.linalg import RANK_RTOL, range_basis, whitening
from sslboost.core.validation import as_samples
from sslboost.population import GaussianPopulation


def empirical(X, Z, Y):
    """Return the Gaussian population with the sample's second moments.

    :func:`c1_gap` and :func:`c2_gap` of it are the plug-in estimates of the gaps. They are
    positive even where a criterion holds; :func:`c1_test` and :func:`c2_test` decide.

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
    rows = np.concatenate([X, Z, Y], axis=1)
    rows = rows - rows.mean(axis=0)
    return GaussianPopulation(rows.T @ rows / len(rows), X.shape[1], Z.shape[1], Y.shape[1])


@dataclass(frozen=True)
class CriterionTest:
    """A test of the hypothesis that a criterion holds.

    Parameters
    ----------
    statistic : float
        Value of the test statistic; large values speak against the criterion.
    df : tuple of float
        Degrees of freedom of its F (two) or chi-square (one) law.
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

    Exact for Gaussian rows when rank F or rank Z is at most 2, and accurate to Rao's
    approximation otherwise; it needs only one of F and Z to be Gaussian with constant
    covariance given Y and the other. Redundant columns are counted by rank; features that Y
    determines meet (C1) with p-value 1.

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
    return _wilks_test(("F", F), ("Z", Z), _orthonormal_columns("Y", Y))


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
    return _wilks_test(("X", X), ("Y", Y), _orthonormal_columns("F", F))


def c1_test_per_class(F, Z, labels):
    """Test Cov[f(x), z | y = c] = 0 for every class c.

    One Wilks test within each class, exact as in :func:`c1_test` and free to have its own
    covariance; the independent p-values are combined by Fisher's chi-square.

    Parameters
    ----------
    F, Z : arrays (n, d_f), (n, d_z)
    labels : array of int (n,)

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
    parts = []
    for label in np.unique(_as_labels(labels, len(F))):
        rows = np.asarray(labels) == label
        named = [(f"{name} in class {label}", A[rows]) for name, A in [("F", F), ("Z", Z)]]
        parts.append(_wilks_test(*named, np.empty((rows.sum(), 0))))
    with np.errstate(divide="ignore"):
        statistic = -2 * np.log([part.p_value for part in parts]).sum()
    df = 2 * len(parts)
    p_value = stats.chi2.sf(statistic, df)
    return CriterionTest(float(statistic), (df,), float(p_value), tuple(parts))


def c1_test_pooled(F, Z, labels):
    """Test E Cov[f(x), z | y] = 0, allowing every class its own covariance.

    Classes with opposite covariances meet the hypothesis, yet break the equal-covariance
    assumption of Wilks' Lambda. The products of class-centred features are averaged instead,
    and Hotelling's T^2 uses their sample covariance (a sandwich estimate): calibrated as n
    grows for any law with fourth moments.

    Parameters
    ----------
    F, Z : arrays (n, d_f), (n, d_z)
    labels : array of int (n,)

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
    _, classes, sizes = np.unique(_as_labels(labels, n), return_inverse=True, return_counts=True)
    indicators = np.eye(len(sizes))[classes] / np.sqrt(sizes)
    P, Q = (_residual_basis(name, A, indicators) for name, A in [("F", F), ("Z", Z)])
    products = n * (P[:, :, None] * Q[:, None, :]).reshape(n, -1)
    df = n - len(sizes)
    if df <= products.shape[1]:
        raise ValueError(
            f"n must exceed the classes and rank F times rank Z together, got n = {n} with "
            f"{len(sizes)} classes and ranks {P.shape[1]} and {Q.shape[1]}"
        )
    mean = products.mean(axis=0)
    white = whitening((products - mean).T @ (products - mean) / df)
    if (rank := white.rank) == 0:
        return CriterionTest(0.0, (0, df), 1.0)
    t_squared = n * np.sum(white.whiten(mean[:, None]) ** 2)
    df2 = df - rank + 1
    statistic = float(t_squared * df2 / (df * rank))
    return CriterionTest(statistic, (rank, df2), float(stats.f.sf(statistic, rank, df2)))


def _as_labels(labels, n):
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {n} integers, got {labels.dtype} array of shape {labels.shape}"
        )
    return labels


def _orthonormal_columns(name, X):
    """Orthonormal basis (n, rank) of the centred columns of X."""
    return _residual_basis(name, X, np.empty((len(X), 0)))


def _residual_basis(name, X, given):
    """Orthonormal basis of the centred columns of X less their part in ``given``.

    ``given`` has orthonormal columns. Columns count in units of their own length, so that
    units cannot change a rank.
    """
    size = np.abs(X).max(axis=0, initial=0)
    X = X - X.mean(axis=0) if len(X) else X
    length = np.linalg.norm(X, axis=0)
    kept = length > RANK_RTOL * np.sqrt(len(X)) * size
    if not kept.any():
        raise ValueError(f"{name} must vary from row to row, got {X.shape[1]} constant columns")
    X = X[:, kept] / length[kept]
    return range_basis(X - given @ (given.T @ X))


def _wilks_test(first, second, given):
    """Wilks' Lambda of two named samples given orthonormal columns, by Rao's F."""
    P, Q = _residual_basis(*first, given), _residual_basis(*second, given)
    n, p, q, g = len(P), P.shape[1], Q.shape[1], given.shape[1]
    error_df = n - 1 - g - q
    if error_df < p:
        raise ValueError(
            f"n must exceed the ranks of {first[0]}, {second[0]} and what is given, "
            f"got n = {n} with ranks {p}, {q} and {g}"
        )
    df1 = p * q
    if df1 == 0:
        return CriterionTest(0.0, (0, error_df), 1.0)
    r = np.minimum(np.linalg.svd(P.T @ Q, compute_uv=False), 1.0)
    s = math.sqrt((df1**2 - 4) / (p**2 + q**2 - 5)) if p**2 + q**2 > 5 else 1.0
    df2 = s * (error_df + q - (p + q + 1) / 2) - (df1 - 2) / 2
    with np.errstate(divide="ignore"):
        log_root = np.log1p(-(r**2)).sum() / s
        statistic = np.expm1(-log_root) * df2 / df1
    return CriterionTest(float(statistic), (df1, df2), float(stats.f.sf(statistic, df1, df2)))
