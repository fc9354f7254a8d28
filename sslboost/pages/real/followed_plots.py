"""Figure and table of advice that was followed."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from sslboost.pages.figures import PALETTE, as_all, table
from sslboost.pages.real.advised import RIVALS, Followed
from sslboost.pages.real.plots import interval

#: Of the data sets, in their order.
_STYLES = (("blue", "o"), ("orange", "^"), ("green", "s"), ("purple", "D"))


def followed(runs):
    """Return a figure of what came of the advice, over what it predicted, against the labels.

    Parameters
    ----------
    runs : list of Followed

    Returns
    -------
    matplotlib.figure.Figure
        Mean ratios with 95 % intervals; labels are counted for each column of x and z.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    runs = as_all("runs", runs, Followed)
    fig, ax = plt.subplots(figsize=(4.8, 3.3))
    for name, (hue, marker) in zip(dict.fromkeys(one.name for one in runs), _STYLES, strict=False):
        mine = [one for one in runs if one.name == name]
        over = [interval(one.realised["as advised"] / one.predicted) for one in mine]
        each = [one.labels / one.columns for one in mine]
        style = {"color": PALETTE[hue], "marker": marker, "label": name, "elinewidth": 1.2}
        ax.errorbar(each, *np.transpose(over), **style)
    ax.axhline(1, color=PALETTE["grey"], lw=1, zorder=0)
    ax.set(xscale="log", xlabel="labels for each column of $x$ and $z$")
    ax.set(ylabel="risk, predicted = 1")
    ax.xaxis.set_major_locator(FixedLocator([1, 1.5, 2, 3, 4, 6, 8, 12, 20]))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.legend()
    return fig


def followed_table(runs):
    """Return a table of what was advised, what it promised, what came, and what rivals did.

    Parameters
    ----------
    runs : list of Followed

    Returns
    -------
    Html
        Means over the draws; beside the labels is how many there are for each column of x and z.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    rows = []
    for one in as_all("runs", runs, Followed):
        often = max(dict.fromkeys(one.best), key=one.best.count)
        columns = [one.predicted, *(one.realised[use] for use in ("as advised", *RIVALS[1:]))]
        labels = f"{one.labels}\N{NO-BREAK SPACE}({one.labels / one.columns:.2g})"
        rows.append([one.name, labels, often, *(f"{values.mean():.3f}" for values in columns)])
    heads = ["data", "labels", "mostly advised", "said", "came", *RIVALS[1:]]
    return table("table numbers", heads, rows)
