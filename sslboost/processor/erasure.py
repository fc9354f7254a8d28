"""Covariance erasure: the least change of x after which nothing of z is linearly predictable."""

import numpy as np

from sslboost.core.linalg import centred, column_scale, range_basis, whitening
from sslboost.core.validation import as_samples
from sslboost.processor.optimum import Processor


def erase(X, Z):
    """Return the processor with Cov[f(x), z] = 0 on the sample that changes x least.

    f(x) = x - E[x | psi(x)] with both expectations linear and psi(x) the least-squares
    prediction of z: a projection along the directions of x that psi(x) predicts. It minimises
    E||f(x) - x||^2, in every Euclidean norm on x. (C1) asks for less: the part of z that y
    explains may stay.

    Parameters
    ----------
    X, Z : arrays (n, d_x), (n, d_z)
        Samples; means are removed, and constants with them.

    Returns
    -------
    Processor
        Square, of rank rank(x) - rank(cov_xz); its loss is E||f(x) - x||^2 on the sample.

    Raises
    ------
    ValueError
        If the arrays do not match or have fewer than 2 rows.

    Source: Belrose et al. (2023), LEACE; slide "The Conditions That Processor f
    Needs to Satisfy", a processor that meets (C1) with y constant.
    """
    X, Z = as_samples(X=X, Z=Z, least=2)
    X, Z = centred(X)[0], centred(Z)[0]
    cov_xx = X.T @ X / len(X)
    white = whitening(cov_xx)
    Q = range_basis(white.whiten(X.T @ (Z / column_scale(Z)) / len(X)))
    coordinates = white.unwhiten(Q)
    predicted = cov_xx @ coordinates
    return Processor(np.eye(X.shape[1]) - predicted @ coordinates.T, float(np.sum(predicted**2)))
