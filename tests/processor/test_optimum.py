"""The loss, its exact optimum, the populations in S, erasure."""

import numpy as np
import pytest

from sslboost import criteria, processor
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import members
from sslboost.processor.erasure import erase

EPS = np.finfo(float).eps


def general_population(rng, d_x=9, d_z=6, d_y=3, rank=None):
    """A random population outside every family; cov_xx of the given rank."""
    rng = np.random.default_rng(rng)
    d = d_x + d_z + d_y
    root = rng.standard_normal((d, d + 2)) / np.sqrt(d)
    if rank is not None:
        root[:d_x] = rng.standard_normal((d_x, rank)) @ root[:rank]
    return GaussianPopulation(root @ root.T, d_x, d_z, d_y)


def direct_loss(p, A, lam):
    """The slides' loss from covariances of f(x), with pseudo-inverses."""
    cov_ff = A @ p.block("x", "x") @ A.T
    inverse = np.linalg.pinv(cov_ff, rcond=1e-9, hermitian=True)
    terms = []
    for name in "yz":
        cross = A @ p.block("x", name)
        terms.append(np.trace(p.block(name, name) - cross.T @ inverse @ cross))
    return terms[0] - lam * terms[1]


@pytest.mark.parametrize("lam", [0.0, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("rank", [None, 5])
def test_loss_and_optimum_agree_with_dense_algebra(lam, rank):
    p = general_population(1, rank=rank)
    rng = np.random.default_rng(2)
    for d_f in (1, 2, 3, 7):
        A = rng.standard_normal((d_f, 9))
        assert processor.population_loss(p, A, lam) == pytest.approx(direct_loss(p, A, lam), 1e-8)
        found = processor.population_optimum(p, d_f, lam)
        assert found.matrix.shape == (d_f, 9) and found.converged
        dense = np.linalg.eigvalsh(p.K_y @ p.K_y.T - lam * p.K_z @ p.K_z.T)[::-1]
        gain = np.maximum(dense[:d_f], 0).sum()
        least = np.trace(p.block("y", "y")) - lam * np.trace(p.block("z", "z")) - gain
        scale = 1 + lam
        assert found.loss == pytest.approx(least, abs=1e-11 * scale)
        assert processor.population_loss(p, found.matrix, lam) == pytest.approx(
            found.loss, abs=1e-9 * scale
        )


def test_nothing_beats_the_optimum():
    p, lam, rng = general_population(3), 0.4, np.random.default_rng(4)
    best = processor.population_optimum(p, 4, lam)
    for step in (1e-3, 1e-1, 10):
        for _ in range(50):
            A = best.matrix + step * rng.standard_normal(best.matrix.shape)
            assert processor.population_loss(p, A, lam) > best.loss


def test_random_minimisers_are_minimisers_and_differ():
    p = latent_population()
    least = processor.population_optimum(p, 10, 0.1).loss
    ranks = set()
    for seed in range(20):
        A = processor.random_minimiser(p, 10, 0.1, seed)
        assert processor.population_loss(p, A, 0.1) == pytest.approx(least, abs=1e-9)
        ranks.add(np.linalg.matrix_rank(A))
    assert len(ranks) > 3


def test_optimum_past_every_direction_is_constant():
    p = latent_population()
    found = processor.population_optimum(p, 3, 100.0)
    assert (found.matrix == 0).all()
    assert found.loss == pytest.approx(direct_loss(p, np.zeros((3, p.d_x)), 100.0))
    assert processor.population_loss(p, found.matrix, 100.0) == pytest.approx(found.loss)


def test_units_of_x_do_not_matter():
    p = general_population(5)
    units = np.concatenate([10.0 ** np.arange(-4, 5), np.ones(9)])
    q = GaussianPopulation(p.cov * np.outer(units, units), 9, 6, 3)
    a, b = (processor.population_optimum(r, 3, 0.3) for r in (p, q))
    assert a.loss == pytest.approx(b.loss, rel=1e-10)
    assert criteria.c2_gap(p, a.matrix) == pytest.approx(criteria.c2_gap(q, b.matrix), rel=1e-6)


def test_transform_is_the_map():
    p = general_population(6)
    x = p.sample(5, 0)[0]
    found = processor.population_optimum(p, 2, 0.1)
    assert np.array_equal(found.transform(x), x @ found.matrix.T)


def test_lambda_star_is_the_least_ratio():
    p = members.random_member(8, 5, 3, rng=0)
    directions = p.U @ np.random.default_rng(1).standard_normal((3, 100_000))
    ratio = np.sum((p.K_y.T @ directions) ** 2, 0) / np.sum((p.K_z.T @ directions) ** 2, 0)
    star = processor.lambda_star(p)
    assert star <= ratio.min() <= 1.05 * star


def test_lambda_star_is_infinite_without_a_link():
    p = latent_population(y_to_z=0.0)
    assert processor.lambda_star(p) == np.inf
    assert processor.membership(p, 1e6).holds
    with pytest.raises(ValueError, match="population must have y depend on x"):
        processor.lambda_star(latent_population(y_to_x=0.0))


@pytest.mark.parametrize("rank", [None, 7])
def test_every_minimiser_of_a_member_meets_both_criteria_below_lambda_star(rank):
    populations = [members.random_member(9, 5, 2, rank_x=rank, rng=i) for i in range(40)]
    for p in populations:
        assert processor.membership(p, 0.9 * processor.lambda_star(p)).holds
    below = members.survey(populations, (0.05, 0.99), rng=1)
    assert below.c1.max() < 1e-9 and below.c2.max() < 1e-18
    above = members.survey(populations, 1.001, rng=1)
    assert above.c2.min() > 1e-4


def test_a_survey_draws_its_share_and_measures_against_the_variance_of_y():
    p = members.random_member(9, 5, 2, rng=0)
    # Below lambda* both criteria hold, above it (C2) fails: a range across it meets both.
    across = members.survey([p] * 40, (0.5, 1.5), d_f=2, minimisers=1, rng=0).c2[:, 0]
    assert (across < 1e-12).any() and (across > 1e-4).any()
    assert across[across > 1e-4].max() <= 1  # no f loses more than all of y
    units = np.ones(len(p.cov))
    units[-2:] = 1e3
    other = GaussianPopulation(p.cov * np.outer(units, units), 9, 5, 2)
    a, b = (members.survey([q], 1.5, d_f=2, minimisers=1, rng=0).c2 for q in (p, other))
    assert b == pytest.approx(a, rel=1e-6)


@pytest.mark.parametrize(
    ("broken", "word"), [({"existence": False}, "existence"), ({"invariance": False}, "invariance")]
)
def test_non_members_fail_and_say_why(broken, word):
    populations = [members.random_member(9, 5, 2, rng=i, **broken) for i in range(40)]
    assert members.survey(populations, (0.1, 0.9), rng=1).c1.min() > 1e-4
    for p in populations:
        result = processor.membership(p, 0.5 * processor.lambda_star(p))
        assert not result.holds and any(word in message for message in result.failed)
        with pytest.raises(ValueError, match=word):
            result.require()


def test_membership_names_lam_and_d_f():
    p = latent_population()
    star = processor.lambda_star(p)
    assert processor.membership(p, 0.5 * star, 2).failed == ()
    assert any("positive" in m for m in processor.membership(p, -1.0).failed)
    assert any("lam*" in m for m in processor.membership(p, 2 * star).failed)
    assert any("d_f" in m for m in processor.membership(p, 0.5 * star, 1).failed)
    processor.membership(p, 0.5 * star).require()


def test_named_families_fail_as_built():
    mixed = processor.membership(latent_population(mix=0.5), 0.1)
    leaky = processor.membership(latent_population(leak=0.5), 0.1)
    assert mixed.existence_gap < 1e-10 < mixed.invariance_gap
    assert leaky.existence_gap > 1e-3


def test_erasure_leaves_no_covariance_and_changes_least():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 12)) @ rng.standard_normal((12, 12))
    Z = X[:, :3] + rng.standard_normal((400, 3))
    found = erase(X, Z)
    X_c, Z_c = X - X.mean(0), Z - Z.mean(0)
    scale = np.outer(X.std(0), Z.std(0))
    assert np.abs((found.transform(X_c).T @ Z_c / 400) / scale).max() < 1e4 * EPS
    moved = np.mean(np.sum((found.transform(X_c) - X_c) ** 2, axis=1))
    assert found.loss == pytest.approx(moved)
    # Any other projector with that kernel changes more.
    cross = X_c.T @ Z_c
    for _ in range(20):
        left = rng.standard_normal((12, 3))
        A = np.eye(12) - cross @ np.linalg.solve(left.T @ cross, left.T)
        assert np.abs(A @ cross).max() < 1e-6
        assert np.mean(np.sum((X_c @ A.T - X_c) ** 2, axis=1)) > moved


