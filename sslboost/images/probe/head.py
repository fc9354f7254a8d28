"""The linear head on frozen features: chosen on held-out training labels, scored once on test."""

from dataclasses import dataclass

import numpy as np
import torch

from sslboost.core.validation import takes
from sslboost.images.checks import as_device
from sslboost.images.data import CLASSES
from sslboost.images.probe.given import (
    as_features,
    as_pair,
    blocks,
    held_out_rows,
    labelled,
    labelled_pairs,
    rounding_of,
    standardised,
)

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
        X = as_features("features", features, columns=len(self.coefficients))
        return _predicted(X, self.coefficients, self.intercept)


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


def _heads(X, labels, rounding, penalties, device):
    """Ridge heads as (coefficients, intercept), one for each penalty."""
    parts = [standardised(X[:, c].astype(float), rounding)[1:] for c in blocks(*X.T.shape)]
    mean, unit = map(np.concatenate, zip(*parts, strict=True))
    Y = np.eye(len(CLASSES))[labels]
    Y_mean = Y.mean(axis=0)
    heads = []
    for B in _ridge(X, mean, unit, Y - Y_mean, penalties, device):
        B = B / unit[:, None]
        heads.append((B, Y_mean - mean @ B))
    return heads


def _ridge(X, mean, unit, Y, penalties, device):
    """Coefficients for each penalty, from the smaller of the Gram matrices X'X and XX'."""
    n, d = X.shape
    wide = n < d
    # On the CPU NumPy computes half of a product with its own transpose, and PyTorch all of it.
    put = np.asarray if device.type == "cpu" else lambda part: torch.from_numpy(part).to(device)

    def columns():
        return (put((X[:, c] - mean[c]) / unit[c]).T for c in blocks(d, n))

    def rows():
        return (put((X[r] - mean) / unit) for r in blocks(n, d))

    gram = torch.as_tensor(_summed(part.T @ part for part in (columns() if wide else rows())))
    moments = put(Y)
    if not wide:
        pairs = zip(rows(), blocks(n, d), strict=True)
        moments = _summed(part.T @ moments[r] for part, r in pairs)
    moments, diagonal, solved = torch.as_tensor(moments), gram.diagonal().clone(), []
    for penalty in penalties:
        gram.diagonal().copy_(diagonal + n * penalty)
        solved.append(torch.cholesky_solve(moments, torch.linalg.cholesky(gram)))
    if wide:
        together = torch.cat(solved, dim=1)
        found = torch.cat([torch.as_tensor(part) @ together for part in columns()])
        solved = found.split(Y.shape[1], dim=1)
    return [B.cpu().numpy() for B in solved]


def _summed(matrices):
    """Their sum, with no more than two of them at a time."""
    total = next(matrices)
    for matrix in matrices:
        total += matrix
    return total


def _accuracy(head, X, labels):
    return float(np.mean(_predicted(X, *head) == labels))


def _predicted(X, B, intercept):
    return np.concatenate([(X[r] @ B + intercept).argmax(axis=1) for r in blocks(*X.shape)])


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
