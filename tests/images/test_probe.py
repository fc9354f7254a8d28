"""The linear head: what it reads, what chooses its penalty, and what it may not depend on."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from sslboost.images.pretexts import PRETEXTS, Rotation
from sslboost.images.probe import (
    PENALTIES,
    Layer,
    Probe,
    best_by_held_out,
    fit_head,
    fit_probe,
    given,
    layer_features,
    network_outputs,
    pretext_accuracy,
    stage_features,
)
from sslboost.images.probe.given import held_out_rows
from sslboost.images.processor import initial_processor
from sslboost.images.table.profiles import SMOKE
from sslboost.images.training import initial_network


class _Upright(Rotation):
    """Every image as it is."""

    def draw(self, images, generator):
        return images, torch.zeros(len(images), dtype=torch.long)


def rule(n=3000, d=20, units=1.0, seed=0):
    """Features and the labels of a linear rule on them, the features in other units."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X * units, (X @ rng.standard_normal((d, 10))).argmax(1)


def fitted(X, labels, kept=2000, **how):
    return fit_probe("rule", X[:kept], labels[:kept], X[kept:], labels[kept:], **how)


def test_the_head_beats_chance_and_shuffled_labels_do_not(cifar, rotated):
    encoder = rotated[0].network.encoder
    X, X_test = (
        stage_features(encoder, torch.tensor(part[:2000]), grid=2)[1]
        for part in (cifar.train_images, cifar.test_images)
    )
    labels, test_labels = cifar.train_labels[:2000], cifar.test_labels[:2000]
    chance_spread = np.sqrt(0.09 / 2000)
    real = fit_probe("stage 2", X, labels, X_test, test_labels)
    assert real.accuracy > 0.1 + 20 * chance_spread
    shuffled = np.random.default_rng(0).permutation(labels)
    false = fit_probe("stage 2", X, shuffled, X_test, test_labels)
    # Predictions cluster on few classes, whose counts vary: allow their spread as well.
    class_spread = np.sqrt(0.09 / 200)
    assert abs(false.accuracy - 0.1) < 5.2 * np.hypot(chance_spread, class_spread)


def test_a_linear_rule_is_found_and_the_test_set_is_not_looked_at():
    X, labels = rule(units=np.geomspace(1e-3, 1e3, 20))
    probe = fitted(X, labels)
    assert probe.accuracy > 0.7
    other = fit_probe("rule", X[:2000], labels[:2000], X[2000:], labels[2000:][::-1].copy())
    assert (other.penalty, other.held_out) == (probe.penalty, probe.held_out)


@pytest.mark.parametrize("at_once", [2**25, 1001])
@pytest.mark.parametrize("d", [20, 700])
def test_the_head_is_ridge_regression_on_standardised_features(d, at_once, monkeypatch):
    """With more rows than features and with fewer, in one block and in many."""
    monkeypatch.setattr(given, "AT_ONCE", at_once)
    kept = 500
    X, labels = rule(2 * kept, d)
    head = fit_head(X[:kept], labels[:kept])
    mean, std = X[:kept].mean(0), X[:kept].std(0)
    Z, Y = (X[:kept] - mean) / std, np.eye(10)[labels[:kept]]
    # The penalty as rows of its own, in least squares.
    rows = np.vstack([Z, np.sqrt(kept * head.penalty) * np.eye(d)])
    B = np.linalg.lstsq(rows, np.vstack([Y - Y.mean(0), np.zeros((d, 10))]), rcond=None)[0]
    assert head.coefficients * std[:, None] == pytest.approx(B, abs=1e-9)
    assert head.intercept == pytest.approx(Y.mean(0) - mean / std @ B, abs=1e-9)
    probe = fitted(X, labels, kept)
    assert probe.accuracy == np.mean(head.predict(X[kept:]) == labels[kept:])
    assert (probe.width, probe.penalty) == (d, head.penalty)


