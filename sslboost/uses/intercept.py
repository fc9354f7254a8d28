"""What a budget of labels buys where means are unknown, so that every use fits an intercept."""

import numpy as np

from sslboost.core.validation import as_count, takes
from sslboost.population import GaussianPopulation
from sslboost.uses import budget

#: Uses whose risk with an intercept is exact: they see the labelled rows through products of rows
#: alone, and are told nothing that the rows do not say.
FORMULAS = tuple(
    use for use, known in budget.USES.items() if known == "exact" and use not in budget.NEED_DELTA
)


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
