"""Figures and tables of what was predicted and what happened."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from scipy import stats

from sslboost.core.validation import as_array, as_count, as_number, takes
from sslboost.pages.figures import PALETTE, as_all, table
from sslboost.pages.real.outlook import FORMULAS, Measured, predict
from sslboost.pages.real.runs import Outcomes
from sslboost.uses import budget

_HUES = dict(
    zip(FORMULAS, ("grey", "purple", "blue", "gold", "sky", "orange", "green"), strict=True)
)

#: Points of a predicted curve.
_POINTS = 30

#: What chooses a weight or a penalty for z, and the use without z that it is compared with.
BOOSTS = {
    "augmented, c chosen": "plain SSL",
    "joint, ridge chosen": "plain SSL",
    "ridge SSL, c chosen": "ridge SSL",
}


def interval(values, level=0.95):
    """Return the mean of independent draws and the half-width of Student's interval for it.

    Parameters
    ----------
    values : array (n,)
        Two or more.
    level : float in (0, 1)

    Returns
    -------
    mean, half : float

    Raises
    ------
    ValueError
        If they are fewer, or the level is none.
    """
    values = as_array("values", values, 1)
    level = as_number("level", level, above=0, most=1)
    if len(values) < 2 or level == 1:
        raise ValueError(
            f"values must be two or more and level below 1, got {len(values)} and {level}"
        )
    quantile = stats.t.ppf((1 + level) / 2, len(values) - 1)
    return float(values.mean()), float(quantile * stats.sem(values))


@takes(outcomes=Outcomes)
def best_run(outcomes, i):
    """Return the use with a formula that did best with the i-th budget, the first among equals.

    Parameters
    ----------
    outcomes : Outcomes
    i : int

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such budget.
    """
    i = as_count("i", i, least=0, most=len(outcomes.labels) - 1)
    means = {use: values.mean() for use, values in outcomes.realised[i].items() if use in FORMULAS}
    return budget.best(means)


def diagonal(runs):
    """Return a figure of realised against predicted risk, a point for each use and budget.

    Parameters
    ----------
    runs : list of Outcomes

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If they are anything else.
    """
    runs = as_all("runs", runs, Outcomes)
    fig, ax = plt.subplots(figsize=(4.8, 4.9))
    for use in FORMULAS:
        points = [
            (promised[use], *interval(realised[use]))
            for one in runs
            for promised, realised in zip(one.predicted, one.realised, strict=True)
            if use in promised
        ]
        if points:
            predicted, mean, half = np.array(points).T
            style = {"color": PALETTE[_HUES[use]], "label": use, "ms": 4, "elinewidth": 1.2}
            ax.errorbar(predicted, mean, half, fmt="o", **style)
    ends = np.array(ax.get_xlim())
    ax.plot(ends, ends, color=PALETTE["grey"], lw=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="predicted risk", ylabel="risk on rows held out")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator([0.5, 1, 2, 5, 10]))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    ax.legend(loc="upper left", fontsize=11, handletextpad=0.3, borderaxespad=0)
    return fig


def panels(runs):
    """Return a figure of the risks against the labels, a panel for each data set.

    Parameters
    ----------
    runs : list of Outcomes

    Returns
    -------
    matplotlib.figure.Figure
        Predictions are lines, what happened are points with 95 % intervals. A panel ends as far
        above the variance of y as its best use is below.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    runs = as_all("runs", runs, Outcomes)
    rows = (len(runs) + 1) // 2
    fig, axes = plt.subplots(rows, 2, figsize=(4.8, 2.3 * rows + 1.0), squeeze=False)
    for ax, one in zip(axes.flat, runs, strict=False):
        _draw_panel(ax, one)
    for ax in axes.flat[len(runs) :]:
        ax.remove()
    fig.supxlabel("labelled rows", fontsize=11)
    fig.supylabel("risk, as a share of the variance of $y$", fontsize=11)
    handles = [plt.Line2D([], [], marker="o", color=PALETTE[_HUES[use]]) for use in FORMULAS]
    fig.legend(handles, FORMULAS, loc="outside upper center", ncols=2, fontsize=11)
    return fig


