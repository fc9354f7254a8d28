"""Drawings that explain an idea before any formula does."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from sslboost.pages.figures import PALETTE

GRAPH_ALT = (
    "The label y and a nuisance s each drive a part of the input x and a part of the pretext "
    "label z; without the link from s to z, what x and z share is y alone. The representation "
    "psi reads x, perhaps through a processor f, and the head W reads psi."
)

# Corners are in tenths of an inch, so that the drawing is as wide as it is said to be.
_WIDTH, _HEIGHT = 46, 36


def graph():
    """Draw what drives the input and the pretext label, and what reads them.

    The label y and the nuisance s drive parts of x and of z. The link from s to z is the one to
    cut for conditional independence, and has the gid "s to z". psi reads x, and W reads psi; a
    processor f may stand between x and psi.

    Returns
    -------
    matplotlib.figure.Figure
        Legible on a phone, where it is 350 px wide.

    Source: slides "Why Does Pretext-Based SSL Work?" and "Pretext-Based SSL".
    """
    fig, ax = plt.subplots(figsize=(_WIDTH / 10, _HEIGHT / 10))
    ax.set(xlim=(0, _WIDTH), ylim=(2, 2 + _HEIGHT), aspect="equal")
    ax.axis("off")
    _variables(ax)
    _pipeline(ax)
    return fig


def _variables(ax):
    """The latents between their two columns of children."""
    ax.text(6.5, 35.2, "input $x$", ha="center")
    ax.text(39.5, 35.2, "pretext label $z$", ha="center")
    parts = [
        (0.5, 29.6, "driven by $y$", "green"),
        (0.5, 24.6, "driven by $s$", "orange"),
        (0.5, 19.6, "noise", "grey"),
        (33.5, 29.6, "driven by $y$", "green"),
        (33.5, 24.6, "driven by $s$", "orange"),
    ]
    for left, low, words, colour in parts:
        ax.add_patch(Rectangle((left, low), 12, 4.6, fc=PALETTE[colour], alpha=0.25, lw=0))
        ax.text(left + 6, low + 2.2, words, ha="center", va="center")
    for name, words, height, colour in [
        ("y", "label $y$", 31.8, "green"),
        ("s", "nuisance $s$", 26.8, "orange"),
    ]:
        _box(ax, (18, height - 1.9), (10, 3.8), words, colour)
        _arrow(ax, (17.8, height), (12.7, height), colour)
        _arrow(ax, (28.2, height), (33.3, height), colour, dashed=name == "s", gid=f"{name} to z")
    ax.plot([29.6, 31.2], [25, 28.6], color=PALETTE["orange"], lw=2.5)  # a cut across the link
    ax.text(21.5, 20.4, "cut here for\n" r"$x \perp z \mid y$", ha="center", va="center")
    _arrow(ax, (26.8, 21.6), (29.3, 24.4), "grey")


def _pipeline(ax):
    """What reads x, from left to right, and what each part is learned from."""
    boxes = [
        (6.5, "$f$", "processor\n(may be left out)", "purple", "--"),
        (23, r"$\psi$", "predicts $z$:\nno labels needed", "blue", "-"),
        (39.5, "$W$", "predicts $y$:\nneeds labels", "green", "-"),
    ]
    for middle, name, words, colour, line in boxes:
        _box(ax, (middle - 3, 8.5), (6, 5), name, colour, line=line, size=13)
        ax.text(middle, 7.5, words, ha="center", va="top")
    _arrow(ax, (6.5, 19.2), (6.5, 13.9), "grey")
    _arrow(ax, (10, 11), (19.5, 11), "grey")
    _arrow(ax, (26.5, 11), (36, 11), "grey")


def _box(ax, corner, size_of_box, words, colour, *, line="-", size=None):
    style = {"fc": "none", "ec": PALETTE[colour], "ls": line, "lw": 1.8}
    box = "round,pad=0,rounding_size=1"
    ax.add_patch(FancyBboxPatch(corner, *size_of_box, boxstyle=box, **style))
    middle = [at + length / 2 for at, length in zip(corner, size_of_box, strict=True)]
    ax.text(*middle, words, ha="center", va="center_baseline", size=size)


def _arrow(ax, start, end, colour, *, dashed=False, gid=None):
    style = {"arrowstyle": "-|>", "mutation_scale": 11, "shrinkA": 0, "shrinkB": 0, "lw": 1.8}
    arrow = FancyArrowPatch(
        start, end, color=PALETTE[colour], linestyle="--" if dashed else "-", gid=gid, **style
    )
    ax.add_patch(arrow)
