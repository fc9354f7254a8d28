"""What is said of a processor on images, against values worked out by hand."""

import numpy as np
import pytest
import torch

from sslboost.images.networks.config import Config
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs
from sslboost.images.processor import ProcessorConfig
from sslboost.pages.cifar10 import mechanism

X = np.array([[0.0], [1], [2], [3]])
Y = np.array([[1.0], [2], [2], [3]])


def test_the_explained_share_is_the_squared_correlation():
    # Sums of squares 5 and 2, of products 3: 9 / (5 * 2).
    assert mechanism.explained(X, Y) == pytest.approx(0.9, abs=1e-15)
    noise = np.array([[1.0], [-1], [-1], [1]])  # uncorrelated with X, of variance 1
    both = np.hstack([Y, noise])
    assert mechanism.explained(X, both) == pytest.approx(1.8 / 6, abs=1e-15)


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e150])
def test_the_explained_share_knows_no_units_and_no_constants(scale):
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((50, 3)), rng.standard_normal((50, 2))
    plain = mechanism.explained(A, B)
    rescaled = np.hstack([A * [scale, 1, 1 / scale], np.full((50, 1), 0.1)])
    assert mechanism.explained(rescaled, B) == pytest.approx(plain, rel=1e-12)
    assert mechanism.explained(A + 1e3, B - 1e3) == pytest.approx(plain, rel=1e-9)
    duplicated = np.hstack([A, A[:, :1], 1e6 + 0.1 + np.zeros((50, 2))])
    assert mechanism.explained(duplicated, B) == pytest.approx(plain, rel=1e-12)


def test_the_spectrum_and_its_participation_ratio():
    features = np.array([[1.0, 0], [-1, 0], [0, 2], [0, -2]])
    assert mechanism.spectrum(features + 0.1) == pytest.approx([2, 0.5], abs=1e-15)
    judged = mechanism.judge("f", features, X, [0, 1, 0, 1])
    assert judged.dimension == pytest.approx(2.5**2 / 4.25)
    constant = np.hstack([features, np.full((4, 1), 14.62)])
    assert mechanism.spectrum(constant)[2] == 0


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1, 1], [7, 7, 7, 7, -1, -1]])
def test_the_criteria_are_judged_within_the_classes(labels):
    features = np.array([[0.0], [1], [2], [3], [10], [11]])
    z = np.array([[1.0], [2], [2], [3], [5], [5]])  # constant in the second class
    judged = mechanism.judge("f", features, z, labels)
    # Of 3, 4 and 5 degrees of freedom the fit of one feature uses up one.
    assert judged.c1_worst == pytest.approx(1 - 0.1 * 3 / 2)
    assert judged.c1_pooled == pytest.approx(1 - (1 - 9 / (5.5 * 2)) * 4 / 3)
    # Sums of squares 113.5 and 4/3 of a class indicator, of products 12.
    assert judged.c2 == pytest.approx((1 - 144 / (113.5 * 4 / 3)) * 5 / 4)
    assert (judged.name, judged.dimension) == ("f", pytest.approx(1))


def test_features_that_know_nothing_explain_nothing_on_average():
    """Of 10 classes with 100 rows each, by 40 features: in the sample they explain two fifths."""
    rng, labels = np.random.default_rng(0), np.repeat(np.arange(10), 100)
    judged, in_sample = [], []
    for _ in range(30):
        features, z = rng.standard_normal((1000, 40)), rng.standard_normal((1000, 2))
        judged.append(mechanism.judge("noise", features, z, labels))
        in_sample.append(mechanism.explained(features[:100], z[:100]))
    for name, expected in [("c1_pooled", 0.0), ("c2", 1.0)]:
        found = [getattr(one, name) for one in judged]
        error = np.std(found, ddof=1) / np.sqrt(len(found))
        assert abs(np.mean(found) - expected) < 4 * error  # beyond that one time in 3,000
    # The largest of ten strays above zero; without the adjustment all of them do, by far.
    assert max(one.c1_worst for one in judged) < min(in_sample)
    few = mechanism.judge(
        "few", rng.standard_normal((6, 2)), rng.standard_normal((6, 1)), [0, 1] * 3
    )
    assert np.isnan(few.c1_worst) and not np.isnan(few.c1_pooled)


def test_x_is_averaged_over_the_cells_of_the_grid(cifar):
    images, task = torch.tensor(cifar.train_images[:3]), PRETEXTS["colourisation"]
    inputs, Z = mechanism.vectors(images, task, grid=4)
    cells = task.present(images).numpy().astype(float).reshape(3, 3, 4, 8, 4, 8)
    assert np.allclose(inputs, cells.mean(axis=(3, 5)).reshape(3, -1), rtol=0, atol=1e-4)
    assert Z.shape == (3, Z.shape[1]) and Z.dtype == float


def between(Z, labels):
    """Share of the variance of Z that lies between classes."""
    means = {label: Z[labels == label].mean(axis=0) for label in set(labels)}
    explained = np.array([means[label] for label in labels])
    return explained.var(axis=0).sum() / Z.var(axis=0).sum()


