"""Command lines that answer a wrong call with one line and exit status 2."""

import argparse
import io
import sys

from sslboost.core.files import destination
from sslboost.core.validation import MOST, takes


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message):
        """Exit with status 2 and one line on standard error."""
        line = " ".join(str(message).split())
        self.exit(2, f"{self.prog}: {line}; --help explains\n")


def output(text):
    """Return the path of an output file, for ``type=`` of an argument.

    Parameters
    ----------
    text : str

    Returns
    -------
    pathlib.Path

    Raises
    ------
    argparse.ArgumentTypeError
        If no file can be written there: found out before the work, not after it.
    """
    try:
        return destination("the output", text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count(text):
    """Return a positive integer, for ``type=`` of an argument.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    argparse.ArgumentTypeError
        If the text is none.
    """
    return _integer(text, "a positive integer", least=1)


def seed(text):
    """Return a seed, for ``type=`` of an argument.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Raises
    ------
    argparse.ArgumentTypeError
        If the text is no integer of at least 0.
    """
    return _integer(text, "an integer of at least 0", least=0)


def _integer(text, need, least):
    try:
        if isinstance(text, str) and least <= (value := int(text)) <= MOST:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be {need}, at most {MOST}, got {text!r:.40}")


@takes(parser=argparse.ArgumentParser, work=callable)
def finish(parser, work, *failures):
    """Run a command's work and return its exit status.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the command, for its name.
    work : callable
        Takes nothing; returns an exit status, or None for 0.
    *failures : exception class
        What may go wrong though the call was right: one line and status 1. A ValueError is a
        wrong call: one line and status 2.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is not as above.
    """
    if wrong := [f for f in failures if not (isinstance(f, type) and issubclass(f, Exception))]:
        raise ValueError(f"failures must be exception classes, got {wrong[0]!r:.200}")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # no letter that is missing there ends the work
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(work() or 0)
    except ValueError as error:
        parser.error(str(error))
    except failures as error:
        print(f"{parser.prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
