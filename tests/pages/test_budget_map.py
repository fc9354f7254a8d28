"""The map of winners: every point is what the package says, and the drawing shows no other."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sslboost import criteria
from sslboost.pages import budget_map, figures
from sslboost.population import copying_population
from sslboost.uses import budget, innovation


@pytest.fixture(scope="module")
def panels():
    return budget_map.winners(5, 9)


def test_every_point_is_the_best_use_without_what_no_data_tell(panels):
    for name, panel in panels.items():
        for i, value in enumerate(panel.values):
            found = budget.risks(budget_map.AXES[name].population(value), panel.labels)
            known = budget.best(found)
            found.pop("conditional-loss processor")
            assert (panel.best[i] == budget.best(found)).all()
            assert (panel.known[i] == (known != panel.best[i])).all()
    assert len({use for panel in panels.values() for use in panel.best.ravel()}) >= 6


def test_the_axes_are_what_they_are_called():
    for value in (0.1, 0.8):
        p = budget_map.AXES["signal"].population(value)
        assert np.sum(p.K_y**2) == pytest.approx(value)
        told = innovation.innovation(budget_map.AXES["rho"].population(value))
        assert 1 - told.given_both[0, 0] / told.given_phi[0, 0] == pytest.approx(value)
        p = budget_map.AXES["epsilon"].population(value)
        assert criteria.epsilon_ci(p) == pytest.approx(10**value)
        p = budget_map.AXES["tells"].population(value)
        other = copying_population(
            budget_map.SIGNAL, budget_map.RHO, budget_map.COPIED, budget_map.D, tells=value
        )
        assert (p.cov == other.cov).all()


def test_the_drawing_names_the_uses_that_win_and_draws_where_delta_would_help(panels):
    figures.use()
    fig = budget_map.figure(panels)
    (legend,) = fig.legends
    named = {text.get_text() for text in legend.get_texts()}
    won = {str(use) for panel in panels.values() for use in np.unique(panel.best)}
    assert named - {"Δ known: processor"} == won
    assert ("Δ known: processor" in named) == any(p.known.any() for p in panels.values())
    drawn = [ax for ax in fig.axes if ax.collections]
    assert len(drawn) == len(panels)
    for ax, panel in zip(drawn, panels.values(), strict=True):
        shown = ax.collections[0].get_array()
        assert (
            np.ma.getmaskarray(shown).reshape(panel.best.shape) == (panel.best == "guessing")
        ).all()
        assert len(ax.collections) == 1 + panel.known.any()
    one = budget_map.figure({"tells": panels["tells"]})
    assert "Δ known: processor" not in {t.get_text() for t in one.legends[0].get_texts()}
    plt.close("all")


@pytest.mark.parametrize("wrong", [None, {}, {"other": 1}, {"signal": 1}])
def test_what_is_no_map_is_not_drawn(wrong):
    with pytest.raises(ValueError, match="panels must"):
        budget_map.figure(wrong)


@pytest.mark.parametrize("name", ["rows", "columns"])
def test_points_are_counted(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 2, got 1"):
        budget_map.winners(**{name: 1})
