"""A certificate fails on the formula that is wrong by one, or by little."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sslboost.bounds import past_threshold
from sslboost.theorems import FALSE_ALARM, REGISTRY
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


@SEEDS
@pytest.mark.parametrize(
    "name", ["Theorem 2 (model-free lower bound)", "Theorem 2, λ > 0 is needed"]
)
def test_the_margin_of_theorem_2_is_not_a_hundredth_more(name, seed):
    refused(named(name), seed, lambda p: [1.01 * p.claimed])


@SEEDS
def test_the_limit_past_the_threshold_is_told_from_that_of_other_shares(seed):
    theorem = named("Past the threshold")
    problem = theorem.construct(np.random.default_rng(seed))
    allowed = theorem.certify(problem, seed=seed).tolerance
    law = {"lam": problem.lam, "k2": problem.k2, "kappa2": problem.kappa2}
    risk = past_threshold.limit(problem.ratio, **law).risk
    for wrong in ({"k2": 0.9 * problem.k2}, {"kappa2": 3 * problem.kappa2}):
        assert abs(past_threshold.limit(problem.ratio, **(law | wrong)).risk - risk) > allowed
