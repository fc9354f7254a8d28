"""Pictures and tables of the image chapter; a visible note where there are no images."""

from functools import wraps
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import torch

from sslboost.images.data import CLASSES
from sslboost.images.pretexts import Colourisation, Inpainting, Rotation
from sslboost.pages import figures


class Html:
    """A fragment that Jupyter displays."""

    def __init__(self, html):
        self.html = html

    def _repr_html_(self):
        return self.html


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
    @wraps(draw)
    def drawn(cifar, *arguments, **options):
        if cifar is None:
            return note()
        return draw(cifar, *arguments, **options)

    return drawn


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
    fig, ax = plt.subplots(figsize=(7.2, 0.59 * len(images) + 0.1))
    ax.imshow(_tiles(images), interpolation="nearest")
    ax.set_yticks(16 + 33 * np.arange(len(images)), row_names)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
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

    Source: Krizhevsky (2009).
    """
    labels = cifar.train_labels[indices]
    chosen = [indices[np.flatnonzero(labels == label)[:columns]] for label in range(10)]
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

    Source: Gidaris et al. (2018), Figure 2.
    """
    images = torch.tensor(cifar.train_images[indices])
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

    Source: Zhang et al. (2016); Pathak et al. (2016).
    """
    images = torch.tensor(cifar.train_images[indices])
    shown = [images, Colourisation().present(images), Inpainting().present(images)]
    names = ["the image", "luminance", "the frame"]
    alt = "The same photographs whole, without their colours, and without their centres"
    return _mosaic(np.stack([part.numpy() for part in shown]), names, alt)


@_needs_images
def split_table(cifar, parts):
    """Return a table of the split: size and images per class of every part.

    Parameters
    ----------
    cifar : Cifar10 or None
    parts : Split

    Returns
    -------
    Html

    Source: slide "Experiments", caption of the table.
    """
    head = "<tr><th>part</th><th>images</th>" + "".join(f"<th>{c}</th>" for c in CLASSES) + "</tr>"
    rows = ""
    for name in ("extra", "pretext", "downstream"):
        indices = getattr(parts, name)
        counts = np.bincount(cifar.train_labels[indices], minlength=10)
        cells = "".join(f"<td>{count}</td>" for count in counts)
        rows += f"<tr><th>{name}</th><td>{len(indices)}</td>{cells}</tr>"
    return Html(f'<table class="split"><thead>{head}</thead><tbody>{rows}</tbody></table>')


def training_curve(history):
    """Draw pretext accuracy against epochs.

    Parameters
    ----------
    history : list of [epoch, loss, accuracy]

    Returns
    -------
    matplotlib.figure.Figure

    Source: Gidaris et al. (2018).
    """
    epoch, _, accuracy = np.array(history).T
    fig, ax = plt.subplots()
    ax.plot(epoch, accuracy, label="rotations told, training images with augmentation")
    ax.axhline(0.25, color=figures.PALETTE["grey"], ls=":", label="chance")
    ax.set(xlabel="epochs over the pretext images", ylabel="accuracy", ylim=(0.2, None))
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

    Source: slide "Experiments".
    """
    head = "".join(
        f"<th>{name}</th>"
        for name in ["features", "read at", "number", "held-out accuracy", "test accuracy (s.e.)"]
    )
    body = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(p.name)}</td><td>{p.width}</td>"
        f"<td>{100 * p.held_out:.1f} %</td>"
        f"<td>{100 * p.accuracy:.2f} % ({100 * p.standard_error:.2f})</td></tr>"
        for name, p in rows
    )
    return Html(
        f'<table class="probes"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
