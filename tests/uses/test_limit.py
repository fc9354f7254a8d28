"""The limits, by routes that their proofs do not take."""

import numpy as np
import pytest
from scipy import stats

from sslboost import criteria
from sslboost.population import GaussianPopulation, isotropic_population
from sslboost.processor import members
from sslboost.uses import innovation, limit

NOISE = stats.norm.isf(1e-5)


def bayes_risk(d, others, n, left, spread, repetitions, rng):
    """Risk of the posterior mean of d heads beside others under a Gaussian prior, by sampling."""
    risks = []
    for _ in range(repetitions):
        X = rng.standard_normal((n, d + others))
        posterior = np.linalg.inv(X.T @ X / left + np.eye(d + others) / spread)
        risks.append(np.trace(posterior[:d, :d]))
    return np.array(risks)


def test_the_minimax_excess_is_the_limit_of_bayes_risks_that_never_pass_it():
    rng, d, others, n, left = np.random.default_rng(0), 3, 4, 20, 0.6
    said = limit.given_both([[left]], d, others, n)
    last = 0.0
    for spread in (1e-2, 1.0, 1e4):
        risks = bayes_risk(d, others, n, left, spread, 3000, rng)
        assert last < risks.mean() < said + NOISE * stats.sem(risks)
        last = risks.mean()
    assert abs(last - said) < NOISE * stats.sem(risks)
    assert abs(last - limit.given_x([[left]], d, n)) > NOISE * stats.sem(risks)


def test_plain_ssl_and_the_joint_head_attain_theirs():
    p = members.random_member(9, 5, 2, existence=False, rng=0)
    told = innovation.innovation(p)
    assert limit.given_x(told.given_phi, 5, 30) == pytest.approx(
        innovation.augmented_excess(p, 0, 30)
    )
    both = limit.given_both(told.given_both, 5, 5, 30)
    assert both == pytest.approx(innovation.joint_excess(p, 30))
    assert both < limit.given_x(told.given_phi, 5, 30)


def copying(noise, told=0.0, beta=(0.35, 0.35, 0.35, 0.35)):
    """z is phi with noise of these variances, of which y hears ``told`` times as of phi."""
    d, cov = 4, np.eye(9)
    z, y, heard = slice(4, 8), -1, told * (np.broadcast_to(noise, d) > 0)
    cov[:d, z] = cov[z, :d] = np.eye(d)
    cov[z, z] += np.diag(np.broadcast_to(noise, d))
    cov[:d, y] = cov[y, :d] = beta
    cov[z, y] = cov[y, z] = beta * (1 + heard)
    return GaussianPopulation(cov, d, d, 1)


@pytest.mark.parametrize("noise", [0.0, [0.0, 2.0, 2.0, 2.0]])
def test_what_x_predicts_of_z_without_error_leaves_no_family_to_bound(noise):
    """No head of the ellipsoid has existence: the innovation that must speak of it is zero."""
    betas = np.random.default_rng(0).standard_normal((200, 4))
    betas *= np.sqrt(0.5) / np.linalg.norm(betas, axis=1, keepdims=True)
    gaps = np.array([criteria.existence_gap(copying(noise, 1.0, beta)) for beta in betas])
    assert (gaps > 0.4 * np.abs(betas[:, 0])).all()
    assert criteria.existence_gap(copying(2.0, 1.0, betas[0])) < 1e-12
    with pytest.raises(ValueError, match=r"population must leave no part of z .* coordinate 0"):
        limit.family(copying(noise, 1.0))
    if np.ndim(noise) == 0:
        tau = np.diag(innovation.innovation(copying(noise)).T)
        with pytest.raises(ValueError, match="tau must hold two values or more, all above 0"):
            limit.with_existence(tau, 1.0, 0.5, 50)


