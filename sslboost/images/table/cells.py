"""Cells without a processor: plain SSL, supervised training, and other uses of the labels."""

import time
from dataclasses import replace

from sslboost.core.compute import threads
from sslboost.images.checks import as_flag
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import pretext_accuracy
from sslboost.images.supervised import fine_tune, train_classifier
from sslboost.images.table import readings
from sslboost.images.table.common import checkpoint_of, chosen, row_of, settled, timed
from sslboost.images.table.part import part_of
from sslboost.images.training import initial_network, train


def _plain(profile, pretext, seed, part, device, compiled):
    """Plain SSL's psi, trained once for all the cells that need it."""
    return train(
        part.images,
        PRETEXTS[pretext],
        profile.ssl,
        seed=seed,
        device=device,
        checkpoint=checkpoint_of(profile.name, "ssl", pretext, seed, device, compiled),
        progress=False,
    )


def untrained(profile, pretext, seed, device, compiled, rng=None):
    """Measure pixels and random features, with all and with half of the labels.

    Parameters
    ----------
    profile, pretext : str
        Names.
    seed : int
        Of the weights and labels; the same seed pairs the cells of the table.
    device : str
    compiled : bool
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        Rows of the table, of the arms ``input`` and ``random``.

    Raises
    ------
    ValueError
        If an argument is none of those.
    """
    started = time.perf_counter()
    profile, task = chosen(profile, pretext, seed, device, compiled)
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed, device=device)
        rows = [row_of("input", "none", row) for row in readings.input_rows(part)]
        start = initial_network(profile.ssl, task.outputs, seed=seed).to(device)
        start = settled(start, task.present(part.images))
        random = readings.hidden_rows(start, part)
        rows += [row_of("random", "network", row) for row in random]
    return timed(rows, started)


def ssl(profile, pretext, seed, device, compiled, rng=None):
    """Measure plain SSL, with all and with half of the labels.

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
        Rows of the table, each with ``training_seconds``, what training psi took of a processor.

    Raises
    ------
    ValueError
        If an argument is none of those.

    Source: slide "Experiments", the column SSL.
    """
    started = time.perf_counter()
    profile, task = chosen(profile, pretext, seed, device, compiled)
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed, device=device)
        trained = _plain(profile, pretext, seed, part, device, compiled)
        network = trained.network
        told = pretext_accuracy(network, part.raw_test, task, seed=seed)
        further = {"seed": seed, "components": profile.processor.features}
        learned = readings.hidden_rows(network, part, further=further)
        learned += readings.output_rows(network, part, pretext=task)
    own = {"training_seconds": trained.seconds}
    rows = [row_of("ssl", "network", row, pretext_accuracy=told) | own for row in learned]
    return timed(rows, started)


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
    profile, task = chosen(profile, pretext, seed, device, compiled)
    names, rows = (profile.name, "supervised", pretext, seed, device, compiled), []
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed, device=device)
        for labels, own in part.rows.items():
            taught = part.raw_downstream[own], part.labels[own]
            network = _classifier(profile, task, *taught, seed, device, (*names, labels))
            rows.append(row_of("supervised", "none", readings.told_row(network, part, labels)))
    for labels in part.rows:
        checkpoint_of(*names, labels).remove()
    return timed(rows, started)


def _classifier(profile, task, images, labels, seed, device, names):
    """Plain SSL's network, trained on labels alone."""
    config = replace(profile.ssl, epochs=profile.supervised_epochs(len(images)))
    how = {"seed": seed, "device": device, "checkpoint": checkpoint_of(*names), "progress": False}
    return train_classifier(images, labels, config, pretext=task, **how).network


def alternative(profile, pretext, n0, borrow, seed, device, compiled, rng=None):
    """Measure what the same n0 labels do in plain SSL's head, in its encoder, or without SSL.

    Parameters
    ----------
    profile, pretext : str
        Names.
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
        Rows of the arms ``head``; ``encoder``; and ``labels``, heads on the layers of a network
        that has learned the extra labels and nothing else, as a processor without its pretext
        term.

    Raises
    ------
    ValueError
        If an argument is none of those, there are fewer extra labels, or all of one class.

    Source: slide "Conclusion" ("better NOT to use"), and the fair comparison with it.
    """
    started = time.perf_counter()
    profile, task = chosen(profile, pretext, seed, device, compiled)
    names = (profile.name, "labels", pretext, n0, as_flag("borrow", borrow), seed, device, compiled)
    with threads(profile.ssl.threads):
        part = part_of(profile, task, seed, borrow=borrow, device=device)
        extra, labels = part.take(n0)
        network = _plain(profile, pretext, seed, part, device, compiled).network
        # One for all: heads on every layer take longer than the networks.
        layer = readings.layers_of(network.encoder)[-1:]
        head = readings.hidden_rows(network, part, layer, more=(task.present(extra), labels))
        how = {"seed": seed, "steps": profile.tuning, "pretext": task, "progress": False}
        tuned = fine_tune(network, extra, labels, profile.ssl, **how).network
        encoder = readings.hidden_rows(tuned, part, layer)
        taught = _classifier(profile, task, extra, labels, seed, device, names)
        alone = readings.hidden_rows(taught, part, layer)
    checkpoint_of(*names).remove()
    rows = [row_of("head", "network", row) for row in head]
    rows += [row_of("encoder", "network", row) for row in encoder]
    rows += [row_of("labels", "network", row) for row in alone]
    return timed(rows, started)
