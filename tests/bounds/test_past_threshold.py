"""The limit past the threshold: its formula, its one minimum, and the finite problem behind it."""

import numpy as np
import pytest
from scipy import optimize, stats

from sslboost.bounds import model_free, past_threshold
from sslboost.bounds import past_threshold_simulation as simulation
from sslboost.population import GaussianPopulation, latent_population
from sslboost.processor.empirical import empirical_optimum

# False-alarm rate of the whole module, shared among its Monte Carlo checks.
FALSE_ALARM = 1e-6 / 40
# Allowance for finite m, in units of 1 / sqrt(m): well above the bias seen, which falls with m.
ALLOWANCE = 0.25


def random_cases(count, seed):
    """Ratio past the threshold, lam, k2, kappa2 over several orders of magnitude."""
    rng = np.random.default_rng(seed)
    ratio = 1 + 10 ** rng.uniform(-3, 3, count)
    k2 = rng.uniform(0.01, 1, count)
    kappa2 = 10 ** rng.uniform(-1, 1, count)
    return ratio, k2 / kappa2 * 10 ** rng.uniform(-3, 1, count), k2, kappa2


def test_the_scale_is_eliminated_exactly():
    """F(t) is the minimum over the scale of the two-dimensional formula in (b, q)."""
    for ratio, _, k2, _ in zip(*random_cases(50, seed=1), strict=True):
        for t in (0.01, 0.3, 0.7, 0.99):

            def error(rho, t=t, ratio=ratio, k2=k2):
                b, q = rho * np.sqrt(t), rho**2 * (1 - t)
                norm = np.sqrt((np.sqrt(k2) - b) ** 2 + 1 - k2 + q)
                return max(norm - np.sqrt(q / ratio), 0) ** 2

            # The function before squaring is convex in the scale; its minimum is below 1/F.
            bound = 10 / max(past_threshold.best_fit(t, ratio, k2), 1e-3)
            found = optimize.minimize_scalar(
                error, bounds=(0, bound), method="bounded", options={"xatol": 1e-9}
            )
            assert found.fun == pytest.approx(past_threshold.best_fit(t, ratio, k2), abs=1e-6)


def test_no_alignment_does_better():
    """A grid and a Lipschitz constant bound the minimum from below, by another route."""
    ratio, lam, k2, kappa2 = random_cases(300, seed=2)
    found = past_threshold.limit(ratio, lam, k2, kappa2)
    step = np.pi / 2 / 4000
    t = np.sin(np.arange(4001) * step)[:, None] ** 2
    values = past_threshold.best_fit(t, ratio, k2) + lam * kappa2 * t
    constant = np.maximum(np.sqrt(k2), np.sqrt(1 / ratio)) + lam * kappa2
    rounding = 1e-12 * (1 + lam * kappa2)
    assert (found.objective <= values.min(axis=0) + rounding).all()
    assert (found.objective >= values.min(axis=0) - constant * step / 2 - rounding).all()
    # Control: an alignment off by a tenth is found out.
    off = np.where(found.t < 0.5, found.t + 0.1, found.t - 0.1)
    worse = past_threshold.best_fit(off, ratio, k2) + lam * kappa2 * off
    assert (worse > found.objective).all()


def test_the_training_error_is_convex_in_the_alignment():
    ratio, _, k2, _ = random_cases(300, seed=3)
    t = np.linspace(0, 1, 401)[:, None]
    bend = np.diff(past_threshold.best_fit(t, ratio, k2), n=2, axis=0)
    assert bend.min() > -1e-14
    # Control: along the angle, t = sin^2 theta, it is not.
    along = np.sin(np.linspace(0, np.pi / 2, 401))[:, None] ** 2
    assert np.diff(past_threshold.best_fit(along, ratio, k2), n=2, axis=0).min() < -1e-6


def test_up_to_the_threshold_nothing_of_y_is_left():
    found = past_threshold.limit([0.1, 0.99, 1.0], 0.05, 0.9, 1.5)
    assert (found.t == 0).all() and (found.risk == 1).all() and (found.objective == 0).all()
    assert past_threshold.limit(1 + 1e-6, 0.05, 0.9, 1.5).t > 0


def test_both_ends_of_the_curve():
    slope = past_threshold.threshold_slope(0.05, 0.9, 1.5)
    near = 1 + np.array([1e-3, 1e-5])
    rate = (1 - past_threshold.limit(near, 0.05, 0.9, 1.5).risk) / (1 - 1 / near)
    assert np.abs(rate / slope - 1)[1] < 1e-4 < np.abs(rate / slope - 1)[0]
    far = np.array([1e2, 1e6])
    excess = past_threshold.limit(far, 0.3, 0.9, 1.5).risk - (1 - 0.9)
    ratio = excess / past_threshold.far_excess(far, 0.3, 0.9, 1.5)
    assert np.abs(ratio - 1)[1] < 1e-4 < np.abs(ratio - 1)[0]
    assert past_threshold.limit(np.inf, 0.59, 0.9, 1.5).risk == pytest.approx(0.1)
    assert past_threshold.limit(np.inf, 0.61, 0.9, 1.5).risk == pytest.approx(1)