def test_erasure_agrees_with_leace():
    import concept_erasure
    import torch

    rng = np.random.default_rng(1)
    X = rng.standard_normal((300, 8)) @ rng.standard_normal((8, 8))
    Z = X[:, :2] + rng.standard_normal((300, 2))
    leace = concept_erasure.LeaceFitter.fit(
        torch.from_numpy(X), torch.from_numpy(Z), svd_tol=1e-12, shrinkage=False,
        constrain_cov_trace=False,
    ).eraser  # fmt: skip
    theirs = leace(torch.from_numpy(X)).numpy()
    ours = erase(X, Z).transform(X - X.mean(0)) + X.mean(0)
    assert np.abs(ours - theirs).max() < 1e-8


@pytest.mark.parametrize("s", [1e-12, 1e-6, 1e6, 1e12])
def test_what_is_erased_does_not_depend_on_units_or_constants(s):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 4))
    Z = X[:, :2] + rng.standard_normal((300, 2))
    X_c = X - X.mean(0)
    expected = erase(X, Z).transform(X_c)
    rounding = 1e3 * EPS * np.linalg.cond(X) ** 2 * np.abs(X_c).max()
    assert np.abs(erase(X, Z * [s, 1 / s]).transform(X_c) - expected).max() <= rounding
    units = np.array([s, 1, 1 / s, 1])
    assert np.abs(erase(X * units, Z).transform(X_c * units) / units - expected).max() <= rounding
    for value in (0.1, 14.62, 1e6 + 0.1):
        constant = np.full((300, 1), value)
        left = constant - constant.mean()  # centred by the user: rounding, and no z
        for column in (constant, left):
            same = erase(np.hstack([X, column]), np.hstack([Z, column]))
            assert np.abs(
                same.transform(np.pad(X_c, [(0, 0), (0, 1)]))[:, :4] - expected
            ).max() <= (rounding)
            assert np.array_equal(same.matrix[4], [0, 0, 0, 0, 1])


