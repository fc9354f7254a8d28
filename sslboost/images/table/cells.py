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
from sslboost.images.probe import network_outputs, pretext_accuracy, stage_features
from sslboost.images.processor import ADVERSARIES, explained_share, linear_psi, train_processor
from sslboost.images.table.part import part_of
from sslboost.images.table.profiles import PROFILES
from sslboost.images.training import fine_tune, initial_network, train

#: The modules whose source decides what a cell measures; results of other sources are kept apart.
MODULES = (
    *training.MODULES,
    "sslboost.core.linalg",
    *(f"sslboost.images.{part}" for part in ("data", "probe.features", "probe.head")),
    *(f"sslboost.images.table.{part}" for part in ("cells", "part", "profiles")),
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
    """Measure raw pixels, random features and plain SSL, with all and with half of the labels.

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
        pixels = ([images.flatten(1).numpy()] for images in (part.downstream, part.test))
        raw = part.score(*pixels)
        start = initial_network(profile.ssl, task.outputs, seed=seed).to(device)
        random = part.score(*_stages(start, part, grid=profile.grid))
        network = _plain(profile, pretext, seed, part, device, compiled)
        learned = part.score(*_stages(network, part, grid=profile.grid))
        told = pretext_accuracy(network, part.raw_test, task, seed=seed)
        psi = part.score(*_outputs(network, part, pretext=task))
    rows = [_row("raw", "none", row) for row in raw.values()]
    rows += [_row("random", "network", row) for row in random.values()]
    for name, row in learned.items():
        output = psi[name]["accuracy"]
        rows.append(_row("ssl", "network", row, pretext_accuracy=told, accuracy_output=output))
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
        more = _mirrored(
            lambda images: stage_features(network.encoder, images, grid=profile.grid), presented
        )
        stages, test_stages = _stages(network, part, grid=profile.grid)
        head = part.score(stages, test_stages, more=more, more_labels=labels)
        tuned = fine_tune(
            network,
            presented,
            labels,
            profile.ssl,
            seed=seed,
            steps=profile.tuning,
            progress=False,
        ).network
        encoder = part.score(*_stages(tuned, part, grid=profile.grid))
    rows = [_row("head", "network", row) for row in head.values()]
    rows += [_row("encoder", "network", row) for row in encoder.values()]
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
    readings = {"network": profile.ssl.decay, "network-no-decay": 0.0}
    kept = [_checkpoint(name, *names) for name in ("processor", *readings)]
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
        rows = [_row(arm, "none", row) for row in part.score(*_outputs(f, part)).values()]
        rows += _linear_rows(arm, f, part, task, seed)
        for (psi, decay), checkpoint in zip(readings.items(), kept[1:], strict=True):
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
    stages, test_stages = ([features[0] @ psi[0].numpy()] for features in _outputs(f, part))
    x, targets = task.draw(part.raw_test, torch.Generator().manual_seed(seed))
    outputs = torch.tensor(network_outputs(f, x)).double() @ psi[0] + psi[1]
    told = float(task.score(outputs, targets))
    scored = part.score(stages, test_stages).values()
    return [_row(arm, "linear", row, pretext_accuracy=told) for row in scored]


def _network_rows(arm, psi, f, part, task, config, seed, device, checkpoint):
    how = {"device": device, "processor": f, "checkpoint": checkpoint, "progress": False}
    network = train(part.images, task, config, seed=seed, **how).network
    told = pretext_accuracy(network, part.raw_test, task, seed=seed, processor=f)
    output = part.score(*_outputs(network, part, pretext=task, processor=f))
    scored = part.score(*_stages(network, part, processor=f))
    return [
        _row(arm, psi, row, pretext_accuracy=told, accuracy_output=output[name]["accuracy"])
        for name, row in scored.items()
    ]


def _mirrored(extract, images):
    """Features averaged over images and their mirror images, which training does not tell apart."""
    pairs = zip(extract(images), extract(images.flip(3)), strict=True)
    return [(features + mirrored) / 2 for features, mirrored in pairs]


def _stages(network, part, **how):
    """Features of every stage for the downstream and the test images."""

    def extract(images):
        return stage_features(network.encoder, images, **how)

    return tuple(_mirrored(extract, images) for images in (part.downstream, part.test))


def _outputs(network, part, **how):
    """What the network gives for the downstream and the test images, as a single stage."""

    def extract(images):
        return [network_outputs(network, images, **how)]

    return tuple(_mirrored(extract, images) for images in (part.downstream, part.test))


def _row(arm, psi, scored, *, pretext_accuracy=None, accuracy_output=None):
    return {
        "arm": arm,
        "psi": psi,
        **scored,
        "accuracy_output": accuracy_output,
        "pretext_accuracy": pretext_accuracy,
    }


def _timed(rows, started):
    return [row | {"seconds": time.perf_counter() - started} for row in rows]
