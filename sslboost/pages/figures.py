"""The book's figure style and the few pictures that recur."""

import hashlib
import io
import re
from html import escape

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.backends.backend_svg import FigureCanvasSVG

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

_STYLE = {
    "figure.figsize": (7.2, 3.6),
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
    "font.size": 10.5,
    "axes.titlesize": 11,
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
        If ``alt`` says nothing.
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
    """
    half = z * standard_error
    return ax.errorbar(x, estimate, yerr=half, **{"fmt": "o", "elinewidth": 1.2, **style})
