"""What no method can do better with n2 labelled triples, however many pairs (x, z) it has.

The law of (x, z) is given: phi has d directions, and T = diag(tau) in its eigenbasis. What is
unknown is how y hangs on them. Three families of populations, from the largest to the smallest:

- only Cov[y | x] is given: plain SSL is minimax, exactly;
- Cov[y | x, z] is given: the joint head is minimax, exactly;
- (C1) and (C2) can be met, and the weight c is given as well: :func:`with_existence` bounds every
  method from below. In the isotropic case, as n2 / d grows, the excess of the augmented head tends
  to d / (d - 1) times the bound, and of that head scaled to the known length of beta to the bound.

The last asks that no part of z that x predicts be predicted without error. Otherwise (C1) and (C2)
would ask for a y that an innovation which is zero speaks of, and the family would be smaller, or
empty: :func:`family` refuses such a law.

A method may do anything with its data: what it learns is a predictor of y from x, and its excess
is never less than that of the best linear approximation of it.
"""

import numpy as np

from sslboost.core.linalg import as_covariance
from sslboost.core.validation import as_array, as_choice, as_count, as_number, as_rng, takes
from sslboost.population import GaussianPopulation
from sslboost.representation.risk import excess_risk
from sslboost.uses.innovation import innovation

#: Heads that :func:`simulate` knows, from the one that assumes least to those that know all.
HEADS = ("plain", "joint", "augmented", "shrunk", "scaled")

#: Rounding of a population's moments, in units of standard deviations.
_ROUNDING = 1e-8


def given_x(R, d, n2):
    """Return the minimax excess where Cov[y | x] = R is given, and nothing about z and y.

    Parameters
    ----------
    R : array (d_y, d_y)
        Cov[y | x].
    d : int
        Rank of Cov[x, z], in whose directions E[y | x] lies.
    n2 : int or numpy.inf
        Number of labels, more than d + 1; with fewer it is infinite.

    Returns
    -------
    float
        ``tr(R) d / (n2 - d - 1)``, attained by plain SSL.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; the theorem on the limit; Mourtada (2022).
    """
    return excess_risk(R, as_count("d", d), n2)


def given_both(S, d, d_zeta, n2):
    """Return the minimax excess where Cov[y | x, z] = S is given, and no more about z and y.

    Parameters
    ----------
    S : array (d_y, d_y)
        Cov[y | x, z].
    d, d_zeta : int
        Ranks of Cov[x, z], in whose directions E[y | x] lies, and of Cov[z | x].
    n2 : int or numpy.inf
        Number of labels, more than d + d_zeta + 1; with fewer it is infinite.

    Returns
    -------
    float
        ``tr(S) d / (n2 - d - d_zeta - 1)``, attained by the joint head.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; the theorem on the limit; Mourtada (2022).
    """
    both = as_count("d", d) + as_count("d_zeta", d_zeta, least=0)
    return excess_risk(as_covariance("S", S), both, n2) * d / both


def isotropic(k2, rho, d):
    """Return the arguments (tau, c, left) of the isotropic case for the other functions.

    Parameters
    ----------
    k2 : float in (0, 1)
        Signal.
    rho : float in (0, 1)
        Share of the rest of y that z explains.
    d : int
        At least 2.

    Returns
    -------
    tau : array (d,)
        ``rho k2 / (1 - k2)``.
    c : float
        ``1 / k2 - 1``.
    left : float
        Var[y | x, z] = ``(1 - k2) (1 - rho)``.

    Raises
    ------
    ValueError
        If a share is out of range.

    Source: beyond the slides; the corollary on the gain.
    """
    k2, rho = (as_number(n, v, above=0, most=1) for n, v in [("k2", k2), ("rho", rho)])
    if 1 in (k2, rho):
        raise ValueError(f"k2 and rho must be below 1, got {k2} and {rho}")
    tau = np.full(as_count("d", d, least=2), rho * k2 / (1 - k2))
    return tau, 1 / k2 - 1, (1 - k2) * (1 - rho)


