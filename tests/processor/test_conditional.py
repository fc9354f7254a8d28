"""The conditional loss: its minimisers are the good processors, whatever its weight is."""

import numpy as np
import pytest

from sslboost import criteria, processor
from sslboost.population import GaussianPopulation, MixturePopulation, latent_population
from sslboost.processor import (
    estimated_pretext,
    members,
    price_of_c1,
    unexplained,
    unexplained_in_each_class,
)
from sslboost.representation.risk import whitened_span

WEIGHTS = np.geomspace(1e-2, 1e3, 6)


def gaps(p, A):
    return criteria.c1_gap(p, A), criteria.c2_gap(p, A) / np.trace(p.block("y", "y"))


def test_what_y_leaves_unexplained_is_uncorrelated_with_y_and_has_the_covariance_given_y():
    p = members.random_member(8, 5, 3, existence=False, rng=0)
    q = unexplained(p)
    x, z, y = p.sample(200_000, 1)
    e = z - y @ p.best_linear("z", "y").T
    rows = np.hstack([x, e, y])
    scale = np.sqrt(np.diag(q.cov))
    assert np.abs(rows.T @ rows / len(rows) - q.cov).max() < 0.03 * scale.max() ** 2
    assert (q.block("z", "y") == 0).all()
    assert np.linalg.norm(p.block("z", "y")) > 1


def test_the_loss_is_that_of_the_definition_on_samples():
    p = members.random_member(7, 4, 2, existence=False, rng=1)
    A, lam = np.random.default_rng(2).standard_normal((3, 7)), 0.7
    x, z, y = p.sample(200_000, 3)
    e = z - y @ p.best_linear("z", "y").T
    f = x @ A.T
    left = [np.mean(np.sum((t - f @ np.linalg.lstsq(f, t)[0]) ** 2, 1)) for t in (y, e)]
    said = processor.population_loss(unexplained(p), A, lam)
    assert said == pytest.approx(left[0] - lam * left[1], rel=0.02)
    assert processor.population_loss(p, A, lam) < said - 1  # the slides' loss is another one


@pytest.mark.parametrize("invariance", [True, False])
def test_with_existence_every_minimiser_meets_both_criteria_at_every_weight(invariance):
    rng = np.random.default_rng(4)
    slides = []
    for i in range(20):
        p = members.random_member(9, 6, 2, invariance=invariance, rng=i)
        q = unexplained(p)
        for lam in WEIGHTS:
            for A in (
                processor.population_optimum(q, 5, lam).matrix,
                processor.random_minimiser(q, 5, lam, rng),
            ):
                assert max(gaps(p, A)) < 1e-9
            slides.append(max(gaps(p, processor.population_optimum(p, 5, lam).matrix)))
    assert np.mean(np.array(slides) > 1e-3) > 0.5


def test_fewer_outputs_than_labels_keep_c1_at_every_weight_and_cannot_keep_c2():
    """The best of too small a class is a minimiser, and yet has not the risk of E[y | x]."""
    for i in range(5):
        p = members.random_member(9, 5, 2, rng=i)
        for lam in WEIGHTS:
            A = processor.population_optimum(unexplained(p), 1, lam).matrix
            told, lost = gaps(p, A)
            assert told < 1e-9 < 1e-3 < lost


def test_whoever_meets_both_criteria_is_a_minimiser():
    p = members.random_member(9, 5, 2, invariance=False, rng=5)
    q = unexplained(p)
    free = np.linalg.svd(np.hstack([p.U, q.V]))[0][:, p.U.shape[1] + q.V.shape[1] :]
    A = p.whitening.unwhiten(np.hstack([p.U, free])).T
    assert max(gaps(p, A)) < 1e-9
    for lam in WEIGHTS:
        least = processor.population_optimum(q, len(A), lam).loss
        assert processor.population_loss(q, A, lam) == pytest.approx(least, abs=1e-9 * (1 + lam))
    assert processor.population_loss(p, A, 1) > processor.population_optimum(p, len(A), 1).loss


