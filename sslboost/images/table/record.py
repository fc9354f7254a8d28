"""The CIFAR-10 table: its grid of cells, run by the sweep, and the file that records it."""

import json
import time
from pathlib import Path

import torch

from sslboost.core import files, provenance, sweep
from sslboost.core.validation import as_count
from sslboost.images import data
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.processor import ADVERSARIES
from sslboost.images.table import cells
from sslboost.images.table.profiles import PROFILES

ARMS = ("ssl", "processor", "beyond", "alternative")

#: What tells the rows of a table apart.
KEY = ("arm", "psi", "adversary", "pretext", "n0", "labels", "seed")


def run(
    profile,
    *,
    arms=ARMS,
    pretexts=("rotation",),
    adversaries=ADVERSARIES,
    n0=(1000, 2000, 3000, 4000, 5000),
    beyond=(10000, 35000),
    seeds=(0, 1, 2),
    device="cpu",
    compiled=False,
    cache_dir=None,
    n_jobs=None,
    progress=None,
):
    """Measure a part of the table; finished cells are kept, and never measured again.

    Parameters
    ----------
    profile : str
        ``laptop``, ``paper`` or ``smoke``.
    arms : sequence of str
        Of ``ssl`` (with raw pixels and random features), ``processor``, ``beyond`` (processors
        that borrow labels of pretext images) and ``alternative`` (the labels given to the head or
        the encoder).
    pretexts, adversaries : sequences of str
    n0, beyond : sequences of int
        Extra labels, within the extra part and beyond it.
    seeds : sequence of int
    device : str
    compiled : bool
        Compile the image networks.
    cache_dir : path-like, optional
        Where finished cells are kept; ``table`` in the data folder when omitted.
    n_jobs : int, optional
        As in joblib; by default that of the surrounding ``joblib.parallel_config``, or 1.
    progress : bool, optional

    Returns
    -------
    list of dict
        ``arm``, ``psi``, ``adversary``, ``pretext``, ``n0``, ``labels``, ``seed``, ``accuracy``
        (on test, the stage and the penalty of the head chosen without it),
        ``accuracy_last_layer``, ``accuracy_output`` (head on psi_hat(x) itself),
        ``pretext_accuracy`` (share told, or R²), ``train_y_error`` and ``seconds`` of the cell.

    Raises
    ------
    ValueError
        If a name is unknown, the device is absent, or n0 exceeds the labels there are.
    RuntimeError
        If a cell fails; finished cells are kept.
    OSError
        If a cell or a checkpoint cannot be written; finished cells are kept.

    Source: slide "Experiments", the table.
    """
    _known("profile", [profile], PROFILES)
    _known("arms", arms, ARMS)
    _known("pretexts", pretexts, PRETEXTS)
    _known("adversaries", adversaries, ADVERSARIES)
    seeds = [as_count("seeds", seed, least=0) for seed in seeds]
    _available(device)
    extra, unlabelled, _ = PROFILES[profile].sizes
    limits = []
    if {"processor", "alternative"} & set(arms):
        limits.append(("n0", n0, extra))
    if "beyond" in arms:
        limits.append(("beyond", beyond, extra + unlabelled))
    for name, values, most in limits:
        for value in values:
            if as_count(name, value) > most:
                raise ValueError(f"{name} must be at most {most} labels, got {value}")
    data.load()  # once, before processes start
    shared = {"profile": [profile], "device": [device], "compiled": [compiled]}
    plain = {"pretext": pretexts, "seed": seeds, **shared}
    grids = {
        "ssl": (cells.ssl, plain),
        "alternative": (cells.alternative, {"n0": n0, **plain}),
        "processor": (cells.processor, {"adversary": adversaries, "n0": n0, "borrow": [False]}),
        "beyond": (cells.processor, {"adversary": adversaries, "n0": beyond, "borrow": [True]}),
    }
    rows = []
    for arm in (arm for arm in ARMS if arm in arms):  # plain SSL before those who start from it
        cell, axes = grids[arm]
        rows += sweep.run(
            cell,
            sweep.grid(**{**axes, **plain}),
            cache_dir or data.folder() / "table",
            code_version=cells.version(),
            n_jobs=n_jobs,
            progress=progress,
        )
    return [_tidy(row) for row in rows]


