"""The experiment that the book runs while it is built: a rotation pretext and its probe."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from sslboost.core import files, provenance
from sslboost.images import data
from sslboost.images.config import Config
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

#: A minute of pretext training on two cores.
LIVE = Config(epochs=4)


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


def run(cifar, *, config=LIVE, parts=None, seed=0, device="cpu", progress=True):
    """Train the rotation pretext on the pretext images and probe it with the downstream labels.

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
        If the split does not fit the images.

    Source: slide "Experiments", the column SSL; Gidaris et al. (2018).
    """
    parts = parts or data.split(len(cifar.train_images))
    pretext = Rotation()
    test = torch.tensor(cifar.test_images)
    down = torch.tensor(cifar.train_images[parts.downstream])
    labels = cifar.train_labels[parts.downstream]

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


def separation(better, worse):
    """Return by how many standard errors one accuracy exceeds another.

    The two errors are added as if independent; on the same test images they are positively
    correlated, so the true separation is larger.

    Parameters
    ----------
    better, worse : Probe

    Returns
    -------
    float
    """
    error = np.hypot(better.standard_error, worse.standard_error)
    return float((better.accuracy - worse.accuracy) / error)


def record(result, path):
    """Write a result as JSON; the file appears whole or not at all.

    Parameters
    ----------
    result : LiveResult
    path : path-like

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    files.write_json(path, asdict(result))


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
    OSError, ValueError
        If the file is missing or is not a recorded result.
    """
    try:
        fields = json.loads(Path(path).read_text())
        for name in ("raw", "psi"):
            fields[name] = Probe(**fields[name])
        for name in ("untrained", "trained"):
            fields[name] = [Probe(**probe) for probe in fields[name]]
        return LiveResult(**fields)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"path must hold a recorded live result, got {path}: {error}") from error
