"""The tests of the criteria where only second moments of the rows are known."""

import numpy as np
from scipy import linalg

from sslboost.core.linalg import RANK_RTOL, as_covariance, whitening
from sslboost.core.validation import as_array, as_count
from sslboost.criteria.tests import rao_test


def wilks_from_moments(cov, n, first, second, given=()):
    """Test that two groups of columns are uncorrelated given a third, from their covariance.

    :func:`sslboost.criteria.c1_test` for rows that need not be at hand: f and z given y; (x, y
    given f) is :func:`sslboost.criteria.c2_test`. As there, columns in other units and copies of
    columns change nothing, and ranks are counted.

    Parameters
    ----------
    cov : array (d, d)
        Of the sample, with any divisor.
    n : int
        Rows that it was computed from.
    first, second, given : sequences of int
        Places of the columns.

    Returns
    -------
    CriterionTest

    Raises
    ------
    ValueError
        If an argument is not as above, or n does not exceed the sum of the ranks.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1); Rao (1951).
    """
    cov, n = as_covariance("cov", cov), as_count("n", n)
    places = {"first": first, "second": second, "given": given}
    parts = [_places(name, value, len(cov)) for name, value in places.items()]
    sd = np.sqrt(np.diag(cov))
    cov = cov / np.outer(*[np.where(sd > 0, sd, 1.0)] * 2)
    a, b, g = parts
    white = whitening(cov[np.ix_(g, g)]) if len(g) else None
    half_a, half_b = (white.whiten(cov[np.ix_(g, k)]) if white else None for k in (a, b))

    def left(rows, columns, half_rows, half_columns):
        block = cov[np.ix_(rows, columns)]
        return block - half_rows.T @ half_columns if white else block

    P, Q = (_spread(left(k, k, half, half)) for k, half in [(a, half_a), (b, half_b)])
    correlations = linalg.svdvals(P.T @ left(a, b, half_a, half_b) @ Q) if P.size and Q.size else []
    rank = white.rank if white else 0
    return rao_test(np.asarray(correlations), n, P.shape[1], Q.shape[1], rank)


def _spread(cov):
    """T with T' cov T = I on the range of a covariance in units of the columns before."""
    values, vectors = linalg.eigh(cov)
    kept = values > RANK_RTOL * max(values[-1], 1.0)
    return vectors[:, kept] / np.sqrt(values[kept])


def _places(name, value, d):
    if len(places := as_array(name, value, 1)) and not (np.isin(places, np.arange(d))).all():
        raise ValueError(f"{name} must be places below {d}, got {places.tolist()!r:.80}")
    if name != "given" and not len(places):
        raise ValueError(f"{name} must name a column, got none")
    return places.astype(int)
