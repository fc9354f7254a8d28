"""What a budget of labels buys where means are unknown, so that every use fits an intercept."""

import numpy as np

from sslboost.core.linalg import RANK_RTOL, whitening
from sslboost.core.validation import as_count, takes
from sslboost.population import GaussianPopulation
from sslboost.uses import budget
from sslboost.uses.innovation import augmented_excess

#: Uses whose risk with an intercept is exact: they see the labelled rows through products of rows
#: alone, which data processors do not.
FORMULAS = tuple(use for use, known in budget.USES.items() if known == "exact")


@takes(population=GaussianPopulation)
def risks(population, labels):
    """Return the expected test risk of the uses of n labels whose means have to be estimated, too.

    An intercept costs one label, and adds the variance of a mean: the risk is 1 + 1 / n times
    that of n - 1 labels of centred variables.

    Parameters
    ----------
    population : GaussianPopulation
    labels : int or sequence of int
        n, at least 2.

    Returns
    -------
    dict of float, or of arrays (number of budgets,)
        By the names of :data:`FORMULAS`, in the units of y squared. Infinite where the expectation
        is; of the least norm also wherever plain SSL has a finite one, which it then is.

    Raises
    ------
    ValueError
        If labels holds anything else, or nothing.

    Source: beyond the slides; the proposition on the intercept.
    """
    several = isinstance(labels, list | tuple | range | np.ndarray)
    n = np.array([as_count("labels", one, least=2) for one in (labels if several else [labels])])
    as_count("number of labels", len(n))
    centred = budget.risks(population, n - 1)
    centred["minimum norm"] = np.where(
        np.isfinite(centred["plain SSL"]), np.inf, centred["minimum norm"]
    )
    found = {use: (1 + 1 / n) * centred[use] for use in FORMULAS}
    return found if several else {use: float(risk[0]) for use, risk in found.items()}


@takes(population=GaussianPopulation)
def best_weight(population, labels):
    """Return the weight c of the augmented head for which :func:`risks` is least.

    Parameters
    ----------
    population : GaussianPopulation
    labels : int
        n, more than d + 2.

    Returns
    -------
    float
        Among the weights ``1 / k_j^2 - 1`` that existence asks for, k_j the canonical
        correlations of x and y.

    Raises
    ------
    ValueError
        If the labels are too few for a finite risk, or x tells nothing of y.

    Source: beyond the slides; the theorem on the price of the augmented head.
    """
    labels = as_count("labels", labels, least=3)
    white = whitening(population.block("y", "y"))
    correlations = np.linalg.svd(white.whiten(population.K_y.T), compute_uv=False)
    weights = [max(1 / k**2 - 1, 0.0) for k in correlations if k > RANK_RTOL]
    if not weights:
        raise ValueError("population must have y depend on x, got cov_xy = 0")
    return min(weights, key=lambda c: augmented_excess(population, c, labels - 1))
