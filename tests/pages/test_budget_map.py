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


@pytest.fixture(scope="module")
def tried():
    return budget_map.trials(12)


def test_every_point_is_the_best_use_by_its_margin_and_who_is_told_delta_takes_no_part(panels):
    for name, panel in panels.items():
        for i, value in enumerate(panel.values):
            law = budget_map.AXES[name].population(value)
            found = budget.risks(law, panel.labels)
            assert (panel.best[i] == budget.best(found)).all()
            known = np.array([np.where(np.isnan(one), np.inf, one) for one in found.values()])
            first, second = np.sort(known, axis=0)[:2]
            assert panel.margin[i] == pytest.approx(second / first - 1)
            told = budget.told_delta(law, panel.labels)
            assert (panel.told[i] == (told < first * (1 - 1e-9))).all()
    assert len({use for panel in panels.values() for use in panel.best.ravel()}) >= 6
    assert 0 < np.mean([panel.told for panel in panels.values()]) < 1


def test_the_processor_is_tried_where_the_map_does_not_know_it_and_wins_by_its_interval(tried):
    values, budgets, parts = budget_map.TRIED
    assert [(one.value, one.labels) for one in tried] == [(v, n) for v in values for n in budgets]
    for one in tried:
        law = budget_map.AXES["epsilon"].population(one.value)
        found = budget.risks(law, one.labels)
        assert np.isnan(found["slides' processor"])
        assert (one.use, one.rival) == (budget.best(found), found[budget.best(found)])
        assert one.n0 in [round(part * one.labels) for part in parts] and one.n0 > law.m
        assert one.wins == (one.risk + 1.96 * one.error < one.rival)
        assert one.risk - 5 * one.error > law.floor
    assert {one.wins for one in tried} == {True, False}


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


def test_the_drawing_names_what_wins_and_draws_where_delta_would_help(panels, tried):
    figures.use()
    fig = budget_map.figure(panels, tried)
    (legend,) = fig.legends
    named = {text.get_text() for text in legend.get_texts()}
    won = {str(use) for panel in panels.values() for use in np.unique(panel.best)}
    assert named == won | {"better if told Δ", "processor wins", "processor loses"}
    drawn = [ax for ax in fig.axes if ax.collections]
    assert [ax.get_ylabel() for ax in drawn] == [a.label for a in budget_map.AXES.values()]
    for ax, (name, panel) in zip(drawn, panels.items(), strict=True):
        shown = ax.collections[0].get_array()
        assert (
            np.ma.getmaskarray(shown).reshape(panel.best.shape) == (panel.best == "guessing")
        ).all()
        assert len(ax.collections) == 1 + panel.told.any()
        assert len(ax.lines) == len(tried) * (name == "epsilon")
    faces = [line.get_markerfacecolor() for line in drawn[1].lines]
    assert [face != "none" for face in faces] == [one.wins for one in tried]
    one = budget_map.figure({"rho": panels["rho"]})
    assert not panels["rho"].told.any()
    assert {t.get_text() for t in one.legends[0].get_texts()} <= won
    plt.close("all")


@pytest.mark.parametrize("wrong", [None, {}, {"other": 1}, {"signal": 1}])
def test_what_is_no_map_is_not_drawn(wrong):
    with pytest.raises(ValueError, match="panels must"):
        budget_map.figure(wrong)


@pytest.mark.parametrize("wrong", [None, [1], ("x",)])
def test_what_are_no_trials_are_not_drawn(panels, wrong):
    with pytest.raises(ValueError, match="tried must"):
        budget_map.figure(panels, wrong)


@pytest.mark.parametrize("name", ["rows", "columns"])
def test_points_are_counted(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 2, got 1"):
        budget_map.winners(**{name: 1})


def test_draws_are_counted():
    with pytest.raises(ValueError, match="repetitions must be an integer of at least 3, got 2"):
        budget_map.trials(2)
