"""Dask arrays: moments of their blocks where these are, joined in one order."""

from dataclasses import dataclass

import numpy as np

from sslboost.advice.rows.coding import Coding, learn
from sslboost.advice.rows.sources import Sums, encode, is_dask, names

#: Rows that are looked at before all are summed.
_HEAD = 1000

#: Sums that one task joins: few in memory at a time, and a tree that is not deep.
_FAN = 4


@dataclass(frozen=True, eq=False)
class BlockTable:
    """Rows of Dask arrays, in the part of a :class:`~sslboost.advice.rows.sources.Table`.

    Parameters
    ----------
    codings : tuple of Coding
    arrays : tuple of dask.array.Array
        Of one chunk across the columns, and the same chunks of rows.
    """

    codings: tuple[Coding, Coding, Coding]
    arrays: tuple

    @property
    def sizes(self):
        """Numbers of columns of x, z and y."""
        return tuple(len(coding.columns) for coding in self.codings)

    def moments(self, groups=1):
        """Sum the rows, as :meth:`sslboost.advice.rows.sources.Table.moments`."""
        import dask

        summed, merged = dask.delayed(_summed, pure=True), dask.delayed(_merged, pure=True)
        parts = [array.to_delayed()[:, 0] for array in self.arrays]
        lengths = self.arrays[0].chunks[0]
        firsts = np.concatenate([[0], np.cumsum(lengths)]).tolist()
        sums = [
            summed(*blocks, first, self.codings, groups)
            for *blocks, first in zip(*parts, firsts, strict=False)
        ]
        while len(sums) > 1:
            sums = [merged(sums[i : i + _FAN]) for i in range(0, len(sums), _FAN)]
        return sums[0].compute()


def dask_table(given, categorical):
    """Return the rows of Dask arrays as a table.

    Parameters
    ----------
    given : dict of {"X", "Z", "Y"} to array
        At least one of Dask.
    categorical : collection of {"z", "y"}

    Returns
    -------
    BlockTable

    Raises
    ------
    ValueError
        If they are no arrays of numbers of known sizes, or their rows do not match.
    """
    import dask.array as da

    arrays = {}
    for role, value in given.items():
        array = da.asarray(value) if not is_dask(value) else value
        if not isinstance(array, da.Array) or array.dtype.kind not in "biuf":
            came = getattr(array, "dtype", type(array).__name__)
            raise ValueError(f"{role} must be a Dask array of numbers, got {came}")
        if np.isnan(np.array(array.shape, float)).any():
            raise ValueError(f"{role} must know its sizes, got {array.shape}: compute_chunk_sizes")
        if array.ndim == 1 and role != "X":
            array = array[:, None]
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(f"{role} must have rows and columns, got shape {array.shape}")
        arrays[role] = array
    rows = {role: len(array) for role, array in arrays.items()}
    if len(set(rows.values())) > 1:
        listed = ", ".join(f"{role}: {n}" for role, n in rows.items())
        raise ValueError(f"X, Z and Y must have the same number of rows, got {listed}")
    chunks = {0: next(a for role, a in arrays.items() if is_dask(given[role])).chunks[0], 1: -1}
    arrays = {role: array.rechunk(chunks) for role, array in arrays.items()}
    heads = {role: array[:_HEAD].compute() for role, array in arrays.items()}
    for role in "ZY":
        if role.lower() in categorical:
            heads[role] = _levels(da, arrays[role])
    codings = tuple(
        learn(role, names(role, head), lambda h=head: [h], role.lower() in categorical)
        for role, head in heads.items()
    )
    return BlockTable(codings, tuple(arrays.values()))


def _levels(da, array):
    """Rows in which every value of every column occurs."""
    found = [da.unique(array[:, i]).compute() for i in range(array.shape[1])]
    rows = max(len(levels) for levels in found)
    return np.stack([np.resize(levels, rows) for levels in found], axis=1)


def _summed(x, z, y, first, codings, groups):
    sizes = tuple(len(coding.columns) for coding in codings)
    rows = np.empty((len(x), sum(sizes)))
    encode(codings, (x, z, y), rows)
    return Sums.empty(sizes, groups).add(rows, codings, first)


def _merged(parts):
    sums = parts[0].like()
    for part in parts:
        sums.merge(part)
    return sums
