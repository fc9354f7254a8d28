"""Results that were recorded: when, by which command, and whether by the code that runs now."""

import json
from dataclasses import dataclass
from pathlib import Path

from sslboost.core import files
from sslboost.core.provenance import code_version
from sslboost.core.validation import as_count, takes
from sslboost.images.table import chance, common
from sslboost.pages import figures

#: The results that come with the package.
FOLDER = Path(__file__).parent / "recorded"

_NEEDED = ("commit", "command", "date")
_COUNTS = ("tried", "held", "lost")


@dataclass(frozen=True)
class Recording:
    """Where a recorded result came from.

    Attributes
    ----------
    name : str
        Of the file.
    date : str
        Day, UTC.
    commit : str
        Of the code that made it, shortened.
    command : str
        With a line for each where there were several.
    current : bool
        Whether the code that runs now is the code that made it. A recording that does not say
        which code made it is of an earlier one.
    """

    name: str
    date: str
    commit: str
    command: str
    current: bool


def read(path):
    """Return what a file of recorded results says of its origin.

    Parameters
    ----------
    path : path-like
        JSON file with an entry ``provenance``, as of :func:`sslboost.core.provenance.describe`.

    Returns
    -------
    Recording

    Raises
    ------
    OSError
        If the file is missing.
    ValueError
        If it is no such file.
    """
    path = files.as_path("path", path)
    try:
        facts = json.loads(path.read_text("utf-8"))["provenance"]
        commit, command, date = (str(facts[name]) for name in _NEEDED)
        # A table names the version of the modules that it depends on, other files that of all.
        now = {common.version(), chance.version()}
        current = facts.get("code_version") in (now if "profile" in facts else {code_version()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"path must hold recorded results with their provenance, got {path}: {error!r}"
        raise ValueError(f"{message:.300}") from error
    return Recording(path.name, date[:10], commit[:7], command.replace(" && ", "\n"), current)


@takes(recording=Recording)
def note(recording):
    """Return a line for the page that shows recorded results.

    Parameters
    ----------
    recording : Recording
        As of :func:`read`.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is none.
    """
    earlier = f"an earlier version of the code (commit {recording.commit})"
    code = "this version of the code" if recording.current else earlier
    text = figures.escape(f"Recorded on {recording.date} with {code}.")
    return figures.Html(f'<p class="recorded">{text}</p>')


def table(folder):
    """Return a table of all results that are recorded in a folder.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If there are none, or a file is not of recorded results.
    """
    paths = sorted(files.as_path("folder", folder).glob("*.json"))
    if not paths:
        raise ValueError(f"folder must hold recorded results, got {folder}")
    rows = [
        [r.name, r.date, r.commit, "of this build" if r.current else "earlier", r.command]
        for r in map(read, paths)
    ]
    heads = ["file", "recorded on", "commit", "code", "command"]
    return figures.table("provenance recordings", heads, rows)


def read_evidence(path):
    """Return the recorded evidence.

    Parameters
    ----------
    path : path-like
        JSON file of ``make evidence``.

    Returns
    -------
    dict
        ``provenance``, a dict with ``date`` and ``commit``; and ``kinds``, a list of dicts with
        ``kind``, the counts ``tried``, ``held`` and ``lost``, and ``survivors``, a list of dicts
        with ``what`` and ``why``; also ``date`` and ``commit`` where they are the kind's own.

    Raises
    ------
    OSError
        If the file is missing.
    ValueError
        If it is no such file, or its counts do not add up.
    """
    path = files.as_path("path", path)
    try:
        found = json.loads(path.read_text("utf-8"))
        facts = {fact: found["provenance"][fact] for fact in ("date", "commit")}
        for entry in figures.as_all("kinds", found["kinds"], dict):
            for fact in ("date", "commit", "kind"):
                _text(fact, (facts | entry)[fact])
            tried, held, lost = (as_count(name, entry[name], least=0) for name in _COUNTS)
            if held + lost != tried:
                raise ValueError(f"held and lost must add up to tried, got {entry!r:.100}")
            for survivor in figures.as_rows("survivors", entry["survivors"], what=str, why=str):
                _text("why", survivor["why"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"path must hold evidence, got {path}: {error!r:.200}") from error
    return found


def evidence(path):
    """Return the counts of every kind of evidence, and what survived; a note where there is none.

    Parameters
    ----------
    path : path-like
        As of :func:`read_evidence`.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If the file is there and holds no evidence.
    """
    try:
        found = read_evidence(path)
    except FileNotFoundError:
        return figures.Html(
            '<div class="admonition note"><p class="admonition-title">No evidence here</p>'
            "<p>No run of <code>make evidence</code> is recorded in this copy.</p></div>"
        )
    rows = []
    for entry in found["kinds"]:
        made = found["provenance"] | entry
        counts = (f"{entry[name]:,}" for name in _COUNTS)
        rows.append([entry["kind"], *counts, made["date"][:10], made["commit"][:7]])
    heads = ["what was tried", *_COUNTS, "on", "commit"]
    shown = figures.table("certificates numbers", heads, rows).html
    survivors = [[s["what"], s["why"]] for e in found["kinds"] for s in e["survivors"]]
    if survivors:
        heads = ["what survived", "why"]
        shown += figures.table("provenance", heads, survivors, named=False).html
    return figures.Html(shown)


def _text(name, value):
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be text, got {value!r:.80}")
