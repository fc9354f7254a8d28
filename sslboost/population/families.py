"""Families of populations: a label and a nuisance behind x and z, and the mixture of Lee et al."""

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from sslboost.core.validation import as_array, as_count, as_number, as_rng, takes
from sslboost.population.gaussian import GaussianPopulation
from sslboost.population.mixture import MixturePopulation

#: Strength of a link whose square is still far from overflow.
_STRONGEST = 1e100


def _orthonormal(rows, columns, rng):
    """A random (rows, columns) matrix with orthonormal columns, or rows where it is wide."""
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q = linalg.qr(tall, mode="economic")[0]
    return q if rows >= columns else q.T


def latent_population(
    d_y=2,
    d_s=3,
    *,
    dims_x=(8, 8, 8),
    dims_z=(3, 5),
    y_to_x=2.0,
    s_to_x=2.0,
    y_to_z=1.0,
    s_to_z=1.0,
    mix=0.0,
    leak=0.0,
    rng=0,
):
    """Return the book's family: a label y and a nuisance s drive parts of x and of z.

    Independent standard latents y, s; independent standard noise e in every coordinate::

        x = (B_y y + leak C_s s + e,  B_s s + e,  e)
        z = (D y + mix E' s + e,      E s + e)

    with random loadings whose columns are orthonormal times the strength of the link.
    ``mix = leak = 0`` gives a member of S for small enough lambda. ``mix`` puts s into the
    y-driven pretext coordinates, so that M_z U leaves U; ``leak`` puts s into the y-driven
    inputs, so that no processor meets (C1) and (C2) at once. ``s_to_z = 0`` gives
    conditional independence.

    Parameters
    ----------
    d_y, d_s : int
        Dimensions of the latents.
    dims_x : tuple of 3 int
        Numbers of y-driven, s-driven and pure-noise inputs.
    dims_z : tuple of 2 int
        Numbers of y-driven and s-driven pretext coordinates.
    y_to_x, y_to_z : float or array (d_y,)
        Strength of the links from each y coordinate.
    s_to_x, s_to_z : float or array (d_s,)
        Strength of the links from each s coordinate.
    mix, leak : float
        Strength of the two links that break the assumptions.
    rng : numpy.random.Generator or int
        Draws the loadings.

    Returns
    -------
    GaussianPopulation

    Raises
    ------
    ValueError
        If a dimension is not a count or a strength is not finite or has the wrong length.

    Source: slide "Rationality of The Loss" (a population in the set S).
    """
    d_y, d_s = as_count("d_y", d_y), as_count("d_s", d_s)
    x_sizes = _sizes("dims_x", dims_x, 3)
    z_sizes = _sizes("dims_z", dims_z, 2)
    rng = as_rng(rng)

    def loading(rows, strength, name, columns):
        return _orthonormal(rows, columns, rng) * _strength(name, strength, columns)

    B_y = loading(x_sizes[0], y_to_x, "y_to_x", d_y)
    B_s = loading(x_sizes[1], s_to_x, "s_to_x", d_s)
    D = loading(z_sizes[0], y_to_z, "y_to_z", d_y)
    E = loading(z_sizes[1], s_to_z, "s_to_z", d_s)
    C_s = loading(x_sizes[0], as_number("leak", leak), "leak", d_s)
    E_mixed = loading(z_sizes[0], as_number("mix", mix), "mix", d_s)

    zeros = np.zeros
    from_y = np.concatenate([B_y, zeros((sum(x_sizes[1:]), d_y)), D, zeros((z_sizes[1], d_y))])
    from_s = np.concatenate([C_s, B_s, zeros((x_sizes[2], d_s)), E_mixed, E])
    d_x, d_z = sum(x_sizes), sum(z_sizes)
    loadings = np.block(
        [[from_y, from_s], [np.eye(d_y), zeros((d_y, d_s))]],
    )
    cov = loadings @ loadings.T
    cov[: d_x + d_z, : d_x + d_z] += np.eye(d_x + d_z)
    return GaussianPopulation(cov, d_x, d_z, d_y)


def _sizes(name, values, length):
    """Block sizes as a tuple; the first may not be empty, the others may."""
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(values, Sequence):
        raise ValueError(f"{name} must hold {length} block sizes, got {values!r}")
    if len(values) != length:
        raise ValueError(f"{name} must hold {length} block sizes, got {len(values)}")
    return tuple(
        as_count(f"{name}[{i}]", v, least=1 if i == 0 else 0) for i, v in enumerate(values)
    )


def _strength(name, value, length):
    """One number for all links, or one for each of them."""
    value = as_array(name, value, int(np.iterable(value)))
    if value.shape not in [(), (length,)]:
        raise ValueError(f"{name} must be one number or {length}, got {len(value)}")
    as_number(f"size of {name}", np.abs(value).max(), most=_STRONGEST)
    return value


