"""What a page quotes: kept as the book's renderer reads it, and shown outside of the book."""

import myst_nb
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from sslboost.pages.figures import Figure
from sslboost.pages.glue import glue, place


@pytest.fixture(autouse=True)
def shell(monkeypatch):
    monkeypatch.delenv("SSLBOOST_BOOK", raising=False)
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def outputs(call, *given, **how):
    with capture_output() as captured:
        call(*given, **how)
    return [(output.data, output.metadata) for output in captured.outputs]


@pytest.mark.parametrize("value", [3, "text", 0.25, Figure("<svg></svg>", "a figure of nothing")])
def test_values_are_kept_as_the_renderer_of_the_book_keeps_them(value):
    assert outputs(glue, "a", value) == outputs(myst_nb.glue, "a", value, display=False)


def test_a_figure_is_shown_where_it_is_drawn_but_in_the_book(monkeypatch):
    figure = Figure("<svg></svg>", "a figure of nothing")
    ((shown, metadata),) = outputs(place, "a", figure)
    assert shown["text/html"] == figure._repr_html_()
    assert metadata["scrapbook"]["name"] == "a"
    monkeypatch.setenv("SSLBOOST_BOOK", "1")
    assert outputs(place, "a", figure) == outputs(glue, "a", figure)


def test_a_number_of_numpys_is_kept_as_a_number():
    ((kept, _),) = outputs(glue, "a", np.float64(11.3))
    assert list(kept.values()) == ["11.3"] == list(outputs(glue, "a", 11.3)[0][0].values())


@pytest.mark.parametrize(
    ("call", "given", "named"),
    [
        (glue, (1, 2), "name must be a str"),
        (place, ("a", "<svg>"), "figure must be a Figure or Html, got str"),
        (place, (None, None), "name must be a str"),
    ],
)
def test_what_cannot_be_kept_is_named(call, given, named):
    with pytest.raises(ValueError, match=named):
        call(*given)
