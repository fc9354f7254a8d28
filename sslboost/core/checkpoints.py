"""Training that can stop anywhere: the state on disk from which a run goes on and ends the same."""

import os
import warnings
from pathlib import Path

import torch
from tqdm import tqdm


class Checkpoint:
    """A file that holds the state of one training run.

    Parameters
    ----------
    path : path-like
        Its folder is made if it is missing.
    every : int
        Steps between two savings.
    """

    def __init__(self, path, *, every=200):
        self.path = Path(path)
        self.every = every

    def load(self, identity):
        """Return the state saved under ``identity``, or None where there is none to trust.

        A truncated or damaged file, or one of another run, is reported and not used.
        """
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if state["identity"] == identity:
                return state
            reason = "belongs to another run"
        except Exception as error:  # what a damaged archive raises depends on the damage
            reason = f"cannot be read ({type(error).__name__})"
        warnings.warn(f"{self.path} {reason}: training starts from the beginning", stacklevel=3)
        return None

    def save(self, identity, state):
        """Write ``state``, whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written, as on a full disk; the file before it is kept.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            with partial.open("wb") as file:
                torch.save({"identity": identity, **state}, file)
            os.replace(partial, self.path)
        except (OSError, RuntimeError) as error:  # torch reports a short write as RuntimeError
            raise OSError(f"the checkpoint {self.path} could not be written: {error}") from error
        finally:
            partial.unlink(missing_ok=True)

    def remove(self):
        """Remove the file, when what it led to is kept elsewhere."""
        self.path.unlink(missing_ok=True)


def run(advance, steps, parts, generator, *, window, unit, identity, checkpoint, progress, name):
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
    identity : str
        What the run is; a checkpoint of another run is not used.
    checkpoint : Checkpoint or None
    progress : bool
    name : str
        Shown beside the progress bar.

    Returns
    -------
    list of tuple of float
        (step / unit, mean measurements since the previous entry).
    """
    history, seen, start = [], [], 0
    state = checkpoint.load(identity) if checkpoint else None
    if state:
        for part, saved in zip(parts, state["parts"], strict=True):
            part.load_state_dict(saved)
        generator.set_state(state["generator"])
        history, seen, start = state["history"], list(state["seen"]), state["step"]
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
            }
            checkpoint.save(identity, state)
    return history
