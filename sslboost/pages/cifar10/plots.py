"""Pictures and tables of the image chapter; a visible note where there are no images."""

from functools import wraps

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from sslboost.core.validation import as_count, as_labels, as_matrix, takes
from sslboost.images.data import CLASSES, Cifar10, Split
from sslboost.images.pretexts import Colourisation, Inpainting, Rotation
from sslboost.images.probe import Probe
from sslboost.images.table.record import select
from sslboost.pages import figures
from sslboost.pages.cifar10._runs import runs_of
from sslboost.pages.cifar10.report import READINGS, estimate
from sslboost.pages.figures import Html


def note():
    """Return the note that stands where images are missing.

    Returns
    -------
    Html
    """
    return Html(
        '<div class="admonition note"><p class="admonition-title">No images here</p>'
        "<p>CIFAR-10 could not be fetched when this page was built, so this live cell "
        "was not run. Build again with a network connection to see it.</p></div>"
    )


def _needs_images(draw):
    checked = takes(cifar=Cifar10)(draw)

    @wraps(draw)
    def drawn(cifar, *arguments, **options):
        return note() if cifar is None else checked(cifar, *arguments, **options)

    return drawn


def _chosen(cifar, indices):
    """Indices of training images, checked."""
    chosen = as_labels("indices", indices)
    if chosen.min() < 0 or chosen.max() >= len(cifar.train_images):
        most = len(cifar.train_images) - 1
        raise ValueError(f"indices must be from 0 to {most}, got {chosen.min()} to {chosen.max()}")
    return chosen


def _tiles(images):
    """Lay images (rows, columns, 3, H, W) out as one picture with a one-pixel gap."""
    rows, columns, _, H, W = images.shape
    canvas = np.zeros((rows * (H + 1) - 1, columns * (W + 1) - 1, 4), dtype=np.uint8)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (H + 1), j * (W + 1)
            canvas[top : top + H, left : left + W, :3] = images[i, j].transpose(1, 2, 0)
            canvas[top : top + H, left : left + W, 3] = 255
    return canvas


def _mosaic(images, row_names, alt):
    fig, ax = plt.subplots(figsize=(4.8, 0.37 * len(images) + 0.1))
    ax.imshow(_tiles(images), interpolation="nearest")
    ax.set_yticks(16 + 33 * np.arange(len(images)), row_names)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_anchor("E")  # whatever room is to spare is that of the names
    return figures.show(fig, alt=alt)


@_needs_images
def examples(cifar, indices, *, columns=10):
    """Show the first training images of every class among ``indices``.

    Parameters
    ----------
    cifar : Cifar10 or None
    indices : int array
        Training images to choose from.
    columns : int
        Images per class.

    Returns
    -------
    Figure, or a note when there are no images

    Raises
    ------
    ValueError
        If ``cifar`` holds no images, ``indices`` are not of training images, or a class
        has fewer among them than there are columns.

    Source: Krizhevsky (2009).
    """
    indices, columns = _chosen(cifar, indices), as_count("columns", columns)
    labels = cifar.train_labels[indices]
    chosen = [indices[labels == label][:columns] for label in range(10)]
    if (fewest := min(map(len, chosen))) < columns:
        raise ValueError(f"indices must hold {columns} images of every class, got {fewest} of one")
    images = np.stack([cifar.train_images[row] for row in chosen])
    return _mosaic(images, CLASSES, "Ten small colour photographs of each of the ten classes")


@_needs_images
def rotations(cifar, indices):
    """Show images and their four quarter turns, which the pretext network must tell apart.

    Parameters
    ----------
    cifar : Cifar10 or None
    indices : int array
        Training images to show, one to a column.

    Returns
    -------
    Figure, or a note when there are no images

    Raises
    ------
    ValueError
        If ``cifar`` holds no images, or ``indices`` are not of training images.

    Source: Gidaris et al. (2018), Figure 2.
    """
    images = torch.tensor(cifar.train_images[_chosen(cifar, indices)])
    turned = [
        Rotation().apply(images, torch.full((len(images),), quarter)).numpy()
        for quarter in range(4)
    ]
    names = [f"$z$ = {90 * quarter}°" for quarter in range(4)]
    return _mosaic(
        np.stack(turned), names, "The same photographs upright and after one, two, three turns"
    )


@_needs_images
def hidden(cifar, indices):
    """Show images and what is left of them by colourisation and by inpainting.

    Parameters
    ----------
    cifar : Cifar10 or None
    indices : int array
        Training images to show, one to a column.

    Returns
    -------
    Figure, or a note when there are no images

    Raises
    ------
    ValueError
        If ``cifar`` holds no images, or ``indices`` are not of training images.

    Source: Zhang et al. (2016); Pathak et al. (2016).
    """
    images = torch.tensor(cifar.train_images[_chosen(cifar, indices)])
    shown = [images, Colourisation().present(images), Inpainting().present(images)]
    names = ["the image", "luminance", "the frame"]
    alt = "The same photographs whole, without their colours, and without their centres"
    return _mosaic(np.stack([part.numpy() for part in shown]), names, alt)


