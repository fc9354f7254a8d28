"""Which coordinates of z break (C1): one test for each, and the price of asking many times."""

from dataclasses import replace

import numpy as np
from scipy import stats

from sslboost.core.linalg import constant_columns
from sslboost.core.validation import as_array, as_labels, as_samples
from sslboost.criteria.mixed import _given
from sslboost.criteria.tests import CriterionTest, _span


def holm(p_values):
    """Return p-values adjusted for their number by Holm's step-down.

    Rejecting those of at most alpha rejects a true hypothesis with probability at most alpha,
    however the p-values depend on each other.

    Parameters
    ----------
    p_values : array (k,)

    Returns
    -------
    array (k,)

    Raises
    ------
    ValueError
        If they are no vector of probabilities, or there are none.

    Source: Holm (1979).
    """
    p = as_array("p_values", p_values, 1)
    if not len(p):
        raise ValueError("p_values must hold at least one p-value, got none")
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p_values must lie between 0 and 1, got {p[(p < 0) | (p > 1)][0]:g}")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(adjusted, 1.0)


def c1_test_per_column(F, Z, Y, labels=None):
    """Test (C1) for every coordinate of z, and for all of them by the one that speaks loudest.

    The coordinates are tested one at a time as in :func:`sslboost.criteria.c1_test`, or
    :func:`sslboost.criteria.c1_test_mixed` where there are classes, exactly under the same
    conditions, and their p-values adjusted by :func:`holm`. The coordinates whose part is at most
    alpha may be named: the probability that a wrong one is among them is at most alpha, and less
    where they are strongly dependent. Strong against one coordinate that breaks (C1) among many
    that do not, weaker than :func:`sslboost.criteria.c1_test` against many that do a little.

    Parameters
    ----------
    F, Z, Y : arrays (n, d_f), (n, d_z), (n, d_y)
        Processed inputs, pretext labels and downstream labels.
    labels : array (n,), optional
        As in :func:`sslboost.criteria.c1_test_mixed`.

    Returns
    -------
    CriterionTest
        Statistic, degrees of freedom and adjusted p-value of the least p-value; ``parts`` are
        the coordinates in their order, with adjusted p-values.

    Raises
    ------
    ValueError
        If rows do not match, F, Y or a column of Z is constant, or n does not exceed one more
        than the ranks of F and of what is given, where every sample fits exactly.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1); Holm (1979).
    """
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    if (constant := constant_columns(Z)).any():
        raise ValueError(
            f"every column of Z must vary from row to row, got constant columns "
            f"{np.flatnonzero(constant).tolist()}"
        )
    given = _span("Y", Y) if labels is None else _given(Y, as_labels("labels", labels, rows=len(F)))
    P = _span("F", F, given).basis
    df = (P.shape[1], len(F) - 1 - given.basis.shape[1] - P.shape[1])
    if df[1] < 1:
        raise ValueError(
            f"n must exceed one more than the ranks of F and of what is given, got n = {len(F)} "
            f"with ranks {df[0]} and {given.basis.shape[1]}"
        )
    raw = [_column_test(P, _span("Z", column[:, None], given).basis, df) for column in Z.T]
    adjusted = holm([part.p_value for part in raw])
    parts = tuple(replace(part, p_value=float(p)) for part, p in zip(raw, adjusted, strict=True))
    loudest = parts[int(np.argmin([part.p_value for part in raw]))]
    return replace(loudest, parts=parts)


def _column_test(P, q, df):
    """The F test of regression on orthonormal columns P, which is Wilks' of one column."""
    if df[0] == 0 or q.shape[1] == 0:
        return CriterionTest(0.0, (0, df[1]), 1.0)
    explained = min(1.0, float(np.sum(np.square(P.T @ q))))
    with np.errstate(divide="ignore"):
        statistic = float(np.divide(explained, 1 - explained) * df[1] / df[0])
    return CriterionTest(statistic, df, float(stats.f.sf(statistic, *df)))
