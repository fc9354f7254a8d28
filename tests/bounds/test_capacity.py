"""Capacity: networks with written-down weights interpolate, and what they cannot do is refused."""

from dataclasses import replace

import numpy as np
import pytest

from sslboost.bounds import capacity


@pytest.mark.parametrize(
    "widths", [(1,), (64,), (4096,), (4096, 4096), (3, 5, 512), (1, 1, 64)], ids=str
)
def test_as_many_points_as_the_last_layer_has_neurons(widths):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((widths[-1], 8)), rng.standard_normal((widths[-1], 3))
    network = capacity.memorise(X, Y, widths, rng)
    assert network.widths == widths
    assert np.abs(network(X) - Y).max() <= network.tolerance
    # Control: off the points the network says something else.
    if widths[-1] > 1:
        assert np.abs(network(X + 0.1) - Y).max() > network.tolerance


@pytest.mark.parametrize("layer", [0, 1])
def test_a_wrong_weight_breaks_the_interpolation(layer):
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((50, 4)), rng.standard_normal((50, 2))
    network = capacity.memorise(X, Y, (50, 50), rng)
    biases = [b + 0.01 * (np.arange(50) == 0) * (i == layer) for i, b in enumerate(network.biases)]
    wrong = replace(network, biases=tuple(biases))
    assert np.abs(wrong(X) - Y).max() > 1e3 * network.tolerance


def test_the_units_of_the_points_do_not_matter():
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((40, 4)), rng.standard_normal((40, 2))
    for scale in (1e-8, 1.0, 1e8):
        network = capacity.memorise(scale * X, Y, (40,), 0)
        assert np.abs(network(scale * X) - Y).max() <= network.tolerance < 1e-6


def test_points_that_differ_in_a_column_of_small_units_are_told_apart():
    """Lines through them used to be drawn in no units, and such points to coincide."""
    X = np.array([[1e12, 0.0, 0.1], [1e12, 1e-12, 0.1], [1e12, 2e-12, 0.1]])
    Y = np.array([[1.0], [-1.0], [1.0]])
    network = capacity.memorise(X, Y, (3,), 0)
    assert np.abs(network(X) - Y).max() <= network.tolerance < 1e-9
    linear = capacity.memorise_linear(X[:2] * [1, 1e6, 1e-6], Y[:2])
    assert np.abs(linear(X[:2] * [1, 1e6, 1e-6]) - Y[:2]).max() < 1e-9


def test_rows_are_dependent_only_up_to_rounding():
    """Nearly parallel rows are independent, which a rank tolerance of 1e-3 would deny."""
    X = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-6]])
    Y = np.array([[1.0], [2.0]])
    assert np.abs(capacity.memorise_linear(X, Y)(X) - Y).max() < 1e-9
    with pytest.raises(ValueError, match="rank 1 for 2 rows"):
        capacity.memorise_linear([[1.0, 1.0], [1.0, 1.0 + 1e-13]], Y)


def test_a_seed_decides_the_lines_and_a_network_keeps_its_own_memory():
    X, Y = np.random.default_rng(3).standard_normal((2, 6, 2))
    first, again, other = (capacity.memorise(X, Y, (6,), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.weights[0], again.weights[0])
    assert not np.array_equal(first.weights[0], other.weights[0])
    W = np.ones((2, 1))
    network = capacity.ReLUNetwork((W,), (np.zeros(2),), np.ones((1, 2)))
    W[:] = 5
    assert network([[1.0]]) == 2
    with pytest.raises(ValueError, match="read-only"):
        network.weights[0][:] = 1


def test_too_few_neurons_and_coinciding_points_are_refused():
    X = np.random.default_rng(0).standard_normal((5, 3))
    with pytest.raises(ValueError, match="widths must end with at least n = 5 neurons"):
        capacity.memorise(X, X, (9, 4), 0)
    with pytest.raises(ValueError, match="X must have distinct rows"):
        capacity.memorise(X[[0, 0]], X[:2], (2,), 0)


def test_linear_maps_memorise_d_points_and_no_more():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((6, 5)), rng.standard_normal((6, 2))
    fitted = capacity.memorise_linear(X[:5], Y[:5])
    # Backward stability of least squares: a small multiple of eps times the condition number.
    tolerance = 100 * np.finfo(float).eps * np.linalg.cond(X[:5]) * np.abs(Y).max()
    assert np.abs(fitted(X[:5]) - Y[:5]).max() <= tolerance
    with pytest.raises(ValueError, match="at most d = 5 rows"):
        capacity.memorise_linear(X, Y)
    with pytest.raises(ValueError, match="linearly independent rows"):
        capacity.memorise_linear(X[[0, 0]], Y[:2])


def test_the_bounds_of_the_slides_and_the_count_of_parameters():
    assert capacity.linear_bound(7) == 7
    assert capacity.two_layer_bound(16) == 4
    assert capacity.multi_layer_bound((16, 8, 32)) == 2
    # Layers 3 -> 4 -> 2 -> head 5: (3 + 1) 4 + (4 + 1) 2 + 2 x 5.
    assert capacity.parameter_count(3, (4, 2), 5) == 16 + 10 + 10


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (capacity.linear_bound, (0,), "d must be a positive integer"),
        (capacity.two_layer_bound, (2.5,), "k must be a positive integer"),
        (capacity.multi_layer_bound, ((),), "widths must hold at least one"),
        (capacity.multi_layer_bound, (3,), "widths must be a sequence"),
        (capacity.parameter_count, (3, (4, -1), 1), "widths.1. must be a positive integer"),
        (capacity.multi_layer_bound, ("44",), "widths must be a sequence"),
        (capacity.multi_layer_bound, (None,), "widths must be a sequence"),
        (capacity.ReLUNetwork, (3, 3, 3), "weights must be a sequence of arrays, got int"),
        (capacity.ReLUNetwork, ((), (), np.eye(1)), "as many as the hidden layers"),
        (capacity.ReLUNetwork, ((np.eye(2),), (np.ones(3),), np.eye(2)), "biases.0. must hold 2"),
        (capacity.ReLUNetwork, ((np.eye(2),), (np.ones(2),), np.eye(3)), "head must have 2 col"),
        (
            capacity.ReLUNetwork,
            ((np.eye(2), np.eye(3)), (np.ones(2), np.ones(3)), np.eye(3)),
            "weights.1. must have 2 columns",
        ),
        (
            capacity.ReLUNetwork,
            ((np.eye(2),), (np.ones(2),), np.eye(2), -1.0),
            "tolerance must be at least 0",
        ),
        (capacity.memorise, (np.eye(2), np.eye(2), (2,), -1), "rng must be"),
        (capacity.memorise, (np.eye(2), np.eye(2) * 1j, (2,)), "Y must be a numeric array"),
    ],
)
def test_bad_sizes_are_named(function, arguments, named):
    with pytest.raises(ValueError, match=named):
        function(*arguments)