@_needs_images
@takes(parts=Split)
def split_table(cifar, parts):
    """Return a table of the split: size and images per class of every part.

    Parameters
    ----------
    cifar : Cifar10 or None
    parts : Split

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If ``cifar`` holds no images, or ``parts`` is no split of them.

    Source: slide "Experiments", caption of the table.
    """
    names = ["extra", "pretext", "downstream"]
    chosen = [_chosen(cifar, getattr(parts, name)) for name in names]
    counts = np.array([np.bincount(cifar.train_labels[one], minlength=10) for one in chosen])
    named = [*zip(CLASSES, counts.T, strict=True), ("all", counts.sum(axis=1))]
    rows = [[kind, *(f"{count:,}" for count in own)] for kind, own in named]
    return figures.table("split", ["class", "extra", "pretext", "down."], rows)


def training_curve(history):
    """Draw pretext accuracy against epochs.

    Parameters
    ----------
    history : list of [epoch, loss, accuracy]

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If it is no list of three numbers each.

    Source: Gidaris et al. (2018).
    """
    epoch, _, accuracy = as_matrix("history", history, columns=3).T
    fig, ax = plt.subplots()
    ax.plot(epoch, accuracy, label="training images, with augmentation")
    ax.axhline(0.25, color=figures.PALETTE["grey"], ls=":", label="chance")
    ax.set(xlabel="epochs over the pretext images", ylabel="rotations told", ylim=(0.2, None))
    ax.legend()
    return fig


def probe_table(rows):
    """Return a table of probes with their standard errors.

    Parameters
    ----------
    rows : list of (str, Probe)

    Returns
    -------
    Html

    Raises
    ------
    ValueError
        If they are no names and probes.

    Source: slide "Experiments".
    """
    heads = ["features", "read at", "number", "held-out accuracy", "test accuracy (s.e.)"]
    named = figures.as_all("rows", rows, tuple)
    if not all(len(row) == 2 and isinstance(row[0], str) for row in named):
        raise ValueError(f"rows must hold pairs of a name and a Probe, got {rows!r:.80}")
    figures.as_all("rows", [probe for _, probe in named], Probe)
    cells = [
        [
            name,
            probe.name,
            str(probe.width),
            f"{100 * probe.held_out:.1f} %",
            f"{100 * probe.accuracy:.2f} % ({100 * probe.standard_error:.2f})",
        ]
        for name, probe in named
    ]
    return figures.table("probes", heads, cells, named=False)


def labels_figure(table, *, labels="full", pretext="rotation"):
    """Draw accuracy against n0: every reading, beyond the extra part, and the alternatives.

    Intervals are those of Student's t over the seeds, 95 %.

    Parameters
    ----------
    table : dict
        As of :func:`sslboost.images.table.read`.
    labels, pretext : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If it is no recorded table, or holds no such rows.

    Source: slide "Experiments", up to 5k.
    """
    runs = runs_of(table, labels=labels, pretext=pretext)
    fig, axes = plt.subplots(2, 1, figsize=(4.8, 8.8), sharey=True)
    titles = {"output": "heads on outputs", "hidden": "heads on hidden layers"}
    for ax, (features, title) in zip(axes, titles.items(), strict=True):
        _draw_labels(ax, runs, features)
        ax.set(title=title, xscale="log", xlabel="extra labels $n_0$", ylabel="test accuracy (%)")
        ax.set_xticks([1000, 5000, 35000], ["1k", "5k", "35k"])
        ax.minorticks_off()
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    axes[0].set_ylim(bottom=0)  # of both panels, once both are drawn
    return fig


#: Other uses of the extra labels, whose heads read hidden layers.
_ALTERNATIVES = {
    "head": ("plain SSL, labels to the head", {"fmt": "s"}),
    "encoder": ("plain SSL, labels to the encoder", {"fmt": "D", "mfc": "none"}),
    "labels": ("no SSL, a network of these labels", {"fmt": "^"}),
}


def _draw_labels(ax, runs, features):
    """Accuracy against n0 of heads of one kind."""
    grey = figures.PALETTE["grey"]

    def draw(rows, **style):
        sizes = sorted({row["n0"] for row in rows})
        found = [estimate(rows, n0=n0) for n0 in sizes]
        mean, error = 100 * np.array(found).reshape(-1, 2).T
        seeds = np.array([len(select(rows, n0=n0)) for n0 in sizes])
        half = np.nan_to_num(stats.t.isf(0.025, seeds - 1) * error)  # unknown of a single seed
        ax.plot(sizes, mean, lw=1, color=style["color"], alpha=0.6)
        figures.interval(ax, np.array(sizes), mean, half, z=1, **style)

    linear = [row for row in runs if row["adversary"] == "linear" and row["features"] == features]
    named = [(psi, name) for (kind, psi), name in READINGS.items() if kind == features]
    for (psi, name), colour in zip(named, figures.PALETTE.values(), strict=False):
        arms = ("processor", "beyond")
        if rows := [row for row in linear if row["psi"] == psi and row["arm"] in arms]:
            draw(rows, color=colour, fmt="o", label=f"processor: {name}")
    if features == "hidden":
        for arm, (name, style) in _ALTERNATIVES.items():
            if rows := select(runs, arm=arm, features="hidden"):
                draw(rows, color=grey, label=name, **style)
    plain = 100 * estimate(runs, arm="ssl", features=features)[0]
    for level, name, style, offset in (
        (plain, "plain SSL", "--", 3 if features == "hidden" else -11),  # where there is room
        (10, "chance", ":", -11),
    ):
        ax.axhline(level, color=grey, ls=style, lw=1)
        at = {"xytext": (0, offset), "textcoords": "offset points", "ha": "right"}
        ax.annotate(name, (35000, level), **at)
    ax.axvline(5000, color=grey, lw=0.5)
