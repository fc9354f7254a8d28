"""The file that records rows: joined by later rows of the same code, and by no others."""

import json

from sslboost.core import files, provenance
from sslboost.core.compute import accelerator


def read(path, key):
    """Return a recorded table.

    Parameters
    ----------
    path : path-like
    key : tuple of str
        Columns that tell its rows apart.

    Returns
    -------
    dict
        ``provenance`` and ``runs``.

    Raises
    ------
    OSError
        If the file is missing.
    ValueError
        If it is not a recorded table, or holds a row twice.
    """
    text = files.as_path("path", path).read_bytes()
    try:
        table = json.loads(text)
        keys = [key_of(row, key) for row in table["runs"]]
        distinct = set(keys)
        table["provenance"]["profile"], table["provenance"]["code_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"path must hold a recorded table, got {path}: {error!r}") from error
    if len(distinct) < len(keys):
        raise ValueError(f"path must hold every row once, got one twice in {path}")
    return table


def earlier(path, key, own, *, replace=False):
    """Return the table in a file that rows of these facts may join, or an empty one.

    Parameters
    ----------
    path : Path
    key : tuple of str
    own : dict
        What the provenance of the file must say.
    replace : bool
        Whether what is there is passed over.

    Returns
    -------
    dict
        As of :func:`read`.

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    if replace or not path.exists():
        return {"provenance": {"command": "", "seconds": 0.0}, "runs": []}
    table = read(path, key)
    for name, value in own.items():
        if (found := table["provenance"].get(name)) != value:
            raise ValueError(
                f"path must hold results of {name} {value}, got {path} with {found}; "
                "write elsewhere or ask to replace it"
            )
    return table


def joined(table, rows, key, own, seconds, device="cpu"):
    """Return a table with further rows; a row measured again replaces itself.

    Parameters
    ----------
    table : dict
        From :func:`earlier`.
    rows : list of dict
    key : tuple of str
    own : dict
        Further facts for its provenance.
    seconds : float
        What measuring the rows took.
    device : str
        Where.

    Returns
    -------
    dict
    """
    by_key = {key_of(row, key): row for row in [*table["runs"], *rows]}
    facts = provenance.describe()
    commands = list(filter(None, table["provenance"]["command"].split(" && ")))
    if facts["command"] not in commands:
        commands.append(facts["command"])
    facts |= {"command": " && ".join(commands), **own}
    if (name := accelerator(device)) is not None:
        facts["hardware"] += f", {name}"
    facts["seconds"] = table["provenance"]["seconds"] + seconds
    runs = sorted(by_key.values(), key=lambda row: [str(part) for part in key_of(row, key)])
    return {"provenance": facts, "runs": runs}


def write(path, rows, key, own, *, seconds, device="cpu", replace=False):
    """Join rows to a file, which appears whole or not at all, whoever else writes.

    Parameters
    ----------
    path : Path
    rows, key, own, seconds, device
        As of :func:`joined`.
    replace : bool
        As of :func:`earlier`.

    Raises
    ------
    ValueError
        If the file holds anything else.
    OSError
        If it cannot be written; what was there is kept.
    """
    with files.locked(path):
        table = earlier(path, key, own, replace=replace)
        files.write_json(path, joined(table, rows, key, own, seconds, device))


def key_of(row, key):
    """Return what tells a row from others.

    Parameters
    ----------
    row : dict
    key : tuple of str

    Returns
    -------
    tuple
    """
    return tuple(row[name] for name in key)
