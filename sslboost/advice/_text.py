"""Numbers and tables as text."""

import math
from html import escape


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


def p_value(p, equals=""):
    """Return a p value as text, of no more digits than it has."""
    return "< 0.001" if p < 0.001 else f"{equals}{p:.3f}"


def with_interval(value, low, high):
    """Return a ratio and its interval as text."""
    between = interval(low, high)
    return number(value) if between == "-" or value == 1 else f"{number(value)} ({between})"


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
