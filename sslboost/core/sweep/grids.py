"""Grids of experiments: parallel, resumable after a kill, every finished cell on disk at once."""

import hashlib
import importlib
import inspect
import itertools
import json
import os
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from tqdm import tqdm

from sslboost.core.validation import as_count

_PACKAGE = __name__.partition(".")[0]


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
        If an axis is not a sequence of values, or an empty one.

    Source: slide "Experiments" (one axis for each panel).
    """
    for name, values in axes.items():
        if isinstance(values, str) or not np.iterable(values) or len(values) == 0:
            raise ValueError(f"{name} must be a sequence of values, got {values!r}")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def run(cell, grid, cache_dir, *, code_version=None, seed=0, n_jobs=None, progress=None):
    """Evaluate a function on a grid of configurations and return a tidy table.

    Each cell is written to ``cache_dir`` as soon as it is finished, and never computed again
    for the same function, configuration, seed and code. A sweep that was killed and is started
    again returns the same table, bit for bit; so does one with other cells, another order or
    another number of jobs. Files that were damaged are found by their checksum and recomputed;
    those of other code stay where they are and are not read.

    Cells run through joblib: inside ``with joblib.parallel_config("dask")`` or ``"ray"`` they
    run on that cluster. The calling process writes the files; where a backend hands results
    over only at the end (multiprocessing, Ray), workers that see ``cache_dir`` write them too.

    Parameters
    ----------
    cell : callable
        ``cell(**configuration, rng=generator)`` returns a row, a dict of numbers, strings,
        booleans or None, or a list of such rows. A function of a module, where processes are
        used; the generator depends on the configuration and ``seed`` alone.
    grid : sequence of dict
        Different configurations of numbers, strings, booleans or None.
    cache_dir : path
        Made if it is missing; different functions may share it.
    code_version : str, optional
        Results of different versions are kept apart. By default it changes with every file of
        the package and with the file that defines ``cell``; :func:`code_version` of the modules
        that matter keeps long sweeps when the others change.
    seed : int
        Entropy shared by all cells.
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
        If configurations repeat or hold other values, a row is not one, or ``cell`` has no name
        or no source and no ``code_version``.
    RuntimeError
        If a cell fails; names its configuration, and finished cells are kept.
    OSError
        If a cell cannot be written, as on a full disk; finished cells are kept.

    Source: slide "Experiments".
    """
    if "<" in getattr(cell, "__qualname__", "<"):
        raise ValueError(f"cell must be a function of a module, with a name, got {cell!r}")
    configurations = [_scalars("configuration", c) for c in grid]
    version = code_version if code_version is not None else _version_of(cell)
    cache = Path(cache_dir).absolute()
    seed = as_count("seed", seed, least=0)
    cells = [_Cell(cell, c, seed, str(version), cache) for c in configurations]
    if not cells:
        raise ValueError("grid must hold at least one configuration, got none")
    if len({c.key for c in cells}) < len(cells):
        raise ValueError("grid must hold different configurations, got the same one twice")
    cache.mkdir(parents=True, exist_ok=True)

    found = {c.key: c.load() for c in cells}
    missing = [c for c in cells if found[c.key] is None]
    streams = get_active_backend()[0].supports_return_generator
    # Batches of one: no finished cell waits for another before it is written.
    how = {"return_as": "generator_unordered" if streams else "list", "batch_size": 1}
    parallel = Parallel(n_jobs=n_jobs, **how)
    results = parallel(delayed(_compute)(cell, c, save=not streams) for c in missing)
    by_key = {c.key: c for c in missing}
    bar = {"initial": len(cells) - len(missing), "total": len(cells), "unit": "cell"}
    with tqdm(**bar, disable=None if progress is None else not progress) as shown:
        for key, rows in results:
            found[key] = by_key[key].save(rows)
            shown.update()
    return [row for c in cells for row in found[c.key]]


def columns(rows):
    """Return a tidy table as one array for each column.

    Parameters
    ----------
    rows : list of dict
        With the same names in every row, as from :func:`run`.

    Returns
    -------
    dict of str to array (number of rows,)

    Raises
    ------
    ValueError
        If there are no rows or their names differ.
    """
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError(f"rows must share their names, got {len(rows)} rows that do not")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def code_version(*modules):
    """Return 16 hexadecimal digits that change with the source of the named modules.

    Parameters
    ----------
    *modules : module or str
        A package stands for every Python file below it.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is nothing to read.
    """
    digest = hashlib.sha256()
    for module in modules:
        module = importlib.import_module(module) if isinstance(module, str) else module
        file = getattr(module, "__file__", None)
        if file is None:
            raise ValueError(f"modules must have source files, got {module!r}")
        root = Path(file)
        is_package = hasattr(module, "__path__")
        for path in sorted(root.parent.rglob("*.py")) if is_package else [root]:
            digest.update(f"{module.__name__}/{path.relative_to(root.parent)}\0".encode())
            digest.update(path.read_bytes() + b"\0")
    if not modules:
        raise ValueError("modules must name at least one, got none")
    return digest.hexdigest()[:16]


def _version_of(cell):
    version = code_version(_PACKAGE)
    if cell.__module__.split(".")[0] == _PACKAGE:
        return version
    file = inspect.getsourcefile(cell)
    if file is None or not Path(file).is_file():
        raise ValueError("code_version must be given for a cell that no file defines, got None")
    return hashlib.sha256(version.encode() + Path(file).read_bytes()).hexdigest()[:16]


def _compute(cell, task, *, save):
    digest = hashlib.sha256(_text(task.configuration).encode()).digest()
    entropy = [task.identity["seed"], *np.frombuffer(digest, dtype="<u4").tolist()]
    rng = np.random.default_rng(np.random.SeedSequence(entropy))
    try:
        rows = cell(**task.configuration, rng=rng)
    except Exception as error:
        raise RuntimeError(f"the cell {task.configuration} failed: {error!r}") from error
    if save and task.path.parent.is_dir():
        task.save(rows)
    return task.key, rows


class _Cell:
    """Where one configuration's rows are kept, and how they are read back."""

    def __init__(self, cell, configuration, seed, version, cache):
        self.configuration = configuration
        self.identity = {
            "cell": f"{cell.__module__}.{cell.__qualname__}",
            "configuration": configuration,
            "seed": seed,
            "code_version": version,
        }
        self.key = hashlib.sha256(_text(self.identity).encode()).hexdigest()[:32]
        self.path = cache / f"{self.key}.json"

    def load(self):
        """Rows of the finished cell; None where there are none to trust."""
        try:
            checksum, _, body = self.path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        if checksum == hashlib.sha256(body).hexdigest().encode():
            saved = json.loads(body)
            if _text(saved["identity"]) == _text(self.identity):
                return [self.configuration | row for row in saved["rows"]]
        warnings.warn(f"{self.path} is damaged: its cell is computed again", stacklevel=4)
        return None

    def save(self, rows):
        """Write the cell's rows, whole or not at all, and return them as they are read back."""
        rows = [_scalars("row", row) for row in ([rows] if isinstance(rows, dict) else rows)]
        for row in rows:
            if clash := sorted(row.keys() & self.configuration.keys()):
                raise ValueError(f"row must not repeat arguments of the cell, got {clash}")
        body = json.dumps({"identity": self.identity, "rows": rows}).encode()
        partial = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            partial.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            os.replace(partial, self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            message = f"the cell {self.configuration} could not be written: {error.strerror}"
            raise OSError(error.errno, message, str(self.path)) from error
        return self.load()


def _scalars(name, values):
    """A dict of plain Python scalars, which JSON gives back exactly."""
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{name} must be a dict with names as keys, got {values!r}")
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()}
    for key, value in plain.items():
        if not isinstance(value, str | int | float | bool | None):
            raise ValueError(
                f"{name} must hold numbers, strings, booleans or None, got {key} = {value!r}"
            )
    return plain


def _text(values):
    """The same text for the same values, whatever the order of their names."""
    return json.dumps(values, sort_keys=True)
