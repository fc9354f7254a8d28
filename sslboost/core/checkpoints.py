"""Training that can stop anywhere: the state on disk from which a run goes on and ends the same."""

import time
import warnings
import zipfile

import torch
from tqdm import tqdm

from sslboost.core import files
from sslboost.core.sweep import contents
from sslboost.core.validation import as_count


class Checkpoint:
    """A file that holds the state of one training run.

    Parameters
    ----------
    path : path-like
        Its folder is made if it is missing.
    every : int
        Steps between two savings.

    Raises
    ------
    ValueError
        If the path is none, or ``every`` is no positive integer.
    """

    def __init__(self, path, *, every=200):
        self.path = files.as_path("path", path)
        self.every = as_count("every", every)

    def prepare(self):
        """Make the folder, and find out before any training whether it can be written to.

        Raises
        ------
        ValueError
            If the path is a folder, or its folder a file.
        OSError
            If the folder cannot be made or written to.
        """
        files.made("the folder of a checkpoint", self.path.parent)
        files.destination("the path of a checkpoint", self.path)

    def load(self, identity):
        """Return the state saved under ``identity``, or None where there is none to trust.

        A truncated or damaged file, or one of another run, is reported and not used.

        Parameters
        ----------
        identity : str

        Returns
        -------
        dict or None
        """
        try:
            with self.path.open("rb") as file:
                state = _read(file)
            if state["identity"] == identity:
                return state
            reason = "belongs to another run"
        except FileNotFoundError:
            return None
        except Exception as error:  # what a damaged archive raises depends on the damage
            reason = f"cannot be read ({type(error).__name__})"
        warnings.warn(f"{self.path} {reason}: training starts from the beginning", stacklevel=3)
        return None

    def save(self, identity, state):
        """Write ``state``, whole or not at all.

        Parameters
        ----------
        identity : str
        state : dict

        Raises
        ------
        ValueError
            If ``state`` is no dict.
        OSError
            If it cannot be written, as on a full disk; the file before it is kept.
        """
        if not isinstance(state, dict):
            raise ValueError(f"state must be a dict, got {type(state).__name__}")
        try:
            with files.replacing(self.path) as file:
                torch.save({"identity": identity, **state}, file)
        except RuntimeError as error:  # what torch makes of a short write
            raise OSError(f"{self.path} could not be written: {error}") from error

    def remove(self):
        """Remove the file, when what it led to is kept elsewhere."""
        self.path.unlink(missing_ok=True)


def _read(file):
    with zipfile.ZipFile(file) as archive:  # torch does not look at the checksums
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
    file.seek(0)
    return torch.load(file, map_location="cpu", weights_only=True)


def identity(modules, *facts):
    """Return what a training run is known by: its code, its arguments and what these contain.

    Parameters
    ----------
    modules : sequence of str
        Whose source decides what the run gives.
    *facts : object
        Its arguments. Tensors and arrays count by their values, networks by their classes, their
        layout and their weights.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If an argument has no contents to go by, as of :func:`sslboost.core.sweep.contents.digest`.
    """
    facts = [_network(fact) if isinstance(fact, torch.nn.Module) else fact for fact in facts]
    return contents.digest([contents.code_version(*modules), torch.__version__, *facts])


def _network(network):
    classes = [type(part) for part in network.modules()]
    return [classes, repr(network), list(network.state_dict().items())]


def run(advance, steps, parts, generator, *, window, unit, known_by, checkpoint, progress, name):
    """Take training steps, resuming where an interrupted run stopped.

    Parameters
    ----------
    advance : callable
        ``advance()`` takes one step and returns a tensor of measurements.
    steps : int
        Of the whole run.
    parts : list
        Networks, optimisers and schedules: whatever has a ``state_dict``.
    generator : torch.Generator
        All the randomness of the steps.
    window : int
        Steps over which measurements are averaged.
    unit : float
        Steps in one unit of the history's first column.
    known_by : tuple
        Arguments of :func:`identity`; a checkpoint of another run is not used.
    checkpoint : Checkpoint or None
    progress : bool
    name : str
        Shown beside the progress bar.

    Returns
    -------
    history : list of tuple of float
        (step / unit, mean measurements since the previous entry).
    seconds : float
        Of the processor, for all the steps that the result is made of.

    Raises
    ------
    ValueError, OSError
        If the checkpoint cannot be written; found before the first step where possible.
    """
    history, seen, start, spent, state = [], [], 0, 0.0, None
    if checkpoint:
        checkpoint.prepare()
        known = identity(*known_by)
        state = checkpoint.load(known)
    if state:
        for part, saved in zip(parts, state["parts"], strict=True):
            part.load_state_dict(saved)
        generator.set_state(state["generator"])
        history, seen, start = state["history"], list(state["seen"]), state["step"]
        spent = state["seconds"]
    began = time.process_time() - spent
    bar = {"initial": start, "total": steps, "desc": name, "unit": "step"}
    for step in tqdm(range(start + 1, steps + 1), disable=not progress, **bar):
        seen.append(advance().detach())
        if step % window == 0 or step == steps:
            history.append((step / unit, *torch.stack(seen).mean(0).tolist()))
            seen = []
        if checkpoint and (step % checkpoint.every == 0 or step == steps):
            state = {
                "parts": [part.state_dict() for part in parts],
                "generator": generator.get_state(),
                "history": history,
                "seen": seen,
                "step": step,
                "seconds": time.process_time() - began,
            }
            checkpoint.save(known, state)
    return history, time.process_time() - began
