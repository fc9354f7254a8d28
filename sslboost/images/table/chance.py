"""Readings that might give the slides' chance, each with its controls.

A constant prediction is right on exactly one test image in ten, whatever the seed; the slides'
digits vary. Every row says therefore, beside the accuracy, how many of the test images get the
commonest prediction.
"""

import time
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from sslboost.core import files, sweep
from sslboost.core.compute import products, threads
from sslboost.core.sweep import code_version
from sslboost.core.validation import as_choice, as_count, as_number
from sslboost.images import data
from sslboost.images.checks import as_counts, as_device, as_flag, as_seed, device_of
from sslboost.images.lagging import train_lagging
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs, pretext_accuracy, stage_features
from sslboost.images.processor import initial_processor
from sslboost.images.table import common, recording
from sslboost.images.table._heads import HEADS, read_heads, scored
from sslboost.images.table.part import part_of
from sslboost.images.table.processed import learned
from sslboost.images.table.profiles import PROFILES
from sslboost.images.training import descend, initial_network, one_cycle, outputs_of, train

#: Optimisers and rates of the heads that lag behind f.
LAGGING = (("sgd", 0.05), ("sgd", 0.005), ("adam", 0.001))

#: What psi reads under weight decay: f of the slides' loss, f without its pretext term, f before
#: any training, and the image itself on 8 x 8 cells.
SOURCES = ("f", "f without pretext", "untrained f", "pixels")

DECAYS = (0.0005, 0.002, 0.005, 0.01, 0.02, 0.05)

#: Those under which plain psi, too, is trained.
STRONG = (0.01, 0.05)

ARMS = ("lagging", "decayed", "plain")

#: What tells the rows apart.
KEY = ("arm", "source", "optimiser", "rate", "decay", "n0", "head", "labels", "seed")

_GRID = 8
_ROTATION = PRETEXTS["rotation"]


def lagging(profile, n0, optimiser, rate, seed, device, rng=None):
    """Measure heads on f(x) where f was trained beside heads that lag behind it.

    Parameters
    ----------
    profile : str
    n0 : int
        Extra labels.
    optimiser : str
    rate : float
    seed : int
    device : str
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        ``labels``, ``head``, ``accuracy``, ``commonest``, ``diverged`` (the step, or None) and
        ``size``, the root mean square of f(x) at the end.

    Raises
    ------
    ValueError
        If an argument is none of those.
    """
    started = time.perf_counter()
    chosen = PROFILES[as_choice("profile", profile, PROFILES)]
    with threads(chosen.ssl.threads):
        part = part_of(chosen, _ROTATION, as_seed(seed), device=device)
        trained = train_lagging(
            part.images,
            *part.take(n0),
            _ROTATION,
            replace(chosen.processor, steps=chosen.processor_steps(n0)),
            optimiser=optimiser,
            rate=rate,
            seed=seed,
            device=device,
        )
        features = [network_outputs(trained.network, x) for x in (part.downstream, part.test)]
        if trained.diverged is None and all(np.isfinite(f).all() for f in features):
            rows = read_heads(part, *features, heads=tuple(HEADS))
        else:  # no number is larger than another, and the first class is predicted everywhere
            nothing = np.zeros(len(part.test_labels), int)
            rows = [scored(part, labels, head, nothing) for head in HEADS for labels in part.rows]
    own = {"diverged": trained.diverged, "size": float(trained.history[-1][3])}
    return [row | own | {"seconds": time.perf_counter() - started} for row in rows]


