"""The verification board: every claim with its place in the book, its margin and its control."""

import json
from html import escape
from pathlib import Path

_HEAD = ("Claim", "Shown in", "Measured", "Allowed", "Margin", "Claim", "Negative control")


class Board:
    """The rows of ``certificates.json`` as a table that Jupyter displays.

    Parameters
    ----------
    rows : list of dict
        As :func:`sslboost.theorems.certify_all` returns them.
    folder : str
        Where the chapters lie, seen from the page that shows the board: empty or ending in "/".
    """

    def __init__(self, rows, folder=""):
        self.rows = list(rows)
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
            f'<a href="{escape(target, quote=True)}">Chapter {number}</a>',
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
        If the file is there and is not JSON.
    """
    from sslboost.theorems import certify_all

    path = Path(path)
    return Board(json.loads(path.read_text("utf-8")) if path.is_file() else certify_all())
