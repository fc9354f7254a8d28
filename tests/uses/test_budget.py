"""What every use of a budget costs, against heads and processors fitted to fresh samples."""

import numpy as np
import pytest
from scipy import stats

from sslboost import criteria, processor
from sslboost.bounds import panels, past_threshold, past_threshold_simulation
from sslboost.population import (
    GaussianPopulation,
    copying_population,
    isotropic_population,
    latent_population,
)
from sslboost.processor import members, pipeline
from sslboost.representation.pretext import LinearMap, psi_star
from sslboost.representation.risk import predictor_risk
from sslboost.uses import budget, heads, innovation
from sslboost.uses.budget import best, risks

#: Standard errors within which the mean of draws lies, but for one check in a hundred thousand.
NOISE = stats.norm.isf(5e-6)


def law(seed=0, **changes):
    """Without existence and in other units: nothing is whitened, spherical or aligned."""
    changes = {"existence": False, "invariance": False} | changes
    return members.random_member(9, 5, 2, rng=seed, **changes)


def agree(draws, said):
    return abs(np.mean(draws) - said) < NOISE * stats.sem(draws) + 1e-12 * said


def fitted(p, n, fit, repetitions, seed=0):
    """Exact risks of the predictors that ``fit`` makes of samples of n labelled triples."""
    rng = np.random.default_rng(seed)
    return np.array([predictor_risk(p, fit(*p.sample(n, rng))) for _ in range(repetitions)])


def on(features):
    """Least squares of least norm on whitened features of x, ``features`` (d_x, k)."""
    phi = LinearMap(features.T, np.zeros(features.shape[1]))

    def fit(x, z, y):
        F = phi(x)
        return LinearMap(np.linalg.lstsq(F, y)[0].T, np.zeros(y.shape[1])).after(phi)

    return fit


def through_psi(p, head):
    psi = psi_star(p)
    return lambda x, z, y: head(psi(x), z, y).after(psi)


def leading(p, k):
    return p.whitening.unwhiten(np.linalg.svd(p.K_z)[0][:, :k])


def uses(p, c):
    """Every use without a processor, as it is fitted, and a wrong one of the same name."""
    V, shift = p.whitening.unwhiten(p.V), heads.shift_star(p)
    everything, zero = p.whitening.unwhiten(np.eye(p.rank_x)), np.zeros((p.d_y, p.d_x))
    nothing = LinearMap(zero, np.zeros(p.d_y))
    return {
        "guessing": (lambda x, z, y: nothing, on(V)),
        "x directly": (on(everything), on(V)),
        "plain SSL": (on(V), on(leading(p, 1))),
        "minimum norm": (on(V), on(leading(p, 1))),
        "reduced-rank SSL": (on(leading(p, 2)), on(leading(p, 3))),
        "joint head": (through_psi(p, heads.fit_joint), on(V)),
        "augmented head": (
            through_psi(p, lambda F, z, y: heads.fit_augmented(F, z, y, shift, c)),
            through_psi(p, lambda F, z, y: heads.fit_augmented(F, z, y, shift, 2 * c)),
        ),
    }


@pytest.mark.parametrize("existence", [True, False])
def test_the_augmented_head_has_the_least_of_its_exact_prices(existence):
    p = law(2, existence=existence)
    for n in (8, 40, 4000):
        left = np.trace(innovation.innovation(p).given_phi)
        weights = innovation.canonical_weights(p)[0]
        least = min(innovation.augmented_excess(p, c, n) for c in weights)
        assert risks(p, n)["augmented head"] == pytest.approx(left + least, rel=1e-12)


@pytest.mark.parametrize("use", list(uses(law(), 1.0)))
def test_a_head_has_the_risk_that_is_said(use):
    p, n = law(), 20
    c = min(innovation.canonical_weights(p)[0], key=lambda c: innovation.augmented_excess(p, c, n))
    right, wrong = uses(p, c)[use]
    said = risks(p, n)[use]
    assert agree(fitted(p, n, right, 600), said)
    assert not agree(fitted(p, n, wrong, 600), said)


@pytest.mark.parametrize("n", [1, 3, 6])
def test_with_fewer_labels_than_features_the_least_norm_has_the_risk_that_is_said(n):
    p = latent_population(2, 4, dims_z=(3, 9), leak=0.3, mix=0.5)
    d = p.V.shape[1]
    p = members.random_member(14, 9, 2, existence=False, rng=1)
    d, said = p.V.shape[1], risks(p, n)
    assert d == 9 and n < d - 1
    assert agree(fitted(p, n, on(p.whitening.unwhiten(p.V)), 800), said["minimum norm"])
    assert said["plain SSL"] == said["x directly"] == np.inf
    fewer = risks(p, n + 1)["minimum norm"]
    assert not agree(fitted(p, n, on(p.whitening.unwhiten(p.V)), 800), fewer)


