"""What each cell of the table {C1} x {C2} costs: one processor for each, and its risk."""

import numpy as np

from sslboost.core.linalg import RANK_RTOL, kernel_basis, range_basis
from sslboost.core.validation import as_count, as_rng, takes
from sslboost.criteria.gaps import ci_defect, existence_gap
from sslboost.population import GaussianPopulation
from sslboost.representation.pretext import LinearMap, fit_linear
from sslboost.representation.risk import predictor_risk, whitened_span


@takes(population=GaussianPopulation)
def four_processors(population):
    """Return one linear processor for each cell of the table {C1} x {C2}.

    Parameters
    ----------
    population : GaussianPopulation
        Must admit a processor that meets both criteria, and violate conditional independence.

    Returns
    -------
    dict of str to array (d_f, d_x)
        ``"C1 and C2"``: E[y | x] up to scale; ``"C2 only"``: everything in x; ``"C1 only"``:
        E[y | x] less its strongest direction, with all directions that explain neither y nor
        z; ``"neither"``: everything but that direction.

    Raises
    ------
    ValueError
        If y does not depend on x, no processor meets both criteria, or x itself meets both.

    Source: slide "The Conditions That Processor f Needs to Satisfy (Cont.)".
    """
    U = population.U
    if U.shape[1] == 0:
        raise ValueError("population must have y depend on x, got cov_xy = 0")
    if (gap := existence_gap(population)) > RANK_RTOL:
        raise ValueError(
            "population must admit a processor that meets C1 and C2, "
            f"got an existence gap of {gap:.3g}"
        )
    if (gap := np.linalg.norm(ci_defect(population))) <= RANK_RTOL:
        raise ValueError(
            f"population must violate conditional independence, got a C1 gap of x of {gap:.3g}"
        )
    seen = [
        population.in_units_of_sd(population.K_y, "y"),
        population.in_units_of_sd(population.K_z, "z"),
    ]
    spans = {
        "C1 and C2": U,
        "C2 only": np.eye(population.rank_x),
        "C1 only": np.hstack([U[:, 1:], kernel_basis(np.hstack(seen))]),
        "neither": kernel_basis(U[:, :1]),
    }
    return {name: population.whitening.unwhiten(Q).T for name, Q in spans.items()}


@takes(population=GaussianPopulation)
def pipeline(population, A):
    """Return (R, k) of pretext learning on f(x) = A x with unlimited pretext data.

    The representation is psi(f(x)) = E[z | f(x)], of rank k, and R = Cov[y | psi(f(x))], so
    that the expected risk with n2 labels is ``risk.expected_risk(R, k, n2)``.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)

    Returns
    -------
    R : array (d_y, d_y)
        Residual covariance, in the units of y squared.
    k : int
        Rank of Cov[f(x), z], the number of coefficients the head pays for.

    Raises
    ------
    ValueError
        If A does not act on d_x inputs.

    Source: slides "Can Pretext-Based SSL Be Boosted? (Cont.)" and "Pretext-Based SSL".
    """
    B = _representation(population, A)
    missed = population.K_y - B @ (B.T @ population.K_y)
    return population.noise + missed.T @ missed, B.shape[1]


def _representation(population, A):
    """Orthonormal basis (rank_x, k) of the whitened directions that psi(f(x)) sees."""
    Q = whitened_span(population, A)
    return Q @ range_basis(population.in_units_of_sd(Q.T @ population.K_z, "z"))


@takes(population=GaussianPopulation)
def simulate_pipeline(population, A, n2, repetitions, rng=None):
    """Draw risks of heads fitted to n2 rows of psi(f(x)), scored exactly on the population.

    Parameters
    ----------
    population : GaussianPopulation
    A : array (d_f, d_x)
    n2, repetitions : int
        Number of downstream labels, and of independent draws.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (repetitions,)
        E||y - W_hat psi(f(x))||^2, in the units of y squared.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Pretext-Based SSL (Cont.)", with x replaced by f(x) and n1 infinite.
    """
    B = _representation(population, A)
    psi = LinearMap(
        (population.whitening.unwhiten(B) @ (B.T @ population.K_z)).T, np.zeros(population.d_z)
    )
    n2, rng = as_count("n2", n2), as_rng(rng)
    risks = np.empty(as_count("repetitions", repetitions))
    for i in range(len(risks)):
        x, _, y = population.sample(n2, rng)
        risks[i] = predictor_risk(population, fit_linear(psi(x), y).after(psi))
    return risks
