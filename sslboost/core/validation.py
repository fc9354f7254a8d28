"""Checks at the public door: every wrong argument is named, with what was needed and what came."""

import functools
import inspect
import types

import numpy as np

#: Largest size that is taken for one: beyond it lies a mistake, not a sample.
MOST = 2**31 - 1


def as_array(name, value, ndim, *, infinite=False):
    """Return ``value`` as a finite float64 array with ``ndim`` axes.

    Integers, floats and booleans are numbers. Text, dates, objects, complex numbers and masked
    entries are not: turning them into some is a decision that belongs to the caller.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : array-like
    ndim : int or None
        None for any number of axes.
    infinite : bool
        Whether positive infinity passes as well.

    Returns
    -------
    array
        Shares memory with a float64 array that was given.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if np.ma.isMaskedArray(value):
        raise ValueError(f"{name} must have no mask, got a masked array: fill or drop its entries")
    try:
        raw = np.asarray(value)
    except Exception as error:  # what an array-like raises is its own affair
        raise ValueError(f"{name} must be a numeric array, got {_kind(value)}") from error
    if raw.dtype.kind not in "biuf":
        came = _kind(value) if raw.ndim == 0 else f"an array of dtype {raw.dtype}"
        raise ValueError(f"{name} must be a numeric array, got {came}")
    if ndim is not None and raw.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {raw.shape}")
    array = raw.astype(np.float64, copy=False)
    if bad := np.sum(~(np.isfinite(array) | (infinite & (array == np.inf)))):
        raise ValueError(f"{name} must be finite, got {bad} non-finite values")
    return array


def frozen(array):
    """Return a read-only copy of an array, for an object that keeps it.

    Parameters
    ----------
    array : array

    Returns
    -------
    array
        Of the caller's values and nobody else's memory.
    """
    own = np.array(array)
    own.flags.writeable = False
    return own


def as_matrix(name, value, *, rows=None, columns=None):
    """Return ``value`` as a finite matrix with the given numbers of rows and columns.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : array-like
    rows, columns : int, optional

    Returns
    -------
    array (rows, columns)
        As of :func:`as_array`.

    Raises
    ------
    ValueError
        If it is no such matrix.
    """
    matrix = as_array(name, value, 2)
    if rows is not None and matrix.shape[0] != rows:
        raise ValueError(f"{name} must have {rows} rows, got shape {matrix.shape}")
    if columns is not None and matrix.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {matrix.shape}")
    return matrix


def as_samples(*, least=1, **arrays):
    """Return the named matrices after checking that all have the same number of rows.

    Parameters
    ----------
    least : int
        Rows and columns that each must have.
    **arrays : array-like (n, d)

    Returns
    -------
    tuple of arrays (n, d)
        As of :func:`as_array`.

    Raises
    ------
    ValueError
        If one is no such matrix, or their rows do not match.
    """
    matrices = {name: as_matrix(name, value) for name, value in arrays.items()}
    rows = {name: len(matrix) for name, matrix in matrices.items()}
    if len(set(rows.values())) > 1:
        listed = ", ".join(f"{name}: {n}" for name, n in rows.items())
        raise ValueError(f"{' and '.join(rows)} must have the same number of rows, got {listed}")
    for name, matrix in matrices.items():
        as_count(f"number of rows of {name}", matrix.shape[0], least=least)
        as_count(f"number of columns of {name}", matrix.shape[1])
    return tuple(matrices.values())


def as_labels(name, value, *, rows=None):
    """Return class labels as a vector of int64.

    Integers of any kind and floats that are whole numbers are labels, whatever their convention;
    how many classes there are, and which, is for the caller to say.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : array-like (n,)
    rows : int, optional
        Number of samples that they belong to.

    Returns
    -------
    int64 array (n,)

    Raises
    ------
    ValueError
        If they are not whole numbers, not a vector, or not as many as the samples.
    """
    labels = as_array(name, value, 1)
    if not len(labels):
        raise ValueError(f"{name} must hold at least one label, got none")
    if (wrong := labels != np.round(labels)).any():
        raise ValueError(f"{name} must be whole numbers, got {labels[wrong][0]:g}")
    if np.abs(labels).max() > MOST:
        raise ValueError(f"{name} must be at most {MOST}, got {np.abs(labels).max():g}")
    if rows is not None and len(labels) != rows:
        raise ValueError(f"{name} must hold one label for each of {rows} rows, got {len(labels)}")
    return labels.astype(np.int64)


def as_count(name, value, *, least=1, most=MOST):
    """Return ``value`` as an int between ``least`` and ``most``.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : int
    least, most : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is no integer, or out of range.
    """
    need = "a positive integer" if least == 1 else f"an integer of at least {least}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be {need}, got {value!r}")
    if value > most:
        raise ValueError(f"{name} must be at most {most}, got {value!r}")
    return int(value)


def as_number(name, value, *, above=-np.inf, least=-np.inf, most=np.inf):
    """Return ``value`` as a finite float within the stated bounds.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : float
    above, least, most : float
        It must be above the first, and at least and at most the others.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is no number, or out of range.
    """
    try:
        number = float(as_scalar(value))
    except Exception as error:  # what an array-like raises is its own affair
        raise ValueError(f"{name} must be a number, got {value!r}") from error
    if not (np.isfinite(number) and number > above and least <= number <= most):
        bounds = [
            f"above {above:g}" if above > -np.inf else "",
            f"at least {least:g}" if least > -np.inf else "",
            f"at most {most:g}" if most < np.inf else "",
        ]
        need = " and ".join(bound for bound in bounds if bound) or "finite"
        raise ValueError(f"{name} must be {need}, got {value!r}")
    return number


def as_scalar(value):
    """Return a real number as it is, also out of an array with no axes.

    Parameters
    ----------
    value : float

    Returns
    -------
    float or int

    Raises
    ------
    TypeError
        If it is text, a truth value, a complex or masked number, or has axes.
    """
    if np.ma.is_masked(value) or isinstance(value, bool | np.bool_ | str | bytes):
        raise TypeError
    raw = np.asarray(value)
    if raw.ndim or raw.dtype.kind not in "iuf":
        raise TypeError
    return raw.item()


def as_rng(rng):
    """Return the generator that ``rng`` stands for.

    Parameters
    ----------
    rng : numpy.random.Generator, SeedSequence, int of at least 0, or None
        A generator is used as it is; a seed gives the same bits every time; None gives fresh ones.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        If it is none of these.
    """
    known = rng is None or isinstance(rng, np.random.Generator | np.random.SeedSequence)
    whole = isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0
    if not known and not whole:
        raise ValueError(f"rng must be a numpy.random.Generator or a seed >= 0, got {rng!r}")
    return np.random.default_rng(rng)


def as_choice(name, value, known):
    """Return ``value`` if it is one of the known names.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : str
    known : collection of str

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value


def takes(**kinds):
    """Decorate a public function so that arguments of a wrong kind are refused by name.

    Parameters
    ----------
    **kinds : class, union of classes, or ``callable``
        What each named argument must be; None passes where it is the default.

    Returns
    -------
    callable
        The decorator. The function behaves, and reads, as before.
    """

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args, **kwargs):
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError:  # too many, too few or unknown arguments: Python says it best
                return function(*args, **kwargs)
            for name, kind in kinds.items():
                if name in given:
                    _refuse(name, given[name], kind, signature.parameters[name].default)
            return function(*args, **kwargs)

        return checked

    return decorate


def _refuse(name, value, kind, default):
    if value is None and default is None:
        return
    if kind is callable:
        if not callable(value):
            raise ValueError(f"{name} must be callable, got {_kind(value)}")
    elif not isinstance(value, kind):
        kinds = kind.__args__ if isinstance(kind, types.UnionType) else [kind]
        need = " or ".join(one.__name__ for one in kinds)
        raise ValueError(f"{name} must be a {need}, got {_kind(value)}")


def _kind(value):
    return value.__name__ if isinstance(value, type) else type(value).__name__
