"""Figures and tables of the mechanism show the numbers they are given."""

import numpy as np
import pytest

from sslboost.images.table.collapse import Collapse
from sslboost.pages.cifar10 import mechanism_plots as plots
from sslboost.pages.cifar10.mechanism import Dependence, Judged, Snapshot


def test_the_dependence_table_shows_percent(cells):
    head, row = cells(plots.dependence_table({"inpainting": Dependence(0.01234, 0.5, 0.0006, 0.2)}))
    assert row == ["inpainting", "1.23 %", "0.06 %", "20.00 %"]
    assert len(head) == 4


def test_the_criteria_table_shows_percent_and_dimension(cells):
    _, row = cells(plots.judged_table([Judged("f & g", 0.1234, 0.5, 0.99951, 7.25)]))
    assert row == ["f & g", "12.3 %", "50.0 %", "100.0 %", "7.2"]


def test_the_collapse_table_has_a_row_for_every_decay(cells):
    found = {"f(x)": [Collapse(0.05, 0.25, 0.1, 3e-7), Collapse(0.0005, 0.9, 0.4, 1.5)]}
    _, first, second = cells(plots.collapse_table(found))
    assert first == ["f(x)", "0.05", "25.0 %", "3.0\xa0×\xa010⁻⁷", "10.00 %"]
    assert second == ["f(x)", "0.0005", "90.0 %", "1.5", "40.00 %"]


def test_the_training_figure_draws_the_snapshots():
    snapshots = [Snapshot(0, 0.9, 0.4, 0.1), Snapshot(10, 0.2, 0.05, 0.35)]
    lines = plots.training_figure(snapshots).axes[0].get_lines()
    assert [line.get_xdata().tolist() for line in lines] == [[0, 10]] * 3
    assert [line.get_ydata().tolist() for line in lines] == [[0.9, 0.2], [0.4, 0.05], [0.1, 0.35]]
    assert [line.get_label().split()[0] for line in lines] == ["y", "z", "test"]


def test_the_map_is_a_projection_on_the_leading_components():
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(10), 4)
    before = rng.standard_normal((40, 5)) * [9, 5, 1, 1, 1] + 100
    fig = plots.map_figure(before, before[::-1], labels, shown=("cat", "ship"))
    left, right = fig.axes
    assert [line.get_label() for line in left.get_lines()] == ["cat", "ship"]
    centred = before - before.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    drawn = np.column_stack(left.get_lines()[0].get_data())
    expected = (centred @ vectors[:, ::-1][:, :2])[labels == 3]
    assert np.abs(drawn) == pytest.approx(np.abs(expected), rel=1e-9)  # the signs are free
    assert values[-1] > values[-2]
    assert (left.get_title(), right.get_title()) == ("untrained f", "trained f")


def test_the_spectrum_figure_draws_shares_of_the_sum():
    features = np.array([[1.0, 0], [-1, 0], [0, 2], [0, -2]])
    (line,) = plots.spectrum_figure({"f": features}).axes[0].get_lines()
    assert line.get_xdata().tolist() == [1, 2]
    assert line.get_ydata() == pytest.approx([0.8, 0.2])


MATRIX = np.eye(3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plots.dependence_table([]), "measured must be a dict by name of Dependence"),
        (lambda: plots.dependence_table({"a": 1}), "measured must be a dict by name of Dependence"),
        (lambda: plots.judged_table({}), "judged must be a list of Judged"),
        (lambda: plots.judged_table([None]), "judged must be a list of Judged"),
        (lambda: plots.collapse_table({1: []}), "found must be a dict by name of list"),
        (lambda: plots.collapse_table({"x": [1]}), "must be a list of Collapse"),
        (lambda: plots.training_figure(3), "snapshots must be a list of Snapshot"),
        (lambda: plots.spectrum_figure({"a": np.ones((3, 2))}), "features must vary"),
        (lambda: plots.spectrum_figure([MATRIX]), "features must be a dict by name"),
        (lambda: plots.map_figure(MATRIX, MATRIX[:2], [0, 1, 2]), "before and after must have"),
        (lambda: plots.map_figure(MATRIX, MATRIX[:, :1], [0, 1, 2]), "columns of after must be"),
        (lambda: plots.map_figure(MATRIX, MATRIX, [0, 1]), "labels must hold one label for each"),
        (lambda: plots.map_figure(MATRIX, MATRIX, [0, 1, 2], shown=["x"]), "shown must be one of"),
        (lambda: plots.map_figure(MATRIX, MATRIX, [0, 1, 2], shown=3), "shown must be a list"),
    ],
)
def test_malformed_calls_are_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()
