"""Files of rows: parquet by row group, csv by lines, npz by arrays."""

import fnmatch
import zipfile
from contextlib import contextmanager

import numpy as np

from sslboost.advice.rows.coding import learn
from sslboost.advice.rows.sources import ROLES, Table, table
from sslboost.core.files import as_path


def file_table(path, x, z, y, categorical=()):
    """Return the rows of a file as a table, of which a block is read at a time.

    Parameters
    ----------
    path : path-like
        A parquet, csv or npz file; the arrays of an npz file are read whole.
    x, z, y : sequences of str
        Columns, or arrays of an npz file: names, patterns such as ``z*``, or beginnings of names.
        Without x, all that is neither z nor y.
    categorical : collection of {"z", "y"}
        As of :func:`sslboost.advice.rows.sources.table`.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If the file cannot be read, or its columns are not as said.
    """
    path = as_path("path", path)
    kinds = {".parquet": _Parquet, ".csv": _Csv, ".npz": _Npz}
    if path.suffix.lower() not in kinds:
        raise ValueError(f"path must end with {', '.join(kinds)}, got {path}")
    if not path.is_file():
        raise ValueError(f"path must be a file that is there, got {path}")
    file = kinds[path.suffix.lower()](path)
    with _reading(path):
        there = file.names()
    chosen = choose(there, x, z, y)
    if isinstance(file, _Npz):
        with _reading(path):
            arrays = [file.arrays(names) for names in chosen]
        return table(*map(_beside, ROLES, chosen, arrays), categorical=categorical)

    def blocks(size, wanted=chosen):
        frames = file.frames([name for names in wanted for name in names], size)
        while True:
            with _reading(path):
                frame = next(frames, None)
            if frame is None:
                return
            yield tuple(frame[list(names)] for names in wanted)

    codings = tuple(
        learn(
            role,
            names,
            lambda n=names: (part for (part,) in blocks(65536, (n,))),
            role.lower() in categorical,
        )
        for role, names in zip(ROLES, chosen, strict=True)
    )
    return Table(codings, blocks)


@contextmanager
def _reading(path):
    """Turn what goes wrong in a library's reader into one line about the file."""
    try:
        yield
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        kind = path.suffix[1:].lower()
        raise ValueError(
            f"path must be a {kind} file that can be read, got {path}: {said:.200}"
        ) from error


class _Parquet:
    def __init__(self, path):
        self.path = path

    def names(self):
        return _open(self.path).schema_arrow.names

    def frames(self, columns, size):
        file = _open(self.path)
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(size, row_groups=[group], columns=columns):
                yield batch.to_pandas()


def _open(path):
    from pyarrow import parquet

    return parquet.ParquetFile(path)


class _Csv:
    def __init__(self, path):
        self.path = path

    def names(self):
        import pandas as pd

        return list(pd.read_csv(self.path, nrows=0).columns)

    def frames(self, columns, size):
        import pandas as pd

        yield from pd.read_csv(self.path, usecols=columns, chunksize=size)


class _Npz:
    def __init__(self, path):
        self.path = path

    def names(self):
        with np.load(self.path) as file:
            return list(file.files)

    def arrays(self, names):
        with np.load(self.path) as file:
            return [file[name] for name in names]


def _beside(role, names, arrays):
    """Arrays of an npz file beside each other."""
    for name, array in zip(names, arrays, strict=True):
        if array.ndim not in (1, 2):
            raise ValueError(f"{role} must have 1 or 2 axes in {name!r}, got shape {array.shape}")
    rows = {len(array) for array in arrays}
    if len(rows) > 1:
        raise ValueError(f"{role} must have arrays of as many rows, got {sorted(rows)}")
    return np.hstack([array.reshape(len(array), -1) for array in arrays])


def choose(there, x, z, y):
    """Return the names of the columns of x, z and y.

    A name that is there is meant as such; one that is not may be a pattern, or else a beginning.

    Parameters
    ----------
    there : sequence of str
    x, z, y : sequence of str
        Without x, all that is neither z nor y.

    Returns
    -------
    tuple of tuple of str

    Raises
    ------
    ValueError
        If nothing has such a name, or a column would be taken twice.
    """
    if twice := {name for name in there if list(there).count(name) > 1}:
        raise ValueError(f"path must hold each column once, got {min(twice)!r} more than once")
    chosen = {role: _named(role, there, wanted) for role, wanted in [("z", z), ("y", y)]}
    taken = {name for names in chosen.values() for name in names}
    chosen["x"] = (
        _named("x", there, x) if x is not None else [name for name in there if name not in taken]
    )
    if not chosen["x"]:
        raise ValueError("x must name columns that are neither z nor y, got none")
    for a, b in [("x", "z"), ("x", "y"), ("z", "y")]:
        if both := [name for name in chosen[a] if name in chosen[b]]:
            raise ValueError(f"{a} and {b} must be different columns, got {both[0]!r} in both")
    return tuple(tuple(chosen[role]) for role in "xzy")


def _named(role, there, wanted):
    known = isinstance(wanted, list | tuple) and all(isinstance(name, str) for name in wanted)
    if not known or not wanted:
        raise ValueError(f"{role} must be a list of names of columns, got {wanted!r:.80}")
    found = []
    for name in wanted:
        hits = [name] if name in there else fnmatch.filter(there, name)
        hits = hits or [one for one in there if name and one.startswith(name)]
        if not hits:
            listed = ", ".join(map(str, there[:8])) + (", ..." if len(there) > 8 else "")
            raise ValueError(f"{role} must name columns of the file, got {name!r}; it has {listed}")
        found += [one for one in hits if one not in found]
    return found
