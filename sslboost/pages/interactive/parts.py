"""What a figure with sliders is made of: sliders, lines that they move, and words."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sslboost.core.validation import as_array, as_count, as_number, takes
from sslboost.pages import figures


@dataclass(frozen=True)
class Slider:
    """What a reader may change, and the values that there are to choose from.

    Parameters
    ----------
    label : str
        What is changed, in words; a symbol such as d_y gets its subscript.
    shown : sequence of str
        The values, as the page prints them.
    start : int
        Which of them the still picture has.

    Raises
    ------
    ValueError
        If there is no label, there are fewer than two values, or ``start`` is none of them.
    """

    label: str
    shown: tuple[str, ...]
    start: int = 0

    def __post_init__(self):
        if not isinstance(self.label, str) or not self.label.strip():
            raise ValueError(f"label must say what is changed, got {self.label!r}")
        shown = tuple(self.shown) if isinstance(self.shown, list | tuple) else ()
        if len(shown) < 2 or not all(isinstance(value, str) for value in shown):
            raise ValueError(f"shown must be two or more texts, got {self.shown!r:.80}")
        object.__setattr__(self, "shown", shown)
        start = as_count("start", self.start, least=0, most=len(shown) - 1)
        object.__setattr__(self, "start", start)


@takes(shown=callable)
def slider(label, values, start, shown=str):
    """Return a slider over the values that a figure was computed at.

    Parameters
    ----------
    label : str
        As of :class:`Slider`.
    values : tuple of numbers
    start : number
        The one that the still picture has.
    shown : callable
        From a value to its text.

    Returns
    -------
    Slider

    Raises
    ------
    ValueError
        If ``start`` is none of the values, or they make no slider.
    """
    if not isinstance(values, tuple):
        raise ValueError(f"values must be a tuple of numbers, got {values!r:.80}")
    for value in values:
        as_number("each of values", value)
    if as_number("start", start) not in values:
        raise ValueError(f"start must be one of {values!r:.80}, got {start!r}")
    return Slider(label, tuple(shown(value) for value in values), values.index(start))


@dataclass(frozen=True, eq=False)
class Move:
    """A line that the sliders move.

    A dot is a line of two vertices in one place, with a round cap.

    Parameters
    ----------
    line : matplotlib.lines.Line2D
        Without markers.
    by : tuple of str
        Names of the sliders that move it.
    x, y : arrays (..., vertices)
        Its vertices in the coordinates of its axes: an axis for each slider in ``by``, and the
        vertices along the last one. They are broadcast; NaN interrupts the line.

    Raises
    ------
    ValueError
        If ``line`` is no line, ``by`` holds no names, or these are no arrays that fit each other.
    """

    line: Line2D
    by: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        if not isinstance(self.line, Line2D):
            raise ValueError(f"line must be a Line2D, got {type(self.line).__name__}")
        _check_names(self.by)
        for name in ("x", "y"):
            value = getattr(self, name)
            if type(value) is np.ndarray and value.dtype.kind == "f":
                value = np.where(np.isnan(value), 0, value)
            as_array(name, value, None)
        try:
            x, y = np.broadcast_arrays(self.x, self.y)
        except ValueError as error:
            shapes = [np.shape(self.x), np.shape(self.y)]
            raise ValueError(f"x and y must fit each other, got shapes {shapes}") from error
        object.__setattr__(self, "x", x.astype(float))
        object.__setattr__(self, "y", y.astype(float))


@dataclass(frozen=True, eq=False)
class Reading:
    """Words that the sliders change, for the sentence under the figure.

    Parameters
    ----------
    by : tuple of str
        Names of the sliders that change them.
    words : array of str
        An axis for each slider in ``by``.

    Raises
    ------
    ValueError
        If they are no texts, or ``by`` holds no names.
    """

    by: tuple[str, ...]
    words: np.ndarray

    def __post_init__(self):
        _check_names(self.by)
        try:
            words = np.asarray(self.words)
        except ValueError:  # ragged
            words = np.empty(0)
        if words.dtype.kind not in "UT" or not words.ndim:
            raise ValueError(f"words must be an array of texts, got {self.words!r:.80}")
        object.__setattr__(self, "words", words)


def _check_names(by):
    if not isinstance(by, tuple | list) or not by or not all(isinstance(b, str) for b in by):
        raise ValueError(f"by must hold names of sliders, got {by!r:.80}")


@dataclass(frozen=True, eq=False)
class Drag:
    """Axes in which a pointer moves sliders.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, y : dict of str to array
        For a slider that runs along that axis, where each of its values stands.

    Raises
    ------
    ValueError
        If ``ax`` is none, or there is more than one slider along an axis.
    """

    ax: Axes
    x: dict
    y: dict

    def __post_init__(self):
        if not isinstance(self.ax, Axes):
            raise ValueError(f"ax must be an Axes, got {type(self.ax).__name__}")
        for axis in ("x", "y"):
            given = getattr(self, axis)
            if not isinstance(given, dict) or len(given) > 1:
                raise ValueError(f"{axis} must be a dict of one slider or none, got {given!r:.80}")


def as_pair(axes):
    """Return two axes if these are two of one figure.

    Parameters
    ----------
    axes : sequence of 2 matplotlib.axes.Axes

    Returns
    -------
    list of matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If they are not.
    """
    pair = figures.as_all("axes", list(axes) if np.iterable(axes) else axes, Axes)
    if len(pair) != 2 or pair[0].figure is not pair[1].figure:
        raise ValueError(f"axes must be two of one figure, got {axes!r:.80}")
    return pair