def test_wide_features_are_nowhere_copied_in_double_precision(monkeypatch):
    monkeypatch.setattr(given, "AT_ONCE", 2**20)
    X, labels = rule(500, 20_000)
    X = X.astype(np.float32)
    tracemalloc.start()
    single = fit_head(X, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.astype(float).nbytes
    double = fit_head(X.astype(float), labels)
    assert single.coefficients == pytest.approx(double.coefficients, abs=1e-12)
    assert (single.penalty, single.held_out) == (double.penalty, double.held_out)


def test_the_penalty_is_the_one_that_the_held_out_labels_prefer():
    X, labels = rule(400, 300, seed=1)
    probe = fitted(X, labels, 200)
    held = held_out_rows(labels[:200])
    X, labels = X[:200], labels[:200]
    found = []
    for penalty in PENALTIES:
        mean, std = X[~held].mean(0), X[~held].std(0)
        Z, Y = (X[~held] - mean) / std, np.eye(10)[labels[~held]]
        gram = Z.T @ Z / len(Z) + penalty * np.eye(300)
        B = np.linalg.solve(gram, Z.T @ (Y - Y.mean(0)) / len(Z))
        outputs = (X[held] - mean) / std @ B + Y.mean(0)
        found.append(np.mean(outputs.argmax(1) == labels[held]))
    assert len(set(found)) > 2  # the penalties differ in worth
    assert probe.held_out == max(found)
    assert probe.penalty == PENALTIES[int(np.argmax(found))]


@pytest.mark.parametrize("order", ["sorted", "drawn"])
def test_a_fifth_of_every_class_is_held_out(order):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), [1, 2, 4, 5, 9, 50, 100, 7, 0, 33])
    if order == "drawn":
        labels = rng.permutation(labels)
    held = held_out_rows(labels)
    assert abs(held.sum() - len(labels) / 5) < 1
    for label, count in enumerate(np.bincount(labels)):
        ours = held[labels == label].sum()
        assert abs(ours - count / 5) <= 1
        assert ours < max(count, 1)  # a class that is trained on
    assert np.array_equal(held, held_out_rows(labels))


def test_rows_sorted_by_class_choose_as_well_as_others():
    X, labels = rule()
    order = np.argsort(labels[:2000], kind="stable")
    probe = fit_probe("sorted", X[order], labels[order], X[2000:], labels[2000:])
    drawn = fitted(X, labels)
    spread = np.sqrt(0.25 / 400)  # of the accuracy on a held-out fifth, at most
    # Two draws of it; 5.2 standard deviations: 1e-6 two-sided.
    assert abs(probe.held_out - drawn.held_out) < 5.2 * np.sqrt(2) * spread
    assert abs(probe.accuracy - drawn.accuracy) < 0.02


def test_further_labels_are_fitted_on_and_choose_nothing():
    X, labels = rule()
    wrong = (labels[:1000] + 1) % 10
    own = fitted(X, labels)
    beside = fitted(X, labels, more=(X[:10], labels[:10]))
    # Where a few wrong labels come along, the own ones still choose: the head is right on them.
    misled = fitted(X, labels, more=(X[:1000], wrong))
    assert own.held_out > 0.7 and beside.held_out > 0.7
    assert misled.held_out > 0.5
    assert (misled.held_out * 400) == pytest.approx(round(misled.held_out * 400))
    # Many wrong ones are fitted.
    many = fitted(X, labels, more=(np.tile(X[:1000], (9, 1)), np.tile(wrong, 9)))
    assert many.accuracy < 0.3 < own.accuracy


def test_an_accuracy_has_the_standard_error_of_its_test_images():
    X, labels = rule(n=2130)
    probe = fitted(X, labels)
    p = probe.accuracy
    assert 0 < p < 1 and p * 130 == pytest.approx(round(p * 130))
    assert probe.standard_error == pytest.approx(np.sqrt(p * (1 - p) / 130), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e6 + 0.1, -3e-9])
