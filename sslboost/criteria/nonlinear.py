"""Dependence that no covariance shows: a kernel test of f(x) independent of z given y."""

import numpy as np

from sslboost.core.validation import as_count, as_rng, as_samples
from sslboost.criteria.tests import CriterionTest, _span

#: Rows that are needed for each random feature of y. What the features take from the residuals
#: makes their covariances look too certain, by a share of features / n.
_ROWS_PER_FEATURE = 8


def ci_test_kernel(F, Z, Y, *, features=25, rng=None):
    """Test f(x) independent of z given y, nonlinear dependence included.

    This asks more than (C1), which is about covariances: z may depend on f(x) and be uncorrelated
    with it. What is linear in y is removed from F and Z first. The rest is causal-learn's RCIT:
    random Fourier features of F and of (Z, Y), less what such features of Y predict of them,
    and the sum of their squared covariances against its law as Hall, Buckley and Eagleson
    approximate it. A class enters Y as columns of zeros and ones.

    Approximate: the level is kept where the features suffice to tell how f(x) and z vary with y,
    which takes more of them the more their means bend, and n has to grow with them. Tails without
    a mean make it cautious.

    Parameters
    ----------
    F, Z, Y : arrays (n, d_f), (n, d_z), (n, d_y)
        Processed inputs, pretext labels and downstream labels.
    features : int
        Random features of Y.
    rng : numpy.random.Generator or int, optional
        Draws the features: the same seed gives the same p-value.

    Returns
    -------
    CriterionTest
        The statistic of RCIT, and no degrees of freedom.

    Raises
    ------
    ValueError
        If rows do not match, an array is constant, or the rows less the rank of Y are fewer than
        eight times ``features`` or no more than the rank of F or Z, where nothing can be told.
    ImportError
        If causal-learn is not installed.

    Source: Strobl, Zhang and Visweswaran (2019).
    """
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    features, rng = as_count("features", features), as_rng(rng)
    given = _span("Y", Y)
    P, Q = (_span(name, A, given).basis for name, A in [("F", F), ("Z", Z)])
    left, ranks = len(F) - 1 - given.basis.shape[1], (P.shape[1], Q.shape[1])
    if left < _ROWS_PER_FEATURE * features or left <= max(ranks):
        raise ValueError(
            f"n less one and the rank of Y must be at least {_ROWS_PER_FEATURE} times features "
            f"and exceed the ranks of F and Z, got {left} for {features} features and ranks "
            f"{ranks[0]} and {ranks[1]}"
        )
    test = _rcit(features, rng)
    if min(ranks) == 0:
        return CriterionTest(0.0, (), 1.0)
    p_value, statistic = test.compute_pvalue(P, Q, given.basis)
    return CriterionTest(float(statistic), (), float(np.clip(p_value, 0.0, 1.0)))


def _rcit(features, rng):
    """The library's test, but for the features, which our generator draws, not the global one."""
    try:
        from causallearn.utils.RCIT.RCIT import RCIT
    except ImportError as error:
        raise ImportError(
            "ci_test_kernel needs causal-learn: pip install 'sslboost[nonlinear]'"
        ) from error

    class Seeded(RCIT):
        def random_fourier_features(self, x, w=None, b=None, num_f=None, sigma=None):
            w = rng.standard_normal((num_f, x.shape[1])) / sigma
            b = np.tile(rng.uniform(0, 2 * np.pi, (num_f, 1)), (1, len(x)))
            return super().random_fourier_features(x, w, b, num_f, sigma)

    return Seeded("hbe", num_f=features)
