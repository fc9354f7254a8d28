"""Tests of the criteria by permuting residuals, for rows that are not Gaussian."""

import numpy as np

from sslboost.core.linalg import RANK_RTOL
from sslboost.core.validation import as_count, as_labels, as_rng, as_samples
from sslboost.criteria.mixed import _given
from sslboost.criteria.tests import CriterionTest, _span

#: Numbers that one batch of permuted rows may hold.
_BATCH = 2**20


def c1_test_permuted_residuals(F, Z, Y, labels=None, *, permutations=999, rng=None):
    """Test f(x) independent of z given y, by permuting what y leaves of f(x).

    What is linear in y is removed from F and Z, within every class where there are classes; the
    rows of what is left of F are permuted within the classes, and what is then linear in y is
    removed again (Freedman and Lane). It needs no Gaussian rows, nor moments: F less its mean
    given y has to be independent of the rest within a class, where every class may have a law of
    its own. The p-value is exact only as n grows, since residuals have been fitted and cannot be
    exchanged exactly; it sees what the average covariance within the classes shows. With classes
    alone, :func:`sslboost.criteria.c1_test_permuted` is exact.

    Parameters
    ----------
    F, Z, Y : arrays (n, d_f), (n, d_z), (n, d_y)
        Processed inputs, pretext labels and the continuous part of the downstream labels.
    labels : array (n,), optional
        Whole numbers, of any convention: their classes.
    permutations : int
        The smallest p-value is one over their number plus one.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    CriterionTest
        The mean squared canonical correlation of the residuals (Pillai's trace over the smaller
        rank), and no degrees of freedom.

    Raises
    ------
    ValueError
        If rows do not match, an array is constant, or the rank of F or of Z reaches what y leaves
        of n, where every permutation fits as well.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1); Freedman and Lane
    (1983); Phipson and Smyth (2010) for the p-value.
    """
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    classes = np.zeros(len(F), int) if labels is None else as_labels("labels", labels, rows=len(F))
    given = _given(Y, classes)
    return _permuted(("F", F), ("Z", Z), given, classes, permutations, rng)


def c2_test_permuted_residuals(F, X, Y, *, permutations=999, rng=None):
    """Test that x adds nothing to f(x) about y, by permuting what f(x) leaves of x.

    This is :func:`c1_test_permuted_residuals` with the roles (x, y | f), and as exact: x less its
    linear prediction from f(x) has to be independent of the rest. A label with classes enters as
    columns of zeros and ones.

    Parameters
    ----------
    F, X, Y : arrays (n, d_f), (n, d_x), (n, d_y)
        Processed inputs, inputs and downstream labels.
    permutations : int
        The smallest p-value is one over their number plus one.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    CriterionTest
        As of :func:`c1_test_permuted_residuals`.

    Raises
    ------
    ValueError
        If rows do not match, an array is constant, or the rank of X or of Y reaches what f(x)
        leaves of n, where every permutation fits as well.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C2); Freedman and Lane
    (1983); Phipson and Smyth (2010) for the p-value.
    """
    F, X, Y = as_samples(F=F, X=X, Y=Y)
    one_class = np.zeros(len(F), int)
    return _permuted(("X", X), ("Y", Y), _span("F", F), one_class, permutations, rng)


def _permuted(first, second, given, classes, permutations, rng):
    """Freedman and Lane's test of two named samples given a span, within classes."""
    permutations, rng = as_count("permutations", permutations), as_rng(rng)
    order = np.argsort(classes, kind="stable")
    P, Q = (_span(*named, given).basis[order] for named in (first, second))
    G, classes, n = given.basis[order], classes[order], len(order)
    ranks = (P.shape[1], Q.shape[1])
    if max(ranks) >= n - 1 - G.shape[1]:
        raise ValueError(
            f"n must exceed one more than the rank of what is given and that of {first[0]} or "
            f"{second[0]}, got n = {n} with {G.shape[1]} given and ranks {ranks[0]} and {ranks[1]}"
        )
    if min(ranks) == 0:
        return CriterionTest(0.0, (), 1.0)
    observed = np.sum(np.square(P.T @ Q))
    batch = max(1, _BATCH // (n * (1 + ranks[0])))
    reached = 0
    for done in range(0, permutations, batch):
        size = min(batch, permutations - done)
        rows = np.argsort(classes + rng.random((size, n)), axis=1)
        reached += np.sum(_traces(P[rows], Q, G) >= observed - RANK_RTOL)
    p_value = (1 + reached) / (1 + permutations)
    return CriterionTest(float(observed / min(ranks)), (), float(p_value))


def _traces(P, Q, G):
    """Pillai's trace of each permuted P less its part in G, against Q."""
    lost = G.T @ P
    left = np.eye(P.shape[2]) - lost.mT @ lost  # the covariance of what is not lost
    values, vectors = np.linalg.eigh(left)
    kept = values > RANK_RTOL
    cross = Q.T @ P @ vectors / np.sqrt(np.where(kept, values, 1.0))[:, None, :]
    return np.sum(np.square(cross) * kept[:, None, :], axis=(1, 2))
