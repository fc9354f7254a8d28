"""What every use of a budget costs, against heads and processors fitted to fresh samples."""

import numpy as np
import pytest
from scipy import stats

from sslboost import processor
from sslboost.bounds import panels, past_threshold_simulation
from sslboost.population import GaussianPopulation, isotropic_population, latent_population
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


def processed(p, n, n0, repetitions, known=processor.unexplained, seed=0):
    """Risks of the conditional loss at an infinite weight: f, psi*(f) and head are fitted."""
    free = p.whitening.unwhiten(known(p).N)
    inputs, rng = pipeline.raw_inputs(p), np.random.default_rng(seed)
    pretext, draws = pipeline.sample_pretext(inputs, np.inf), []
    for _ in range(repetitions):
        x, _, y = p.sample(n0, rng)
        f = free @ np.linalg.lstsq(x @ free, y)[0]
        features = pipeline.representation(inputs, pretext, f)
        draws.append(pipeline.downstream_risk(inputs, features, n - n0, rng))
    return np.array(draws)


@pytest.mark.parametrize("n0", [12, 16, 24])
def test_the_conditional_processor_of_one_label_is_exact(n0):
    p = isotropic_population(0.5, 0.5, 4, noise=6)
    said = risks(p, n0 + 20, n0=n0)["conditional-loss processor"]
    draws, m = processed(p, n0 + 20, n0, 1000), processor.unexplained(p).m
    assert agree(draws, said)
    limit = 0.5 / (0.5 + 0.5 * m / (n0 - m - 1))  # of the squared cosine, for m large
    assert not agree(draws, (1 - 0.5 * limit) * 19 / 18)


def test_the_conditional_processor_of_several_labels_is_close():
    p = members.random_member(30, 6, 2, invariance=False, rng=0)
    said = risks(p, 100, n0=60)["conditional-loss processor"]
    assert processed(p, 100, 60, 100).mean() == pytest.approx(said, rel=0.02)
    assert processed(p, 130, 90, 100).mean() != pytest.approx(said, rel=0.02)
    p = members.random_member(30, 6, 5, invariance=False, rng=0)
    said = risks(p, 200, n0=150)["conditional-loss processor"]
    draws = processed(p, 200, 150, 250)
    assert abs(draws.mean() - said) < 3 * stats.sem(draws) < 0.008 * said


def test_a_pretext_with_fewer_directions_than_labels_leaves_some_out():
    p = members.random_member(30, 1, 2, invariance=False, rng=1)
    said = risks(p, 100, n0=60)["conditional-loss processor"]
    assert processed(p, 100, 60, 100).mean() == pytest.approx(said, rel=0.02)
    assert said > 1.1 * risks(p, 100)["x directly"]


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
    for use in ("slides' processor", "conditional-loss processor"):
        every = [risks(p, n, n0=n0)[use] for n0 in range(1, n - 3)]
        assert risks(p, n)[use] == pytest.approx(min(every), rel=1e-3)
        assert min(every) < risks(p, n)["guessing"]


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
