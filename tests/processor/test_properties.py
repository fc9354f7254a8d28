"""Processors of every shape: fifty digits as the measure of rounding, and what changes nothing.

Losses are compared with the size of their terms. Whitening loses as many digits as the condition
number of the correlations has, and a fit as many as that of its features: errors are bounded by a
constant times eps times these, where the constant covers sums over at most fifteen coordinates.
"""

import numpy as np
from exact import Exact, exactly, least_squares, rounded, solve, trace
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from populations import EPS, changed, conditioning, coordinates, populations, processors, twins
from scipy import linalg

from sslboost import processor
from sslboost.population import GaussianPopulation
from sslboost.processor import empirical_loss, empirical_optimum, erase, pipeline

LAMS = st.sampled_from([0.0, 0.1, 1.0, 30.0])

#: Relative gradient at which the search stops. A step to the minimum is at most a quarter turn of
#: each of k directions, so that F is within this times pi / 2 times sqrt(k) where it is convex.
TOLERANCE = 1e-6


def bound(population):
    return 16 * EPS * conditioning(population.cov)


def size(population, lam):
    """Of the two terms of the loss."""
    return np.trace(population.block("y", "y")) + lam * np.trace(population.block("z", "z"))


def sensitivity(population):
    """Largest relative change of lambda*, to first order, by errors of Cov[x_w, z] and Cov[x_w, y]
    of one standard deviation of each z and y: of |K_y'u|^2 / |K_z'u|^2 at the u that minimises it.
    """
    rows, K_z = population.K_y.T @ population.U, population.U.T @ population.K_z
    rows = rows[np.argsort(-np.linalg.norm(rows, axis=1))]
    R, pivots = linalg.qr(rows, mode="r", pivoting=True)
    R = R[: len(pivots)]
    left = linalg.svd(linalg.solve_triangular(R, K_z[pivots], trans="T"))[0]
    u = np.zeros(len(pivots))
    u[pivots] = linalg.solve_triangular(R, left[:, 0])
    along_y, along_z = population.K_y.T @ (population.U @ u), K_z.T @ u
    sd_y, sd_z = (np.sqrt(np.diag(population.block(name, name))) for name in "yz")
    by_y = np.abs(along_y) @ sd_y / (along_y @ along_y)
    by_z = np.linalg.norm(sd_z) / np.linalg.norm(along_z)
    return 2 * np.linalg.norm(u) * (by_y + by_z)


def conditional_z(exact, A):
    S, S_z, _ = exact.seen(A)
    return exact.block("z", "z") - S_z.T * solve(S, S_z)


@given(populations(), st.data(), LAMS)
def test_the_population_loss_keeps_its_digits(population, data, lam):
    A = data.draw(processors(population))
    exact = Exact(population)
    right = trace(exact.residual(A)) - lam * trace(conditional_z(exact, A))
    found = processor.population_loss(population, A, lam)
    assert abs(found - float(right)) <= bound(population) * size(population, lam)


@given(populations(), st.data(), LAMS, st.integers(1, 6))
def test_the_optimum_has_the_loss_it_reports_and_nothing_has_less(population, data, lam, d_f):
    found = processor.population_optimum(population, d_f, lam)
    # Eigenvalues below the rank tolerance are no gain.
    rounding = (bound(population) + 1e-9) * size(population, lam)
    assert found.matrix.shape == (d_f, population.d_x)
    assert found.rank <= min(d_f, population.d_y)
    assert abs(processor.population_loss(population, found.matrix, lam) - found.loss) <= rounding
    A = data.draw(processors(population))[:d_f]
    assert processor.population_loss(population, A, lam) >= found.loss - rounding
    assert processor.population_loss(population, 0 * A, lam) >= found.loss - rounding


