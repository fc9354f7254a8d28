"""Advice that is followed: it sees the labelled rows alone, and is scored on others."""

import numpy as np
import pytest
from scipy import stats

from sslboost.advice import advise
from sslboost.pages.real import advised, sources
from sslboost.population import isotropic_population

# Chance that a right program fails a check of this module.
FALSE_ALARM = 1e-6


@pytest.fixture(scope="module")
def triples():
    return sources.Triples("Gaussian", *isotropic_population(0.6, 0.6, 3).sample(2000, rng=0))


def test_on_gaussian_rows_with_enough_labels_what_is_predicted_comes(triples):
    found = advised.follow(triples, 60, 20)
    gaps = found.realised["as advised"] - found.predicted
    assert abs(gaps.mean()) < stats.norm.isf(FALSE_ALARM / 2) * stats.sem(gaps)
    assert found.columns == 6 and len(found.best) == 20
    # Guessing is not what was predicted, nor are few labels as good as many.
    beside = found.realised["guessing"] - found.predicted
    assert beside.mean() > stats.norm.isf(FALSE_ALARM / 2) * stats.sem(beside)
    few = advised.follow(triples, 9, 20)
    assert few.realised["as advised"].mean() > found.realised["as advised"].mean()


def test_labels_that_were_not_given_make_no_difference(triples):
    order = np.random.default_rng(5).permutation(2000)
    hidden = triples.Y.copy()
    hidden[order[500 + 40 :]] = 1e3  # the pool is all but the first quarter
    other = sources.Triples("other", triples.X, triples.Z, hidden)
    first, rest = (advised._draw(t, 40, np.random.default_rng(5)) for t in (triples, other))
    assert first[0].to_dict() == rest[0].to_dict()
    told = np.full_like(triples.Y, np.nan)
    told[order[500:540]] = triples.Y[order[500:540]]
    pool = order[500:]
    expected = advise(triples.X[pool], triples.Z[pool], told[pool], labels=40, bootstrap=0)
    assert expected.to_dict() == first[0].to_dict()


def test_the_rivals_are_what_they_are_called(triples):
    realised = advised.follow(triples, 30, 8).realised
    assert set(realised) == {"as advised", *advised.RIVALS}
    assert realised["guessing"].mean() == pytest.approx(1 + 1 / 30, rel=0.1)
    assert realised["ridge on x"].mean() < realised["guessing"].mean()


def test_too_few_labels_are_refused(triples):
    with pytest.raises(ValueError, match="Y must be known for more rows"):
        advised.follow(triples, 5)
    with pytest.raises(ValueError, match="labels must be at most 1500"):
        advised.follow(triples, 1501)
