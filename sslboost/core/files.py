"""Files that are whole or absent, whoever else writes, and locks for those that are merged."""

import contextlib
import json
import os
import secrets
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


def destination(name, path):
    """Return ``path`` after checking that a file can be written there, before any work is done.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    path : path-like

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If it is a folder, or its folder is missing or cannot be written to.
    """
    try:
        path = Path(path)
    except TypeError as error:
        raise ValueError(f"{name} must be a path, got {path!r}") from error
    if path.is_dir():
        raise ValueError(f"{name} must be a file, got the folder {path}")
    if not path.parent.is_dir():
        raise ValueError(f"{name} must be in a folder that is there, got {path}")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{name} must be in a folder that can be written to, got {path}")
    return path


@contextmanager
def replacing(path):
    """Open a new file that takes the place of ``path`` when the block ends without an error.

    Until then, and after an error, ``path`` is what it was. The scratch file stands beside it
    under a name of its own, so that no other writer, in whichever process, thread or container,
    shares it.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If the file cannot be written; names ``path``.
    """
    path = Path(path)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with scratch.open("xb") as file:
            yield file
        os.replace(scratch, path)
    except OSError as error:
        message = f"{path} could not be written: {error.strerror or error}"
        raise type(error)(error.errno, message) from error
    finally:
        with contextlib.suppress(OSError):  # gone when all went well; what is wrong is told above
            scratch.unlink()


def write_text(path, text):
    """Write a text file in UTF-8, whole or not at all.

    Parameters
    ----------
    path : path-like
    text : str

    Raises
    ------
    OSError
        If the file cannot be written; the file before it is kept.
    """
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path, value):
    """Write a value as indented JSON, whole or not at all.

    Parameters
    ----------
    path : path-like
    value : object
        Of dicts, lists, strings, numbers, booleans and None.

    Raises
    ------
    OSError
        If the file cannot be written; the file before it is kept.
    """
    write_text(path, json.dumps(value, indent=1) + "\n")


def locked(path):
    """Return a lock that one writer of ``path`` holds at a time, in a hidden file beside it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    filelock.FileLock
        A context manager; released by the system when its process ends.
    """
    path = Path(path)
    return FileLock(path.with_name(f".{path.name}.lock"))
