"""The figure of a report."""

import io
import re
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Stands for the text colour of the page around it.
_INK = "#010203"


def risks(report):
    """Return a figure of the predicted risk of every use, the least on top, and its interval.

    Parameters
    ----------
    report : Report

    Returns
    -------
    matplotlib.figure.Figure
        In the style that matplotlib is set to.
    """
    shown = sorted((use for use in report.uses if _finite(use.risk)), key=lambda use: -use.risk)
    fig = Figure(figsize=(4.8, 1.2 + 0.36 * max(len(shown), 1)), layout="constrained")
    ax = fig.subplots()
    for place, use in enumerate(shown):
        hue = "C1" if use.name == report.best else "C0"
        if _finite(use.high) and use.low is not None:
            ax.plot([use.low, use.high], [place, place], color=hue)
        ax.plot(use.risk, place, "o", color=hue)
    plain = next((use.risk for use in shown if use.name == "plain SSL"), None)
    if plain is not None:
        ax.axvline(plain, color="C6", ls=":", lw=1, zorder=0)
    ax.set_yticks(np.arange(len(shown)), [use.name for use in shown])
    ax.set_ylim(-0.6, max(len(shown), 1) - 0.4)
    intervals = any(use.low is not None for use in shown)
    ending = "\n95 % intervals" if intervals else ""
    ax.set_xlabel(f"predicted risk, {report.labels:,} labels{ending}")
    return fig


def _finite(value):
    return value is not None and np.isfinite(value)


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