def told(p, n, known=processor.unexplained, repetitions=1500):
    """Risks of heads on psi*(f), f the projection of x on what is at right angles to Delta."""
    inputs, rng = pipeline.raw_inputs(p), np.random.default_rng(0)
    A = p.whitening.unwhiten(known(p).N)
    features = pipeline.representation(inputs, pipeline.sample_pretext(inputs, np.inf), A)
    return [pipeline.downstream_risk(inputs, features, n, rng) for _ in range(repetitions)]


@pytest.mark.parametrize("d_y", [1, 2])
@pytest.mark.parametrize("existence", [True, False])
def test_who_is_told_delta_spends_no_label_on_f_and_pays_for_d_y_features(d_y, existence):
    p, n = members.random_member(9, 5, d_y, existence=existence, invariance=False, rng=4), 15
    said = budget.told_delta(p, n)
    assert agree(told(p, n), said)
    assert not agree(told(p, n, lambda p: p), said)  # told K_z instead
    left, k = criteria.pipeline(p, p.whitening.unwhiten(processor.unexplained(p).N).T)
    assert k == d_y and said == pytest.approx(np.trace(left) * (n - 1) / (n - d_y - 1))
    assert (np.trace(left) < p.floor * (1 + 1e-9)) == existence
    assert not agree(told(p, n), np.trace(left) * (n - 1) / (n - p.m - 1))  # not for its outputs


def test_who_is_told_delta_is_ahead_of_what_takes_labels_for_its_directions():
    p = isotropic_population(0.5, 0.5, 10, noise=30)
    assert budget.told_delta(p, [5, 20]) == pytest.approx([0.5 * 4 / 3, 0.5 * 19 / 18])
    assert budget.told_delta(p, 5) < 0.7 * min(risks(p, 5).values())


def test_who_is_told_that_nothing_meets_c1_guesses():
    cov = np.eye(3)
    cov[1, 0] = cov[0, 1] = 0.5  # z sees x, which tells nothing of y
    assert budget.told_delta(GaussianPopulation(cov, 1, 1, 1), [1, 9]) == pytest.approx([1, 1])


def picture_of_a_part(of):
    """x of 30 directions tells of two labels, and z is a picture of the first ``of`` of them."""
    r, root = 30, np.eye(30 + 2 + of)
    root[:r, r : r + 2] = 0
    label = np.zeros((2, len(root)))
    label[0, 0] = label[1, 1] = 0.7
    label[[0, 1], [r, r + 1]] = np.sqrt(1 - 0.49)
    z = 0.5 * label[:of]
    z[:, r + 2 :] = np.sqrt(0.75) * np.eye(of)
    on = np.vstack([np.eye(r, len(root)), z, label])
    return GaussianPopulation(on @ on.T, r, of, 2)


def test_plain_ssl_is_ahead_of_x_for_all_budgets_only_if_z_sees_every_label():
    n = np.arange(32, 4000)
    for of, holds in ((2, True), (1, False)):
        p = picture_of_a_part(of)
        seen = np.linalg.solve(p.block("y", "y"), p.block("y", "z"))
        assert criteria.epsilon_ci(p) < 1e-9 and np.linalg.svd(seen)[1].min() > 0.4
        assert (np.linalg.matrix_rank(seen) == p.d_y) == holds
        found = risks(p, n)
        assert (found["plain SSL"] < found["x directly"]).all() == holds


def test_near_conditional_independence_plain_ssl_is_ahead_of_x_as_long_as_is_said():
    within = 0
    for seed in range(40):
        p = latent_population(2, 3, s_to_z=0.2, mix=0.2, rng=seed)
        seen = np.linalg.solve(p.block("y", "y"), p.block("y", "z"))
        sigma = np.linalg.svd(seen, compute_uv=False)[p.d_y - 1]
        d, r = p.V.shape[1], p.rank_x
        turn = r + 1 + (r - d) * sigma**2 * p.floor / criteria.epsilon_ci(p) ** 2
        n = np.arange(r + 2, int(np.ceil(turn)))
        found = risks(p, n) if len(n) else None
        if found:
            within += len(n)
            assert (found["plain SSL"] < found["x directly"]).all()
    assert within > 100


def test_the_joint_head_is_ahead_where_its_share_says_only_if_something_is_left():
    on = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]], float)
    p = GaussianPopulation(on @ on.T, 2, 2, 1)  # z and phi tell y exactly
    found = risks(p, [4, 5])
    assert found["joint head"] == pytest.approx([1, 1])
    assert found["plain SSL"] == pytest.approx([3, 2])  # with n <= d + d_zeta + 1 as well


