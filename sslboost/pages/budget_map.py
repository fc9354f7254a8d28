"""Which use of a budget of labels is best, over what decides it: the map of chapter 10."""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sslboost.core.validation import as_count, as_rng
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


def _half_weight(rho):
    """z holds the innovation of y with half the weight of existence, and tells the share rho."""
    odds = 4 * rho / (1 - rho)
    return copying_population(SIGNAL, odds / (1 + odds), 4.0, D, tells=0.5)


def _apart_from_ci(log10_epsilon):
    return copying_population(SIGNAL, RHO, 10**log10_epsilon / np.sqrt(D), D, apart=False)


AXES = {
    "signal": _Axis(
        "signal $k^2$",
        0.05,
        0.95,
        lambda k2: copying_population(k2, RHO, COPIED, D),
    ),
    "epsilon": _Axis(r"$\log_{10}\ \varepsilon_{CI}$", -1, 1, _apart_from_ci),
    "tells": _Axis(
        "weight $w$",
        -1,
        3,
        lambda tells: copying_population(SIGNAL, RHO, COPIED, D, tells=tells),
    ),
    "rho": _Axis(r"share $\rho$", 0.02, 0.9, _half_weight),
}

#: Where the slides' processor is simulated: values of the panel where its limit is not known,
#: budgets past m, and parts of them for f.
TRIED = (0.0, 0.5, 0.75, 1.0), (50, 70, 100, 140, 200), (0.65, 0.8)


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
    margin : array (rows, columns)
        By what share the risk of the second best use is above that of the best.
    told : array of bool (rows, columns)
        Whether who is told Delta has a lower risk still.
    """

    values: np.ndarray
    labels: np.ndarray
    best: np.ndarray
    margin: np.ndarray
    told: np.ndarray


@dataclass(frozen=True)
class Trial:
    """The slides' processor, simulated where the map has no formula for it.

    Parameters
    ----------
    value : float
        Of what the panel "epsilon" varies.
    labels, n0 : int
        The budget, and the part of it for f.
    risk, error : float
        Mean of the draws, and its standard error.
    use, rival : str, float
        The best of the other uses, and its exact risk.
    """

    value: float
    labels: int
    n0: int
    risk: float
    error: float
    use: str
    rival: float

    @property
    def wins(self):
        """Whether the 95 % interval of the risk is below the rival."""
        return self.risk + 1.96 * self.error < self.rival


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
        laws = [axis.population(value) for value in values]
        each = [budget.risks(law, labels) for law in laws]
        told = np.array([budget.told_delta(law, labels) for law in laws])
        first, second = np.sort([_known(one) for one in each], axis=1)[:, :2].swapaxes(0, 1)
        best = np.array([budget.best(one) for one in each])
        found[name] = Panel(values, labels, best, second / first - 1, told < first * (1 - 1e-9))
    return found


def _known(risks):
    """Risks (uses, budgets), infinite where they are not known."""
    return np.nan_to_num(np.array(list(risks.values())), nan=np.inf, posinf=np.inf)


def trials(repetitions=36, rng=0):
    """Simulate the slides' processor at some points where the map has no formula for it.

    Parameters
    ----------
    repetitions : int
        Draws that score the best part for f, at least 3; a third as many choose each time.
    rng : numpy.random.Generator or int

    Returns
    -------
    tuple of Trial
        For the panel "epsilon", at :data:`TRIED`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: beyond the slides; the chapter on the label budget.
    """
    score, rng = as_count("repetitions", repetitions, least=3), as_rng(rng)
    (values, budgets, parts), found = TRIED, []
    for value in values:
        law = AXES["epsilon"].population(value)
        for n in budgets:
            splits = [n0 for n0 in (round(part * n) for part in parts) if n0 > law.m]
            tried = [
                np.mean(budget.simulate_processor(law, n, n0, repetitions=score // 3, rng=rng))
                for n0 in splits
            ]
            n0 = splits[int(np.argmin(tried))]
            draws = budget.simulate_processor(law, n, n0, repetitions=score, rng=rng)
            error = draws.std(ddof=1) / np.sqrt(len(draws))
            risks = budget.risks(law, n)
            use = budget.best(risks)
            found.append(Trial(value, n, n0, float(draws.mean()), float(error), use, risks[use]))
    return tuple(found)


def figure(panels, tried=()):
    """Draw the map.

    Parameters
    ----------
    panels : dict of Panel
        As of :func:`winners`.
    tried : tuple of Trial
        As of :func:`trials`; drawn on the panel "epsilon".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If they are no such panels, or no such trials.

    Source: beyond the slides; the chapter on the label budget.
    """
    if not isinstance(panels, dict) or not panels or not panels.keys() <= AXES.keys():
        raise ValueError(f"panels must be those of {', '.join(AXES)}, got {panels!r:.80}")
    if not all(isinstance(panel, Panel) for panel in panels.values()):
        raise ValueError(f"panels must hold Panels, got {panels!r:.80}")
    if not isinstance(tried, tuple) or not all(isinstance(one, Trial) for one in tried):
        raise ValueError(f"tried must be a tuple of Trials, got {tried!r:.80}")
    uses, ink = list(_COLOURS), plt.rcParams["text.color"]
    colours = ListedColormap(list(_COLOURS.values())[1:])
    fig, axes = plt.subplots(-(-len(panels) // 2), 2, figsize=(4.8, 6.6))
    for letter, ax, (name, panel) in zip("abcd", np.ravel(axes), panels.items(), strict=False):
        places = np.log10(panel.labels / D)
        index = np.array([[uses.index(use) for use in row] for row in panel.best])
        index = np.ma.masked_where(index == 0, index)
        style = {"cmap": colours, "vmin": 0.5, "vmax": len(uses) - 0.5, "shading": "nearest"}
        # One picture, not thousands of paths.
        ax.pcolormesh(places, panel.values, index, rasterized=True, alpha=0.85, **style)
        if panel.told.any():
            edge = {"levels": [0.5], "colors": [ink], "linestyles": ":", "linewidths": 1.5}
            ax.contour(places, panel.values, panel.told.astype(float), **edge)
        ax.set(xticks=[-0.5, 0, 0.5, 1, 1.5, 2], title=f"({letter})", ylabel=AXES[name].label)
        ax.set_xticklabels(["0.3", "1", "3", "10", "30", "100"])
        ax.grid(False)
        for one in tried if name == "epsilon" else ():
            face = _COLOURS["slides' processor"] if one.wins else "none"
            at = np.log10(one.labels / D), one.value
            ax.plot(*at, "o", ms=6, mfc=face, mec=ink, mew=0.8, clip_on=False)
    fig.supxlabel("labels for each direction, $n/d$", fontsize=plt.rcParams["font.size"])
    fig.legend(handles=_keys(panels, tried, uses, ink), loc="outside upper center", ncols=2)
    return fig


def _keys(panels, tried, uses, ink):
    drawn = {use for panel in panels.values() for use in np.unique(panel.best)}
    edge = {"edgecolor": PALETTE["grey"], "alpha": 0.85}
    keys = [Patch(facecolor=_COLOURS[use], label=use, **edge) for use in uses if use in drawn]
    if any(panel.told.any() for panel in panels.values()):
        keys.append(Line2D([], [], color=ink, ls=":", lw=1.5, label="better if told Δ"))
    for wins, label in ((True, "processor wins"), (False, "processor loses")):
        if any(one.wins == wins for one in tried):
            face = _COLOURS["slides' processor"] if wins else "none"
            dot = {"marker": "o", "ls": "", "mfc": face, "mec": ink, "mew": 0.8}
            keys.append(Line2D([], [], **dot, label=label))
    return keys
