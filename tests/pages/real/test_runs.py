"""Every use of the labels, run where its risk is known, and on rows that tell nothing."""

import numpy as np
import pytest
from scipy import stats

from sslboost.core.linalg import least_squares
from sslboost.criteria import empirical
from sslboost.pages.real import outlook, runs, sources
from sslboost.processor import members


def test_every_use_costs_on_gaussian_rows_what_it_is_predicted_to_cost():
    law = members.random_member(12, 8, 2, rng=0)
    triples = sources.Triples("Gaussian", *(9 + rows for rows in law.sample(6000, rng=1)))
    one = runs.run(triples, (5, 26, 50), draws=60, chosen=False, rng=2)
    assert set().union(*one.predicted) == set(outlook.FORMULAS)
    strays = []
    for n, promised, realised in zip(one.labels, one.predicted, one.realised, strict=True):
        for use, expected in promised.items():
            stray = (realised[use].mean() - expected) / stats.sem(realised[use])
            strays.append((abs(stray), n, use))
    # 14 means of 60 draws: t beyond 5 for one of them in 1e4 runs.
    assert max(strays)[0] < 5, max(strays)
    plain = one.realised[1]["plain SSL"]
    without = one.predicted[1]["plain SSL"] * (1 - 1 / 6)
    assert (plain.mean() - without) / stats.sem(plain) > 5


def test_nothing_is_tested_on_what_it_was_fitted_to():
    rng = np.random.default_rng(0)
    # Of 140 rows 35 are held out, so that 30 labelled ones among them would be nearly all.
    noise = sources.Triples("noise", *(rng.standard_normal((140, d)) for d in (6, 2, 1)))
    (realised,) = runs.run(noise, [30], draws=40).realised
    fitted_to_noise = realised["x directly"]
    assert fitted_to_noise.mean() - 3 * stats.sem(fitted_to_noise) > 1
    assert min(risks.mean() for risks in realised.values()) > 0.97


def test_uses_without_labels_enough_are_left_out():
    triples = sources.diabetes()
    few, many = runs.run(triples, [8, 40], draws=2).realised
    assert "joint head" not in few
    assert "joint, ridge chosen" not in few
    assert set(runs.CHOSEN) <= set(many)
    (bare,) = runs.run(triples, [40], draws=2, chosen=False).realised
    assert set(bare) == set(many) - set(runs.CHOSEN)


def test_draws_are_those_of_the_seed_and_classes_are_counted():
    triples = sources.digits()
    first, again, other = (runs.run(triples, [60], draws=2, rng=seed) for seed in (0, 0, 1))
    for use, risks in first.realised[0].items():
        assert (risks == again.realised[0][use]).all()
        assert not (risks == other.realised[0][use]).all()
    assert first.correct[0]["plain SSL"].min() > 0.3
    assert first.correct[0]["guessing"].max() < 0.2
    assert runs.run(sources.diabetes(), [40], draws=2).correct == [{}]


@pytest.mark.parametrize(
    ("labels", "draws", "message"),
    [
        ([4], 2, "labels must be an integer of at least 5, got 4"),
        ([333], 2, "labels must be at most 332, got 333"),
        ([], 2, "labels must be a list of numbers of labels"),
        ([40], 1, "draws must be an integer of at least 2, got 1"),
    ],
)
def test_rows_and_draws_must_do(labels, draws, message):
    with pytest.raises(ValueError, match=message):
        runs.run(sources.diabetes(), labels, draws)


def test_a_fitted_use_is_least_squares_on_its_features():
    triples = sources.digits()
    pretext = empirical(triples.X, triples.Z, triples.Y)
    X, Z, Y = (rows[:50] - rows[:50].mean(axis=0) for rows in (triples.X, triples.Z, triples.Y))
    found = runs.fitted(pretext, X, Z, Y, outlook.FORMULAS[:5])
    assert not found["guessing"].any()
    np.testing.assert_allclose(X @ found["x directly"], X @ least_squares(X, Y), atol=1e-8)
    assert np.linalg.matrix_rank(found["reduced-rank SSL"]) <= pretext.U.shape[1]
    few = runs.fitted(pretext, X[:9], Z[:9], Y[:9], ["minimum norm"])["minimum norm"]
    np.testing.assert_allclose(X[:9] @ few, Y[:9], atol=1e-8)
    phi = pretext.whitening.unwhiten(pretext.V)
    head = np.linalg.pinv(X[:9] @ phi) @ Y[:9]
    np.testing.assert_allclose(few, phi @ head, atol=1e-8)
    with pytest.raises(ValueError, match=r"uses must be among guessing, .*, got \['other'\]"):
        runs.fitted(pretext, X, Z, Y, ["other"])
