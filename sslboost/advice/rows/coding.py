"""Columns as numbers: numeric ones as they are, text and categories as indicators.

A column of k levels, in sorted order, counts as indicators of its levels: of all k in y, whose
squared error is then that of the classes, and of all but the first in x and z, where the first
follows from the others.
"""

from dataclasses import dataclass

import numpy as np

from sslboost.core.validation import as_array

#: More levels than this are names of rows, not categories.
MOST_LEVELS = 100

#: So many whole numbers may be names of classes; two count alike either way.
_FEW = range(3, 21)


@dataclass(frozen=True, eq=False)
class Coding:
    """How the raw columns of x, z or y become numbers.

    Parameters
    ----------
    role : str
        Name of the argument, for messages.
    raw : tuple of str
        Names of the columns as given.
    levels : dict of int to tuple
        Of the categorical ones, by their place.
    whole : dict of int to int
        How many different values a numeric column of y holds in its first rows, by its place,
        where these are few and whole, as the numbers of classes are.
    """

    role: str
    raw: tuple
    levels: dict
    whole: dict

    @property
    def columns(self):
        """Names of the columns of numbers."""
        return tuple(
            name if i not in self.levels else f"{name}={level}"
            for i, name in enumerate(self.raw)
            for level in (self._coded(i) if i in self.levels else [None])
        )

    def _coded(self, i):
        return self.levels[i] if self.role == "Y" else self.levels[i][1:]

    def encode(self, piece, out):
        """Write the rows of a piece as numbers; what is missing is NaN.

        Parameters
        ----------
        piece : array (n, d) or frame
        out : array (n, len(columns))
            Overwritten.

        Raises
        ------
        ValueError
            If a column holds something else than the coding was learned from.
        """
        if isinstance(piece, np.ndarray) and not self.levels:
            out[...] = piece
            return
        place = 0
        for i, name in enumerate(self.raw):
            values = column(piece, i)
            if i not in self.levels:
                if values.dtype.kind not in "biuf":
                    wrong = next(v for v in values if isinstance(v, str) or v is not None)
                    raise ValueError(f"{self.role} must hold numbers in {name!r}, got {wrong!r}")
                out[:, place] = values
                place += 1
                continue
            known, gone = self._coded(i), missing(values)
            for level in known:
                out[gone, place] = np.nan
                out[~gone, place] = values[~gone] == level
                place += 1


def learn(role, raw, pieces, categorical):
    """Return the coding of the columns of x, z or y, after a pass over those that need one.

    Parameters
    ----------
    role : {"X", "Z", "Y"}
    raw : tuple of str
        Names of the columns.
    pieces : callable
        Returns the pieces, arrays (n, d) or frames, from the first row on.
    categorical : bool
        Whether numbers are names of categories.

    Returns
    -------
    Coding

    Raises
    ------
    ValueError
        If a column holds neither numbers nor text, or text that stands for numbers, or more
        levels than ``MOST_LEVELS``.
    """
    first = next(iter(pieces()), None)
    if first is None or len(first) == 0:
        raise ValueError(f"{role} must hold at least one row, got none")
    if not raw:
        raise ValueError(f"{role} must hold at least one column, got none")
    found = {i: set() for i in range(len(raw)) if categorical or not _numeric(first, i)}
    for piece in pieces() if found else ():
        for i, levels in found.items():
            values = column(piece, i)
            levels.update(values[~missing(values)].tolist())
            if len(levels) > MOST_LEVELS:
                raise ValueError(
                    f"{role} must have at most {MOST_LEVELS} categories in {raw[i]!r}, got more"
                )
    levels = {
        i: _sorted(role, raw[i], values, categorical or _is_category(first, i))
        for i, values in found.items()
    }
    whole = {i: _whole(column(first, i)) for i in range(len(raw)) if role == "Y" and i not in found}
    return Coding(role, tuple(raw), levels, {i: k for i, k in whole.items() if k in _FEW})


def _whole(values):
    """How many different values a numeric vector holds, if all are whole; 0 otherwise."""
    found = np.unique(values[~missing(values)])
    return len(found) if (found == np.floor(found)).all() else 0


def _sorted(role, name, levels, named):
    """Levels in order, after a look at what they are; ``named``: somebody said categories."""
    if not levels:
        raise ValueError(f"{role} must hold values in {name!r}, got none")
    if wrong := [level for level in levels if isinstance(level, float) and abs(level) == np.inf]:
        raise ValueError(f"{role} must have no infinite values, got {wrong[0]} in {name!r}")
    if not named:
        if wrong := [level for level in levels if not isinstance(level, str)]:
            raise ValueError(
                f"{role} must hold numbers of a numeric dtype, or text, in {name!r}, "
                f"got {wrong[0]!r} as an object"
            )
        if all(_digits(level) for level in levels):
            raise ValueError(
                f"{role} must hold numbers as numbers in {name!r}, got text such as "
                f"{min(levels)!r}: convert it, or say that it is categorical"
            )
    if len(levels) == 1:
        raise ValueError(f"{role} must have at least two categories in {name!r}, got one")
    return tuple(sorted(levels, key=lambda level: (str(type(level)), level)))


def _digits(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_category(piece, i):
    return hasattr(piece, "iloc") and str(piece.dtypes.iloc[i]) == "category"


def _numeric(piece, i):
    kind = piece.dtypes.iloc[i].kind if hasattr(piece, "iloc") else piece.dtype.kind
    return kind in "biuf" and not _is_category(piece, i)


def column(piece, i):
    """Return one column of an array or a frame as a vector, of float64 where it is numeric.

    Parameters
    ----------
    piece : array (n, d) or frame
    i : int

    Returns
    -------
    array (n,)
    """
    if not hasattr(piece, "iloc"):
        return piece[:, i]
    series = piece.iloc[:, i]
    if _numeric(piece, i):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if series.dtype.kind not in "OUT":
        return as_array(f"column {piece.columns[i]!r}", series.to_numpy(), 1)  # refuses it
    return series.to_numpy(dtype=object)


def missing(values):
    """Return which values of a vector stand for none.

    Parameters
    ----------
    values : array (n,)

    Returns
    -------
    array of bool (n,)
    """
    if values.dtype.kind != "O":
        return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    return np.array([v is None or v is not v or _unequal(v) for v in values], bool)


def _unequal(value):
    """Whether a value is not itself, as NaN and pandas' NA."""
    try:
        return bool(value != value)
    except TypeError:  # NA, whose comparisons have no truth
        return True
