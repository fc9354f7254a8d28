"""What :func:`sslboost.advice.advise` answers, and how it is read."""

import json
import math
import textwrap
from dataclasses import asdict, dataclass
from html import escape

from sslboost.advice._text import (
    NONE,
    change,
    columns,
    counted,
    interval,
    listed,
    p_value,
    percent,
    share,
    table,
)
from sslboost.advice.judgement import Effect, Use

#: Columns of a block that are named.
_NAMES = 12

#: Letters of a line of text, whose words stay whole.
_WIDTH = 79
_HANGING = {"subsequent_indent": "    ", "break_long_words": False, "break_on_hyphens": False}


@dataclass(frozen=True, eq=False)
class Report:
    """Advice on what to do with labels, from a sample of (x, z, y).

    Attributes
    ----------
    rows, labelled : int
        Rows with x and z, and those of them with y.
    labels : int
        The budget that risks are predicted for.
    variance : float
        Of y, summed over its columns: what a risk of 1 is in the units of y squared.
    dimensions : dict
        Columns, their names and ranks of x, z and y, and directions of z that x predicts beyond
        chance.
    effects : tuple of Effect
        Signal, innovation, the two criteria and existence.
    uses : tuple of Use
        Predicted risks E||y - y_hat||^2 of heads with an intercept.
    best : str
        Use with the least predicted risk.
    reference : str
        Plain SSL or guessing, whichever is predicted to have less risk.
    arguments : dict or None
        Of :class:`~sslboost.advice.PretextRegressor`, with which it does what is advised; None
        where that needs no pretext.
    verdict : str
    reasons, limits, warnings : tuple of str
    """

    rows: int
    labelled: int
    labels: int
    variance: float
    dimensions: dict
    effects: tuple[Effect, ...]
    uses: tuple[Use, ...]
    best: str
    reference: str
    arguments: dict | None
    verdict: str
    reasons: tuple[str, ...]
    limits: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self):
        """Return all of it as dictionaries, lists, numbers and text; None for an infinite risk."""
        return _plain(asdict(self))

    def to_json(self):
        """Return :meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def plot(self):
        """Return a matplotlib figure of how far each use is from the reference."""
        from sslboost.advice.picture import gains

        return gains(self)

    def __str__(self):
        """Return the report as text for a terminal."""
        parts = [textwrap.fill(self.verdict, _WIDTH), ""]
        parts += columns(("effect", "estimate", "95 % interval", "p"), self._effect_rows())
        parts += ["", *columns(self._heads(), self._use_rows())]
        for title, lines in self._notes():
            parts += ["", f"{title}:"]
            parts += [textwrap.fill(f"  - {line}", _WIDTH, **_HANGING) for line in lines]
        return "\n".join(parts)

    def __repr__(self):
        return f"<Report: {self.verdict}>"

    def _repr_html_(self):
        from sslboost.advice.picture import gains, svg

        alt = f"Predicted risk of each use of {self.labels} labels. {self.verdict}"
        notes = "".join(
            f"<p><strong>{title}</strong></p><ul>"
            + "".join(f"<li>{escape(line)}</li>" for line in lines)
            + "</ul>"
            for title, lines in self._notes()
        )
        page = (
            f"<p><strong>{escape(self.verdict)}</strong></p>"
            + table(("effect", "estimate", "95 % interval", "p"), self._effect_rows())
            + table(self._heads(), self._use_rows())
            + f'<figure class="sslboost">{svg(gains(self), alt)}</figure>'
            + notes
        )
        return page.replace(" %", "\u00a0%")  # no line begins with it

    def _heads(self):
        return (
            f"use of {counted(self.labels, 'label')}",
            "risk / Var y",
            "95 % interval",
            f"against {self.reference}",
        )

    def _effect_rows(self):
        return [
            (
                f"{e.name}: {e.meaning}",
                percent(e.estimate),
                interval(e.low, e.high, percent),
                NONE if e.p_value is None else p_value(e.p_value),
            )
            for e in self.effects
        ]

    def _use_rows(self):
        return [
            (
                use.name + (" (best)" if use.name == self.best else ""),
                share(use.risk),
                interval(use.low, use.high, share),
                self._against(use),
            )
            for use in sorted(self.uses, key=lambda use: use.risk)
        ]

    def _against(self, use):
        if use.name == self.reference:
            return "reference"
        between = interval(use.ratio_low, use.ratio_high, change)
        return change(use.ratio) + ("" if between == NONE else f" ({between})")

    def _how(self):
        if self.arguments is None:
            guess = "predict the mean of y" if self.best == "guessing" else "least squares on x"
            return f"{guess}, without the pretext"
        return f"PretextRegressor({', '.join(f'{k}={v!r:.8}' for k, v in self.arguments.items())})"

    def _notes(self):
        d = self.dimensions
        rows = counted(self.rows, "row")
        data = (
            f"{rows}, {self.labelled:,} of them labelled; Var y is {self.variance:.4g}",
            *(
                f"{name}: {counted(d[name]['columns'], 'column')}, rank {d[name]['rank']}: "
                + listed(d[name]["names"], _NAMES)
                for name in ("x", "z", "y")
            ),
            f"x predicts {counted(d['directions'], 'direction')} of z beyond chance",
        )
        notes = [("Warnings", self.warnings), ("To do it", (self._how(),)), ("Data", data)]
        notes += [("Reasons", self.reasons)]
        return [(title, lines) for title, lines in [*notes, ("Limits", self.limits)] if lines]


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isinf(value) else value