def test_a_constant_feature_changes_nothing(dtype, value):
    X, labels = rule(500, 5)
    rng = np.random.default_rng(0)
    with np.errstate(over="ignore"):
        constant = np.full(500, value).astype(dtype)
    if not np.isfinite(constant).all():
        return  # no number of that type
    # Two roundings up and down, as sums in another order leave them.
    noisy = np.where(rng.integers(2, size=500), np.nextafter(constant, dtype(np.inf)), constant)
    plain = fitted(X.astype(dtype), labels, 400)
    for column in (constant, noisy) if constant.any() else (constant,):
        wide = fitted(np.column_stack([X.astype(dtype), column]), labels, 400)
        assert (wide.accuracy, wide.held_out) == (plain.accuracy, plain.held_out)


def test_a_neuron_that_is_dead_in_training_tells_nothing_later():
    X, labels = rule(500, 5)
    dead = np.full((500, 1), 0.1)
    dead[400:, 0] = 1e3 * np.arange(100)
    assert fitted(np.hstack([X, dead]), labels, 400).accuracy == fitted(X, labels, 400).accuracy


def test_a_feature_of_small_variance_on_a_large_mean_is_no_constant():
    X, labels = rule()
    plain, shifted = fitted(X, labels), fitted(X * 1e-3 + 1e4, labels)
    assert shifted.accuracy == plain.accuracy and shifted.held_out == plain.held_out


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_units_of_a_feature_change_no_prediction(scale):
    X, labels = rule()
    units = np.where(np.arange(20) % 2, scale, 1.0)
    # A power of two changes no bit; others change the last ones.
    exact = 2.0 ** np.round(np.log2(units))
    assert fitted(X * exact, labels) == fitted(X, labels)
    assert abs(fitted(X * units, labels).accuracy - fitted(X, labels).accuracy) < 2e-3


def test_whole_numbers_of_any_type_are_labels():
    X, labels = rule()
    expected = fitted(X, labels)
    for other in (
        labels.astype(np.uint8),
        labels.astype(float),
        torch.tensor(labels),
        torch.tensor(labels).float(),
    ):
        assert fitted(X, other) == expected
    assert fit_probe("rule", X[:2000], list(labels[:2000]), X[2000:], labels[2000:]) == expected


_X, _labels = rule(40, 3)
_RIGHT = {
    "name": "features",
    "train_features": _X[:30],
    "train_labels": _labels[:30],
    "test_features": _X[30:],
    "test_labels": _labels[30:],
}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": 3}, "name must be a str"),
        ({"train_labels": _labels[:29]}, "train_labels must hold one label for each of 30 rows"),
        ({"test_labels": _labels[29:]}, "test_labels must hold one label for each of 10 rows"),
        ({"train_labels": _labels[:30] + 1}, "train_labels must be classes from 0 to 9, got 10"),
        (
            {"train_labels": np.full(30, -1)},
            "train_labels must be classes from 0 to 9, got -1: leave unlabelled images out",
        ),
        ({"train_labels": _labels[:30] + 0.5}, "train_labels must be whole numbers"),
        ({"train_labels": torch.zeros(30, 1)}, "train_labels must have 1 axes"),
        ({"train_labels": torch.zeros(30) + 1j}, "train_labels must be whole numbers, got"),
        ({"train_labels": _labels[:30].astype(str)}, "train_labels must be a numeric array"),
        ({"train_labels": np.ma.array(_labels[:30], mask=True)}, "train_labels must have no mask"),
        ({"train_labels": np.zeros(30)}, "train_labels must hold at least 2 classes, got 1"),
        ({"train_labels": None}, "train_labels must be a numeric array"),
        ({"test_labels": _labels[30:] - 20}, "test_labels must be classes from 0 to 9"),
        ({"train_features": _X[:30].astype(complex)}, "train_features must be a numeric array"),
        ({"train_features": _X[:30] * np.nan}, "train_features must be finite"),
        ({"train_features": _X[0]}, "train_features must have 2 axes"),
        ({"train_features": _X[:30].astype(str)}, "train_features must be a numeric array"),
        ({"train_features": np.ma.array(_X[:30])}, "train_features must have no mask"),
        ({"test_features": _X[30:, :2]}, "test_features must have 3 columns"),
        ({"test_features": _X[:0], "test_labels": []}, "number of rows of test_features"),
        (
            {"train_features": _X[:4], "train_labels": [0, 0, 1, 1]},
            "train_labels must hold at least 5 rows of classes that have more than one, got 4",
        ),
        ({"more": 3}, "more must be a pair of features and labels"),
        ({"more": (_X[:4, :2], [0, 1, 2, 3])}, "more_features must have 3 columns"),
        ({"more": (_X[:4], [0, 1, 2])}, "more_labels must hold one label for each of 4 rows"),
        ({"more": (_X[:4], [0, 1, 2, -1])}, "more_labels must be classes from 0 to 9, got -1"),
    ],
)
def test_what_no_head_can_be_fitted_on_is_named(wrong, named):
    fit_probe(**_RIGHT)
    with pytest.raises(ValueError, match=named):
        fit_probe(**_RIGHT | wrong)


