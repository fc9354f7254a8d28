"""Predicted against realised risk on synthetic populations, and the coverage of the intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from sslboost.advice import advise
from sslboost.population import GaussianPopulation, isotropic_population, latent_population
from sslboost.representation import LinearMap, expected_risk, predictor_risk, residual_cov
from sslboost.uses import heads

ROWS, LABELS = 600, 30

#: Uses whose risk is compared.
USES = ("guessing", "x directly", "plain SSL", "joint head", "augmented head")

# Chance that a right program fails a check of this module, shared among five uses.
FALSE_ALARM = 1e-3 / 5


def populations():
    """Twenty-four: in general position, with both criteria met, and as the chapters draw them."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        d = (int(rng.integers(3, 8)), int(rng.integers(2, 5)), 1)
        root = rng.standard_normal((sum(d), sum(d) + int(rng.integers(2, 20))))
        yield GaussianPopulation(root @ root.T + rng.uniform(0, 5) * np.eye(sum(d)), *d)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        yield isotropic_population(rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.8), 3 + seed)
    for seed in range(6):
        yield latent_population(1, 2 + seed % 3, dims_z=(1, 2 + seed % 3), rng=seed)


def realised(population, rows, c, repetitions, rng):
    """Risks of the uses with psi learned from the rows, and their Monte Carlo errors.

    The first three are exact given psi, by another route than the advice takes: the law of least
    squares on any features. The others are trained on fresh labels again and again.
    """
    x, z, _ = rows
    x, z = x - x.mean(axis=0), z - z.mean(axis=0)
    psi = np.linalg.lstsq(x, z, rcond=None)[0].T
    k = min(psi.shape)
    exact = {
        "guessing": float(np.trace(population.block("y", "y"))),
        "x directly": expected_risk(population.noise, population.rank_x, LABELS),
        "plain SSL": expected_risk(residual_cov(population, psi), k, LABELS),
    }
    shift, drawn = heads.shift(x @ psi.T, z), []
    for _ in range(repetitions):
        x, z, y = population.sample(LABELS, rng)
        fits = heads.fit_joint(x @ psi.T, z, y), heads.fit_augmented(x @ psi.T, z, y, shift, c)
        risks = [predictor_risk(population, LinearMap(h.matrix @ psi, np.zeros(1))) for h in fits]
        drawn.append(risks)
    means, errors = np.mean(drawn, axis=0), stats.sem(drawn, axis=0)
    sampled = dict(zip(USES[3:], means, strict=True))
    return exact | sampled, dict.fromkeys(exact, 0.0) | dict(zip(USES[3:], errors, strict=True))


def compared(repetitions=100, bootstrap=40, seed=0):
    """For every population and use: predicted risk, its interval, realised risk and its error."""
    for i, population in enumerate(populations()):
        rng = np.random.default_rng([seed, i])
        rows = population.sample(ROWS, rng)
        report = advise(*rows, labels=LABELS, bootstrap=bootstrap, rng=rng)
        signal = report.effects[0].estimate
        true, errors = realised(population, rows, (1 - signal) / signal, repetitions, rng)
        for use in report.uses:
            if use.name in USES and math.isfinite(use.risk) and math.isfinite(true[use.name]):
                yield use.name, use.risk, use.low, use.high, true[use.name], errors[use.name]


@pytest.fixture(scope="module")
def table():
    rows = list(compared())
    return {use: np.array([row[1:] for row in rows if row[0] == use]) for use in USES}


@pytest.mark.parametrize("use", USES)
def test_intervals_cover_the_realised_risk_as_often_as_they_say(table, use):
    risk, low, high, true, error = table[use].T
    covered = ((low - 3 * error <= true) & (true <= high + 3 * error)).sum()
    least = stats.binom.ppf(FALSE_ALARM, len(true), 0.95)
    assert len(true) >= 20 and covered >= least
    # A tenth of the interval is not wide enough, nor is that of a fifth more risk.
    narrow = np.abs(np.log(true / risk)) < 0.1 * np.log(high / risk)
    assert narrow.sum() < least
    assert ((low * 1.2 <= true) & (true <= high * 1.2)).sum() < least


@pytest.mark.parametrize("use", USES)
def test_predicted_risks_are_right_on_average(table, use):
    risk, low, high, true, _ = table[use].T
    logs = np.log(risk / true)
    # The standard errors that the intervals claim are those of the mean over the populations.
    claimed = np.log(high / low) / 2 / stats.t.ppf(0.975, 20)
    z = stats.norm.isf(FALSE_ALARM / 2)
    # What the corrections leave is of second order: below columns over rows.
    left = max(p.d_x + p.d_z for p in populations()) / ROWS
    assert abs(logs.mean()) < z * math.sqrt(np.sum(claimed**2)) / len(logs) + left


if __name__ == "__main__":
    found = [row for seed in range(4) for row in compared(seed=seed)]
    for use in USES:
        risk, low, high, true, error = np.array([row[1:] for row in found if row[0] == use]).T
        share = np.mean((low <= true) & (true <= high))
        logs = np.log(risk / true)
        print(f"{use}: {len(true)}, covered {share:.3f}, {logs.mean():+.4f} ({logs.std():.4f})")
