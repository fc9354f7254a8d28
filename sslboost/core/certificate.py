"""Certificates: a claim, what was measured, what the claim allows, and whether it holds."""

from dataclasses import dataclass
from html import escape
from math import floor, inf, isfinite, log10

from sslboost.core.validation import as_count, as_scalar


@dataclass(frozen=True)
class Certificate:
    """One checked instance of a claim; it verifies the instance and proves nothing.

    Parameters
    ----------
    claim : str
        What was checked, in words.
    value : float
        What was measured, by a route independent of the construction it checks.
    bound : float
        What the claim says ``value`` may not exceed (or, with ``at_least``, fall below).
    tolerance : float
        Allowance for rounding or for Monte Carlo error at a stated false-alarm rate.
    at_least : bool
        Whether the bound is a lower one.
    seeds : tuple of int
        Seeds of the instance.

    Raises
    ------
    ValueError
        If a field is of another kind. Infinities and NaN are numbers, with which nothing holds.
    """

    claim: str
    value: float
    bound: float = 0.0
    tolerance: float = 0.0
    at_least: bool = False
    seeds: tuple[int, ...] = ()

    def __post_init__(self):
        if not isinstance(self.claim, str):
            raise ValueError(f"claim must be text, got {self.claim!r:.200}")
        if not isinstance(self.at_least, bool):
            raise ValueError(f"at_least must be True or False, got {self.at_least!r:.200}")
        if not isinstance(self.seeds, tuple | list):
            raise ValueError(f"seeds must be a tuple of integers, got {self.seeds!r:.200}")
        seeds = tuple(as_count("seed", seed, least=0, most=inf) for seed in self.seeds)
        object.__setattr__(self, "seeds", seeds)
        for name in ("value", "bound", "tolerance"):
            try:
                object.__setattr__(self, name, float(as_scalar(getattr(self, name))))
            except Exception as error:  # what an array-like raises is its own affair
                came = f"{getattr(self, name)!r:.200}"
                raise ValueError(f"{name} must be a number, got {came}") from error

    @property
    def margin(self):
        """Distance by which the claim holds, tolerance included; negative when it fails."""
        slack = self.value - self.bound if self.at_least else self.bound - self.value
        return slack + self.tolerance

    @property
    def holds(self):
        """Whether the claim holds; with a number that is not finite it never does."""
        return 0 <= self.margin < inf


class CertificateTable:
    """A table of certificates and of the negative controls that must fail.

    Parameters
    ----------
    certificates, controls : sequence of Certificate
        As of :func:`table`.

    Raises
    ------
    ValueError
        If there is nothing to check, or something is no certificate.
    """

    def __init__(self, certificates, controls=()):
        self.certificates = _certificates("certificates", certificates)
        self.controls = _certificates("controls", controls)
        if not self.certificates:
            raise ValueError("certificates must hold at least one claim, got none")

    @property
    def passes(self):
        """Whether every certificate holds and every negative control fails."""
        return all(c.holds for c in self.certificates) and not any(c.holds for c in self.controls)

    def _repr_html_(self):
        rows = [_row(c, "holds" if c.holds else "FAILS") for c in self.certificates]
        rows += [
            _row(c, "HOLDS, and should not" if c.holds else "fails, as it must", "Control: ")
            for c in self.controls
        ]
        heads = ["Checked", "Measured", "Limit", "Verdict"]
        return folded(self._summary(), heads, rows, opened=not self.passes)

    def _summary(self):
        parts = [_counted(self.certificates, "check", "holds", "FAILS", lambda c: c.holds)]
        if self.controls:
            as_must = ("control", "fails, as it must", "HOLDS, and should not")
            parts.append(_counted(self.controls, *as_must, lambda c: not c.holds))
        return ", ".join(parts)

    def __repr__(self):
        lines = [f"{c.claim}: margin {c.margin:.3g}" for c in self.certificates]
        lines += [f"Control: {c.claim}: margin {c.margin:.3g}" for c in self.controls]
        return "\n".join(lines)