def test_a_population_is_of_its_family():
    tau, c, left = limit.family(isotropic_population(0.4, 0.3, 7, noise=2, rng=1))
    said = limit.isotropic(0.4, 0.3, 7)
    assert tau == pytest.approx(said[0]) and (c, left) == pytest.approx(said[1:])
    p = members.random_member(9, 5, 1, rng=0)
    tau, c, left = limit.family(p)
    told = innovation.innovation(p)
    half, Q = np.linalg.eigh(told.T)
    assert tau == pytest.approx(half)
    assert c == pytest.approx(innovation.canonical_weights(p)[0][0])
    assert np.sum(c * (1 - c * tau) * (Q.T @ told.B)[:, 0] ** 2) == pytest.approx(left)


@pytest.mark.parametrize(
    ("population", "message"),
    [
        (lambda: members.random_member(9, 5, 2, rng=0), "one label and rank .* got 2 and 5"),
        (lambda: isotropic_population(0.5, 0.5, 1), "at least 2, got 1 and 1"),
        (lambda: members.random_member(9, 5, 1, existence=False, rng=0), "must have a processor"),
        (lambda: isotropic_population(0.5, 0.5, 4, tells=False), "must have a processor"),
        (lambda: members.random_member(9, 3, 1, invariance=False, rng=0), "in the directions that"),
        (lambda: copying(0.49 / 0.51, 1.0), "x and z not all, got 0.49 and"),
    ],
)
def test_a_population_of_no_family_is_refused(population, message):
    with pytest.raises(ValueError, match=message):
        limit.family(population())


@pytest.mark.parametrize("d", [2, 3])
def test_for_few_directions_a_known_length_is_worth_more_than_the_augmented_head(d):
    """d / (d - 1) times what the augmented head saves, which is no bound for every method."""
    k2, rho, n = 0.5, 0.5, 200 * d
    family, gain = limit.isotropic(k2, rho, d), innovation.gain(k2, rho)
    few = (d - 1) * family[2] / (k2 * (1 + rho * (1 - k2) / k2))
    draws = limit.simulate(*family, n, "scaled", 4000, 0)
    plain = innovation.augmented_excess(isotropic_population(k2, rho, d), 0, n)
    least = limit.with_existence(*family, n)
    assert plain / (draws.mean() + NOISE * stats.sem(draws)) > 1.2 * gain
    assert least < draws.mean() + NOISE * stats.sem(draws) < 1.15 * least
    assert plain / least == pytest.approx(d / (d - 1) * gain * (n + few) / (n - d - 1))


