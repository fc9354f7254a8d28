"""Cells with a processor: trained on n0 extra labels, and every reading of what comes of it."""

import time
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from sslboost.core.compute import threads
from sslboost.core.validation import as_choice, as_count, as_number, takes
from sslboost.images.checks import as_classes, as_images, as_pretext, as_seed
from sslboost.images.data import CLASSES
from sslboost.images.networks.models import Processor
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs, pretext_accuracy
from sslboost.images.processor import ADVERSARIES, explained_share, linear_psi, train_processor
from sslboost.images.table import readings
from sslboost.images.table.common import checkpoint_of, chosen, row_of, timed
from sslboost.images.table.part import part_of
from sslboost.images.training import train


def processor(profile, pretext, adversary, lam, n0, borrow, seed, device, compiled, rng=None):
    """Train a processor on n0 extra labels and measure every reading of what the head then sees.

    Parameters
    ----------
    profile, pretext : str
        Names.
    adversary : str
        ``linear`` or ``network``.
    lam : float
        Weight of the pretext term.
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
        ``linear``, ``network``, ``network-no-decay``; each with ``train_y_error``, and with
        ``told`` and ``told_in_batches``, the shares of z that linear heads explain on a sample of
        pretext images and, on average, on batches as large as those of the training.

    Raises
    ------
    ValueError
        If an argument is none of those, there are fewer labels than n0, or all of one class.

    Source: slide "Experiments", the columns n0 = 1k to 5k.
    """
    started = time.perf_counter()
    profile, task = chosen(profile, pretext, seed, device, compiled)
    as_choice("adversary", adversary, ADVERSARIES)
    lam = as_number("lam", lam, least=0)
    names = (pretext, adversary, lam, n0, borrow, seed, device, compiled)
    decays = {"network": profile.ssl.decay, "network-no-decay": 0.0}
    kept = [checkpoint_of(name, profile.name, *names) for name in decays]
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed, borrow=borrow, device=device)
        f = learned(profile, part, *names)
        extra, labels = part.take(n0)
        facts = {"train_y_error": train_y_error(f, task.present(extra), labels)}
        told = told_linearly(f, part.images, task, seed=seed, batch=profile.processor.network.batch)
        facts["told"], facts["told_in_batches"] = told
        arm = "beyond" if borrow else "processor"
        own = readings.output_rows(f, part) + readings.hidden_rows(f, part)
        rows = [row_of(arm, "none", row) for row in own]
        rows += _linear_rows(arm, f, part, task, seed)
        for (psi, decay), checkpoint in zip(decays.items(), kept, strict=True):
            own = replace(profile.psi, decay=decay)
            rows += _network_rows(arm, psi, f, part, task, own, seed, device, checkpoint)
    for checkpoint in kept:
        checkpoint.remove()
    return timed([row | facts for row in rows], started)


def learned(profile, part, pretext, adversary, lam, n0, borrow, seed, device, compiled):
    """Return the processor of a cell, trained once for all the cells that need it.

    Parameters
    ----------
    profile : Profile
    part : Part
        Of the same pretext and seed, with borrowed labels where they may be.
    pretext, adversary, lam, n0, borrow, seed, device, compiled
        As of :func:`processor`.

    Returns
    -------
    Processor

    Raises
    ------
    ValueError
        If an argument is not as above, or there are fewer labels.
    """
    names = (pretext, adversary, lam, n0, borrow, seed, device, compiled)
    return train_processor(
        part.images,
        *part.take(n0),
        PRETEXTS[pretext],
        replace(profile.processor, lam=lam, steps=profile.processor_steps(n0)),
        adversary=adversary,
        seed=seed,
        device=device,
        checkpoint=checkpoint_of("processor", profile.name, *names),
        progress=False,
    ).network


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


@takes(f=Processor)
def told_linearly(f, images, pretext, *, seed, batch):
    """Return the share of z that linear heads on f(x) explain: on all images, and on batches.

    A head fitted to n rows explains (d_f / n) of what is unexplained by chance: the difference is
    the bias of the heads of the training.

    Parameters
    ----------
    f : Processor
    images : uint8 tensor (n, 3, 32, 32)
    pretext : Rotation, Colourisation or Inpainting
    seed : int
        Of the targets drawn.
    batch : int
        Rows of a batch; no more than there are images.

    Returns
    -------
    told, told_in_batches : float

    Raises
    ------
    ValueError
        If an argument is not as above.

    Source: slide "How to Obtain f ? (Cont.)", the second term of the training loss.
    """
    images, pretext = as_images("images", images, least=2), as_pretext(pretext)
    batch = as_count("batch", batch, least=2, most=len(images))
    drawn, targets = pretext.draw(images, torch.Generator().manual_seed(as_seed(seed)))
    outputs, z = torch.tensor(network_outputs(f, drawn)).double(), pretext.vector(targets).double()
    whole = len(images) // batch * batch
    pairs = zip(outputs[:whole].split(batch), z[:whole].split(batch), strict=True)
    return (
        float(explained_share(outputs, z)),
        float(np.mean([float(explained_share(*pair)) for pair in pairs])),
    )


def _linear_rows(arm, f, part, task, seed):
    drawn, targets = task.draw(part.images, torch.Generator().manual_seed(seed))
    psi = linear_psi(torch.tensor(network_outputs(f, drawn)), task.vector(targets))
    x, targets = task.draw(part.raw_test, torch.Generator().manual_seed(seed))
    outputs = torch.tensor(network_outputs(f, x)).double() @ psi[0] + psi[1]
    told = float(task.score(outputs, targets))
    rows = readings.output_rows(f, part, through=psi[0].numpy())
    return [row_of(arm, "linear", row, pretext_accuracy=told) for row in rows]


def _network_rows(arm, psi, f, part, task, config, seed, device, checkpoint):
    how = {"device": device, "processor": f, "checkpoint": checkpoint, "progress": False}
    network = train(part.images, task, config, seed=seed, **how).network
    told = pretext_accuracy(network, part.raw_test, task, seed=seed, processor=f)
    rows = readings.output_rows(network, part, pretext=task, processor=f)
    rows += readings.hidden_rows(network, part, processor=f)
    return [row_of(arm, psi, row, pretext_accuracy=told) for row in rows]
