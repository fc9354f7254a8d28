"""Certificates fail on formulas that are nearly right: those of chapters 4 and 9."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sslboost import criteria, processor
from sslboost.bounds import past_threshold
from sslboost.theorems import FALSE_ALARM, REGISTRY
from sslboost.theorems._claims.processor import _plain_ssl_is_better
from sslboost.theorems._claims.uses import cost_of_a_choice
from sslboost.uses import innovation

SEEDS = pytest.mark.parametrize("seed", [0, 1])


def named(name):
    return next(theorem for theorem in REGISTRY if theorem.name == name)


def refused(theorem, seed, claims):
    """Whether the check holds as it is, and for none of these other claims."""
    problem = theorem.construct(np.random.default_rng(seed))
    assert theorem.certify(problem, seed=seed).holds
    for claimed in claims(problem):
        assert not theorem.certify(replace(problem, claimed=claimed), seed=seed).holds, claimed


@SEEDS
def test_the_price_of_a_head_is_not_that_of_one_label_more_or_less(seed):
    def off_by_one(freedom):
        return lambda p: (p.claimed * freedom(p) / (freedom(p) + one) for one in (-1, 1))

    refused(
        named("Gain of the augmented head"), seed, off_by_one(lambda p: p.n2 - p.population.d_z - 1)
    )
    refused(named("The joint head"), seed, off_by_one(lambda p: p.n2 - 2 * p.population.d_z - 1))
    refused(
        named("Minimax without existence"), seed, off_by_one(lambda p: p.n2 - p.d - p.others - 1)
    )


def limit_off_by_one(p):
    """The bound of the theorem with d in the place of d - 1."""
    d, axes2 = len(p.tau), p.left / (p.c * (1 - p.c * p.tau))
    told = axes2 * (1 + p.c**2 * p.tau)
    across = told * (1 - 2 / d) + (told.sum() + 2 * told) / (d * (d + 2))
    return [np.sum(axes2 / (p.n2 * across / p.left + d))]


@SEEDS
@pytest.mark.parametrize("name", ["A limit with existence", "A limit where directions differ"])
def test_the_limit_has_one_direction_less_than_the_head(name, seed):
    refused(named(name), seed, limit_off_by_one)


@SEEDS
def test_the_sharper_limit_has_one_direction_less_too_and_ridge_its_penalty(seed):
    refused(named("A limit for the features at hand"), seed, lambda p: [p.claimed * 3 / 2])
    refused(named("What ridge attains"), seed, lambda p: [2 / 3, 4 / 3])


@pytest.mark.parametrize("seed", range(20))
def test_a_choice_costs_something_and_no_more_than_the_theorem_says(seed):
    """Random linear predictors, chosen on fresh rows; and never more than the simple bound."""
    rng = np.random.default_rng(seed)
    heads = rng.standard_normal((rng.integers(2, 5), 4)) * rng.uniform(0.05, 1, (1, 4))
    excess, variance, rows = np.sum(heads**2, axis=1), rng.uniform(0.1, 2), int(rng.integers(3, 60))
    X = rng.standard_normal((4000, rows, 4))
    noise = np.sqrt(variance) * rng.standard_normal((4000, rows, 1))
    got = excess[np.argmin(np.mean((noise - X @ heads.T) ** 2, axis=1), axis=1)]
    error = stats.norm.isf(FALSE_ALARM) * stats.sem(got)
    for one in range(len(heads)):
        order = [one, *(j for j in range(len(heads)) if j != one)]
        bound = cost_of_a_choice(excess[order], variance, rows)
        assert got.mean() <= bound + error
        rest = excess[order[1:]]
        nu = 8 * variance * (excess[one] + rest) + 2 * (excess[one] ** 2 + rest**2)
        assert bound <= excess[one] + np.sum(np.sqrt(nu / rows)) / 2


def test_no_smaller_cost_than_that_of_chance_would_do():
    """Few rows hardly tell two predictors apart: a third of the difference is lost."""
    rng = np.random.default_rng(0)
    heads = np.array([[0.1, 0.0], [0.0, 0.3]])
    X, noise = rng.standard_normal((20_000, 10, 2)), rng.standard_normal((20_000, 10, 1))
    got = np.sum(heads**2, axis=1)[np.argmin(np.mean((noise - X @ heads.T) ** 2, axis=1), axis=1)]
    most = cost_of_a_choice(np.array([0.01, 0.09]), 1.0, 10)
    assert 0.01 + 0.3 * 0.08 < got.mean() < most < 0.01 + 0.08


def test_the_gain_of_the_certificate_is_that_of_the_formula():
    p = named("Gain of the augmented head").construct(np.random.default_rng(0))
    assert p.claimed == pytest.approx(innovation.augmented_excess(p.population, p.c, p.n2))


def test_the_margin_of_theorem_2_is_the_one_that_is_claimed():
    """A tenth more is refused, and so is a margin that does not fall with the weight."""
    theorem = named("Theorem 2 (model-free lower bound)")
    p = theorem.construct(np.random.default_rng(0))
    assert theorem.certify(p).holds
    assert not theorem.certify(replace(p, margin=1.1 * p.margin)).holds
    assert not theorem.certify(replace(p, lam=p.lam / 10)).holds


def test_plain_learning_from_too_few_labels_is_worse_than_guessing():
    """So that "with few labels it is better" is refused: 6 features need more than 9 labels."""
    theorem = named("Better not to use them")
    problem = theorem.construct(np.random.default_rng(0))
    law = problem.population
    k, total = law.V.shape[1], np.trace(law.block("y", "y"))
    needed = k + 1 + k * law.floor / (total - law.floor)
    below, above = np.floor(needed), np.ceil(needed)
    assert law.floor * (below - 1) / (below - k - 1) > total
    assert law.floor * (above - 1) / (above - k - 1) < total
    assert theorem.certify(problem).holds
    few = replace(theorem, check=lambda p, rng: _plain_ssl_is_better(p, rng, share=0.8))
    assert not few.certify(problem).holds


@SEEDS
def test_the_limit_past_the_threshold_depends_on_both_strengths(seed):
    def exchanged(p):
        for k2, kappa2 in ((0.8 * p.k2, p.kappa2), (p.k2, 3 * p.kappa2)):
            yield float(past_threshold.limit(p.ratio, p.lam, k2, kappa2).risk)

    refused(named("Past the threshold"), seed, exchanged)


@SEEDS
def test_each_of_several_labels_has_the_direction_of_its_own(seed):
    theorem = named("Several labels")
    problem = theorem.construct(np.random.default_rng(seed))
    exchanged = replace(problem, kappa2=problem.kappa2[::-1])
    assert theorem.certify(problem, seed=seed).holds
    assert not theorem.certify(exchanged, seed=seed).holds


def test_without_a_price_for_z_a_minimiser_keeps_all_of_the_label():
    """At lambda = 0 least squares and the label's direction beside it: which needs lambda > 0."""
    problem = named("No finite sample gives all of the label").counterexample(
        np.random.default_rng(0)
    )
    law = problem.population
    X, _, Y = law.sample(problem.n0, 1)
    X_w = law.whitening.whiten(X.T).T
    least = np.linalg.lstsq(X_w, Y, rcond=None)[0]
    A = law.whitening.unwhiten(np.hstack([least, law.U])).T
    loss = processor.empirical_loss(A, X, Y, law, 0.0)
    assert loss == pytest.approx(processor.empirical_optimum(X, Y, law, 2, 0.0).loss, rel=1e-12)
    assert criteria.c2_gap(law, A) < 1e-12
    # Control: with a price it has more loss, and least squares alone lacks some of the label.
    paid = processor.empirical_loss(A, X, Y, law, 0.3)
    assert paid > processor.empirical_optimum(X, Y, law, 2, 0.3).loss + 1e-3
    assert criteria.c2_gap(law, law.whitening.unwhiten(least).T) > 1e-3
