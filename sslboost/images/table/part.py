"""The images of one profile and one seed: what each part sees, and how it is scored."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, svds

from sslboost.core.validation import (
    as_choice,
    as_count,
    as_matrix,
    as_rng,
    as_samples,
    frozen,
    takes,
)
from sslboost.images import data
from sslboost.images.checks import as_device, as_flag, as_pretext, as_seed
from sslboost.images.probe import best_by_held_out, fit_mlp, fit_probe
from sslboost.images.table.profiles import Profile

#: What a head reads: the images, each layer of an encoder, the best of them, what a network gives,
#: the best layer through a nonlinear head, and as many components of it as f has features.
KINDS = ("input", "layer", "hidden", "output", "mlp", "pca")


@dataclass(frozen=True, eq=False)
class Part:
    """The images of one profile, as a pretext presents them, and the labels of a seed.

    Attributes
    ----------
    images : uint8 tensor (n1, 3, 32, 32)
        For the pretext.
    extra, downstream, raw_downstream, test, raw_test : uint8 tensors (n, 3, 32, 32)
        The extra images, in an order drawn by the seed, are raw and followed by the pretext
        images where labels may be borrowed; downstream and test images are as the pretext
        presents them, and raw.
    extra_labels, labels, test_labels : int64 arrays (n,)
    rows : dict of str to int array
        Downstream rows whose labels the head may use: ``full``, all; ``half``, half of them.
    device : str
        Where heads are computed, in double precision.
    """

    images: torch.Tensor
    extra: torch.Tensor
    downstream: torch.Tensor
    raw_downstream: torch.Tensor
    test: torch.Tensor
    raw_test: torch.Tensor
    extra_labels: np.ndarray
    labels: np.ndarray
    test_labels: np.ndarray
    rows: dict
    device: str = "cpu"

    def take(self, n0):
        """Return the first ``n0`` extra images and their labels.

        Raises
        ------
        ValueError
            If there are fewer.
        """
        n0 = as_count("n0", n0, most=len(self.extra))
        return self.extra[:n0], self.extra_labels[:n0]

    def score(self, kind, names, features, test_features, *, more=None, more_labels=None):
        """Return rows of linear heads, with all and with half of the downstream labels.

        Parameters
        ----------
        kind : str
            One of ``KINDS``; where it is ``layer``, the best layer by held-out labels is a row of
            its own, ``hidden``.
        names : sequence of str
            Of the features.
        features, test_features : lists of arrays (n, d_i), (n_test, d_i)
            Of the downstream and the test images.
        more : list of arrays (n_more, d_i), optional
            The same features of further labelled images, given to the head as well.
        more_labels : int array (n_more,), optional

        Returns
        -------
        list of dict
            ``labels``, ``features`` (the kind), ``layer`` (the name), ``accuracy`` on the test
            images, ``held_out``, and the ``penalty`` that was chosen.

        Raises
        ------
        ValueError
            If the kind is unknown, the lists are not as long, or the features not as
            :func:`fit_probe` needs them.
        """
        as_choice("kind", kind, KINDS)
        given = {} if more is None else {"more": more}
        _as_many(names=names, features=features, test_features=test_features, **given)
        features = [_rows_of("features", part, len(self.labels)) for part in features]
        added = [None] * len(names) if more is None else [(part, more_labels) for part in more]
        rows = []
        for labels, own in self.rows.items():
            probes = [
                self._probe(name, X, X_test, own, more=extra)
                for name, X, X_test, extra in zip(
                    names, features, test_features, added, strict=True
                )
            ]
            rows += [_row(labels, kind, probe) for probe in probes]
            if kind == "layer":
                rows.append(_row(labels, "hidden", best_by_held_out(probes)))
        return rows

    def score_further(self, rows, names, features, test_features, *, seed, components):
        """Return rows of other readings of the hidden layers that linear heads have chosen.

        Parameters
        ----------
        rows : list of dict
            From :meth:`score`.
        names, features, test_features
            As given to :meth:`score`.
        seed : int
            Of the nonlinear head.
        components : int
            Principal components of the downstream features that a linear head reads.

        Returns
        -------
        list of dict
            Of the kinds ``mlp`` and ``pca``.

        Raises
        ------
        ValueError
            As of :meth:`score`, or if there are fewer components.
        """
        _as_many(names=names, features=features, test_features=test_features)
        best = _chosen(rows, names, self.rows)
        features = [_rows_of("features", part, len(self.labels)) for part in features]
        further = []
        for row, chosen in best:
            own = self.rows[row["labels"]]
            X, X_test = features[chosen], test_features[chosen]
            labelled = X[own], self.labels[own], X_test, self.test_labels
            probe = fit_mlp(row["layer"], *labelled, seed=seed, device=self.device)
            further.append(_row(row["labels"], "mlp", probe))
            leading = principal_components(X, X_test, components, device=self.device)
            further.append(_row(row["labels"], "pca", self._probe(row["layer"], *leading, own)))
        return further

    def _probe(self, name, X, X_test, own, more=None):
        labelled = X[own], self.labels[own], X_test, self.test_labels
        return fit_probe(name, *labelled, more=more, device=self.device)


def _chosen(rows, names, labels):
    """The rows of the best layers, each with the number of its layer among the names."""
    rows = list(rows) if isinstance(rows, list | tuple) else [rows]
    kept = ("labels", "features", "layer")
    if not rows or not all(isinstance(row, dict) and row.keys() >= set(kept) for row in rows):
        raise ValueError(f"rows must be rows of a table, got {rows!r:.80}")
    best = [row for row in rows if row["features"] == "hidden"]
    for row in best:
        as_choice("layer of rows", row["layer"], names)
        as_choice("labels of rows", row["labels"], labels)
    return [(row, list(names).index(row["layer"])) for row in best]


def _row(labels, kind, probe):
    own = {"layer": probe.name, "penalty": probe.penalty, "held_out": probe.held_out}
    return {"labels": labels, "features": kind, **own, "accuracy": probe.accuracy}


def principal_components(X, X_test, components, *, device="cpu"):
    """Return the leading principal components of features, and the same ones of others.

    Parameters
    ----------
    X, X_test : arrays (n, d), (n_test, d)
    components : int
        At most the smaller of n and d, less one.
    device : str or torch.device
        Where the products are computed, in double precision.

    Returns
    -------
    float64 arrays (n, components), (n_test, components)

    Raises
    ------
    ValueError
        If these are no such matrices, have fewer components, or the device is absent.
    """
    (X,) = as_samples(X=X)
    (X_test,) = as_samples(X_test=X_test)
    as_matrix("X_test", X_test, columns=X.shape[1])
    components = as_count("components", components, most=min(X.shape) - 1)
    mean = X.mean(axis=0)
    rows = torch.from_numpy(X - mean).to(as_device(device))
    by, back = _product(rows), _product(rows.T)
    products = LinearOperator(X.shape, by, back, dtype=float, matmat=by, rmatmat=back)
    _, _, axes = svds(products, components, rng=np.random.default_rng(0))
    return (X - mean) @ axes.T, (X_test - mean) @ axes.T


def _product(matrix):
    return lambda v: (matrix @ torch.from_numpy(v).to(matrix.device)).cpu().numpy()


def _as_many(**lists):
    """Refuse lists of what belongs to each layer that are not as long."""
    lengths = {name: _length(name, values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{' and '.join(lengths)} must be as many, got {lengths}")
    if not all(isinstance(name, str) for name in lists["names"]):
        raise ValueError(f"names must be texts, got {lists['names']!r:.80}")


def _length(name, values):
    if not isinstance(values, list | tuple) or not len(values):
        raise ValueError(f"{name} must be a list with an entry for every layer, got {values!r:.80}")
    return len(values)


def _rows_of(name, features, rows):
    features = np.asanyarray(features)  # with its mask, which is refused where it is read
    if features.shape[:1] != (rows,):
        raise ValueError(f"{name} must have {rows} rows, got shape {features.shape}")
    return features


@takes(profile=Profile)
def part_of(profile, pretext, seed, *, borrow=False, device="cpu"):
    """Return the images and labels that one profile and one seed see.

    Parameters
    ----------
    profile : Profile
    pretext : Rotation, Colourisation or Inpainting
    seed : int
        Of the order of the extra images and of the halved labels.
    borrow : bool
        Whether labels of pretext images may be used beyond the extra ones.
    device : str or torch.device
        Where heads are computed; on the CPU where this one has no double precision.

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
    parts, device = data.split(sizes=profile.sizes), as_device(device)
    extra, half = _drawn(parts, as_seed(seed), borrow)
    raw_test = torch.tensor(cifar.test_images[: profile.test])
    raw_downstream = torch.tensor(cifar.train_images[parts.downstream])
    labels = frozen(cifar.train_labels[parts.downstream])
    return Part(
        images=torch.tensor(cifar.train_images[parts.pretext]),
        extra=torch.tensor(cifar.train_images[extra]),
        downstream=pretext.present(raw_downstream),
        raw_downstream=raw_downstream,
        test=pretext.present(raw_test),
        raw_test=raw_test,
        extra_labels=frozen(cifar.train_labels[extra]),
        labels=labels,
        test_labels=frozen(cifar.test_labels[: profile.test]),
        rows={"full": np.arange(len(labels)), "half": half},
        device="cpu" if device.type == "mps" else str(device),
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