def _draw_panel(ax, one):
    grid = np.unique(np.geomspace(one.labels[0], one.labels[-1], _POINTS).round().astype(int))
    curves = predict(one.population, grid)
    least = min(min(risks.values()) for risks in curves)
    for use in FORMULAS:
        color = PALETTE[_HUES[use]]
        ax.plot(grid, [risks.get(use, np.nan) for risks in curves], lw=1.2, color=color)
        shown = [i for i, realised in enumerate(one.realised) if use in realised]
        if shown:
            means = np.array([interval(one.realised[i][use]) for i in shown])
            labels = [one.labels[i] for i in shown]
            ax.errorbar(labels, *means.T, fmt="o", ms=4, elinewidth=1.2, color=color)
    ax.set(title=one.triples.name, xscale="log", ylim=(least - 0.1 * (1 - least), 2.1 - least))
    ax.xaxis.set_major_locator(FixedLocator(one.labels))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(MaxNLocator(4))


def measured_table(measured):
    """Return a table of what was measured of each data set.

    Parameters
    ----------
    measured : dict of str to Measured
        By the name of the data set.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is anything else.
    """
    measured = as_all("measured", measured, Measured, named=True)
    lines = {
        "features of x, of ψ": lambda m: f"{m.rank_x}, {m.d}",
        "x explains of y": lambda m: _percent(m.signal),
        "ψ explains of y": lambda m: _percent(m.kept),
        "z explains of the rest": lambda m: _percent(m.told),
        "(C1): x tells of z beyond y": lambda m: _percent(m.beyond),
        "p-value": lambda m: _p(m.c1),
        "E[y|x] tells of z beyond y": lambda m: _percent(m.existence),
        "(C2): ψ loses of y": lambda m: _percent(m.lost),
        "p-value ": lambda m: _p(m.c2),
        "tails of ψ (Gaussian: 1)": lambda m: f"{m.tails:.1f}",
    }
    rows = [[line, *map(said, measured.values())] for line, said in lines.items()]
    return table("numbers", ["", *measured], rows)


def _percent(share):
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _p(test):
    return "< .001" if test.p_value < 0.001 else f"{test.p_value:.3f}"


def winners_table(runs):
    """Return a table of the uses with the least risk, as predicted and as it turned out.

    Parameters
    ----------
    runs : list of Outcomes

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If they are anything else.
    """
    rows = []
    for one in as_all("runs", runs, Outcomes):
        for i, n in enumerate(one.labels):
            first, best = budget.best(one.predicted[i]), best_run(one, i)
            won = "the same"
            if first != best:
                mean, half = interval(one.realised[i][first] - one.realised[i][best])
                won = f"{best}, by {mean:.3f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{half:.3f}"
            mean, half = interval(one.realised[i][first])
            risk = f"{mean:.3f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{half:.3f}"
            promised = f"{one.predicted[i][first]:.3f}"
            rows.append([one.triples.name, str(n), first, promised, risk, won])
    heads = ["data", "labels", "predicted to win", "predicted", "risk", "won"]
    return table("numbers", heads, rows)


def boosts_table(runs):
    """Return a table of what the labelled z bought over the same use without it, in percent.

    Parameters
    ----------
    runs : list of Outcomes

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If they are anything else, or were run without the uses that choose.
    """
    rows = []
    for one in as_all("runs", runs, Outcomes):
        for n, realised in zip(one.labels, one.realised, strict=True):
            if "ridge SSL" not in realised:
                raise ValueError("runs must hold the uses that choose, got one without ridge SSL")
            pairs = [(realised.get(use), realised.get(plain)) for use, plain in BOOSTS.items()]
            cells = ["—" if use is None else _signed(use - plain) for use, plain in pairs]
            rows.append([one.triples.name, str(n), *cells])
    return table("numbers", ["data", "labels", *BOOSTS], rows)


def _signed(differences):
    """In percent; nothing is written as +0.0."""
    mean, half = (100 * value for value in interval(differences))
    signed = f"{round(mean, 1) + 0.0:+.1f} ± {half:.1f}"
    return signed.replace("-", "−").replace(" ", "\N{NO-BREAK SPACE}")
