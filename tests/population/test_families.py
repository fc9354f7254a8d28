"""The population whose pretext label is a picture of the label beside copies of inputs."""

import numpy as np
import pytest

from sslboost import criteria
from sslboost.population import copying_population
from sslboost.uses import innovation


def test_it_has_the_signal_and_the_share_that_it_says():
    p = copying_population(0.3, 0.6, 0.8, 5, noise=7)
    assert (p.d_x, p.d_z, p.d_y, p.rank_x, p.m) == (12, 5, 1, 12, 7)
    assert p.block("y", "y")[0, 0] == pytest.approx(1)
    assert np.sum(p.K_y**2) == pytest.approx(0.3)
    told = innovation.innovation(p)
    assert 1 - told.given_both[0, 0] / told.given_phi[0, 0] == pytest.approx(0.6)


@pytest.mark.parametrize("apart", [True, False])
def test_only_what_the_rest_of_the_label_tells_decides_existence(apart):
    p = copying_population(0.5, 0.5, 2.0, 5, noise=4, apart=apart)
    assert criteria.existence_gap(p) < 1e-14
    for tells in (-1.0, 0.5, 2.0):
        q = copying_population(0.5, 0.5, 2.0, 5, noise=4, tells=tells, apart=apart)
        assert criteria.existence_gap(q) > 0.05


def test_copies_break_conditional_independence_and_cost_the_label_where_they_are_mixed_in():
    for copied in (0.1, 3.0):
        p = copying_population(0.5, 0.5, copied, 5)
        assert criteria.epsilon_ci(p) == pytest.approx(2 * copied)
        mixed = copying_population(0.5, 0.5, copied, 5, apart=False)
        assert criteria.epsilon_ci(mixed) == pytest.approx(np.sqrt(5) * copied)
        kept = np.sum((p.V.T @ p.K_y) ** 2), np.sum((mixed.V.T @ mixed.K_y) ** 2)
        s2 = 2.0  # rho / (1 - rho) / (1 - k2)
        assert kept == pytest.approx((0.5, 0.5 * (s2 * 0.5) / (s2 * 0.5 + copied**2)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k2": 1.0}, "k2 and rho must be below 1"),
        ({"rho": 0.0}, "rho must be above 0"),
        ({"copied": 0.0}, "copied must be above 0"),
        ({"d": 1}, "d must be an integer of at least 2"),
        ({"noise": 0}, "noise must be a positive integer"),
        ({"tells": np.nan}, "tells must be finite"),
        ({"apart": 1}, "apart must be a bool"),
    ],
)
def test_wrong_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        copying_population(**changes)