@takes(tells=bool)
def isotropic_population(k2=0.5, rho=0.5, d=20, *, noise=0, tells=True, rng=0):
    """Return a population in which every direction of x that predicts z predicts it equally well.

    With independent standard phi, zeta and noise, in which r is the rest of y::

        x = (phi, noise),    z = kappa phi + zeta,    y = beta' phi + r,    Var y = 1.

    ``||beta||^2 = k2`` is the signal and ``kappa^2 = rho k2 / (1 - k2)``. The innovation zeta of z
    explains the share rho of r, along ``Cov[r, zeta] = (1 / k2 - 1) kappa beta``, which is what
    (C1) and (C2) together ask for. Without ``tells`` r is independent of z, and no processor
    meets both.

    Parameters
    ----------
    k2, rho : float in (0, 1)
    d : int
        Dimension of phi and of z.
    noise : int
        Further inputs that tell nothing, at least 0.
    tells : bool
        Whether the innovation tells anything of y.
    rng : numpy.random.Generator or int
        Draws the direction of beta.

    Returns
    -------
    GaussianPopulation

    Raises
    ------
    ValueError
        If a share lies outside (0, 1) or a dimension is no count.

    Source: beyond the slides; the chapter on what labels can buy.
    """
    k2, rho = (as_number(n, v, above=0, most=1) for n, v in [("k2", k2), ("rho", rho)])
    if 1 in (k2, rho):
        raise ValueError(f"k2 and rho must be below 1, got {k2} and {rho}")
    d, noise = as_count("d", d), as_count("noise", noise, least=0)
    beta = as_rng(rng).standard_normal(d)
    beta *= np.sqrt(k2) / np.linalg.norm(beta)
    kappa, told = np.sqrt(rho * k2 / (1 - k2)), (1 / k2 - 1 if tells else 0.0)
    d_x, eye = d + noise, np.eye(d)
    cov = np.eye(d_x + d + 1)
    z, y = slice(d_x, d_x + d), -1
    cov[:d, z], cov[z, :d], cov[z, z] = kappa * eye, kappa * eye, (1 + kappa**2) * eye
    cov[:d, y] = cov[y, :d] = beta
    cov[z, y] = cov[y, z] = kappa * (1 + told) * beta
    return GaussianPopulation(cov, d_x, d, 1)


@takes(apart=bool)
def copying_population(k2=0.5, rho=0.5, copied=1.0, d=10, *, noise=30, tells=1.0, apart=True):
    """Return a population whose z is a noisy picture of the label, beside copies of inputs.

    With independent standard x_1, ..., x_{d + noise} and e_1, ..., e_d::

        y   = k x_1 + r,    Var y = 1,
        z_1 = s (k x_1 + tells r) + e_1,
        z_j = copied x_j + e_j    for j = 2, ..., d.

    ``k2`` is the signal and ``s^2 (1 - k2) = rho / (1 - rho)``: for ``tells = 1`` z explains the
    share rho of what x leaves of y. Some processor meets (C1) and (C2) if and only if tells is 1.
    The copies alone break conditional independence, and psi* keeps all that x tells of y; unless
    they are not kept ``apart`` from the picture: then ``copied x_{d + 1}`` is added to z_1.

    Parameters
    ----------
    k2, rho : float in (0, 1)
    copied : float
        Strength of the copies, positive: at 0 z would have one direction in x, and not d.
    d : int
        Dimension of z, at least 2.
    noise : int
        Further inputs, at least 1.
    tells : float
    apart : bool

    Returns
    -------
    GaussianPopulation

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; Lee et al. (2021), Figure 1, where z is in part a copy of x.
    """
    k2, rho = (as_number(n, v, above=0, most=1) for n, v in [("k2", k2), ("rho", rho)])
    if 1 in (k2, rho):
        raise ValueError(f"k2 and rho must be below 1, got {k2} and {rho}")
    copied, tells = as_number("copied", copied, above=0), as_number("tells", tells)
    d, noise = as_count("d", d, least=2), as_count("noise", noise)
    inputs, s = d + noise, np.sqrt(rho / (1 - rho) / (1 - k2))
    # Coefficients on x, r in units of its own, and e.
    on = np.zeros((inputs + d + 1, inputs + 1 + d))
    on[:inputs, :inputs] = np.eye(inputs)
    z, y = slice(inputs, inputs + d), -1
    on[y, 0], on[y, inputs] = np.sqrt(k2), np.sqrt(1 - k2)
    on[z, :d], on[z, inputs + 1 :] = copied * np.eye(d), np.eye(d)
    on[inputs, 0], on[inputs, inputs] = s * on[y, 0], s * tells * on[y, inputs]
    on[inputs, d] = 0.0 if apart else copied
    return GaussianPopulation(on @ on.T, inputs, d, 1)


def lee_mixture(k=10, alpha=0.0, *, d_x=50, d_z=40, rng=0):
    """Return the mixture of Lee et al.'s simulation, conditionally independent at alpha = 0.

    The label is uniform on k classes with means uniform on [0, 10); within a class
    x ~ N(mean, I) and z = (1 - alpha) z_hat + alpha J x, where z_hat ~ N(mean, I) is
    independent of x and J cuts or pads x to d_z coordinates.

    Parameters
    ----------
    k : int
        Number of classes.
    alpha : float in [0, 1]
        Share of z that is copied from x.
    d_x, d_z : int
        Dimensions.
    rng : numpy.random.Generator or int
        Draws the class means.

    Returns
    -------
    MixturePopulation

    Raises
    ------
    ValueError
        If a dimension is not a count or alpha lies outside [0, 1].

    Source: Lee et al. (2021), Figure 1.
    """
    k, d_x, d_z = as_count("k", k), as_count("d_x", d_x), as_count("d_z", d_z)
    alpha = as_number("alpha", alpha, least=0, most=1)
    rng = as_rng(rng)
    mean_x = rng.uniform(0, 10, size=(k, d_x))
    mean_hat = rng.uniform(0, 10, size=(k, d_z))
    J = np.eye(d_z, d_x)
    mean_z = (1 - alpha) * mean_hat + alpha * mean_x @ J.T
    cov = np.block(
        [
            [np.eye(d_x), alpha * J.T],
            [alpha * J, (1 - alpha) ** 2 * np.eye(d_z) + alpha**2 * J @ J.T],
        ]
    )
    return MixturePopulation(np.full(k, 1 / k), mean_x, mean_z, np.repeat(cov[None], k, axis=0))
