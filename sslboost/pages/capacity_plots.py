"""Picture and table of the trained capacities of chapter 6."""

from numbers import Real

import matplotlib.pyplot as plt
import numpy as np

from sslboost.bounds import capacity, trained_capacity
from sslboost.pages import figures

_COLOURS = ("blue", "green", "sky", "orange", "gold", "purple", "grey", "grey")
_COLUMNS = {
    "architecture": "inputs, layers",
    "parameters": "parameters",
    "bound": "min kᵢ/4",
    "half_way": "half-way n₀",
    "per_neuron": "per neuron",
    "per_parameter": "per parameter",
    "objective": "objective",
    "objective_yhat": "that of ŷ",
    "tail": "tail",
}
_NUMBERS = (
    "narrowest",
    "layers",
    "parameters",
    "n0",
    "objective",
    "objective_yhat",
    "risk",
    "tail",
)


def summary(rows):
    """Return what the study says of every architecture.

    Parameters
    ----------
    rows : list of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`.

    Returns
    -------
    list of dict
        ``architecture``, hidden ``layers``, ``parameters``, the slides' ``bound`` on the capacity,
        the ``half_way`` n0 and the same ``per_neuron`` and ``per_parameter``; and the means of
        ``objective``, ``objective_yhat`` and ``tail`` at the largest n0.

    Raises
    ------
    ValueError
        If there are no such rows.

    Source: chapter 6, collapse of the risk.
    """
    rows, found = _rows("rows", rows), []
    for architecture in dict.fromkeys(row["architecture"] for row in rows):
        own = [row for row in rows if row["architecture"] == architecture]
        half = trained_capacity.half_way(rows, architecture)
        last = [row for row in own if row["n0"] == max(row["n0"] for row in own)]
        means = ("objective", "objective_yhat", "tail")
        facts = {name: own[0][name] for name in ("architecture", "layers", "parameters")}
        facts["bound"] = capacity.two_layer_bound(own[0]["narrowest"])
        facts |= {"half_way": half, "per_neuron": half / own[0]["narrowest"]}
        facts["per_parameter"] = half / own[0]["parameters"]
        found.append(facts | {name: float(np.mean([r[name] for r in last])) for name in means})
    return found


def table(rows):
    """Return :func:`summary` as a table for the page.

    Parameters
    ----------
    rows : list of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If there are no such rows.

    Source: chapter 6, collapse of the risk.
    """

    def cell(value):
        if isinstance(value, str):
            return value.replace("-", "–")
        if not np.isfinite(value):
            return "none"
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    body = [[cell(facts[name]) for name in _COLUMNS] for facts in summary(rows)]
    return figures.table("certificates numbers", list(_COLUMNS.values()), body, named=False)


def collapse(rows, live=()):
    """Draw the risk against labels per neuron and per parameter, a line for each architecture.

    Parameters
    ----------
    rows, live : lists of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`; those of ``live`` become
        crosses.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no such rows, or but one network at an n0.

    Source: chapter 6, collapse of the risk.
    """
    rows, live = _rows("rows", rows), _rows("live", live, least=0)
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(7.2, 4.2))
    names = list(dict.fromkeys(row["architecture"] for row in rows))
    for i, name in enumerate(names):
        own, small = ([r for r in some if r["architecture"] == name] for some in (rows, live))
        colour = figures.PALETTE[_COLOURS[i % len(_COLOURS)]]
        n0 = sorted({row["n0"] for row in own})
        risks = [np.array([row["risk"] for row in own if row["n0"] == n]) for n in n0]
        if min(map(len, risks)) < 2:
            raise ValueError(f"rows must hold two networks or more at every n0 of {name}, got one")
        mean = np.array([r.mean() for r in risks])
        error = np.array([r.std(ddof=1) / np.sqrt(len(r)) for r in risks])
        line = "-" if own[0]["layers"] == 1 else ":"
        style = {"fmt": "os^vD<>P"[i % 8] + line, "color": colour, "label": name.replace("-", "–")}
        for ax, unit in zip(axes, ("narrowest", "parameters"), strict=True):
            figures.interval(ax, np.array(n0) / own[0][unit], mean, error, **style)
            at = [row["n0"] / row[unit] for row in small]
            ax.plot(at, [row["risk"] for row in small], "x", color=colour, ms=5)
    units = {"neuron of the narrowest layer": (10, 30, 100, 300), "parameter": (0.5, 1, 2, 4, 8)}
    for ax, (unit, ticks) in zip(axes, units.items(), strict=True):
        ax.axhline(trained_capacity.study_population().floor, color=figures.PALETTE["grey"], lw=1)
        ax.set(xscale="log", xlabel=f"labels $n_0$ per {unit}", ylim=(0, 1.08))
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
    axes[0].set_ylabel(r"risk $\min_W\,\mathrm{E}\|y - Wf(x)\|^2$")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=9)
    return fig


def _rows(name, rows, least=1):
    kinds = {"architecture": str} | dict.fromkeys(_NUMBERS, Real)
    rows = figures.as_rows(name, rows, **kinds)
    if len(rows) < least:
        raise ValueError(f"{name} must hold at least one row, got none")
    return rows
