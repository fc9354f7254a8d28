"""Mixtures and families: moments, posteriors, what the switches do, and what is refused."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from sslboost.population import MixturePopulation, latent_population, lee_mixture

EPS = np.finfo(float).eps
# False-alarm rate of the module, shared by its Monte Carlo comparisons (two-sided).
COMPARISONS = 1500
Z = stats.norm.isf(1e-6 / (2 * COMPARISONS))


def test_latent_family_switches_do_what_they_say():
    def ci(population):
        return np.abs(population.conditional("x", "z", "y")).max()

    assert ci(latent_population(s_to_z=0.0)) < 1e3 * EPS
    assert ci(latent_population()) > 0.1
    independent = latent_population(y_to_z=[1.0, 0.0])
    assert np.linalg.matrix_rank(independent.block("z", "y")) == 1
    member = latent_population()
    tilted = latent_population(mix=1.0)
    for population, inside in [(member, True), (tilted, False)]:
        M_z = population.K_z @ population.K_z.T
        leaves = M_z @ population.U - population.U @ (population.U.T @ M_z @ population.U)
        assert (np.abs(leaves).max() < 1e3 * EPS) == inside


def test_latent_family_explains_y_as_its_loadings_say():
    # x_1 = B_y y + e with orthonormal columns of length 2: Var[y | x] = 1 / (1 + 4) each.
    assert np.isclose(latent_population(2, 3).floor, 2 / 5, rtol=1e3 * EPS)


def test_every_strength_is_the_length_of_its_loadings():
    population = latent_population(
        2,
        3,
        dims_x=(4, 5, 1),
        dims_z=(4, 6),
        y_to_x=[0.5, 2.0],
        s_to_x=3.0,
        y_to_z=[1.5, 0.0],
        s_to_z=[1.0, 2.0, 4.0],
        mix=0.7,
        leak=0.2,
    )
    xy, zy = population.block("x", "y"), population.block("z", "y")
    assert xy.T @ xy == pytest.approx(np.diag([0.25, 4.0]), abs=1e2 * EPS)
    assert zy.T @ zy == pytest.approx(np.diag([2.25, 0.0]), abs=1e2 * EPS)
    assert population.block("y", "y") == pytest.approx(np.eye(2), abs=EPS)
    assert np.abs(xy[4:]).max() == np.abs(zy[4:]).max() == 0

    def explained(name, rows):  # variance beside the unit noise
        return np.trace(
            population.block(name, name)[rows, rows] - np.eye(population.d_x)[rows, rows]
        )

    assert explained("x", slice(0, 4)) == pytest.approx(0.25 + 4.0 + 3 * 0.2**2)
    assert explained("x", slice(4, 9)) == pytest.approx(3 * 3.0**2)
    assert explained("x", slice(9, 10)) == 0
    assert explained("z", slice(0, 4)) == pytest.approx(2.25 + 3 * 0.7**2)
    assert explained("z", slice(4, 10)) == pytest.approx(1 + 4 + 16)
    # What s alone links: x_s with z_s by B_s E', and by leak and mix with the y-driven parts.
    cross = population.block("x", "z")[4:9, 4:]
    assert np.sum(cross**2) == pytest.approx(9 * (1 + 4 + 16))


def test_families_are_those_of_the_book_unless_told_otherwise():
    strengths = {
        "y_to_x": 2.0,
        "s_to_x": 2.0,
        "y_to_z": 1.0,
        "s_to_z": 1.0,
        "mix": 0.0,
        "leak": 0.0,
    }
    told = latent_population(2, 3, dims_x=(8, 8, 8), dims_z=(3, 5), **strengths, rng=0)
    assert np.array_equal(latent_population().cov, told.cov)
    told = lee_mixture(10, 0.0, d_x=50, d_z=40, rng=0)
    assert np.array_equal(lee_mixture().mean_z, told.mean_z)
    assert np.array_equal(lee_mixture().cov, told.cov)


def test_families_draw_from_their_seed_and_from_nothing_else():
    for family in (latent_population, lee_mixture):
        first, again, other = (family(rng=rng).cov for rng in (0, 0, 1))
        assert np.array_equal(first, again)
        assert family is lee_mixture or (first != other).any()
    means = [lee_mixture(rng=rng).mean_x for rng in (0, 0, 1)]
    assert np.array_equal(means[0], means[1]) and (means[0] != means[2]).all()
    mixture = lee_mixture(3, d_x=2, d_z=2)
    x, again, other = (mixture.sample(5, rng=rng)[0] for rng in (0, 0, 1))
    assert np.array_equal(x, again) and (x != other).any()


def test_lee_mixture_is_the_construction_of_the_paper():
    mixture = lee_mixture(200, 0.25, d_x=3, d_z=5, rng=3)
    J = np.eye(5, 3)
    own = (mixture.mean_z - 0.25 * mixture.mean_x @ J.T) / 0.75
    for means in (mixture.mean_x, own):
        assert means.min() >= 0 and means.max() <= 10
        assert stats.kstest(means.ravel() / 10, "uniform").pvalue > 1e-6 / COMPARISONS
    expected = np.block([[np.eye(3), 0.25 * J.T], [0.25 * J, 0.75**2 * np.eye(5) + J @ J.T / 16]])
    assert mixture.cov[7] == pytest.approx(expected, abs=EPS)
    assert mixture.weights == pytest.approx(np.full(200, 1 / 200))


def test_lee_mixture_moments_match_samples_and_alpha_breaks_independence():
    mixture = lee_mixture(3, 0.5, d_x=4, d_z=6)
    x, z, labels = mixture.sample(20_000, rng=0)
    y = mixture.one_hot(labels)
    rows = np.concatenate([x, z, y], axis=1)
    rows -= rows.mean(axis=0)
    products = rows[:, :, None] * rows[:, None, :]
    error = products.std(axis=0, ddof=1) / np.sqrt(len(rows))
    gap = np.abs(products.mean(axis=0) - mixture.moments().cov)
    # The sample mean was subtracted: a bias of cov / n, far below the standard error.
    assert (gap <= Z * error + np.abs(mixture.moments().cov) / len(rows)).all()
    assert np.abs(lee_mixture(3, 0.0).within(1)).max() == 0
    assert np.allclose(mixture.within(1), 0.5 * np.eye(4, 6), atol=0)


def test_posterior_is_the_conditional_mean_of_the_one_hot_label():
    mixture = MixturePopulation(
        [0.3, 0.7], [[0.0, 0], [1, 1]], [[0.0], [1]], [np.eye(3), 2 * np.eye(3)]
    )
    x, _, labels = mixture.sample(20_000, rng=0)
    P = mixture.posterior(x)
    density = [
        w * stats.multivariate_normal.pdf(x, mean, cov[:2, :2])
        for w, mean, cov in zip(mixture.weights, mixture.mean_x, mixture.cov, strict=True)
    ]
    assert np.allclose(P, np.transpose(density) / np.sum(density, axis=0)[:, None], rtol=1e-12)
    residual = (mixture.one_hot(labels) - P)[:, 0]
    for weight in (np.ones(len(x)), x[:, 0], x[:, 1] ** 2):
        moment = residual * weight
        assert abs(moment.mean()) < Z * moment.std(ddof=1) / np.sqrt(len(x))


def test_posterior_is_quadratic_discriminant_analysis():
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2], [40, 60, 100])
    x = rng.standard_normal((200, 3)) * (1 + labels[:, None]) + labels[:, None]
    peer = QuadraticDiscriminantAnalysis(store_covariance=True).fit(x, labels)
    cov = np.stack([np.eye(4)] * 3)
    cov[:, :3, :3] = peer.covariance_
    mixture = MixturePopulation(peer.priors_, peer.means_, np.zeros((3, 1)), cov)
    assert mixture.posterior(x) == pytest.approx(peer.predict_proba(x), rel=1e-9, abs=1e-12)


def test_posterior_far_from_every_class_is_a_probability():
    mixture = lee_mixture(3, d_x=2, d_z=1)
    P = mixture.posterior(np.array([[1e6, -1e6], [0.0, 0.0]]))
    assert P.sum(axis=1) == pytest.approx(1) and P[0].max() == 1


@pytest.mark.parametrize("constant", [0.1, 14.62, 1e6 + 0.1])
@pytest.mark.parametrize("k", [2, 3, 5, 7])
def test_a_coordinate_that_is_the_same_in_every_class_has_no_variance(constant, k):
    labels = np.arange(k)[:, None] * 1.0
    mean_x = np.hstack([np.full((k, 1), constant), labels])
    mixture = MixturePopulation(np.full(k, 1 / k), mean_x, labels, [np.diag([0.0, 1.0, 1.0])] * k)
    population = mixture.moments()
    assert population.rank_x == 1 and (population.cov[0] == 0).all()
    x = mixture.sample(5, rng=0)[0]
    assert (x[:, 0] == constant).all()


@pytest.mark.parametrize(
    "labels",
    [
        [0, 2, 1],
        np.array([0, 2, 1], np.uint8),
        np.array([0.0, 2.0, 1.0]),
        torch.tensor([0, 2, 1]),
        (0, 2, 1),
    ],
    ids=str,
)
def test_one_hot_takes_labels_of_any_type(labels):
    assert np.array_equal(lee_mixture(3).one_hot(labels), np.eye(3)[[0, 2, 1]])


def test_nobody_else_can_change_a_mixture():
    given = {
        "weights": np.array([0.5, 0.5]),
        "mean_x": np.eye(2),
        "mean_z": np.eye(2),
        "cov": np.stack([np.eye(4)] * 2),
    }
    mixture = MixturePopulation(**given)
    before = {name: array.copy() for name, array in given.items()}
    for name, array in given.items():
        array += 1.0  # the caller's copy is the caller's
        assert np.array_equal(getattr(mixture, name), before[name])
        with pytest.raises(ValueError, match="read-only"):
            getattr(mixture, name)[:] = 0
    with pytest.raises(ValueError, match="read-only"):
        mixture.within(0)[:] = 0
    with pytest.raises(FrozenInstanceError):
        mixture.cov = given["cov"]
    assert mixture == mixture and mixture != MixturePopulation(**before)
    assert len({mixture, mixture}) == 1


def singular_mixture():
    return MixturePopulation([1.0], [[0.0, 0.0]], [[0.0]], [np.diag([1.0, 0.0, 1.0])])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: latent_population(0), "d_y must be a positive integer"),
        (lambda: latent_population(dims_x=(1, 2)), "dims_x must hold 3 block sizes, got 2"),
        (lambda: latent_population(dims_x=3), "dims_x must hold 3 block sizes"),
        (lambda: latent_population(dims_x={8: 1, 4: 1, 2: 1}), "dims_x must hold 3 block sizes"),
        (lambda: latent_population(dims_x=np.array(3)), "dims_x must hold 3 block sizes, got 3"),
        (lambda: latent_population(dims_x="888"), r"dims_x\[0\] must be a positive integer"),
        (lambda: latent_population(dims_x=np.ones(3)), r"dims_x\[0\] must be .*, got 1.0"),
        (lambda: latent_population(dims_z=(3, 10**18)), r"dims_z\[1\] must be at most"),
        (lambda: latent_population(s_to_x=[[1.0], [1.0, 2.0]]), "s_to_x must be a numeric array"),
        (lambda: latent_population(s_to_x=[[1.0] * 3]), "s_to_x must have 1 axes"),
        (lambda: latent_population(s_to_x={1.0}), "s_to_x must be a numeric array, got set"),
        (lambda: latent_population(s_to_x=1e200), "size of s_to_x must be at most 1e"),
        (lambda: latent_population(leak=-1e200), "size of leak must be at most 1e"),
        (lambda: latent_population(leak=[0.1]), "leak must be a number"),
        (lambda: latent_population(rng="0"), "rng must be a"),
        (lambda: latent_population(dims_x=(0, 2, 2)), r"dims_x\[0\] must be a positive integer"),
        (lambda: latent_population(dims_z=(3, -1)), r"dims_z\[1\] must be an integer of at least"),
        (lambda: latent_population(y_to_x=[1.0] * 3), "y_to_x must be one number or 2"),
        (lambda: latent_population(s_to_z=np.nan), "s_to_z must be finite"),
        (lambda: latent_population(mix="a"), "mix must be a number"),
        (lambda: lee_mixture(0), "k must be a positive integer"),
        (lambda: lee_mixture(2, 1.5), "alpha must be at least 0 and at most 1, got 1.5"),
        (lambda: lee_mixture(2).sample(-1), "n must be a positive integer"),
        (lambda: lee_mixture(2).within(2), "label must be at most 1, got 2"),
        (lambda: lee_mixture(2).one_hot([-1]), r"labels must lie in 0..1, got -1..-1"),
        (lambda: lee_mixture(2).one_hot([2]), r"labels must lie in 0..1, got 2..2"),
        (lambda: lee_mixture(2).one_hot([]), "labels must hold at least one label"),
        (lambda: lee_mixture(2).one_hot(["0"]), "labels must be a numeric array"),
        (lambda: lee_mixture(2).one_hot([0.5]), "labels must be whole numbers, got 0.5"),
        (lambda: lee_mixture(2).posterior(np.ones((1, 3))), "x must have 50 columns"),
        (lambda: singular_mixture().posterior(np.ones((1, 2))), r"cov\[0\] must have a definite"),
        (
            lambda: MixturePopulation([0.5, 0.6], np.eye(2), np.eye(2), [np.eye(4)] * 2),
            "weights must be positive and sum to 1",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(3), np.eye(2), [np.eye(4)] * 2),
            "mean_x must have 2 rows",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(2), np.ones((2, 0)), [np.eye(2)] * 2),
            "number of columns of mean_z must be a positive integer, got 0",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(2), np.eye(2), np.eye(4)),
            "cov must have 3 axes",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(2), np.eye(2), [np.eye(3)] * 2),
            r"cov\[0\] must be 4 by 4",
        ),
        (
            lambda: MixturePopulation([1.0, 0.0], np.eye(2), np.eye(2), [np.eye(4)] * 2),
            "weights must be positive",
        ),
        (
            lambda: MixturePopulation([0.5, 0.5 + 1e-9], np.eye(2), np.eye(2), [np.eye(4)] * 2),
            "weights must be positive and sum to 1",
        ),
        (lambda: MixturePopulation([], np.eye(2), np.eye(2), []), "weights must be positive"),
        (
            lambda: MixturePopulation([0.5, 0.5], np.eye(2), np.eye(2), [np.eye(4)]),
            "cov must hold 2 matrices",
        ),
        (
            lambda: MixturePopulation([1.0], [[0.0]], [[0.0]], [[[1, 2], [2, 1]]]),
            r"cov\[0\] must be positive semidefinite",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
