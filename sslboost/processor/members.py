"""The set S: who belongs to it, random members and others, and Theorem 1 over many of them."""

from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import RANK_RTOL, range_basis
from sslboost.core.validation import as_array, as_count, as_number, as_rng, takes
from sslboost.criteria import c1_gap, c2_gap, existence_gap
from sslboost.population import GaussianPopulation
from sslboost.processor.optimum import lambda_star, random_minimiser


@takes(existence=bool, invariance=bool)
def random_member(d_x=10, d_z=5, d_y=2, *, rank_x=None, existence=True, invariance=True, rng=None):
    """Draw a population from the general form of S, or one that breaks an assumption.

    Every member with rank cov_xy = d_y arises in this way. In whitened inputs x_w = (u, v), u
    along U, choose K_y on U, cov_yy and cov_yz = C at will. Existence then fixes the rows of
    K_z along U as U'K_z = (U'K_y) cov_yy^{-1} C, and invariance asks of the other rows only to
    be orthogonal to those. Without ``existence`` the rows along U are drawn afresh, without
    ``invariance`` the others are not made orthogonal.

    Parameters
    ----------
    d_x, d_z, d_y : int
        Dimensions.
    rank_x : int, optional
        Rank of cov_xx, at least d_y; d_x when omitted.
    existence, invariance : bool
        Assumptions to keep.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    GaussianPopulation

    Raises
    ------
    ValueError
        If a dimension is no count or rank_x is not between d_y and d_x.

    Source: slide "Rationality of The Loss", the set S.
    """
    d_x, d_z, d_y = as_count("d_x", d_x), as_count("d_z", d_z), as_count("d_y", d_y)
    r = d_x if rank_x is None else as_count("rank_x", rank_x)
    if not d_y <= r <= d_x:
        raise ValueError(f"rank_x must be between d_y = {d_y} and d_x = {d_x}, got {r}")
    rng = as_rng(rng)
    root_y = _tame(rng, d_y, d_y)
    cov_yy = root_y @ root_y.T
    explained = rng.uniform(0.3, 0.95, d_y)
    K_y = np.zeros((r, d_y))
    K_y[:d_y] = (_orthogonal(rng, d_y) * explained) @ root_y.T
    C = rng.standard_normal((d_y, d_z))
    along = K_y[:d_y] @ np.linalg.solve(cov_yy, C) if existence else rng.standard_normal((d_y, d_z))
    rest = rng.standard_normal((r - d_y, d_z))
    if invariance:
        rows = range_basis(along.T, unit=0.0)
        rest -= rest @ rows @ rows.T
    K_z = np.concatenate([along, rest])
    shared = np.linalg.solve(cov_yy - K_y.T @ K_y, C - K_y.T @ K_z)
    noise_z = _tame(rng, d_z, d_z)
    cov_zz = K_z.T @ K_z + (C - K_y.T @ K_z).T @ shared + noise_z @ noise_z.T
    F = _tame(rng, d_x, r) @ _orthogonal(rng, r)
    cov = np.block(
        [
            [F @ F.T, F @ K_z, F @ K_y],
            [(F @ K_z).T, cov_zz, C.T],
            [(F @ K_y).T, C, cov_yy],
        ]
    )
    return GaussianPopulation((cov + cov.T) / 2, d_x, d_z, d_y)


def _orthogonal(rng, d):
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


def _tame(rng, rows, columns):
    """A random matrix of full column rank with singular values between 1/2 and 2."""
    left = np.linalg.qr(rng.standard_normal((rows, columns)))[0]
    return left * rng.uniform(0.5, 2, columns) @ _orthogonal(rng, columns)


@dataclass(frozen=True, eq=False)
class Survey:
    """Gaps of the two criteria over random minimisers of random populations.

    Parameters
    ----------
    c1, c2 : arrays (count, minimisers)
        ``criteria.c1_gap`` and ``criteria.c2_gap`` relative to tr cov_yy.
    """

    c1: np.ndarray
    c2: np.ndarray