def test_a_faint_concept_is_erased_and_rounding_is_none():
    """A correlation of 1e-6 goes, which a rank tolerance of 1e-3 would leave."""
    rng = np.random.default_rng(3)
    Q = np.linalg.qr(rng.standard_normal((50, 4)))[0]
    Q = Q - Q.mean(0)
    Q = np.linalg.qr(Q)[0]
    X = Q[:, :3]
    faint = erase(X, 1e-6 * X[:, :1] + Q[:, 3:])
    assert np.linalg.norm(faint.matrix - (np.eye(3) - np.diag([1, 0, 0]))) < 1e-8
    assert np.linalg.norm(erase(X, Q[:, 3:]).matrix - np.eye(3)) == 0


def test_a_faint_failure_of_s_is_named():
    """Each assumption that fails by 1e-6 fails; by rounding it does not."""
    for size, holds in [(1e-6, False), (1e-13, True)]:
        leaky = processor.membership(latent_population(leak=size), 0.05)
        mixed = processor.membership(latent_population(mix=size), 0.05)
        assert leaky.holds == mixed.holds == holds
        assert any("existence" in message for message in leaky.failed) != holds
        assert any("invariance" in message for message in mixed.failed) != holds
    star = processor.lambda_star(latent_population())
    assert not processor.membership(latent_population(), star).holds
    faint = processor.lambda_star(latent_population(y_to_z=1e-4))
    assert faint == pytest.approx(1e8 * star, rel=1e-6)


def test_small_gains_are_gains():
    """Directions that explain a millionth of y are used; a tolerance of 1e-3 would drop them."""
    population = latent_population(2, 2, y_to_x=[2.0, 1e-3])
    assert processor.population_optimum(population, 2, 0.0).rank == 2
    assert processor.population_optimum(population, 2, 0.1).rank == 2 - (
        processor.lambda_star(population) < 0.1
    )


