"""One cell of a sweep: how it is computed, kept on disk, and read back."""

import hashlib
import json

import numpy as np

from sslboost.core import files

#: Most bits of an integer in a table, so that its decimal digits can be written and read.
_MOST_BITS = 4096


class CellError(RuntimeError):
    """A cell that failed, or whose worker was lost; names its configuration."""


def compute(cell, task):
    """Key and rows of a cell, kept at once where its folder can be seen."""
    digest = hashlib.sha256(_text(task.configuration).encode()).digest()
    entropy = [task.identity["seed"], *np.frombuffer(digest, dtype="<u4").tolist()]
    rng = np.random.default_rng(np.random.SeedSequence(entropy))
    try:
        found = cell(**task.configuration, rng=rng)
        several = np.iterable(found) and not isinstance(found, dict)
        rows = list(found) if several else [found]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit as well: it ends the cell and not the sweep
        raise CellError(f"the cell {task.configuration} failed: {error!r}") from error
    rows = task.checked(rows)
    if task.path.parent.is_dir():
        task.save(rows)
    return task.key, rows


class Cell:
    """Where one configuration's rows are kept, and how they are read back."""

    def __init__(self, common, configuration, cache):
        self.configuration = configuration
        self.identity = common | {"configuration": configuration}
        self.key = hashlib.sha256(_text(self.identity).encode()).hexdigest()[:32]
        self.path = cache / f"{self.key}.json"

    def kept(self):
        """Rows of the finished cell; None where there are none to trust."""
        try:
            checksum, _, body = self.path.read_bytes().partition(b"\n")
        except IsADirectoryError as error:
            message = f"the folder {self.path} stands where a cell is kept: remove it"
            raise OSError(error.errno, message) from error
        except OSError:
            return None
        if checksum != hashlib.sha256(body).hexdigest().encode():
            return None
        try:
            saved = json.loads(body)
            same = _text(saved["identity"]) == _text(self.identity)
            return self.checked(saved["rows"]) if same else None
        except (KeyError, TypeError, ValueError, RecursionError):  # JSON of something else
            return None

    def checked(self, rows):
        """The rows as dicts of plain scalars that repeat no argument of the cell."""
        rows = [scalars(f"row of the cell {self.configuration}", row) for row in rows]
        for row in rows:
            if clash := sorted(row.keys() & self.configuration.keys()):
                raise ValueError(f"row must not repeat arguments of the cell, got {clash}")
        return rows

    def save(self, rows):
        """Write the cell's rows, whole or not at all."""
        body = json.dumps({"identity": self.identity, "rows": rows}).encode()
        try:
            with files.replacing(self.path) as file:
                file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        except OSError as error:
            message = f"the cell {self.configuration} is not kept: {error.strerror}"
            raise OSError(error.errno, message) from error


def scalars(name, values):
    """A dict of plain Python scalars, which JSON gives back exactly."""
    if not isinstance(values, dict) or not all(type(key) is str for key in values):
        raise ValueError(f"{name} must be a dict with names as keys, got {values!r:.200}")
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()}
    for key, value in plain.items():
        if type(value) not in (str, int, float, bool, type(None)):
            need = "must hold numbers, strings, booleans or None"
            raise ValueError(f"{name} {need}, got {key} = {value!r:.200}")
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise ValueError(f"{name} must hold integers of at most {_MOST_BITS} bits, got {key}")
    return plain


def _text(values):
    """The same text for the same values, whatever the order of their names."""
    return json.dumps(values, sort_keys=True)
