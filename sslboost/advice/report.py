"""What :func:`sslboost.advice.advise` answers, and how it is read."""

import json
import math
from dataclasses import asdict, dataclass
from html import escape

from sslboost.advice.judgement import Effect, Use


@dataclass(frozen=True, eq=False)
class Report:
    """Advice on what to do with labels, from a sample of (x, z, y).

    Attributes
    ----------
    rows, labelled : int
        Rows with x and z, and those of them with y.
    labels : int
        The budget that risks are predicted for.
    dimensions : dict
        Columns and ranks of x, z and y, and directions of z that x predicts beyond chance.
    effects : tuple of Effect
        Signal, innovation, the two criteria and existence.
    uses : tuple of Use
        Predicted risks, E||y - y_hat||^2 in the units of y squared.
    best : str
        Use with the least predicted risk, of those that need nothing but a sample.
    verdict : str
    reasons, limits, warnings : tuple of str
    """

    rows: int
    labelled: int
    labels: int
    dimensions: dict
    effects: tuple[Effect, ...]
    uses: tuple[Use, ...]
    best: str
    verdict: str
    reasons: tuple[str, ...]
    limits: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self):
        """Return all of it as dictionaries, lists, numbers and text that JSON can hold."""
        return _plain(asdict(self))

    def to_json(self):
        """Return :meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def plot(self):
        """Return a matplotlib figure of the predicted risks and their intervals."""
        from sslboost.advice.picture import risks

        return risks(self)

    def __str__(self):
        """Return the report as text for a terminal."""
        parts = [self.verdict, ""]
        parts += _columns(("effect", "estimate", "95 % interval", "p"), self._effect_rows())
        parts += ["", *_columns(self._heads(), self._use_rows())]
        for title, lines in self._notes():
            parts += ["", f"{title}:", *(f"  - {line}" for line in lines)]
        return "\n".join(parts)

    def __repr__(self):
        return f"<Report: {self.verdict}>"

    def _repr_html_(self):
        from sslboost.advice.picture import risks, svg

        alt = f"Predicted risk of each use of {self.labels} labels. {self.verdict}"
        notes = "".join(
            f"<p><strong>{title}</strong></p><ul>"
            + "".join(f"<li>{escape(line)}</li>" for line in lines)
            + "</ul>"
            for title, lines in self._notes()
        )
        return (
            f"<p><strong>{escape(self.verdict)}</strong></p>"
            + _table(("effect", "estimate", "95 % interval", "p"), self._effect_rows())
            + _table(self._heads(), self._use_rows())
            + f'<figure class="sslboost">{svg(risks(self), alt)}</figure>'
            + notes
        )

    def _heads(self):
        return (f"use of {self.labels} labels", "risk", "95 % interval", "over plain SSL")

    def _effect_rows(self):
        return [
            (
                f"{e.name}: {e.meaning}",
                number(e.estimate),
                interval(e.low, e.high),
                "-" if e.p_value is None else p_value(e.p_value),
            )
            for e in self.effects
        ]

    def _use_rows(self):
        ordered = sorted(self.uses, key=lambda u: math.inf if u.risk is None else u.risk)
        return [
            (
                use.name + (" (best)" if use.name == self.best else ""),
                number(use.risk),
                interval(use.low, use.high),
                _with_interval(use.ratio, use.ratio_low, use.ratio_high),
            )
            for use in ordered
        ]

    def _notes(self):
        d = self.dimensions
        data = (
            f"{self.rows} rows, {self.labelled} of them labelled",
            *(
                f"{name}: {d[name]['columns']} columns, rank {d[name]['rank']}"
                for name in ("x", "z", "y")
            ),
            f"x predicts {d['directions']} directions of z beyond chance",
        )
        notes = [("Warnings", self.warnings), ("Data", data), ("Reasons", self.reasons)]
        return [(title, lines) for title, lines in [*notes, ("Limits", self.limits)] if lines]


def number(value):
    """Return a number as text, with three digits; what is not known as a dash."""
    if value is None:
        return "-"
    if math.isinf(value):
        return "infinite"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def interval(low, high):
    """Return an interval as text."""
    if low is None or high is None or math.isinf(high):
        return "-"
    return f"{number(low)} to {number(high)}"


def p_value(p):
    """Return a p value as text, of no more digits than it has."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _with_interval(value, low, high):
    between = interval(low, high)
    return number(value) if between == "-" or value == 1 else f"{number(value)} ({between})"


def _columns(heads, rows):
    """Lines of a table, its columns as wide as their widest cell."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def _table(heads, rows):
    head = "".join(f"<th>{escape(c)}</th>" for c in heads)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>"
        + "".join(f"<td>{escape(c)}</td>" for c in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return "infinite" if isinstance(value, float) and math.isinf(value) else value
