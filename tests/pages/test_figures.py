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
    fig, ax = plt.subplots()
    bars = figures.interval(ax, [0.0], [1.0], 0.5, z=2)
    (segment,) = bars[2][0].get_segments()
    plt.close(fig)
    assert segment[:, 1].tolist() == [0.0, 2.0]


def test_the_picture_of_the_readme_is_what_the_code_draws(tmp_path):
    overview.write(tmp_path / "overview.svg")
    assert (tmp_path / "overview.svg").read_text() == PICTURE.read_text()
