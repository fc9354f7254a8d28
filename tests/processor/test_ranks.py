"""How many directions the empirical optimum uses: each has its price, and none may be the best."""

import numpy as np
import pytest

from sslboost import processor
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor import empirical, empirical_loss, empirical_optimum, members, solve_batch
from sslboost.processor._problems import evaluate, reduce_samples

EPS = np.finfo(float).eps


def draw_whitened(population, n0, rng):
    x, _, y = population.sample(n0, rng)
    return population.whitening.whiten(x.T).T, y


def fit_and_price(X, Y, K_z, Q):
    """Residual and explained z of many processors Q (count, r, j), from their definition."""
    f = X @ Q
    left, size, _ = np.linalg.svd(f, full_matrices=False)
    seen = size > 1e-12 * np.linalg.norm(X)
    explained = np.sum(((left * seen[:, None]).mT @ Y) ** 2, axis=(1, 2))
    return (np.sum(Y**2) - explained) / len(X), np.sum((Q.mT @ K_z) ** 2, axis=(1, 2))


def least_on_a_grid(X, Y, K_z, lam, points=60):
    """Least F over every rank for r = 3: lines and planes through a grid of normals, 0 and all."""
    u, v = np.meshgrid(np.linspace(0, 1, points), np.linspace(0, np.pi, 2 * points))
    height = np.sqrt(1 - u**2)
    lines = np.stack([height * np.cos(v), height * np.sin(v), u], axis=-1).reshape(-1, 3, 1)
    planes = np.linalg.svd(lines)[0][:, :, 1:]
    values = [np.sum(Y**2) / len(X)]
    for Q in (lines, planes, np.eye(3)[None]):
        if Q.shape[2] <= min(Y.shape):
            fit, price = fit_and_price(X, Y, K_z, Q)
            values.append((fit + lam * price).min())
    return np.array(values)


def small_population(rng, m):
    """Three inputs in general position, of which m are uncorrelated with z."""
    d_z, d_y = 3 - m, 3
    root = rng.standard_normal((6 - m + d_y, 8 + d_y))
    cov = root @ root.T / 8
    cov[:m, m : 6 - m] = cov[m : 6 - m, :m] = 0
    cov += np.eye(len(cov)) * max(0, 0.5 - np.linalg.eigvalsh(cov)[0])
    return GaussianPopulation(cov, 3, d_z, d_y)


def test_nothing_is_better_than_a_direction_that_costs_more_than_it_explains():
    cov = [[1, 0.9, 0.3], [0.9, 1, 0.27], [0.3, 0.27, 1]]
    population = GaussianPopulation(cov, 1, 1, 1)
    assert processor.lambda_star(population) == pytest.approx(1 / 9)
    x, _, y = population.sample(20_000, 0)
    found = empirical_optimum(x, y, population, 1, 1.0)
    assert found.rank == 0 and (found.matrix == 0).all() and found.converged
    assert found.loss == pytest.approx(np.mean(y**2) - 1, rel=1e-12)
    # One direction, the only one, explains 0.09 of y at the price of 0.81.
    assert empirical_loss([[1.0]], x, y, population, 1.0) > found.loss + 0.7
    below = empirical_optimum(x, y, population, 1, 0.05)
    assert below.rank == 1


@pytest.mark.parametrize("m", [0, 1, 2])
@pytest.mark.parametrize("lam", [0.1, 0.5, 2.0])
def test_no_processor_of_any_rank_on_a_grid_is_better(m, lam):
    rng, winners = np.random.default_rng(10 * m), set()
    for n0 in (3, 4, 20, 500):
        population = small_population(rng, m)
        assert population.m == m
        X, Y = draw_whitened(population, n0, rng)
        found = solve_batch(X[None], Y[None], population.K_z, lam)
        by_rank = least_on_a_grid(X, Y, population.K_z, lam)
        scale = np.sum(Y**2) / n0 + lam * np.sum(population.K_z**2)
        assert found.objective[0] <= by_rank.min() + 1e-6 * scale
        Q = found.C[0][:, np.any(found.C[0] != 0, axis=0)]
        rank = Q.shape[1]
        assert rank >= m
        if rank:
            fit, price = fit_and_price(X, Y, population.K_z, Q[None])
            assert found.objective[0] == pytest.approx((fit + lam * price)[0], rel=1e-9)
        winners.add(rank)
    assert lam < 2 or min(winners) < 3


@pytest.mark.parametrize("m", [0, 1, 2, 3, 8])
def test_only_ranks_that_can_win_are_searched(monkeypatch, m):
    tried = []

    def search(problems, rank, *arguments):
        tried.append(rank)
        return original(problems, rank, *arguments)

    original = empirical.search
    monkeypatch.setattr(empirical, "search", search)
    rng = np.random.default_rng(0)
    K_z = np.concatenate([np.eye(3), np.zeros((m, 3))])
    X, Y = rng.standard_normal((2, 20, 3 + m)), rng.standard_normal((2, 20, 3))
    solve_batch(X, Y, K_z, 0.1, restarts=0)
    assert tried == list(range(3, max(min(m, 3), 1) - 1, -1))


def test_past_lambda_star_many_labels_recover_the_population_optimum():
    """In S with m < k the optimum throws directions of y away, one after the other."""
    ranks = set()
    for seed in range(3):
        population = members.random_member(4, 4, 3, rng=seed)
        assert population.m < 3
        x, _, y = population.sample(50_000, seed)
        for share in (0.5, 1e3):
            lam = share * processor.lambda_star(population)
            found = empirical_optimum(x, y, population, 3, lam, restarts=2)
            best = processor.population_optimum(population, 3, lam)
            scale = np.trace(population.block("y", "y")) + lam * np.sum(population.K_z**2)
            assert processor.population_loss(population, found.matrix, lam) - best.loss < (
                1e-3 * scale
            )
            assert found.rank == best.rank
            ranks.add(found.rank)
    assert len(ranks) > 1