def test_without_existence_the_weight_trades_one_gap_against_the_other_within_its_bounds():
    for i in range(10):
        p = members.random_member(9, 6, 2, existence=False, rng=i)
        q, price = unexplained(p), price_of_c1(p)
        most = np.sum((p.U.T @ q.K_z) ** 2)
        assert price > 1e-3
        path = []
        for lam in np.geomspace(1e-4, 1e4, 17):
            A = processor.population_optimum(q, 2, lam).matrix
            told = np.sum((whitened_span(p, A).T @ q.K_z) ** 2)
            lost = criteria.c2_gap(p, A)
            assert told <= min(most, price / lam) + 1e-9
            assert lost <= min(price, lam * most) + 1e-9
            assert lam * told + lost > 0
            path.append((told, lost))
        told, lost = np.array(path).T
        assert (np.diff(told) <= 1e-9).all() and (np.diff(lost) >= -1e-9).all()
        assert lost[-1] == pytest.approx(price, rel=1e-2)


def test_the_price_is_that_of_the_best_processor_that_tells_nothing():
    p = members.random_member(9, 4, 2, existence=False, rng=3)
    q = unexplained(p)
    K = p.N if q.V.shape[1] == 0 else np.linalg.svd(q.V)[0][:, q.V.shape[1] :]
    rest = p.K_y - K @ (K.T @ p.K_y)
    assert price_of_c1(p) == pytest.approx(np.sum(rest**2))
    assert price_of_c1(members.random_member(9, 4, 2, rng=3)) < 1e-18


def test_what_y_determines_of_z_is_charged_for_no_longer():
    p = latent_population(2, 2, dims_x=(3, 3, 2), dims_z=(2, 2))
    cov = p.cov.copy()
    z, y = slice(8, 10), slice(12, 14)
    cov[z], cov[:, z] = cov[y], cov[:, y]
    cov[z, z] = np.eye(2)
    q = unexplained(GaussianPopulation(cov, 8, 4, 2))
    assert (q.block("z", "z")[:2] == 0).all() and (q.block("x", "z")[:, :2] == 0).all()
    assert np.linalg.norm(q.block("x", "z")) > 0.1


def test_in_each_class_is_more_than_on_average():
    """Two classes in which x and z are linked with opposite signs."""
    link = np.zeros((4, 2))
    link[:2] = 0.5 * np.eye(2)
    cov = np.array([np.block([[np.eye(4), s * link], [s * link.T, np.eye(2)]]) for s in (1, -1)])
    means = np.random.default_rng(0).standard_normal((2, 4))
    mixture = MixturePopulation([0.5, 0.5], means, np.zeros((2, 2)), cov)
    pooled = unexplained(mixture.moments())
    apart = unexplained_in_each_class(mixture)
    assert apart.d_z == 4 and (apart.block("z", "y") == 0).all()
    on_average, in_each = (
        processor.population_optimum(law, 2, 1e6).matrix for law in (pooled, apart)
    )
    assert criteria.c1_gap_pooled(mixture, on_average) < 1e-12
    assert criteria.c1_gap_per_class(mixture, on_average).min() > 0.1
    assert criteria.c1_gap_per_class(mixture, in_each).max() < 1e-4
    assert np.abs(in_each).max() > 0.1
    uneven = MixturePopulation([0.8, 0.2], means, np.ones((2, 2)) * [[1], [-1]], cov)
    x, z, labels = uneven.sample(100_000, 0)
    e = z - uneven.mean_z[labels]
    each = np.hstack([e * (labels == c)[:, None] for c in (0, 1)])
    seen = (x - x.mean(axis=0)).T @ each / len(x)
    assert unexplained_in_each_class(uneven).block("x", "z") == pytest.approx(seen, abs=0.03)
    assert price_of_c1(mixture.moments()) < 1e-20 < 1e-3 < criteria.c2_gap(apart, in_each)


def draw(p, n0, seed):
    return p.sample(n0, seed)


