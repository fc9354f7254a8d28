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
    assert "<td>none</td>" in capacity_plots.table(stuck).data
    assert "none" not in capacity_plots.table(rows).data


def test_the_picture_places_the_points_per_neuron_and_per_parameter(rows):
    axes = capacity_plots.collapse(rows, live=rows[:1]).axes
    lines = [ax.get_lines()[0].get_xdata() for ax in axes]
    assert np.allclose(lines[0], np.array([100, 10_000]) / 8)
    assert np.allclose(lines[1], np.array([100, 10_000]) / 104)
