"""A network psi on f(x) under a stronger weight decay: the reading of the table that collapses."""

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from sslboost.core import files, provenance, sweep
from sslboost.core.compute import products, threads
from sslboost.core.sweep import code_version
from sslboost.core.validation import as_choice, as_count, as_number, takes
from sslboost.images import data
from sslboost.images.checks import as_evaluated, as_flag, as_pretext, as_seed
from sslboost.images.data import Cifar10, Split
from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import fit_probe, pretext_accuracy, stage_features
from sslboost.images.processor import train_processor
from sslboost.images.table import common, readings
from sslboost.images.table.part import part_of
from sslboost.images.table.profiles import PROFILES
from sslboost.images.training import train


@dataclass(frozen=True)
class Collapse:
    """A network psi on f(x) under one weight decay.

    Attributes
    ----------
    decay : float
    pretext_accuracy : float
        Of psi on f(x), test images.
    accuracy : float
        Head on the last hidden layer, test images.
    spread : float
        Largest standard deviation of a neuron of that layer over the test images.
    """

    decay: float
    pretext_accuracy: float
    accuracy: float
    spread: float


@takes(cifar=Cifar10, parts=Split, config=Config)
def collapse(cifar, parts, pretext, f, config, decays, *, scored=5000, seed=0, progress=True):
    """Train a network psi on f(x), or on x, under several weight decays, and read its last layer.

    Parameters
    ----------
    cifar : Cifar10
    parts : Split
    pretext : Rotation, Colourisation or Inpainting
    f : Processor or None
        None for psi on x.
    config : Config
        Of psi; its weight decay is replaced.
    decays : sequence of float
    scored : int
        Downstream images, with labels for the head.
    seed : int
    progress : bool

    Returns
    -------
    list of Collapse

    Raises
    ------
    ValueError
        If an argument is not as above.

    Source: slide "SSL with Data Processor (Cont.)".
    """
    pretext, seed, scored = as_pretext(pretext), as_seed(seed), as_count("scored", scored)
    progress = as_flag("progress", progress)
    if f is not None:
        as_evaluated("f", f)
    configs = [replace(config, decay=decay) for decay in _numbers("decays", decays)]
    images = torch.tensor(cifar.train_images[parts.pretext])
    down = pretext.present(torch.tensor(cifar.train_images[parts.downstream[:scored]]))
    raw_test = torch.tensor(cifar.test_images)
    labels = cifar.train_labels[parts.downstream[:scored]]
    found = []
    for own in configs:
        how = {"seed": seed, "processor": f, "progress": progress}
        network = train(images, pretext, own, **how).network
        last, test = (
            stage_features(network.encoder, part, processor=f, grid=1)[-1]
            for part in (down, pretext.present(raw_test))
        )
        told = pretext_accuracy(network, raw_test, pretext, seed=seed, processor=f)
        probe = fit_probe("last layer", last, labels, test, cifar.test_labels)
        found.append(Collapse(own.decay, told, probe.accuracy, float(test.std(axis=0).max())))
    return found


def _numbers(name, values):
    if isinstance(values, str | bytes) or not np.iterable(values) or not len(values):
        raise ValueError(f"{name} must be a sequence of numbers, got {values!r}")
    return [as_number(name, value, least=0) for value in values]


def collapse_cell(profile, n0, seed, decay, rng=None):
    """Measure the reading of the table that is a network psi under a stronger weight decay.

    The processor is the table's, of the linear adversary and rotation, trained again.

    Parameters
    ----------
    profile : str
    n0 : int
        Extra labels.
    seed : int
    decay : float
        Weight decay of psi.
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        Rows with ``labels``, ``layer``, ``accuracy``, ``pretext_accuracy`` and ``spread``, the
        largest standard deviation of a neuron of the last layer.

    Raises
    ------
    ValueError
        If an argument is none of those.

    Source: slide "Experiments", its chance.
    """
    chosen, task = PROFILES[as_choice("profile", profile, PROFILES)], PRETEXTS["rotation"]
    config = replace(chosen.psi, decay=as_number("decay", decay, least=0))
    with threads(chosen.ssl.threads):
        part = part_of(chosen, task, seed)
        how = {"seed": seed, "progress": False}
        f = train_processor(part.images, *part.take(n0), task, chosen.processor, **how).network
        network = train(part.images, task, config, processor=f, **how).network
        rows = readings.hidden_rows(network, part, processor=f)
        told = pretext_accuracy(network, part.raw_test, task, seed=seed, processor=f)
        last = stage_features(network.encoder, part.test, processor=f)[-1]
    own = {"pretext_accuracy": told, "spread": float(last.std(axis=0).max())}
    kept = ("labels", "layer", "accuracy")
    best = [row for row in rows if row["features"] == "hidden"]
    return [{name: row[name] for name in kept} | own for row in best]


def record_collapse(path, *, profile="laptop", decays=(0.05,), n_jobs=None, progress=None):
    """Measure :func:`collapse_cell` for n0 = 1k to 5k and three seeds, and record it.

    Parameters
    ----------
    path : path-like
        JSON file, which appears whole or not at all.
    profile : str
    decays : sequence of float
    n_jobs : int, optional
        As in joblib.
    progress : bool, optional

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If an argument is none of those, or no file can be written there.
    OSError
        If a cell or the file cannot be written; finished cells are kept.

    Source: slide "Experiments", its chance.
    """
    path = files.destination("path", path)
    extra = PROFILES[as_choice("profile", profile, PROFILES)].sizes[0]
    sizes = [extra * part // 5 for part in range(1, 6)]
    started = time.perf_counter()
    rows = sweep.run(
        collapse_cell,
        sweep.grid(profile=[profile], n0=sizes, seed=[0, 1, 2], decay=_numbers("decays", decays)),
        data.folder() / "table",
        code_version=f"{code_version(__name__, *common.MODULES)}-{products()}",
        n_jobs=n_jobs,
        progress=progress,
    )
    facts = provenance.describe() | {"seconds": time.perf_counter() - started}
    files.write_json(path, {"provenance": facts, "runs": rows})
    return rows
