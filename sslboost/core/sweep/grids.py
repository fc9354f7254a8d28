"""Sweeps: every configuration of a grid, in parallel, each cell once and never again."""

import functools
import inspect
import itertools
import math
import os
import warnings
from collections.abc import Mapping, Set
from contextlib import closing

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from tqdm import tqdm

from sslboost.core import files
from sslboost.core.sweep import contents
from sslboost.core.sweep._cells import Cell, CellError, compute, scalars
from sslboost.core.sweep.contents import code_version
from sslboost.core.validation import as_count

_PACKAGE = __name__.partition(".")[0]

#: Of the code that runs, which is not that of files that were edited since.
_AT_IMPORT = code_version(_PACKAGE)

#: Most configurations of one grid: beyond it lies a mistake, not a sweep.
MOST_CELLS = 10_000_000


def grid(**axes):
    """Return every combination of the axes' values, the last axis varying fastest.

    Parameters
    ----------
    **axes : sequence
        Values of each named argument of a cell.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If an axis is not a sequence of values, or an empty one, or there are more combinations
        than ``MOST_CELLS``.

    Source: slide "Experiments" (one axis for each panel).
    """
    sizes = [_length(name, values) for name, values in axes.items()]
    as_count("number of configurations", math.prod(sizes), most=MOST_CELLS)
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def run(cell, grid, cache_dir, *, code_version=None, seed=0, n_jobs=None, progress=None):
    """Evaluate a function on a grid of configurations and return a tidy table.

    Each cell is written to ``cache_dir`` as soon as it is finished, and never computed again
    for the same function, configuration, seed and code. A sweep that was killed and is started
    again returns the same table, bit for bit; so does one with other cells, another order or
    another number of jobs, or beside others in the same folder. Files that are damaged are found
    by their checksum and recomputed; those of other code stay where they are and are not read.

    Cells run through joblib: inside ``with joblib.parallel_config("dask")`` or ``"ray"`` they
    run on that cluster. A worker that sees ``cache_dir`` writes its cell at once; those of
    others are written by the calling process. A worker that is killed ends a sweep on joblib's
    own processes (loky); joblib waits for those of multiprocessing and Dask.

    Parameters
    ----------
    cell : callable
        ``cell(**configuration, rng=generator)`` returns a row, a dict of numbers, strings,
        booleans or None, or a list of such rows. A function of a module; also a bound method, a
        callable object or a ``functools.partial``, which are known by what they hold, as of
        :func:`sslboost.core.sweep.contents.digest`. The generator depends on the configuration and
        ``seed`` alone.
    grid : sequence of dict
        Different configurations of numbers (infinite ones and NaN are some), strings, booleans
        or None.
    cache_dir : path
        Made if it is missing; different functions may share it.
    code_version : str, optional
        Results of different versions are kept apart. By default it changes with every file of
        the package, with the code of ``cell`` and of what it wraps or holds, and with the files
        that define them; :func:`code_version` of the modules that matter keeps long sweeps when
        the others change.
    seed : int
        Entropy shared by all cells, at least 0.
    n_jobs : int, optional
        As in joblib; by default that of the surrounding ``joblib.parallel_config``, or 1.
    progress : bool, optional
        Show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    list of dict
        One row for each that a cell returned, in the order of the grid: the configuration,
        then the results.

    Raises
    ------
    ValueError
        If an argument is not as above, configurations repeat, ``cell`` does not take one, a row
        is none, or ``cell`` cannot be known by what it holds and there is no ``code_version``.
    CellError
        If a cell fails, or a worker is killed; names the configurations. Finished cells are kept.
    OSError
        If ``cache_dir`` cannot be written to, before any cell is computed, or a cell cannot, as
        on a full disk; finished cells are kept.

    Source: slide "Experiments".
    """
    configurations = _configurations(grid)
    common = _identity(cell, code_version) | {"seed": as_count("seed", seed, least=0, most=np.inf)}
    _check_calls(cell, configurations)
    _check_options(n_jobs, progress)
    cache = files.as_path("cache_dir", cache_dir).absolute()
    if os.path.exists(cache) and not os.path.isdir(cache):
        raise ValueError(f"cache_dir must be a folder, got the file {cache}")
    cells = [Cell(common, c, cache) for c in configurations]
    if len({c.key for c in cells}) < len(cells):
        raise ValueError("grid must hold different configurations, got the same one twice")

    found = {c.key: c.kept() for c in cells}
    missing = {c.key: c for c in cells if found[c.key] is None}
    for task in missing.values():
        if os.path.lexists(task.path):
            warnings.warn(f"{task.path} is damaged: its cell is computed again", stacklevel=2)
    if missing:
        files.made("cache_dir", cache)
    bar = {"initial": len(cells) - len(missing), "total": len(cells), "unit": "cell"}
    with tqdm(**bar, disable=None if progress is None else not progress) as shown:
        with closing(_computed(cell, list(missing.values()), n_jobs)) as results:
            for key, rows in results:
                if missing[key].kept() is None:  # of a worker elsewhere
                    missing[key].save(rows)
                found[key] = rows
                shown.update()
    return [c.configuration | row for c in cells for row in found[c.key]]