def test_repeated_rows_explain_what_one_row_does_and_no_more():
    rng = np.random.default_rng(0)
    population = latent_population(2, 1, dims_x=(2, 2, 0), dims_z=(2, 2))
    x = np.repeat(population.sample(1, rng)[0], 6, axis=0)
    y = rng.standard_normal((6, 2))
    found = empirical_optimum(x, y, population, 2, 0.1)
    z = np.trace(population.block("z", "z"))
    # f(x) is a constant on the sample: the best that it can do is the mean of y.
    assert found.loss >= np.sum((y - y.mean(axis=0)) ** 2) / 6 - 0.1 * z - 1e-9
    assert found.rank == 1
    X = population.whitening.whiten(x.T).T
    objective = solve_batch(X[None], y[None], population.K_z, 0.1).objective[0]
    assert objective - 0.1 * z == pytest.approx(found.loss, abs=1e-9)


def odd_samples(rng, n0, population):
    """Samples of full rank and of all the others."""
    x, _, y = population.sample(n0, rng)
    yield "as drawn", x, y
    yield "one row", x[:1], y[:1]
    yield "repeated rows", np.repeat(x[:2], n0, axis=0), np.repeat(y, 2, axis=0)
    yield "rows of zeros", np.where(rng.random((n0, 1)) < 0.5, 0.0, x), y
    yield "no inputs at all", np.zeros_like(x), y
    yield "rank one", x[:, :1] * rng.standard_normal(x.shape[1]), y
    yield "labels of zeros", x, np.zeros_like(y)
    yield "labels of rank one", x, y[:, :1] * np.ones(y.shape[1])


@pytest.mark.parametrize("d_y", [1, 3])
@pytest.mark.parametrize("dims_x", [(3, 1, 0), (3, 2, 4)], ids=str)
def test_the_reported_loss_is_that_of_the_reported_matrix(d_y, dims_x):
    population = latent_population(d_y, 1, dims_x=dims_x, dims_z=(3, 1), y_to_z=0.7)
    rng = np.random.default_rng(d_y)
    z = np.trace(population.block("z", "z"))
    for n0 in (2, 12):
        for name, x, y in odd_samples(rng, n0, population):
            for lam, d_f in [(0.3, 1), (5.0, 4)]:
                found = empirical_optimum(x, y, population, d_f, lam, restarts=1)
                X = population.whitening.whiten(x.T).T
                batch = solve_batch(X[None], y[None], population.K_z, lam, d_f=d_f, restarts=1)
                size = np.sum(y**2) / len(y) + lam * z
                condition = np.linalg.cond(population.block("x", "x"))
                tolerance = 1e4 * EPS * condition * size
                assert empirical_loss(found.matrix, x, y, population, lam) == found.loss, name
                assert abs(batch.objective[0] - lam * z - found.loss) <= tolerance, name
                assert found.loss <= np.sum(y**2) / len(y) - lam * z + tolerance, name
                f = x @ found.matrix.T
                assert found.rank <= min(d_f, d_y, np.linalg.matrix_rank(x)), name
                left = y - f @ np.linalg.pinv(f, rcond=1e-9) @ y
                seen = processor.population_loss(population, found.matrix, 1.0)
                seen -= processor.population_loss(population, found.matrix, 0.0)
                direct = np.sum(left**2) / len(y) + lam * seen
                assert abs(direct - found.loss) <= 1e-8 * size, name


def test_faint_directions_are_seen_and_have_their_price():
    """A millionth is no rounding: neither of what the sample sees, nor of what z tells."""
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((1, 8, 3)), rng.standard_normal((1, 8, 2))
    X[:, :, 0] *= 1e-6
    K_z = np.diag([1.0, 1e-6, 0.0])
    problems = reduce_samples(X, Y, K_z, 0.3)
    assert problems.m == 1 and problems.k[0] == 2
    C = np.eye(3, 2)[None]
    value, _, head = evaluate(problems, problems.basis.mT @ C)
    f = X[0, :, :2]
    exact = np.linalg.lstsq(f, Y[0], rcond=1e-12)[0]
    left = Y[0] - f @ exact
    assert value[0] == pytest.approx(np.sum(left**2) / 8 + 0.3 * (1 + 1e-12), rel=1e-9)
    assert head[0] == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("unseen", [1, 2])
def test_a_direction_that_the_sample_does_not_see_fits_nothing(unseen):
    """Householder's Q has a column for it all the same, which used to explain a label."""
    rng = np.random.default_rng(unseen)
    X, Y = rng.standard_normal((2, 8, 5)), rng.standard_normal((2, 8, 2))
    X[0, :, :unseen] = 0
    K_z = rng.standard_normal((5, 2))
    problems = reduce_samples(X, Y, K_z, 0.3)
    C = np.stack([np.eye(5, 2)] * 2)  # the first sees one direction or none, the second two
    value, gradient, head = evaluate(problems, problems.basis.mT @ C)
    for i in range(2):
        fit, price = fit_and_price(X[i], Y[i], K_z, np.eye(5, 2)[None])
        assert value[i] == pytest.approx((fit + 0.3 * price)[0], rel=1e-12)
        f = X[i, :, :2]
        assert head[i] == pytest.approx(np.linalg.pinv(f, rcond=1e-9) @ Y[i], abs=1e-12)
    assert np.isfinite(gradient).all()
