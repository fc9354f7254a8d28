"""The summary of the trained capacities, its table and its picture."""

import numpy as np
import pytest

from sslboost.bounds import trained_capacity
from sslboost.pages import capacity_plots


@pytest.fixture(scope="module")
def rows():
    population = trained_capacity.study_population()
    risks = [float(np.trace(population.block("y", "y"))), population.floor]
    same = {"network": 0, "objective": 0.1, "objective_yhat": 0.5, "tail": 0.2}
    return [
        {"architecture": name, "narrowest": k, "layers": layers, "parameters": p} | same
        | {"n0": n0, "risk": risk, "network": network}
        for name, k, layers, p in [("11-8", 8, 1, 104), ("11-8-8", 8, 2, 176)]
        for n0, risk in zip((100, 10_000), risks, strict=True)
        for network in range(2)
    ]  # fmt: skip


def test_the_summary_divides_the_half_way_point(rows):
    first, second = capacity_plots.summary(rows)
    assert first["half_way"] == pytest.approx(1000) == second["half_way"]
    assert first["per_neuron"] == pytest.approx(125)
    assert first["per_parameter"] == pytest.approx(1000 / 104)
    assert (first["bound"], second["layers"], second["tail"]) == (2, 2, 0.2)


def test_a_risk_that_never_falls_has_no_half_way_point(rows):
    stuck = [row | {"risk": 1.0} for row in rows]
    assert np.isnan(capacity_plots.summary(stuck)[0]["half_way"])
    assert "<td>none</td>" in capacity_plots.table(stuck).html
    assert "none" not in capacity_plots.table(rows).html


def test_the_picture_places_the_points_per_neuron_and_per_parameter(rows):
    axes = capacity_plots.collapse(rows, live=rows[:1]).axes
    lines = [ax.get_lines()[0].get_xdata() for ax in axes]
    assert np.allclose(lines[0], np.array([100, 10_000]) / 8)
    assert np.allclose(lines[1], np.array([100, 10_000]) / 104)


def test_the_picture_draws_means_errors_and_live_points(rows):
    spread = [row | {"risk": row["risk"] * (1 + 0.1 * row["network"])} for row in rows]
    left, right = capacity_plots.collapse(spread, live=spread[1:2]).axes
    top = spread[0]["risk"]
    assert left.get_lines()[0].get_ydata()[0] == pytest.approx(1.05 * top)
    ends = left.collections[0].get_segments()[0][:, 1]  # two networks: half their distance
    assert (ends[1] - ends[0]) / 2 == pytest.approx(1.96 * 0.05 * top)
    crosses = [line for line in right.get_lines() if line.get_marker() == "x"]
    assert crosses[0].get_xdata() == pytest.approx([100 / 104])
    assert crosses[0].get_ydata() == pytest.approx([1.1 * top])
    assert len(crosses[1].get_xdata()) == 0
    assert left.get_legend_handles_labels()[1] == ["11–8", "11–8–8"]


def test_the_table_shows_the_summary(rows, cells):
    head, row, _ = cells(capacity_plots.table(rows))
    assert head[0] == "inputs, layers"
    assert row == ["11–8", "104", "2", "1,000", "125", "9.62", "0.1", "0.5", "0.2"]


@pytest.mark.parametrize("wrong", [[], None, "rows", [1], [{}], [{"risk": "x"}]])
def test_malformed_rows_are_named(wrong):
    for function in (capacity_plots.summary, capacity_plots.table, capacity_plots.collapse):
        with pytest.raises(ValueError, match=r"^rows must"):
            function(wrong)


def test_other_malformed_calls_are_named(rows):
    with pytest.raises(ValueError, match="live must hold architecture in every row, got none"):
        capacity_plots.collapse(rows, live=[{}])
    with pytest.raises(ValueError, match="rows must hold two networks or more"):
        capacity_plots.collapse([row for row in rows if row["network"] == 0])
