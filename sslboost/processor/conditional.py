"""The conditional loss: f pays for what it tells of z beyond y, and for nothing else.

With e = z - E[z | y] it is ``E||y - W* f||^2 - lam E||e - V* f||^2``, the slides' loss of another
pretext label. Every function that takes a population therefore takes ``unexplained(population)``
as well: ``population_optimum(unexplained(population), d_f, lam)`` minimises the conditional loss.
"""

import numpy as np
from scipy import linalg

from sslboost.core.linalg import RANK_RTOL, least_squares
from sslboost.core.validation import as_choice, as_matrix, as_number, as_samples, takes
from sslboost.population import GaussianPopulation, MixturePopulation
from sslboost.processor.pipeline import Pretext


@takes(population=GaussianPopulation)
def unexplained(population):
    """Return the law of (x, e, y), where e = z - E[z | y] is what y leaves unexplained of z.

    Its K_z is Delta = Cov[x_w, z | y], so that a processor is uncorrelated with e if and only if
    it meets (C1).

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    GaussianPopulation
        With the blocks x and y as they were; a coordinate of z that y determines becomes zero.

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: beyond the slides; slide "The Conditions That Processor f Needs to Satisfy", (C1).
    """
    p = population
    left = p.conditional("z", "z", "y")
    kept = np.diag(left) > RANK_RTOL * np.diag(p.block("z", "z"))
    from_x, left = p.conditional("x", "z", "y") * kept, left * np.outer(kept, kept)
    nothing = np.zeros((p.d_z, p.d_y))
    cov = np.block(
        [
            [p.block("x", "x"), from_x, p.block("x", "y")],
            [from_x.T, (left + left.T) / 2, nothing],
            [p.block("y", "x"), nothing.T, p.block("y", "y")],
        ]
    )
    return GaussianPopulation(cov, p.d_x, p.d_z, p.d_y)


@takes(mixture=MixturePopulation)
def unexplained_in_each_class(mixture):
    """Return the second moments of x, of e with every class in columns of its own, and of y.

    A processor is uncorrelated with ``e 1{y = j}`` for all j if and only if it meets (C1) within
    every class, and not only on average over them.

    Parameters
    ----------
    mixture : MixturePopulation

    Returns
    -------
    GaussianPopulation
        With d_z pretext coordinates for each class in turn.

    Raises
    ------
    ValueError
        Never for a valid mixture.

    Source: beyond the slides; slide "The Conditions That Processor f Needs to Satisfy", (C1).
    """
    whole, k, d_x = mixture.moments(), mixture.d_y, mixture.d_x
    from_x = np.hstack([w * mixture.within(c) for c, w in enumerate(mixture.weights)])
    left = linalg.block_diag(
        *(w * cov[d_x:, d_x:] for w, cov in zip(mixture.weights, mixture.cov, strict=True))
    )
    nothing = np.zeros((len(left), k))
    cov = np.block(
        [
            [whole.block("x", "x"), from_x, whole.block("x", "y")],
            [from_x.T, left, nothing],
            [whole.block("y", "x"), nothing.T, whole.block("y", "y")],
        ]
    )
    return GaussianPopulation(cov, d_x, len(left), k)


@takes(population=GaussianPopulation)
def price_of_c1(population):
    """Return the least C2 gap of a processor that meets (C1), with as many outputs as it needs.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    float
        ``||P K_y||_F^2`` in the units of y squared, P the projector on the range of Delta; zero
        if and only if some processor meets (C1) and (C2).

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: beyond the slides; slide "The Conditions That Processor f Needs to Satisfy".
    """
    return float(np.sum((unexplained(population).V.T @ population.K_y) ** 2))


@takes(law=GaussianPopulation)
def estimated_pretext(law, X, Z, Y, *, known="x", share=1.0):
    """Return what labelled triples tell the conditional loss, for want of Delta.

    Parameters
    ----------
    law : GaussianPopulation
        Of which unlimited pretext data tell the law of (x, z); nothing else is used.
    X, Z, Y : arrays (n0, d_x), (n0, d_z), (n0, d_y)
        Labelled triples; variables are centred.
    known : {"x", "xz"}
        What of that law is used. Of ``"x"`` only cov_xx, and Delta is estimated by the
        covariance of x with the residuals of Z on Y; of ``"xz"`` also K_z, and from it is taken
        the share of z that y explains in the sample.
    share : float in [0, 1]
        How much of E[z | y] is taken off z: 0 gives the slides' loss, 1 the conditional one.

    Returns
    -------
    Pretext
        For :func:`sslboost.processor.empirical.empirical_optimum`.

    Raises
    ------
    ValueError
        If arrays do not match or an argument is out of range.

    Source: beyond the slides; slide "How to Obtain f ? (Cont.)", training loss.
    """
    X, Z, Y = as_samples(X=X, Z=Z, Y=Y)
    as_matrix("X", X, columns=law.d_x)
    as_matrix("Z", Z, columns=law.d_z)
    share = as_number("share", share, least=0, most=1)
    X_w, told = law.whitening.whiten(X.T), Y @ least_squares(Y, Z)
    if as_choice("known", known, ("x", "xz")) == "x":
        left = Z - share * told
        return Pretext(law.whitening, X_w @ left / len(X), np.sum(left**2) / len(X))
    less = share * (2 - share) * np.sum(told**2) / len(X)
    variance = np.trace(law.block("z", "z")) - less
    return Pretext(law.whitening, law.K_z - share * X_w @ told / len(X), max(variance, 0.0))
