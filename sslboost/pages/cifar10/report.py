"""Tables and figures of the recorded CIFAR-10 table, beside the slides' own numbers."""

import numpy as np

from sslboost.core.validation import as_array, as_choice, as_count
from sslboost.images.table.record import select
from sslboost.pages import figures
from sslboost.pages.cifar10._runs import by_seed, mean_and_error, read_by, runs_of
from sslboost.pages.figures import Html

#: The slides' table, test accuracy in per cent, and in brackets a spread of which they do not say
#: whether it is of the runs or of their mean.
SLIDES = {
    "full": {
        1000: (9.95, 0.05),
        2000: (9.97, 0.07),
        3000: (9.99, 0.08),
        4000: (10.01, 0.06),
        5000: (9.96, 0.07),
        "ssl": (79.31, 0.09),
    },
    "half": {
        1000: (10.00, 0.07),
        2000: (10.01, 0.09),
        3000: (9.99, 0.08),
        4000: (9.99, 0.08),
        5000: (10.01, 0.09),
        "ssl": (75.25, 0.04),
    },
}

#: What the head sees, by what it reads of which psi: outputs are compared with plain psi's output,
#: hidden layers with its hidden layers.
READINGS = {
    ("output", "none"): "f(x) itself",
    ("output", "linear"): "linear ψ of f(x)",
    ("output", "network"): "network ψ of f(x)",
    ("output", "network-no-decay"): "the same, no decay",
    ("hidden", "none"): "layers of f",
    ("hidden", "network"): "layers of ψ of f(x)",
    ("hidden", "network-no-decay"): "the same, no decay",
}


def estimate(runs, column="accuracy", **values):
    """Return the mean and the standard error over seeds of a column of the table.

    Parameters
    ----------
    runs : list of dict
        Rows of the table.
    column : str
    **values
        That the rows must have.

    Returns
    -------
    mean, standard_error : float
        NaN where there are no rows, or a single one for the error.

    Raises
    ------
    ValueError
        If a row lacks a column, or a seed occurs twice: the values do not tell the rows apart.

    Source: slide "Experiments".
    """
    return mean_and_error(list(by_seed("values", runs, column, values).values()))


def separation(runs, better, worse):
    """Return by how many standard errors over seeds one column of accuracies exceeds another.

    A seed fixes the network, the images and the subsets of labels of both, so that the
    differences are taken seed by seed.

    Parameters
    ----------
    runs : list of dict
        Rows of the table.
    better, worse : dict
        Values that the rows of each column have.

    Returns
    -------
    float
        Infinite where every seed says the same difference, 0 where all say that there is none.

    Raises
    ------
    ValueError
        If the columns do not hold the same seeds, at least two and each once.
    """
    columns = [
        by_seed(name, runs, "accuracy", values)
        for name, values in (("better", better), ("worse", worse))
    ]
    if columns[0].keys() != columns[1].keys() or len(columns[0]) < 2:
        seeds = [sorted(column) for column in columns]
        raise ValueError(f"better and worse must share two seeds or more, got {seeds}")
    mean, error = mean_and_error([columns[0][seed] - columns[1][seed] for seed in columns[0]])
    if error == 0:
        return float(np.copysign(np.inf, mean)) if mean else 0.0
    return mean / error


def processor_table(table, labels, features, *, pretext="rotation", last=False):
    """Return the slides' table and ours: accuracy of every reading for every n0.

    The slides' row stands with the heads on outputs, as the slides define them.

    Parameters
    ----------
    table : dict
        As of :func:`sslboost.images.table.read`.
    labels : str
        ``full`` or ``half``.
    features : str
        ``output`` or ``hidden``: what the head reads.
    pretext : str
    last : bool
        Whether the head reads the last layer, not the best one, of every network that has several.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is no recorded table, or holds no such rows.

    Source: slide "Experiments", the table.
    """
    as_choice("features", features, ("output", "hidden"))
    runs = runs_of(table, labels=labels, pretext=pretext)
    if not isinstance(last, bool):
        raise ValueError(f"last must be True or False, got {last!r:.80}")
    sizes = sorted({row["n0"] for row in select(runs, arm="processor")})
    rows = []
    if pretext == "rotation" and features == "output":
        rows.append(["slides", *(_told(labels, n0) for n0 in sizes)])
    for adversary in sorted({str(row["adversary"]) for row in select(runs, arm="processor")}):
        found = []
        for (kind, psi), name in READINGS.items():
            arm = {"arm": "processor", "psi": psi, "adversary": adversary}
            own = read_by(runs, features, last, **arm) if kind == features else []
            if own:
                found.append([name, *(_percent(*estimate(own, n0=n0), 1) for n0 in sizes)])
        if found:
            rows += [_group(f"{adversary} adversary", len(sizes)), *found]
    return _wide(["the head sees", *map(_thousands, sizes)], rows)


