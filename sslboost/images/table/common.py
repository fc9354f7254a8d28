"""What every cell of the table needs: its names, its version, its checkpoints and its rows."""

import time

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from sslboost.core.checkpoints import Checkpoint
from sslboost.core.sweep import code_version
from sslboost.core.validation import as_choice
from sslboost.images import data, training
from sslboost.images.batches import to_input
from sslboost.images.checks import as_device, as_flag, as_images, as_seed, device_of
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.table.profiles import PROFILES

#: The modules whose source decides what a cell measures; results of other sources are kept apart.
MODULES = (
    *training.MODULES,
    *(f"sslboost.core.{part}" for part in ("differentiable", "linalg")),
    *(f"sslboost.images.{part}" for part in ("data", "processor", "supervised")),
    *(f"sslboost.images.probe.{part}" for part in ("features", "given", "head", "mlp")),
    *(f"sslboost.images.table.{part}" for part in ("cells", "common", "part")),
    *(f"sslboost.images.table.{part}" for part in ("processed", "profiles", "readings")),
)


def version():
    """Return the version of the code that decides what a cell measures.

    Returns
    -------
    str
    """
    return code_version(*MODULES)


def checkpoint_of(*names):
    """Return the checkpoint of a training in the data folder, of this version of what trains.

    What only reads networks may change: they need not be trained again.

    Parameters
    ----------
    *names : object
        What tells the training from others.

    Returns
    -------
    Checkpoint
    """
    folder = data.folder() / "checkpoints" / code_version(*training.MODULES)
    return Checkpoint(folder / f"{'-'.join(map(str, names))}.pt")


def chosen(profile, pretext, seed, device, compiled):
    """Return the profile and the pretext of a cell, after checking what names them.

    Parameters
    ----------
    profile, pretext : str
    seed : int
    device : str
    compiled : bool

    Returns
    -------
    Profile
    Rotation, Colourisation or Inpainting

    Raises
    ------
    ValueError
        If an argument is none of those.
    """
    profile = PROFILES[as_choice("profile", profile, PROFILES)]
    task = PRETEXTS[as_choice("pretext", pretext, PRETEXTS)]
    as_seed(seed)
    as_device(device)
    return profile.compiled() if as_flag("compiled", compiled) else profile, task


@torch.no_grad()
def settled(network, images):
    """Return an untrained network after a look at images: its normalisations know their moments.

    A network that has seen nothing divides by 1 where a trained one divides by standard deviations,
    and gives numbers tens of times smaller: a difference of units, and not of what was learned.

    Parameters
    ----------
    network : PretextNetwork or Processor
        Changed in place.
    images : uint8 tensor (n, 3, 32, 32)
        The first 1,000 count, at least two.

    Returns
    -------
    PretextNetwork or Processor
        In evaluation mode.

    Raises
    ------
    ValueError
        If they are no such images.
    """
    images = as_images("images", images[:1000], least=2).to(device_of(network))
    norms = [part for part in network.modules() if isinstance(part, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = 1.0  # what it sees, in place of what it saw
    network.train()
    network(to_input(images))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network.eval()


def names_of(name, values, known):
    """Return different names, all of them known.

    Parameters
    ----------
    name : str
        Of the argument.
    values : sequence of str
    known : sequence of str

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If they are no such sequence.
    """
    if isinstance(values, str) or not np.iterable(values) or not len(list(values)):
        raise ValueError(f"{name} must be a sequence of {', '.join(known)}, got {values!r}")
    return different(name, [as_choice(name, value, known) for value in values])


def different(name, values):
    """Return values as a list if no two are the same.

    Parameters
    ----------
    name : str
        Of the argument.
    values : sequence

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If two are the same.
    """
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must be different, got {values}")
    return list(values)


def row_of(arm, psi, scored, *, pretext_accuracy=None):
    """Return a row of the table.

    Parameters
    ----------
    arm, psi : str
    scored : dict
        As of :meth:`sslboost.images.table.part.Part.score`.
    pretext_accuracy : float, optional

    Returns
    -------
    dict
    """
    return {"arm": arm, "psi": psi, **scored, "pretext_accuracy": pretext_accuracy}


def timed(rows, started):
    """Return rows with what measuring them took.

    Parameters
    ----------
    rows : list of dict
    started : float
        A reading of ``time.perf_counter``.

    Returns
    -------
    list of dict
        With ``seconds``.
    """
    return [row | {"seconds": time.perf_counter() - started} for row in rows]