def test_the_best_stage_is_chosen_without_the_test_set():
    a = Probe("a", 1, 1.0, held_out=0.6, accuracy=0.1, standard_error=0.0)
    b = Probe("b", 1, 1.0, held_out=0.5, accuracy=0.9, standard_error=0.0)
    assert best_by_held_out([a, b]) is a
    for wrong in ([], [1], None, a):
        with pytest.raises(ValueError, match="probes must be at least one Probe"):
            best_by_held_out(wrong)


def test_psi_hat_is_the_probabilities_of_the_network(rotated, images):
    network = rotated[0].network
    psi = network_outputs(network, images[:50], pretext=Rotation(), batch=20)
    assert psi.shape == (50, 4)
    # Sums of four float32 numbers below one.
    assert np.abs(psi.sum(axis=1) - 1).max() <= 8 * np.finfo(np.float32).eps
    upright = pretext_accuracy(network, images[:50], _Upright(), seed=0)
    assert np.mean(psi.argmax(axis=1) == 0) == pytest.approx(upright, rel=1e-6)  # float32


def test_the_targets_are_those_of_the_seed(rotated, images):
    network = rotated[0].network
    told = [pretext_accuracy(network, images[:200], Rotation(), seed=seed) for seed in (0, 0, 1)]
    assert told[0] == told[1] != told[2]


def test_a_layer_is_its_stages_side_by_side_on_its_grid(rotated, images):
    encoder = rotated[0].network.encoder
    fine = stage_features(encoder, images[:20], grid=8)
    coarse = stage_features(encoder, images[:20], grid=4)
    layers = [Layer((3,), 8), Layer((2, 3)), Layer((1,), grid=4)]
    found = layer_features(encoder, images[:20], layers)
    expected = [fine[2], np.hstack(coarse[1:]), coarse[0]]
    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(ours, theirs)
    assert [layer.name for layer in layers] == [
        *("stage 3 at 8 x 8", "stages 2 + 3 at 4 x 4", "stage 1 at 4 x 4")
    ]
    # Cells of two grids: means of 2 x 2 of the finer ones, in sums of float32.
    means = fine[1].reshape(20, 16, 4, 2, 4, 2).mean(axis=(3, 5)).reshape(20, -1)
    assert np.allclose(means, coarse[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ([], "layers must be at least one Layer"),
        (None, "layers must be at least one Layer"),
        (["stage 1"], "layers must be at least one Layer"),
        ([Layer((4,))], "layers must be of the 3 stages of encoder, got stage 4"),
    ],
)
def test_layers_that_are_not_there_are_named(layers, named, rotated, images):
    with pytest.raises(ValueError, match=named):
        layer_features(rotated[0].network.encoder, images[:2], layers)
    for wrong in ({"stages": ()}, {"stages": (0,)}, {"stages": 1}, {"stages": (1,), "grid": 33}):
        with pytest.raises(ValueError, match=r"stages|grid"):
            Layer(**wrong)


