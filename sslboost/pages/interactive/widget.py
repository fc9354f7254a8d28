"""Figures that a reader moves: sliders whose every position was computed beforehand.

A figure is drawn once, in the state in which it stands in print and where no script runs. For each
position of the sliders the page holds what the moving lines look like and what the sentence under
the figure says, so that a small script only looks things up: whatever a reader sees was computed by
the package, and nothing by the browser.
"""

import io
import json
import re
from html import escape
from pathlib import Path
from string import Formatter

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

from sslboost.core.validation import takes
from sslboost.pages import figures
from sslboost.pages.interactive.parts import Drag, Move, Reading, Slider

_SCRIPT = Path(__file__).with_name("widget.js").read_text("utf-8")


class Interactive(figures.Figure):
    """A drawn figure with sliders; where no script runs, a still picture and what it says."""

    def __init__(self, svg, alt, says, controls, data):
        super().__init__(svg, alt)
        self.says = says
        self.controls = controls
        self.data = data

    def _repr_html_(self):
        name = re.search(r'id="(f[0-9a-f]{8}-)', self.svg)[1] + "moved"
        data = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False)
        data = data.replace("<", "\\u003c")
        return (
            f'<figure class="sslboost interactive" id="{name}">{self.svg}'
            f'<template><div class="controls">{self.controls}</div>'
            f'<script type="application/json">{data}</script></template>'
            f'<p class="reading"><output>{self.says}</output></p></figure>'
            f'<script>({_SCRIPT.strip()})(document.getElementById("{name}"));</script>'
        )


@takes(fig=Drawing, sliders=dict, says=str, readings=dict)
def show(fig, alt, *, sliders, moves, says, readings, drags=()):
    """Turn a matplotlib figure into one with sliders, and close it.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Drawn under :func:`sslboost.pages.figures.use`.
    alt : str
        As in :func:`sslboost.pages.figures.show`; it is read whatever the sliders say.
    sliders : dict of str to Slider
        By name, in the order in which they stand under the figure.
    moves : list of Move
        What moves in the figure; the start is put into the still picture.
    says : str
        The sentence under the figure, which is read aloud when it changes. A name in braces stands
        for the value of a slider, or for a reading.
    readings : dict of str to Reading
    drags : list of Drag

    Returns
    -------
    Interactive

    Raises
    ------
    ValueError
        If a slider is named that there is not, or something has not one value for each position.
    """
    for given, values, kind in (
        ("sliders", sliders.values(), Slider),
        ("moves", moves, Move),
        ("readings", readings.values(), Reading),
        ("drags", drags, Drag),
    ):
        if not np.iterable(values) or not all(isinstance(value, kind) for value in values):
            raise ValueError(f"{given} must hold {kind.__name__}s, got {values!r:.80}")
    order = list(sliders)
    words, sentence = _sentence(sliders, says, readings)
    states = [_positions(f"moves[{i}]", m.x, m.by, sliders, 1) for i, m in enumerate(moves)]
    # Laid out as an SVG, and then no more: from here on coordinates are final.
    FigureCanvasSVG(fig).print_svg(io.StringIO())
    fig.set_layout_engine("none")
    fig.set_dpi(72)
    paths = [_paths(fig, move) for move in moves]
    for i, move in enumerate(moves):  # anywhere, so that it is drawn: its path takes this place
        x, y = move.line.get_transform().inverted().transform(fig.bbox.size / 2)
        move.line.set(gid=f"move{i}", data=([x, x], [y, y]))
    dragged = [_dragged(fig, drag, sliders) for drag in drags]
    svg = figures.show(fig, alt).svg
    parts = []
    for i, (move, path, state) in enumerate(zip(moves, paths, states, strict=True)):
        still = path[np.ravel_multi_index(state, move.x.shape[:-1])]
        pattern = rf'(id="(f\w{{8}}-move{i})">\s*<path d=")[^"]*'
        svg, found = re.subn(pattern, rf"\g<1>{still}", svg)
        if found != 1:
            raise ValueError(f"moves[{i}] must be a line of the figure, and seen")
        target = f"#{re.search(pattern, svg)[2]} path"
        parts.append({"target": target, "by": [order.index(n) for n in move.by], "path": path})
    for name, reading in words.items():
        by = [order.index(n) for n in reading.by]
        target = f'[data-says="{name}"]'
        parts.append({"target": target, "by": by, "words": reading.words.ravel().tolist()})
    controls = "".join(map(_control, sliders.values()))
    data = {"sliders": [s.shown for s in sliders.values()], "parts": parts, "drags": dragged}
    return Interactive(svg, alt, sentence, controls, data)


