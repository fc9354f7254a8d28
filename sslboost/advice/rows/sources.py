"""Where rows of (x, z, y) come from, block by block, and their moments.

Arrays, also such as lie on disk (``numpy.memmap``), and frames are read by blocks of rows; Dask
arrays are summed by their own blocks where these are, and joined in one order. Files are the matter
of :mod:`~sslboost.advice.rows.readers`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sslboost.advice.rows.coding import Coding, learn
from sslboost.advice.rows.moments import Moments
from sslboost.core.validation import as_array

ROLES = ("X", "Z", "Y")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of (x, z, y) that can be read block by block, more than once.

    Parameters
    ----------
    codings : tuple of Coding
        Of x, z and y.
    blocks : callable
        Given a number of rows, returns blocks of at most that many as (x, z, y), each an array or
        a frame, from the first row to the last.
    """

    codings: tuple[Coding, Coding, Coding]
    blocks: Callable

    @property
    def sizes(self):
        """Numbers of columns of x, z and y."""
        return tuple(len(coding.columns) for coding in self.codings)

    def moments(self, groups=1):
        """Sum the rows.

        Parameters
        ----------
        groups : int
            That rows are dealt to.

        Returns
        -------
        Sums

        Raises
        ------
        ValueError
            If x or z has missing or infinite values, or y infinite ones.
        """
        sums, size = Sums.empty(self.sizes, groups), 4096 if groups == 1 else 16384
        room, first = np.empty((size, sum(self.sizes))), 0
        for pieces in self.blocks(size):
            rows = room[: len(pieces[0])]
            encode(self.codings, pieces, rows)
            sums.add(rows, self.codings, first)
            first += len(rows)
        return sums


@dataclass(eq=False)
class Sums:
    """Moments of the labelled rows (x, z, y), of the other rows (x, z), and what was odd.

    Attributes
    ----------
    labelled, rest : Moments
    partial : int
        Rows of which some of y is missing; they count as not labelled.
    """

    labelled: Moments
    rest: Moments
    partial: int = 0

    @classmethod
    def empty(cls, sizes, groups):
        """Return sums of no rows."""
        return cls(Moments(sum(sizes), groups), Moments(sum(sizes[:2]), groups))

    def like(self):
        """Return sums of no rows, of the same columns and groups."""
        groups, d = self.labelled.mean.shape
        return Sums(Moments(d, groups), Moments(self.rest.mean.shape[1], groups))

    def add(self, rows, codings, first):
        """Add coded rows, which are overwritten.

        Parameters
        ----------
        rows : array (n, d_x + d_z + d_y)
        codings : tuple of Coding
            Of x, z and y.
        first : int
            Number of the first row.

        Returns
        -------
        Sums
        """
        inputs = sum(len(coding.columns) for coding in codings[:2])
        _refuse_infinite(rows, codings, first)
        known = np.isfinite(rows[:, inputs:])
        labelled = known.all(axis=1)
        self.partial += int((known.any(axis=1) & ~labelled).sum())
        if labelled.all():
            self.labelled.add(rows, first)
            return self
        numbers = np.arange(first, first + len(rows))
        for part, chosen, width in [
            (self.labelled, labelled, None),
            (self.rest, ~labelled, inputs),
        ]:
            if chosen.any():
                part.add(rows[chosen, :width], numbers[chosen])
        return self

    def merge(self, other):
        """Add the sums of other rows, and return this."""
        self.labelled.merge(other.labelled)
        self.rest.merge(other.rest)
        self.partial += other.partial
        return self


def encode(codings, pieces, out):
    """Write blocks of x, z and y beside each other as numbers.

    Parameters
    ----------
    codings : tuple of Coding
    pieces : tuple of arrays (n, ...) or frames
    out : array (n, d_x + d_z + d_y)
        Overwritten.
    """
    place = 0
    for coding, piece in zip(codings, pieces, strict=True):
        width = len(coding.columns)
        coding.encode(piece, out[:, place : place + width])
        place += width


def _refuse_infinite(rows, codings, first):
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(rows.sum()):  # the rule, and far cheaper than a look at every entry
            return
    place = 0
    for coding in codings:
        for name in coding.columns:
            wrong = {"infinite": np.isinf(rows[:, place]).sum()}
            if coding.role != "Y":
                wrong = {"missing": np.isnan(rows[:, place]).sum()} | wrong
            place += 1
            for what, count in wrong.items():
                if count:
                    raise ValueError(
                        f"{coding.role} must have no {' or '.join(wrong)} values, got {count} "
                        f"{what} in {name!r} among rows {first} to {first + len(rows) - 1}: fill "
                        "them or drop the rows"
                    )


def table(X, Z, Y, categorical=()):
    """Return the rows of arrays or frames as a table.

    Parameters
    ----------
    X, Z, Y : array-likes or frames (n, d_x), (n, d_z), (n, d_y)
        Z and Y may be vectors. A row whose y is NaN, or None, has no label.
    categorical : collection of {"z", "y"}
        Of which numbers are names of categories.

    Returns
    -------
    Table, or the same from Dask's blocks

    Raises
    ------
    ValueError
        If they are no such arrays or their rows do not match.
    """
    given = {"X": X, "Z": Z, "Y": Y}
    if any(is_dask(value) for value in given.values()):
        from sslboost.advice.rows.blocks import dask_table

        return dask_table(given, categorical)
    given = {role: _rows(role, value) for role, value in given.items()}
    rows = {role: len(value) for role, value in given.items()}
    if len(set(rows.values())) > 1:
        listed = ", ".join(f"{role}: {n}" for role, n in rows.items())
        raise ValueError(f"X, Z and Y must have the same number of rows, got {listed}")

    def pieces(value, size):
        cut = value.iloc if hasattr(value, "iloc") else value
        return (cut[start : start + size] for start in range(0, rows["X"], size))

    codings = tuple(
        learn(
            role, names(role, value), lambda v=value: pieces(v, 65536), role.lower() in categorical
        )
        for role, value in given.items()
    )
    return Table(
        codings,
        lambda size: zip(*(pieces(value, size) for value in given.values()), strict=True),
    )


def is_dask(value):
    """Return whether a value is an array or a frame of Dask, without importing it.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
    """
    return type(value).__module__.partition(".")[0] in ("dask", "dask_expr")


def names(role, value):
    """Return the names of the columns of an array or a frame.

    Parameters
    ----------
    role : str
    value : array or frame (n, d)

    Returns
    -------
    tuple of str
    """
    if hasattr(value, "iloc"):
        return tuple(map(str, value.columns))
    return tuple(f"{role.lower()}{i}" for i in range(value.shape[1]))


def _rows(role, value):
    """An array-like or a frame as an array or a frame with two axes, without a copy of it."""
    if hasattr(value, "iloc"):
        return value if value.ndim == 2 else value.to_frame()
    array = value if isinstance(value, np.ndarray) else _array(role, value)
    classes = role != "X" and array.dtype.kind in "OUT" and array.ndim in (1, 2)
    if not classes or np.ma.isMaskedArray(array):
        as_array(role, array[:0] if array.ndim else array, None)
    if array.ndim == 1 and role != "X":
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(f"{role} must have 2 axes, got shape {array.shape}")
    return array.astype(object) if classes else array


def _array(role, value):
    try:
        return np.asarray(value)
    except Exception:  # what an array-like raises is its own affair
        return as_array(role, value, None)
