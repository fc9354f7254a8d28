"""What a head reads: images and their mirror images, the layers asked for, nothing else."""

import numpy as np
import pytest
import torch

from sslboost.images.networks.encoders import Perceptron
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import Layer, fit_probe, layer_features, network_outputs
from sslboost.images.processor import initial_processor
from sslboost.images.table import readings
from sslboost.images.table.part import part_of
from sslboost.images.table.profiles import SMOKE
from sslboost.images.training import initial_network

ROTATION = PRETEXTS["rotation"]


@pytest.fixture(scope="module")
def part(cifar):
    return part_of(SMOKE, ROTATION, 0)


@pytest.fixture(scope="module")
def network():
    return initial_network(SMOKE.ssl, ROTATION.outputs, seed=0)


def test_features_are_means_over_an_image_and_its_mirror_image(part):
    def columns(images):
        return [images[:, 0, 0].double().numpy(), images[:, 0, :, 0].double().numpy()]

    row, column = readings.mirrored(columns, part.test)
    first, last = part.test[:, 0, :, 0].double(), part.test[:, 0, :, 31].double()
    assert np.array_equal(row, row[:, ::-1])
    assert np.array_equal(column, ((first + last) / 2).numpy())
    assert not np.array_equal(column, first.numpy())


def by_hand(part, labels, features, test_features, **how):
    own = part.rows[labels]
    data = features[own], part.labels[own], test_features, part.test_labels
    return fit_probe("by hand", *data, **how).accuracy


def both_ways(extract, images):
    return (extract(images) + extract(images.flip(3))) / 2


def test_hidden_rows_are_heads_on_the_layers(part, network):
    layer = Layer((2, 3), 2)
    rows = readings.hidden_rows(network, part, [layer])
    assert {row["layer"] for row in rows} == {layer.name}

    def extract(images):
        return layer_features(network.encoder, images, [layer])[0]

    X, X_test = (both_ways(extract, images) for images in (part.downstream, part.test))
    for row in rows:
        assert row["accuracy"] == by_hand(part, row["labels"], X, X_test)
    extra, labels = part.take(100)
    more = readings.hidden_rows(network, part, [layer], more=(extra, labels))
    expected = by_hand(part, "full", X, X_test, more=(both_ways(extract, extra), labels))
    assert more[0]["accuracy"] == expected
    every = [layer.name for layer in readings.layers_of(network.encoder)]
    assert every == [
        *(f"stage {stage} at 4 x 4" for stage in (1, 2, 3)),
        *("stage 2 at 8 x 8", "stages 2 + 3 at 4 x 4"),
    ]
    assert [row["layer"] for row in readings.hidden_rows(network, part)[:5]] == every
    assert len(readings.layers_of(Perceptron(4, (3, 2)))) == 3  # vectors have no grid


def test_output_rows_are_heads_on_what_the_network_gives(part):
    f = initial_processor(SMOKE.processor, seed=0)
    X, X_test = (
        both_ways(lambda images: network_outputs(f, images), images)
        for images in (part.downstream, part.test)
    )
    full, half = readings.output_rows(f, part)
    assert full["accuracy"] == by_hand(part, "full", X, X_test)
    assert half["accuracy"] == by_hand(part, "half", X, X_test)
    first = np.eye(SMOKE.processor.features)[:, :1]
    through, _ = readings.output_rows(f, part, through=first)
    assert through["accuracy"] == by_hand(part, "full", X[:, :1], X_test[:, :1])
    assert through["accuracy"] != full["accuracy"]


def test_pixels_are_averaged_as_everything_else(part):
    full, half = readings.input_rows(part)
    assert (full["features"], full["layer"]) == ("input", "pixels")
    X, X_test = (
        both_ways(lambda images: images.flatten(1).numpy().astype(np.float32), images)
        for images in (part.downstream, part.test)
    )
    assert half["accuracy"] == by_hand(part, "half", X, X_test)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda p: readings.input_rows(None), "part must be a Part, got NoneType"),
        (lambda p: readings.hidden_rows(torch.nn.Identity(), p, [Layer((1,))]), "network must"),
        (lambda p: readings.output_rows(3, p), "network must be"),
        (lambda p: readings.told_row(3, p, "third"), "labels must be one of full, half"),
        (lambda p: readings.told_row(3, p, "full"), "network must be"),
    ],
)
def test_what_cannot_be_read_is_named(part, call, named):
    with pytest.raises(ValueError, match=named):
        call(part)
