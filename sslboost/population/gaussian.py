"""The joint law of (x, z, y): covariance blocks by name, conditionals, predictors, sampling."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from sslboost.core.linalg import kernel_basis, range_basis, square_root, whitening
from sslboost.core.validation import (
    as_array,
    as_count,
    as_covariance,
    as_factored_covariance,
    as_matrix,
    as_number,
)

_NAMES = "xzy"


@dataclass(frozen=True, eq=False)
class GaussianPopulation:
    """Zero-mean joint Gaussian law of input x, pretext label z and downstream label y.

    Parameters
    ----------
    cov : array (d_x + d_z + d_y, d_x + d_z + d_y)
        Joint covariance in the order x, z, y; positive semidefinite, possibly singular.
    d_x, d_z, d_y : int
        Dimensions of the three blocks.

    Raises
    ------
    ValueError
        If a dimension is not positive or ``cov`` is not a covariance of that size.

    Notes
    -----
    Whitened input coordinates are ``x_w = T' x`` with ``T' cov_xx T = I`` of size
    ``rank_x <= d_x``; they are unique up to a rotation, on which no result depends.

    Source: slides "Why Does Pretext-Based SSL Work?" and "Pretext-Based SSL".
    """

    cov: np.ndarray
    d_x: int
    d_z: int
    d_y: int

    def __post_init__(self):
        for name in ("d_x", "d_z", "d_y"):
            object.__setattr__(self, name, as_count(name, getattr(self, name)))
        size = self.d_x + self.d_z + self.d_y
        cov, factor = as_factored_covariance("cov", self.cov, size=size)
        cov.flags.writeable = False
        object.__setattr__(self, "cov", cov)
        object.__setattr__(self, "_factor", factor)

    def _slice(self, name):
        if name not in ("x", "z", "y"):
            raise ValueError(f"a block must be named 'x', 'z' or 'y', got {name!r}")
        starts = np.cumsum([0, self.d_x, self.d_z, self.d_y])
        i = _NAMES.index(name)
        return slice(starts[i], starts[i + 1])

    def block(self, a, b):
        """Return the covariance block Cov[a, b], e.g. ``block("x", "z")`` (d_x, d_z).

        Parameters
        ----------
        a, b : {"x", "z", "y"}
            Names of the row and column variables.

        Returns
        -------
        array (d_a, d_b)
            A read-only view of the joint covariance.

        Raises
        ------
        ValueError
            If a name is unknown.

        Source: slide "Pretext-Based SSL".
        """
        return self.cov[self._slice(a), self._slice(b)]

    def best_linear(self, target, given):
        """Return A (d_target, d_given) with E[target | given] = A given.

        Parameters
        ----------
        target, given : {"x", "z", "y"}
            Names of the predicted and the conditioning variable.

        Returns
        -------
        array (d_target, d_given)
            ``cov_tg cov_gg^+``; of minimal norm when ``cov_gg`` is singular.

        Raises
        ------
        ValueError
            If a name is unknown.

        Source: slide "Pretext-Based SSL" (psi* and W* for Gaussians).
        """
        white = whitening(self.block(given, given))
        return white.unwhiten(white.whiten(self.block(given, target))).T

    def conditional(self, a, b, given):
        """Return the conditional covariance Cov[a, b | given], (d_a, d_b).

        Parameters
        ----------
        a, b, given : {"x", "z", "y"}
            Names of the two variables and of the conditioning one.

        Returns
        -------
        array (d_a, d_b)
            ``cov_ab - cov_ag cov_gg^+ cov_gb``, the same for every value of ``given``.

        Raises
        ------
        ValueError
            If a name is unknown.

        Source: slide "The Conditions That Processor f Needs to Satisfy", (C1).
        """
        white = whitening(self.block(given, given))
        half_a, half_b = (white.whiten(self.block(given, name)) for name in (a, b))
        return self.block(a, b) - half_a.T @ half_b

    @cached_property
    def whitening(self):
        """Whitening of x: the map between x and its whitened coordinates x_w."""
        d = self.d_x
        factor = None if self._factor is None else np.asfortranarray(self._factor[:d, :d])
        return whitening(self.block("x", "x"), factor)

    @property
    def rank_x(self):
        """Rank of cov_xx, the number of whitened input coordinates."""
        return self.whitening.rank

    @cached_property
    def K_y(self):
        """Whitened cross-covariance Cov[x_w, y], (rank_x, d_y)."""
        return self._cross("y")

    @cached_property
    def K_z(self):
        """Whitened cross-covariance Cov[x_w, z], (rank_x, d_z)."""
        return self._cross("z")

    def _cross(self, name):
        if self._factor is None or not self.whitening.triangular:
            return self.whitening.whiten(self.block("x", name))
        # In the order x, z, y the joint Cholesky factor holds K_z' and K_y' below that of x.
        return self._factor[self._slice(name), : self.d_x].T

    def _in_units_of_sd(self, K, name):
        sd = np.sqrt(np.diag(self.block(name, name)))
        return K / np.where(sd > 0, sd, 1.0)

    @cached_property
    def U(self):
        """Orthonormal basis (rank_x, rank K_y) of range(K_y): the directions that matter for y."""
        return range_basis(self._in_units_of_sd(self.K_y, "y"))

    @cached_property
    def V(self):
        """Orthonormal basis (rank_x, rank K_z) of range(K_z): the directions that predict z."""
        return range_basis(self._in_units_of_sd(self.K_z, "z"))

    @cached_property
    def N(self):
        """Orthonormal basis (rank_x, m) of ker(K_z'), the pretext-orthogonal directions."""
        return kernel_basis(self._in_units_of_sd(self.K_z, "z"))

    @property
    def m(self):
        """Number of pretext-orthogonal directions, rank_x - rank cov_xz."""
        return self.rank_x - self.V.shape[1]

    @cached_property
    def floor(self):
        """Bayes risk tr cov_yy - tr M_y: the risk of E[y|x] (units of y squared)."""
        return float(np.trace(self.block("y", "y")) - np.sum(self.K_y**2))

    @cached_property
    def _root(self):
        return square_root(self.cov)

    def sample(self, n, rng=None):
        """Draw ``n`` independent rows of (x, z, y).

        Parameters
        ----------
        n : int
            Number of samples.
        rng : numpy.random.Generator or int, optional
            Source of randomness; the same seed gives the same bits.

        Returns
        -------
        x, z, y : arrays (n, d_x), (n, d_z), (n, d_y)

        Raises
        ------
        ValueError
            If ``n`` is not a positive integer.

        Source: slide "Why Does Pretext-Based SSL Work?".
        """
        n = as_count("n", n)
        noise = np.random.default_rng(rng).standard_normal((n, self._root.shape[1]))
        rows = noise @ self._root.T
        return tuple(rows[:, self._slice(name)] for name in _NAMES)


@dataclass(frozen=True, eq=False)
class MixturePopulation:
    """A class label with a Gaussian (x, z) inside every class; y is the one-hot label.

    Parameters
    ----------
    weights : array (k,)
        Class probabilities.
    mean_x, mean_z : arrays (k, d_x), (k, d_z)
        Class means.
    cov : array (k, d_x + d_z, d_x + d_z)
        Covariance of (x, z) within each class.

    Raises
    ------
    ValueError
        If the weights are not probabilities, shapes disagree or a covariance is not one.

    Source: Lee et al. (2021), section 4 and Figure 1.
    """

    weights: np.ndarray
    mean_x: np.ndarray
    mean_z: np.ndarray
    cov: np.ndarray

    def __post_init__(self):
        weights = as_array("weights", self.weights, 1)
        if (weights <= 0).any() or abs(weights.sum() - 1) > 1e-12 * len(weights):
            raise ValueError(f"weights must be positive and sum to 1, got sum {weights.sum():g}")
        k = len(weights)
        mean_x = as_matrix("mean_x", self.mean_x, rows=k)
        mean_z = as_matrix("mean_z", self.mean_z, rows=k)
        cov = as_array("cov", self.cov, 3)
        if len(cov) != k:
            raise ValueError(f"cov must hold {k} matrices, one for each class, got {len(cov)}")
        size = mean_x.shape[1] + mean_z.shape[1]
        cov = np.stack([as_covariance(f"cov[{i}]", c, size=size) for i, c in enumerate(cov)])
        for name, value in [("weights", weights), ("mean_x", mean_x), ("mean_z", mean_z)]:
            object.__setattr__(self, name, value)
        object.__setattr__(self, "cov", cov)

    @property
    def d_x(self):
        """Dimension of x."""
        return self.mean_x.shape[1]

    @property
    def d_z(self):
        """Dimension of z."""
        return self.mean_z.shape[1]

    @property
    def d_y(self):
        """Number of classes, the dimension of the one-hot y."""
        return len(self.weights)

    def within(self, label):
        """Return Cov[x, z | y = label], (d_x, d_z).

        Parameters
        ----------
        label : int
            Class from 0 to d_y - 1.

        Returns
        -------
        array (d_x, d_z)

        Raises
        ------
        ValueError
            If there is no such class.

        Source: slide "The Conditions That Processor f Needs to Satisfy", (C1).
        """
        if as_count("label", label, least=0) >= self.d_y:
            raise ValueError(f"label must be below {self.d_y}, got {label}")
        return self.cov[label][: self.d_x, self.d_x :]

    def one_hot(self, labels):
        """Return the (n, d_y) one-hot rows of integer ``labels`` (n,).

        Parameters
        ----------
        labels : array of int (n,)
            Classes from 0 to d_y - 1.

        Returns
        -------
        array (n, d_y)

        Raises
        ------
        ValueError
            If a label is not a class of this population.

        Source: Lee et al. (2021), section 4.
        """
        labels = np.asarray(labels)
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ValueError(f"labels must be a vector of integers, got {labels.dtype} array")
        if labels.size and not 0 <= labels.min() <= labels.max() < self.d_y:
            raise ValueError(
                f"labels must lie in 0..{self.d_y - 1}, got {labels.min()}..{labels.max()}"
            )
        return np.eye(self.d_y)[labels]

    @cached_property
    def _roots(self):
        return [square_root(cov) for cov in self.cov]

    def sample(self, n, rng=None):
        """Draw ``n`` independent rows of (x, z) and their labels.

        Parameters
        ----------
        n : int
            Number of samples.
        rng : numpy.random.Generator or int, optional
            Source of randomness; the same seed gives the same bits.

        Returns
        -------
        x, z : arrays (n, d_x), (n, d_z)
        labels : array of int (n,)

        Raises
        ------
        ValueError
            If ``n`` is not a positive integer.

        Source: Lee et al. (2021), Figure 1.
        """
        n = as_count("n", n)
        rng = np.random.default_rng(rng)
        labels = rng.choice(self.d_y, size=n, p=self.weights)
        means = np.concatenate([self.mean_x, self.mean_z], axis=1)
        rows = means[labels]
        for label, root in enumerate(self._roots):
            members = np.flatnonzero(labels == label)
            rows[members] += rng.standard_normal((len(members), root.shape[1])) @ root.T
        return rows[:, : self.d_x], rows[:, self.d_x :], labels

    def posterior(self, x):
        """Return P(y | x), the (n, d_y) class probabilities at the rows of ``x`` (n, d_x).

        Parameters
        ----------
        x : array (n, d_x)

        Returns
        -------
        array (n, d_y)
            Also E[y | x], the best predictor over all functions.

        Raises
        ------
        ValueError
            If ``x`` has the wrong shape or cov_xx is singular within a class.

        Source: Bayes' rule.
        """
        x = as_matrix("x", x, columns=self.d_x)
        scores = np.empty((len(x), self.d_y))
        for i, cov in enumerate(self.cov):
            white = whitening(cov[: self.d_x, : self.d_x])
            if not white.triangular:
                raise ValueError(f"cov[{i}] must have a definite x block, got rank {white.rank}")
            log_volume = np.log(np.diag(white.factor)).sum()
            distance = np.sum(white.whiten((x - self.mean_x[i]).T) ** 2, axis=0)
            scores[:, i] = np.log(self.weights[i]) - log_volume - distance / 2
        scores -= scores.max(axis=1, keepdims=True)
        scores = np.exp(scores)
        return scores / scores.sum(axis=1, keepdims=True)

    def moments(self):
        """Return the Gaussian population with the same centred second moments of (x, z, y).

        Best *linear* predictors (with an intercept) and their risks depend on second moments
        only, so they can be read off it; cov_yy is singular, as one-hot rows sum to 1.

        Returns
        -------
        GaussianPopulation

        Raises
        ------
        ValueError
            Never for a valid population.

        Source: slide "The Conditions That Processor f Needs to Satisfy" (linear predictors).
        """
        means = np.concatenate([self.mean_x, self.mean_z, np.eye(self.d_y)], axis=1)
        centred = means - self.weights @ means
        cov = centred.T @ (self.weights[:, None] * centred)
        d = self.d_x + self.d_z
        cov[:d, :d] += np.tensordot(self.weights, self.cov, axes=1)
        return GaussianPopulation(cov, self.d_x, self.d_z, self.d_y)


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
    rng = np.random.default_rng(rng)

    def loading(rows, strength, name, columns):
        strength = as_array(name, strength, np.ndim(strength))
        if strength.shape not in [(), (columns,)]:
            raise ValueError(f"{name} must be one number or {columns}, got {strength!r}")
        return _orthonormal(rows, columns, rng) * strength

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
    try:
        values = tuple(values)
    except TypeError as error:
        raise ValueError(f"{name} must hold {length} block sizes, got {values!r}") from error
    if len(values) != length:
        raise ValueError(f"{name} must hold {length} block sizes, got {len(values)}")
    return tuple(
        as_count(f"{name}[{i}]", v, least=1 if i == 0 else 0) for i, v in enumerate(values)
    )


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
    rng = np.random.default_rng(rng)
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
