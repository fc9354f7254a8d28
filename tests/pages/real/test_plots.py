"""Figures and tables say what the runs hold."""

import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from sslboost.pages.real import advised, followed_plots, outlook, plots, runs, sources


@pytest.fixture(scope="module")
def outcomes():
    return runs.run(sources.diabetes(), [8, 40], draws=3)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def cells(html):
    rows = re.findall(r"<tr>(.*?)</tr>", html.html)
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in rows]


def plain(cell):
    return cell.replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")


def test_nothing_has_no_minus():
    assert plain(plots.plus_minus(np.array([-1e-9, 1e-10]), percent=True)) == "+0.0 ± 0.0"


def test_an_interval_is_students():
    values = np.array([1.0, 2.0, 4.0, 9.0])
    mean, half = plots.interval(values)
    low, high = stats.t.interval(0.95, 3, 4, stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert plots.interval(values, level=0.5)[1] < half
    with pytest.raises(ValueError, match="values must be two or more"):
        plots.interval([1.0])


def test_the_winner_is_the_least_of_what_has_a_formula(outcomes):
    better = dict(outcomes.realised[1])
    better["ridge SSL"] = np.zeros(3)
    better["guessing"] = np.full(3, 0.1)
    one = replace(outcomes, realised=[outcomes.realised[0], better])
    assert plots.best_run(one, 1) == "guessing"
    with pytest.raises(ValueError, match="i must be at most 1, got 2"):
        plots.best_run(one, 2)


def test_every_prediction_but_guessing_is_a_point_over_its_labels_for_each_feature(outcomes):
    (ax,) = plots.misses([outcomes]).axes
    shown = {c.get_label(): np.column_stack(c.lines[0].get_data()) for c in ax.containers}
    assert "guessing" not in shown
    points = sum(len(found) for found in shown.values())
    assert points == sum(len(promised) - 1 for promised in outcomes.predicted)
    fitted = outlook.features(outcomes.population)
    assert fitted == {
        "guessing": 0,
        "x directly": 4,
        "plain SSL": 4,
        "minimum norm": 4,
        "reduced-rank SSL": 1,
        "joint head": 10,
        "augmented head": 4,
    }
    ratio = outcomes.realised[1]["joint head"].mean() / outcomes.predicted[1]["joint head"]
    assert shown["joint head"][-1] == pytest.approx((4, ratio))


def test_a_panel_has_a_curve_and_points_for_each_use(outcomes):
    fig = plots.panels([outcomes, outcomes, outcomes])
    assert len(fig.axes) == 3
    ax = fig.axes[0]
    assert ax.get_title() == "diabetes"
    low, high = ax.get_ylim()
    inside = [
        np.mean(r) < high
        for one in outcomes.realised
        for u, r in one.items()
        if u in plots.FORMULAS
    ]
    assert len(ax.containers) == sum(inside)
    worse = [{use: 9 * values for use, values in one.items()} for one in outcomes.realised]
    assert not plots.panels([replace(outcomes, realised=worse)]).axes[0].containers
    curve = ax.lines[0]
    (promised,) = outlook.predict(outcomes.population, [40])
    assert curve.get_ydata()[-1] == pytest.approx(promised["guessing"])
    assert low < min(r for p in outcomes.predicted for r in p.values())


def test_winners_and_boosts_are_those_of_the_runs(outcomes):
    heads, *rows = cells(plots.winners_table([outcomes]))
    assert heads[:3] == ["data", "labels", "predicted to win"]
    assert [row[1] for row in rows] == ["8", "40"]
    for i, row in enumerate(rows):
        assert row[2] == min(outcomes.predicted[i], key=outcomes.predicted[i].get)
        assert (row[5] == "the same") == (plots.best_run(outcomes, i) == row[2])
    _, few, many = cells(plots.boosts_table([outcomes]))
    assert few[3] == "—"
    mean, half = plots.interval(
        outcomes.realised[1]["joint, ridge chosen"] - outcomes.realised[1]["plain SSL"]
    )
    assert plain(many[3]) == f"{100 * mean:+.1f} ± {100 * half:.1f}"
    bare = runs.run(sources.diabetes(), [40], draws=2, chosen=False)
    with pytest.raises(ValueError, match="runs must hold the uses that choose"):
        plots.boosts_table([bare])


def test_what_is_paid_is_the_distance_to_the_best(outcomes):
    better = dict(outcomes.realised[1])
    better["guessing"] = np.zeros(3)
    one = replace(outcomes, realised=[outcomes.realised[0], better])
    row = cells(plots.winners_table([one]))[2]
    mean, half = plots.interval(better[row[2]])
    assert plain(row[5]) == f"guessing, by {mean:.3f} ± {half:.3f}"


def test_measures_are_percent_and_tests_have_p_values():
    measured = outlook.measure(sources.diabetes())
    rows = {row[0]: row[1] for row in cells(plots.measured_table({"a": measured}))}
    assert rows["x explains of y"] == f"{100 * measured.signal:.1f}\N{NO-BREAK SPACE}%"
    assert "&lt; .001" in rows.values()
    assert rows["features of x, of ψ"] == "4, 4"
    assert rows["p-value of (C2)"] == "—"
    with pytest.raises(ValueError, match="measured must be a dict by name of Measured"):
        plots.measured_table([measured])


def test_what_came_of_advice_is_in_the_figure_and_the_table():
    patients = sources.diabetes()
    runs_ = [advised.follow(patients, n, 4) for n in (20, 60)]
    heads, *rows = cells(followed_plots.followed_table(runs_))
    assert heads[-1] == "by default" and len(rows) == 2
    assert plain(rows[0][1]) == "20 (2)" and rows[0][2] in runs_[0].best
    assert rows[1][3] == f"{runs_[1].predicted.mean():.3f}"
    assert rows[1][4] == f"{runs_[1].realised['as advised'].mean():.3f}"
    assert rows[1][6] == f"{runs_[1].realised['ridge on x'].mean():.3f}"
    (ax,) = followed_plots.followed(runs_).axes
    over = runs_[1].realised["as advised"] / runs_[1].predicted
    assert ax.containers[0].lines[0].get_xydata()[1] == pytest.approx((6, over.mean()))
    with pytest.raises(ValueError, match="runs must be a list of Followed"):
        followed_plots.followed(patients)