@pytest.mark.parametrize(("share", "end"), [(0.5, 0.0), (1.5, 1.0), (3.0, 1.0)])
def test_the_gap_of_c2_closes_below_the_critical_weight_only(share, end):
    """1 - t, the share of it that many labels leave: none of it below lam*, all of it above."""
    k2, kappa2 = 0.8, 1.8
    found = past_threshold.limit([1e2, 1e4, 1e6], share * k2 / kappa2, k2, kappa2)
    away = np.abs(1 - found.t - end)
    assert (np.diff(away) < 0).all() and away[-1] < 1e-4


def test_without_the_pretext_term_it_is_least_squares():
    ratio, k2 = 3.0, 0.7
    q = (1 - k2) / (ratio - 1)  # excess risk of least squares on m inputs, m / n0 = 1 / ratio
    found = past_threshold.limit(ratio, 1e-10, k2, 1.0)
    assert found.t == pytest.approx(k2 / (k2 + q), rel=1e-8)
    assert found.objective == pytest.approx((1 - k2) * (1 - 1 / ratio), rel=1e-8)


GRID = [(ratio, lam) for ratio in (1.1, 1.5, 2.5, 5.0) for lam in (0.02, 0.1, 0.3)]


def test_simulated_risks_lie_on_the_limit():
    m, repetitions = 400, 20
    runs = {
        (ratio, lam): simulation.simulate(
            m, round(ratio * m), lam, 0.9, 1.5, repetitions, 1, draw=simulation.draw_from_samples
        )
        for ratio, lam in GRID
    }

    def deviation(kappa2):
        """Largest distance from the limit beyond the allowance, in standard errors."""
        distances = []
        for (ratio, lam), risks in runs.items():
            limit = past_threshold.limit(ratio, lam, 0.9, kappa2).risk
            error = risks.std(ddof=1) / np.sqrt(repetitions)
            distances.append((np.abs(risks.mean() - limit) - ALLOWANCE / np.sqrt(m)) / error)
        return max(distances)

    bound = stats.t.isf(FALSE_ALARM / (2 * len(GRID)), df=repetitions - 1)
    assert deviation(1.5) < bound
    # Control: the limit for another kappa2 is recognised as wrong.
    assert deviation(3.0) > bound


def test_the_short_cut_has_the_law_of_the_samples():
    draws = {
        draw: [
            (problem.l[0], problem.l[-1], *simulation.minimise(problem, 0.1, 1.5))
            for problem in (draw(12, 20, 0.8, rng) for _ in range(400))
        ]
        for rng, draw in [
            (np.random.default_rng(4), simulation.draw_spectral),
            (np.random.default_rng(5), simulation.draw_from_samples),
        ]
    }
    short, full = (np.array(d) for d in draws.values())
    for i in range(4):
        assert stats.ks_2samp(short[:, i], full[:, i]).pvalue > FALSE_ALARM
    assert stats.ks_2samp(short[:, 0] * 1.5, full[:, 0]).pvalue < FALSE_ALARM


@pytest.mark.parametrize(("n0", "lam"), [(22, 0.05), (30, 0.2), (60, 0.4), (200, 0.05)])
def test_no_descent_finds_a_lower_objective(n0, lam):
    rng = np.random.default_rng(n0)
    problem = simulation.draw_from_samples(20, n0, 0.9, rng)
    t, found = simulation.minimise(problem, lam, 1.5)
    (xx, xy), (_, yy) = problem.outside

    def objective(v):
        b, w = v[0], v[1:]
        fit = np.sum((problem.y_in - b * problem.x_in - np.sqrt(problem.l) * w) ** 2)
        fit += yy - 2 * b * xy + b**2 * xx
        return fit + lam * 1.5 * b**2 / (b**2 + w @ w)

    starts = rng.standard_normal((20, 21)) * np.geomspace(0.05, 5, 20)[:, None]
    best = min(optimize.minimize(objective, start).fun for start in starts)
    assert found == pytest.approx(best, rel=1e-6)
    assert 0 <= t <= 1


def test_seeds_decide_the_draws():
    for draw in (simulation.draw_spectral, simulation.draw_from_samples):
        a, b, c = (draw(4, 9, 0.5, seed) for seed in (1, 1, 2))
        assert np.array_equal(a.l, b.l) and not np.array_equal(a.l, c.l)
        with pytest.raises(ValueError, match="read-only"):
            a.l[0] = 1
    assert np.array_equal(simulation.simulate(4, 4, 0.1, 0.5, 1.0, 2, 1), [1, 1])
    risks = [simulation.simulate(4, 9, 0.1, 0.5, 1.0, 2, seed) for seed in (1, 1, 2)]
    assert np.array_equal(risks[0], risks[1]) and not np.array_equal(risks[0], risks[2])