def baseline_table(table):
    """Return the accuracy of pixels, random features and plain SSL for every pretext.

    Parameters
    ----------
    table : dict
        As of :func:`sslboost.images.table.read`.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is no recorded table, or holds no such rows.

    Source: slide "Experiments", the column SSL.
    """
    runs = runs_of(table)
    rows = []
    for pretext in sorted({row["pretext"] for row in runs}, reverse=True):
        rows.append(_group(pretext, 5))
        for arm, name in [("input", "pixels"), ("random", "untrained ψ"), ("ssl", "plain SSL")]:
            cells = []
            best = "input" if arm == "input" else "hidden"
            for labels in ("full", "half"):
                which = {"arm": arm, "pretext": pretext, "labels": labels}
                cells.append(_percent(*estimate(runs, features=best, **which), 1))
                last = estimate(read_by(runs, "hidden", True, **which))
                cells.append(_percent(*last, 1))
            told = {"pretext": pretext, "labels": "full", "features": best}
            told = estimate(runs, "pretext_accuracy", arm=arm, **told)[0]
            rows.append([name, *cells, "–" if np.isnan(told) else f"{told:.3f}"])
    heads = ["features", "Full, best", "Full, last", "Half, best", "Half, last", "told"]
    return _wide(heads, rows)


def collapse_table(full, half):
    """Return the accuracy of psi on f(x) under strong weight decay beside the slides'.

    Parameters
    ----------
    full, half : dict of int to list of float
        Accuracies over seeds for every n0.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If these are not accuracies for the same n0, at least one for each.

    Source: slide "Experiments", the table.
    """
    rows = []
    for name, found in (("full", full), ("half", half)):
        if not isinstance(found, dict) or not found or found.keys() != full.keys():
            raise ValueError(f"{name} must hold accuracies for every n0 of full, got {found!r:.80}")
        for n0 in found:
            as_count(f"every n0 of {name}", n0)
        ours = [mean_and_error(as_array(f"{name}[{n0}]", v, 1)) for n0, v in found.items()]
        rows.append(_group(name.capitalize(), len(found)))
        rows.append(["slides", *(_told(name, n0) for n0 in found)])
        rows.append(["decay 0.05", *(_percent(*one, 2) for one in ours)])
    return _wide(["labels", *map(_thousands, full)], rows)


def nearest_to_chance(table, **values):
    """Return, for every n0, the reading whose mean accuracy lies nearest to one in ten.

    Parameters
    ----------
    table : dict
        As of :func:`sslboost.images.table.read`.
    **values
        Of the columns, such as ``labels`` and ``pretext``.

    Returns
    -------
    list of (int, str, str, float)
        n0, adversary, psi, mean accuracy.

    Raises
    ------
    ValueError
        If it is no recorded table, or holds no such rows.

    Source: slide "Experiments": which reading gives the slides' chance.
    """
    runs = runs_of(table, **values | {"arm": "processor"})
    runs = [row for row in runs if (row["features"], row["psi"]) in READINGS]
    nearest = []
    for n0 in sorted({row["n0"] for row in runs}):
        found = select(runs, n0=n0)
        kinds = {(str(row["adversary"]), row["psi"], row["features"]) for row in found}
        means = {
            kind: estimate(found, adversary=kind[0], psi=kind[1], features=kind[2])[0]
            for kind in kinds
        }
        best = min(sorted(means), key=lambda kind: abs(means[kind] - 0.1))
        nearest.append((n0, *best[:2], means[best]))
    return nearest


def provenance_table(table):
    """Return how the recorded table was made.

    Parameters
    ----------
    table : dict
        As of :func:`sslboost.images.table.read`.

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is no recorded table.
    """
    runs_of(table)
    facts = {k: _words(v).replace(" && ", "\n") for k, v in table["provenance"].items()}
    return figures.table("provenance", [], list(facts.items()))


def _words(fact):
    words = [f"{k} {version}" for k, version in fact.items()] if isinstance(fact, dict) else []
    return ", ".join(words) or (f"{fact:.0f}" if isinstance(fact, float) else str(fact))


def _told(labels, key):
    """What the slides say of a column, where they have it."""
    return "{:.2f} ({:.2f})".format(*SLIDES[labels][key]) if key in SLIDES[labels] else "–"


def _thousands(n0):
    return f"{n0 / 1000:g}k"


def _percent(mean, error, digits):
    if np.isnan(mean):
        return "–"
    spread = "" if np.isnan(error) else f" ({100 * error:.{digits}f})"
    return f"{100 * mean:.{digits}f}{spread}"


def _group(name, cells):
    """A row that names those under it."""
    return [name, *[""] * cells]


def _wide(heads, rows):
    """A table that scrolls by itself where it is wider than the column."""
    return Html(f'<div class="wide">{figures.table("results", heads, rows).html}</div>')