def test_batches_change_no_feature(rotated, images):
    encoder = rotated[0].network.encoder
    whole, parts = (stage_features(encoder, images[:50], batch=batch) for batch in (50, 7))
    for a, b in zip(whole, parts, strict=True):
        assert a.shape == b.shape
        # Mixed precision: one part in 2^8, of sums in another order.
        assert np.abs(a - b).max() <= 2.0**-6 * np.abs(a).max()


@pytest.mark.parametrize("call", ["stage", "outputs", "told"])
def test_networks_in_training_and_what_is_no_image_are_named(call, rotated, images, monkeypatch):
    monkeypatch.setenv("SSLBOOST_BF16", "0")
    network = initial_network(rotated[1], 4, seed=0)
    f = initial_processor(SMOKE.processor, seed=0)
    reader = initial_network(SMOKE.psi, 4, seed=0, inputs=SMOKE.processor.features)
    name = "encoder" if call == "stage" else "network"

    def run(network=network, images=images[:8], **how):
        if call == "stage":
            stage_features(getattr(network, "encoder", network), images, **how)
        elif call == "outputs":
            network_outputs(network, images, **how)
        else:
            pretext_accuracy(network, images, **{"pretext": Rotation(), "seed": 0} | how)

    run(), run(reader, processor=f)
    wrong = [
        ({"images": images[:8].float()}, "images must be a uint8 tensor of shape"),
        ({"images": images[:8].numpy()}, "images must be a uint8 tensor of shape .* got ndarray"),
        ({"images": images[:8].permute(0, 2, 3, 1)}, r"got torch.uint8 of shape \(8, 32, 32, 3\)"),
        ({"images": images[:8, :, :24]}, r"got torch.uint8 of shape \(8, 3, 24, 32\)"),
        ({"images": images[:8, :1]}, r"got torch.uint8 of shape \(8, 1, 32, 32\)"),
        ({"images": images[:0]}, "images must hold at least 1 images"),
        ({"images": None}, "images must be a uint8 tensor .* got NoneType"),
        ({"batch": 0}, "batch must be a positive integer"),
        ({"network": reader}, f"{name} reads vectors of length 16, got inputs of shape"),
        ({"processor": f}, f"{name} reads images, got inputs of shape"),
        ({"processor": 3}, "processor must be a Module, got int"),
        ({"network": torch.nn.Linear(3, 3).eval()}, f"{name} must be a"),
        ({"network": network.state_dict()}, f"{name} must be a"),
    ]
    if call == "told":
        wrong += [({"seed": -1}, "seed must be"), ({"pretext": Rotation}, "pretext must be")]
    if call == "outputs":
        wrong += [({"pretext": "rotation"}, "pretext must be a pretext object, got str")]
    if call == "stage":
        wrong += [({"grid": 0}, "grid must be"), ({"grid": 10**9}, "grid must be at most 32")]
    for how, named in wrong:
        with pytest.raises(ValueError, match=named):
            run(**how)
    network.encoder.train()
    with pytest.raises(ValueError, match=f"{name} must be in evaluation mode"):
        run()
    with pytest.raises(ValueError, match="processor must be in evaluation mode"):
        run(reader, processor=f.train())


def test_nothing_told_of_a_target_that_does_not_vary(images):
    task = PRETEXTS["colourisation"]
    network = initial_network(replace(SMOKE.ssl), task.outputs, seed=0)
    black = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
    for same in (black, images[:1]):
        with pytest.raises(ValueError, match="targets must vary"):
            pretext_accuracy(network, same, task, seed=0)
