"""What is killed: small runs of everything that writes, each in a process of its own.

A victim works in a folder and returns a text that tells its result. Whatever happened to
earlier runs in the same folder, a run that comes to its end returns the same text.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from sslboost.core import checkpoints, sweep
from sslboost.images import data, table, training
from tests.evidence import pictures

#: Files of somebody else in the data folder, which nobody may touch.
FOREIGN = ("somebody.part", "unfinished.part/download", "notes.txt")
_THEIRS = "somebody else's"


def _nothing(folder):
    return None


@dataclass(frozen=True)
class Victim:
    """Work that is killed.

    Parameters
    ----------
    name : str
    work : callable
        ``work(folder, member)`` returns what it found; several members share a folder.
    prepare : callable
        ``prepare(folder)`` puts there what must be there before.
    wrong : callable
        ``wrong(folder)`` returns what is wrong with what a kill left, or None.
    members : int
        Processes at a time.
    disk : bool
        Whether it is met by a full disk and a read-only folder as well.
    """

    name: str
    work: Callable
    prepare: Callable = _nothing
    wrong: Callable = _nothing
    members: int = 2
    disk: bool = True


def settle():
    """Make a process ready to be a victim: one thread, and damage is an error."""
    torch.set_num_threads(1)
    for message in (".*damaged", ".*cannot be read", ".*belongs to another"):
        warnings.filterwarnings("error", message=message)


def cell(a, rng):
    """A cell that takes a moment."""
    time.sleep(0.01)
    return {"value": a + float(rng.standard_normal())}


def _sweep(folder, member):
    rows = sweep.run(cell, sweep.grid(a=list(range(40))), folder / "cells", code_version="1")
    return json.dumps(rows)


def _train(folder, member):
    kept = checkpoints.Checkpoint(folder / f"{member}.pt", every=1)
    config = pictures.tiny(epochs=4)
    how = {"seed": 0, "checkpoint": kept, "progress": False}
    trained = training.train(pictures.pictures(80), pictures.rotation(), config, **how)
    total = hashlib.sha256(repr(trained.history).encode())
    for weight in trained.network.state_dict().values():
        total.update(weight.numpy().tobytes())
    return total.hexdigest()


def _fetch(folder, member):
    """Load a data set of two megabytes in the place of CIFAR-10, from a source that is slow."""
    rng = np.random.default_rng(0)
    arrays, facts = {}, {}
    for part, n in (("train", 500), ("test", 100)):
        arrays[f"{part}_images"] = rng.integers(256, size=(n, 3, 32, 32), dtype=np.uint8)
        arrays[f"{part}_labels"] = rng.integers(10, size=n)
    for name, array in arrays.items():
        facts[name] = (array.shape, str(array.dtype), hashlib.sha256(array).hexdigest())
    data.ARRAYS = facts
    for source in ("from_torchvision_folder", "from_torchvision_download", "from_npm"):
        setattr(data._sources, source, lambda root: time.sleep(0.1) or arrays)
    os.environ["SSLBOOST_DATA"] = str(folder)
    found = data.load()
    return hashlib.sha256(found.train_images.tobytes() + found.test_labels.tobytes()).hexdigest()


def _leave_files(folder):
    for name in FOREIGN:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(_THEIRS)


def _touched(folder):
    """Files of somebody else that are gone or changed."""
    gone = [name for name in FOREIGN if not (folder / name).is_file()]
    gone += [
        name for name in FOREIGN if name not in gone and (folder / name).read_text() != _THEIRS
    ]
    return f"{gone} were somebody else's" if gone else None


def _write(folder, member):
    own = range(100 * member, 100 * member + 6)
    for seed in own:
        row = pictures.ssl_rows()[0] | {"seed": seed}
        table.write([row], "laptop", folder / "table.json", seconds=1.0)
        with _done(folder, member).open("a") as done:
            done.write(f"{seed}\n")
    return json.dumps(sorted(set(own) & _seeds(folder)))


def _done(folder, member):
    """Where a writer says which rows it has written; on another disk than the table."""
    return folder.with_name(f"{folder.name}-{member}.done")


def _seeds(folder):
    path = folder / "table.json"
    return {row["seed"] for row in table.read(path)["runs"]} if path.exists() else set()


def lost_rows(folder):
    """Rows whose writer had returned and which the table does not hold."""
    told = [done.read_text().split() for done in folder.parent.glob(f"{folder.name}-*.done")]
    missing = sorted({int(seed) for seeds in told for seed in seeds} - _seeds(folder))
    return f"rows {missing} were written and are not there" if missing else None


def _book_tests():
    """The helpers of the builder's own tests."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book"))
    from tests.book import conftest, test_build

    return conftest, test_build


def _run_builder(folder):
    process = _book_tests()[0].start(folder)
    said = process.communicate()[0]
    if process.returncode:
        raise OSError(f"{folder} was not built: {said}")


@cache
def _small_book():
    """The small book of the builder's own tests, built once."""
    folder = _book_tests()[0].make_book(Path(tempfile.mkdtemp()) / "book")
    _run_builder(folder)
    return folder


def _new_number(folder):
    shutil.copytree(_small_book(), folder, dirs_exist_ok=True, symlinks=True)
    (folder / "sslboost" / "answer.py").write_text("ANSWER = 42\n")


def _build(folder, member):
    _run_builder(folder)
    return str(_book_tests()[1].shown(folder))


def _torn_page(folder):
    """A page that is neither the old nor the new one."""
    try:
        shown = _book_tests()[1].shown(folder)
    except Exception as error:
        return f"the last good page is gone or torn: {error!r}"
    return None if shown in (41, 42) else f"the page shows {shown}"


VICTIMS = (
    Victim("sweep", _sweep),
    Victim("training", _train),
    Victim("fetch", _fetch, prepare=_leave_files, wrong=_touched),
    Victim("table", _write, wrong=lost_rows, members=4),
    Victim("book", _build, prepare=_new_number, wrong=_torn_page, disk=False),
)
