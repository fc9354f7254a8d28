"""The book's figure style and the few pictures that recur."""

import argparse
import hashlib
import io
import os
import re
from html import escape
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.backends.backend_svg import FigureCanvasSVG

from sslboost.population import latent_population
from sslboost.representation import risk

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
    """Apply the book's style to every figure drawn from here on.

    Source: the book's house style.
    """
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

    Source: the book's house style.
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

    Source: the book's house style: theory is a line, simulation is points.
    """
    half = z * standard_error
    return ax.errorbar(x, estimate, yerr=half, **{"fmt": "o", "elinewidth": 1.2, **style})


def overview():
    """Draw the book in one picture: exact downstream risk against the number of labels.

    One population, four ways to use n2 labels: on raw x, on psi*, on psi* after a processor that
    meets (C1) and (C2), and on psi* after a processor learned from too few labels.

    Returns
    -------
    matplotlib.figure.Figure

    Source: slides "Why Does Pretext-Based SSL Work?" and "Remark of Theorem 2".
    """
    population = latent_population(2, 18, dims_x=(20, 30, 50), dims_z=(3, 27), rng=0)
    total = np.trace(population.block("y", "y"))
    U = population.whitening.unwhiten(population.U).T
    psi = population.best_linear("z", "x")
    ways = [
        ("labels on raw $x$", np.eye(population.d_x), PALETTE["grey"]),
        (r"standard SSL, $\psi^*(x)$", psi, PALETTE["blue"]),
        (r"ideal processor, $\psi^*(f(x))$ with (C1), (C2)", U, PALETTE["green"]),
    ]
    fig, ax = plt.subplots(figsize=(7.2, 4.4))
    for name, A, colour in ways:
        k = risk.whitened_span(population, A).shape[1]
        R = risk.residual_cov(population, A)
        n2 = np.unique(np.geomspace(k + 2, 3000, 200).astype(int))
        curve = [risk.expected_risk(R, k, int(n)) / total for n in n2]
        ax.plot(n2, curve, color=colour, label=f"{name}: {k} numbers to fit")
    label = "processor learned from too few labels: nothing left to fit"
    ax.axhline(1, color=PALETTE["orange"], label=label)
    ax.axhline(population.floor / total, color=PALETTE["gold"], ls=":", label="Bayes risk")
    ax.set(xscale="log", xlim=(4, 3000), ylim=(0, 1.5))
    ax.set_xlabel("downstream labels $n_2$")
    ax.set_ylabel(r"risk, as a share of tr $\Sigma_{yy}$")
    fig.legend(loc="outside upper left", fontsize=9)
    return fig


OVERVIEW_ALT = (
    "Exact downstream risk against the number of labels: an ideal processor needs the fewest, "
    "standard self-supervised learning more, raw inputs most, and a processor learned from too "
    "few labels stays at the risk of guessing however many labels follow."
)


def main(arguments=None):
    """Write the README's overview picture: ``python -m sslboost.pages.figures PATH``.

    Source: the book's front page.
    """
    parser = argparse.ArgumentParser(description="Write the overview picture as an SVG file.")
    parser.add_argument("path", type=Path)
    path = parser.parse_args(arguments).path
    use()
    # A file has no page to take its text colour from: dark ink on a white card.
    svg = show(overview(), OVERVIEW_ALT).svg.replace("currentColor", "#1f2328")
    card = '<rect width="100%" height="100%" fill="#ffffff"/>'
    end = svg.index(">") + 1
    partial = path.with_suffix(".part")
    partial.write_text(svg[:end] + card + svg[end:])
    os.replace(partial, path)


if __name__ == "__main__":
    main()
