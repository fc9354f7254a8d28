"""Figures with sliders: what they hold for each position, and what they refuse."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sslboost.pages import figures
from sslboost.pages.glue import place
from sslboost.pages.interactive import Drag, Move, Reading, Slider, show, slider

ALT = "a line that rises the faster the larger its slope"
SLOPES, HEIGHTS = (1, 2, 3), (0, 4)


def sliders():
    return {
        "slope": Slider("slope of the line, d_y", tuple(map(str, SLOPES)), 1),
        "height": Slider("height <at 0>", tuple(map(str, HEIGHTS)), 0),
    }


def draw(**other):
    """A line y = slope x + height on [0, 1], in a figure from 0 to 8."""
    figures.use()
    fig, ax = plt.subplots(figsize=(4, 3))
    (line,) = ax.plot([], [])
    ax.set(xlim=(0, 1), ylim=(0, 8))
    x = np.array([0, 0.5, 1])
    y = np.array(SLOPES)[:, None, None] * x + np.array(HEIGHTS)[:, None]
    ends = np.array([[str(s + h) for h in HEIGHTS] for s in SLOPES])
    by = ("slope", "height")
    given = {
        "alt": ALT,
        "sliders": sliders(),
        "moves": [Move(line, by, x, y)],
        "says": "With a slope of {slope} it ends at {end}; 0 < 1.",
        "readings": {"end": Reading(by, ends)},
        "drags": [Drag(ax, {}, {"height": HEIGHTS})],
    }
    return show(fig, **given | other)


def test_a_slider_over_numbers_shows_them_as_told():
    made = slider("share", (5, 10, 50), 10, "{} %".format)
    assert made == Slider("share", ("5 %", "10 %", "50 %"), 1)


def vertices(path):
    """The vertices of a path, (n, 2)."""
    return np.array([pair.split(" ") for pair in re.split("[ML]", path)[1:]], float)


def test_a_position_has_the_line_that_matplotlib_draws_there():
    shown = draw()
    (line, *_) = shown.data["parts"]
    for i, slope in enumerate(SLOPES):
        for j, height in enumerate(HEIGHTS):
            figures.use()
            fig, ax = plt.subplots(figsize=(4, 3))
            ax.plot([0, 0.5, 1], slope * np.array([0, 0.5, 1]) + height, gid="here")
            ax.set(xlim=(0, 1), ylim=(0, 8))
            svg = figures.show(fig, ALT).svg
            drawn = re.search(r'-here">\s*<path d="([^"]*)"', svg)[1]
            drawn = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", drawn), float)
            path = line["path"][i * len(HEIGHTS) + j]
            np.testing.assert_allclose(vertices(path), drawn, atol=0.051)  # a tenth of a point


def test_the_still_picture_is_that_of_the_start():
    shown = draw()
    line, slope, end = shown.data["parts"]
    still = re.search(r'move0">\s*<path d="([^"]*)"', shown.svg)[1]
    assert still == line["path"][1 * len(HEIGHTS) + 0] != line["path"][0]
    assert shown.says == (
        'With a slope of <b data-says="slope">2</b> it ends at <b data-says="end">2</b>; 0 &lt; 1.'
    )
    assert line["target"].removesuffix(" path").removeprefix("#") in shown.svg
    assert (slope["by"], slope["words"]) == ([0], ["1", "2", "3"])
    assert (end["by"], end["words"]) == ([0, 1], ["1", "5", "2", "6", "3", "7"])


def test_a_pointer_finds_the_heights_where_they_stand():
    shown = draw()
    (drag,) = shown.data["drags"]
    left, top, right, bottom = drag["box"]
    ((along,),) = [drag["along"]]
    assert (along["slider"], along["axis"]) == (1, 1)
    assert along["places"] == pytest.approx([bottom, (top + bottom) / 2], abs=0.1)
    assert vertices(shown.data["parts"][0]["path"][0])[[0, -1], 0] == pytest.approx([left, right])


def test_nan_interrupts_a_line_and_a_start_without_one_is_drawn_later():
    figures.use()
    fig, ax = plt.subplots()
    (line,) = ax.plot([], [])
    ax.set(xlim=(0, 3), ylim=(0, 1))
    x = np.array([0, 1, np.nan, 2, 3])
    y = np.array([[np.nan], [0.5], [0.6]])
    one = {"slope": sliders()["slope"]}
    one["slope"] = Slider("slope", one["slope"].shown, 0)
    moves = [Move(line, ("slope",), x, y)]
    shown = show(fig, ALT, sliders=one, moves=moves, says="At {slope}.", readings={})
    assert 'move0">\n' in shown.svg and shown.data["parts"][0]["path"][0] == ""
    assert re.sub("[^ML]", "", shown.data["parts"][0]["path"][1]) == "MLML"


def test_the_page_holds_native_sliders_and_a_sentence_that_is_read_aloud():
    html = draw()._repr_html_()
    still, _, moved = html.partition("<template>")
    moved, _, after = moved.partition("</template>")
    assert "<input" not in still + after and "<svg" in still and "<output>" in after
    ranges = re.findall(r'<input type="range" min="0" max="(\d)" value="(\d)"', moved)
    assert ranges == [("2", "1"), ("1", "0")]
    assert "slope of the line, <i>d</i><sub>y</sub>" in moved and "height &lt;at 0&gt;" in moved
    data = re.search(r'<script type="application/json">(.*?)</script>', moved, re.S)[1]
    assert json.loads(data)["sliders"] == [["1", "2", "3"], ["0", "4"]]
    assert html == draw()._repr_html_()


def test_it_takes_the_place_of_a_figure():
    place("a", draw())
    with pytest.raises(ValueError, match="figure must be a Figure"):
        place("a", draw()._repr_html_())


def sound(**other):
    return Move(**{"line": plt.plot([])[0], "by": ("slope",), "x": [0, 1], "y": [[0, 1]]} | other)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Slider("", ("1", "2")), "label must say what is changed"),
        (lambda: Slider(None, ("1", "2")), "label must say what is changed"),
        (lambda: Slider("a", "12"), "shown must be two or more texts"),
        (lambda: Slider("a", ("1",)), "shown must be two or more texts"),
        (lambda: Slider("a", (1, 2)), "shown must be two or more texts"),
        (lambda: Slider("a", None), "shown must be two or more texts"),
        (lambda: Slider("a", ("1", "2"), 2), "start must be .*, got 2"),
        (lambda: slider("a", (1, 2), 3), r"start must be one of \(1, 2\), got 3"),
        (lambda: slider("a", [1, 2], 1), "values must be a tuple of numbers"),
        (lambda: slider("a", ("1", "2"), 1), "each of values must be a number"),
        (lambda: sound(line="line"), "line must be a Line2D, got str"),
        (lambda: sound(x="text"), "x must be a numeric array"),
        (lambda: sound(y=[1, np.inf]), "y must be finite"),
        (lambda: sound(y=[1, 2, 3]), r"x and y must fit each other, got shapes \[\(2,\), \(3,\)\]"),
        (lambda: Reading(("slope",), [1, 2]), "words must be an array of texts"),
        (lambda: Reading(("slope",), [["1"], []]), "words must be an array of texts"),
        (lambda: Reading("slope", ["1", "2"]), "by must hold names of sliders, got 'slope'"),
        (lambda: sound(by=None), "by must hold names of sliders, got None"),
        (lambda: sound(x=np.ma.masked_array([0.0, 1.0])), "x must have no mask"),
        (lambda: Drag(None, {}, {}), "ax must be an Axes, got NoneType"),
        (lambda: Drag(plt.gca(), {"a": [1], "b": [1]}, {}), "x must be a dict of one slider"),
        (lambda: Drag(plt.gca(), {}, None), "y must be a dict of one slider"),
        (lambda: draw(alt="short"), "alt must be a sentence"),
        (lambda: draw(sliders=[]), "sliders must be a dict"),
        (lambda: draw(sliders={"slope": 1}), "sliders must hold Sliders"),
        (lambda: draw(moves=[1]), "moves must hold Moves"),
        (lambda: draw(moves=None), "moves must hold Moves"),
        (lambda: draw(readings={"end": "2"}), "readings must hold Readings"),
        (lambda: draw(drags=[1]), "drags must hold Drags"),
        (lambda: draw(says="it ends at {nowhere}"), "says must name one of slope, height, end"),
        (lambda: draw(says=1), "says must be a str"),
        (
            lambda: draw(readings={"end": Reading(("slope",), ["1", "2"])}),
            r"readings\['end'\] must have a value for each of \(3,\) positions, got \(2,\)",
        ),
        (
            lambda: draw(readings={"end": Reading(("tilt",), ["1", "2"])}),
            r"readings\['end'\] must be by sliders of slope, height, got \('tilt',\)",
        ),
        (
            lambda: draw(moves=[sound(y=np.zeros((2, 2)))]),
            r"moves\[0\] must have a value for each of \(3,\) positions, got \(2, 2\)",
        ),
        (lambda: sound(by=()), r"by must hold names of sliders, got \(\)"),
        (
            lambda: draw(moves=[sound(y=np.zeros((3, 2)))]),
            r"moves\[0\] must be a line of the figure",
        ),
        (
            lambda: draw(drags=[Drag(plt.gca(), {"slope": [1.0]}, {})]),
            r"drags: 'slope' must have a value for each of \(3,\) positions",
        ),
    ],
)
def test_what_cannot_be_moved_is_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()