def decayed(profile, source, n0, seed, device, rng=None):
    """Measure heads on the last layer of psi, trained on f(x) under several weight decays.

    Every image is shown to psi in its four turns and without augmentation, so that f is read once.

    Parameters
    ----------
    profile : str
    source : str
        One of ``SOURCES``.
    n0 : int
        Extra labels of f.
    seed : int
    device : str
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        ``decay``, ``labels``, ``head``, ``accuracy``, ``commonest``, ``told`` (of the turns of the
        test images) and ``spread``, the largest standard deviation of a neuron over them.

    Raises
    ------
    ValueError
        If an argument is none of those.
    """
    started = time.perf_counter()
    chosen = PROFILES[as_choice("profile", profile, PROFILES)]
    as_choice("source", source, SOURCES)
    n0 = as_count("n0", n0, most=chosen.sizes[0])
    rows = []
    with threads(chosen.ssl.threads):
        part = part_of(chosen, _ROTATION, as_seed(seed), device=device)
        extract = _extractor(source, chosen, part, n0, seed, device)
        turned, test = (_turned(extract, images) for images in (part.images, part.raw_test))
        upright = [extract(images) for images in (part.downstream, part.test)]
        for decay in DECAYS:
            config = replace(chosen.psi, decay=decay)
            psi = train_on_features(*turned, config, seed=seed, device=device)
            last = [_hidden(psi, X) for X in upright]
            told = float((_outputs(psi, test[0]).argmax(1).cpu() == test[1]).double().mean())
            own = {"decay": decay, "told": told, "spread": float(last[1].std(axis=0).max())}
            rows += [row | own for row in read_heads(part, *last, heads=tuple(HEADS))]
    return [row | {"seconds": time.perf_counter() - started} for row in rows]


def _extractor(source, chosen, part, n0, seed, device):
    """A function from images to the vectors that psi reads."""
    if source == "pixels":
        return lambda x: F.adaptive_avg_pool2d(x.float() / 255, _GRID).flatten(1).numpy()
    if source == "untrained f":
        start = initial_processor(chosen.processor, seed=seed).to(device)
        network = common.settled(start, part.images)
    else:
        lam = 0.0 if source == "f without pretext" else chosen.processor.lam
        names = "rotation", "linear", lam, n0, False, seed, device, False
        network = learned(chosen, part, *names)
    return lambda x: network_outputs(network, x)


def _turned(extract, images):
    """Vectors of every turn of every image, and the turns."""
    turns = [torch.full((len(images),), turn) for turn in range(_ROTATION.outputs)]
    vectors = [torch.from_numpy(extract(_ROTATION.apply(images, turn))) for turn in turns]
    return torch.cat(vectors), torch.cat(turns)


