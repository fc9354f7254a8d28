"""The batched solver: gradients, global minima, every range of n0, finite n1."""

import numpy as np
import pytest
from scipy import optimize

from sslboost import criteria, processor
from sslboost.population import latent_population
from sslboost.processor._problems import Problems, evaluate, reduce_samples
from sslboost.processor.empirical import (
    certificate_solution,
    empirical_loss,
    empirical_optimum,
    solve,
    solve_batch,
)

POPULATION = latent_population(2, 3, dims_x=(5, 6, 5), dims_z=(3, 5))  # d_x = 16, m = 11
EPS = np.finfo(float).eps


def draw(population, n0, count, rng=0):
    rng = np.random.default_rng(rng)
    samples = [population.sample(n0, rng)[::2] for _ in range(count)]
    X = np.stack([population.whitening.whiten(x.T).T for x, _ in samples])
    return X, np.stack([y for _, y in samples])


def direct_objective(X, Y, K_z, lam, C):
    """F from its definition, for one problem."""
    residual = Y - X @ C @ np.linalg.lstsq(X @ C, Y, rcond=None)[0]
    Q = np.linalg.qr(C)[0]
    return np.sum(residual**2) / len(X) + lam * np.sum((Q.T @ K_z) ** 2)


@pytest.mark.parametrize("n0", [1, 2, 6, 11, 14, 16, 17, 60])
def test_reduction_and_gradient(n0):
    X, Y = draw(POPULATION, n0, 3)
    problems = reduce_samples(X, Y, POPULATION.K_z, 0.3)
    rng = np.random.default_rng(1)
    k = problems.k[0]
    assert k == min(2, n0)
    C = rng.standard_normal((3, 16, k))
    value, gradient, _ = evaluate(problems, C)
    for i in range(3):
        direct = direct_objective(X[i], Y[i], POPULATION.K_z, 0.3, problems.basis[i] @ C[i])
        assert value[i] == pytest.approx(direct, rel=1e-9, abs=1e-12)
    direction, h = rng.standard_normal(C.shape), 1e-6
    ends = [evaluate(problems, C + sign * h * direction)[0] for sign in (1, -1)]
    slope = np.sum(gradient * direction, axis=(1, 2))
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope, rel=1e-5, abs=1e-6)


def least_over_share(S, c, variance, M, t):
    """min ||y - Xb||^2/n0 over b'(M - tI)b <= 0, by its dual, which is exact (S-lemma)."""
    L = np.linalg.cholesky(S)
    inner = np.linalg.solve(L, np.linalg.solve(L, M - t * np.eye(len(M))).T)
    w, V = np.linalg.eigh((inner + inner.T) / 2)
    g = (V.T @ np.linalg.solve(L, c)) ** 2

    def slope(nu):
        return np.sum(g * w / (1 + nu * w) ** 2)

    end = -(1 - 1e-12) / w[0]
    nu = 0.0 if slope(0) <= 0 else end if slope(end) > 0 else optimize.brentq(slope, 0, end)
    return variance - np.sum(g / (1 + nu * w))


def global_minimum(X, y, K_z, lam):
    """The least F for one-dimensional y and n0 > rank x, by a search over t = tr P_b M_z alone."""
    n0, M = len(X), K_z @ K_z.T
    S, c = X.T @ X / n0, X.T @ y / n0
    b = np.linalg.solve(S, c)
    grid = b @ M @ b / (b @ b) * np.linspace(1e-8, 1, 300) ** 2

    def objective(t):
        return lam * t + least_over_share(S, c, y @ y / n0, M, t)

    values = [objective(t) for t in grid]
    i = int(np.argmin(values))
    bounds = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
    refined = optimize.minimize_scalar(objective, bounds=bounds, method="bounded")
    return min(values[i], refined.fun)


