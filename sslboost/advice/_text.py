"""Numbers and tables as text."""

import math
from html import escape

#: What is not known, or has no sense.
NONE = "–"


def share(value):
    """Return a share of the variance of y as text."""
    if value is None:
        return NONE
    return "infinite" if math.isinf(value) else f"{value:.3f}"


def percent(value):
    """Return a share as text, in per cent."""
    return NONE if value is None else f"{100 * value:.1f} %"


def change(ratio):
    """Return how far a ratio is above 1, in per cent and with its sign."""
    if ratio is None or math.isinf(ratio):
        return NONE
    above = 100 * (ratio - 1)
    if abs(above) < 0.005:
        return "0 %"
    return f"{'−' if above < 0 else '+'}{_digits(above)} %"


def less_or_more(ratio):
    """Return the same in words."""
    above = 100 * (ratio - 1)
    return f"{_digits(above)} % {'less' if above <= 0 else 'more'}"


def _digits(value):
    """Two digits, or all before the point."""
    return f"{abs(value):.2g}" if abs(value) < 10 else f"{abs(value):,.0f}"


def interval(low, high, text):
    """Return an interval as text, of ends written by ``text``."""
    if low is None or high is None or text(low) == text(high):
        return NONE
    return f"{text(low).removesuffix(' %')} to {text(high)}"


def p_value(p, equals=""):
    """Return a p value as text, of no more digits than it has."""
    return "< 0.001" if p < 0.001 else f"{equals}{p:.3f}"


def counted(number, noun):
    """Return a number of things, in the singular where it is one."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def named(use):
    """Return a use as a sentence names it."""
    return f"the {use}" if use.endswith("head") else use


def listed(names, most):
    """Return the first names of many."""
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more} more" if more > 0 else "")


def columns(heads, rows):
    """Return the lines of a table, its columns as wide as their widest cell."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def table(heads, rows):
    """Return a table as HTML."""
    head = "".join(f"<th>{escape(c)}</th>" for c in heads)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>"
        + "".join(f"<td>{escape(c)}</td>" for c in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
