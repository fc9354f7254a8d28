"""Files that are whole or absent, whoever else writes, and locks for those that are merged."""

import contextlib
import json
import os
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


def as_path(name, value):
    """Return ``value`` as a path.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : str or path-like

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If it is none, or holds a character that no path can.
    """
    try:
        path = Path(value)
    except TypeError as error:
        raise ValueError(f"{name} must be a path, got {value!r}") from error
    if "\0" in str(path):
        raise ValueError(f"{name} must be a path, got {value!r}")
    return path


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
        If it is a folder or a device, or its folder is missing or cannot be written to.
    """
    path = as_path(name, path)
    try:
        if path.is_dir():
            raise ValueError(f"{name} must be a file, got the folder {path}")
        if path.exists() and not path.is_file():
            raise ValueError(f"{name} must be a file, got the device {path}")
        folder = _target(path).parent
        if not folder.is_dir():
            raise ValueError(f"{name} must be in a folder that is there, got {path}")
        _try_writing(folder)
    except OSError as error:
        message = f"{name} must be where files can be written, got {path}: {error.strerror}"
        raise ValueError(message) from error
    return path


def made(name, path):
    """Return a folder after making it where it is missing and trying to write there.

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
        If it, or what should be a folder above it, is a file.
    OSError
        If it cannot be made or written to; names it.
    """
    path = as_path(name, path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        _try_writing(path)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"{name} must be a folder, got the file {path}") from error
    except OSError as error:
        message = f"{name} {path} cannot be written to: {error.strerror}"
        raise OSError(error.errno, message) from error
    return path


@contextmanager
def replacing(path):
    """Open a new file that takes the place of ``path`` when the block ends without an error.

    Until then, and after an error, ``path`` is what it was; a link stays one, to the new file. The
    scratch file stands beside it under a name of its own, so that no other writer, in whichever
    process, thread or container, shares it.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    binary file

    Raises
    ------
    ValueError
        If it is no path, or that of a device.
    OSError
        If the file cannot be written; names ``path``.
    """
    path = as_path("path", path)
    target = _target(path)
    if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
        raise ValueError(f"path must be a file, got the device {path}")
    scratch = target.parent / f".sslboost-{secrets.token_hex(8)}.part"
    try:
        with scratch.open("xb") as file:
            yield file
        os.replace(scratch, target)
    except OSError as error:
        message = f"{path} could not be written: {error.strerror or error}"
        raise OSError(error.errno, message) from error
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
    ValueError
        If it is no path, or no text that UTF-8 can hold.
    OSError
        If the file cannot be written; the file before it is kept.
    """
    try:
        content = text.encode("utf-8")
    except (AttributeError, UnicodeEncodeError) as error:
        raise ValueError(f"text must be text that UTF-8 can hold, got {text!r:.200}") from error
    with replacing(path) as file:
        file.write(content)


def write_json(path, value):
    """Write a value as indented JSON, whole or not at all.

    Parameters
    ----------
    path : path-like
    value : object
        Of dicts, lists, strings, numbers, booleans and None.

    Raises
    ------
    ValueError
        If it is no path, or the value holds anything else.
    OSError
        If the file cannot be written; the file before it is kept.
    """
    try:
        text = json.dumps(value, indent=1)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"value must hold what JSON can, got {value!r:.200}: {error}") from error
    write_text(path, text + "\n")


@contextmanager
def locked(path):
    """Let one writer of ``path`` at a time into the block, by a hidden file beside it.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    filelock.FileLock
        Released when the block, or by the system when the process, ends.

    Raises
    ------
    ValueError
        If it is no path.
    OSError
        If its folder cannot be written to; names ``path``.
    """
    path = as_path("path", path)
    target = _target(path)
    lock = FileLock(target.parent / f".{target.name}.lock")
    try:
        _try_writing(target.parent)  # a lock waits for ever in a folder that is not there
        lock.acquire()
    except OSError as error:
        message = f"{path} cannot be locked for writing: {error.strerror}"
        raise OSError(error.errno, message) from error
    try:
        yield lock
    finally:
        lock.release()


def _target(path):
    """Where a file is written: for a link, where it points to."""
    return Path(os.path.realpath(path))


def _try_writing(folder):
    """Make a file without a name; raises what the system says against it."""
    with tempfile.TemporaryFile(dir=folder):
        pass