def columns(rows):
    """Return a tidy table as one array for each column.

    Parameters
    ----------
    rows : list of dict
        With the same names in every row, as from :func:`run`.

    Returns
    -------
    dict of str to array (number of rows,)
        Of objects, where text stands among other values.

    Raises
    ------
    ValueError
        If there are no rows, they are no rows of scalars, or their names differ.
    """
    if not isinstance(rows, list | tuple):
        raise ValueError(f"rows must be a list of dict, got {type(rows).__name__}")
    rows = [scalars("row", row) for row in rows]
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError(f"rows must share their names, got {len(rows)} rows that do not")
    return {name: _column([row[name] for row in rows]) for name in rows[0]}


def _length(name, values):
    unordered = isinstance(values, str | bytes | Mapping | Set)
    try:
        if not unordered and np.iterable(values) and len(values):
            return len(values)
    except (TypeError, OverflowError):  # a generator, or a range beyond all sizes
        pass
    raise ValueError(f"{name} must be a sequence of values, got {values!r:.200}")


def _configurations(grid):
    if isinstance(grid, str | bytes | Mapping) or not np.iterable(grid):
        raise ValueError(f"grid must be a sequence of dict, got {grid!r:.200}")
    configurations = [scalars("configuration", c) for c in grid]
    if not configurations:
        raise ValueError("grid must hold at least one configuration, got none")
    return configurations


def _identity(cell, version):
    """What the cells of a sweep share: the name and contents of the function, and the code."""
    function = cell
    while isinstance(function, functools.partial):
        function = function.func
    if not isinstance(getattr(function, "__qualname__", None), str):
        function = type(function)
    if not callable(cell) or "<" in function.__qualname__:
        raise ValueError(f"cell must be a function of a module, with a name, got {cell!r:.200}")
    if version is not None and not isinstance(version, str):
        raise ValueError(f"code_version must be text, got {version!r:.200}")
    try:
        held = contents.digest(cell, code=version is None)
    except ValueError as error:
        need = "cell must be a plain function, or come with a code_version that stands for it"
        raise ValueError(f"{need}, got {cell!r:.200}: {error}") from error
    name = f"{contents.module_name(str(function.__module__))}.{function.__qualname__}"
    if version is None:
        version = "+".join(sorted({_AT_IMPORT, code_version(_PACKAGE)}))
    return {"cell": name, "contents": held, "code_version": version}


def _check_calls(cell, configurations):
    try:
        signature = inspect.signature(cell, follow_wrapped=False)
    except (TypeError, ValueError):  # one written in C may not tell
        return
    for configuration in configurations:
        try:
            signature.bind(**configuration, rng=None)
        except TypeError as error:
            raise ValueError(f"cell must take rng and {configuration}: {error}") from error


def _check_options(n_jobs, progress):
    whole = isinstance(n_jobs, int | np.integer) and not isinstance(n_jobs, bool)
    if n_jobs is not None and not (whole and n_jobs != 0):
        raise ValueError(f"n_jobs must be an integer other than 0, or None, got {n_jobs!r:.200}")
    if not isinstance(progress, bool | None):
        raise ValueError(f"progress must be True, False or None, got {progress!r:.200}")


def _computed(cell, tasks, n_jobs):
    """Keys and rows of the tasks, as they are finished; what stops them names them."""
    if n_jobs is not None:  # two at least of several, so that a cell has a worker of its own
        n_jobs = min(int(n_jobs), max(2, len(tasks)))
    streams = get_active_backend()[0].supports_return_generator
    dispatched = 2 * effective_n_jobs(n_jobs)
    # Batches of one: no finished cell waits for another before it is handed over.
    how = {"return_as": "generator_unordered" if streams else "list", "batch_size": 1}
    parallel = Parallel(n_jobs=n_jobs, pre_dispatch=dispatched, **how)
    try:
        yield from parallel(delayed(compute)(cell, task) for task in tasks)
    except (CellError, ValueError, OSError):
        raise
    except Exception as error:  # each backend has its own for a worker that was killed
        left = [task.configuration for task in tasks if task.kept() is None]
        running, waiting = left[:dispatched], len(left[dispatched:])
        more = f", and {waiting} more had not begun" if waiting else ""
        message = f"the workers stopped ({error!r:.200}) before these cells were done: {running}"
        raise CellError(message + more) from error


def _column(values):
    mixed = len({isinstance(value, str) for value in values}) > 1
    return np.array(values, dtype=object if mixed else None)
