"""What the innovation tells, and the exact excess of the heads that listen to it."""

import numpy as np
import pytest

from sslboost import criteria
from sslboost.population import GaussianPopulation, isotropic_population, latent_population
from sslboost.processor import members
from sslboost.representation import excess_risk
from sslboost.uses import innovation
from sslboost.uses.innovation import augmented_excess, gain, joint_excess


def by_covariances(p):
    """E[y | x, z] by solving with the joint covariance of (x, z)."""
    k = p.d_x + p.d_z
    return np.linalg.solve(p.cov[:k, :k], p.cov[:k, k:])


@pytest.mark.parametrize("d_y", [1, 2, 4])
def test_existence_gives_the_mean_given_both(d_y):
    for seed in range(30):
        p = members.random_member(9, 5, d_y, invariance=bool(seed % 2), rng=seed)
        right = by_covariances(p)
        rounding = 1e-13 * np.linalg.cond(p.cov) * np.abs(right).max()
        assert np.abs(innovation.mean_given_both(p) - right).max() < rounding
        told = innovation.told_by_existence(p)
        assert told == pytest.approx(p.conditional("z", "y", "x"), abs=1e-10)


def test_without_existence_it_is_another():
    for seed in range(10):
        p = members.random_member(9, 5, 2, existence=False, rng=seed)
        right = by_covariances(p)
        assert np.abs(innovation.mean_given_both(p) - right).max() > 1e-2 * np.abs(right).max()


def test_what_x_does_not_predict_of_y_may_know_of_z_what_it_likes():
    p = latent_population(2, 3, y_to_x=[1.0, 0.0])
    with pytest.raises(ValueError, match=r"cov E\[y\|x\] invertible, got rank 1 for d_y = 2"):
        innovation.told_by_existence(p)
    with pytest.raises(ValueError, match="invertible"):
        innovation.canonical_weights(p)


def test_canonical_labels_have_their_weights_and_are_the_eigenvalues():
    p = members.random_member(9, 5, 3, rng=0)
    c, labels = innovation.canonical_weights(p)
    C, R = p.K_y.T @ p.K_y, p.noise
    assert labels.T @ C @ labels == pytest.approx(np.eye(3), abs=1e-10)
    assert labels.T @ R @ labels == pytest.approx(np.diag(c), abs=1e-10)
    assert np.sort(np.linalg.eigvals(R @ np.linalg.inv(C)).real) == pytest.approx(c)
    assert c[0] < c[-1]


def test_the_moments_are_those_of_the_population():
    p = members.random_member(9, 5, 2, existence=False, rng=3)
    told = innovation.innovation(p)
    both = p.cov[-2:, -2:] - p.cov[-2:, :14] @ by_covariances(p)
    away = p.K_y - p.V @ (p.V.T @ p.K_y)  # x knows more of y than psi does
    assert told.given_phi == pytest.approx(p.noise + away.T @ away)
    assert told.given_both == pytest.approx(both + away.T @ away)
    left = p.conditional("z", "z", "x")
    T = p.V.T @ p.K_z @ np.linalg.solve(left, p.K_z.T @ p.V)
    assert told.T == pytest.approx(T)


def test_the_isotropic_case_is_what_it_says():
    p = isotropic_population(0.4, 0.3, 7, noise=2, rng=1)
    told = innovation.innovation(p)
    assert criteria.existence_gap(p) < 1e-14
    assert p.d_x == 9 and p.block("y", "y")[0, 0] == 1
    assert np.sum(told.B**2) == pytest.approx(0.4)
    assert told.T == pytest.approx(0.3 * 0.4 / 0.6 * np.eye(7))
    assert told.given_both[0, 0] == pytest.approx(0.6 * 0.7)
    assert innovation.canonical_weights(p)[0] == pytest.approx([1.5])
    deaf = isotropic_population(0.4, 0.3, 7, tells=False)
    assert innovation.innovation(deaf).given_both[0, 0] == pytest.approx(0.6)
    assert criteria.existence_gap(deaf) > 0.1


