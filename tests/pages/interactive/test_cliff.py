"""The cliff at n0 = m: the figures say what the limit says, and the points are simulated."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sslboost.bounds import past_threshold
from sslboost.pages.interactive import cliff

LAW = {"k2": 0.9, "kappa2": 1.5, "n2": 100, "rank_z": 20}
ALT = "the risk falls off its cliff where there are as many labels as directions"


def walk(**other):
    _, (plane, below) = plt.subplots(2, 1)
    plane.set(xscale="log", xlim=(0.5, 60), ylim=(0, 0.9))
    return cliff.walk(**{"axes": (plane, below), "alt": ALT} | LAW | other)


def test_the_front_page_says_the_limit_of_the_risk(at):
    shown = cliff.figure(repetitions=2)
    rng = np.random.default_rng(2)
    for n0, lam in zip(rng.choice(cliff.LABELS, 30), rng.choice(cliff.WEIGHTS, 30), strict=True):
        risk = past_threshold.limit(n0 / cliff.M, lam, **cliff.LAW).risk
        assert float(at(shown, str(n0), str(lam))["risk"]) == pytest.approx(risk, abs=5.01e-3)
    assert at(shown, "80", "0.02")["risk"] == "1.00" != at(shown, "90", "0.02")["risk"]


def test_intervals_are_simulated_and_hold_the_limit_past_the_threshold():
    low, high = cliff._simulated(20)
    assert min(cliff.SIMULATED) > cliff.M  # before it the risk is a theorem's, not a simulation's
    assert (low < high).all()
    limit = past_threshold.limit(
        np.array(cliff.SIMULATED) / cliff.M, np.array(cliff.WEIGHTS)[:, None], **cliff.LAW
    ).risk
    # The limit is that of many directions: with 80 of them it is off by a few hundredths.
    middle = (low + high) / 2
    assert np.abs(middle - limit).max() < 0.1
    assert np.abs(middle[::-1] - limit).max() > 0.1


def test_the_walk_says_the_exact_risks_and_who_wins(at):
    shown = walk()
    rng = np.random.default_rng(3)
    verdicts = set()
    for ratio in cliff.RATIOS:
        lam = float(rng.choice(cliff.LAMBDAS))
        said = at(shown, str(ratio), str(lam))
        risk = past_threshold.limit(ratio, lam, 0.9, 1.5).risk
        assert float(said["risk"]) == pytest.approx(risk, abs=5.01e-4)
        fitted = 99 / 98 if ratio > 1 else 1  # up to m there is no feature to fit
        assert float(said["processed"]) == pytest.approx(risk * fitted, abs=5.01e-4)
        first = past_threshold.first_win(lam, 0.9, 1.5, 100, 20)
        assert said["verdict"] == ("wins" if ratio > first else "loses")
        verdicts.add(said["verdict"])
    assert len(verdicts) == 2
    assert "learning has 0.125:" in shown.says


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"axes": None}, "axes must be a list of Axes"),
        ({"axes": [1, 2]}, "axes must be a list of Axes"),
        ({"axes": [plt.figure().gca(), plt.figure().gca()]}, "axes must be two of one figure"),
        ({"alt": None}, "alt must be a str"),
        ({"k2": 2}, "k2 must be"),
        ({"kappa2": 0}, "kappa2 must be"),
        ({"rank_z": 0}, "rank_z must be"),
        ({"n2": 21}, "n2 must be an integer of at least 22"),
    ],
)
def test_what_is_no_walk_is_named(wrong, says):
    with pytest.raises(ValueError, match=says):
        walk(**wrong)


@pytest.mark.parametrize("wrong", [0, 1, 2.5, "2"])
def test_repetitions_must_be_counted(wrong):
    with pytest.raises(ValueError, match="repetitions must be"):
        cliff.figure(repetitions=wrong)