def test_the_limit_takes_arrays_of_any_shape_and_unlimited_labels():
    ratio = np.array([[np.inf, 2.0, 0.5]])
    found = past_threshold.limit(ratio, np.array([[0.1], [0.7]]), 0.9, 1.5)
    assert found.t.shape == found.risk.shape == (2, 3)
    assert found.t[0, 0] == 1 and found.t[1, 0] == 0 and (found.t[:, 2] == 0).all()
    alone = past_threshold.limit(2.0, 0.7, 0.9, 1.5)
    assert alone.t.shape == () and alone.t == pytest.approx(found.t[1, 1], rel=1e-14)
    assert past_threshold.limit([], 0.1, 0.9, 1.5).t.shape == (0,)
    # Without noise all of y is found from a finite number of labels on.
    assert past_threshold.limit(4.0, 0.1, 1.0, 1.0).t == 1


def test_first_win_is_where_the_two_risks_cross():
    n2, rank_z = 100, 20
    ratio = past_threshold.first_win(np.array([0.05, 0.3]), 0.9, 1.5, n2, rank_z)
    plain = (1 - 0.9) * (n2 - 1) / (n2 - rank_z - 1)
    for shift, wins in [(1.001, True), (0.999, False)]:
        risk = past_threshold.limit(ratio * shift, [0.05, 0.3], 0.9, 1.5).risk
        assert ((risk * (n2 - 1) / (n2 - 2) < plain) == wins).all()
    assert past_threshold.first_win(0.7, 0.9, 1.5, n2, rank_z) == np.inf  # beyond lam*
    assert past_threshold.first_win(0.05, 0.9, 1.5, n2, 1) == np.inf  # nothing to win


def test_coordinates_of_the_latent_family():
    population = latent_population(
        2, 3, dims_x=(4, 5, 90), y_to_x=[2.0, 1.0], y_to_z=[1.0, 2.0], rng=1
    )
    parts = past_threshold.coordinates(population)
    order = np.argsort(-parts.k2)
    assert parts.k2[order] == pytest.approx([4 / 5, 1 / 2], rel=1e-10)
    assert parts.kappa2[order] == pytest.approx([4 / 5, 2.0], rel=1e-10)
    found = past_threshold.population_limit(population, 3 * population.m, 0.1)
    each = past_threshold.limit(3.0, 0.1, parts.k2, parts.kappa2)
    assert found.risk == pytest.approx(each.risk.sum(), rel=1e-12)
    # Other units of y and a rotation of it: the risk follows.
    turn = np.kron([[0.6, -0.8], [0.8, 0.6]], 1)
    T = np.eye(len(population.cov))
    T[-2:, -2:] = 3 * turn
    turned = GaussianPopulation(T @ population.cov @ T.T, population.d_x, population.d_z, 2)
    same = past_threshold.population_limit(turned, 3 * population.m, 9 * 0.1)
    assert same.risk == pytest.approx(9 * found.risk, rel=1e-8)


def test_each_label_has_lam_over_its_own_variance():
    """The second label in units of its own, against two populations with one label each."""
    links = {"y_to_x": [2.0, 1.0], "y_to_z": [1.0, 2.0]}
    both = latent_population(2, 3, dims_x=(4, 5, 90), **links, rng=1)
    units = np.append(np.ones(len(both.cov) - 1), 1.5)
    both = GaussianPopulation(both.cov * np.outer(units, units), both.d_x, both.d_z, 2)
    found = past_threshold.population_limit(both, 3 * both.m, 0.1)
    alone = []
    for i, variance in enumerate((1.0, 2.25)):
        keep = np.append(np.arange(both.d_x + both.d_z), both.d_x + both.d_z + i)
        one = GaussianPopulation(both.cov[np.ix_(keep, keep)], both.d_x, both.d_z, 1)
        assert one.block("y", "y").item() == pytest.approx(variance)
        alone.append(past_threshold.population_limit(one, 3 * both.m, 0.1))
    assert found.risk == pytest.approx(sum(each.risk for each in alone), rel=1e-10)
    assert found.objective == pytest.approx(sum(each.objective for each in alone), rel=1e-10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mix": 1.0}, "M_z U inside U"),
        ({"y_to_z": [1.0, 0.0]}, "explain some of z"),
        ({"y_to_x": [1.0, 0.0]}, "rank K_y"),
    ],
)
def test_populations_outside_the_assumptions_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        past_threshold.coordinates(latent_population(2, 3, **changes))


