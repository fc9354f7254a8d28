"""The empirical loss of a linear processor, reduced to its sufficient statistics.

Only the projector P onto the whitened directions that f sees matters, and of f at most
k = min(d_f, d_y, n0) directions: let B hold the coefficients of the best head W f on the extra
sample. The span of B has at most that many dimensions, it fits Y_extra as well as f does, and
it explains no more of z, because it lies inside the span of f. (Where n0 < d_y, replace B by B
times the projector onto the row space of X_extra B, of rank at most n0.) So the loss plus the
constant lam tr cov_zz is

    F(C) = ||Y - P_{XC} Y||^2 / n0 + lam tr P_C M_z,        C (rank_x, k),

with the head eliminated (variable projection, Golub and Pereyra 1973).
"""

from dataclasses import dataclass

import numpy as np

from sslboost.core.linalg import RANK_RTOL, numerical_rank
from sslboost.core.validation import as_array, as_count

#: Smallest ridge of the search's metric, relative to the mean variance of an input.
_FLOOR = 1e-5


@dataclass(frozen=True, eq=False)
class Problems:
    """A batch of empirical losses, reduced to their sufficient statistics.

    Inputs are taken in the basis (N W, V): V are the left singular vectors of K_z, N the
    pretext-orthogonal directions, and W the right singular vectors of X_extra N. The loss does
    not change under rotations of N, and in this basis X_extra / sqrt(n0) is an orthonormal
    matrix times the arrow ``[[diag(sigma), A], [0, D]]``.

    Parameters
    ----------
    basis : array (b, r, r)
        The columns of (N W, V) in whitened coordinates.
    sigma : array (b, m)
        Singular values of X_extra N / sqrt(n0), zeros where n0 < m.
    A, D : arrays (b, m, r - m), (b, r - m, r - m)
        The other two blocks of the arrow.
    T : array (b, r, d_y)
        Y_extra / sqrt(n0) in the column space of X_extra, in the same orthonormal basis.
    rest : array (b,)
        ``||Y_extra||^2 / n0`` outside that column space: no processor explains it.
    mu : array (b, r - m)
        Eigenvalues of M_z, one for each column of V.
    lam : array (b,)
        Weight of the pretext term.
    k : array of int (b,)
        Largest useful rank of f: min(d_f, d_y, rank X_extra).
    unit : array (b,)
        Largest singular value of X_extra / sqrt(n0), which rounding is measured against.
    """

    basis: np.ndarray
    sigma: np.ndarray
    A: np.ndarray
    D: np.ndarray
    T: np.ndarray
    rest: np.ndarray
    mu: np.ndarray
    lam: np.ndarray
    k: np.ndarray
    unit: np.ndarray

    def __len__(self):
        return len(self.sigma)

    @property
    def m(self):
        """Number of pretext-orthogonal directions."""
        return self.sigma.shape[1]

    @property
    def constant(self):
        """F of a constant f, (b,): ``||Y_extra||^2 / n0``."""
        return self.rest + np.sum(self.T**2, axis=(1, 2))

    @property
    def scale(self):
        """Size of each loss, (b,): that of a constant f plus the pretext term of f(x) = x."""
        return self.constant + self.lam * np.sum(self.mu, axis=1)

    def take(self, index):
        """Return the problems at ``index``."""
        return Problems(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @staticmethod
    def concatenate(batches):
        """Return one batch of the problems of several with the same r and m, whatever their n0."""
        batches = list(batches)
        names = Problems.__dataclass_fields__
        return Problems(*(np.concatenate([getattr(b, name) for b in batches]) for name in names))


def reduce_samples(X, Y, K_z, lam, *, d_f=None):
    """Return the ``Problems`` of a batch of whitened extra samples.

    Parameters
    ----------
    X : array (b, n0, r)
        Whitened extra inputs.
    Y : array (b, n0, d_y)
        Their labels.
    K_z : array (r, d_z) or (b, r, d_z)
        Whitened cross-covariance Cov[x_w, z], common or one for each problem.
    lam : float or array (b,)
        Weights of the pretext term, at least 0.
    d_f : int, optional
        Number of outputs of f; at least d_y when omitted.

    Returns
    -------
    Problems

    Raises
    ------
    ValueError
        If shapes disagree or lam is negative.

    Source: slide "How to Obtain f ? (Cont.)", training loss.
    """
    X, Y = as_array("X", X, 3), as_array("Y", Y, 3)
    b, n0, r = X.shape
    if Y.shape[:2] != (b, n0) or 0 in (X.size, Y.size):
        raise ValueError(
            f"X and Y must have shapes (b, n0, r) and (b, n0, d_y), got {X.shape} and {Y.shape}"
        )
    K_z = as_array("K_z", K_z, None)
    if K_z.ndim not in (2, 3) or K_z.shape[-2] != r or (K_z.ndim == 3 and len(K_z) != b):
        raise ValueError(f"K_z must have shape ({r}, d_z) or ({b}, {r}, d_z), got {K_z.shape}")
    lam = as_array("lam", lam, None)
    if lam.shape not in [(), (b,)] or (lam < 0).any():
        raise ValueError(f"lam must be one number or {b}, none negative, got {lam!r}")
    d_y = Y.shape[2]
    d_f = d_y if d_f is None else as_count("d_f", d_f)

    left, size, _ = np.linalg.svd(K_z.reshape(-1, r, K_z.shape[-1]))
    rank = max(numerical_rank(values, 0.0) for values in size)
    V, N = left[..., :rank], left[..., rank:]
    Q, upper = np.linalg.qr(X @ np.concatenate([N, V], axis=-1) / np.sqrt(n0))
    rows, m = upper.shape[1], r - rank
    R, T = np.zeros((b, r, r)), np.zeros((b, r, d_y))
    R[:, :rows], T[:, :rows] = upper, Q.mT @ Y / np.sqrt(n0)
    rest = np.sum((Y / np.sqrt(n0) - Q @ T[:, :rows]) ** 2, axis=(1, 2))
    rotate, sigma, W = np.linalg.svd(R[:, :m, :m])
    T[:, :m] = rotate.mT @ T[:, :m]
    basis = np.concatenate([N @ W.mT, np.broadcast_to(V, (b, r, rank))], axis=-1)
    mu = np.broadcast_to(size[:, :rank] ** 2, (b, rank))
    lam, size = np.broadcast_to(lam, (b,)), np.linalg.svdvals(upper)
    k = np.minimum(min(d_f, d_y), [numerical_rank(values, 0.0) for values in size])
    blocks = rotate.mT @ R[:, :m, m:], R[:, m:, m:]
    return Problems(basis, sigma, *blocks, T, rest, mu, lam, k, size[:, 0])


def evaluate(problems, C):
    """Return F (b,), its gradient (b, r, j) and the best head (b, j, d_y) at C (b, r, j)."""
    p, m = problems, problems.m
    C_N, C_V = C[:, :m], C[:, m:]
    seen = np.concatenate([p.sigma[:, :, None] * C_N + p.A @ C_V, p.D @ C_V], axis=1)
    gram = C.mT @ C
    length = np.sqrt(np.einsum("bkk->bk", gram).max(axis=1))
    error, head = _best_head(seen, p.T, RANK_RTOL * p.unit * length)
    pretext = np.linalg.solve(gram, (p.mu[:, :, None] * C_V).mT).mT
    slope = -C @ np.linalg.solve(gram, C_V.mT @ pretext)
    slope[:, m:] += pretext
    value = p.rest + np.sum(error**2, axis=(1, 2)) + p.lam * np.sum(pretext * C_V, axis=(1, 2))
    gradient = 2 * p.lam[:, None, None] * slope - 2 * correlate(p, error) @ head.mT
    return value, gradient, head


def _best_head(seen, T, rounding):
    """Residual (b, r, d_y) and coefficients (b, j, d_y) of least squares of T on seen (b, r, j).

    Directions of size ``rounding`` (b,) are not seen, and nothing is fitted to them.
    """
    Q, upper = np.linalg.qr(seen)
    explained = Q.mT @ T
    error = T - Q @ explained
    blind = (np.abs(np.einsum("bkk->bk", upper)) <= rounding[:, None]).any(axis=1)
    upper[blind] = np.eye(upper.shape[1])
    head = np.linalg.solve(upper, explained)
    if blind.any():  # the rank is then read from singular values
        left, size, right = np.linalg.svd(seen[blind], full_matrices=False)
        kept = (size > rounding[blind, None])[:, :, None]
        explained = np.where(kept, left.mT @ T[blind], 0.0)
        error[blind] = T[blind] - left @ explained
        head[blind] = right.mT @ (explained / np.where(kept, size[:, :, None], 1.0))
    return error, head


def correlate(problems, E):
    """Return X_extra' E / sqrt(n0), (b, r, j), for E (b, r, j) in the basis of T."""
    p, m = problems, problems.m
    E_N = E[:, :m]
    return np.concatenate([p.sigma[:, :, None] * E_N, p.A.mT @ E_N + p.D.mT @ E[:, m:]], axis=1)


def least_squares_metric(problems, alpha, ridge):
    """Return the map ``G, members -> (X'X/n0 + alpha M_z + ridge I)^{-1} G`` on a batch.

    alpha and ridge are (b,) or numbers; a small floor keeps the matrix definite. The arrow is
    eliminated from its diagonal block; what is left has the size r - m.
    """
    p, m, rank = problems, problems.m, problems.mu.shape[1]
    variance = (
        np.sum(p.sigma**2, axis=1) + np.sum(p.A**2, axis=(1, 2)) + np.sum(p.D**2, axis=(1, 2))
    )
    floor = _FLOOR * np.where(variance > 0, variance, 1.0) / p.T.shape[1]
    epsilon = (ridge + floor)[:, None]
    pivot = p.sigma**2 + epsilon
    link = (p.sigma / pivot)[:, :, None] * p.A
    schur = (p.A * (epsilon / pivot)[:, :, None]).mT @ p.A + p.D.mT @ p.D
    np.einsum("bkk->bk", schur)[...] += np.reshape(alpha, (-1, 1)) * p.mu + epsilon

    def apply(G, members):
        H_V = G[:, m:] - link[members].mT @ G[:, :m]
        H_V = np.linalg.solve(schur[members], H_V) if rank else H_V
        H_N = G[:, :m] / pivot[members][:, :, None] - link[members] @ H_V
        return np.concatenate([H_N, H_V], axis=1)

    return apply


def least_squares_on_N(problems):
    """Return the least-squares coefficients (b, r, d_y) supported on N, of minimal norm."""
    p, m = problems, problems.m
    B = np.zeros_like(p.T)
    if m:
        seen = p.sigma > RANK_RTOL * np.maximum(p.sigma[:, :1], np.finfo(float).tiny)
        B[:, :m] = np.where(seen, 1 / np.where(seen, p.sigma, 1), 0)[:, :, None] * p.T[:, :m]
    return B
