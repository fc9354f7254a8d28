"""The cells of the table: what one seed of plain SSL, of a processor or of an alternative gives."""

import time
from dataclasses import replace

import torch
from torch.nn import functional as F

from sslboost.core.checkpoints import Checkpoint
from sslboost.core.compute import threads
from sslboost.core.sweep import code_version
from sslboost.core.validation import as_choice, takes
from sslboost.images import data, training
from sslboost.images.checks import as_classes, as_device, as_flag, as_images, as_seed
from sslboost.images.data import CLASSES
from sslboost.images.networks.models import Processor
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs, pretext_accuracy
from sslboost.images.processor import ADVERSARIES, explained_share, linear_psi, train_processor
from sslboost.images.supervised import fine_tune, train_classifier
from sslboost.images.table import readings
from sslboost.images.table.part import part_of
from sslboost.images.table.profiles import PROFILES
from sslboost.images.training import initial_network, train

#: The modules whose source decides what a cell measures; results of other sources are kept apart.
MODULES = (
    *training.MODULES,
    "sslboost.core.linalg",
    "sslboost.images.data",
    *(f"sslboost.images.probe.{part}" for part in ("features", "head", "mlp")),
    *(f"sslboost.images.table.{part}" for part in ("cells", "part", "profiles", "readings")),
)


def version():
    """Return the version of the code that decides what a cell measures.

    Returns
    -------
    str
    """
    return code_version(*MODULES)


def _checkpoint(*names):
    return Checkpoint(
        data.folder() / "checkpoints" / version() / ("-".join(map(str, names)) + ".pt")
    )


def _chosen(profile, pretext, seed, device, compiled):
    """The profile and the pretext of a cell, after checking what names them."""
    profile = PROFILES[as_choice("profile", profile, PROFILES)]
    task = PRETEXTS[as_choice("pretext", pretext, PRETEXTS)]
    as_seed(seed)
    as_device(device)
    return profile.compiled() if as_flag("compiled", compiled) else profile, task


def _plain(profile, pretext, seed, part, device, compiled):
    """Plain SSL's psi, trained once for all the cells that need it."""
    return train(
        part.images,
        PRETEXTS[pretext],
        profile.ssl,
        seed=seed,
        device=device,
        checkpoint=_checkpoint(profile.name, "ssl", pretext, seed, device, compiled),
        progress=False,
    ).network


def ssl(profile, pretext, seed, device, compiled, rng=None):
    """Measure pixels, random features and plain SSL, with all and with half of the labels.

    Parameters
    ----------
    profile, pretext : str
        Names.
    seed : int
        Of the weights, batches and labels; the same seed pairs the cells of the table.
    device : str
    compiled : bool
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        Rows of the table.

    Raises
    ------
    ValueError
        If an argument is none of those.

    Source: slide "Experiments", the column SSL.
    """
    started = time.perf_counter()
    profile, task = _chosen(profile, pretext, seed, device, compiled)
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed)
        pixels = readings.input_rows(part)
        start = initial_network(profile.ssl, task.outputs, seed=seed).to(device)
        random = readings.hidden_rows(start, part, profile.layers)
        network = _plain(profile, pretext, seed, part, device, compiled)
        told = pretext_accuracy(network, part.raw_test, task, seed=seed)
        further = {"seed": seed, "components": profile.processor.features}
        learned = readings.hidden_rows(network, part, profile.layers, further=further)
        learned += readings.output_rows(network, part, pretext=task)
    rows = [_row("input", "none", row) for row in pixels]
    rows += [_row("random", "network", row) for row in random]
    rows += [_row("ssl", "network", row, pretext_accuracy=told) for row in learned]
    return _timed(rows, started)


def supervised(profile, pretext, seed, device, compiled, rng=None):
    """Measure plain SSL's network trained on the downstream labels alone, all and half of them.

    Parameters
    ----------
    profile, pretext : str
        Names; the images are as the pretext presents them.
    seed : int
    device : str
    compiled : bool
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        Rows of the arm ``supervised``: what the network itself tells, mirror images averaged.

    Raises
    ------
    ValueError
        If an argument is none of those.
    """
    started = time.perf_counter()
    profile, task = _chosen(profile, pretext, seed, device, compiled)
    names, rows = (profile.name, "supervised", pretext, seed, device, compiled), []
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed)
        for labels, own in part.rows.items():
            network = train_classifier(
                part.downstream[own],
                part.labels[own],
                replace(profile.ssl, epochs=profile.supervised),
                seed=seed,
                device=device,
                checkpoint=_checkpoint(*names, labels),
                progress=False,
            ).network
            rows.append(_row("supervised", "none", readings.told_row(network, part, labels)))
    for labels in part.rows:
        _checkpoint(*names, labels).remove()
    return _timed(rows, started)


