"""The images of one profile and one seed: what each part sees, and how it is scored."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from sslboost.core.validation import as_count, as_rng, frozen, takes
from sslboost.images import data
from sslboost.images.checks import as_flag, as_pretext, as_seed
from sslboost.images.probe import best_by_held_out, fit_probe
from sslboost.images.table.profiles import Profile


@dataclass(frozen=True, eq=False)
class Part:
    """The images of one profile, as a pretext presents them, and the labels of a seed.

    Attributes
    ----------
    images : uint8 tensor (n1, 3, 32, 32)
        For the pretext.
    extra, downstream, test, raw_test : uint8 tensors (n, 3, 32, 32)
        The extra images, in an order drawn by the seed, are raw and followed by the pretext
        images where labels may be borrowed; downstream and test images are as the pretext
        presents them.
    extra_labels, labels, test_labels : int64 arrays (n,)
    rows : dict of str to int array
        Downstream rows whose labels the head may use: ``full``, all; ``half``, half of them.
    """

    images: torch.Tensor
    extra: torch.Tensor
    downstream: torch.Tensor
    test: torch.Tensor
    raw_test: torch.Tensor
    extra_labels: np.ndarray
    labels: np.ndarray
    test_labels: np.ndarray
    rows: dict

    def take(self, n0):
        """Return the first ``n0`` extra images and their labels.

        Raises
        ------
        ValueError
            If there are fewer.
        """
        n0 = as_count("n0", n0, most=len(self.extra))
        return self.extra[:n0], self.extra_labels[:n0]

    def score(self, stages, test_stages, *, more=None, more_labels=None):
        """Return {labels: row} of heads on every stage: the best by held-out labels and the last.

        Parameters
        ----------
        stages, test_stages : lists of arrays (n, d_i), (n_test, d_i)
            Features of the downstream and the test images, of each stage.
        more : list of arrays (n_more, d_i), optional
            The same stages of further labelled images, given to the head as well.
        more_labels : int array (n_more,), optional

        Returns
        -------
        dict of str to dict

        Raises
        ------
        ValueError
            If the stages are not as many, or not as :func:`fit_probe` needs them.
        """
        given = {"stages": stages, "test_stages": test_stages}
        given |= {} if more is None else {"more": more}
        lengths = {name: _length(name, part) for name, part in given.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{' and '.join(lengths)} must have the same stages, got {lengths}")
        stages = [_rows_of("stages", stage, len(self.labels)) for stage in stages]
        added = [None] * len(stages) if more is None else [(part, more_labels) for part in more]
        return {name: self._scored(name, stages, test_stages, added) for name in self.rows}

    def _scored(self, name, stages, test_stages, added):
        rows, probes = self.rows[name], []
        for i, (X, X_test, more) in enumerate(zip(stages, test_stages, added, strict=True)):
            labelled = X[rows], self.labels[rows], X_test, self.test_labels
            probes.append(fit_probe(f"stage {i + 1}", *labelled, more=more))
        best = best_by_held_out(probes)
        return {
            "labels": name,
            "accuracy": best.accuracy,
            "held_out": best.held_out,
            "layer": best.name,
            "accuracy_last_layer": probes[-1].accuracy,
        }


def _length(name, stages):
    if not isinstance(stages, list | tuple) or not len(stages):
        raise ValueError(f"{name} must be a list of features of every stage, got {stages!r:.200}")
    return len(stages)


def _rows_of(name, features, rows):
    features = np.asanyarray(features)  # with its mask, which is refused where it is read
    if features.shape[:1] != (rows,):
        raise ValueError(f"{name} must have {rows} rows, got shape {features.shape}")
    return features


@takes(profile=Profile)
def part_of(profile, pretext, seed, *, borrow=False):
    """Return the images and labels that one profile and one seed see.

    Parameters
    ----------
    profile : Profile
    pretext : Rotation, Colourisation or Inpainting
    seed : int
        Of the order of the extra images and of the halved labels.
    borrow : bool
        Whether labels of pretext images may be used beyond the extra ones.

    Returns
    -------
    Part

    Raises
    ------
    ValueError
        If an argument is not as above.
    DataUnavailableError
        As of :func:`sslboost.images.data.load`.
    """
    pretext, cifar, borrow = as_pretext(pretext), _cifar(), as_flag("borrow", borrow)
    parts = data.split(sizes=profile.sizes)
    extra, half = _drawn(parts, as_seed(seed), borrow)
    raw_test = torch.tensor(cifar.test_images[: profile.test])
    labels = frozen(cifar.train_labels[parts.downstream])
    return Part(
        images=torch.tensor(cifar.train_images[parts.pretext]),
        extra=torch.tensor(cifar.train_images[extra]),
        downstream=pretext.present(torch.tensor(cifar.train_images[parts.downstream])),
        test=pretext.present(raw_test),
        raw_test=raw_test,
        extra_labels=frozen(cifar.train_labels[extra]),
        labels=labels,
        test_labels=frozen(cifar.test_labels[: profile.test]),
        rows={"full": np.arange(len(labels)), "half": half},
    )


@takes(profile=Profile)
def extra_labels(profile, seed, n0, *, borrow=False):
    """Return the first n0 extra labels of a seed, without any image.

    Parameters
    ----------
    profile : Profile
    seed, n0 : int
    borrow : bool
        As in :func:`part_of`.

    Returns
    -------
    int64 array (n0,)

    Raises
    ------
    ValueError
        If an argument is not as above, or there are fewer labels.
    """
    parts, borrow = data.split(sizes=profile.sizes), as_flag("borrow", borrow)
    extra, _ = _drawn(parts, as_seed(seed), borrow)
    n0 = as_count("n0", n0, most=len(extra))
    return _cifar().train_labels[extra[:n0]]


def _drawn(parts, seed, borrow):
    """Order of the extra images, borrowed ones after them, and half of the downstream rows."""
    rng = as_rng(seed)
    extra = rng.permutation(parts.extra)
    half = np.sort(rng.permutation(len(parts.downstream))[: len(parts.downstream) // 2])
    if borrow:
        extra = np.concatenate([extra, rng.permutation(parts.pretext)])
    return extra, half


@lru_cache(maxsize=1)
def _cifar():
    return data.load()