def _positions(name, values, by, sliders, inner=0):
    """Where the values of the start are in an array that has an axis for each slider in ``by``."""
    if not set(by) <= set(sliders):
        raise ValueError(f"{name} must be by sliders of {', '.join(sliders)}, got {by!r}")
    shape, need = np.shape(values), tuple(len(sliders[one].shown) for one in by)
    if len(shape) != len(need) + inner or shape[: len(need)] != need:
        raise ValueError(f"{name} must have a value for each of {need} positions, got {shape}")
    return tuple(sliders[one].start for one in by)


def _sentence(sliders, says, readings):
    """The readings by name, those of the sliders among them, and the sentence at the start."""
    known = {name: Reading((name,), slider.shown) for name, slider in sliders.items()} | readings
    used, html = {}, []
    for text, name, _, _ in Formatter().parse(says):
        html.append(_symbols(text))
        if name is None:
            continue
        if name not in known:
            raise ValueError(f"says must name one of {', '.join(known)}, got {name!r}")
        used[name] = known[name]
        start = _positions(f"readings[{name!r}]", known[name].words, known[name].by, sliders)
        words = escape(str(known[name].words[start]))
        html.append(f'<b data-says="{escape(name)}">{words}</b>')
    return used, "".join(html)


def _control(slider):
    """A native slider: keys, touch and screen readers know it."""
    shown = escape(slider.shown[slider.start])
    return (
        f'<label><span>{_symbols(slider.label)}</span> <input type="range" min="0" '
        f'max="{len(slider.shown) - 1}" value="{slider.start}" aria-valuetext="{shown}"> '
        f'<b aria-hidden="true">{shown}</b></label>'
    )


def _symbols(text):
    """Text as HTML, in which d_y has its subscript."""
    return re.sub(r"\b([a-z])_(\w)\b", r"<i>\1</i><sub>\2</sub>", escape(text))


def _points(fig, transform, x, y):
    """Coordinates of the SVG, (..., 2), in points from the top left."""
    shape = np.shape(x)
    points = transform.transform(np.column_stack([np.ravel(x), np.ravel(y)]))
    points[:, 1] = fig.bbox.height - points[:, 1]
    return np.clip(points, -1e3, 1e4).reshape(*shape, 2)


def _paths(fig, move):
    """What SVG draws in every state."""
    points = _points(fig, move.line.get_transform(), move.x, move.y)
    return [_path(state) for state in points.reshape(-1, *points.shape[-2:])]


def _path(points):
    steps, pen = [], "M"
    for x, y in points:
        if np.isnan(x + y):
            pen = "M"
            continue
        steps.append(f"{pen}{_short(x)} {_short(y)}")
        pen = "L"
    return "".join(steps)


def _short(number):
    return f"{number:.1f}".removesuffix(".0")


def _dragged(fig, drag, sliders):
    """The box of the axes in the SVG, and where the values of the sliders stand in it."""
    box, height, along = drag.ax.bbox, fig.bbox.height, []
    for axis, given in enumerate((drag.x, drag.y)):
        for name, values in given.items():
            _positions(f"drags: {name!r}", values, (name,), sliders)
            at = np.tile([drag.ax.get_xlim()[0], drag.ax.get_ylim()[0]], (len(values), 1))
            at[:, axis] = values
            places = _points(fig, drag.ax.transData, *at.T)[:, axis]
            order = list(sliders).index(name)
            along.append({"slider": order, "axis": axis, "places": places.round(1).tolist()})
    corners = [box.x0, height - box.y1, box.x1, height - box.y0]
    return {"box": np.round(corners, 1).tolist(), "along": along}