@takes(population=GaussianPopulation)
def family(population):
    """Return the arguments (tau, c, left) of the family with existence that a population is of.

    Parameters
    ----------
    population : GaussianPopulation
        With one label, of which x tells by the directions that predict z only, in which some
        processor meets (C1) and (C2), and x predicts no part of z without error.

    Returns
    -------
    tau : array (d,)
        Eigenvalues of T, in increasing order.
    c : float
        Var[y | x] / Var E[y | x].
    left : float
        Var[y | x, z].

    Raises
    ------
    ValueError
        If the population is of no such family.

    Source: beyond the slides; the theorem on the limit.
    """
    p, told = population, innovation(population)
    d, signal = len(told.B), float(np.sum(told.B**2))
    if p.d_y != 1 or d < 2:
        raise ValueError(
            f"population must have one label and rank cov_xz of at least 2, got {p.d_y} and {d}"
        )
    seen = p.K_z.T @ p.V
    exact = np.abs(seen - p.conditional("z", "z", "x") @ told.white.unwhiten(told.J.T)).max(axis=1)
    if (exact > _ROUNDING * np.sqrt(np.diag(p.block("z", "z")))).any():
        raise ValueError(
            "population must leave no part of z to be predicted from x without error, or existence "
            f"rules out directions of the head; got some in coordinate {int(exact.argmax())} of z"
        )
    unit = np.sqrt(p.block("y", "y")[0, 0])
    rest, left = (float(part[0, 0]) for part in (told.given_phi, told.given_both))
    if signal <= (_ROUNDING * unit) ** 2 or left <= (_ROUNDING * unit) ** 2:
        raise ValueError(
            f"population must have x tell of y, and x and z not all, got {signal:.3g} and "
            f"{left:.3g} left"
        )
    c = rest / signal
    missed = np.abs(told.told - c * told.J.T @ told.B).max()
    beside = np.linalg.norm(p.K_y - p.V @ told.B)
    if max(missed, beside) > _ROUNDING * unit:
        raise ValueError(
            "population must have a processor that meets (C1) and (C2), and E[y|x] in the "
            f"directions that predict z, got {missed:.3g} and {beside:.3g} away"
        )
    return np.linalg.eigvalsh(told.T), c, left


def with_existence(tau, c, left, n2):
    """Return a lower bound for every method where (C1) and (C2) can be met; d_y = 1.

    The heads beta that existence allows are the ellipsoid ``sum beta_i^2 c (1 - c tau_i) = left``.
    Over the image of the uniform law on the sphere the mean excess of any method is at least

        ((d - 1) / d)^2 sum_i l_i^2 / (n2 p_i / left + (d - 1)^2 / d),

    l_i the semi-axes, ``a_i = 1 + c^2 tau_i`` and p_i the mean of ``l_i^2 a_i`` over directions
    at right angles to the head. In the isotropic case, with k2 = l^2, this is
    ``(d - 1) left / (n2 a + (d - 1) left / k2)``.

    Parameters
    ----------
    tau : array (d,)
        Eigenvalues of T, above 0 and below 1 / c; d at least 2. x must predict no part of z
        without error, in which the eigenvalue would be 0.
    c : float
        Weight of the innovation, Var[y | x] / Var E[y | x].
    left : float
        Var[y | x, z].
    n2 : int
        Number of labels.

    Returns
    -------
    float
        In the units of y squared.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; the theorem on the limit; van Trees (1968), Gill and Levit (1995).
    """
    tau, c, left, axes2 = _ellipsoid(tau, c, left)
    n2, d = as_count("n2", n2), len(tau)
    told = axes2 * (1 + c**2 * tau)
    p = told * (1 - 2 / d) + (told.sum() + 2 * told) / (d * (d + 2))
    return float(((d - 1) / d) ** 2 * np.sum(axes2 / (n2 * p / left + (d - 1) ** 2 / d)))