def write(rows, profile, path, *, seconds, replace=False):
    """Record rows beside those of the same code in a file, which appears whole or not at all.

    Parameters
    ----------
    rows : list of dict
        From :func:`run`.
    profile : str
    path : path-like
    seconds : float
        What measuring them took.
    replace : bool
        Whether a file of another profile, another code version or another shape is replaced.

    Raises
    ------
    ValueError
        If such a file is there and ``replace`` is false.
    OSError
        If the file cannot be written; the file before it is kept.
    """
    path = files.destination("path", path)
    with files.locked(path):
        earlier = _earlier(profile, path, replace)
        files.write_json(path, _merged(earlier, rows, profile, seconds))


def _merged(earlier, rows, profile, seconds):
    """The table of a file and the rows that join it; a row measured again replaces itself."""
    by_key = {_key(row): row for row in [*earlier["runs"], *rows]}
    commands = earlier["provenance"]["command"]
    facts = provenance.describe()
    if facts["command"] not in commands:
        commands = [*commands, facts["command"]]
    facts |= {
        "command": " && ".join(commands),
        "profile": profile,
        "code_version": cells.version(),
        "seconds": earlier["provenance"]["seconds"] + seconds,
    }
    runs = sorted(by_key.values(), key=lambda row: [str(part) for part in _key(row)])
    return {"provenance": facts, "runs": runs}


def read(path):
    """Return a recorded table.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict
        ``provenance`` and ``runs``.

    Raises
    ------
    OSError
        If the file is missing.
    ValueError
        If it is not a recorded table, or holds a row twice.
    """
    try:
        table = json.loads(Path(path).read_text())
        keys = [_key(row) for row in table["runs"]]
        table["provenance"]["profile"], table["provenance"]["code_version"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"path must hold a recorded table, got {path}: {error!r}") from error
    if len(set(keys)) < len(keys):
        raise ValueError(f"path must hold every row once, got one twice in {path}")
    return table


def measure(profile, path, *, replace=False, **grid):
    """Run a part of the table and record it; what :mod:`sslboost.images` does on ``table``.

    Parameters
    ----------
    profile : str
    path : path-like
    replace : bool
        As in :func:`write`.
    **grid
        As in :func:`run`.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError, RuntimeError, OSError
        As :func:`run` and :func:`write`; a file that may not be written to is found before
        anything is measured.

    Source: slide "Experiments", the table.
    """
    _earlier(profile, files.destination("path", path), replace)
    started = time.perf_counter()
    rows = run(profile, **grid)
    write(rows, profile, path, seconds=time.perf_counter() - started, replace=replace)
    return rows


def _earlier(profile, path, replace):
    """The table in the file that rows of this profile and code may join, or an empty one."""
    if replace or not path.exists():
        return {"provenance": {"command": [], "seconds": 0.0}, "runs": []}
    table = read(path)
    facts = table["provenance"]
    for name, value in [("profile", profile), ("code_version", cells.version())]:
        if facts[name] != value:
            raise ValueError(
                f"path must hold results of {name} {value}, got {path} with {facts[name]}; "
                "write elsewhere or ask to replace it"
            )
    return table | {"provenance": facts | {"command": facts["command"].split(" && ")}}


def select(runs, **values):
    """Return the rows with the given values, as those of one column of the table.

    Parameters
    ----------
    runs : list of dict
    **values
        Of the columns.

    Returns
    -------
    list of dict

    Source: slide "Experiments".
    """
    return [row for row in runs if all(row[name] == value for name, value in values.items())]


def _key(row):
    return tuple(row[name] for name in KEY)


def _tidy(row):
    own = {"n0": None, "adversary": None, "train_y_error": None} | row
    for name in ("profile", "device", "compiled", "borrow"):
        own.pop(name, None)
    first = {name: own.pop(name) for name in KEY}
    return first | own


def _known(name, values, known):
    if not list(values):
        raise ValueError(f"{name} must name at least one, got none")
    for value in values:
        if value not in known:
            raise ValueError(f"{name} must be among {', '.join(known)}, got {value!r}")


def _available(device):
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device must be one that is there, got {device!r}: {reason}") from error