def test_a_processor_keeps_its_own_memory():
    matrix = np.eye(2)
    kept = processor.Processor(matrix, 0.5)
    matrix[:] = 7
    assert np.array_equal(kept.matrix, np.eye(2)) and kept.rank == 2
    with pytest.raises(ValueError, match="read-only"):
        kept.matrix[0, 0] = 1


def population_of(y_to_x):
    return [latent_population(y_to_x=y_to_x)]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda p: processor.Processor("matrix", 0.5), "matrix"),
        (lambda p: processor.Processor(np.eye(2), None), "loss"),
        (lambda p: processor.Processor(np.eye(2), 0.5, -1.0), "gradient"),
        (lambda p: processor.Processor(np.eye(2), 0.5, 0.0, 1), "converged"),
        (lambda p: processor.lambda_star(np.eye(3)), "population"),
        (lambda p: processor.spectrum(p, 0.1, 0), "most"),
        (lambda p: processor.population_loss(p, np.ones((2, 24)) * 1j, 0.1), "A"),
        (lambda p: processor.population_optimum(p, 10**18, 0.1), "d_f"),
        (lambda p: erase([[1, 2], [3, None]], [[1], [2]]), "X"),
        (lambda p: members.random_member(existence=1), "existence"),
        (lambda p: members.survey([], 0.5), "populations"),
        (lambda p: members.survey(p, 0.5), "populations"),
        (lambda p: members.survey([p, 3], 0.5), "populations"),
        (lambda p: members.survey([latent_population(y_to_z=0.0)], 0.5), "populations.0."),
        (lambda p: members.survey(population_of(0.0), 0.5), "population"),
        (lambda p: members.survey([p], (0.9, 0.1)), "share"),
        (lambda p: members.survey([p], (0.1, 0.2, 0.3)), "share"),
        (lambda p: members.survey([p], True), "share"),
        (lambda p: members.survey([p], -0.5), "share"),
        (lambda p: members.survey([p], 0.5, d_f=0), "d_f"),
        (lambda p: processor.population_optimum(p, 0, 0.1), "d_f"),
        (lambda p: processor.population_optimum(p, 2, -0.1), "lam"),
        (lambda p: processor.population_loss(p, np.ones((2, 3)), 0.1), "A"),
        (lambda p: processor.population_loss(p, np.ones((2, 24)), np.nan), "lam"),
        (lambda p: processor.random_minimiser(p, -1, 0.1), "d_f"),
        (lambda p: processor.membership(p, "a"), "lam"),
        (lambda p: erase(np.ones((3, 2)), np.ones((4, 2))), "X and Z"),
        (lambda p: erase(np.ones((1, 2)), np.ones((1, 2))), "rows of X"),
        (lambda p: members.random_member(5, 3, 2, rank_x=1), "rank_x"),
        (lambda p: processor.population_optimum(p, 2, 0.1).transform(np.ones((2, 3))), "X"),
    ],
)
def test_bad_input_names_the_argument(call, name):
    with pytest.raises(ValueError, match=f"^{name}|{name} must"):
        call(latent_population())


@pytest.mark.parametrize("d_f", [1, 2, 4])
@pytest.mark.parametrize("lam", [0.0, 0.3, 2.0])
def test_quadratic_parts_of_the_outputs_never_lower_the_loss(d_f, lam):
    """Outside S too. a_i'x_w + b_i ((v_i'x_w)^2 - 1) / sqrt 2: its moments are known exactly."""
    population = general_population(5)
    G = population.K_y @ population.K_y.T - lam * population.K_z @ population.K_z.T
    best = processor.population_optimum(population, d_f, lam)
    nothing = processor.population_loss(population, np.zeros((1, population.d_x)), lam)
    rng = np.random.default_rng(d_f)
    Q = population.whitening.root.T @ best.matrix.T  # the optimum's directions, to start from
    for size in (0.0, 0.1, 10.0) * 20:
        a = Q + size * rng.standard_normal(Q.shape)
        b = size * rng.standard_normal(d_f)
        v = np.linalg.qr(rng.standard_normal((len(Q), d_f)))[0]
        second = a.T @ a + np.outer(b, b) * (v.T @ v) ** 2
        explained = np.trace(np.linalg.pinv(second, hermitian=True) @ (a.T @ G @ a))
        assert nothing - explained >= best.loss - 1e-9
        assert (nothing - explained < best.loss + 1e-9) == (size == 0)
