"""Drawings of why a processor with too few labels loses them: directions, and angles."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Polygon, Wedge

from sslboost.bounds import past_threshold
from sslboost.pages.figures import PALETTE

#: The processors of the drawing of directions: n0 / m, colour and name.
_FITS = (
    (np.inf, "green", "unlimited labels"),
    (2.0, "orange", "some more than $m$"),
    (1.0, "purple", "$m$ labels or fewer"),
)
#: Weight of the pretext term, share of var y that x explains, and what that share explains of z.
_LAM, _K2, _KAPPA2 = 0.3, 0.9, 1.5
#: Where the axes of the drawing of directions go on the page: along U, across it in V, along N.
_AXES = np.array([[0.92, -0.26], [0.62, 0.36], [0.0, 1.0]])
#: Small enough for a phone, with letters that are large enough there.
_SIZE, _LETTERS = (5.0, 3.9), 11.5


def directions():
    """Draw how the minimiser of the processor's loss tilts out of U into N as labels get fewer.

    The whitened inputs have the plane V, which predicts z, the line U in it, which matters for
    y, and N upright on V. The arrows have the alignment of the limit past the threshold; each
    one's shadow on V is what the pretext task sees of it.

    Returns
    -------
    matplotlib.figure.Figure

    Source: slide "Insufficient Downstream Samples Provably Fails"; chapter 4.
    """
    fig, ax = plt.subplots(figsize=_SIZE)
    _blank(ax)
    corners = np.array([[-0.25, -0.75, 0], [1.45, -0.75, 0], [1.45, 0.75, 0], [-0.25, 0.75, 0]])
    plane = Polygon(corners @ _AXES, color=PALETTE["sky"], alpha=0.22, lw=0)
    ax.add_patch(plane)
    _line(ax, [-0.25, 0, 0], [1.45, 0, 0], PALETTE["blue"])
    _line(ax, [0, 0, 0], [0, 0, 1.3], PALETTE["grey"])
    for ratio, name, label in _FITS:
        t = _alignment(ratio)
        tip = np.array([np.sqrt(t), 0, np.sqrt(1 - t)])
        _arrow(ax, tip, PALETTE[name])
        if 0 < t < 0.99:
            _line(ax, tip, tip * [1, 1, 0], PALETTE[name], ls=":")
            _arrow(ax, tip * [1, 1, 0], PALETTE[name], lw=4, alpha=0.45)
        beside = np.array([0.06, 0.07]) if t < 0.99 else np.array([-0.1, 0.09])
        _text(ax, *(tip @ _AXES + beside), label, color=PALETTE[name], weight="bold")
    _text(ax, *([1.45, -0.1, 0] @ _AXES - [0, 0.12]), "$U$: matters for $y$", ha="right")
    _text(ax, *([0.08, -0.58, 0] @ _AXES), "$V$: predicts $z$", va="top")
    _text(ax, -0.06, 1.28, "$N$: tells\nnothing of $z$", ha="right", va="top")
    return fig


def angles():
    """Draw how alignment and fitted noise turn a processor's outputs towards the labels.

    One panel at n0 = m, where fitted noise alone closes the right angle, and one past it, where
    an honest part is needed; the angles are those of the limit past the threshold.

    Returns
    -------
    matplotlib.figure.Figure

    Source: chapter 4, the limit past the threshold.
    """
    fig, axes = plt.subplots(1, 2, figsize=(5.0, 2.7))
    for ax, ratio, title in zip(axes, (1.0, 2.0), ("$n_0 = m$", "$n_0 = 2m$"), strict=True):
        _blank(ax)
        t = _alignment(ratio)
        alpha = np.degrees(np.arcsin(np.sqrt(_K2 * t)))
        beta = np.degrees(np.arcsin(np.sqrt((1 - t) / ratio)))
        start = 0.0
        for angle, name, symbol in ((alpha, "green", r"$\alpha$"), (beta, "purple", r"$\beta$")):
            if angle > 0:
                colour = PALETTE[name]
                ax.add_patch(Wedge((0, 0), 0.5, start, start + angle, color=colour, alpha=0.35))
                _text(ax, *(0.6 * _unit(start + angle / 2)), symbol, ha="center", va="center")
            start += angle
        outputs = _unit(start)
        ax.plot(*np.transpose([[0, 0], [1.15, 0]]), color=PALETTE["grey"], ls=":")
        ax.annotate("", _unit(90) * 1.04, (0, 0), arrowprops=_head(PALETTE["blue"]))
        _text(
            ax, -0.05, 0.75, "labels", rotation=90, ha="right", va="center", color=PALETTE["blue"]
        )
        if start < 89:
            ax.annotate("", outputs * 1.12, (0, 0), arrowprops=_head(PALETTE["orange"]))
            foot = outputs * np.sin(np.radians(start))
            ax.plot(*np.transpose([[0, 1], foot]), color=PALETTE["gold"], lw=2.6)
            _text(ax, 0.04, 1.1, "left over", color=PALETTE["gold"])
            place = outputs * 1.08 + [0.08, 0]
            _text(ax, *place, "outputs", color=PALETTE["orange"], va="center")
        else:
            _text(ax, 0.07, 0.98, "outputs lie on\nthe labels", color=PALETTE["orange"], va="top")
        ax.set_title(title, fontsize=_LETTERS)
        ax.set(xlim=(-0.25, 1.25), ylim=(-0.12, 1.3))
    return fig


def _alignment(ratio):
    """The share t of the processor's direction that lies on U, in the limit."""
    if np.isinf(ratio):
        return 1.0
    return float(past_threshold.limit(ratio, _LAM, _K2, _KAPPA2).t)


def _blank(ax):
    """Leave nothing of the axes."""
    ax.set_axis_off()
    ax.set_aspect("equal")


def _unit(degrees):
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _text(ax, x, y, text, **style):
    ax.text(x, y, text, **{"size": _LETTERS} | style)


def _line(ax, start, end, colour, **style):
    ax.plot(*(np.array([start, end]) @ _AXES).T, color=colour, **style)


def _head(colour, **style):
    return {"arrowstyle": "-|>", "color": colour, "lw": 2.6, "shrinkA": 0, "shrinkB": 0} | style


def _arrow(ax, tip, colour, **style):
    ax.annotate("", np.asarray(tip) @ _AXES, (0, 0), arrowprops=_head(colour, **style))
