"""The verification board: every claim with its place in the book, its margin and its control."""

import json
from html import escape

from sslboost.core.files import as_path

_HEAD = ("Claim", "Shown in", "Measured", "Allowed", "Margin", "Claim", "Negative control")

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
        head = "".join(f'<th scope="col">{name}</th>' for name in _HEAD)
        body = "".join(self._row(row) for row in self.rows)
        good = sum(r["holds"] and r["control_fails"] for r in self.rows)
        caption = f"{good} of {len(self.rows)} claims hold while their negative control fails."
        return (
            f'<table class="certificates board"><caption>{caption}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _row(self, row):
        name, _, statement = row["claim"].partition(": ")
        number, label = row["chapter"].partition("-")[0].lstrip("0"), row.get("label")
        target = f"{self.folder}{row['chapter']}.html" + (f"#{label}" if label else "")
        sign, slack = ("&ge;", -1) if row["at_least"] else ("&le;", 1)
        allowed = row["bound"] + slack * row["tolerance"]
        cells = [
            f"<strong>{escape(name)}</strong><br>{escape(statement)}",
            f'<a href="{escape(target, quote=True)}">Chapter {escape(number)}</a>',
            f"{row['value']:.3g}",
            f"{sign} {allowed:.3g}",
            f"{row['margin']:.2g}",
            "holds" if row["holds"] else "FAILS",
            "fails, as it must" if row["control_fails"] else "HOLDS, and should not",
        ]
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

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