def test_the_slides_processor_has_the_limit_of_its_simulation_and_nothing_before():
    law = panels.population()
    said = risks(law, 240, n0=200, lam=0.3)["slides' processor"]
    rows = panels.cell(200, 0.3, 2, np.inf, 40, seeds=12, restarts=0, rng=np.random.default_rng(0))
    draws = np.array([row["processed"] for row in rows])
    assert draws.mean() == pytest.approx(said, rel=0.05)
    assert draws.mean() != pytest.approx(risks(law, 240, n0=200)["slides' processor"], rel=0.05)
    lost = risks(law, [10, 51, 1000], n0=50)["slides' processor"]
    assert (lost == np.trace(law.block("y", "y"))).all()
    one = isotropic_population(0.5, 0.5, 2, noise=200)
    said = risks(one, 640, n0=600)["slides' processor"]
    draws = past_threshold_simulation.simulate(200, 600, 0.1, 0.5, 0.5, 40, 0)
    assert draws.mean() * 39 / 38 == pytest.approx(said, rel=0.02)


def test_far_past_m_the_slides_processor_costs_its_directions_and_a_head():
    k2, m, lam, n = 0.5, 200, 0.2, 10**7
    p = isotropic_population(k2, 0.5, 3, noise=m)
    excess = risks(p, n, lam=lam)["slides' processor"] - (1 - k2)
    said = (1 - k2) / n * (np.sqrt(m) / (1 - lam) + 1) ** 2
    assert excess == pytest.approx(said, rel=0.01)
    assert excess > 40 * (risks(p, n)["plain SSL"] - (1 - k2))


def test_the_best_split_is_no_worse_than_any_and_is_one_of_them():
    p, n = isotropic_population(0.6, 0.5, 4, noise=20), 120
    every = [risks(p, n, n0=n0)["slides' processor"] for n0 in range(1, n - 3)]
    assert risks(p, n)["slides' processor"] == pytest.approx(min(every), rel=1e-3)
    assert min(every) < risks(p, n)["guessing"]


def test_the_simulated_processor_guesses_up_to_m_and_meets_its_limit_past_it():
    p = isotropic_population(0.5, 0.5, 1, noise=60)
    lost = budget.simulate_processor(p, 90, 60, repetitions=5, rng=0)
    assert lost == pytest.approx(np.ones(5))
    draws = budget.simulate_processor(p, 400, 300, lam=0.3, repetitions=40, rng=0)
    said = risks(p, 400, n0=300, lam=0.3)["slides' processor"]
    assert abs(draws.mean() - said) < 3 * stats.sem(draws) + 0.01 * said
    assert abs(draws.mean() - risks(p, 400, n0=200, lam=0.3)["slides' processor"]) > 0.03


def test_where_few_directions_are_outside_of_v_the_limit_is_no_guide():
    p = isotropic_population(0.9, 0.5, 12, noise=4)
    found = risks(p, [4, 40])["slides' processor"]
    assert found[0] == 1 and np.isnan(found[1])
    parts = past_threshold.coordinates(p)
    weight = 0.1 * processor.lambda_star(p)
    limit = float(past_threshold.limit(30 / 4, weight, parts.k2, parts.kappa2).risk[0])
    assert budget.simulate_processor(p, 40, 30, rng=0).mean() > 1.5 * limit * 9 / 8


def test_where_psi_has_lost_the_label_the_processor_is_ahead_of_every_use():
    p, n = copying_population(0.5, 0.5, 3.0, 20, noise=1, apart=False), 40
    rival = np.nanmin(list(risks(p, n).values()))
    draws = budget.simulate_processor(p, n, 24, lam=0.5, rng=0)
    assert draws.mean() + NOISE * stats.sem(draws) < rival
    kept = copying_population(0.5, 0.5, 3.0, 20, noise=1)  # psi* has lost nothing here
    draws = budget.simulate_processor(kept, n, 24, lam=0.5, rng=0)
    assert draws.mean() - NOISE * stats.sem(draws) > np.nanmin(list(risks(kept, n).values()))


def test_the_limit_is_not_known_of_every_population():
    p = law()
    few, many = (risks(p, n)["slides' processor"] for n in (p.m, p.m + 1))
    assert few == np.trace(p.block("y", "y")) and np.isnan(many)
    everything = isotropic_population(0.5, 0.5, 4)
    assert everything.m == 0 and np.isnan(risks(everything, 3)["slides' processor"])


@pytest.mark.parametrize("n0", [None, 55])
def test_budgets_together_are_as_alone(n0):
    p, several = panels.population(), (1, 9, 13, 60, 400, 5000)
    together = risks(p, np.array(several), n0=n0)
    assert list(together) == list(budget.USES)
    for i, n in enumerate(several):
        for use, risk in risks(p, n, n0=n0).items():
            assert isinstance(risk, float)
            assert risk == pytest.approx(together[use][i], rel=1e-12)


