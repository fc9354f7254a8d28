"""The images of one profile and one seed: what each part sees, and how it is scored."""

from functools import lru_cache

import numpy as np
import torch

from sslboost.images import data
from sslboost.images.probe import best_by_held_out, fit_probe


class Part:
    """The images of one profile, as a pretext presents them, and the labels of a seed.

    Attributes
    ----------
    images : uint8 tensor (n1, 3, 32, 32)
        For the pretext.
    extra, downstream, test : uint8 tensors (n, 3, 32, 32)
        The extra images are raw, in an order drawn by the seed, followed by the pretext images
        where labels may be borrowed; the others are as the pretext presents them.
    extra_labels, labels, test_labels : int64 arrays (n,)
    rows : dict of str to int array
        Downstream rows whose labels the head may use: ``full``, all; ``half``, half of them.
    """

    def __init__(self, profile, pretext, seed, *, borrow=False):
        cifar, rng = _cifar(), np.random.default_rng(seed)
        parts = data.split(sizes=profile.sizes)
        extra = rng.permutation(parts.extra)
        half = np.sort(rng.permutation(len(parts.downstream))[: len(parts.downstream) // 2])
        if borrow:
            extra = np.concatenate([extra, rng.permutation(parts.pretext)])
        self.images = torch.tensor(cifar.train_images[parts.pretext])
        self.extra = torch.tensor(cifar.train_images[extra])
        self.extra_labels = cifar.train_labels[extra]
        self.downstream = pretext.present(torch.tensor(cifar.train_images[parts.downstream]))
        self.labels = np.asarray(cifar.train_labels[parts.downstream])
        self.raw_test = torch.tensor(cifar.test_images[: profile.test])
        self.test = pretext.present(self.raw_test)
        self.test_labels = np.asarray(cifar.test_labels[: profile.test])
        self.rows = {"full": np.arange(len(self.labels)), "half": half}

    def take(self, n0):
        """Return the first ``n0`` extra images and their labels.

        Raises
        ------
        ValueError
            If there are fewer.
        """
        if n0 > len(self.extra):
            raise ValueError(f"n0 must be at most the {len(self.extra)} extra labels, got {n0}")
        return self.extra[:n0], self.extra_labels[:n0]

    def score(self, stages, test_stages, *, more=None, more_labels=None):
        """Return {labels: row} of heads on every stage: the best by held-out labels and the last.

        ``more`` holds the same stages of further labelled images, given to the head as well.
        """
        scored = {}
        for name, rows in self.rows.items():
            probes = []
            for i, (X, X_test) in enumerate(zip(stages, test_stages, strict=True)):
                X, y = X[rows], self.labels[rows]
                if more is not None:  # in front: the last fifth chooses the penalty
                    X, y = np.concatenate([more[i], X]), np.concatenate([more_labels, y])
                probes.append(fit_probe(f"stage {i + 1}", X, y, X_test, self.test_labels))
            best = best_by_held_out(probes)
            scored[name] = {
                "labels": name,
                "accuracy": best.accuracy,
                "held_out": best.held_out,
                "layer": best.name,
                "accuracy_last_layer": probes[-1].accuracy,
            }
        return scored


@lru_cache(maxsize=1)
def _cifar():
    return data.load()
