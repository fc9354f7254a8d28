"""The experiment that the book runs while it is built: a rotation pretext and its probe."""

import json
import time
from dataclasses import asdict, dataclass, fields
from numbers import Real

import numpy as np
import torch

from sslboost.core import compute, files, provenance
from sslboost.core.validation import as_matrix, as_number, takes
from sslboost.images import data
from sslboost.images.checks import as_device, as_seed
from sslboost.images.data import Cifar10, Split
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import Rotation
from sslboost.images.probe import (
    Probe,
    best_by_held_out,
    fit_probe,
    network_outputs,
    pretext_accuracy,
    stage_features,
)
from sslboost.images.training import initial_network, train

#: Less than a minute of pretext training on one core.
LIVE = Config(epochs=2, stride=2)

#: Downstream labels that the live heads learn from, at most: the table's *Half*.
LABELS = 7500


@dataclass(frozen=True)
class LiveResult:
    """What the live experiment measured.

    Attributes
    ----------
    history : list of [epoch, loss, accuracy]
        Of the pretext training.
    pretext_accuracy : float
        Share of rotations told on the test images; chance is 1/4.
    raw : Probe
        Head on raw pixels.
    untrained, trained : list of Probe
        Heads on every stage of the network before and after the pretext training.
    psi : Probe
        Head on what the pretext network predicts, psi_hat(x), and nothing else of it.
    seconds : float
        Of the pretext training.
    provenance : dict
        As of :func:`sslboost.core.provenance.describe`.
    """

    history: list
    pretext_accuracy: float
    raw: Probe
    untrained: list[Probe]
    trained: list[Probe]
    psi: Probe
    seconds: float
    provenance: dict

    def rows(self):
        """Return (name, Probe) for the table: raw pixels, best and last stages, psi_hat itself."""
        rows = [("raw pixels", self.raw)]
        for name, probes in [("random features", self.untrained), ("rotation", self.trained)]:
            rows.append((f"{name}, best stage", best_by_held_out(probes)))
            rows.append((f"{name}, last stage", probes[-1]))
        return [*rows, ("rotation, prediction only", self.psi)]


@takes(cifar=Cifar10, config=Config, parts=Split, progress=bool)
def run(cifar, *, config=LIVE, parts=None, seed=0, device="cpu", progress=True):
    """Train the rotation pretext and probe it with ``LABELS`` of the downstream labels.

    On a CPU one thread does everything: the result does not depend on the number of cores.

    Parameters
    ----------
    cifar : Cifar10
    config : Config
    parts : Split, optional
        Of the training images; the default split when omitted.
    seed : int
        Of the network, the batches and the augmentation.
    device : str or torch.device
    progress : bool
        Show a progress bar.

    Returns
    -------
    LiveResult

    Raises
    ------
    ValueError
        If the split does not fit the images, or another argument is not what it must be.

    Source: slide "Experiments", the column SSL; Gidaris et al. (2018).
    """
    seed, device = as_seed(seed), as_device(device)
    with compute.threads(1):
        return _run(cifar, config, parts, seed, device, progress)


def _run(cifar, config, parts, seed, device, progress):
    parts = parts or data.split(len(cifar.train_images))
    pretext = Rotation()
    test = torch.tensor(cifar.test_images)
    read = parts.downstream[:LABELS]
    down, labels = torch.tensor(cifar.train_images[read]), cifar.train_labels[read]

    def probe(name, features, test_features):
        return fit_probe(name, features, labels, test_features, cifar.test_labels)

    def probes(network):
        encoder = network.to(device).encoder
        pairs = zip(stage_features(encoder, down), stage_features(encoder, test), strict=True)
        return [probe(f"stage {i + 1}", *pair) for i, pair in enumerate(pairs)]

    untrained = probes(initial_network(config, pretext.outputs, seed=seed))
    started = time.perf_counter()
    images = torch.tensor(cifar.train_images[parts.pretext])
    trained = train(images, pretext, config, seed=seed, device=device, progress=progress)
    seconds = time.perf_counter() - started
    return LiveResult(
        history=[list(entry) for entry in trained.history],
        pretext_accuracy=pretext_accuracy(trained.network, test, pretext, seed=seed),
        raw=probe("raw pixels", down.flatten(1).numpy(), test.flatten(1).numpy()),
        untrained=untrained,
        trained=probes(trained.network),
        psi=probe(
            "output",
            *(network_outputs(trained.network, part, pretext=pretext) for part in (down, test)),
        ),
        seconds=seconds,
        provenance=provenance.describe(),
    )


@takes(better=Probe, worse=Probe)
def separation(better, worse):
    """Return by how many standard errors one accuracy exceeds another.

    The two errors, over test images, are added as if independent; that of the difference is
    smaller where both err on the same images. What another seed would give is not in them.

    Parameters
    ----------
    better, worse : Probe

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If these are no probes, or none of them errs.
    """
    error = np.hypot(better.standard_error, worse.standard_error)
    if not error > 0:
        raise ValueError("better and worse must have a standard error, got 0 for both")
    return float((better.accuracy - worse.accuracy) / error)


@takes(result=LiveResult)
def record(result, path):
    """Write a result as JSON; the file appears whole or not at all.

    Parameters
    ----------
    result : LiveResult
    path : path-like

    Raises
    ------
    ValueError
        If there is no result, or no file can be written there.
    OSError
        If the file cannot be written.
    """
    files.write_json(files.destination("path", path), asdict(result))


def recorded(path):
    """Return the result that :func:`record` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    LiveResult

    Raises
    ------
    OSError
        If the file is missing.
    ValueError
        If it is not a recorded result.
    """
    path = files.as_path("path", path)
    try:
        found = json.loads(path.read_text("utf-8"))
        kept = {field.name: found[field.name] for field in fields(LiveResult)}
        for name in ("raw", "psi"):
            kept[name] = _probe(kept[name])
        for name in ("untrained", "trained"):
            kept[name] = [_probe(probe) for probe in kept[name]]
            if not kept[name]:
                raise ValueError(f"{name} must hold a probe for every stage, got none")
        for name in ("pretext_accuracy", "seconds"):
            as_number(name, kept[name], least=0)
        as_matrix("history", kept["history"], columns=3)
        if not isinstance(kept["provenance"], dict):
            raise ValueError(f"provenance must be a dict, got {kept['provenance']!r:.80}")
        return LiveResult(**kept)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"path must hold a recorded live result, got {path}: {error!r:.200}"
        raise ValueError(message) from error


def _probe(found):
    probe = Probe(**found)
    for field in fields(Probe):
        kind = str if field.name == "name" else Real
        if not isinstance(getattr(probe, field.name), kind):
            raise ValueError(f"{field.name} must be a {kind.__name__}, got {found}")
    return probe
