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
    assert (first["bound"], second["layers"]) == (2, 2)
    assert [first[name] for name in ("networks", "learned", "in_tail")] == [2, 2, 0]


def test_the_summary_counts_networks_and_does_not_average_them(rows):
    odd = [row for row in rows if row["n0"] == 10_000 and row["architecture"] == "11-8"][:1]
    mixed = [row | {"risk": 1.0, "tail": 0.9} if row in odd else row for row in rows]
    fact = capacity_plots.summary([row for row in mixed if row["network"] == 1] + mixed)[0]
    assert [fact[name] for name in ("networks", "learned", "in_tail")] == [3, 2, 1]


def test_a_risk_that_never_falls_has_no_half_way_point(rows):
    stuck = [row | {"risk": 1.0} for row in rows]
    assert np.isnan(capacity_plots.summary(stuck)[0]["half_way"])
    assert "<td>none</td>" in capacity_plots.table(stuck).html
    assert "none" not in capacity_plots.table(rows).html


def test_every_network_is_a_point_of_its_kind(rows):
    odd = [row | {"tail": 0.9 if row["layers"] == 2 else 0.1} for row in rows]
    (ax,) = capacity_plots.outcomes(odd, live=rows[:1]).axes
    kinds = {line.get_label(): line for line in ax.get_lines()}
    two = [row for row in rows if row["layers"] == 1]
    x, y = kinds["two layers"].get_data()
    assert list(y) == [row["risk"] for row in two]
    assert x == pytest.approx([row["n0"] / 104 / 1.03 for row in two], rel=1e-3)
    assert len(kinds["deeper, in the tail"].get_xdata()) == 4
    assert "deeper" not in kinds and "two layers, in the tail" not in kinds
    crosses = [line for line in ax.get_lines() if line.get_marker() == "x"]
    assert [line.get_ydata()[0] for line in crosses] == [rows[0]["risk"]]


def test_the_preference_shows_the_networks_with_the_most_labels(rows):
    (ax,) = capacity_plots.preference(rows, 0.36).axes
    kinds = {line.get_label(): line for line in ax.get_lines()}
    assert list(kinds["two layers"].get_xdata()) == [0.1, 0.1]
    assert list(kinds["deeper"].get_ydata()) == [rows[2]["risk"]] * 2
    assert any(list(line.get_xdata()) == [0.36, 0.36] for line in ax.get_lines())


def test_networks_drawn_anew_give_other_half_way_points(rows):
    spread = [row | {"risk": row["risk"] * (1 - 0.1 * row["network"])} for row in rows]
    found = capacity_plots.resampled(spread, "11-8", 50)
    assert len(set(found)) > 1 and np.isfinite(found).all()
    assert (found == capacity_plots.resampled(spread, "11-8", 50)).all()
    stuck = [row | {"risk": 1.0} for row in rows]
    assert np.isinf(capacity_plots.resampled(stuck, "11-8", 5)).all()


def test_the_half_way_points_stand_per_neuron_and_per_parameter(rows):
    neuron, parameter = capacity_plots.half_way_points(rows, 5).axes
    points = [
        [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "o"]
        for ax in (neuron, parameter)
    ]
    assert points[0] == pytest.approx([125]) and points[1] == pytest.approx([1000 / 104])
    with pytest.raises(ValueError, match="rows must hold networks of two layers that come half"):
        capacity_plots.half_way_points([row for row in rows if row["layers"] == 2], 5)


def test_the_table_shows_the_summary(rows, cells):
    head, row, _ = cells(capacity_plots.table(rows))
    assert head[0] == "inputs, layers"
    assert row == ["11–8", "104", "2", "1,000", "125", "9.62", "2 of 2", "0 of 2"]


@pytest.mark.parametrize("wrong", [[], None, "rows", [1], [{}], [{"risk": "x"}]])
def test_malformed_rows_are_named(wrong):
    for function in (
        capacity_plots.summary,
        capacity_plots.table,
        capacity_plots.outcomes,
        capacity_plots.half_way_points,
        lambda rows: capacity_plots.preference(rows, 0.36),
        lambda rows: capacity_plots.resampled(rows, "11-8"),
    ):
        with pytest.raises(ValueError, match=r"^rows must"):
            function(wrong)


def test_other_malformed_calls_are_named(rows):
    with pytest.raises(ValueError, match="live must hold architecture in every row, got none"):
        capacity_plots.outcomes(rows, live=[{}])
    with pytest.raises(ValueError, match="price must be"):
        capacity_plots.preference(rows, -1)
    with pytest.raises(ValueError, match="architecture must be one of"):
        capacity_plots.resampled(rows, "11-9")
    with pytest.raises(ValueError, match="repetitions must be"):
        capacity_plots.resampled(rows, "11-8", 0)
    with pytest.raises(ValueError, match="row must hold"):
        capacity_plots.in_tail({})
