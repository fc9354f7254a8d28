"""What is measured and predicted, against formulas and laws that are known."""

import numpy as np
import pytest

from sslboost.pages.real import outlook, sources
from sslboost.population import isotropic_population
from sslboost.representation import risk
from sslboost.uses import innovation


@pytest.fixture(scope="module")
def law():
    return isotropic_population(0.4, 0.3, 4)


@pytest.fixture(scope="module")
def triples(law):
    return sources.Triples("Gaussian", *law.sample(4000, rng=0))


def test_shares_of_a_sample_are_those_of_its_law(law, triples):
    m = outlook.measure(triples)
    # Five standard errors of a squared correlation on 4,000 rows, at most 2 |r| (1 - r^2) / sqrt n.
    near = {"abs": 5 * 0.77 / np.sqrt(4000)}
    assert (m.rank_x, m.rank_z, m.d) == (law.rank_x, law.d_z, 4)
    assert m.signal == pytest.approx(0.4, **near)
    assert m.told == pytest.approx(0.3, **near)
    assert m.lost == pytest.approx(m.signal - m.kept, abs=1e-12)


def test_tails_and_loud_rows_are_told_from_gaussian_ones(triples):
    m = outlook.measure(triples)
    # The fourth moment of 4 Gaussian features has a relative standard error of 3.3 / sqrt n.
    assert m.tails == pytest.approx(1, abs=5 * 3.3 / np.sqrt(4000))
    assert m.louder == pytest.approx(1, abs=5 * 1.6 / np.sqrt(4000))
    rng = np.random.default_rng(1)
    scale = np.exp(rng.standard_normal((4000, 1)) / 2)
    heavy = sources.Triples("heavy", *(scale * rows for rows in (triples.X, triples.Z, triples.Y)))
    wild = outlook.measure(heavy)
    assert wild.tails > 1.5
    assert wild.louder > 1.5


def test_both_criteria_are_tested(law, triples):
    rng = np.random.default_rng(2)
    y = rng.standard_normal((2000, 1))
    X, Z = (y + rng.standard_normal((2000, 3)) for _ in range(2))
    free = outlook.measure(sources.Triples("independent given y", X, Z, y))
    assert free.c1.p_value > 1e-4
    # Sums of 3 squares, of at most half the mean of a chi-squared of 3 degrees over 2,000 rows.
    assert abs(free.beyond) < 5 * 0.5 * 3 * np.sqrt(2 / 3) / 2000
    assert abs(free.existence) < 5 * 0.5 * 0.25 * np.sqrt(2) / 2000
    bound = outlook.measure(sources.Triples("bound", X, Z + X, y))
    assert bound.c1.p_value < 1e-10
    assert bound.beyond > 0.1
    blind = outlook.measure(sources.Triples("blind", X, X[:, :1], y))
    assert blind.c2.p_value < 1e-10
    assert blind.lost > 0.1


def test_classes_are_tested_by_permutations():
    rng = np.random.default_rng(3)
    labels = np.eye(3)[rng.integers(3, size=600)]
    X, Z = (labels @ rng.standard_normal((3, 4)) + rng.standard_normal((600, 4)) for _ in "xz")
    free = sources.Triples("independent given the class", X, Z, labels, classes=True)
    bound = sources.Triples("bound", X, Z + X, labels, classes=True)
    assert outlook.measure(free, rng=0).c1.p_value > 0.005
    assert outlook.measure(bound, rng=0).c1.p_value == 0.005
    assert outlook.measure(bound, rng=0).c1.df == ()


def test_an_intercept_costs_one_label_and_the_variance_of_a_mean(law):
    promised, few = outlook.predict(law, [30, 4])
    R, of_y = innovation.innovation(law).given_phi, np.trace(law.block("y", "y"))
    assert promised["guessing"] == pytest.approx(31 / 30)
    expected = 31 / 30 * risk.expected_risk(R, 4, 29) / of_y
    assert promised["plain SSL"] == pytest.approx(expected, rel=1e-12)
    assert "minimum norm" not in promised
    assert "plain SSL" not in few
    assert set(promised) | set(few) <= set(outlook.FORMULAS)
    with pytest.raises(ValueError, match="labels must be a list of numbers of labels, got 30"):
        outlook.predict(law, 30)
    with pytest.raises(ValueError, match="labels must be an integer of at least 3, got 2"):
        outlook.predict(law, [2])


def test_the_least_norm_is_for_fewer_labels_than_features():
    wide = isotropic_population(0.4, 0.3, 20)
    (promised,) = outlook.predict(wide, [10])
    assert "minimum norm" in promised
    assert "plain SSL" not in promised