def test_an_input_that_tells_nothing_of_z_is_named():
    cov = np.eye(5)
    cov[0, 4] = cov[4, 0] = 0.5  # x tells of y, and of z nothing
    with pytest.raises(ValueError, match="explain some of z, got a share 0"):
        past_threshold.coordinates(GaussianPopulation(cov, 2, 2, 1))


@pytest.mark.parametrize(("size", "refused"), [(1e-5, True), (1e-14, False)])
def test_a_faint_failure_is_named_and_rounding_is_not(size, refused):
    """Parts of 1e-5, which a tolerance of 1e-3 would pass over."""
    population = latent_population(2, 3, y_to_x=[2.0, 1.0])
    T = np.eye(len(population.cov))
    T[-2, -1] = size
    mixed = GaussianPopulation(T @ population.cov @ T.T, population.d_x, population.d_z, 2)
    leaving = latent_population(2, 3, mix=size)
    for p, message in [(mixed, "common eigenvectors"), (leaving, "M_z U inside U")]:
        if refused:
            with pytest.raises(ValueError, match=message):
                past_threshold.coordinates(p)
        else:
            past_threshold.coordinates(p)


def test_labels_that_do_not_separate_are_named():
    population = latent_population(2, 3, y_to_x=[2.0, 1.0])
    T = np.eye(len(population.cov))
    T[-2:, -2:] = [[1, 0.5], [0, 1]]  # cov_yy and Cov[y_hat] no longer commute
    mixed = GaussianPopulation(T @ population.cov @ T.T, population.d_x, population.d_z, 2)
    with pytest.raises(ValueError, match="common eigenvectors"):
        past_threshold.coordinates(mixed)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("ratio", lambda: past_threshold.limit(0, 0.1, 0.9, 1)),
        ("lam", lambda: past_threshold.limit(2, [0.1, 0.0], 0.9, 1)),
        ("lam", lambda: past_threshold.limit(2, np.inf, 0.9, 1)),
        ("k2", lambda: past_threshold.limit(2, 0.1, 1.1, 1)),
        ("kappa2", lambda: past_threshold.limit(2, 0.1, 0.9, np.nan)),
        ("t", lambda: past_threshold.best_fit(1.5, 2, 0.9)),
        ("lam", lambda: past_threshold.far_excess(2, 0.95, 0.9, 1)),
        ("k2", lambda: past_threshold.first_win(0.1, 0, 1, 100, 20)),
        ("ratio", lambda: past_threshold.limit("2", 0.1, 0.9, 1)),
        ("ratio", lambda: past_threshold.limit([np.nan], 0.1, 0.9, 1)),
        ("lam", lambda: past_threshold.limit(2, 0.1j, 0.9, 1)),
        ("population", lambda: past_threshold.coordinates(None)),
        ("lam", lambda: past_threshold.population_limit(latent_population(), 99, [0.1])),
        ("lam", lambda: simulation.simulate(10, 5, -0.1, 0.9, 1, 3)),
        ("draw", lambda: simulation.simulate(10, 20, 0.1, 0.9, 1, 3, draw=None)),
        ("problem", lambda: simulation.minimise(None, 0.1, 1)),
        ("l", lambda: simulation.FittingProblem([2.0, 1.0], [1, 1], [1, 1], np.eye(2))),
        ("l", lambda: simulation.FittingProblem([], [], [], np.eye(2))),
        ("x_in", lambda: simulation.FittingProblem([1.0, 2.0], [1], [1, 1], np.eye(2))),
        ("outside", lambda: simulation.FittingProblem([1.0], [1], [1], np.eye(3))),
        ("n2", lambda: past_threshold.first_win(0.1, 0.9, 1, 21, 20)),
        ("n0", lambda: simulation.draw_spectral(10, 10, 0.9)),
        ("m", lambda: simulation.draw_from_samples(0, 10, 0.9)),
        ("repetitions", lambda: simulation.simulate(10, 20, 0.1, 0.9, 1, 0)),
    ],
)
def test_bad_input_is_named(name, call):
    with pytest.raises(ValueError, match=f"^{name} must"):
        call()


def test_several_labels_reach_their_limit_with_as_many_outputs_and_not_with_fewer():
    population = latent_population(
        2, 2, dims_x=(4, 4, 60), y_to_x=[3.0, 1.5], y_to_z=[1.0, 0.8], rng=7
    )
    n0 = 20 * population.m
    limit = past_threshold.population_limit(population, n0, 0.1).risk
    X, _, Y = population.sample(n0, 0)
    risks = [
        model_free.downstream_risk(population, empirical_optimum(X, Y, population, d, 0.1).matrix)
        for d in (1, 2, 3)
    ]
    allowed = 2 * ALLOWANCE / np.sqrt(population.m)
    assert abs(risks[1] - limit) < allowed and abs(risks[2] - limit) < allowed
    assert risks[0] > limit + 5 * allowed