def train_on_features(features, turns, config, *, seed, device="cpu"):
    """Train psi to tell turns from vectors.

    Parameters
    ----------
    features : float tensor (n, d)
    turns : int64 tensor (n,)
    config : Config
        A perceptron; an epoch is a quarter of the rows, one turn of each image.
    seed : int
    device : str or torch.device

    Returns
    -------
    PretextNetwork
        In evaluation mode.

    Raises
    ------
    ValueError
        If the device is absent, or the training diverges.
    """
    device = as_device(device)
    features, turns = features.to(device), turns.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    network = initial_network(config, _ROTATION.outputs, seed=seed, inputs=features.shape[1])
    network.train().to(device)
    steps = config.steps(max(1, len(features) // _ROTATION.outputs))
    optimizer, schedule = one_cycle(network, config, steps)
    for _ in range(steps):
        drawn = torch.randint(len(features), (config.batch,), generator=generator, device=device)
        loss = _ROTATION.loss(outputs_of(network, features[drawn]), turns[drawn])
        descend(loss, optimizer, schedule)
    return network.eval()


@torch.no_grad()
def _outputs(psi, X):
    return outputs_of(psi, X.to(device_of(psi)))


@torch.no_grad()
def _hidden(psi, X):
    """The last hidden layer in single precision, whose rounding one of the heads amplifies."""
    return psi.encoder(torch.from_numpy(X).to(device_of(psi)))[-1].cpu().numpy()


def plain(profile, decay, seed, device, rng=None):
    """Measure heads on the last layer of plain SSL's psi under a weight decay: no f at all.

    Parameters
    ----------
    profile : str
    decay : float
    seed : int
    device : str
    rng : numpy.random.Generator, optional
        Not used: all randomness comes from ``seed``.

    Returns
    -------
    list of dict
        As of :func:`decayed`.

    Raises
    ------
    ValueError
        If an argument is none of those.
    """
    started = time.perf_counter()
    chosen = PROFILES[as_choice("profile", profile, PROFILES)]
    config = replace(chosen.ssl, decay=as_number("decay", decay, least=0))
    with threads(config.threads):
        part = part_of(chosen, _ROTATION, as_seed(seed), device=device)
        how = {"seed": seed, "device": device, "progress": False}
        network = train(part.images, _ROTATION, config, **how).network
        read = (part.downstream, part.test)
        last = [stage_features(network.encoder, images, grid=1)[-1] for images in read]
        told = pretext_accuracy(network, part.raw_test, _ROTATION, seed=seed)
        rows = read_heads(part, *last, heads=tuple(HEADS))
    own = {"told": told, "spread": float(last[1].std(axis=0).max())}
    return [row | own | {"seconds": time.perf_counter() - started} for row in rows]


def record_chance(
    path, *, profile="laptop", arms=ARMS, seeds=range(5), device="cpu", replace=False, **how
):
    """Measure every candidate for every n0 and seed, with its controls, and record it.

    Finished cells are kept in the data folder: an interrupted call, made again, goes on. Rows join
    those of the same code in the file.

    Parameters
    ----------
    path : path-like
        JSON file, which appears whole or not at all.
    profile : str
    arms : sequence of str
        Of ``lagging``, ``decayed`` and ``plain``, which takes as long as both others and is
        measured for seeds 0 to 2 alone.
    seeds : sequence of int
    device : str
    replace : bool
        Whether a file of another profile or code is replaced.
    **how
        ``n_jobs`` and ``progress``, as of :func:`sslboost.core.sweep.run`.

    Returns
    -------
    list of dict
        Rows of :func:`lagging`, :func:`decayed` and :func:`plain`, the arm named.

    Raises
    ------
    ValueError
        If an argument is none of those, the device is absent, or the file may not be written to;
        found before anything is measured.
    RuntimeError
        If a cell fails; finished cells are kept.
    OSError
        If a cell or the file cannot be written.

    Source: slide "Experiments", its chance.
    """
    path = files.destination("path", path)
    extra = PROFILES[as_choice("profile", profile, PROFILES)].sizes[0]
    seeds = list(as_counts("seeds", seeds, least=0))
    arms = common.names_of("arms", arms, ARMS)
    device = str(as_device(device))
    own = {"profile": profile, "code_version": version(), "products": products(device)}
    recording.earlier(path, KEY, own, replace=as_flag("replace", replace))
    sizes = [extra * part // 5 for part in range(1, 6)]
    shared = {"profile": [profile], "device": [device], "seed": seeds}
    learned, fixed = SOURCES[:2], SOURCES[2:]
    early = [seed for seed in seeds if seed < 3]
    grids = {
        "lagging": [
            (lagging, {"n0": sizes, "optimiser": [optimiser], "rate": [rate], **shared})
            for optimiser, rate in LAGGING
        ],
        "decayed": [
            (decayed, {"source": list(learned), "n0": sizes, **shared}),
            (decayed, {"source": list(fixed), "n0": sizes[:1], **shared}),  # know no extra label
        ],
        "plain": [(plain, shared | {"decay": list(STRONG), "seed": early})] if early else [],
    }
    rows = []
    for arm in arms:
        for cell, axes in grids[arm]:
            found = sweep.run(
                cell,
                sweep.grid(**axes),
                data.folder() / "table",
                code_version=f"{version()}-{products(device)}",
                **how,
            )
            rows += [dict.fromkeys(KEY) | {"arm": arm, **row} for row in found]
    seconds = sum({row["seconds"] for row in rows})  # once for the rows of a cell
    recording.write(path, rows, KEY, own, seconds=seconds, device=device, replace=replace)
    return rows


def version():
    """Return the version of the code that decides what these cells measure.

    Returns
    -------
    str
    """
    return code_version(
        "sslboost.images.lagging", __name__, "sslboost.images.table._heads", *common.MODULES
    )
