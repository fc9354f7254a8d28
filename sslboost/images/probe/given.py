"""Features and labels that a head is given: checked, standardised, and a part of them held out."""

import numpy as np

from sslboost.core.linalg import centred, column_scale
from sslboost.core.validation import as_matrix, as_samples
from sslboost.images.checks import as_classes

#: Numbers that are in double precision at a time.
AT_ONCE = 2**25


def labelled_pairs(train_features, train_labels, test_features, test_labels):
    """Return (features, labels) to train on and to test on, after checking them.

    Parameters
    ----------
    train_features, train_labels, test_features, test_labels
        As of :func:`sslboost.images.probe.head.fit_probe`.

    Returns
    -------
    pair of (array (n, d), int64 array (n,))
        As of :func:`labelled`.

    Raises
    ------
    ValueError
        If they are not as :func:`sslboost.images.probe.head.fit_probe` needs them.
    """
    X, y = labelled("train", train_features, train_labels, least=2)
    return (X, y), labelled("test", test_features, test_labels, columns=X.shape[1])


def labelled(which, features, labels, *, columns=None, least=1):
    """Return features and labels after checking them.

    Parameters
    ----------
    which : str
        What they are for, as the names of the arguments say: ``train`` or ``test``.
    features : array (n, d)
    labels : int array (n,)
    columns : int, optional
        That the features must have.
    least : int
        Classes that there must be.

    Returns
    -------
    float64 array (n, d), int64 array (n,)
        float32 where the features came as such.

    Raises
    ------
    ValueError
        If they are not as :func:`sslboost.images.probe.head.fit_head` needs them.
    """
    X = as_features(f"{which}_features", features, columns=columns)
    return X, as_classes(f"{which}_labels", labels, rows=len(X), least=least)


def as_features(name, features, *, columns=None):
    """Return features after checking them, without a copy where they are in single precision.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    features : array (n, d)
    columns : int, optional
        That they must have.

    Returns
    -------
    float64 array (n, d)
        float32 where they came as such.

    Raises
    ------
    ValueError
        If they are no finite matrix with a row, or have other columns.
    """
    if _in_single_precision(features):
        for block in blocks(*features.shape):
            as_samples(**{name: features[block]})
    else:
        (features,) = as_samples(**{name: features})
    as_matrix(name, features[:1], columns=columns)
    return features


def _in_single_precision(features):
    plain = isinstance(features, np.ndarray) and not isinstance(features, np.ma.MaskedArray)
    return plain and features.dtype == np.float32 and features.ndim == 2 and features.size > 0


def blocks(length, width):
    """Return slices of rows or columns that may be in double precision at a time.

    A whole copy of wide features would not fit beside the matrices of their heads.

    Parameters
    ----------
    length, width : int
        Rows or columns, and numbers in each.

    Returns
    -------
    list of slice
    """
    step = max(1, AT_ONCE // width)
    return [slice(start, start + step) for start in range(0, length, step)]


def as_pair(name, value):
    """Return what belongs to some images, and their labels.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : pair

    Returns
    -------
    tuple

    Raises
    ------
    ValueError
        If it is no pair.
    """
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{name} must be a pair of features and labels, got {value!r:.80}")
    return tuple(value)


def rounding_of(features):
    """Return the relative rounding of numbers of the type in which features came.

    Parameters
    ----------
    features : array-like

    Returns
    -------
    float
        Of double precision where they are no floats.
    """
    kind = np.asarray(features).dtype
    return np.finfo(kind if kind.kind == "f" else float).eps


def held_out_rows(labels):
    """Return which fifth of the rows is held out: in every class of several rows alike.

    Parameters
    ----------
    labels : int64 array (n,)

    Returns
    -------
    bool array (n,)
        Always the same rows for the same labels.

    Raises
    ------
    ValueError
        If fewer than five rows are of classes that have several.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    several = order[np.bincount(labels)[labels[order]] > 1]
    if len(several) < 5:
        need = "5 rows of classes that have more than one"
        raise ValueError(f"train_labels must hold at least {need}, got {len(several)}")
    held = np.zeros(len(labels), bool)
    held[several[4::5]] = True
    return held


def standardised(X, rounding):
    """Return columns of mean zero in units of their standard deviation, the means and the units.

    Parameters
    ----------
    X : float64 array (n, d)
    rounding : float
        Relative, of the numbers that X came in.

    Returns
    -------
    float64 array (n, d)
    means, units : float64 arrays (d,)
        The unit of a column that is constant up to its rounding is infinite, so that it is worth
        nothing in other rows too.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    constant = high - low <= 8 * rounding * np.maximum(np.abs(low), np.abs(high))
    X, mean = centred(X)
    unit = np.where(constant, np.inf, column_scale(X))
    X /= unit
    return X, mean, unit