@pytest.mark.parametrize("k2", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rho", [0.05, 0.3, 0.9])
def test_the_gain_is_the_ratio_of_the_exact_excesses_at_every_n(k2, rho):
    p = isotropic_population(k2, rho, 6)
    for n in (8, 20, 500):
        plain, helped = (augmented_excess(p, c, n) for c in (0.0, 1 / k2 - 1))
        assert plain == pytest.approx((1 - k2) * 6 / (n - 7))
        assert plain / helped == pytest.approx(gain(k2, rho))
        for wrong in (0.5, 2.0):
            assert augmented_excess(p, wrong * (1 / k2 - 1), 500) > augmented_excess(
                p, 1 / k2 - 1, 500
            )
    assert gain(k2, 0) == 1


def test_without_existence_more_weight_may_add_noise_as_well_as_bias():
    """Of an innovation that tells nothing; the noise is what more labels take away."""
    deaf = isotropic_population(0.7, 0.5, 5, tells=False)
    noise = [
        augmented_excess(deaf, c, 30) - augmented_excess(deaf, c, np.inf) for c in (0, 0.3, 0.6, 1)
    ]
    assert noise[0] < noise[1] < noise[2] > noise[3]
    tau = 0.5 * 0.7 / 0.3
    for value, c in zip(noise, (0, 0.3, 0.6, 1), strict=True):
        share = 1 / (1 + c**2 * tau)
        assert value == pytest.approx((1 - 0.7 * share) * share * 5 / 24)


def test_plain_ssl_is_the_weight_zero_and_unlimited_labels_leave_the_bias():
    p = members.random_member(9, 5, 2, existence=False, rng=0)
    told = innovation.innovation(p)
    assert augmented_excess(p, 0, 30) == pytest.approx(excess_risk(told.given_phi, 5, 30))
    assert augmented_excess(p, 0, np.inf) < 1e-20
    assert augmented_excess(p, 0.7, np.inf) > 1e-3
    assert joint_excess(p, np.inf) == 0
    q = members.random_member(9, 5, 1, rng=0)
    c = innovation.canonical_weights(q)[0][0]
    assert augmented_excess(q, c, np.inf) < 1e-20 < augmented_excess(q, 0.5 * c, np.inf)


def test_the_joint_head_needs_no_existence_and_pays_for_the_innovations():
    p = members.random_member(9, 5, 2, existence=False, rng=0)
    left = np.trace(innovation.innovation(p).given_both)
    assert joint_excess(p, 40) == pytest.approx(left * 5 / (40 - 5 - 5 - 1))
    deaf = isotropic_population(0.5, 0.5, 6, tells=False)
    assert joint_excess(deaf, 30) / augmented_excess(deaf, 0, 30) == pytest.approx(23 / 17)
    told = isotropic_population(0.5, 0.5, 6)
    assert joint_excess(told, 300) < augmented_excess(told, 0, 300)
    assert joint_excess(told, 300) > augmented_excess(told, 1, 300)


def test_a_z_that_x_determines_tells_nothing():
    p = isotropic_population(0.5, 0.5, 2)
    T = np.eye(5)
    T[2:4, :2], T[2:4, 2:4] = np.eye(2), 0  # z is phi itself
    q = GaussianPopulation(T @ p.cov @ T.T, 2, 2, 1)
    assert innovation.innovation(q).told.shape == (0, 1)
    assert joint_excess(q, 20) == pytest.approx(augmented_excess(q, 3.0, 20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: augmented_excess(p, np.nan, 20), "c must be"),
        (lambda p: augmented_excess(p, 1, 6), "n2 must exceed k . 1 = 7"),
        (lambda p: joint_excess(p, 13), "n2 must exceed k . 1 = 13"),
        (lambda p: gain(0, 0.5), "k2 must be"),
        (lambda p: gain(0.5, 1), "k2 and rho must be below 1, got 0.5 and 1"),
        (lambda p: gain(1, 0.5), "k2 and rho must be below 1, got 1.0 and 0.5"),
        (lambda p: isotropic_population(1, 0.5), "k2 and rho must be below 1"),
        (lambda p: isotropic_population(0.5, 0), "rho must be"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(isotropic_population(0.5, 0.5, 6))
