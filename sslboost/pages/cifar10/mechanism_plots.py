"""Figures and tables of what a processor does to real images."""

import matplotlib.pyplot as plt
import numpy as np

from sslboost.core.linalg import centred
from sslboost.core.validation import as_choice, as_count, as_labels, as_samples
from sslboost.images.data import CLASSES
from sslboost.images.table.collapse import Collapse
from sslboost.pages import figures
from sslboost.pages.cifar10.mechanism import Dependence, Judged, Snapshot, spectrum

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def dependence_table(measured):
    """Return what y and its prediction explain of z, for every pretext.

    Parameters
    ----------
    measured : dict of str to Dependence

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is no such dict.

    Source: theorem 2, its margin lambda e_z.
    """
    figures.as_all("measured", measured, Dependence, named=True)
    heads = ["pretext", "by y", "shuffled", "by ŷ(x)"]
    rows = [
        [name, *(f"{100 * share:.2f} %" for share in (d.label, d.shuffled, d.yhat))]
        for name, d in measured.items()
    ]
    return figures.table("results", heads, rows)


def judged_table(judged):
    """Return the criteria measured on several features.

    Parameters
    ----------
    judged : list of Judged

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is no such list.

    Source: slide "The Conditions That Processor f Needs to Satisfy".
    """
    figures.as_all("judged", judged, Judged)
    heads = ["features", "(C1)", "worst class", "(C2)", "dimension"]
    rows = [
        [
            j.name,
            *(f"{100 * share:.1f} %" for share in (j.c1_pooled, j.c1_worst, j.c2)),
            f"{j.dimension:.1f}",
        ]
        for j in judged
    ]
    return figures.table("results", heads, rows)


def collapse_table(found):
    """Return what weight decay does to psi on f(x) and to psi on x.

    Parameters
    ----------
    found : dict of str to list of Collapse

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If it is no such dict.

    Source: slide "Experiments", its chance.
    """
    figures.as_all("found", found, list, named=True)
    for name, several in found.items():
        figures.as_all(f"found[{name!r}]", several, Collapse)
    heads = ["ψ reads", "decay", "told", "largest s.d.", "head"]
    rows = [
        [
            name,
            f"{c.decay:g}",
            f"{100 * c.pretext_accuracy:.1f} %",
            _size(c.spread),
            f"{100 * c.accuracy:.2f} %",
        ]
        for name, several in found.items()
        for c in several
    ]
    return figures.table("results", heads, rows)


def _size(value):
    """Two digits, with a power of ten where it is small."""
    digits, power = f"{value:.1e}".split("e")
    if value == 0 or int(power) >= -2:
        return f"{value:.2g}"
    return f"{digits}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{str(int(power)).translate(_RAISED)}"


def training_figure(snapshots):
    """Draw y left, z told and accuracy against the steps of a processor's training.

    Parameters
    ----------
    snapshots : list of Snapshot

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If it is no such list.

    Source: slide "How to Obtain f ? (Cont.)".
    """
    figures.as_all("snapshots", snapshots, Snapshot)
    steps = [s.step for s in snapshots]
    curves = [
        ("train_y_error", "y left on the extra labels"),
        ("pretext_told", "z told by f(x), fresh images"),
        ("accuracy", "test accuracy of a head on f(x)"),
    ]
    fig, ax = plt.subplots()
    for (field, label), marker in zip(curves, "os^", strict=True):
        ax.plot(steps, [getattr(s, field) for s in snapshots], marker=marker, ms=4, label=label)
    ax.set(xlabel="steps of the processor's training", ylabel="share", ylim=(0, 1))
    ax.legend()
    return fig


def map_figure(before, after, labels, *, shown=("airplane", "automobile", "frog", "horse")):
    """Draw the two leading principal components of f(x) before and after its training.

    Parameters
    ----------
    before, after : arrays (n, d_f)
        f(x) of the same images.
    labels : int array (n,)
    shown : sequence of str
        Classes to colour; the others are left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If these are not two features each of the same images, with their labels, or of no known
        class.

    Source: slide "How to Obtain f ?".
    """
    before, after = as_samples(least=2, before=before, after=after)
    labels = as_labels("labels", labels, rows=len(before))
    for name in figures.as_all("shown", shown, str):
        as_choice("shown", name, CLASSES)
    for name, features in (("before", before), ("after", after)):
        as_count(f"number of columns of {name}", features.shape[1], least=2)
    fig, axes = plt.subplots(1, 2, figsize=(4.8, 3.0))
    colours = list(figures.PALETTE.values())
    for ax, features, title in zip(
        axes, (before, after), ("untrained f", "trained f"), strict=True
    ):
        around_mean = centred(features)[0]
        leading = np.linalg.svd(around_mean, full_matrices=False)[2][:2]
        points = around_mean @ leading.T
        for name, colour, marker in zip(shown, colours, "os^D", strict=False):
            own = points[labels == CLASSES.index(name)]
            ax.plot(*own.T, marker, ms=2.5, alpha=0.7, color=colour, label=name)
        ax.set(title=title, xlabel="first component", xticks=[], yticks=[])
        ax.grid(False)
    axes[0].set_ylabel("second component")
    handles, names = axes[0].get_legend_handles_labels()
    fig.legend(handles, names, ncols=2, loc="outside lower center", markerscale=2)
    return fig


def spectrum_figure(features):
    """Draw the eigenvalues of the covariance of several features, as shares of their sum.

    Parameters
    ----------
    features : dict of str to array (n, d)

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If it is no such dict, or features do not vary.

    Source: slide "The Conditions That Processor f Needs to Satisfy".
    """
    figures.as_all("features", features, object, named=True)
    fig, ax = plt.subplots()
    for (name, F), marker in zip(features.items(), "os^D", strict=False):
        values = spectrum(F)
        ax.plot(np.arange(1, len(values) + 1), values / values.sum(), marker, ms=3, label=name)
    ax.set(
        xlabel="component",
        ylabel="share of the variance",
        yscale="log",
        xscale="log",
        ylim=(1e-7, 1),
    )
    ax.legend()
    return fig
