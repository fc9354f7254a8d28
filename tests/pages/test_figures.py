"""Figures: accessible, self-contained, reproducible bytes; the README's picture is current."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from sslboost.pages import figures, overview

PICTURE = Path(__file__).parents[2] / "book" / "_static" / "overview.svg"


def draw(alt="the line rises from one to three"):
    figures.use()
    fig, ax = plt.subplots()
    ax.plot([1, 2], [1, 3], label=r"$\psi^*$")
    ax.legend()
    return figures.show(fig, alt=alt)


def test_show_takes_the_page_text_colour_and_states_the_finding():
    svg = draw('less than "half" < 1/2').svg
    assert "currentColor" in svg
    assert 'aria-label="less than &quot;half&quot; &lt; 1/2"' in svg


def test_show_is_deterministic_and_two_figures_share_no_id():
    first, again, other = draw(), draw(), draw("the same line with other words")
    assert first.svg == again.svg
    ids = [set(re.findall(r'\bid="([^"]+)"', f.svg)) for f in (first, other)]
    assert ids[0] and not ids[0] & ids[1]


def test_every_reference_inside_a_figure_resolves():
    svg = draw().svg
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    assert references and all((a or b) in ids for a, b in references)


@pytest.mark.parametrize("alt", ["", "figure", None])
def test_show_needs_a_sentence(alt):
    with pytest.raises(ValueError, match="alt must be a sentence"):
        draw(alt)


def test_interval_spans_the_stated_number_of_standard_errors():
    figures.use()
    _, ax = plt.subplots()
    bars = figures.interval(ax, [0, 1], [1.0, 3], [0.5, 0], z=2, fmt="s")
    first, second = bars[2][0].get_segments()
    assert first[:, 1].tolist() == [0, 2] and second[:, 1].tolist() == [3, 3]
    assert bars[0].get_ydata().tolist() == [1, 3] and bars[0].get_marker() == "s"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ax": None}, "ax must be a Axes, got NoneType"),
        ({"x": "ab"}, "x must be a numeric array"),
        ({"x": [0, 1, 2]}, r"must be of one length, got \[3, 2, 2\]"),
        ({"estimate": [1, float("nan")]}, "estimate must be finite"),
        ({"standard_error": [0.1, -0.1]}, "standard_error must be at least 0, got -0.1"),
        ({"z": -1}, "z must be at least 0"),
        ({"z": "2"}, "z must be a number"),
    ],
)
def test_interval_names_what_is_wrong(wrong, says):
    sound = {"ax": plt.subplots()[1], "x": [0, 1], "estimate": [1, 2], "standard_error": [1, 1]}
    with pytest.raises(ValueError, match=says):
        figures.interval(**sound | wrong)


@pytest.mark.parametrize("fig", [None, "fig", plt.Figure])
def test_show_needs_a_figure(fig):
    with pytest.raises(ValueError, match="fig must be a Figure"):
        figures.show(fig, alt="a sentence that says something")


def test_a_shown_figure_is_closed_and_says_its_alt_text():
    figure = draw("the line rises and falls")
    assert plt.get_fignums() == []
    assert figure._repr_html_().startswith('<figure class="sslboost"><svg role="img"')
    assert repr(figure) == "Figure: the line rises and falls"


def test_a_table_escapes_its_cells(cells):
    table = figures.table("numbers", ["a", "<b>"], [["x & y", "1"], ["z", "2"]])
    assert cells(table) == [["a", "<b>"], ["x & y", "1"], ["z", "2"]]
    assert (
        repr(table)
        == table.html
        == (
            '<table class="numbers"><thead><tr><th>a</th><th>&lt;b&gt;</th></tr></thead><tbody>'
            "<tr><th>x &amp; y</th><td>1</td></tr><tr><th>z</th><td>2</td></tr></tbody></table>"
        )
    )
    assert "<th>" not in figures.table("facts", [], [["a", "b"]], named=False).html


@pytest.mark.parametrize(
    ("heads", "rows", "says"),
    [
        (["a"], [["x", "y"]], "rows must have 1 cells each"),
        (["a"], [[1]], "must hold lists of text"),
        (["a"], ["x"], "must hold lists of text"),
        ("a", [["x"]], "must hold lists of text"),
        (None, [], "must hold lists of text"),
        (["a"], 3, "must hold lists of text"),
    ],
)
def test_a_table_of_anything_else_is_named(heads, rows, says):
    with pytest.raises(ValueError, match=says):
        figures.table("numbers", heads, rows)


def test_a_table_needs_a_kind():
    with pytest.raises(ValueError, match="kind must be a str, got int"):
        figures.table(3, ["a"], [["x"]])
    with pytest.raises(ValueError, match="named must be a bool, got int"):
        figures.table("numbers", ["a"], [["x"]], named=1)


def test_rows_are_checked_column_by_column():
    rows = [{"a": 1, "b": None}, {"a": 2, "b": "x", "c": 3}]
    assert figures.as_rows("rows", rows, a=int, b=(str, type(None))) == rows
    with pytest.raises(ValueError, match="rows must hold c in every row, got none"):
        figures.as_rows("rows", rows, c=int)
    with pytest.raises(ValueError, match="rows must hold a in every row, got True"):
        figures.as_rows("rows", [{"a": True}], a=int)
    with pytest.raises(ValueError, match="rows must hold name in every row"):
        figures.as_rows("rows", rows, name=str, rows=str)


@pytest.mark.parametrize("named", [False, True])
def test_several_values_of_one_kind_are_checked(named):
    values = {"a": 1, "b": 2} if named else [1, 2]
    assert figures.as_all("values", values, int, named=named) is values
    for wrong in (3, None, [], {}, {"a": "x"}, {1: 2}, ["x"], "ab"):
        with pytest.raises(ValueError, match=r"values must be a .* of int"):
            figures.as_all("values", wrong, int, named=named)


def test_the_overview_is_not_drawn_where_it_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(overview, "overview", lambda: pytest.fail("drawn"))
    for path in (tmp_path, tmp_path / "none" / "a.svg", None):
        with pytest.raises(ValueError, match="path must be"):
            overview.write(path)


def test_the_picture_of_the_readme_is_what_the_code_draws(tmp_path):
    overview.write(tmp_path / "overview.svg")
    assert (tmp_path / "overview.svg").read_text() == PICTURE.read_text()