@given(populations(most=4), st.data(), LAMS)
def test_no_way_to_write_the_inputs_changes_the_optimum_or_lambda_star(population, data, lam):
    x, z, y = coordinates(population)
    order = data.draw(st.permutations(list(x)))
    copies = data.draw(st.lists(st.sampled_from(list(x)), max_size=2))
    powers = data.draw(st.lists(st.integers(-40, 40), min_size=len(x), max_size=len(x)))
    units = np.ones(len(population.cov))
    units[x] = 2.0 ** np.array(powers)
    other = changed(changed(population, [x, z, y], units), [[*order, *copies], z, y])
    a, b = (processor.population_optimum(p, 2, lam) for p in (population, other))
    assert abs(a.loss - b.loss) <= (2 * bound(population) + 1e-9) * size(population, lam)
    assume(population.U.shape[1] > 0)
    a, b = (processor.lambda_star(p) for p in (population, other))
    assert a == b or abs(a / b - 1) <= 2 * bound(population) * sensitivity(population)


@given(st.integers(0, 2**32 - 1))
def test_lambda_star_keeps_its_digits_whatever_the_units_of_y(seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((6, 6))
    cov = (root @ root.T) * np.outer(*[np.append(np.ones(3), 10.0 ** rng.integers(-6, 6, 3))] * 2)
    population = GaussianPopulation(cov, d_x=2, d_z=1, d_y=3)
    other = changed(population, [[1, 0], [2], [5, 3, 4]])
    a, b = (processor.lambda_star(p) for p in (population, other))
    assert abs(a / b - 1) <= 2 * bound(population) * sensitivity(population)


@given(populations(decades=2.0), st.data(), LAMS, st.integers(0, 2**32 - 1))
def test_the_empirical_loss_keeps_its_digits(population, data, lam, seed):
    A = data.draw(processors(population))[:2]
    x, _, y = population.sample(data.draw(st.integers(3, 8)), seed)
    exact, f = Exact(population), rounded(exactly(x) * exactly(A).T)
    left = exactly(y) - exactly(f) * least_squares(f, y)
    right = trace(left.T * left) / len(x) - lam * trace(conditional_z(exact, A))
    found = empirical_loss(A, x, y, population, lam)
    scale = np.sum(y**2) / len(x) + size(population, lam)
    units = np.linalg.norm(f, axis=0)
    # The rounding of f, relative to the terms that are summed, turns the fitted plane.
    turned = np.linalg.cond(f / units) * ((np.abs(A) @ np.abs(x).max(axis=0)) / units).max()
    assert abs(found - float(right)) <= (bound(population) + 64 * EPS * turned) * scale


@given(populations(most=4, decades=1.0), twins(), st.data(), LAMS, st.integers(0, 2**32 - 1))
def test_no_way_to_write_a_sample_changes_its_losses(population, twin, data, lam, seed):
    """Other units, copies and order of the inputs, and a constant that the user has centred."""
    rng = np.random.default_rng(seed)
    n0, d_f = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))
    (x, _, y), (x_pre, z_pre, _) = population.sample(n0, rng), population.sample(40, rng)

    def written(rows):
        rounding = np.full((len(rows), 1), 0.1 + 0.2 - 0.3)  # of a constant 0.1 + 0.2
        return np.hstack([twin(rows, centred=False), rounding])

    pair, other = (x_pre, z_pre), (written(x_pre), z_pre)
    scale = np.sum(y**2) / n0 + lam * np.sum(z_pre**2) / 40
    digits = 1e3 * EPS * conditioning(x_pre.T @ x_pre)
    found = empirical_optimum(x, y, pair, d_f, lam, restarts=0)
    same = empirical_optimum(written(x), y, other, d_f, lam, restarts=0)
    assert same.loss == empirical_loss(same.matrix, written(x), y, other, lam)
    assert np.abs(same.matrix[:, -1]).max() == 0
    tolerance = np.pi * TOLERANCE * np.sqrt(d_f)
    assert abs(found.loss - same.loss) <= (digits + tolerance) * scale
    # Of the same directions of x the loss is the same, without a search.
    A = np.zeros((len(found.matrix), same.matrix.shape[1]))
    columns = [j for j in (*twin.order, *twin.copies) if j < population.d_x]
    for j in range(population.d_x):
        A[:, columns.index(j)] = found.matrix[:, j] / twin.units[j]
    assert abs(empirical_loss(A, written(x), y, other, lam) - found.loss) <= digits * scale


