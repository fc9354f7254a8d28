"""The figure of a report."""

import io
import re
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sslboost.advice._text import change, counted

# Stands for the text colour of the page around it.
_INK = "#010203"

# Okabe and Ito's hues, told apart by colour-blind readers and legible on white as on a dark page.
_BEST, _OTHER, _LINE = "#d9730d", "#2d7fc1", "#8a8a8a"

#: A use with so much more risk, in per cent, is named at the edge of the figure.
_FAR = 25.0


def gains(report):
    """Return a figure of how far the risk of every use is from the reference, and its interval.

    Parameters
    ----------
    report : Report

    Returns
    -------
    matplotlib.figure.Figure
        The least risk is on top. Uses that are far worse are named at the right edge.
    """
    shown = sorted(report.uses, key=lambda use: -use.risk)
    near = [use for use in shown if use.ratio is not None and 100 * (use.ratio - 1) <= _FAR]
    ends = [100 * (one - 1) for use in near for one in _ends(use)]
    low, high = min(-1.0, *ends), min(max(1.0, *ends), 1.6 * _FAR)
    if len(near) < len(shown):
        high = max(high, -low / 2)  # room for words
    edge = high + 0.04 * (high - low)
    fig = Figure(figsize=(4.8, 1.0 + 0.34 * len(shown)), layout="constrained")
    ax = fig.subplots()
    ax.axvline(0, color=_LINE, lw=1, zorder=0)
    for place, use in enumerate(shown):
        hue = _BEST if use.name == report.best else _OTHER
        if use not in near:
            text = "no finite risk" if use.ratio is None else change(use.ratio)
            ax.text(
                edge, place, f"{text} \N{RIGHTWARDS ARROW}", ha="right", va="center", fontsize=11
            )
            continue
        ax.plot([100 * (one - 1) for one in _ends(use)], [place, place], color=hue, lw=1.8)
        ax.plot(100 * (use.ratio - 1), place, "o", color=hue, ms=5)
    ax.set_xlim(low - 0.04 * (high - low), edge)
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.set_yticks(np.arange(len(shown)), [use.name for use in shown], fontsize=11)
    ax.tick_params(labelsize=11, left=False)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.grid(axis="x", color=_LINE, alpha=0.25)
    ax.grid(visible=False, axis="y")
    ending = ", 95 % intervals" if any(use.low is not None for use in shown) else ""
    ax.set_xlabel(
        f"% more risk than {report.reference},\n{counted(report.labels, 'label')}{ending}",
        fontsize=11,
    )
    return fig


def _ends(use):
    """Ends of the interval of a use, or twice its place where there is none."""
    return [use.ratio if one is None else one for one in (use.ratio_low, use.ratio_high)]


def svg(fig, alt):
    """Return a figure as SVG that takes the text colour of its page.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What it shows, for who does not see it.

    Returns
    -------
    str
    """
    for text in fig.findobj(mpl.text.Text):
        text.set_color(_INK)
    fig.patch.set_alpha(0)
    for ax in fig.axes:
        ax.patch.set_alpha(0)
        ax.tick_params(color=_INK)
        for spine in ax.spines.values():
            spine.set_edgecolor(_INK)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": alt, "svg.fonttype": "path"}):
        FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None})
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(_INK, "currentColor")
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.S)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(alt, quote=True)}" ', 1)
