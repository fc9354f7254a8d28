"""The images and labels of one seed, and heads whose penalty only downstream labels choose."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sslboost.images import data
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import fit_mlp, fit_probe
from sslboost.images.table.part import Part, extra_labels, part_of, principal_components
from sslboost.images.table.profiles import PROFILES, SMOKE

ROTATION, INPAINTING = PRETEXTS["rotation"], PRETEXTS["inpainting"]


@pytest.fixture(scope="module")
def part(cifar):
    return part_of(SMOKE, INPAINTING, 0)


def test_every_part_holds_its_own_images(part, cifar):
    parts = data.split(sizes=SMOKE.sizes)
    assert torch.equal(part.images, torch.tensor(cifar.train_images[parts.pretext]))
    shown = INPAINTING.present(torch.tensor(cifar.train_images[parts.downstream]))
    assert torch.equal(part.downstream, shown)
    assert np.array_equal(part.labels, cifar.train_labels[parts.downstream])
    assert torch.equal(part.raw_test, torch.tensor(cifar.test_images[:500]))
    assert torch.equal(part.test, INPAINTING.present(part.raw_test))
    assert np.array_equal(part.test_labels, cifar.test_labels[:500])
    # The extra images are raw, and their labels go with them.
    where = {cifar.train_images[i].tobytes(): i for i in parts.extra}
    found = [where[image.numpy().tobytes()] for image in part.extra]
    assert sorted(found) == sorted(parts.extra)
    assert np.array_equal(part.extra_labels, cifar.train_labels[found])


def test_half_of_the_labels_are_among_all_of_them_and_drawn_by_the_seed(part):
    other = part_of(SMOKE, INPAINTING, 1)
    half = part.rows["half"]
    assert len(half) == len(part.rows["full"]) // 2 == len(set(half.tolist()))
    assert not np.array_equal(half, other.rows["half"])
    assert not torch.equal(part.extra, other.extra)
    again = part_of(SMOKE, INPAINTING, 0)
    assert np.array_equal(half, again.rows["half"]) and torch.equal(part.extra, again.extra)


def test_borrowed_images_follow_the_extra_ones(part):
    borrowing = part_of(SMOKE, INPAINTING, 0, borrow=True)
    assert torch.equal(borrowing.extra[:500], part.extra)
    assert len(borrowing.extra) == 500 + 2000
    images, labels = borrowing.take(600)
    assert len(images) == len(labels) == 600
    assert np.array_equal(extra_labels(SMOKE, 0, 600, borrow=True), labels)
    assert np.array_equal(extra_labels(SMOKE, 0, 100), part.take(100)[1])


def scored_part():
    """A part with features of its own in place of images, and two stages of them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((900, 30))
    y = (X @ rng.standard_normal((30, 10))).argmax(1)
    nothing = torch.zeros(0)
    rows = {"full": np.arange(500), "half": np.arange(0, 500, 2)}
    part = Part(*[nothing] * 6, nothing, y[:500], y[500:700], rows)
    stages = [[X[part] + 1e-3, X[part, :5]] for part in (slice(500), slice(500, 700))]
    return part, stages, ([X[700:], X[700:, :5]], (y[700:] + 3) % 10)


NAMES = ["wide", "narrow"]


def test_every_layer_and_the_best_one_are_scored():
    part, (stages, test), _ = scored_part()
    scored = part.score("layer", NAMES, stages, test)
    assert len(scored) == 2 * 3
    for labels, rows in part.rows.items():
        probes = [
            fit_probe(name, X[rows], part.labels[rows], Z, part.test_labels)
            for name, X, Z in zip(NAMES, stages, test, strict=True)
        ]
        assert probes[0].held_out > probes[1].held_out
        expected = [
            {
                **{"labels": labels, "features": kind, "layer": probe.name},
                **{"penalty": probe.penalty, "held_out": probe.held_out},
                "accuracy": probe.accuracy,
            }
            for kind, probe in [*(("layer", probe) for probe in probes), ("hidden", probes[0])]
        ]
        assert [row for row in scored if row["labels"] == labels] == expected
    alone = part.score("output", NAMES[:1], stages[:1], test[:1])
    assert [row["features"] for row in alone] == ["output", "output"]


def test_further_readings_are_of_the_layer_that_was_chosen():
    part, (stages, test), _ = scored_part()
    stages, test = ([X + 3.0 for X in features] for features in (stages, test))
    scored = part.score("layer", NAMES, stages, test)
    further = part.score_further(scored, NAMES, stages, test, seed=3, components=4)
    assert [(row["labels"], row["features"]) for row in further] == [
        *(("full", "mlp"), ("full", "pca")),
        *(("half", "mlp"), ("half", "pca")),
    ]
    assert {row["layer"] for row in further} == {"wide"}
    for labels, rows in part.rows.items():
        own = stages[0][rows], part.labels[rows], test[0], part.test_labels
        mlp, pca = (row["accuracy"] for row in further if row["labels"] == labels)
        assert mlp == fit_mlp("wide", *own, seed=3).accuracy
        # Principal components by another way: singular vectors of all downstream rows.
        mean = stages[0].mean(0)
        axes = np.linalg.svd(stages[0] - mean, full_matrices=False)[2][:4].T
        four = fit_probe("wide", (own[0] - mean) @ axes, own[1], (own[2] - mean) @ axes, own[3])
        assert pca == four.accuracy < own[2].shape[0]
    all_of_them = principal_components(stages[0], test[0], 29)
    assert np.allclose(np.sum(all_of_them[0] ** 2), np.sum((stages[0] - mean) ** 2), rtol=0.05)