def given_design(tau, c, left, n2, repetitions, rng=None):
    """Draw the bound of :func:`with_existence` for the features that a sample happens to have.

    The Gram matrix W of the augmented features tells nothing of the head, and the bound holds
    given W. Its mean is a bound as well, and a sharper one where n2 is a small multiple of d:

        ((d - 1) / d)^2 tr L^2 (p(G) + (d - 1)^2 / d)^{-1},    G = L W L / left,

    with ``L = diag(l_i)`` and ``p(G) = (1 - 2 / d) G + (2 G + tr G) / (d (d + 2))``.

    Parameters
    ----------
    tau, c, left
        As of :func:`with_existence`.
    n2 : int
        Number of labels, at least d.
    repetitions : int
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (repetitions,)
        In the units of y squared; their mean bounds every method from below.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; the theorem on the limit; van Trees (1968), Gill and Levit (1995).
    """
    tau, c, left, axes2 = _ellipsoid(tau, c, left)
    d, eye = len(tau), np.eye(len(tau))
    n2, b = as_count("n2", n2, least=d), as_count("repetitions", repetitions)
    root = np.sqrt(axes2 * (1 + c**2 * tau) / left)[:, None] * _bartlett(b, d, n2, as_rng(rng))
    G = root @ root.mT
    size = np.einsum("bii->b", G)[:, None, None]
    Q = (1 - 2 / d) * G + (2 * G + size * eye) / (d * (d + 2)) + (d - 1) ** 2 / d * eye
    inverse = np.linalg.solve(Q, np.broadcast_to(np.diag(axes2), Q.shape))
    return ((d - 1) / d) ** 2 * np.einsum("bii->b", inverse)


def _ellipsoid(tau, c, left):
    """Checked arguments, and the squared semi-axes of the heads that existence allows."""
    tau, c = as_array("tau", tau, 1), as_number("c", c, above=0)
    left = as_number("left", left, above=0)
    if len(tau) < 2 or (tau <= 0).any():
        raise ValueError(f"tau must hold two values or more, all above 0, got {tau!r:.80}")
    if (c * tau >= 1).any():
        raise ValueError(
            f"tau must be below 1 / c = {1 / c:.6g}, or z would explain more than all of the rest "
            f"of y, got {tau.max():.6g}"
        )
    return tau, c, left, left / (c * (1 - c * tau))


def simulate(tau, c, left, n2, head, repetitions, rng=None):
    """Draw excesses of a head over random populations with existence, without drawing a sample.

    Each repetition draws a head beta from the law of :func:`with_existence`, and the Gram matrix
    of the n2 rows of features as Bartlett's factor.

    Parameters
    ----------
    tau, c, left, n2
        As of :func:`with_existence`; n2 more than d + 1, for the joint head than 2 d + 1.
    head : {"plain", "joint", "augmented", "shrunk", "scaled"}
        Plain SSL; the joint head, with as many innovations as directions; the augmented head; the
        augmented head shrunk as the law of beta asks for, the best linear function of the labels;
        and the augmented head scaled to lie on the ellipsoid on which beta is known to lie.
    repetitions : int
    rng : numpy.random.Generator or int, optional

    Returns
    -------
    array (repetitions,)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; Bartlett (1933).
    """
    tau, c, left, axes2 = _ellipsoid(tau, c, left)
    head, d, rng = as_choice("head", head, HEADS), len(tau), as_rng(rng)
    b, n2 = as_count("repetitions", repetitions), as_count("n2", n2)
    rows = n2 - d if head == "joint" else n2
    if rows <= d + 1:
        raise ValueError(f"n2 must exceed {n2 - rows + d + 1} for the {head} head, got {n2}")
    direction = rng.standard_normal((b, d))
    beta = np.sqrt(axes2) * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    noise = np.sqrt(c * np.sum(beta**2, axis=1) if head == "plain" else np.full(b, left))
    a = np.ones(d) if head in ("plain", "joint") else 1 + c**2 * tau
    L = np.sqrt(a)[:, None] * _bartlett(b, d, rows, rng)
    gram = L @ L.mT
    told = noise[:, None] * (L @ rng.standard_normal((b, d, 1)))[..., 0]
    penalty = left * d / axes2 if head == "shrunk" else np.zeros(d)
    # (W + P) (beta_hat - beta) = noise - P beta, with P = 0 for the heads that do not shrink.
    target = (told - penalty * beta)[..., None]
    error = np.linalg.solve(gram + np.diag(penalty), target)[..., 0]
    if head == "scaled":
        found = beta + error
        error = found / np.linalg.norm(found / np.sqrt(axes2), axis=1, keepdims=True) - beta
    return np.sum(error**2, axis=1)


def _bartlett(b, d, n, rng):
    """b lower triangular factors of the Gram matrix of n standard rows."""
    L = np.tril(rng.standard_normal((b, d, d)), -1)
    np.einsum("bii->bi", L)[...] = np.sqrt(rng.chisquare(n - np.arange(d), size=(b, d)))
    return L
