"""What a data set promises: its criteria, its shares, and the expected risk of every use."""

from dataclasses import dataclass

import numpy as np

from sslboost import criteria
from sslboost.core.linalg import whitening
from sslboost.core.validation import as_count, as_rng, takes
from sslboost.pages.real.sources import Triples
from sslboost.population import GaussianPopulation
from sslboost.uses import innovation, intercept

#: Uses of the labels whose expected risk is a formula, in the order in which they are shown.
FORMULAS = intercept.FORMULAS

#: Rows that a permutation test is run on, and permutations.
_ROWS, _PERMUTATIONS = 1500, 199


@dataclass(frozen=True)
class Measured:
    """How far a data set is from what the theory asks for, and what there is to gain.

    Attributes
    ----------
    rank_x, rank_z, d : int
        Ranks of Cov x, of Cov[z | x], and of Cov[x, z].
    signal, kept, told : float
        Shares: of y that x explains, of y that psi* explains, and of what psi* leaves of y that
        z explains.
    beyond, existence : float
        What x, and what E[y | x], tells of z beyond y: mean over the columns of z, as a share of
        their variance, less what chance would show on as many rows. (C1) of x holds if and only if
        the first is zero of the law, and some processor meets both if and only if the second is.
    lost : float
        The (C2) gap of psi*, as a share of the variance of y.
    tails : float
        ``E |phi|^4 / (d (d + 2))`` of the whitened psi; 1 for Gaussian x.
    louder : float
        ``E |phi|^2 |r|^2 / (d E |r|^2)``, r what psi does not tell of y: above 1 where y is noisier
        on rows with large features, 1 for Gaussian x and y.
    c1, c2 : CriterionTest
        Of (C1) for x, and of (C2) for psi*.
    """

    rank_x: int
    rank_z: int
    d: int
    signal: float
    kept: float
    told: float
    beyond: float
    existence: float
    lost: float
    tails: float
    louder: float
    c1: criteria.CriterionTest
    c2: criteria.CriterionTest


@takes(triples=Triples)
def measure(triples, rng=0):
    """Return what the second moments of a data set say, and tests of both criteria.

    (C1) is tested by Wilks' Lambda, or by permutation within the classes where there are such.

    Parameters
    ----------
    triples : Triples
    rng : numpy.random.Generator or int
        Of the permutations.

    Returns
    -------
    Measured
        Other shares are not corrected for the rows that they were estimated from.

    Source: beyond the slides; slide "The Conditions That Processor f Needs to Satisfy".
    """
    X, Z, Y, rng = triples.X, triples.Z, triples.Y, as_rng(rng)
    population = criteria.empirical(X, Z, Y)
    phi = (X - X.mean(axis=0)) @ population.whitening.unwhiten(population.V)
    size, rest = np.sum(phi**2, axis=1), Y - Y.mean(axis=0) - phi @ (phi.T @ Y / len(Y))
    noise = np.sum(rest**2, axis=1)
    psi, everything = population.best_linear("z", "x"), np.eye(population.d_x)
    of_y, told = np.trace(population.block("y", "y")), innovation.innovation(population)
    left = np.trace(told.given_phi)
    rank_x, rank_y = population.rank_x, population.U.shape[1]
    by_chance = _chance(population, len(X))
    if triples.classes:
        few = slice(_ROWS)
        labels = Y[few].argmax(axis=1)
        how = {"permutations": _PERMUTATIONS, "rng": rng}
        c1 = criteria.c1_test_permuted(X[few], Z[few], labels, **how)
    else:
        c1 = criteria.c1_test(X, Z, Y)
    return Measured(
        rank_x=rank_x,
        rank_z=len(told.told),
        d=len(told.B),
        signal=float(1 - population.floor / of_y),
        kept=float(1 - left / of_y),
        told=float(1 - np.trace(told.given_both) / left),
        beyond=criteria.c1_gap(population, everything) ** 2 / population.d_z - by_chance(rank_x),
        existence=criteria.existence_gap(population) ** 2 / population.d_z - by_chance(rank_y),
        lost=float(criteria.c2_gap(population, psi) / of_y),
        tails=float(np.mean(size**2) / (len(told.B) * (len(told.B) + 2))),
        louder=float(np.mean(size * noise) / (len(told.B) * np.mean(noise))),
        c1=c1,
        c2=criteria.c2_test(X @ psi.T, X, Y),
    )


def _chance(population, rows):
    """Mean share of z that directions which tell nothing of it beyond y show on so many rows.

    Given y a whitened direction varies less than 1 as far as y tells it, and z less than its
    variance. A function of the number of directions, among which are those that y tells.
    """
    white = whitening(population.block("y", "y"))
    told = np.sum(white.whiten(population.K_y.T) ** 2)
    variance = np.diag(population.block("z", "z"))
    left = np.diag(population.conditional("z", "z", "y")) / np.where(variance > 0, variance, 1.0)
    return lambda directions: float((directions - told) * left.mean() / rows)


@takes(population=GaussianPopulation)
def predict(population, labels):
    """Return the expected risks of every use of n labels where means have to be estimated as well.

    Parameters
    ----------
    population : GaussianPopulation
    labels : sequence of int
        Numbers n of labels, at least 3 each.

    Returns
    -------
    list of dict of str to float
        As of :func:`sslboost.uses.intercept.risks`, as shares of the variance of y, for the uses
        whose risk is finite.

    Raises
    ------
    ValueError
        If labels holds anything else, or nothing.

    Source: beyond the slides; the proposition on the intercept.
    """
    labels = as_budgets("labels", labels, least=3)
    risks = intercept.risks(population, labels)
    variance = np.trace(population.block("y", "y"))
    return [
        {use: float(risk[i]) / variance for use, risk in risks.items() if np.isfinite(risk[i])}
        for i in range(len(labels))
    ]


@takes(population=GaussianPopulation)
def features(population):
    """Return how many features each use fits, beside its intercept.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    dict of str to int

    Source: beyond the slides; the table of the uses in the chapter on the label budget.
    """
    d = population.V.shape[1]
    fitted = dict.fromkeys(FORMULAS, d) | {"guessing": 0, "x directly": population.rank_x}
    fitted["reduced-rank SSL"] = min(d, population.U.shape[1])
    fitted["joint head"] = d + len(innovation.innovation(population).told)
    return fitted


def as_budgets(name, labels, **bounds):
    """Return numbers of labels as a tuple of int, or say which is none.

    Parameters
    ----------
    name : str
    labels : sequence of int
    **bounds : int
        As of :func:`sslboost.core.validation.as_count`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If it is no sequence, is empty, or holds anything else.
    """
    if not isinstance(labels, list | tuple | range | np.ndarray) or not len(labels):
        raise ValueError(f"{name} must be a list of numbers of labels, got {labels!r:.80}")
    return tuple(as_count(name, n, **bounds) for n in labels)
