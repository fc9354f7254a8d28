"""The linear head on frozen features: chosen on held-out training labels, scored once on test."""

from dataclasses import dataclass

import numpy as np
import torch

from sslboost.core.linalg import centred, column_scale
from sslboost.core.validation import as_matrix, as_samples, takes
from sslboost.images.checks import as_classes, as_device
from sslboost.images.data import CLASSES

#: Ridge penalties tried, in units of the mean variance of the standardised features.
PENALTIES = tuple(10.0**p for p in range(-4, 2))


@dataclass(frozen=True)
class Probe:
    """Accuracy of a linear head on one set of features.

    Attributes
    ----------
    name : str
        Of the features.
    width : int
        Number of features.
    penalty : float
        Ridge penalty chosen on the held-out training labels.
    held_out : float
        Accuracy on those, a fraction.
    accuracy : float
        Accuracy on the test images, a fraction.
    standard_error : float
        Binomial standard error of ``accuracy``.
    """

    name: str
    width: int
    penalty: float
    held_out: float
    accuracy: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class Head:
    """A linear head with an intercept, and how it was chosen.

    Attributes
    ----------
    coefficients : float64 array (d, 10)
    intercept : float64 array (10,)
    penalty : float
    held_out : float
        Accuracy on the held-out training labels.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    penalty: float
    held_out: float

    def predict(self, features):
        """Return the classes (n,) of features (n, d)."""
        (X,) = as_samples(features=features)
        as_matrix("features", X, columns=len(self.coefficients))
        return (X @ self.coefficients + self.intercept).argmax(axis=1)


def fit_head(train_features, train_labels, *, more=None, device="cpu"):
    """Fit the least-squares head W_hat on one-hot labels.

    Features are standardised by training statistics. One fifth of the training rows, drawn in
    every class alike, chooses the ridge penalty; the head is then fitted on all of them.

    Parameters
    ----------
    train_features : array (n, d)
    train_labels : int array (n,)
        Classes, 0 to 9; at least two, and five rows of such as have several.
    more : pair of array (n_more, d) and int array (n_more,), optional
        Features and labels that the head is fitted on as well, and that choose nothing.
    device : str or torch.device
        Where the normal equations are solved, in double precision.

    Returns
    -------
    Head

    Raises
    ------
    ValueError
        If an argument is not as above: rows and labels that do not match, features that are not
        finite, labels of another convention, a device that is absent.

    Source: slide "Pretext-Based SSL (Cont.)", W_hat.
    """
    X, y = labelled("train", train_features, train_labels, least=2)
    return _fitted(X, y, rounding_of(train_features), more, device)


def _fitted(X, y, rounding, more, device):
    """The head of checked features."""
    held, device = held_out_rows(y), as_device(device)
    if more is not None:
        X_more, y_more = as_pair("more", more)
        rounding = max(rounding, rounding_of(X_more))
        X_more, y_more = labelled("more", X_more, y_more, columns=X.shape[1])
        X, y = np.concatenate([X_more, X]), np.concatenate([y_more, y])
        held = np.concatenate([np.zeros(len(y_more), bool), held])
    heads = _heads(X[~held], y[~held], rounding, PENALTIES, device)
    held_out = [_accuracy(head, X[held], y[held]) for head in heads]
    best = int(np.argmax(held_out))
    (head,) = _heads(X, y, rounding, PENALTIES[best : best + 1], device)
    return Head(*head, PENALTIES[best], held_out[best])


@takes(name=str)
def fit_probe(
    name, train_features, train_labels, test_features, test_labels, *, more=None, device="cpu"
):
    """Fit the head of :func:`fit_head` and score it on the test images.

    Parameters
    ----------
    name : str
    train_features, test_features : arrays (n, d), (n_test, d)
    train_labels, test_labels : int arrays (n,), (n_test,)
    more : pair of array (n_more, d) and int array (n_more,), optional
    device : str or torch.device
        As of :func:`fit_head`.

    Returns
    -------
    Probe

    Raises
    ------
    ValueError
        If an argument is not as :func:`fit_head` needs it.

    Source: slide "Pretext-Based SSL (Cont.)", W_hat.
    """
    (X, y), (X_test, y_test) = labelled_pairs(
        train_features, train_labels, test_features, test_labels
    )
    head = _fitted(X, y, rounding_of(train_features), more, device)
    accuracy = float(np.mean(head.predict(X_test) == y_test))
    error = float(np.sqrt(accuracy * (1 - accuracy) / len(X_test)))
    return Probe(name, X.shape[1], head.penalty, head.held_out, accuracy, error)


def labelled_pairs(train_features, train_labels, test_features, test_labels):
    """Return (features, labels) to train on and to test on, after checking them.

    Parameters
    ----------
    train_features, train_labels, test_features, test_labels
        As of :func:`fit_probe`.

    Returns
    -------
    pair of (float64 array (n, d), int64 array (n,))

    Raises
    ------
    ValueError
        If they are not as :func:`fit_probe` needs them.
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

    Raises
    ------
    ValueError
        If they are not as :func:`fit_head` needs them.
    """
    name = f"{which}_features"
    (X,) = as_samples(**{name: features})
    as_matrix(name, X, columns=columns)
    return X, as_classes(f"{which}_labels", labels, rows=len(X), least=least)


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


def _heads(X, labels, rounding, penalties, device):
    """Ridge heads as (coefficients, intercept), one for each penalty."""
    X, mean, unit = standardised(X, rounding)
    Y = np.eye(len(CLASSES))[labels]
    Y_mean = Y.mean(axis=0)
    heads = []
    for B in _ridge(X, Y - Y_mean, penalties, device):
        B = B / unit[:, None]
        heads.append((B, Y_mean - mean @ B))
    return heads


def _ridge(X, Y, penalties, device):
    """Coefficients for each penalty, from the smaller of the Gram matrices X'X and XX'."""
    n, d = X.shape
    if device.type != "cpu":  # where NumPy computes half of a product with its own transpose
        X, Y = (torch.from_numpy(part).to(device) for part in (X, Y))
    wide = n < d
    gram = torch.as_tensor(X @ X.T if wide else X.T @ X) / n
    moments = torch.as_tensor(Y if wide else X.T @ Y) / n
    for penalty in penalties:
        penalised = gram.clone()
        penalised.diagonal().add_(penalty)
        solved = torch.cholesky_solve(moments, torch.linalg.cholesky(penalised))
        yield (torch.as_tensor(X).T @ solved if wide else solved).cpu().numpy()


def _accuracy(head, X, labels):
    B, intercept = head
    return float(np.mean((X @ B + intercept).argmax(axis=1) == labels))


def best_by_held_out(probes):
    """Return the probe with the best held-out accuracy, so that no test label chooses.

    Parameters
    ----------
    probes : sequence of Probe

    Returns
    -------
    Probe

    Raises
    ------
    ValueError
        If there is none, or something else among them.
    """
    probes = list(probes) if np.iterable(probes) else []
    if not probes or not all(isinstance(probe, Probe) for probe in probes):
        raise ValueError(f"probes must be at least one Probe, got {probes!r:.200}")
    return max(probes, key=lambda probe: probe.held_out)
