"""Which use of a budget of labels is best, over what decides it: the map of chapter 10."""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sslboost.core.validation import as_count
from sslboost.pages.figures import PALETTE
from sslboost.population import copying_population
from sslboost.uses import budget

#: Coordinates of z, and what every panel keeps but for what it varies.
D, SIGNAL, RHO, COPIED = 10, 0.5, 0.5, 1.5
_COLOURS = {
    "guessing": "none",  # and no colour in the picture
    "x directly": PALETTE["grey"],
    "plain SSL": PALETTE["blue"],
    "minimum norm": PALETTE["sky"],
    "reduced-rank SSL": PALETTE["gold"],
    "joint head": PALETTE["orange"],
    "augmented head": PALETTE["green"],
    "slides' processor": PALETTE["purple"],
}


@dataclass(frozen=True)
class _Axis:
    """What a panel varies, between which values, and the population of each."""

    label: str
    least: float
    most: float
    population: Callable


def _half_told(rho):
    """z shows half as much of the rest as existence asks for; it explains the share rho of it."""
    odds = 4 * rho / (1 - rho)
    return copying_population(SIGNAL, odds / (1 + odds), 4.0, D, tells=0.5)


def _apart_from_ci(log10_epsilon):
    return copying_population(SIGNAL, RHO, 10**log10_epsilon / np.sqrt(D), D, apart=False)


AXES = {
    "signal": _Axis(
        "signal, $k^2$",
        0.05,
        0.95,
        lambda k2: copying_population(k2, RHO, COPIED, D),
    ),
    "epsilon": _Axis(r"$\log_{10}\ \varepsilon_{CI}$", -1, 1, _apart_from_ci),
    "tells": _Axis(
        "shown of the rest",
        -1,
        3,
        lambda tells: copying_population(SIGNAL, RHO, COPIED, D, tells=tells),
    ),
    "rho": _Axis(r"share told, $\rho$", 0.02, 0.9, _half_told),
}


@dataclass(frozen=True, eq=False)
class Panel:
    """The best use at every point of a panel.

    Parameters
    ----------
    values : array (rows,)
        Of what the panel varies.
    labels : array (columns,)
        Budgets.
    best : array of str (rows, columns)
        Among the uses that need nothing but data.
    known : array of bool (rows, columns)
        Whether a processor that is told Delta would be better still.
    """

    values: np.ndarray
    labels: np.ndarray
    best: np.ndarray
    known: np.ndarray


def winners(rows=41, columns=70):
    """Return the best use of a budget over what decides it.

    Parameters
    ----------
    rows, columns : int
        Points of each panel along what it varies, and along the budget; at least 2.

    Returns
    -------
    dict of Panel
        By the names of :data:`AXES`.

    Raises
    ------
    ValueError
        If an argument is no such count.

    Source: beyond the slides; the chapter on the label budget.
    """
    rows, columns = as_count("rows", rows, least=2), as_count("columns", columns, least=2)
    labels = np.unique(np.geomspace(0.2 * D, 200 * D, columns).round().astype(int))
    found = {}
    for name, axis in AXES.items():
        values = np.linspace(axis.least, axis.most, rows)
        each = [budget.risks(axis.population(value), labels) for value in values]
        rest = [{u: r for u, r in one.items() if u not in budget.NEED_DELTA} for one in each]
        best = np.array([budget.best(one) for one in rest])
        known = np.array([budget.best(one) for one in each]) != best
        found[name] = Panel(values, labels, best, known)
    return found


def figure(panels):
    """Draw the map.

    Parameters
    ----------
    panels : dict of Panel
        As of :func:`winners`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If they are no such panels.

    Source: beyond the slides; the chapter on the label budget.
    """
    if not isinstance(panels, dict) or not panels or not panels.keys() <= AXES.keys():
        raise ValueError(f"panels must be those of {', '.join(AXES)}, got {panels!r:.80}")
    if not all(isinstance(panel, Panel) for panel in panels.values()):
        raise ValueError(f"panels must hold Panels, got {panels!r:.80}")
    uses = list(_COLOURS)
    colours = ListedColormap(list(_COLOURS.values())[1:])
    fig, axes = plt.subplots(-(-len(panels) // 2), 2, figsize=(4.8, 6), sharex=True)
    for ax, (name, panel) in zip(np.ravel(axes), panels.items(), strict=False):
        places = np.log10(panel.labels / D)
        index = np.array([[uses.index(use) for use in row] for row in panel.best])
        index = np.ma.masked_where(index == 0, index)
        style = {"cmap": colours, "vmin": 0.5, "vmax": len(uses) - 0.5, "shading": "nearest"}
        # One picture, not thousands of paths.
        ax.pcolormesh(places, panel.values, index, rasterized=True, alpha=0.85, **style)
        if panel.known.any():
            ink = plt.rcParams["text.color"]
            edge = {"levels": [0.5], "colors": [ink], "linestyles": ":", "linewidths": 1.3}
            ax.contour(places, panel.values, panel.known.astype(float), **edge)
        ax.set(xticks=[-0.5, 0, 0.5, 1, 1.5, 2], title=AXES[name].label)
        ax.set_xticklabels(["0.3", "1", "3", "10", "30", "100"])
        ax.grid(False)
    fig.supxlabel("labels for each direction, $n/d$", fontsize=plt.rcParams["font.size"])
    drawn = {use for panel in panels.values() for use in np.unique(panel.best)}
    ink = {"edgecolor": PALETTE["grey"], "alpha": 0.85}
    keys = [Patch(facecolor=_COLOURS[use], label=use, **ink) for use in uses if use in drawn]
    if any(panel.known.any() for panel in panels.values()):
        text = plt.rcParams["text.color"]
        keys.append(Line2D([], [], color=text, ls=":", lw=1.3, label="Δ known: processor"))
    fig.legend(handles=keys, loc="outside upper center", ncols=2)
    return fig
