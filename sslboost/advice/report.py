"""What :func:`sslboost.advice.advise` answers, and how it is read."""

import json
import math
from dataclasses import asdict, dataclass
from html import escape

from sslboost.advice._text import columns, interval, number, p_value, table, with_interval
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
        parts += columns(("effect", "estimate", "95 % interval", "p"), self._effect_rows())
        parts += ["", *columns(self._heads(), self._use_rows())]
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
            + table(("effect", "estimate", "95 % interval", "p"), self._effect_rows())
            + table(self._heads(), self._use_rows())
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
                with_interval(use.ratio, use.ratio_low, use.ratio_high),
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


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return "infinite" if isinstance(value, float) and math.isinf(value) else value