@pytest.mark.parametrize("task", PRETEXTS.values(), ids=PRETEXTS)
def test_the_dependence_is_the_variance_between_classes(cifar, task):
    labels = cifar.train_labels
    found = mechanism.dependence(torch.tensor(cifar.train_images), labels, task, seed=3)
    Z = mechanism.vectors(torch.tensor(cifar.train_images), task, seed=3)[1]
    assert found.label == pytest.approx(between(Z, labels), rel=1e-9)
    shuffled = np.random.default_rng(3).permutation(labels)
    assert found.shuffled == pytest.approx(between(Z, shuffled), rel=1e-9)
    assert found.chance == 9 / 59
    # Fewer images than cells of x: the prediction of the label is the label.
    assert found.yhat == pytest.approx(found.label, rel=1e-6)


NARROW = Config((4,), epochs=1, batch=16, stride=2)
TINY = ProcessorConfig(NARROW, Config((4,), architecture="perceptron"), features=3, steps=4)


def test_a_processor_is_followed_from_before_its_first_step_to_its_end(cifar, parts):
    task, how = PRETEXTS["rotation"], {"scored": 15, "seed": 1, "progress": False}
    found = mechanism.follow(cifar, parts, task, TINY, 8, **how)
    steps = [snapshot.step for snapshot in found.snapshots]
    assert steps[0] == 0 and steps[-1] == TINY.steps and steps == sorted(set(steps))
    for snapshot in found.snapshots:
        assert 0 <= snapshot.train_y_error <= 1 and 0 <= snapshot.accuracy <= 1
        assert snapshot.pretext_told <= 1  # adjusted, so that nothing told is 0 on average
    test = torch.tensor(cifar.test_images[:15])
    drawn, targets = task.draw(test, torch.Generator().manual_seed(1))
    told = mechanism.explained(
        network_outputs(found.start, drawn).astype(float), task.vector(targets).double().numpy()
    )
    # Three features of 14 degrees of freedom.
    assert found.snapshots[0].pretext_told == pytest.approx(1 - (1 - told) * 14 / 11)
    weights = [dict(f.named_parameters()) for f in (found.start, found.network)]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    again = mechanism.follow(cifar, parts, task, TINY, 8, **how)
    assert again.snapshots == found.snapshots


MALFORMED = [
    ("explained", {"A": X, "B": Y[:3]}, "A and B must have the same number of rows"),
    ("explained", {"A": X, "B": np.full((4, 1), 0.1)}, "B must vary"),
    ("explained", {"A": "a", "B": Y}, "A must be a numeric array"),
    ("spectrum", {"features": np.ones((3, 2))}, "features must vary"),
    ("spectrum", {"features": [1, 2]}, "features must have 2 axes"),
    ("judge", {"labels": [0, 0, 0, 0]}, "number of classes among the labels must be"),
    ("judge", {"labels": [0, 1]}, "labels must hold one label for each of 4 rows"),
    ("judge", {"z": X[:3]}, "features and z must have the same number of rows"),
    ("judge", {"z": np.ones((4, 1))}, "z must vary within a class"),
    ("judge", {"name": 1}, "name must be text"),
    ("vectors", {"grid": 33}, "grid must be at most 32"),
    ("vectors", {"images": np.zeros((2, 3, 32, 32))}, "images must be a uint8 tensor"),
    ("vectors", {"pretext": "rotation"}, "pretext must be a pretext object"),
    ("vectors", {"seed": -1}, "seed must be an integer of at least 0"),
    ("dependence", {"labels": [0, 0]}, "labels must hold at least 2 classes"),
    ("dependence", {"labels": [0, 1, 2]}, "labels must hold one label for each of 2 rows"),
    ("follow", {"n0": 21}, "n0 must be at most 20"),
    ("follow", {"n0": 0}, "n0 must be a positive integer"),
    ("follow", {"scored": 0.5}, "scored must be a positive integer"),
    ("follow", {"cifar": None}, "cifar must be a Cifar10, got NoneType"),
    ("follow", {"parts": 1}, "parts must be a Split"),
    ("follow", {"config": NARROW}, "config must be a ProcessorConfig"),
]


@pytest.mark.parametrize(("function", "wrong", "says"), MALFORMED)
def test_malformed_calls_are_named(cifar, parts, function, wrong, says):
    images = torch.tensor(cifar.train_images[:2])
    task = PRETEXTS["colourisation"]
    sound = {
        "explained": {},
        "spectrum": {},
        "judge": {"name": "f", "features": X, "z": Y, "labels": [0, 0, 1, 1]},
        "vectors": {"images": images, "pretext": task},
        "dependence": {"images": images, "labels": [0, 1], "pretext": task},
        "follow": {"cifar": cifar, "parts": parts, "pretext": task, "config": TINY, "n0": 3},
    }
    with pytest.raises(ValueError, match=says):
        getattr(mechanism, function)(**sound[function] | wrong)
