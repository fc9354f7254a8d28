"""Tests of (C1) where y has a continuous part and a class."""

import numpy as np

from sslboost.core.linalg import constant_columns
from sslboost.core.validation import as_labels, as_samples
from sslboost.criteria.tests import _fisher, _nothing, _Span, _span, _wilks_test


def c1_test_mixed(F, Z, Y, labels):
    """Test Cov[f(x), z | y, c] = 0 for a label of numbers y and a class c.

    Every class has means and slopes in y of its own; one Wilks' Lambda then uses all classes
    together. It is exact as in :func:`sslboost.criteria.c1_test`: where one of F and Z is Gaussian
    given all else, with a mean linear in y within every class and one covariance for all.

    Parameters
    ----------
    F, Z, Y : arrays (n, d_f), (n, d_z), (n, d_y)
        Processed inputs, pretext labels and the continuous part of the downstream labels.
    labels : array (n,)
        Whole numbers, of any convention: the class, or one for each combination of categories.

    Returns
    -------
    CriterionTest

    Raises
    ------
    ValueError
        If rows do not match, an array is constant, or n does not exceed the sum of the ranks,
        those of Y within every class included: then every sample fits exactly.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1); Rao (1951).
    """
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    labels = as_labels("labels", labels, rows=len(F))
    return _wilks_test(("F", F), ("Z", Z), _given(Y, labels))


def c1_test_mixed_per_class(F, Z, Y, labels):
    """Test Cov[f(x), z | y, c] = 0, allowing every class a covariance of its own.

    Within each class one test as of :func:`sslboost.criteria.c1_test`, and as exact; the
    independent p-values are combined by Fisher's chi-square. Which classes speak is told by
    :func:`sslboost.criteria.holm` of the p-values of the parts.

    Parameters
    ----------
    F, Z, Y : arrays (n, d_f), (n, d_z), (n, d_y)
        Processed inputs, pretext labels and the continuous part of the downstream labels.
    labels : array (n,)
        As in :func:`c1_test_mixed`.

    Returns
    -------
    CriterionTest
        Whose ``parts`` are the tests of the classes in increasing order of label.

    Raises
    ------
    ValueError
        If rows do not match, Y is constant, or a class is too small or has constant features.

    Source: slide "The Conditions That Processor f Needs to Satisfy", (C1); Fisher (1932).
    """
    F, Z, Y = as_samples(F=F, Z=Z, Y=Y)
    labels = as_labels("labels", labels, rows=len(F))
    parts = []
    for label, rows, within in _each_class(Y, labels):
        named = [(f"{name} in class {label}", A[rows]) for name, A in [("F", F), ("Z", Z)]]
        parts.append(_wilks_test(*named, within))
    return _fisher(parts)


def _each_class(Y, labels):
    """Every label with its rows and the span of Y within them, empty where Y is constant."""
    if constant_columns(Y).all():
        raise ValueError(f"Y must vary from row to row, got {Y.shape[1]} constant columns")
    for label in np.unique(labels):
        rows = labels == label
        constant = constant_columns(Y[rows]).all()
        yield label, rows, _nothing(rows.sum()) if constant else _span("Y", Y[rows])


def _given(Y, labels):
    """The span of the differences between the classes and of Y within every one of them."""
    classes = list(_each_class(Y, labels))
    blocks = [np.empty((len(Y), 0))]
    if len(classes) > 1:
        blocks.append(_span("labels", np.stack([rows for _, rows, _ in classes], 1) * 1.0).basis)
    for _, rows, within in classes:
        block = np.zeros((len(Y), within.basis.shape[1]))
        block[rows] = within.basis
        blocks.append(block)
    rounding = max(1.0, *(within.rounding for _, _, within in classes))
    return _Span(np.concatenate(blocks, axis=1), rounding)