def alternative(profile, pretext, n0, seed, device, compiled, rng=None):
    """Measure what the same n0 labels do when the head or the encoder of plain SSL gets them.

    Parameters
    ----------
    profile, pretext : str
        Names.
    n0 : int
        Extra labels.
    seed : int
    device : str
    compiled : bool
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        Rows of the arms ``head`` and ``encoder``.

    Raises
    ------
    ValueError
        If an argument is none of those, there are fewer extra labels, or all of one class.

    Source: slide "Conclusion" ("better NOT to use"), and the fair comparison with it.
    """
    started = time.perf_counter()
    profile, task = _chosen(profile, pretext, seed, device, compiled)
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed)
        extra, labels = part.take(n0)
        network = _plain(profile, pretext, seed, part, device, compiled)
        presented = task.present(extra)
        head = readings.hidden_rows(network, part, profile.layers, more=(presented, labels))
        tuned = fine_tune(
            network,
            presented,
            labels,
            profile.ssl,
            seed=seed,
            steps=profile.tuning,
            progress=False,
        ).network
        encoder = readings.hidden_rows(tuned, part, profile.layers)
    rows = [_row("head", "network", row) for row in head]
    rows += [_row("encoder", "network", row) for row in encoder]
    return _timed(rows, started)


def processor(profile, pretext, adversary, n0, borrow, seed, device, compiled, rng=None):
    """Train a processor on n0 extra labels and measure every reading of what the head then sees.

    Parameters
    ----------
    profile, pretext : str
        Names.
    adversary : str
        ``linear`` or ``network``.
    n0 : int
        Extra labels.
    borrow : bool
        Whether labels of pretext images may be used beyond the extra ones.
    seed : int
    device : str
    compiled : bool
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        Rows of the arm ``processor`` (``beyond`` where labels are borrowed), for psi in ``none``,
        ``linear``, ``network``, ``network-no-decay``.

    Raises
    ------
    ValueError
        If an argument is none of those, there are fewer labels than n0, or all of one class.

    Source: slide "Experiments", the columns n0 = 1k to 5k.
    """
    started = time.perf_counter()
    profile, task = _chosen(profile, pretext, seed, device, compiled)
    as_choice("adversary", adversary, ADVERSARIES)
    names = (profile.name, pretext, adversary, n0, borrow, seed, device, compiled)
    decays = {"network": profile.ssl.decay, "network-no-decay": 0.0}
    kept = [_checkpoint(name, *names) for name in ("processor", *decays)]
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed, borrow=borrow)
        extra, labels = part.take(n0)
        f = train_processor(
            part.images,
            extra,
            labels,
            task,
            profile.processor,
            adversary=adversary,
            seed=seed,
            device=device,
            checkpoint=kept[0],
            progress=False,
        ).network
        left = train_y_error(f, task.present(extra), labels)
        arm = "beyond" if borrow else "processor"
        own = readings.output_rows(f, part) + readings.hidden_rows(f, part)
        rows = [_row(arm, "none", row) for row in own]
        rows += _linear_rows(arm, f, part, task, seed)
        for (psi, decay), checkpoint in zip(decays.items(), kept[1:], strict=True):
            config = replace(profile.psi, decay=decay)
            rows += _network_rows(arm, psi, f, part, task, config, seed, device, checkpoint)
    for checkpoint in kept:
        checkpoint.remove()
    return _timed([row | {"train_y_error": left} for row in rows], started)


@takes(f=Processor)
def train_y_error(f, extra, labels):
    """Return the share of the variance of y that the best affine head on f(x) leaves on the labels.

    Parameters
    ----------
    f : Processor
    extra : uint8 tensor (n0, 3, 32, 32)
        As the pretext presents them.
    labels : int array (n0,)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the labels are not classes of the images, at least two of them.

    Source: slide "How to Obtain f ? (Cont.)", the first term of the training loss.
    """
    extra = as_images("extra", extra)
    classes = torch.from_numpy(as_classes("labels", labels, rows=len(extra), least=2))
    outputs = torch.tensor(network_outputs(f, extra)).double()
    return 1 - float(explained_share(outputs, F.one_hot(classes, len(CLASSES)).double()))


def _linear_rows(arm, f, part, task, seed):
    drawn, targets = task.draw(part.images, torch.Generator().manual_seed(seed))
    psi = linear_psi(torch.tensor(network_outputs(f, drawn)), task.vector(targets))
    x, targets = task.draw(part.raw_test, torch.Generator().manual_seed(seed))
    outputs = torch.tensor(network_outputs(f, x)).double() @ psi[0] + psi[1]
    told = float(task.score(outputs, targets))
    rows = readings.output_rows(f, part, through=psi[0].numpy())
    return [_row(arm, "linear", row, pretext_accuracy=told) for row in rows]


def _network_rows(arm, psi, f, part, task, config, seed, device, checkpoint):
    how = {"device": device, "processor": f, "checkpoint": checkpoint, "progress": False}
    network = train(part.images, task, config, seed=seed, **how).network
    told = pretext_accuracy(network, part.raw_test, task, seed=seed, processor=f)
    rows = readings.output_rows(network, part, pretext=task, processor=f)
    rows += readings.hidden_rows(network, part, processor=f)
    return [_row(arm, psi, row, pretext_accuracy=told) for row in rows]


def _row(arm, psi, scored, *, pretext_accuracy=None):
    return {"arm": arm, "psi": psi, **scored, "pretext_accuracy": pretext_accuracy}


def _timed(rows, started):
    return [row | {"seconds": time.perf_counter() - started} for row in rows]
