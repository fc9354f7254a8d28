"""The style of the book's figures and tables, and the rows that they are drawn from."""

import hashlib
import io
import re
from html import escape

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG

from sslboost.core.validation import as_array, as_number, takes

#: Okabe-Ito hues in the middle of the lightness range: told apart by colour-blind readers, and
#: legible on white as on a dark page.
PALETTE = {
    "blue": "#2d7fc1",
    "orange": "#d9730d",
    "green": "#159a74",
    "purple": "#b565a7",
    "sky": "#4da6d9",
    "gold": "#c29200",
    "grey": "#8a8a8a",
}

# Ink that stands for "the text colour of the page": replaced by currentColor in the SVG.
_INK = "#010203"

# Inches and points. On a phone a figure is 350 px wide: drawn in this width it has letters of 11 px
# there, as no figure that is wider or has smaller letters.
_WIDTH, _LETTERS = 4.8, 11

_STYLE = {
    "figure.figsize": (_WIDTH, 3.4),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=list(PALETTE.values())),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#8a8a8a",
    "grid.alpha": 0.25,
    "font.size": _LETTERS,
    "axes.titlesize": _LETTERS,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "errorbar.capsize": 2.5,
    "svg.fonttype": "path",
    **dict.fromkeys(
        ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"], _INK
    ),
}


def use():
    """Apply the book's style to every figure drawn from here on."""
    mpl.rcParams.update(_STYLE)


class Figure:
    """A drawn figure as an inline SVG that takes the page's text colour and carries alt text."""

    def __init__(self, svg, alt):
        self.svg = svg
        self.alt = alt

    def _repr_html_(self):
        return f'<figure class="sslboost">{self.svg}</figure>'

    def __repr__(self):
        return f"Figure: {self.alt}"


@takes(fig=mpl.figure.Figure)
def show(fig, alt):
    """Turn a matplotlib figure into an inline SVG for the page, and close it.

    Text and axes follow the page's text colour, so that the figure reads in light and in dark
    mode; the bytes depend on the drawing alone.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Drawn under :func:`use`.
    alt : str
        A sentence that states the finding, for readers who do not see the figure.

    Returns
    -------
    Figure
        Displayed by Jupyter as the figure.

    Raises
    ------
    ValueError
        If ``fig`` is no figure, or ``alt`` says nothing.
    """
    if not isinstance(alt, str) or len(alt.split()) < 3:
        raise ValueError(f"alt must be a sentence that states the finding, got {alt!r}")
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": alt}):
        FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None})
    plt.close(fig)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    # Ids are made unique, for many figures share one page.
    prefix = "f" + hashlib.sha256((alt + svg).encode()).hexdigest()[:8] + "-"
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt, quote=True)}" ', 1)
    return Figure(svg, alt)


@takes(ax=Axes)
def interval(ax, x, estimate, standard_error, *, z=1.96, **style):
    """Draw simulated points with their normal confidence intervals (95 % unless told).

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, estimate, standard_error : arrays (n,)
        Abscissa, Monte Carlo mean and its standard error.
    z : float
        Half-width of the interval in standard errors.
    **style
        Passed to ``ax.errorbar``.

    Returns
    -------
    matplotlib.container.ErrorbarContainer

    Raises
    ------
    ValueError
        If these are no numbers, not as many of each, or an error is negative.
    """
    given = {"x": x, "estimate": estimate, "standard_error": standard_error}
    x, estimate, error = (as_array(name, value, 1) for name, value in given.items())
    if not len(x) == len(estimate) == len(error):
        sizes = [len(x), len(estimate), len(error)]
        raise ValueError(f"x, estimate and standard_error must be of one length, got {sizes}")
    if (error < 0).any():
        raise ValueError(f"standard_error must be at least 0, got {error.min():g}")
    half = as_number("z", z, least=0) * error
    return ax.errorbar(x, estimate, yerr=half, **{"fmt": "o", "elinewidth": 1.2, **style})


class Html:
    """A fragment that Jupyter displays."""

    def __init__(self, html):
        self.html = html

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        return self.html


@takes(kind=str, named=bool)
def table(kind, heads, rows, *, named=True):
    """Return a table for the page; every cell is text, and is shown as it is.

    Parameters
    ----------
    kind : str
        Class of the table, for the style sheet.
    heads : sequence of str
        Over the columns; none where it is empty.
    rows : sequence of sequences of str
    named : bool
        Whether the first cell of a row is its name.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are heads, or a cell is no text.
    """
    if not isinstance(rows, list | tuple) or not all(map(_is_text, [heads, *rows])):
        raise ValueError(f"heads and rows must hold lists of text, got {[heads, rows]!r:.80}")
    if heads and (wrong := [row for row in rows if len(row) != len(heads)]):
        raise ValueError(f"rows must have {len(heads)} cells each, got {wrong[0]!r:.80}")

    def cells(row, tags):
        return "".join(f"<{t}>{escape(c)}</{t}>" for t, c in zip(tags, row, strict=False))

    head = f"<thead><tr>{cells(heads, ['th'] * len(heads))}</tr></thead>" if heads else ""
    tags = ["th" if named else "td", *["td"] * max((len(row) for row in rows), default=0)]
    body = "".join(f"<tr>{cells(row, tags)}</tr>" for row in rows)
    return Html(f'<table class="{escape(kind)}">{head}<tbody>{body}</tbody></table>')


def _is_text(row):
    return isinstance(row, list | tuple) and all(isinstance(cell, str) for cell in row)


def as_rows(name, rows, /, **columns):
    """Return the rows of a recorded or measured table if they are dicts with the given columns.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    rows : list of dict
    **columns : type or tuple of types
        What the values of each column are; a missing value is None where NoneType is among them.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If they are anything else.
    """
    if not isinstance(rows, list | tuple) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name} must be a list of dicts, got {rows!r:.80}")
    for row in rows:
        for column, kinds in columns.items():
            value = row.get(column, ...)
            if isinstance(value, bool) or not isinstance(value, kinds):
                came = "none" if value is ... else f"{value!r:.80}"
                raise ValueError(f"{name} must hold {column} in every row, got {came}")
    return list(rows)


def as_all(name, values, kind, *, named=False):
    """Return a list, or a dict by name, if it holds values and all of them are of one kind.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : list, or dict by str
    kind : type
    named : bool
        Whether it is a dict.

    Returns
    -------
    list or dict

    Raises
    ------
    ValueError
        If it is anything else, or empty.
    """
    need = f"{name} must be a {'dict by name' if named else 'list'} of {kind.__name__}"
    if not isinstance(values, dict if named else list | tuple) or not values:
        raise ValueError(f"{need}, got {values!r:.80}")
    if named and not all(isinstance(key, str) for key in values):
        raise ValueError(f"{need}, got the names {list(values)!r:.80}")
    for value in values.values() if named else values:
        if not isinstance(value, kind):
            raise ValueError(f"{need}, got one that holds {value!r:.80}")
    return values
