"""The rows of the recorded CIFAR-10 table: checked, chosen, and their means over seeds."""

from numbers import Real
from types import NoneType

import numpy as np

from sslboost.core.validation import as_choice
from sslboost.images.table.record import select
from sslboost.pages import figures

#: Columns by which rows are told apart, and what they hold.
_COLUMNS = {
    "arm": str,
    "psi": str,
    "adversary": (str, NoneType),
    "pretext": str,
    "n0": (int, NoneType),
    "labels": str,
    "features": str,
    "seed": int,
    "accuracy": Real,
}
_VALUE = (str, Real, NoneType)

#: Arms that use no extra labels.
_WITHOUT_EXTRA = ("input", "random", "ssl", "supervised")


def runs_of(table, /, **values):
    """The rows of a recorded table with the given values, of which there must be some.

    Of processors only those of weight 1: other weights are other experiments.
    """
    known = isinstance(table, dict) and isinstance(table.get("provenance"), dict)
    if not known or "profile" not in table["provenance"]:
        raise ValueError(f"table must be a recorded table, got {table!r:.80}")
    runs = figures.as_rows("runs of the table", table.get("runs"), **_COLUMNS)
    for row in runs:
        if row["arm"] not in _WITHOUT_EXTRA and row["n0"] is None:
            raise ValueError(f"runs of the table must hold n0 for every processor, got {row}")
    runs = [row for row in runs if row.get("lam") in (None, 1)]
    for name in values:
        as_choice("a column", name, _COLUMNS)
    if not (chosen := having(runs, values)):
        raise ValueError(f"table must hold rows of {values}, got none")
    return chosen


def by_seed(name, runs, column, values):
    """A column of the rows with the given values, by seed."""
    if not isinstance(column, str):
        raise ValueError(f"column must be the name of one, got {column!r:.80}")
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{name} must be a dict of columns and values, got {values!r:.80}")
    columns = dict.fromkeys(values, _VALUE) | {"seed": int, column: (Real, NoneType)}
    rows = having(figures.as_rows("runs", runs, **columns), values)
    found = {row["seed"]: row[column] for row in rows}
    if len(found) < len(rows):
        raise ValueError(f"{name} must leave one row for each seed, got {len(rows)} rows")
    return found


def having(rows, values):
    """The rows with the given values, which are checked."""
    for name, value in values.items():
        if not isinstance(value, _VALUE):
            raise ValueError(f"{name} must be text, a number or None, got {value!r:.80}")
    return [row for row in rows if all(row[name] == value for name, value in values.items())]


def read_by(runs, features, last, **values):
    """The rows whose head reads these features: of hidden ones the best layer, or the last one."""
    runs = select(runs, **values)
    if features != "hidden" or not last:
        return select(runs, features=features)
    layers = [row for row in select(runs, features="layer") if "+" not in row["layer"]]
    deepest = max((row["layer"] for row in layers), default=None)
    return [row for row in layers if row["layer"] == deepest]


def mean_and_error(values):
    """Mean of values over seeds and its standard error; None counts as not a number."""
    found = np.array(values, dtype=float)
    if len(found) < 2:
        return float(found[0]) if len(found) else np.nan, np.nan
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))