@pytest.mark.parametrize("lam", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("n0", [18, 25, 80])
def test_finds_the_global_minimum_of_one_dimensional_problems(n0, lam):
    p = latent_population(1, 3, dims_x=(5, 6, 5), dims_z=(2, 4))
    X, Y = draw(p, n0, 10)
    found = solve_batch(X, Y, p.K_z, lam)
    assert found.converged.all()
    for i in range(10):
        least = global_minimum(X[i], Y[i, :, 0], p.K_z, lam)
        assert found.objective[i] == pytest.approx(least, abs=1e-6)
        assert direct_objective(X[i], Y[i], p.K_z, lam, found.C[i]) == pytest.approx(
            found.objective[i], rel=1e-9
        )


def test_stationary_points_of_one_dimensional_problems():
    p, lam = latent_population(1, 3, dims_x=(5, 6, 5), dims_z=(2, 4)), 0.2
    X, Y = draw(p, 40, 5)
    found = solve_batch(X, Y, p.K_z, lam, tolerance=1e-9)
    for x, y, C in zip(X, Y, found.C, strict=True):
        b = C[:, 0] * np.linalg.lstsq(x @ C, y, rcond=None)[0].item()
        s, M = b @ b, p.K_z @ p.K_z.T
        t = b @ M @ b / s
        left = x.T @ (x @ b) / 40 + lam / s * (M @ b - t * b)
        assert left == pytest.approx((x.T @ y)[:, 0] / 40, abs=1e-7)


@pytest.mark.parametrize("n0", [1, 2, 5, 11])
def test_certificate_is_the_minimum_up_to_m(n0):
    X, Y = draw(POPULATION, n0, 20)
    found = solve_batch(X, Y, POPULATION.K_z, 0.3)
    assert found.objective.max() < 1e-20 and found.converged.all()
    random = solve_batch(X, Y, POPULATION.K_z, 0.3, structured=False, restarts=2)
    assert random.objective.min() >= -1e-15
    x, _, y = POPULATION.sample(n0, 3)
    A = certificate_solution(POPULATION, x, y)
    bound = -0.3 * np.trace(POPULATION.block("z", "z"))
    assert empirical_loss(A, x, y, POPULATION, 0.3) == pytest.approx(bound, rel=1e-10)
    assert np.abs(A @ POPULATION.block("x", "z")).max() < 1e-12
    assert criteria.c2_gap(POPULATION, A) > 0.1


def test_past_m_the_bound_is_not_attained():
    X, Y = draw(POPULATION, 14, 20)
    assert solve_batch(X, Y, POPULATION.K_z, 0.3).objective.min() > 1e-6


def test_many_labels_recover_the_population_optimum():
    lam = 0.5 * processor.lambda_star(POPULATION)
    x, _, y = POPULATION.sample(200_000, 0)
    found = empirical_optimum(x, y, POPULATION, 2, lam)
    best = processor.population_optimum(POPULATION, 2, lam)
    assert found.converged
    assert processor.population_loss(POPULATION, found.matrix, lam) - best.loss < 1e-3


def test_ragged_batches_are_solved_as_one():
    batches = [reduce_samples(*draw(POPULATION, n, 4), POPULATION.K_z, 0.2) for n in (1, 9, 30)]
    whole = solve(Problems.concatenate(batches))
    parts = np.concatenate([solve(batch).objective for batch in batches])
    assert len(whole.objective) == 12
    assert whole.objective == pytest.approx(parts, abs=1e-7)


def test_lam_may_differ_within_a_batch_and_only_hurts():
    X, Y = draw(POPULATION, 40, 1)
    lams = np.array([0.0, 0.01, 0.1, 1.0, 10.0])
    many = solve_batch(np.repeat(X, 5, 0), np.repeat(Y, 5, 0), POPULATION.K_z, lams)
    assert (np.diff(many.objective) > 0).all()
    ols = Y[0] - X[0] @ np.linalg.lstsq(X[0], Y[0], rcond=None)[0]
    assert many.objective[0] == pytest.approx(np.sum(ols**2) / 40, rel=1e-9)


@pytest.mark.parametrize("d_f", [1, 2, 5])
def test_d_f_bounds_the_rank(d_f):
    X, Y = draw(POPULATION, 40, 5)
    found = solve_batch(X, Y, POPULATION.K_z, 0.2, d_f=d_f)
    assert found.C.shape[2] == min(d_f, 2)
    full = solve_batch(X, Y, POPULATION.K_z, 0.2)
    more = found.objective - full.objective
    assert (more > 1e-3).all() if d_f == 1 else np.abs(more).max() < 1e-7


def test_finite_n1_agrees_with_the_definition_and_with_its_limit():
    lam = 0.2
    x, _, y = POPULATION.sample(30, 1)
    x_pre, z_pre, _ = POPULATION.sample(300, 2)
    found = empirical_optimum(x, y, (x_pre, z_pre), 2, lam)
    f, f_pre = x @ found.matrix.T, x_pre @ found.matrix.T
    fit = y - f @ np.linalg.lstsq(f, y, rcond=None)[0]
    pretext = z_pre - f_pre @ np.linalg.lstsq(f_pre, z_pre, rcond=None)[0]
    slides = np.sum(fit**2) / 30 - lam * np.sum(pretext**2) / 300
    assert found.loss == pytest.approx(slides, rel=1e-9)
    assert empirical_loss(found.matrix, x, y, (x_pre, z_pre), lam) == pytest.approx(found.loss)
    other = empirical_optimum(x, y, POPULATION, 2, lam)
    assert empirical_loss(other.matrix, x, y, (x_pre, z_pre), lam) >= found.loss
    x_pre, z_pre, _ = POPULATION.sample(400_000, 3)
    near = empirical_optimum(x, y, (x_pre, z_pre), 2, lam)
    assert near.loss == pytest.approx(other.loss, abs=0.02)


def test_singular_inputs_give_the_same_answer():
    x, _, y = POPULATION.sample(30, 4)
    found = empirical_optimum(x, y, POPULATION, 2, 0.2)
    twice = np.concatenate([np.arange(16), np.arange(24 + 2)])
    doubled = type(POPULATION)(POPULATION.cov[np.ix_(twice, twice)], 32, 8, 2)
    same = empirical_optimum(np.hstack([x, x]), y, doubled, 2, 0.2)
    assert same.loss == pytest.approx(found.loss, abs=1e-9)


@pytest.mark.parametrize("s", [1e-12, 1e-6, 1e6, 1e12])
def test_no_loss_depends_on_the_units_of_the_inputs(s):
    """Least squares in no units used to drop columns from s = 1e6 on."""
    rng = np.random.default_rng(0)
    (x, _, y), (x_pre, z_pre, _) = POPULATION.sample(40, rng), POPULATION.sample(200, rng)
    units = np.where(np.arange(16) % 2, s, 1 / s)
    found = empirical_optimum(x, y, (x_pre, z_pre), 2, 0.2)
    scaled = empirical_optimum(x * units, y, (x_pre * units, z_pre), 2, 0.2)
    rounding = 1e3 * EPS * np.linalg.cond(x_pre) ** 2 * (np.sum(y**2) / 40)
    # The search ends within its tolerance of 1e-6 of the same minimum.
    assert scaled.loss == pytest.approx(found.loss, abs=1e-5)
    same = empirical_loss(found.matrix / units, x * units, y, (x_pre * units, z_pre), 0.2)
    assert abs(same - found.loss) <= rounding
    A = rng.standard_normal((3, 16))
    mixed = A * np.array([[1.0], [s], [1 / s]])
    pair = (empirical_loss(B, x, y, POPULATION, 0.2) for B in (A, mixed))
    assert abs(np.subtract(*pair)) <= rounding
    assert empirical_loss(A[:2], x, y, POPULATION, 0.2) - found.loss > 1e-3  # control


@pytest.mark.parametrize("s", [1e-12, 1e12])
def test_the_certificate_does_not_depend_on_units(s):
    units = np.ones(26)
    units[:16:2], units[1:16:2], units[-1] = s, 1 / s, s
    other = type(POPULATION)(POPULATION.cov * np.outer(units, units), 16, 8, 2)
    x, _, y = POPULATION.sample(9, 5)
    A = certificate_solution(POPULATION, x, y)
    B = certificate_solution(other, x * units[:16], y * units[24:])
    assert other.m == POPULATION.m
    f = x * units[:16] @ B.T
    left = y - f @ np.linalg.lstsq(f, y, rcond=None)[0]
    assert np.abs(left).max() <= 1e-9 * np.abs(y).max()
    sd = np.sqrt(np.diag(POPULATION.block("x", "x")))
    for matrix, unit in [(A, 1.0), (B, units[:16])]:
        seen = (matrix * unit) @ POPULATION.block("x", "z")
        assert np.abs(seen).max() <= 1e-10 * np.abs(matrix * unit * sd).max()


@pytest.mark.parametrize("value", [0.1, 14.62, 1e6 + 0.1])
def test_a_constant_that_the_user_centred_is_no_input(value):
    """Its rounding used to be whitened, and A to have entries of 3e12."""
    rng = np.random.default_rng(1)
    (x, _, y), (x_pre, z_pre, _) = POPULATION.sample(40, rng), POPULATION.sample(200, rng)
    x_pre, z_pre = x_pre - x_pre.mean(axis=0), z_pre - z_pre.mean(axis=0)
    constant = np.full((200, 1), value)
    left = constant - constant.mean()
    wide = np.hstack([x_pre, left]), np.hstack([z_pre, left])
    found = empirical_optimum(x, y, (x_pre, z_pre), 2, 0.2, restarts=0)
    same = empirical_optimum(np.hstack([x, left[:40]]), y, wide, 2, 0.2, restarts=0)
    assert (same.matrix[:, -1] == 0).all()
    assert np.abs(same.matrix).max() <= 10 * np.abs(found.matrix).max()
    assert same.loss == pytest.approx(found.loss, abs=1e-5)


def test_few_extra_rows_may_agree_in_a_column_that_is_no_constant():
    """Constant on the extra sample is not constant in law: binary inputs of two rows."""
    signs = np.array([[1.0, 1.0], [1.0, -1.0]])
    population = type(POPULATION)(np.eye(4), 2, 1, 1)
    y = np.array([[3.0], [3.0]])
    loss = empirical_loss([[1.0, 0.0]], signs, y, population, 0.5)
    assert loss == pytest.approx(-0.5, abs=16 * EPS)


def test_what_cancels_on_the_sample_fits_nothing():
    """f = x_1 - x_2 of a copied input is rounding, of which one row used to fit any label."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 2)) @ [[1.0, 1.0, 0.1], [0.0, 0.0, 1.0]]
    A = np.array([[1 / 3, 1 / 3, 0.1]]) - np.array([[2 / 3, 0.0, 0.1]])
    y = np.array([[2.0]])
    cov = np.block([[np.ones((2, 2)), np.zeros((2, 3))], [np.zeros((3, 2)), np.eye(3)]])
    population = type(POPULATION)(cov, 3, 1, 1)
    assert empirical_loss(A, x, y, population, 0.5) == pytest.approx(4 - 0.5, rel=16 * EPS)


def test_arguments_are_left_as_they_are_and_any_real_dtype_will_do():
    x, _, y = POPULATION.sample(12, 0)
    before = x.copy(), y.copy()
    found = empirical_optimum(x, y, POPULATION, 2, 0.2, restarts=0)
    assert np.array_equal(x, before[0]) and np.array_equal(y, before[1])
    whole = np.round(10 * x).astype(int), np.round(10 * y).astype(int)
    a, b = (empirical_loss(found.matrix, *pair, POPULATION, 0.2) for pair in (
        whole, [part.astype(float) for part in whole]
    ))  # fmt: skip
    assert a == b


def test_same_seed_same_bits():
    X, Y = draw(POPULATION, 20, 3)
    a, b = (solve_batch(X, Y, POPULATION.K_z, 0.2, rng=5) for _ in range(2))
    assert np.array_equal(a.C, b.C)


def test_degenerate_samples_are_survived():
    X, Y = draw(POPULATION, 20, 3)
    X[0, 1:] = X[0, 0]  # rank one
    Y[1] = 0.0
    found = solve_batch(X, Y, POPULATION.K_z, 0.2)
    assert np.isfinite(found.objective).all() and found.objective[1] == pytest.approx(0, abs=1e-12)


X_OK, Y_OK = POPULATION.sample(12, 0)[::2]
REDUCED = reduce_samples(*draw(POPULATION, 12, 1), POPULATION.K_z, 0.1)
TWICE = np.repeat(X_OK[:1], 2, axis=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: certificate_solution(POPULATION, X_OK, Y_OK), "n0 must be at most m = 11.*1 too"),
        (lambda: certificate_solution(POPULATION, X_OK[:5], Y_OK[:5], 1), "d_f must be at least"),
        (lambda: certificate_solution(POPULATION, X_OK[:5, :3], Y_OK[:5]), "X_extra must have 16"),
        (lambda: certificate_solution(None, X_OK, Y_OK), "population must be a GaussianPopulation"),
        (lambda: certificate_solution(POPULATION, TWICE, Y_OK[:2]), "X_extra must have distinct"),
        (lambda: empirical_optimum(X_OK, Y_OK, None, 2, 0.1), "pretext must be .* got NoneType"),
        (lambda: empirical_optimum(X_OK, Y_OK, (X_OK,), 2, 0.1), "pretext must be .* a pair"),
        (lambda: empirical_optimum(X_OK, Y_OK, "ab", 2, 0.1), "pretext must be .* got str"),
        (lambda: empirical_optimum(X_OK, Y_OK, (X_OK, None), 2, 0.1), "Z_pre must be a numeric"),
        (lambda: empirical_optimum(X_OK, Y_OK, (X_OK, Y_OK[1:]), 2, 0.1), "X_pre and Z_pre must"),
        (lambda: empirical_optimum(X_OK[:, 1:], Y_OK, POPULATION, 2, 0.1), "X_extra must have 16"),
        (lambda: empirical_optimum(X_OK, Y_OK, POPULATION, 10**18, 0.1), "d_f must be at most"),
        (lambda: empirical_optimum(X_OK, Y_OK, POPULATION, 2, True), "lam must be a number"),
        (lambda: empirical_optimum(X_OK * 1j, Y_OK, POPULATION, 2, 0.1), "X_extra must be a num"),
        (lambda: empirical_loss(np.ones((1, 3)), X_OK, Y_OK, POPULATION, 0.1), "A must have 16"),
        (lambda: empirical_loss(X_OK, X_OK[:, 1:], Y_OK, POPULATION, 0.1), "X_extra must have 16"),
        (lambda: solve(None), "problems must be a Problems, got NoneType"),
        (lambda: solve(REDUCED, structured=1), "structured must be a bool"),
        (lambda: solve(REDUCED, tolerance=0), "tolerance must be above 0"),
        (lambda: solve(REDUCED, max_iterations=0), "max_iterations must be"),
        (lambda: solve(REDUCED, rng=-1), "rng must be"),
        (lambda: solve_batch(X_OK[None], Y_OK[None], [[1], [1, 2]], 0.1), "K_z must be a numeric"),
        (lambda: solve_batch(X_OK[None], Y_OK[None], POPULATION.K_z, "0.1"), "lam must be a num"),
        (lambda: solve_batch(X_OK[None], Y_OK[None, :, :0], POPULATION.K_z, 0.1), "X and Y must"),
        (lambda: empirical_optimum(X_OK, Y_OK, POPULATION, 0, 0.1), "d_f must be"),
        (lambda: empirical_optimum(X_OK, Y_OK, POPULATION, 2, -0.1), "lam must be"),
        (lambda: empirical_optimum(X_OK, Y_OK[:3], POPULATION, 2, 0.1), "same number of rows"),
        (lambda: empirical_optimum(X_OK, Y_OK, POPULATION.sample(16, 1)[:2], 2, 0.1), "n1 must"),
        (lambda: solve_batch(X_OK[None], Y_OK[None, :3], POPULATION.K_z, 0.1), "X and Y must"),
        (lambda: solve_batch(X_OK[None], Y_OK[None], np.ones((3, 2)), 0.1), "K_z must"),
        (lambda: solve_batch(X_OK[None], Y_OK[None], POPULATION.K_z, [0.1, 1]), "lam must"),
        (
            lambda: solve_batch(
                X_OK[None], Y_OK[None], POPULATION.K_z, 0.1, structured=False, restarts=0
            ),
            "restarts must",
        ),
    ],
)
def test_bad_input_names_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
