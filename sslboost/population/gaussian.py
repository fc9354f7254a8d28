"""The joint law of (x, z, y): covariance blocks by name, conditionals, predictors, sampling."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from sslboost.core.linalg import (
    as_factored_covariance,
    kernel_basis,
    range_basis,
    square_root,
    whitening,
)
from sslboost.core.validation import as_choice, as_count, as_matrix, as_rng, frozen

_NAMES = ("x", "z", "y")


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
        for array in (cov, factor):
            if array is not None:
                array.flags.writeable = False
        object.__setattr__(self, "cov", cov)
        object.__setattr__(self, "_factor", factor)

    def _slice(self, name):
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
        return self.cov[
            self._slice(as_choice("a", a, _NAMES)), self._slice(as_choice("b", b, _NAMES))
        ]

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
        for name, value in [("target", target), ("given", given)]:
            as_choice(name, value, _NAMES)
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
        for name, value in [("a", a), ("b", b), ("given", given)]:
            as_choice(name, value, _NAMES)
        white = whitening(self.block(given, given))
        half_a, half_b = (white.whiten(self.block(given, name)) for name in (a, b))
        return self.block(a, b) - half_a.T @ half_b

    @cached_property
    def whitening(self):
        """Whitening of x: the map between x and its whitened coordinates x_w."""
        d = self.d_x
        factor = None if self._factor is None else np.asfortranarray(self._factor[:d, :d])
        return whitening(self.block("x", "x"), factor)

    def whitened(self, A):
        """Return the coefficients of A x on whitened inputs, and the size of what they sum.

        Of a row of A that cancels, as on copies of one input, only rounding is left; next to the
        size of its terms it is seen for what it is.

        Parameters
        ----------
        A : array (d_f, d_x)

        Returns
        -------
        C : array (rank_x, d_f)
            ``A x = C' x_w`` for centred x.
        size : array (d_f,)
            ``|A|`` times the standard deviations of x.

        Raises
        ------
        ValueError
            If A does not act on d_x inputs.
        """
        A = as_matrix("A", A, columns=self.d_x)
        return self.whitening.root.T @ A.T, np.abs(A) @ np.sqrt(np.diag(self.block("x", "x")))

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
        if not self._factored:
            return frozen(self.whitening.whiten(self.block("x", name)))
        # In the order x, z, y the joint Cholesky factor holds K_z' and K_y' below that of x.
        return self._factor[self._slice(name), : self.d_x].T

    @property
    def _factored(self):
        return self._factor is not None and self.whitening.triangular

    def in_units_of_sd(self, K, name):
        """Return the columns of ``K`` (rows, d_name) divided by the standard deviations of a block.

        A constant coordinate, whose columns are zero, stays as it is.

        Parameters
        ----------
        K : array (rows, d_name)
        name : {"x", "z", "y"}

        Returns
        -------
        array (rows, d_name)

        Raises
        ------
        ValueError
            If the name is unknown or ``K`` has not its columns.
        """
        variance = np.diag(self.block(name, as_choice("name", name, _NAMES)))
        K = as_matrix("K", K, columns=len(variance))
        return K / np.sqrt(np.where(variance > 0, variance, 1.0))

    @cached_property
    def U(self):
        """Orthonormal basis (rank_x, rank K_y) of range(K_y): the directions that matter for y."""
        return frozen(range_basis(self.in_units_of_sd(self.K_y, "y")))

    @cached_property
    def V(self):
        """Orthonormal basis (rank_x, rank K_z) of range(K_z): the directions that predict z."""
        return frozen(range_basis(self.in_units_of_sd(self.K_z, "z")))

    @cached_property
    def N(self):
        """Orthonormal basis (rank_x, m) of ker(K_z'), the pretext-orthogonal directions."""
        return frozen(kernel_basis(self.in_units_of_sd(self.K_z, "z")))

    @property
    def m(self):
        """Number of pretext-orthogonal directions, rank_x - rank cov_xz."""
        return self.rank_x - self.V.shape[1]

    @cached_property
    def noise(self):
        """Cov[y | x] (d_y, d_y), what no predictor explains; exactly semidefinite."""
        if self._factored:
            rest = self._factor[self._slice("y"), self.d_x :]
            return frozen(rest @ rest.T)
        return frozen(_semidefinite(self.block("y", "y"), self.K_y))

    @property
    def floor(self):
        """Bayes risk tr cov_yy - tr M_y: the risk of E[y|x] (units of y squared)."""
        return float(np.trace(self.noise))

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
        noise = as_rng(rng).standard_normal((n, self._root.shape[1]))
        rows = noise @ self._root.T
        return tuple(rows[:, self._slice(name)] for name in _NAMES)


def _semidefinite(cov, K):
    """The difference cov - K' K without its negative rounding, in units of cov."""
    scale = np.sqrt(np.where(np.diag(cov) > 0, np.diag(cov), 1.0))
    K = K / scale
    values, vectors = linalg.eigh(cov / np.outer(scale, scale) - K.T @ K)
    root = scale[:, None] * vectors * np.sqrt(np.maximum(values, 0))
    return root @ root.T
