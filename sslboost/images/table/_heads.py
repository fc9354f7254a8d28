"""Linear heads that differ in what they make of features that hardly vary."""

import numpy as np
import torch
from torch.nn import functional as F

from sslboost.images.data import CLASSES
from sslboost.images.probe import fit_head
from sslboost.images.training import descend


def _scale_free(X, y, X_test):
    return fit_head(X, y).predict(X_test)


def _amplifying(X, y, X_test):
    """Scale-free as well, and without a cut-off for what is constant but for its rounding."""
    return fit_head(X.astype(float), y).predict(X_test.astype(float))


def _descending(X, y, X_test, epochs=50, rate=0.1, decay=5e-4, batch=128):
    """A linear head trained by gradient steps on the features as they are, always the same."""
    generator = torch.Generator().manual_seed(0)
    X, y, X_test = torch.from_numpy(X), torch.from_numpy(y), torch.from_numpy(X_test)
    W = torch.zeros(X.shape[1], len(CLASSES), requires_grad=True)
    b = torch.zeros(len(CLASSES), requires_grad=True)
    optimizer = torch.optim.SGD([W, b], rate, momentum=0.9, weight_decay=decay)
    for _ in range(max(1, epochs * len(X) // batch)):
        drawn = torch.randint(len(X), (batch,), generator=generator)
        descend(F.cross_entropy(X[drawn] @ W + b, y[drawn]), optimizer)
    return (X_test @ W + b).argmax(1).numpy()


#: Heads on the last layer of psi.
HEADS = {"scale-free": _scale_free, "amplifying": _amplifying, "descending": _descending}


def read_heads(part, X, X_test, heads):
    """Rows of heads on features of the downstream and the test images of a part."""
    return [
        scored(part, labels, head, HEADS[head](X[own], part.labels[own], X_test))
        for head in heads
        for labels, own in part.rows.items()
    ]


def scored(part, labels, head, predicted):
    """Accuracy of predictions, and the share of the commonest one."""
    return {
        "labels": labels,
        "head": head,
        "accuracy": float(np.mean(predicted == part.test_labels)),
        "commonest": float(np.bincount(predicted).max() / len(predicted)),
    }
