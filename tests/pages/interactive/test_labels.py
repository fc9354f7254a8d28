"""What labels buy: the figure says what the formulas of the package say."""

import numpy as np
import pytest

from sslboost.pages.interactive import labels
from sslboost.population import latent_population
from sslboost.representation import pretext, risk


@pytest.fixture(scope="module")
def shown():
    return labels.figure(repetitions=2)


def test_a_position_says_the_exact_risks_and_the_labels_that_the_target_takes(shown, at):
    rng = np.random.default_rng(1)
    for _ in range(30):
        k = {way: int(rng.choice(counts)) for way, counts in labels.FEATURES.items()}
        n2, signal = int(rng.choice(labels.LABELS)), int(rng.choice(labels.SIGNAL))
        said = at(shown, str(n2), *map(str, k.values()), f"{signal} %")
        R = np.eye(2) * (1 - signal / 100) / 2
        for way, count in k.items():
            needed = int(said[f"need_{way}"])
            aim = labels.TARGET * (1 - signal / 100) * (1 + 1e-9)
            assert (
                risk.excess_risk(R, count, needed) <= aim < risk.excess_risk(R, count, needed - 1)
            )
            if n2 > count + 1:
                exact = risk.expected_risk(R, count, n2)
                assert float(said[f"risk_{way}"]) == pytest.approx(exact, abs=5.01e-4)
            elif n2 >= count - 1:
                assert said[f"risk_{way}"] == "infinite"
            else:
                assert said[f"risk_{way}"].startswith("beyond the formula")
        assert float(said["floor"]) == pytest.approx(1 - signal / 100)


def test_the_start_is_the_population_of_the_chapter(shown):
    shape = {"d_y": 2, "d_s": 8, "dims_x": (10, 14, 16), "dims_z": (2, 8)}
    population = latent_population(**shape, s_to_z=1.0)
    total = np.trace(population.block("y", "y"))
    A = pretext.psi_star(population).matrix
    R = risk.residual_cov(population, A) / total
    start = risk.expected_risk(R, population.d_z, 100)
    assert f'data-says="risk_d_z">{start:.3f}<' in shown.says
    assert (population.d_x, population.d_z, population.d_y) == (40, 10, 2)


def test_features_never_cross_and_a_line_begins_where_the_risk_is_finite(shown):
    assert max(labels.FEATURES["d_y"]) <= min(labels.FEATURES["d_z"])
    assert max(labels.FEATURES["d_z"]) <= min(labels.FEATURES["d_x"])
    assert labels._risk(3, 4, 80) == np.inf and np.isfinite(labels._risk(3, 5, 80))


def test_the_risk_is_called_infinite_only_where_it_is():
    """Fits of minimal norm with as many labels as two less than features have a finite risk."""
    k = 6
    finite = [np.isfinite(labels._risk(k, n, 80)) for n in range(1, 12)]
    infinite = [np.isposinf(labels._risk(k, n, 80)) for n in range(1, 12)]
    assert [n for n, one in enumerate(infinite, 1) if one] == [k - 1, k, k + 1]
    assert [n for n, one in enumerate(finite, 1) if one] == list(range(k + 2, 12))


def test_intervals_hold_the_exact_excess():
    counts = (2, 10)
    n2, low, high = labels._intervals(counts, 400)
    exact = np.array([[k / (n - k - 1) for n in row] for k, row in zip(counts, n2, strict=True)])
    # 3 times as wide: of ten intervals one misses in 10^-7 of the seeds.
    half = 1.5 * (high - low)
    assert (np.abs((low + high) / 2 - exact) < half).all()
    assert (np.abs((low + high) / 2 - 1.5 * exact) > half).any()


@pytest.mark.parametrize("wrong", [0, 1, 2.5, "2"])
def test_repetitions_must_be_counted(wrong):
    with pytest.raises(ValueError, match="repetitions must be"):
        labels.figure(repetitions=wrong)
