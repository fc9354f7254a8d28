"""The drawings: what they say, what they link, and whether a phone shows it legibly."""

from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyArrowPatch

from sslboost.pages import drawings, figures

PHONE, LEGIBLE = 350, 11  # CSS pixels: the column on a phone, and text that can be read


@pytest.fixture
def graph():
    figures.use()
    return drawings.graph()


def test_the_link_to_cut_is_the_only_dashed_arrow(graph):
    arrows = graph.axes[0].findobj(FancyArrowPatch)
    assert [a.get_gid() for a in arrows if a.get_linestyle() == "--"] == ["s to z"]
    assert "y to z" in [a.get_gid() for a in arrows]


def test_every_name_of_the_front_page_is_there(graph):
    words = [text.get_text() for text in graph.axes[0].texts]
    for name in ("input $x$", "pretext label $z$", "label $y$", "nuisance $s$", "$f$", "$W$"):
        assert name in words
    assert words.count("driven by $y$") == words.count("driven by $s$") == 2


def test_a_phone_shows_it_legibly_and_no_words_collide(graph):
    graph.draw_without_rendering()
    texts, scale = graph.axes[0].texts, PHONE / (96 * graph.get_figwidth())
    assert min(text.get_fontsize() for text in texts) * 96 / 72 * min(scale, 1) >= LEGIBLE
    boxes = [text.get_window_extent() for text in texts]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    for box in boxes:
        assert graph.bbox.x0 <= box.x0 and box.x1 <= graph.bbox.x1
        assert graph.bbox.y0 <= box.y0 and box.y1 <= graph.bbox.y1


def test_what_is_read_aloud_states_the_finding():
    figures.use()
    shown = figures.show(drawings.graph(), alt=drawings.GRAPH_ALT)
    assert "what x and z share is y alone" in shown.svg
    assert plt.get_fignums() == []