@given(populations(most=4, decades=1.0), st.integers(1, 12), LAMS, st.integers(0, 2**32 - 1))
def test_the_order_of_rows_the_layout_and_the_turn_of_the_labels_do_not_matter(
    population, n0, lam, seed
):
    rng = np.random.default_rng(seed)
    x, _, y = population.sample(n0, rng)
    found = empirical_optimum(x, y, population, 2, lam, restarts=0)
    rows = rng.permutation(n0)
    turn = np.linalg.qr(rng.standard_normal((population.d_y, population.d_y)))[0]
    scale = np.sum(y**2) / n0 + lam * np.trace(population.block("z", "z"))
    digits = 1e3 * bound(population) * scale
    same = empirical_loss(found.matrix, x[rows], y[rows] @ turn, population, lam)
    assert abs(same - found.loss) <= digits
    fortran = empirical_optimum(np.asfortranarray(x), np.asfortranarray(y), population, 2, lam,
                                restarts=0)  # fmt: skip
    assert abs(fortran.loss - found.loss) <= digits + np.pi * TOLERANCE * np.sqrt(2) * scale
    single = x.astype(np.float32), y.astype(np.float32)
    double = (part.astype(float) for part in single)
    a, b = (empirical_loss(found.matrix, *pair, population, lam) for pair in (single, double))
    assert a == b


@given(twins(most=3), st.integers(5, 40), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_no_way_to_write_a_sample_changes_what_is_erased(twin, n, d_z, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3)) @ rng.standard_normal((3, 3))
    Z = rng.standard_normal((n, d_z))
    digits = 1e3 * twin.digits * conditioning(np.cov(X.T)) * np.sqrt(n)
    X_c = X - X.mean(axis=0)
    expected = erase(X, Z).transform(X_c)
    # Erasing works on the inputs as they are: in other units the answer follows.
    wide = twin(X)
    found = erase(wide, Z).transform(wide - wide.mean(axis=0))
    columns = [j for j in (*twin.order, *twin.copies) if j < 3]
    for k, j in enumerate(columns):
        gap = found[:, k] / twin.units[j] - expected[:, j]
        assert np.abs(gap).max() <= digits * np.abs(X_c).max()
    # What is erased does not depend on how z is written.
    again = erase(X, twin(np.tile(Z, (1, 3))[:, :3])).transform(X_c)
    assert np.abs(again - expected).max() <= digits * np.abs(X_c).max() * np.sqrt(n)


@given(populations(most=4, decades=1.0), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_a_representation_depends_on_the_span_of_f_alone(population, k, seed):
    rng = np.random.default_rng(seed)
    inputs = pipeline.raw_inputs(population)
    sd = np.sqrt(np.diag(population.block("x", "x")))
    A = rng.standard_normal((population.d_x, k)) / sd[:, None]
    mixed = A @ rng.standard_normal((k, k)) * 10.0 ** rng.integers(-12, 13, k)
    pretext = pipeline.sample_pretext(inputs, np.inf)
    first, second = (
        pipeline.downstream_risk(
            inputs, pipeline.representation(inputs, pretext, columns), np.inf, None
        )
        for columns in (A, mixed)
    )
    condition = np.linalg.cond(mixed / np.linalg.norm(mixed, axis=0)) ** 2
    total = np.trace(population.block("y", "y"))
    links = conditioning(population.K_z.T @ population.K_z)
    assert abs(first - second) <= 1e3 * bound(population) * condition * links * total


@settings(max_examples=15)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_a_constant_x_leaves_nothing_to_learn(d_x, d_z, d_y, seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((d_x + d_z + d_y, 8))
    root[:d_x] = 0
    population = GaussianPopulation(root @ root.T, d_x, d_z, d_y)
    x, _, y = population.sample(5, rng)
    found = empirical_optimum(x, y, population, 2, 0.3)
    z = np.trace(population.block("z", "z"))
    assert found.rank == 0
    assert abs(found.loss - (np.sum(y**2) / 5 - 0.3 * z)) <= 16 * EPS * (np.sum(y**2) + z)
    best = processor.population_optimum(population, 2, 0.3)
    assert best.rank == 0 and best.loss == processor.population_loss(population, best.matrix, 0.3)