def test_of_equal_leading_directions_each_takes_part_in_its_share():
    p = isotropic_population(0.5, 0.5, 4)
    assert risks(p, 100, rank=2)["reduced-rank SSL"] == pytest.approx(0.75 * 99 / 97)
    assert risks(p, 100, rank=9)["reduced-rank SSL"] == risks(p, 100)["plain SSL"]
    assert risks(p, 100)["reduced-rank SSL"] == risks(p, 100, rank=1)["reduced-rank SSL"]


def block_of(cov, *sizes):
    return GaussianPopulation(np.array(cov), *sizes)


def test_degenerate_populations_have_risks():
    nothing = isotropic_population(0.5, 0.5, 2).cov.copy()
    nothing[2:4], nothing[:, 2:4] = np.eye(5)[2:4], np.eye(5)[:, 2:4]  # z is noise
    without = risks(block_of(nothing, 2, 2, 1), 20)
    for use in ("plain SSL", "joint head", "augmented head", "reduced-rank SSL", "minimum norm"):
        assert without[use] == 1
    assert without["x directly"] == pytest.approx(0.5 * 19 / 17)
    deaf = np.eye(5)
    assert best(risks(block_of(deaf, 2, 2, 1), 50)) == "guessing"
    told = np.eye(3)
    told[2, 0] = told[0, 2] = told[1, 0] = told[0, 1] = told[1, 2] = told[2, 1] = 1.0
    copies = risks(block_of(told, 1, 1, 1), 3)  # x = z = y
    for use in ("plain SSL", "x directly", "joint head", "augmented head"):
        assert copies[use] == 0
    constant = latent_population(1, 2).cov.copy()
    constant[-1] = constant[:, -1] = 0  # y does not vary
    nothing_to_tell = risks(block_of(constant, 24, 8, 1), 12)
    assert set(nothing_to_tell.values()) <= {0.0, np.inf}


def test_units_change_nothing_but_units():
    p, u = law(3, invariance=True, existence=True), 10.0 ** np.arange(-4, 4)
    scale = np.concatenate([np.resize(u, 9), np.full(5, 1e5), np.full(2, 1e-3)])
    q = GaussianPopulation(p.cov * np.outer(scale, scale), 9, 5, 2)
    before, after = risks(p, [3, 20, 90]), risks(q, [3, 20, 90])
    for use in budget.USES:
        assert after[use] == pytest.approx(1e-6 * before[use], rel=1e-6, nan_ok=True)


def test_the_best_use_is_the_first_of_the_cheapest():
    assert best({"plain SSL": 0.5, "guessing": 1.0, "joint head": 0.5, "x directly": np.inf}) == (
        "plain SSL"
    )
    assert best({"slides' processor": np.nan, "guessing": 1.0}) == "guessing"
    p = isotropic_population(0.5, 0.5, 4, noise=9)
    found = best(risks(p, [2, 7, 300]))
    assert list(found) == ["guessing", best(risks(p, 7)), "augmented head"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: risks(p, 0), "labels must be a positive integer, got 0"),
        (lambda p: risks(p, 2.5), "labels must be a positive integer"),
        (lambda p: risks(p, [20, -1]), "labels must be a positive integer"),
        (lambda p: risks(p, []), "number of labels must be"),
        (lambda p: risks(p, 20, lam=0), "lam must be above 0"),
        (lambda p: risks(p, 20, rank=0), "rank must be"),
        (lambda p: risks(p, 20, n0=0), "n0 must be"),
        (lambda p: risks(p.cov, 20), "population must be a GaussianPopulation"),
        (lambda p: budget.told_delta(p, 0), "labels must be a positive integer, got 0"),
        (lambda p: budget.told_delta(p, []), "number of labels must be"),
        (lambda p: budget.simulate_processor(p, 1, 1), "labels must be"),
        (lambda p: budget.simulate_processor(p, 20, 20), "n0 must be"),
        (lambda p: budget.simulate_processor(p, 20, 9, lam=0), "lam must be above 0"),
        (lambda p: best({}), "by_use must hold uses among guessing"),
        (lambda p: best({"other": 1.0}), "by_use must hold uses"),
        (lambda p: best({"guessing": np.nan}), "by_use must hold a finite risk"),
        (lambda p: best({"guessing": -1.0}), "none negative"),
        (lambda p: best({"guessing": -np.inf}), "guessing must be finite"),
        (lambda p: best({"guessing": 1.0, "plain SSL": [1.0, 2.0]}), "risks of one shape"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(isotropic_population(0.5, 0.5, 4))
