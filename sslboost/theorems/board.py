"""The verification board: every claim with its place in the book, its margin and its control."""

import json
from html import escape
from itertools import groupby

from sslboost.core import certificate
from sslboost.core.files import as_path

_HEAD = ("Verdict", "Claim", "Measured", "Limit", "Negative control")

#: What a row must have, by kind, and the kind in words.
_KINDS = {
    "text": (str, ("claim", "chapter")),
    "a number": (int | float, ("value", "bound", "tolerance", "margin")),
    "true or false": (bool, ("at_least", "holds", "control_fails")),
}


class Board:
    """The rows of ``certificates.json`` as a table that Jupyter displays.

    Parameters
    ----------
    rows : list of dict
        As :func:`sslboost.theorems.certify_all` returns them.
    folder : str
        Where the chapters lie, seen from the page that shows the board: empty or ending in "/".

    Raises
    ------
    ValueError
        If rows are not as above; names what is missing or of another kind.
    """

    def __init__(self, rows, folder=""):
        if not isinstance(rows, list | tuple):
            raise ValueError(f"rows must be a list of dict, got {type(rows).__name__}")
        if not isinstance(folder, str):
            raise ValueError(f"folder must be text, got {folder!r:.200}")
        self.rows = [_checked(row) for row in rows]
        self.folder = folder

    @property
    def passes(self):
        """Whether there are rows, every claim holds and every negative control fails."""
        return bool(self.rows) and all(r["holds"] and r["control_fails"] for r in self.rows)

    def _repr_html_(self):
        good = sum(r["holds"] and r["control_fails"] for r in self.rows)
        first = f"{good} of {len(self.rows)} claims hold while their negative control fails."
        chapters = [list(rows) for _, rows in groupby(self.rows, key=lambda row: row["chapter"])]
        return f'<div class="board"><p>{first}</p>{"".join(map(self._chapter, chapters))}</div>'

    def _chapter(self, rows):
        """One line, which unfolds into the claims of a chapter."""
        wrong = sum(not (row["holds"] and row["control_fails"]) for row in rows)
        claims = "1 claim" if len(rows) == 1 else f"{len(rows)} claims"
        name = f"Chapter {rows[0]['chapter'].partition('-')[0].lstrip('0')}"
        if wrong:
            line = f"{name}: {wrong} of {claims} must be looked at"
        elif len(rows) == 1:
            line = f"{name}: {claims} holds, its control fails, as it must"
        else:
            line = f"{name}: {claims} hold, their controls fail, as they must"
        return certificate.folded(line, _HEAD, map(self._row, rows), opened=bool(wrong))

    def _row(self, row):
        name, _, statement = row["claim"].partition(": ")
        label = row.get("label")
        target = f"{self.folder}{row['chapter']}.html" + (f"#{label}" if label else "")
        allowed = row["bound"], row["tolerance"], row["at_least"]
        link = f'<a href="{escape(target, quote=True)}">{escape(name)}</a>'
        return [
            "holds" if row["holds"] else "FAILS",
            f"{link}<br>{certificate.mathematics(statement)}",
            certificate.measured(row["value"], *allowed),
            certificate.limit(*allowed),
            "fails, as it must" if row["control_fails"] else "HOLDS, and should not",
        ]

    def __repr__(self):
        marks = [
            f"{'holds' if r['holds'] else 'FAILS'}, control "
            f"{'fails' if r['control_fails'] else 'HOLDS'}, margin {r['margin']:.3g}: {r['claim']}"
            for r in self.rows
        ]
        return "\n".join(marks)


def load(path):
    """Return the board of the certificates that a build wrote, or of a run made now without them.

    Parameters
    ----------
    path : path-like
        JSON file of ``python -m sslboost.theorems --out``.

    Returns
    -------
    Board

    Raises
    ------
    ValueError
        If the path is none or a folder, or the file holds no certificates.
    OSError
        If the file cannot be read.
    """
    from sslboost.theorems import certify_all

    path = as_path("path", path)
    if path.is_dir():
        raise ValueError(f"path must be a file of certificates, got the folder {path}")
    if not path.exists():
        return Board(certify_all())
    try:
        return Board(json.loads(path.read_text("utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"path must be a file of certificates, got {path}: {error}") from error


def _checked(row):
    """A copy of a row that has every entry that the board shows, of its kind."""
    if not isinstance(row, dict):
        raise ValueError(f"rows must be of dict, got {row!r:.200}")
    for words, (kind, names) in _KINDS.items():
        for name in names:
            value = row.get(name)
            if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
                raise ValueError(f"rows must each have {name} as {words}, got {value!r:.200}")
    if not isinstance(label := row.get("label", ""), str):
        raise ValueError(f"rows must have label as text, got {label!r:.200}")
    return dict(row)
