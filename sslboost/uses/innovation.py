"""What z tells of y beyond x, and the exact price of a head that listens.

Write ``y = B' x_w + r`` and ``zeta = z - E[z | x]``. Where (C1) and (C2) can both be met, the
innovation zeta tells of the rest r in a way that is known once B is,

    Cov[zeta, y] = K_z' B C^{-1} R,        C = Cov E[y | x],  R = Cov[y | x],

so that E[y | x, z] is an ordinary regression on *augmented* features. Symbols: phi = V' x_w are
the d directions that predict z, T the d by d matrix ``V' K_z Cov[z | x]^+ K_z' V``.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from sslboost.core.linalg import RANK_RTOL, Whitening, whitening
from sslboost.core.validation import as_matrix, as_number, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.risk import excess_risk


@dataclass(frozen=True, eq=False)
class Innovation:
    """Second moments of (phi, zeta, y), zeta in whitened coordinates.

    Parameters
    ----------
    B : array (d, d_y)
        Cov[phi, y], the best head on the representation.
    J : array (d, d_zeta)
        ``V' K_z`` on whitened zeta; T = J J'.
    told : array (d_zeta, d_y)
        Cov[zeta_w, y].
    cov_y : array (d_y, d_y)
    white : Whitening
        Of Cov[z | x], whose rank is d_zeta.
    """

    B: np.ndarray
    J: np.ndarray
    told: np.ndarray
    cov_y: np.ndarray
    white: Whitening

    @property
    def T(self):
        """``V' K_z Cov[z | x]^+ K_z' V`` (d, d): how well each direction predicts z."""
        return self.J @ self.J.T

    @property
    def given_phi(self):
        """Cov[y | phi] (d_y, d_y)."""
        return self.cov_y - self.B.T @ self.B

    @property
    def given_both(self):
        """Cov[y | phi, z] (d_y, d_y)."""
        return self.given_phi - self.told.T @ self.told


@takes(population=GaussianPopulation)
def innovation(population):
    """Return the second moments of what predicts z, of what is left of z, and of y.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    Innovation

    Raises
    ------
    ValueError
        Never for a valid population.

    Source: beyond the slides; slide "Pretext-Based SSL" (psi*).
    """
    p, V = population, population.V
    white = _whitening_of_zeta(p)
    told = white.whiten(p.block("z", "y") - p.K_z.T @ p.K_y)
    J = white.whiten((V.T @ p.K_z).T).T
    return Innovation(V.T @ p.K_y, J, told, p.block("y", "y"), white)


def _whitening_of_zeta(population):
    return whitening_of_rest(population.conditional("z", "z", "x"), population.block("z", "z"))


def whitening_of_rest(left, total):
    """Return the whitening of what is left of a covariance; what is only rounding counts as zero.

    Parameters
    ----------
    left, total : arrays (d, d)
        Cov[z | x] and Cov z.

    Returns
    -------
    Whitening
        In which a coordinate of z that x determines has no part.

    Raises
    ------
    ValueError
        If they are no square matrices of one size.

    Source: beyond the slides; the theorem on the innovation.
    """
    left = as_matrix("left", left)
    left = as_matrix("left", left, rows=left.shape[1])
    total = as_matrix("total", total, rows=len(left), columns=len(left))
    kept = np.diag(left) > RANK_RTOL * np.diag(total)
    return whitening(left * np.outer(kept, kept))


@takes(population=GaussianPopulation)
def told_by_existence(population):
    """Return Cov[zeta, y] (d_z, d_y) as the criteria imply it, from the law of (x, z), B and R.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    array (d_z, d_y)
        ``K_z' B C^{-1} R``, equal to Cov[z, y | x] if and only if some processor meets (C1) and
        (C2).

    Raises
    ------
    ValueError
        If C = Cov E[y | x] is singular, where existence leaves part of Cov[zeta, y] open.

    Source: beyond the slides; the theorem on the innovation.
    """
    return population.K_z.T @ population.K_y @ _over_signal(population)


def _over_signal(population):
    """``C^{-1} R`` (d_y, d_y)."""
    K_y = population.K_y
    if population.U.shape[1] < population.d_y:
        raise ValueError(
            f"population must have cov E[y|x] invertible, got rank {population.U.shape[1]} "
            f"for d_y = {population.d_y}"
        )
    R = linalg.qr(K_y, mode="r")[0][: population.d_y]  # C = R' R
    half = linalg.solve_triangular(R, population.noise, trans="T")
    return linalg.solve_triangular(R, half)


@takes(population=GaussianPopulation)
def mean_given_both(population):
    """Return E[y | x, z] as existence gives it, on rows (x, z).

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    array (d_x + d_z, d_y)
        ``(x, z) @ result`` is ``B' x_w + R C^{-1} B' K_z Cov[z | x]^+ (z - psi*(x))``.

    Raises
    ------
    ValueError
        As :func:`told_by_existence`.

    Source: beyond the slides; the theorem on the innovation.
    """
    p = population
    white = _whitening_of_zeta(p)
    on_zeta = white.unwhiten(white.whiten(told_by_existence(p)))
    on_x = p.whitening.unwhiten(p.K_y - p.K_z @ on_zeta)
    return np.concatenate([on_x, on_zeta])


@takes(population=GaussianPopulation)
def canonical_weights(population):
    """Return the weights c_j of the innovation and the labels that they belong to.

    Parameters
    ----------
    population : GaussianPopulation

    Returns
    -------
    c : array (d_y,)
        ``1 / k_j^2 - 1`` in increasing order, k_j the canonical correlations of x and y: the
        eigenvalues of R C^{-1}.
    labels : array (d_y, d_y)
        In ``y @ labels`` both C and R are diagonal, the identity and ``diag(c)``.

    Raises
    ------
    ValueError
        As :func:`told_by_existence`.

    Source: beyond the slides; Hotelling (1936), canonical correlations.
    """
    _over_signal(population)
    C = population.K_y.T @ population.K_y
    return linalg.eigh(population.noise, C)


@takes(population=GaussianPopulation)
def augmented_excess(population, c, n2):
    """Return the expected excess of the augmented head, exactly, for any weight c of any law.

    Least squares of y on ``u_c = phi + c V' K_z Cov[z | x]^+ zeta`` with n2 labels, used as a head
    on phi alone. With ``A = I + c^2 T`` and ``gamma = A^{-1} Cov[u_c, y]`` it is

        ||gamma - B||^2 + tr(Cov y - gamma' A gamma) tr(A^{-1}) / (n2 - d - 1),

    in which the first term vanishes for c = 0, plain SSL, and for the c of existence.

    Parameters
    ----------
    population : GaussianPopulation
    c : float
    n2 : int or numpy.inf
        Number of labels, more than d + 1.

    Returns
    -------
    float
        Over the risk of the best linear head on psi*, in the units of y squared.

    Raises
    ------
    ValueError
        If n2 is too small for the expectation to be finite, or c is not a number.

    Source: beyond the slides; the theorem on the innovation; the inverse-Wishart mean.
    """
    c, told = as_number("c", c), innovation(population)
    tau, Q = np.linalg.eigh(told.T)
    a = (1 + c**2 * tau)[:, None]
    gamma = Q.T @ (told.B + c * told.J @ told.told) / a
    bias = np.sum((gamma - Q.T @ told.B) ** 2)
    left = max(np.trace(told.cov_y) - np.sum(a * gamma**2), 0.0)
    factor = excess_risk(np.eye(1), len(tau), n2)
    return float(bias + left * factor * (np.mean(1 / a) if len(tau) else 0.0))


@takes(population=GaussianPopulation)
def joint_excess(population, n2):
    """Return the expected excess of the joint head, exactly, for any law.

    Least squares of y on (phi, zeta) with n2 labels, of which phi's coefficients are the head:
    ``tr Cov[y | phi, z] d / (n2 - d - d_zeta - 1)``. It asks for no existence.

    Parameters
    ----------
    population : GaussianPopulation
    n2 : int or numpy.inf
        Number of labels, more than d + d_zeta + 1.

    Returns
    -------
    float
        Over the risk of the best linear head on psi*, in the units of y squared.

    Raises
    ------
    ValueError
        If n2 is too small for the expectation to be finite.

    Source: beyond the slides; the inverse-Wishart mean.
    """
    told = innovation(population)
    d, both = len(told.B), len(told.B) + len(told.told)
    left = max(np.trace(told.given_both), 0.0)
    return left * excess_risk(np.eye(1), both, n2) * (d / both if both else 0.0)


def gain(k2, rho):
    """Return by what factor the augmented head lowers the excess in the isotropic case.

    Parameters
    ----------
    k2 : float in (0, 1)
        Signal, the share of y that x explains; at 1 it leaves no rest to have a share of.
    rho : float in [0, 1)
        Share of the rest that z explains.

    Returns
    -------
    float
        ``(1 + rho (1 - k2) / k2) / (1 - rho)``: the denominator is what is no longer noise, the
        numerator what the innovation tells of the head itself.

    Raises
    ------
    ValueError
        If a share is out of range.

    Source: beyond the slides; the corollary on the gain.
    """
    k2 = as_number("k2", k2, above=0, most=1)
    rho = as_number("rho", rho, least=0, most=1)
    if 1 in (k2, rho):
        raise ValueError(f"k2 and rho must be below 1, got {k2} and {rho}")
    return (1 + rho * (1 - k2) / k2) / (1 - rho)
