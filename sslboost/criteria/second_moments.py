"""The tests of the criteria where only second moments of the rows are known."""

import numpy as np
from scipy import linalg

from sslboost.core.linalg import RANK_RTOL, Whitening, as_covariance, whitening
from sslboost.core.validation import as_array, as_count
from sslboost.criteria.tests import _rao_test


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

    P, Q = (_left_over(left(k, k, half, half)) for k, half in [(a, half_a), (b, half_b)])
    cross = Q.whiten(P.whiten(left(a, b, half_a, half_b)).T)
    correlations = linalg.svdvals(cross) if cross.size else np.zeros(0)
    return _rao_test(correlations, n, P.rank, Q.rank, white.rank if white else 0)


def _left_over(cov):
    """Whitening of what is left of columns, whose rank counts in units of what they were."""
    try:
        factor = linalg.cholesky(cov, lower=True)
        if (np.diag(factor) ** 2 > RANK_RTOL).all():
            return Whitening(factor, True, factor)
    except linalg.LinAlgError:
        pass
    values, vectors = linalg.eigh(cov)
    kept = values > RANK_RTOL * max(values[-1], 1.0)
    vectors, lengths = vectors[:, kept], np.sqrt(values[kept])
    return Whitening(vectors / lengths, False, vectors * lengths)


def _places(name, value, d):
    if len(places := as_array(name, value, 1)) and not (np.isin(places, np.arange(d))).all():
        raise ValueError(f"{name} must be places below {d}, got {places.tolist()!r:.80}")
    if name != "given" and not len(places):
        raise ValueError(f"{name} must name a column, got none")
    return places.astype(int)
