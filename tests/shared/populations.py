"""Populations and samples of every shape, for the property tests."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from sslboost.population import GaussianPopulation

EPS = np.finfo(float).eps


def conditioning(cov):
    """Condition number in units of standard deviations, which units do not change."""
    sd = np.sqrt(np.diag(cov))
    return np.linalg.cond(cov / np.outer(sd, sd))


@st.composite
def populations(draw, *, most=5, decades=4.7, links=True):
    """Definite populations: d_x < d_z, d_y > d_z, zero blocks, ill-conditioned, in any units.

    Parameters
    ----------
    most : int
        Largest dimension of a block.
    decades : float
        Over which the root's singular values spread, so that the condition number of the
        correlations goes up to about ``10 ** (2 decades)``.
    links : bool
        Whether x must be linked to z and y; otherwise blocks may be zero.
    """
    d_x, d_z, d_y = (draw(st.integers(1, most), label=name) for name in ("d_x", "d_z", "d_y"))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    d = d_x + d_z + d_y
    spread = 10.0 ** -np.linspace(0, draw(st.floats(0, decades), label="decades"), d)
    left, right = (np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(2))
    root = left * spread @ right
    cov = root @ root.T
    block = np.repeat([0, 1, 2], [d_x, d_z, d_y])
    cut = draw(st.sampled_from(["", "xz", "xy", "zy"]), label="unlinked") if not links else ""
    if cut:  # independent of everything else, so that the rest stays definite
        a = "xzy".index(cut[0])
        cov[np.ix_(block == a, block != a)] = 0
        cov[np.ix_(block != a, block == a)] = 0
    sd = np.sqrt(np.diag(cov))
    largest = draw(st.sampled_from([0, 3, 6]), label="units")
    units = 10.0 ** rng.integers(-largest, largest + 1, d)
    cov = cov / np.outer(sd, sd) * np.outer(units, units)
    return GaussianPopulation((cov + cov.T) / 2, d_x, d_z, d_y)


def changed(population, rows, units=None):
    """The population of the coordinates ``rows`` (three lists of indices) in other units."""
    flat = np.concatenate(rows).astype(int)
    cov = population.cov[np.ix_(flat, flat)]
    if units is not None:
        cov = cov * np.outer(units, units)
    return GaussianPopulation(cov, *(len(part) for part in rows))


def coordinates(population):
    """Indices of the coordinates of x, z and y."""
    ends = np.cumsum([population.d_x, population.d_z, population.d_y])
    return np.split(np.arange(ends[2]), ends[:2])


@st.composite
def processors(draw, population):
    """Matrices A (d_f, d_x) of full row rank, in units of the inputs."""
    d_f = draw(st.integers(1, population.d_x), label="d_f")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed of A"))
    Q = np.linalg.qr(rng.standard_normal((population.d_x, d_f)))[0]
    return Q.T / np.sqrt(np.diag(population.block("x", "x")))


@dataclass(frozen=True)
class Twin:
    """Another way to write a sample's columns, which changes nothing that they say.

    Units, copies, order, and where ``centred`` also a shift and a constant column.
    """

    units: np.ndarray
    copies: tuple
    order: tuple
    constant: float | None
    shift: float

    def __call__(self, X, *, centred=True):
        d = X.shape[1]
        columns = [j for j in (*self.order, *self.copies) if j < d]
        units = self.units[columns]
        X = X[:, columns] * units + centred * self.shift * units
        if centred and self.constant is not None:
            X = np.column_stack([X, np.full(len(X), self.constant)])
        return X

    @property
    def digits(self):
        """Relative rounding of what is left of columns of unit variance: a shift costs digits."""
        return EPS * (1 + self.shift)


@st.composite
def twins(draw, *, most=4):
    """Twins of samples with up to ``most`` columns; units up to 2^40 = 10^12 and back."""
    powers = draw(st.lists(st.integers(-40, 40), min_size=most, max_size=most), label="powers")
    return Twin(
        2.0 ** np.array(powers),
        tuple(draw(st.lists(st.integers(0, most - 1), max_size=3), label="copies")),
        tuple(draw(st.permutations(range(most)), label="order")),
        draw(st.sampled_from([None, 0.1, 14.62, 1e6 + 0.1]), label="constant"),
        draw(st.sampled_from([0.0, 1.0, 1e4, 1e8]), label="shift"),
    )
