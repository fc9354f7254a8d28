"""Predicted against realised risk on synthetic populations, and the coverage of the intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from sslboost.advice import advise
from sslboost.population import GaussianPopulation, isotropic_population, latent_population
from sslboost.representation import LinearMap, predictor_risk
from sslboost.uses import heads

ROWS = 600

#: Few for these populations, whose psi has up to eight directions, and many.
LABELS = (16, 30)

#: Uses whose risk is compared.
USES = ("x directly", "plain SSL", "joint head", "augmented head")

# Chance that a right program fails a check of this module, shared among the uses and budgets.
FALSE_ALARM = 1e-3 / 8


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


def realised(population, rows, labels, c, repetitions, rng):
    """Risks of the uses with psi learned from the rows, and their Monte Carlo errors.

    As somebody with labels uses them: means are those of the labelled rows, whose own means are
    not zero. The risk of a linear predictor is exact.
    """
    x, z, _ = rows
    x, z = x - x.mean(axis=0), z - z.mean(axis=0)
    psi = np.linalg.lstsq(x, z, rcond=None)[0].T
    directions = np.linalg.svd(psi, full_matrices=False)[2][: min(psi.shape)]
    shift, drawn = heads.shift(x @ psi.T, z), []
    for _ in range(repetitions):
        x, z, y = population.sample(labels, rng)
        mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
        x, z, y = x - mean_x, z - z.mean(axis=0), y - mean_y
        fits = heads.fit_joint(x @ psi.T, z, y), heads.fit_augmented(x @ psi.T, z, y, shift, c)
        maps = [
            np.linalg.lstsq(x, y, rcond=None)[0].T,
            np.linalg.lstsq(x @ directions.T, y, rcond=None)[0].T @ directions,
            *(fit.matrix @ psi for fit in fits),
        ]
        drawn.append([predictor_risk(population, LinearMap(m, mean_y - m @ mean_x)) for m in maps])
    drawn = np.array(drawn) / np.trace(population.block("y", "y"))
    means, errors = drawn.mean(axis=0), stats.sem(drawn, axis=0)
    return dict(zip(USES, means, strict=True)), dict(zip(USES, errors, strict=True))


def compared(labels, repetitions=100, bootstrap=40, seed=0):
    """For every population and use: predicted risk, its interval, realised risk and its error."""
    for i, population in enumerate(populations()):
        rng = np.random.default_rng([seed, i])
        rows = population.sample(ROWS, rng)
        report = advise(*rows, labels=labels, bootstrap=bootstrap, rng=rng)
        assert report.uses[0].name == "guessing"
        assert report.uses[0].risk == pytest.approx(1 + 1 / labels)
        signal = report.effects[0].estimate
        c = (1 - signal) / signal
        true, errors = realised(population, rows, labels, c, repetitions, rng)
        for use in report.uses:
            # Two labels more than a finite mean needs, or the mean of a few draws says little.
            enough = labels > 4 + population.d_x + population.d_z * (use.name == "joint head")
            if use.name in USES and enough:
                yield use.name, use.risk, use.low, use.high, true[use.name], errors[use.name]


@pytest.fixture(scope="module", params=LABELS)
def table(request):
    rows = list(compared(request.param))
    return {use: np.array([row[1:] for row in rows if row[0] == use]) for use in USES}


@pytest.mark.parametrize("use", USES)
def test_intervals_cover_the_realised_risk_as_often_as_they_say(table, use):
    risk, low, high, true, error = table[use].T
    covered = ((low - 3 * error <= true) & (true <= high + 3 * error)).sum()
    least = stats.binom.ppf(FALSE_ALARM, len(true), 0.95)
    assert len(true) >= 12 and covered >= least
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
    for labels in LABELS:
        found = [row for seed in range(4) for row in compared(labels, seed=seed)]
        for use in USES:
            risk, low, high, true, error = np.array([row[1:] for row in found if row[0] == use]).T
            share = np.mean((low <= true) & (true <= high))
            logs = np.log(risk / true)
            said = f"{share:.3f}, {logs.mean():+.4f} ({logs.std():.4f})"
            print(f"{labels} labels, {use}: {len(true)}, covered {said}")
