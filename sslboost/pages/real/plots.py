"""Figures and tables of what was predicted and what happened."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from scipy import stats

from sslboost.core.validation import as_array, as_count, as_number, takes
from sslboost.pages.figures import PALETTE, as_all, table
from sslboost.pages.real.outlook import FORMULAS, Measured, features, predict
from sslboost.pages.real.runs import Outcomes
from sslboost.uses import budget

#: A hue and a marker for each use, so that no two are told apart by hue alone.
_MARKED = (
    ("grey", "o"),
    ("purple", "s"),
    ("blue", "D"),
    ("gold", "X"),
    ("sky", "v"),
    ("orange", "^"),
    ("green", "P"),
)
_STYLES = {
    use: {"color": PALETTE[hue], "marker": marker, "ms": 5}
    for use, (hue, marker) in zip(FORMULAS, _MARKED, strict=True)
}

#: Points of a predicted curve.
_POINTS = 30

#: By what factor the points of one use are moved aside of those of the next.
_ASIDE = 1.035

#: Numbers of labels for each feature that have a tick.
_EACH = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)

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


@takes(percent=bool)
def plus_minus(values, percent=False):
    """Return a mean and the half-width of its interval as text, which no line break divides.

    Parameters
    ----------
    values : array (n,)
    percent : bool
        Whether they are differences of shares, which are shown with their sign.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        As of :func:`interval`.
    """
    unit, digits, sign = (100, 1, "+") if percent else (1, 3, "")
    mean, half = (unit * value for value in interval(values))
    mean = round(mean, digits) + 0.0  # nothing has no minus
    text = f"{mean:{sign}.{digits}f} ± {half:.{digits}f}"
    return text.replace("-", "−").replace(" ", "\N{NO-BREAK SPACE}")


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


def misses(runs):
    """Return a figure of realised over predicted risk against the labels for each feature.

    Parameters
    ----------
    runs : list of Outcomes

    Returns
    -------
    matplotlib.figure.Figure
        A point for each use and budget, with a 95 % interval, cut off below. Guessing, which
        has no features, is left out.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    runs = as_all("runs", runs, Outcomes)
    fig, ax = plt.subplots(figsize=(4.8, 4.4))
    for use, style in _STYLES.items():
        points = [
            (n / features(one.population)[use], *interval(realised[use] / promised[use]))
            for one in runs
            for n, promised, realised in zip(one.labels, one.predicted, one.realised, strict=True)
            if use in promised and use != "guessing"
        ]
        if points:
            each, mean, half = np.array(points).T
            ax.errorbar(each, mean, half, ls="", label=use, elinewidth=1, **style)
    ax.axhline(1, color=PALETTE["grey"], lw=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="labels for each feature that is fitted")
    ax.set(ylabel="risk, predicted = 1", ylim=(0.85, None))
    for axis, places in ((ax.xaxis, _EACH), (ax.yaxis, (0.9, 1, 1.2, 1.5, 2, 3, 5))):
        axis.set_major_locator(FixedLocator(places))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    ax.legend(loc="upper right", fontsize=11, handletextpad=0.3, borderaxespad=0)
    return fig


def panels(runs):
    """Return a figure of the risks against the labels, a panel for each data set.

    Parameters
    ----------
    runs : list of Outcomes

    Returns
    -------
    matplotlib.figure.Figure
        Predictions are lines, what happened are points with 95 % intervals, moved a little aside
        of each other. A panel ends as far above the variance of y as its best use is below.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    runs = as_all("runs", runs, Outcomes)
    rows = (len(runs) + 1) // 2
    fig, axes = plt.subplots(rows, 2, figsize=(4.8, 2.7 * rows + 1.0), squeeze=False)
    for ax, one in zip(axes.flat, runs, strict=False):
        _draw_panel(ax, one)
    for ax in axes.flat[len(runs) :]:
        ax.remove()
    fig.supxlabel("labelled rows", fontsize=11)
    fig.supylabel("risk, as a share of the variance of $y$", fontsize=11)
    seen = {use for one in runs for promised in one.predicted for use in promised}
    shown = [use for use in FORMULAS if use in seen and use != "minimum norm"]
    handles = [plt.Line2D([], [], lw=1.2, **_STYLES[use]) for use in shown]
    fig.legend(handles, shown, loc="outside upper center", ncols=2, fontsize=11)
    return fig


def _draw_panel(ax, one):
    grid = np.unique(np.geomspace(one.labels[0], one.labels[-1], _POINTS).round().astype(int))
    curves = predict(one.population, grid)
    least = min(min(risks.values()) for risks in curves)
    low, high = least - 0.1 * (1 - least), 2.1 - least
    for place, (use, style) in enumerate(_STYLES.items()):
        if use == "minimum norm":  # of few labels, and above every panel
            continue
        dashes = "--" if use == "x directly" else "-"  # which may lie under plain SSL
        risks = [found.get(use, np.nan) for found in curves]
        ax.plot(grid, risks, dashes, lw=1.2, color=style["color"])
        for i, n in enumerate(one.labels):
            mean, half = interval(one.realised[i][use]) if use in one.realised[i] else (np.inf, 0)
            if mean < high:
                aside = n * _ASIDE ** (place - 3)
                ax.errorbar(aside, mean, half, elinewidth=1, capsize=0, **style)
    ax.set(title=one.triples.name, xscale="log", ylim=(low, high))
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
        "p-value of (C1)": lambda m: _p(m.c1),
        "E[y|x] tells of z beyond y": lambda m: _percent(m.existence),
        "(C2): ψ loses of y": lambda m: _percent(m.lost),
        # Where psi is x in other coordinates it can lose nothing.
        "p-value of (C2)": lambda m: _p(m.c2) if m.d < m.rank_x else "—",
        "tails of ψ (Gaussian: 1)": lambda m: f"{m.tails:.1f}",
    }
    rows = [[line, *map(said, measured.values())] for line, said in lines.items()]
    return table("table numbers", ["", *measured], rows)


def _percent(share):
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _p(test):
    return "< .001" if test.p_value < 0.001 else f"{test.p_value:.3f}"


def _budgets(runs):
    """For each data set and budget: the first cells of its row, predictions, runs, and the best."""
    for one in as_all("runs", runs, Outcomes):
        budgets = zip(one.labels, one.predicted, one.realised, strict=True)
        for i, (n, predicted, realised) in enumerate(budgets):
            yield [one.triples.name, f"{n:,}"], predicted, realised, best_run(one, i)


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
    for start, predicted, realised, best in _budgets(runs):
        first = budget.best(predicted)
        ahead = realised[first] - realised[best]
        won = "the same" if first == best else f"{best}, by {plus_minus(ahead)}"
        promised = f"{predicted[first]:.3f}"
        rows.append([*start, first, promised, plus_minus(realised[first]), won])
    heads = ["data", "labels", "predicted to win", "predicted", "risk", "won"]
    return table("table numbers", heads, rows)


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
    for start, _, realised, _ in _budgets(runs):
        if "ridge SSL" not in realised:
            raise ValueError("runs must hold the uses that choose, got one without ridge SSL")
        pairs = [(realised.get(use), realised.get(plain)) for use, plain in BOOSTS.items()]
        rows.append(
            [
                *start,
                *(
                    "—" if use is None else plus_minus(use - plain, percent=True)
                    for use, plain in pairs
                ),
            ]
        )
    return table("table numbers", ["data", "labels", *BOOSTS], rows)
