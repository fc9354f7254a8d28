"""The two criteria of a data processor f on a population: exact gaps, and existence.

A linear processor f(x) = A x enters only through the directions it sees, an orthonormal basis
Q in whitened inputs, and z is taken in units of its standard deviations. No answer changes
when x or z is rescaled or A is multiplied by an invertible matrix.
"""

import numpy as np

from sslboost.core.validation import takes
from sslboost.population import GaussianPopulation, MixturePopulation
from sslboost.representation.risk import whitened_span


@takes(population=GaussianPopulation)
def ci_defect(population):
    """Return Cov[x_w, z | y], z in units of its standard deviations.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    array (rank_x, d_z)
        Zero if and only if x and z are independent given y.

    Source: slide "Why Does Pretext-Based SSL Work?", conditional independence.
    """
    defect = population.whitening.whiten(population.conditional("x", "z", "y"))
    return population.in_units_of_sd(defect, "z")


@takes(population=GaussianPopulation)
def c1_gap(population, A):
    """Return how far f(x) = A x is from (C1): zero if and only if Cov[f(x), z | y] = 0.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)
        The processor f(x) = A x.

    Returns
    -------
    float
        ``||Q' (K_z - K_y cov_yy^+ cov_yz) D_z^{-1}||_F`` in correlation units, D_z the
        standard deviations of z.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1).
    """
    return float(np.linalg.norm(whitened_span(population, A).T @ ci_defect(population)))


@takes(population=GaussianPopulation)
def c2_gap(population, A):
    """Return how far f(x) = A x is from (C2): the excess of tr Cov[y | f(x)] over the floor.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)

    Returns
    -------
    float
        ``||(I - Q Q') K_y||_F^2`` in the units of y squared; zero if and only if (C2) holds.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C2).
    """
    Q = whitened_span(population, A)
    return float(np.sum((population.K_y - Q @ (Q.T @ population.K_y)) ** 2))


@takes(population=GaussianPopulation)
def epsilon_ci(population):
    """Return Lee et al.'s distance from conditional independence of the raw input.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    float
        ``||cov_xx^{-1/2} Cov[x, z | y]||_F`` in the units of z.

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: Lee et al. (2021), epsilon_CI (approximate conditional independence).
    """
    return float(np.linalg.norm(population.whitening.whiten(population.conditional("x", "z", "y"))))


@takes(population=GaussianPopulation)
def existence_gap(population):
    """Return the C1 gap of E[y | x]: zero if and only if some f meets (C1) and (C2).

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    float
        In correlation units.

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: the existence theorem of the chapter on the criteria.
    """
    return float(np.linalg.norm(population.U.T @ ci_defect(population)))


@takes(mixture=MixturePopulation)
def c1_gap_per_class(mixture, A):
    """Return the C1 gap of f(x) = A x within each class.

    Parameters
    ----------
    mixture : MixturePopulation
    A : array (d_f, d_x)

    Returns
    -------
    array (d_y,)
        ``||Q' T' Cov[x, z | y = c] D_z^{-1}||_F`` in units of the standard deviations of f(x)
        and z over all classes; (C1) holds if and only if all are zero.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1) for discrete y.
    """
    whole = mixture.moments()
    Q = whitened_span(whole, A)
    defects = [whole.whitening.whiten(mixture.within(c)) for c in range(mixture.d_y)]
    return np.array([np.linalg.norm(whole.in_units_of_sd(Q.T @ d, "z")) for d in defects])


@takes(mixture=MixturePopulation)
def c1_gap_pooled(mixture, A):
    """Return the C1 gap of f(x) = A x averaged over classes: zero iff E Cov[f(x), z | y] = 0.

    Never above the weighted mean of :func:`c1_gap_per_class`, and zero is a weaker statement.

    Parameters
    ----------
    mixture : MixturePopulation
    A : array (d_f, d_x)

    Returns
    -------
    float
        In the units of :func:`c1_gap_per_class`.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1) on average over y.
    """
    whole = mixture.moments()
    average = sum(w * mixture.within(c) for c, w in enumerate(mixture.weights))
    defect = whitened_span(whole, A).T @ whole.whitening.whiten(average)
    return float(np.linalg.norm(whole.in_units_of_sd(defect, "z")))