def test_features_keep_the_rounding_of_their_type():
    """A neuron that is dead but for the last bit of single precision is constant."""
    part, (stages, test), _ = scored_part()
    one = np.float32(0.1)
    dead = np.where(np.arange(700) % 3, one, np.nextafter(one, np.float32(1)))[:, None]
    plain = [[features[0].astype(np.float32)] for features in (stages, test)]
    wide = [
        [np.column_stack([features[0], column]).astype(np.float32)]
        for features, column in zip(plain, (dead[:500], dead[500:]), strict=True)
    ]
    assert part.score("output", ["f"], *wide) == part.score("output", ["f"], *plain)


def test_extra_labels_are_fitted_on_and_choose_nothing():
    part, (stages, test), (more, labels) = scored_part()
    given = "output", NAMES[:1], stages[:1], test[:1]
    scored = part.score(*given, more=more[:1], more_labels=labels)
    alone = part.score(*given)
    for found, own, rows in zip(scored, alone, part.rows.values(), strict=True):
        labelled = stages[0][rows], part.labels[rows], test[0], part.test_labels
        probe = fit_probe("wide", *labelled, more=(more[0], labels))
        assert found["accuracy"] == probe.accuracy != own["accuracy"]
        assert found["held_out"] == probe.held_out
        # Every extra label is wrong: heads chosen or scored on them would be right by accident.
        assert probe.held_out > 0.3


def of(p, stages, test, **how):
    """Score one list of features."""
    names = ["a"] * len(stages) if isinstance(stages, list) else ["a"]
    return p.score("output", names, stages, test, **how)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda p: part_of("smoke", ROTATION, 0), "profile must be a Profile, got str"),
        (lambda p: part_of(SMOKE, "rotation", 0), "pretext must be a pretext object"),
        (lambda p: part_of(SMOKE, ROTATION, -1), "seed must be an integer of at least 0"),
        (lambda p: part_of(SMOKE, ROTATION, 0, borrow=1), "borrow must be True or False"),
        (lambda p: p.take(501), "n0 must be at most 500, got 501"),
        (lambda p: p.take(0), "n0 must be a positive integer, got 0"),
        (lambda p: p.take(1.0), "n0 must be a positive integer, got 1.0"),
        (lambda p: extra_labels("smoke", 0, 5), "profile must be a Profile, got str"),
        (lambda p: extra_labels(SMOKE, 0, "5"), "n0 must be a positive integer"),
        (lambda p: extra_labels(SMOKE, 0, 501), "n0 must be at most 500, got 501"),
        (lambda p: extra_labels(SMOKE, None, 5), "seed must be an integer of at least 0"),
        (lambda p: of(p, None, [1]), "features must be a list with an entry for every layer"),
        (lambda p: of(p, [], []), "names must be a list with an entry for every layer"),
        (lambda p: p.score("psi", ["a"], [1], [1]), "kind must be one of input, layer, hidden"),
        (
            lambda p: of(p, [np.zeros((600, 2))], [np.zeros((500, 2))] * 2),
            "names and features and test_features must be as many",
        ),
        (
            lambda p: of(p, [np.zeros((600, 2))], [np.zeros((500, 2))], more=[]),
            "more must be a list with an entry for every layer",
        ),
        (
            lambda p: of(p, [np.zeros((599, 2))], [np.zeros((500, 2))]),
            "features must have 600 rows",
        ),
        (
            lambda p: of(p, [np.zeros((600, 2))], [np.zeros((499, 2))]),
            "test_labels must hold one label for each of 499 rows, got 500",
        ),
        (
            lambda p: of(p, [np.full((600, 2), "a")], [np.zeros((500, 2))]),
            "train_features must be a numeric array",
        ),
        (
            lambda p: of(p, [np.ma.zeros((600, 2))], [np.zeros((500, 2))]),
            "train_features must have no mask",
        ),
        (lambda p: replace(SMOKE, sizes=(1, 2)), "sizes must be 3 counts"),
        (lambda p: replace(SMOKE, supervised=0), "supervised must be"),
        (lambda p: principal_components(np.eye(3), np.eye(3), 3), "components must be at most 2"),
        (lambda p: replace(SMOKE, psi=SMOKE.processor), "psi must be a Config"),
    ],
)
def test_what_is_no_part_is_named(part, call, named):
    with pytest.raises(ValueError, match=named):
        call(part)


def test_a_compiled_profile_is_the_same_but_for_its_networks():
    for profile in PROFILES.values():
        compiled = profile.compiled()
        assert compiled.ssl == replace(profile.ssl, compiled=True)
        assert compiled.processor.network == replace(profile.processor.network, compiled=True)
        assert compiled.psi == profile.psi and compiled.sizes == profile.sizes