def test_from_triples_alone_whoever_interpolates_pays_nothing():
    p = members.random_member(30, 4, 2, existence=False, rng=0)
    X, Z, Y = draw(p, 20, 1)
    pre = estimated_pretext(p, X, Z, Y)
    interpolant = np.linalg.lstsq(X, Y)[0].T
    assert np.abs(X @ interpolant.T - Y).max() < 1e-9
    bound = -0.5 * pre.variance
    loss = processor.empirical_loss(interpolant, X, Y, pre, 0.5)
    assert loss == pytest.approx(bound, abs=1e-9)
    # With Delta itself the same processor pays, and so it does where the sample knows K_z.
    for other in (unexplained(p), estimated_pretext(p, X, Z, Y, known="xz")):
        variance = getattr(other, "variance", None) or np.trace(other.block("z", "z"))
        assert processor.empirical_loss(interpolant, X, Y, other, 0.5) > 1e-3 - 0.5 * variance


@pytest.mark.parametrize("known", ["x", "xz"])
def test_the_estimate_tends_to_delta_and_a_share_of_zero_is_the_slides_loss(known):
    p = members.random_member(8, 4, 2, rng=0)
    X, Z, Y = draw(p, 100_000, 1)
    delta = unexplained(p)
    pre = estimated_pretext(p, X, Z, Y, known=known)
    assert pre.K_z == pytest.approx(delta.K_z, abs=0.1)
    assert pre.variance == pytest.approx(np.trace(delta.block("z", "z")), rel=0.05)
    none = estimated_pretext(p, X, Z, Y, known=known, share=0)
    assert none.K_z == pytest.approx(p.K_z, abs=0.1)
    assert none.variance == pytest.approx(np.trace(p.block("z", "z")), rel=0.05)
    assert np.abs(none.K_z - delta.K_z).max() > 0.3
    half = estimated_pretext(p, X, Z, Y, known=known, share=0.5)
    left = Z - Y @ np.linalg.lstsq(Y, Z)[0] / 2
    assert half.variance == pytest.approx(np.sum(left**2) / len(Z), rel=0.02)
    assert half.K_z == pytest.approx((p.K_z + delta.K_z) / 2, abs=0.1)


def test_known_delta_leaves_the_good_processor_among_the_minimisers_and_does_not_select_it():
    """With n0 labels below the directions that are free, knowing all of y and nothing both do."""
    p = members.random_member(30, 4, 2, invariance=False, rng=2)
    q, lam = unexplained(p), 1.0
    X, _, Y = draw(p, 20, 3)
    free = np.linalg.svd(np.hstack([p.U, q.V]))[0][:, p.U.shape[1] + q.V.shape[1] :]
    X_w = p.whitening.whiten(X.T).T
    assert free.shape[1] >= len(X)
    nothing = free @ np.linalg.lstsq(X_w @ free, Y)[0]
    all_of_y = np.hstack([p.U, nothing])
    bound = -lam * np.trace(q.block("z", "z"))
    for span, lost in [(nothing, np.sum(p.K_y**2)), (all_of_y, 0.0)]:
        A = p.whitening.unwhiten(span).T
        loss = processor.empirical_loss(A, X, Y, q, lam)
        assert loss == pytest.approx(bound, abs=1e-9)
        assert criteria.c2_gap(p, A) == pytest.approx(lost, abs=1e-9)
        assert criteria.c1_gap(p, A) < 1e-9
    found = processor.empirical_optimum(X, Y, q, 2, lam)
    assert found.loss == pytest.approx(bound, abs=1e-6)
    # The slides' loss on the same sample forbids the good one.
    slides = -lam * np.trace(p.block("z", "z"))
    good = p.whitening.unwhiten(all_of_y).T
    assert processor.empirical_loss(good, X, Y, p, lam) > slides + 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share": 1.5}, "share must be"),
        ({"known": "z"}, "known must be"),
        ({"X": np.ones((5, 3))}, "X must have"),
        ({"Z": np.ones((5, 3))}, "Z must have"),
        ({"Y": np.ones((4, 2))}, "must have the same number of rows"),
        ({"law": 3}, "law must be a GaussianPopulation"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    p = members.random_member(8, 4, 2, rng=0)
    X, Z, Y = draw(p, 5, 0)
    arguments = {"law": p, "X": X, "Z": Z, "Y": Y} | change
    with pytest.raises(ValueError, match=message):
        estimated_pretext(**arguments)
