"""The nonlinear head: what it tells, what chooses its decay, and what it is not given."""

import numpy as np
import pytest

from sslboost.images.probe import fit_mlp, fit_probe
from sslboost.images.probe.mlp import DECAYS


def bent(n=3000):
    """Features and the labels of a rule that no linear head can tell: the largest square."""
    X = np.random.default_rng(0).standard_normal((n, 10))
    return X, np.square(X).argmax(1)


def parted(X, labels, kept=2000):
    return X[:kept], labels[:kept], X[kept:], labels[kept:]


@pytest.fixture(scope="module")
def fitted():
    return fit_mlp("bent", *parted(*bent()), seed=0)


def test_a_network_tells_what_no_linear_head_can(fitted):
    X, labels = bent()
    assert fit_probe("bent", *parted(X, labels)).accuracy < 0.2 < 0.5 < fitted.accuracy
    labels[:2000] = np.random.default_rng(1).permutation(labels[:2000])
    # Chance, with the spread of the test images and of how predictions cluster on few classes.
    spread = np.sqrt(0.09 / 1000 + 0.09 / 200)
    assert abs(fit_mlp("bent", *parted(X, labels), seed=0).accuracy - 0.1) < 5.2 * spread


def test_a_seed_decides_and_what_is_returned_is_what_was_measured(fitted):
    data = parted(*bent())
    assert fit_mlp("bent", *data, seed=0) == fitted
    assert fit_mlp("bent", *data, seed=1) != fitted
    assert fitted.width == 10 and fitted.penalty in DECAYS
    p = fitted.accuracy
    assert p * 1000 == pytest.approx(round(p * 1000))
    assert fitted.standard_error == pytest.approx(np.sqrt(p * (1 - p) / 1000), rel=1e-12)


def test_the_decay_is_chosen_without_the_test_set(fitted):
    X, labels, X_test, test_labels = parted(*bent())
    other = fit_mlp("bent", X, labels, X_test, test_labels[::-1].copy(), seed=0)
    assert (other.penalty, other.held_out) == (fitted.penalty, fitted.held_out)
    assert other.accuracy < 0.2 < fitted.accuracy


def test_units_and_a_dead_neuron_change_nothing_that_matters(fitted):
    X, labels = bent()
    powers = 2.0 ** np.arange(-5, 5)  # which change no bit of the standardised features
    assert fit_mlp("bent", *parted(X * powers, labels), seed=0) == fitted
    dead = np.full((len(X), 1), 0.1)
    dead[2000:, 0] = 1e6
    wide = fit_mlp("bent", *parted(np.hstack([X, dead]), labels), seed=0)
    assert wide.accuracy > 0.5


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"seed": -1}, "seed must be"),
        ({"config": None}, "config must be a Config"),
        ({"train_labels": [0] * 30}, "train_labels must hold at least 2 classes"),
        ({"train_features": np.full((30, 3), np.nan)}, "train_features must be finite"),
        ({"test_features": np.zeros((5, 2))}, "test_features must have 3 columns"),
        ({"test_labels": [10] * 5}, "test_labels must be classes from 0 to 9"),
    ],
)
def test_what_no_head_can_be_trained_on_is_named(wrong, named):
    rng = np.random.default_rng(0)
    given = {
        "train_features": rng.standard_normal((30, 3)),
        "train_labels": np.arange(30) % 3,
        "test_features": rng.standard_normal((5, 3)),
        "test_labels": np.arange(5) % 3,
    }
    fit_mlp("features", **given, seed=0)
    with pytest.raises(ValueError, match=named):
        fit_mlp("features", **given | {"seed": 0} | wrong)