def survey(populations, share, *, d_f=None, minimisers=2, rng=None):
    """Measure both criteria on random minimisers of each population at lam = share lam*.

    Parameters
    ----------
    populations : iterable of GaussianPopulation
    share : float or pair of float
        lam as a multiple of lam*, or the bounds between which it is drawn uniformly.
    d_f : int, optional
        Number of outputs; drawn between d_y and rank_x for each population when omitted.
    minimisers : int
        Random minimisers for each population.
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    Survey

    Raises
    ------
    ValueError
        If there is no population, lam* of one is infinite, the shares are no such numbers,
        ``minimisers`` is no count, or as :func:`sslboost.processor.random_minimiser`.

    Source: slide "Rationality of The Loss", Theorem 1.
    """
    minimisers = as_count("minimisers", minimisers)
    d_f = None if d_f is None else as_count("d_f", d_f)
    low, high = _shares(share)
    rng = as_rng(rng)
    gaps = []
    for p in _populations(populations):
        lam = rng.uniform(low, high) * lambda_star(p)
        total = np.trace(p.block("y", "y"))
        for _ in range(minimisers):
            least = min(p.d_y, p.rank_x)
            outputs = rng.integers(least, p.rank_x + 1) if d_f is None else d_f
            A = random_minimiser(p, int(outputs), lam, rng)
            gaps.append((c1_gap(p, A), c2_gap(p, A) / total))
    c1, c2 = np.array(gaps).reshape(-1, minimisers, 2).transpose(2, 0, 1)
    return Survey(c1, c2)


def _shares(share):
    if not np.iterable(share):
        return (as_number("share", share, least=0),) * 2
    low, high = as_array("share", share, 1) if len(share) == 2 else (1, 0)
    if not 0 <= low <= high:
        raise ValueError(f"share must be a number >= 0, or two of them in order, got {share!r:.80}")
    return low, high


def _populations(populations):
    drawn = list(populations) if np.iterable(populations) else []
    if not drawn or not all(isinstance(p, GaussianPopulation) for p in drawn):
        kind = type(populations).__name__
        raise ValueError(f"populations must be some GaussianPopulations, got a {kind}")
    for i, p in enumerate(drawn):
        if lambda_star(p) == np.inf:
            raise ValueError(f"populations[{i}] must have a finite lam*, got inf")
    return drawn


@dataclass(frozen=True)
class Membership:
    """Whether every minimiser of the loss meets (C1) and (C2), and if not, why.

    Parameters
    ----------
    existence_gap : float
        C1 gap of E[y|x] in correlation units; (i) existence asks for zero.
    invariance_gap : float
        ``||(I - P_U) M_z U||_F / ||M_z||_F``; (ii) invariance asks for zero.
    lam, lambda_star : float
        (iii) asks for 0 < lam < lambda_star.
    d_f, rank_y : int
        (iv) asks for d_f >= rank_y, the rank of cov_xy.
    """

    existence_gap: float
    invariance_gap: float
    lam: float
    lambda_star: float
    d_f: int
    rank_y: int

    @property
    def failed(self):
        """The assumptions that fail, in words, each with the amount by which it fails."""
        messages = []
        if self.existence_gap > RANK_RTOL:
            messages.append(
                f"(i) existence: E[y|x] must meet C1, got a gap of {self.existence_gap:.3g}"
            )
        if self.invariance_gap > RANK_RTOL:
            messages.append(
                f"(ii) invariance: M_z U must lie in U, got a gap of {self.invariance_gap:.3g}"
            )
        if not self.lam > 0:
            messages.append(f"(iii) lam must be positive, got {self.lam:g}")
        if not self.lam < self.lambda_star:
            messages.append(
                f"(iii) lam must be below lam* = {self.lambda_star:.6g}, got {self.lam:.6g}"
            )
        if self.d_f < self.rank_y:
            messages.append(
                f"(iv) d_f must be at least rank cov_xy = {self.rank_y}, got {self.d_f}"
            )
        return tuple(messages)

    @property
    def holds(self):
        """Whether the population is in S for this lam and d_f."""
        return not self.failed

    def require(self):
        """Raise a ValueError that names every failed assumption, if there is one."""
        if self.failed:
            raise ValueError("population is outside S: " + "; ".join(self.failed))


@takes(population=GaussianPopulation)
def membership(population, lam, d_f=None):
    """Return whether the population is in S, assumption by assumption.

    The assumptions are necessary as well as sufficient: A_P is inside B_P if and only if all
    hold.

    Parameters
    ----------
    population : GaussianPopulation
    lam : float
        Weight of the pretext term.
    d_f : int, optional
        Number of outputs of f; large enough when omitted.

    Returns
    -------
    Membership

    Raises
    ------
    ValueError
        If y does not depend on x or lam is not a number.

    Source: slide "Rationality of The Loss", the set S.
    """
    lam = as_number("lam", lam)
    U, K_z = population.U, population.K_z
    bound = lambda_star(population)
    image = K_z @ (K_z.T @ U)
    size = np.linalg.norm(K_z.T @ K_z)
    outside = np.linalg.norm(image - U @ (U.T @ image))
    d_f = U.shape[1] if d_f is None else as_count("d_f", d_f)
    return Membership(
        existence_gap(population),
        float(outside / size) if size > 0 else 0.0,
        lam,
        bound,
        d_f,
        U.shape[1],
    )
