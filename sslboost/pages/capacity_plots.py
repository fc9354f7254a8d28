"""Pictures and table of the trained networks of chapter 6."""

from numbers import Real

import matplotlib.pyplot as plt
import numpy as np

from sslboost.bounds import capacity, trained_capacity
from sslboost.core.validation import as_count, as_number, as_rng
from sslboost.pages import figures

#: Deeper or not, in the tail or not, and how that is drawn.
_KINDS = (
    (False, False, "two layers", {"marker": "o", "ms": 4.5, "mfc": "none", "color": "blue"}),
    (
        False,
        True,
        "two layers, in the tail",
        {"marker": "o", "ms": 5.5, "color": "orange"},
    ),
    (True, False, "deeper", {"marker": "^", "ms": 5.5, "mfc": "none", "color": "blue"}),
    (True, True, "deeper, in the tail", {"marker": "^", "ms": 6, "color": "orange"}),
)
_COLUMNS = {
    "architecture": "inputs, layers",
    "parameters": "parameters",
    "bound": "min kᵢ/4",
    "half_way": "half-way n₀",
    "per_neuron": "per neuron",
    "per_parameter": "per parameter",
    "learned": "past half-way",
    "in_tail": "in the tail",
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
        the ``half_way`` n0 and the same ``per_neuron`` and ``per_parameter``; and of the
        ``networks`` at the largest n0 how many have ``learned``, with a risk past half-way, and
        how many are ``in_tail``.

    Raises
    ------
    ValueError
        If there are no such rows.

    Source: chapter 6, what training finds.
    """
    rows, found = _rows("rows", rows), []
    for architecture in dict.fromkeys(row["architecture"] for row in rows):
        own = [row for row in rows if row["architecture"] == architecture]
        half = trained_capacity.half_way(rows, architecture)
        last, middle = _most(own), sum(_risks()) / 2
        facts = {name: own[0][name] for name in ("architecture", "layers", "parameters")}
        facts["bound"] = capacity.two_layer_bound(own[0]["narrowest"])
        facts |= {"half_way": half, "per_neuron": half / own[0]["narrowest"]}
        facts |= {"per_parameter": half / own[0]["parameters"], "networks": len(last)}
        facts["learned"] = sum(row["risk"] < middle for row in last)
        found.append(facts | {"in_tail": sum(map(in_tail, last))})
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

    Source: chapter 6, what training finds.
    """

    def cell(facts, name):
        value = facts[name]
        if isinstance(value, str):
            return value.replace("-", "–")
        if name in ("learned", "in_tail"):
            return f"{value} of {facts['networks']}"
        if not np.isfinite(value):
            return "none"
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    body = [[cell(facts, name) for name in _COLUMNS] for facts in summary(rows)]
    return figures.table("certificates numbers", list(_COLUMNS.values()), body, named=False)


def outcomes(rows, live=()):
    """Draw one point for every network: its risk against the labels per parameter.

    Parameters
    ----------
    rows, live : lists of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`; those of ``live`` become
        crosses. Architectures stand side by side, so that no point hides another.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no such rows.

    Source: chapter 6, what training finds.
    """
    rows, live = _rows("rows", rows), _rows("live", live, least=0)
    fig, ax = plt.subplots(figsize=(4.8, 4.1))
    names = list(dict.fromkeys(row["architecture"] for row in rows))
    shift = dict(zip(names, 1.06 ** (np.arange(len(names)) - (len(names) - 1) / 2), strict=True))
    for row in live:
        at = row["n0"] / row["parameters"] * shift.get(row["architecture"], 1.0)
        ax.plot(at, row["risk"], "x", color=figures.PALETTE["grey"], ms=5, zorder=1.5)
    for own, style in _by_kind(rows):
        at = [r["n0"] / r["parameters"] * shift[r["architecture"]] for r in own]
        ax.plot(at, [r["risk"] for r in own], **style)
    total, floor = _risks()
    for risk, name, colour in ((total, "guessing", "grey"), (floor, "the best possible", "gold")):
        ax.axhline(risk, color=figures.PALETTE[colour], lw=1, ls="--", zorder=0, label=name)
    ticks = (0.5, 1, 2, 4, 8)
    ax.set(xscale="log", xlabel="labels for each parameter", ylabel="risk after training")
    ax.set(xlim=(0.37, 10.5), ylim=(0, 1.12))
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    fig.legend(loc="outside upper center", ncols=2, handletextpad=0.1)
    return fig


def preference(rows, price):
    """Draw the risk of the networks with the most labels against their training loss.

    Parameters
    ----------
    rows : list of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`.
    price : float
        What a processor with (C2) has at least above the lower bound of the loss, lambda e_z.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no such rows, or ``price`` is negative.

    Source: chapter 6, what training finds.
    """
    rows, price = _rows("rows", rows), as_number("price", price, least=0)
    most = _most(rows)
    fig, ax = plt.subplots(figsize=(4.8, 4.1))
    reference = [row["objective_yhat"] for row in most]
    ax.axvspan(min(reference), max(reference), color=figures.PALETTE["green"], alpha=0.35, lw=0)
    ax.axvline(price, color=figures.PALETTE["green"], ls=":")
    for own, style in _by_kind(most):
        ax.plot([r["objective"] for r in own], [r["risk"] for r in own], **style)
    words = "at least this much\nfor whatever keeps\nthe whole label"
    ax.text(price - 0.01, 0.12, words, ha="right", va="center")
    ax.text(max(reference) + 0.008, 0.12, r"$\hat y$", va="center", fontsize=11)
    ax.set(xlabel="loss after training, above its lower bound", ylabel="risk after training")
    ax.set(xlim=(0, max(reference) + 0.05), ylim=(0, 1.12))
    fig.legend(loc="outside upper center", ncols=2, handletextpad=0.1)
    return fig


def resampled(rows, architecture, repetitions=200, rng=0):
    """Return half-way points of networks drawn anew, with replacement, at every n0.

    Parameters
    ----------
    rows : list of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`.
    architecture : str
    repetitions : int
    rng : numpy.random.Generator or int

    Returns
    -------
    array (repetitions,)
        Infinite where the mean risk does not come half-way.

    Raises
    ------
    ValueError
        If there are no such rows.

    Source: chapter 6, the half-way points and how sure they are.
    """
    rows, rng = _rows("rows", rows), as_rng(rng)
    own = [row for row in rows if row["architecture"] == architecture]
    trained_capacity.half_way(own or rows, architecture)  # refuses a name that is not there
    cells = [[r for r in own if r["n0"] == n] for n in sorted({row["n0"] for row in own})]
    found = np.empty(as_count("repetitions", repetitions))
    for i in range(len(found)):
        drawn = [cell[j] for cell in cells for j in rng.integers(len(cell), size=len(cell))]
        found[i] = trained_capacity.half_way(drawn, architecture)
    return np.where(np.isnan(found), np.inf, found)


def half_way_points(rows, repetitions=200):
    """Draw the half-way points of the two-layer networks, per neuron and per parameter.

    Parameters
    ----------
    rows : list of dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`.
    repetitions : int
        Of the bootstrap behind the 95 % intervals.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no such rows, or no network of two layers that comes half-way.

    Source: chapter 6, the half-way points and how sure they are.
    """
    facts = [f for f in summary(rows) if f["layers"] == 1 and np.isfinite(f["half_way"])]
    if not facts:
        raise ValueError("rows must hold networks of two layers that come half-way, got none")
    fig, axes = plt.subplots(2, 1, figsize=(4.8, 4.6))
    draws = [resampled(rows, fact["architecture"], repetitions) for fact in facts]
    units = {"neuron": "per_neuron", "parameter": "per_parameter"}
    for ax, (unit, column) in zip(axes, units.items(), strict=True):
        for i, (fact, draw) in enumerate(zip(facts, draws, strict=True)):
            colour = figures.PALETTE["purple" if fact["architecture"][:2] == "33" else "sky"]
            low, high = np.quantile(draw, [0.025, 0.975], method="nearest")
            scale = fact[column] / fact["half_way"]
            ax.plot([low * scale, min(high, 1e6) * scale], [i, i], color=colour, lw=1.2)
            ax.plot(fact[column], i, "o", color=colour)
        centre = np.mean([np.log(fact[column]) for fact in facts])
        ax.set(xscale="log", xlim=np.exp(centre + np.array([-0.9, 0.9])))
        ax.set(ylim=(len(facts) - 0.5, -0.5), xlabel=f"labels for each {unit} at half-way")
        ax.set_ylabel("inputs–neurons")
        ax.set_yticks(range(len(facts)), [f["architecture"].replace("-", "–") for f in facts])
    for ax, ticks in zip(axes, ((30, 50, 80, 120), (3, 4, 5, 6, 8, 10)), strict=True):
        inside = [tick for tick in ticks if ax.get_xlim()[0] < tick < ax.get_xlim()[1]]
        ax.set_xticks(inside, [f"{tick:g}" for tick in inside])
        ax.minorticks_off()
    return fig


def in_tail(row):
    """Return whether more than half of the size of a network's output lies on 1 % of inputs.

    Parameters
    ----------
    row : dict
        As returned by :func:`sslboost.bounds.trained_capacity.study`.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If it is no such row.

    Source: chapter 6, the tail.
    """
    (row,) = _rows("row", [row])
    return row["tail"] > 0.5


def _most(rows):
    """The rows with the most labels of each architecture."""
    most = {}
    for row in rows:
        most[row["architecture"]] = max(most.get(row["architecture"], 0), row["n0"])
    return [row for row in rows if row["n0"] == most[row["architecture"]]]


def _by_kind(rows):
    """The rows of every kind that there is, and how they are drawn."""
    for deeper, tail, label, style in _KINDS:
        own = [r for r in rows if (r["layers"] > 1) == deeper and in_tail(r) == tail]
        style = style | {"color": figures.PALETTE[style["color"]], "label": label, "ls": ""}
        if own:
            yield own, style | {"zorder": 2 + tail + (tail and not deeper)}


def _risks():
    """The risk of guessing, and the Bayes risk."""
    population = trained_capacity.study_population()
    return float(np.trace(population.block("y", "y"))), population.floor


def _rows(name, rows, least=1):
    kinds = {"architecture": str} | dict.fromkeys(_NUMBERS, Real)
    rows = figures.as_rows(name, rows, **kinds)
    if len(rows) < least:
        raise ValueError(f"{name} must hold at least one row, got none")
    return rows
