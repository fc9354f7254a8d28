"""Pictures and tables of the image chapter show the images and the numbers they are given."""

import numpy as np
import pytest

from sslboost.images.data import CLASSES
from sslboost.images.pretexts import Colourisation
from sslboost.images.probe import Probe
from sslboost.pages import figures
from sslboost.pages.cifar10 import plots


@pytest.fixture
def shown(monkeypatch):
    """The drawn picture, an array of pixels, beside what the page shows."""
    kept = []

    def show(fig, alt):
        kept.append(fig.axes[0])
        return figures.Figure("<svg></svg>", alt)

    monkeypatch.setattr(figures, "show", show)
    return kept


def tile(axes, row, column):
    """The picture in a place of a mosaic, (3, 32, 32)."""
    canvas = np.asarray(axes.get_images()[0].get_array())
    top, left = 33 * row, 33 * column
    assert (canvas[top : top + 32, left : left + 32, 3] == 255).all()
    return canvas[top : top + 32, left : left + 32, :3].transpose(2, 0, 1)


def test_the_examples_are_the_first_of_every_class(cifar, shown):
    indices = np.arange(59, -1, -1)
    figure = plots.examples(cifar, indices, columns=3)
    assert "ten classes" in figure.alt
    for row in range(10):
        for column in range(3):
            index = 50 + row - 10 * column  # image i is of class i mod 10
            assert np.array_equal(tile(shown[0], row, column), cifar.train_images[index])
    assert [label.get_text() for label in shown[0].get_yticklabels()][3] == "cat"
    canvas = np.asarray(shown[0].get_images()[0].get_array())
    assert canvas.shape == (10 * 33 - 1, 3 * 33 - 1, 4) and not canvas[32].any()


def test_the_rotations_are_quarter_turns(cifar, shown):
    plots.rotations(cifar, [7, 3])
    for quarter in range(4):
        turned = np.rot90(cifar.train_images[3], quarter, axes=(1, 2))
        back = np.rot90(cifar.train_images[3], -quarter, axes=(1, 2))
        found = tile(shown[0], quarter, 1)
        assert np.array_equal(found, turned) or np.array_equal(found, back)
    assert not np.array_equal(tile(shown[0], 1, 0), tile(shown[0], 0, 0))


def test_what_is_hidden_is_hidden(cifar, shown):
    plots.hidden(cifar, [5])
    image, luminance, frame = (tile(shown[0], row, 0) for row in range(3))
    assert np.array_equal(image, cifar.train_images[5])
    assert (luminance == luminance[:1]).all()
    assert np.array_equal(frame[:, :4], image[:, :4])
    assert not np.array_equal(frame[:, 16], image[:, 16])


def test_the_split_table_counts_every_class(cifar, parts, cells):
    head, *rows = cells(plots.split_table(cifar, parts))
    assert head == ["class", "extra", "pretext", "down."]
    assert [row[0] for row in rows] == [*CLASSES, "all"]
    assert all(row[1:] == ["2"] * 3 for row in rows[:-1]) and rows[-1][1:] == ["20"] * 3


def test_the_training_curve_is_the_history():
    fig = plots.training_curve([[0.5, 1.2, 0.3], [1, 1.0, 0.6]])
    line, chance = fig.axes[0].get_lines()
    assert line.get_xdata().tolist() == [0.5, 1] and line.get_ydata().tolist() == [0.3, 0.6]
    assert set(chance.get_ydata()) == {0.25}


def test_the_probe_table_rounds_shares_to_percent(cells):
    probe = Probe("stage 2", 512, 0.1, 0.41256, 0.39874, 0.00489)
    _, row = cells(plots.probe_table([("a <b>", probe)]))
    assert row == ["a <b>", "stage 2", "512", "41.3 %", "39.87 % (0.49)"]


DRAWN = [plots.examples, plots.rotations, plots.hidden, plots.split_table]


@pytest.mark.parametrize("draw", DRAWN)
def test_without_images_there_is_a_note(draw):
    assert "No images here" in draw(None, [0])._repr_html_()


@pytest.mark.parametrize("draw", DRAWN)
@pytest.mark.parametrize("cifar", ["cifar", 0, [], Colourisation()])
def test_what_is_no_cifar_is_named(draw, cifar):
    with pytest.raises(ValueError, match="cifar must be a Cifar10, got"):
        draw(cifar, [0])


@pytest.mark.parametrize("indices", [[60], [-1], [0.5], "a", [], [[1]], None])
@pytest.mark.parametrize("draw", DRAWN[:3])
def test_indices_that_are_not_of_images_are_named(cifar, draw, indices):
    with pytest.raises(ValueError, match=r"^indices must"):
        draw(cifar, indices)


def test_other_malformed_calls_are_named(cifar, parts):
    with pytest.raises(ValueError, match="indices must hold 7 images of every class, got 6 of one"):
        plots.examples(cifar, np.arange(60), columns=7)
    with pytest.raises(ValueError, match="columns must be a positive integer"):
        plots.examples(cifar, np.arange(60), columns=0)
    with pytest.raises(ValueError, match="parts must be a Split, got list"):
        plots.split_table(cifar, [1])
    with pytest.raises(ValueError, match="history must"):
        plots.training_curve([[1, 2]])
    for rows in ([], [1], [("a", 1)], [(1, Probe("a", 1, 1.0, 0.1, 0.1, 0.1))], [("a", "b", "c")]):
        with pytest.raises(ValueError, match="rows must"):
            plots.probe_table(rows)
