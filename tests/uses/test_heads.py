"""The heads on samples: that they have the excess of the formulas, and what is chosen."""

import numpy as np
import pytest
from scipy import stats

from sslboost.criteria import empirical
from sslboost.population import isotropic_population
from sslboost.processor import members
from sslboost.representation import fit_linear, predictor_risk, psi_star
from sslboost.representation.pretext import W_star
from sslboost.uses import heads, innovation

FALSE_ALARM = 1e-4


def excesses(p, n, fit, repetitions=400, rng=0):
    """Exact excess risks of heads that ``fit(F, Z, Y, shift)`` returns on fresh samples."""
    rng, psi, shift = np.random.default_rng(rng), psi_star(p), heads.shift_star(p)
    best = predictor_risk(p, W_star(p, psi).after(psi))
    drawn = (p.sample(n, rng) for _ in range(repetitions))
    return np.array(
        [predictor_risk(p, fit(psi(x), z, y, shift).after(psi)) - best for x, z, y in drawn]
    )


def error(draws):
    return stats.norm.isf(FALSE_ALARM / 2) * stats.sem(draws)


POPULATIONS = {
    "isotropic": lambda: isotropic_population(0.5, 0.6, 5, noise=2),
    "existence": lambda: members.random_member(8, 4, 2, invariance=False, rng=1),
    "none": lambda: members.random_member(8, 4, 2, existence=False, rng=2),
}


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("c", [0.0, 0.4, 1.0])
def test_the_augmented_head_has_the_excess_of_the_formula_for_any_weight(name, c):
    p = POPULATIONS[name]()
    draws = excesses(p, 25, lambda F, Z, Y, shift: heads.fit_augmented(F, Z, Y, shift, c))
    assert abs(draws.mean() - innovation.augmented_excess(p, c, 25)) < error(draws)
    other = innovation.augmented_excess(p, c + 1, 25)
    assert abs(draws.mean() - other) > error(draws)


@pytest.mark.parametrize("name", POPULATIONS)
def test_the_joint_head_has_the_excess_of_the_formula(name):
    p = POPULATIONS[name]()
    draws = excesses(p, 25, lambda F, Z, Y, shift: heads.fit_joint(F, Z, Y))
    assert abs(draws.mean() - innovation.joint_excess(p, 25)) < error(draws)
    innovations_for_nothing = innovation.joint_excess(p, 25 + p.d_z)
    assert abs(draws.mean() - innovations_for_nothing) > error(draws)


def test_several_labels_have_a_weight_each_in_their_canonical_form():
    p = members.random_member(8, 4, 2, rng=5)
    c, labels = innovation.canonical_weights(p)
    x, z, y = p.sample(200_000, 0)
    psi, shift = psi_star(p), heads.shift_star(p)
    best = W_star(p, psi).matrix
    right = heads.fit_augmented(psi(x), z, y, shift, c, labels).matrix
    wrong = heads.fit_augmented(psi(x), z, y, shift, c[::-1], labels).matrix
    one = heads.fit_augmented(psi(x), z, y, shift, c.mean()).matrix
    distance = [np.linalg.norm(head - best) for head in (right, wrong, one)]
    assert distance[0] < 0.02 < 0.1 < min(distance[1:])


def test_infinite_penalty_and_no_weight_are_plain_ssl():
    p = POPULATIONS["none"]()
    x, z, y = p.sample(30, 0)
    F, shift = psi_star(p)(x), heads.shift_star(p)
    plain = fit_linear(F, y).matrix
    assert heads.fit_augmented(F, z, y, shift, 0).matrix == pytest.approx(plain)
    assert heads.fit_augmented(F, z, y, shift, [0, 0]).matrix == pytest.approx(plain)
    assert heads.fit_joint(F, z, y, np.inf).matrix == pytest.approx(plain)
    assert heads.fit_joint(F, z, y, 1e10).matrix == pytest.approx(plain, abs=1e-6)
    assert np.abs(heads.fit_joint(F, z, y).matrix - plain).max() > 1e-2


def test_shift_tends_to_its_limit_and_gives_the_augmented_features():
    p = POPULATIONS["existence"]()
    x, z, _ = p.sample(100_000, 0)
    psi = psi_star(p)
    limit = heads.shift_star(p)
    assert heads.shift(psi(x), z) == pytest.approx(limit, abs=0.05 * np.abs(limit).max())
    left, cov_psi = p.conditional("z", "z", "x"), p.K_z.T @ p.K_z
    assert left @ limit == pytest.approx(cov_psi)
    u = heads.augment(psi(x[:3]), z[:3], limit, 0.5)
    assert u == pytest.approx(psi(x[:3]) + 0.5 * (z[:3] - psi(x[:3])) @ limit)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_a_row_left_out_is_left_out(ridge):
    """Against n fits without one row each; the penalty stays that of all rows."""
    p = POPULATIONS["none"]()
    x, z, y = p.sample(20, 3)
    F = psi_star(p)(x)
    X = heads._penalised(F, z, ridge)
    T = heads._beside(F, X.shape[1])
    fast = heads._left_out(X, T, y)
    for i in range(20):
        rest = np.delete(X, i, axis=0)
        target = np.zeros((len(rest), 2))
        target[:19] = np.delete(y, i, axis=0)
        slow = T[i] @ np.linalg.lstsq(rest, target)[0]
        assert fast[i] == pytest.approx(slow, abs=1e-9)