def table(*certificates, controls=()):
    """Return a table that displays certificates and negative controls, and can be asserted.

    Parameters
    ----------
    *certificates : Certificate
        Claims that must hold.
    controls : sequence of Certificate
        The same claims with one assumption dropped, which must fail.

    Returns
    -------
    CertificateTable
        Displayed by Jupyter; ``.passes`` is the verdict.

    Raises
    ------
    ValueError
        If there is nothing to check, or something is no certificate.
    """
    return CertificateTable(certificates, controls)


def _certificates(name, given):
    if not isinstance(given, tuple | list):
        raise ValueError(f"{name} must be a sequence of Certificate, got {type(given).__name__}")
    if wrong := [one for one in given if not isinstance(one, Certificate)]:
        raise ValueError(f"{name} must be of Certificate, got {wrong[0]!r:.200}")
    return tuple(given)


#: Verbs of one thing, and of several.
_PLURAL = {
    "holds": "hold",
    "fails, as it must": "fail, as they must",
    "FAILS": "FAIL",
    "HOLDS, and should not": "HOLD, and should not",
}


def _counted(things, name, good, bad, fine):
    """So many of them are as they must be, and so many are not."""
    n, wrong = len(things), sum(not fine(thing) for thing in things)
    names = name if n == 1 else name + "s"
    if wrong:
        return f"{wrong} of {n} {names} {bad if wrong == 1 else _PLURAL[bad]}"
    return f"{n} {names} {good if n == 1 else _PLURAL[good]}"


def folded(summary, heads, rows, *, opened=False):
    """Return a table of checks behind the line that sums it up.

    Parameters
    ----------
    summary : str
        Text.
    heads : sequence of str
        Text over the columns.
    rows : sequence of sequences of str
        HTML of the cells.
    opened : bool
        Whether the table is unfolded at once.

    Returns
    -------
    str
        HTML.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f'<details class="check"{" open" if opened else ""}><summary>{escape(summary)}</summary>'
        f'<table class="certificates"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</details>"
    )


def limit(bound, tolerance, at_least):
    """Return the limit that a measured value must keep to.

    Parameters
    ----------
    bound, tolerance : float
    at_least : bool
        As of :class:`Certificate`.

    Returns
    -------
    str
        HTML.
    """
    sign, slack = ("&ge;", -1) if at_least else ("&le;", 1)
    return f"{sign}&nbsp;{number(bound + slack * tolerance, rounding=0.0)}"


def measured(value, bound, tolerance, at_least):
    """Return a measured value; it is said to be rounding only where its limit is no smaller.

    Parameters
    ----------
    value, bound, tolerance : float
    at_least : bool
        As of :class:`Certificate`.

    Returns
    -------
    str
        HTML.
    """
    allowed = abs(bound - tolerance if at_least else bound + tolerance)
    return number(value, rounding=1e-12 if allowed >= 1e-12 else 0.0)


def mathematics(text):
    """Return text as HTML, what stands between dollar signs as mathematics.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    parts = escape(text).split("$")
    parts[1::2] = [f'<span class="math notranslate">\\({part}\\)</span>' for part in parts[1::2]]
    return "".join(parts)


def number(value, *, rounding=1e-12):
    """Return a number with the digits that a reader would give.

    Parameters
    ----------
    value : float
    rounding : float
        Size below which a value is rounding.

    Returns
    -------
    str
        HTML: three digits; two and a power of ten where it is large or small; what is rounding is
        said to be below that.
    """
    size = abs(value)
    if not isfinite(value):
        return str(value).replace("-", "−")
    if 0 < size < rounding:
        return f"&lt;&nbsp;{rounding:g}".replace("-", "−")
    if size == 0 or 1e-3 <= size < 1e5:
        decimals = 2 if size == 0 else max(0, 2 - floor(log10(size)))
        text = f"{value:.{decimals}f}".replace("-", "−")
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits, power = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(power)}".replace("-", "−")


def _row(certificate, verdict, prefix=""):
    c = certificate
    allowed = limit(c.bound, c.tolerance, c.at_least)
    shown = measured(c.value, c.bound, c.tolerance, c.at_least)
    return [mathematics(prefix + c.claim), shown, allowed, verdict]