@pytest.mark.parametrize("k2", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rho", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("d", [2, 20])
def test_in_the_isotropic_case_the_bound_is_that_of_the_corollary(k2, rho, d):
    tau, c, left = limit.isotropic(k2, rho, d)
    for n in (d, 10 * d, 10_000 * d):
        a = 1 + rho * (1 - k2) / k2
        said = (d - 1) * left / (n * a + (d - 1) * left / k2)
        assert limit.with_existence(tau, c, left, n) == pytest.approx(said)
    p = isotropic_population(k2, rho, d)
    many = 10_000 * d
    ratio = innovation.augmented_excess(p, c, many) / limit.with_existence(tau, c, left, many)
    assert ratio == pytest.approx(d / (d - 1), rel=2e-3)


def test_the_mean_over_directions_at_right_angles_is_that_of_its_definition():
    """p_i of the docstring, by sampling directions: it decides the bound where tau differs."""
    tau, c, left, n = np.array([0.01, 0.1, 0.4, 0.6]), 1.5, 0.3, 50
    axes2 = left / (c * (1 - c * tau))
    told, d = axes2 * (1 + c**2 * tau), 4
    theta = np.random.default_rng(0).standard_normal((400_000, d))
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    p = np.mean(told * (1 - 2 * theta**2) + theta**2 * (theta**2 @ told)[:, None], axis=0)
    said = (9 / 16) * np.sum(axes2 / (n * p / left + 9 / 4))
    assert limit.with_existence(tau, c, left, n) == pytest.approx(said, rel=5e-3)


@pytest.mark.parametrize("head", limit.HEADS)
def test_no_head_is_better_than_the_bound(head):
    rng = np.random.default_rng(1)
    for d, k2, rho, n in [(5, 0.1, 0.9, 30), (5, 0.5, 0.1, 14), (20, 0.5, 0.9, 200)]:
        tau, c, left = limit.isotropic(k2, rho, d)
        draws = limit.simulate(tau, c, left, n, head, 400, rng)
        bound = limit.with_existence(tau, c, left, n)
        assert draws.mean() > bound - NOISE * stats.sem(draws)
        tau = tau * rng.uniform(0, 1, d)
        draws = limit.simulate(tau, c, left, n, head, 400, rng)
        bound = limit.with_existence(tau, c, left, n)
        assert draws.mean() > bound - NOISE * stats.sem(draws)
    # The bound is sharp: a little above it the best head is found.
    tau, c, left = limit.isotropic(0.5, 0.5, 40)
    best = limit.simulate(tau, c, left, 2000, "shrunk", 200, rng).mean()
    assert best < 1.12 * limit.with_existence(tau, c, left, 2000)


def test_given_the_design_the_bound_is_sharper_and_still_one():
    rng = np.random.default_rng(3)
    for d, k2, rho, multiple in [(20, 0.5, 0.5, 2), (20, 0.1, 0.9, 4), (40, 0.9, 0.1, 3)]:
        tau, c, left = limit.isotropic(k2, rho, d)
        n2 = multiple * d
        bounds = limit.given_design(tau, c, left, n2, 400, rng)
        draws = limit.simulate(tau, c, left, n2, "shrunk", 400, rng)
        noise = NOISE * np.hypot(stats.sem(bounds), stats.sem(draws))
        assert bounds.mean() > limit.with_existence(tau, c, left, n2) * 1.1
        assert bounds.mean() - noise < draws.mean() < 1.1 * bounds.mean() + noise
    many = limit.given_design(tau, c, left, 10**6, 5, rng).mean()
    assert many == pytest.approx(limit.with_existence(tau, c, left, 10**6), rel=1e-3)
    tau = np.array([0.1, 0.3, 0.6])
    many = limit.given_design(tau, 1.5, 0.3, 10**7, 5, rng).mean()
    assert many == pytest.approx(limit.with_existence(tau, 1.5, 0.3, 10**7), rel=1e-2)


def several_labels(d, tau, c, lengths2):
    """A law with T = tau I, C = diag(lengths2) and R = C diag(c), in which existence holds."""
    d_y, kappa = len(c), np.sqrt(tau)
    B = np.eye(d)[:, :d_y] * np.sqrt(lengths2)
    cov = np.eye(2 * d + d_y)
    z, y = slice(d, 2 * d), slice(2 * d, None)
    cov[:d, z] = cov[z, :d] = kappa * np.eye(d)
    cov[z, z] *= 1 + tau
    cov[:d, y], cov[z, y] = B, kappa * B * (1 + c)
    cov[y, :d], cov[y, z], cov[y, y] = B.T, cov[z, y].T, np.diag(lengths2 * (1 + c))
    return GaussianPopulation(cov, d, d, d_y)


def test_several_labels_are_bounded_by_what_each_has_left_once_the_others_are_known():
    d, n, tau = 4, 400, 0.4
    c, lengths2 = np.array([0.5, 1.5]), np.array([1.0, 0.6])
    p = several_labels(d, tau, c, lengths2)
    left = (1 - c * tau) * c * lengths2
    assert criteria.existence_gap(p) < 1e-14
    assert innovation.innovation(p).given_both == pytest.approx(np.diag(left))
    free = d - len(c)
    said = np.sum(free * left / (n * (1 + c**2 * tau) + free * left / lengths2))
    each = [limit.with_existence(np.full(free + 1, tau), c[j], left[j], n) for j in (0, 1)]
    assert said == pytest.approx(sum(each))
    rng, lengths, told, alone = np.random.default_rng(0), np.sqrt(lengths2), [], []
    for _ in range(2000):
        frame = np.linalg.qr(rng.standard_normal((d, 2)))[0]
        phi, v = rng.standard_normal((2, n, d)) * np.array([1, np.sqrt(tau)])[:, None, None]
        u = [phi + weight * v for weight in c]
        noise = np.sqrt(left) * rng.standard_normal((n, 2))
        y = [u[j] @ frame[:, j] * lengths[j] + noise[:, j] for j in (0, 1)]
        found = np.stack([np.linalg.lstsq(u[j], y[j])[0] for j in (0, 1)], axis=1)
        # Told the other column each, and told the lengths only.
        known = found - frame[:, ::-1] * np.sum(frame[:, ::-1] * found, axis=0)
        known *= lengths / np.linalg.norm(known, axis=0)
        first, _, last = np.linalg.svd(found / lengths, full_matrices=False)
        told.append(np.sum((known - frame * lengths) ** 2))
        alone.append(np.sum((first @ last * lengths - frame * lengths) ** 2))
    assert said < np.mean(told) + NOISE * stats.sem(told) < 1.15 * said
    assert np.mean(alone) > said - NOISE * stats.sem(alone)
    assert np.mean(told) + NOISE * stats.sem(told) < 0.8 * said * (d - 1) / free


@pytest.mark.parametrize("head", ["plain", "joint", "augmented"])
def test_the_simulated_heads_have_the_excess_of_the_exact_formulas(head):
    k2, rho, d, n = 0.4, 0.6, 6, 40
    p = isotropic_population(k2, rho, d)
    exact = {
        "plain": innovation.augmented_excess(p, 0, n),
        "joint": innovation.joint_excess(p, n),
        "augmented": innovation.augmented_excess(p, 1.5, n),
    }
    draws = limit.simulate(*limit.isotropic(k2, rho, d), n, head, 3000, 0)
    for name, value in exact.items():
        assert (abs(draws.mean() - value) < NOISE * stats.sem(draws)) == (name == head)


def test_the_shrunk_head_is_the_best_linear_function_of_the_labels():
    tau, c, left, n = np.array([0.1, 0.5, 0.6]), 1.5, 0.5, 12
    _, _, _, axes2 = limit._ellipsoid(tau, c, left)
    a, rng = 1 + c**2 * tau, np.random.default_rng(0)
    risks = []
    for _ in range(2000):  # the posterior covariance of a Gaussian with the same second moments
        u = rng.standard_normal((n, 3)) * np.sqrt(a)
        risks.append(np.trace(np.linalg.inv(u.T @ u / left + np.diag(3 / axes2))))
    draws = limit.simulate(tau, c, left, n, "shrunk", 4000, 1)
    assert abs(draws.mean() - np.mean(risks)) < NOISE * np.hypot(stats.sem(draws), stats.sem(risks))
    plain = limit.simulate(tau, c, left, n, "augmented", 4000, 1)
    assert draws.mean() < plain.mean()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: limit.with_existence([0.1], 1, 1, 9), "tau must hold two values or more"),
        (lambda: limit.with_existence([0.1, -0.1], 1, 1, 9), "all above 0"),
        (lambda: limit.with_existence([0.1, 0.0], 1, 1, 9), "all above 0"),
        (lambda: limit.isotropic(0.5, 0, 3), "rho must be"),
        (lambda: limit.with_existence([0.1, 0.6], 2, 1, 9), "tau must be below 1 / c = 0.5"),
        (lambda: limit.with_existence([0.1, 0.1], 0, 1, 9), "c must be"),
        (lambda: limit.with_existence([0.1, 0.1], 1, 0, 9), "left must be"),
        (lambda: limit.with_existence([0.1, 0.1], 1, 1, 0), "n2 must be"),
        (lambda: limit.given_design([0.1, 0.1], 1, 1, 1, 2), "n2 must be"),
        (lambda: limit.isotropic(1, 0.5, 3), "k2 and rho must be below 1"),
        (lambda: limit.isotropic(0.5, 0.5, 1), "d must be"),
        (lambda: limit.simulate([0.1, 0.1], 1, 1, 3, "plain", 2), "n2 must exceed 3 for the plain"),
        (lambda: limit.simulate([0.1, 0.1], 1, 1, 5, "joint", 2), "n2 must exceed 5 for the joint"),
        (lambda: limit.simulate([0.1, 0.1], 1, 1, 9, "other", 2), "head must be"),
        (lambda: limit.given_x([[1.0]], 0, 9), "d must be"),
        (lambda: limit.given_both([[1.0]], 2, 3, 6), "n2 must exceed k . 1 = 6"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
