"""The CIFAR-10 table: its grid of cells, run by the sweep, and the file that records it."""

import numpy as np

from sslboost.core import files, sweep
from sslboost.core.compute import products
from sslboost.core.validation import as_choice, as_number
from sslboost.images import data
from sslboost.images.checks import as_counts, as_device, as_flag
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.processor import ADVERSARIES
from sslboost.images.table import cells, processed, recording
from sslboost.images.table.common import different, names_of, version
from sslboost.images.table.part import extra_labels
from sslboost.images.table.profiles import PROFILES

ARMS = ("untrained", "ssl", "supervised", "processor", "beyond", "alternative")

#: What tells the rows of a table apart.
KEY = ("arm", "psi", "adversary", "lam", "pretext", "n0", "labels", "features", "layer", "seed")

#: What is measured of some arms alone.
_OF_SOME = ("training_seconds", "train_y_error", "told", "told_in_batches")


def run(
    profile,
    *,
    arms=ARMS,
    pretexts=("rotation",),
    adversaries=ADVERSARIES,
    lams=(1.0,),
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
        One of ``PROFILES``.
    arms : sequence of str
        Of ``untrained`` (pixels and random features), ``ssl``, ``supervised`` (the same network,
        trained on the downstream labels alone), ``processor``, ``alternative`` (the extra labels
        given to the head or the encoder of plain SSL, or to a network without SSL), and ``beyond``
        (processors and alternatives that borrow labels of pretext images).
    pretexts, adversaries : sequences of str
    lams : sequence of float
        Weights of the pretext term in the processors' loss.
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
        ``arm``, ``psi``, ``adversary``, ``lam``, ``pretext``, ``n0``, ``labels``, ``features`` and
        ``layer`` (what the head reads, as of :meth:`sslboost.images.table.part.Part.score`),
        ``seed``, ``accuracy`` (on test, the layer and the penalty of the head chosen without it),
        ``held_out``, ``pretext_accuracy`` (share told, or R²), ``seconds`` of the cell, of plain
        SSL ``training_seconds``, and of processors ``train_y_error``, ``told`` and
        ``told_in_batches``, as of
        :func:`sslboost.images.table.processed.processor`.

    Raises
    ------
    ValueError
        If a name is unknown, a value is given twice, the device is absent, or n0 exceeds the
        labels there are or reaches those of one class only.
    RuntimeError
        If a cell fails; finished cells are kept.
    OSError
        If a cell or a checkpoint cannot be written; finished cells are kept.

    Source: slide "Experiments", the table.
    """
    chosen = PROFILES[as_choice("profile", profile, PROFILES)]
    arms, pretexts = names_of("arms", arms, ARMS), names_of("pretexts", pretexts, PRETEXTS)
    adversaries = names_of("adversaries", adversaries, ADVERSARIES)
    seeds = _numbers("seeds", seeds, least=0)
    lams = _weights(lams)
    folder = data.folder() / "table" if cache_dir is None else files.as_path("cache_dir", cache_dir)
    device, compiled = str(as_device(device)), as_flag("compiled", compiled)
    extra, unlabelled, _ = chosen.sizes
    if {"processor", "alternative"} & set(arms):
        n0 = _labels("n0", n0, extra, chosen, seeds)
    if "beyond" in arms:
        beyond = _labels("beyond", beyond, extra + unlabelled, chosen, seeds)
    data.load()  # once, before processes start
    shared = {"profile": [profile], "device": [device], "compiled": [compiled]}
    plain = {"pretext": pretexts, "seed": seeds, **shared}
    rival = {"adversary": adversaries, "lam": lams}
    few, many = ({"n0": n0, "borrow": [False]}, {"n0": beyond, "borrow": [True]})
    grids = {
        "untrained": [(cells.untrained, {})],
        "ssl": [(cells.ssl, {})],
        "supervised": [(cells.supervised, {})],
        "processor": [(processed.processor, rival | few)],
        "beyond": [(processed.processor, rival | many), (cells.alternative, many)],
        "alternative": [(cells.alternative, few)],
    }
    rows = []
    for arm in (arm for arm in ARMS if arm in arms):  # plain SSL before those who start from it
        for cell, axes in grids[arm]:
            rows += sweep.run(
                cell,
                sweep.grid(**axes, **plain),
                folder,
                code_version=f"{version()}-{products(device)}",
                n_jobs=n_jobs,
                progress=progress,
            )
    return [_tidy(row) for row in rows]


def write(rows, profile, path, *, seconds, replace=False, device="cpu"):
    """Record rows beside those of the same code in a file, which appears whole or not at all.

    Rows of networks that multiply in bfloat16 and in float32 are not mixed.

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
    device : str
        Where the rows were measured.

    Raises
    ------
    ValueError
        If such a file is there and ``replace`` is false, or an argument is not as above.
    OSError
        If the file cannot be written; the file before it is kept.
    """
    path = files.destination("path", path)
    as_choice("profile", profile, PROFILES)
    as_number("seconds", seconds, least=0)
    as_flag("replace", replace)
    rows = list(rows) if isinstance(rows, list | tuple) else [rows]
    if wrong := [row for row in rows if not isinstance(row, dict) or not row.keys() >= set(KEY)]:
        raise ValueError(f"rows must be rows of a table, got {wrong[0]!r:.200}")
    how = {"seconds": seconds, "replace": replace, "device": device}
    recording.write(path, rows, KEY, _own(profile, device), **how)


def _own(profile, device):
    """What the rows of a file have in common."""
    return {"profile": profile, "code_version": version(), "products": products(device)}


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
    return recording.read(path, KEY)


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
    as_choice("profile", profile, PROFILES)
    as_flag("replace", replace)
    device = str(as_device(grid.get("device", "cpu")))
    recording.earlier(files.destination("path", path), KEY, _own(profile, device), replace=replace)
    rows = run(profile, **grid)
    seconds = sum({row["seconds"] for row in rows})  # once for the rows of a cell
    write(rows, profile, path, seconds=seconds, replace=replace, device=device)
    return rows


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

    Raises
    ------
    ValueError
        If a row lacks such a column.

    Source: slide "Experiments".
    """
    if not isinstance(runs, list | tuple) or not all(row and isinstance(row, dict) for row in runs):
        raise ValueError(f"runs must be a list of rows, got {runs!r:.200}")
    for name in values:
        if not all(name in row for row in runs):
            raise ValueError(f"runs must be rows with the column {name}, got others")
    return [row for row in runs if all(row[name] == value for name, value in values.items())]


def _tidy(row):
    own = dict.fromkeys(("n0", "adversary", "lam", *_OF_SOME)) | row
    for name in ("profile", "device", "compiled", "borrow"):
        own.pop(name, None)
    first = {name: own.pop(name) for name in KEY}
    return first | own


def _numbers(name, values, least=1):
    return different(name, as_counts(name, values, least=least))


def _weights(values):
    if isinstance(values, str | bytes | dict | set) or not np.iterable(values) or not len(values):
        raise ValueError(f"lams must be a sequence of numbers, got {values!r:.80}")
    return different("lams", [as_number("lams", value, least=0) for value in values])


def _labels(name, values, most, profile, seeds):
    """Numbers of labels for which every seed draws two classes at least."""
    values = _numbers(name, values)
    if max(values) > most:
        raise ValueError(f"{name} must be at most {most} labels, got {max(values)}")
    fewest = min(values)
    drawn = [extra_labels(profile, seed, fewest, borrow=name == "beyond") for seed in seeds]
    if any(len(np.unique(labels)) < 2 for labels in drawn):
        raise ValueError(f"{name} must reach labels of two classes, got {fewest}")
    return values