def test_units_of_z_change_nothing():
    p = POPULATIONS["none"]()
    x, z, y = p.sample(30, 0)
    units = 10.0 ** np.array([-6, 0, 3, 6])
    F, shift = psi_star(p)(x), heads.shift_star(p)
    scaled = shift * units / units[:, None]
    for fit in (
        lambda F, z, shift: heads.choose_c(F, z, y, shift).head,
        lambda F, z, shift: heads.choose_ridge(F, z, y).head,
    ):
        assert fit(F * units, z * units, scaled)(F * units) == pytest.approx(fit(F, z, shift)(F))


def test_where_the_innovation_tells_it_is_listened_to_and_where_it_is_deaf_it_is_not():
    told, deaf = (isotropic_population(0.5, 0.8, 8, tells=tells) for tells in (True, False))
    for choose in (
        lambda F, Z, Y, shift: heads.choose_c(F, Z, Y, shift).head,
        lambda F, Z, Y, shift: heads.choose_ridge(F, Z, Y).head,
    ):
        plain = innovation.augmented_excess(told, 0, 120)
        assert excesses(told, 120, choose, 40).mean() < 0.6 * plain
        assert excesses(deaf, 120, choose, 40).mean() < 1.35 * plain
    always = excesses(deaf, 120, lambda F, Z, Y, s: heads.fit_augmented(F, Z, Y, s, 1), 40)
    assert always.mean() > 2 * plain


def test_the_margin_keeps_plain_ssl_and_the_choice_tells_what_it_tried():
    p = isotropic_population(0.5, 0.5, 6, tells=False)
    x, z, y = p.sample(60, 0)
    F, shift = psi_star(p)(x), heads.shift_star(p)
    kept = heads.choose_c(F, z, y, shift, margin=1e3)
    assert kept.parameter == 0 and len(kept.errors) == 1 + len(heads.C_GRID)
    assert heads.choose_ridge(F, z, y, margin=1e3).parameter == np.inf
    told = isotropic_population(0.5, 0.9, 6)
    x, z, y = told.sample(60, 0)
    chosen = heads.choose_c(psi_star(told)(x), z, y, heads.shift_star(told), [0.5, 1, 2])
    assert chosen.parameter > 0
    assert chosen.errors[[0.0, 0.5, 1, 2].index(chosen.parameter)] == chosen.errors.min()


def test_few_rows_are_compared_on_the_labels_as_they_are():
    p = isotropic_population(0.5, 0.5, 6)
    x, z, y = p.sample(10, 0)
    F = psi_star(p)(x)
    assert heads._less_innovation(F, z, y) is y
    assert heads.choose_c(F, z, y, heads.shift_star(p)).parameter >= 0
    x, z, y = p.sample(14, 0)
    assert np.abs(heads._less_innovation(psi_star(p)(x), z, y) - y).max() > 0


P = isotropic_population(0.5, 0.5, 6)
X, Z, Y = P.sample(40, 0)
F, S = psi_star(P)(X), heads.shift_star(P)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heads.augment(F, Z[:, :3], S, 1), "F and Z must have as many columns"),
        (lambda: heads.augment(F, Z[:3], S, 1), "must have the same number of rows"),
        (lambda: heads.augment(F, Z, S[:3], 1), "shift must have"),
        (lambda: heads.augment(F, Z, S, "a"), "c must be"),
        (lambda: heads.shift(F, Z[:, :3]), "F_pre and Z_pre must have as many columns"),
        (lambda: heads.fit_augmented(F, Z, Y, S, [1, 2]), "c must be one number or 1, got 2"),
        (lambda: heads.fit_augmented(F, Z, Y, S, 1, [[0.0]]), "labels must be invertible"),
        (lambda: heads.fit_joint(F, Z, Y, -1), "ridge must be"),
        (lambda: heads.fit_joint(F, Z, Y[:5]), "must have the same number of rows"),
        (lambda: heads.choose_c(F[:5], Z[:5], Y[:5], S), "Y must have more rows"),
        (lambda: heads.choose_ridge(F[:9], Z[:9], Y[:9]), "Y must have more rows"),
        (lambda: heads.choose_c(F, Z, Y, S, margin=-1), "margin must be"),
        (lambda: heads.choose_c(F, Z, Y, S, grid=3), "grid must"),
        (lambda: heads.choose_c(F, Z, Y, S, grid=[]), "grid must hold at least one value"),
        (lambda: heads.choose_ridge(F, Z, Y, grid=[-1]), "grid must be"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_copied_column_has_no_innovation():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((200, 3))
    told = np.concatenate([X[:, :1] / 3, X[:, 1:2] + rng.standard_normal((200, 1))], axis=1)
    F = X @ np.linalg.lstsq(X, told, rcond=None)[0]
    found, alone = heads.shift(F, told), heads.shift(F[:, 1:], told[:, 1:])
    assert not found[0].any()
    np.testing.assert_allclose(found[1, 1], alone[0, 0], rtol=1e-10)
    population = empirical(X, told, X[:, :1])
    assert np.abs(heads.shift_star(population)).max() < 1e3
    noisy = told + 1e-3 * rng.standard_normal((200, 2))
    assert heads.shift(F, noisy)[0].any()
