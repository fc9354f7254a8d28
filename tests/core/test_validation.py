"""The checks at the public door: what passes, what is refused, and that the argument is named."""

import numpy as np
import pytest

from sslboost.core import validation as check


class _Stubborn:
    """An array-like that refuses to be one, as a tensor under differentiation does."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("not now")

    def __repr__(self):
        return "stubborn"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check.as_array("a", "text", 1), "a must be a numeric array, got str"),
        (lambda: check.as_array("a", ["1", "2"], 1), "a must be a numeric array, got an array of"),
        (lambda: check.as_array("a", [b"1"], 1), "a must be a numeric array, got an array of"),
        (lambda: check.as_array("a", [1j], 1), "an array of dtype complex128"),
        (lambda: check.as_array("a", [None, 1.0], 1), "an array of dtype object"),
        (
            lambda: check.as_array("a", [[1.0], [1.0, 2.0]], 2),
            "a must be a numeric array, got list",
        ),
        (
            lambda: check.as_array("a", np.array(["2026-01-01"], "M8[D]"), 1),
            "an array of dtype dat",
        ),
        (lambda: check.as_array("a", {"x": 1}, 1), "a must be a numeric array, got dict"),
        (lambda: check.as_array("a", np.ma.array([1.0], mask=[True]), 1), "got a masked array"),
        (lambda: check.as_samples(X=np.empty((0, 2))), "number of rows of X must be a positive"),
        (lambda: check.as_samples(X=np.empty((2, 0))), "number of columns of X must be a positive"),
        (lambda: check.as_labels("y", [0.5]), "y must be whole numbers, got 0.5"),
        (lambda: check.as_labels("y", []), "y must hold at least one label"),
        (lambda: check.as_labels("y", [1e300]), "y must be at most"),
        (lambda: check.as_labels("y", [1, 2], rows=3), "one label for each of 3 rows, got 2"),
        (lambda: check.as_count("n", 10**18), "n must be at most 2147483647"),
        (lambda: check.as_number("lam", True), "lam must be a number, got True"),
        (lambda: check.as_number("lam", 1j), "lam must be a number, got 1j"),
        (lambda: check.as_number("lam", np.ma.masked), "lam must be a number"),
        (lambda: check.as_number("lam", _Stubborn()), "lam must be a number, got stubborn"),
        (lambda: check.as_number("lam", [1.0]), r"lam must be a number, got \[1.0\]"),
        (lambda: check.as_rng("seed"), "rng must be a numpy.random.Generator or a seed"),
        (lambda: check.as_rng(-1), "a seed >= 0, got -1"),
        (lambda: check.as_rng(1.5), "a seed >= 0, got 1.5"),
        (lambda: check.as_rng(True), "a seed >= 0, got True"),
        (
            lambda: check.as_choice("side", "top", ("left", "right")),
            "side must be one of left, right",
        ),
        (lambda: check.as_choice("side", [], ("left", "right")), "side must be one of left, right"),
        (lambda: check.as_array("a", [[1.0]], 1), r"a must have 1 axes, got shape \(1, 1\)"),
        (lambda: check.as_array("a", [1, np.nan, np.inf], 1), "a must be finite, got 2 non-finite"),
        (lambda: check.as_matrix("M", np.ones((2, 3)), rows=3), "M must have 3 rows"),
        (lambda: check.as_matrix("M", np.ones((2, 3)), columns=2), "M must have 2 columns"),
        (
            lambda: check.as_samples(X=np.ones((2, 1)), Y=np.ones((3, 1))),
            "X and Y must have the same number of rows, got X: 2, Y: 3",
        ),
        (lambda: check.as_count("n0", -3), "n0 must be a positive integer, got -3"),
        (lambda: check.as_count("n0", 0), "n0 must be a positive integer, got 0"),
        (lambda: check.as_count("n0", 2.0), "n0 must be a positive integer, got 2.0"),
        (lambda: check.as_count("n0", True), "n0 must be a positive integer, got True"),
        (lambda: check.as_count("k", 1, least=2), "k must be an integer of at least 2, got 1"),
        (lambda: check.as_number("lam", "x"), "lam must be a number, got 'x'"),
        (lambda: check.as_number("lam", np.nan), "lam must be finite, got nan"),
        (lambda: check.as_number("lam", 0.0, above=0), "lam must be above 0, got 0.0"),
        (
            lambda: check.as_number("alpha", 2, least=0, most=1),
            "alpha must be at least 0 and at most 1, got 2",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_good_input_passes_unchanged():
    assert check.as_count("n", np.int64(3)) == 3
    assert check.as_count("n", 0, least=0) == 0
    assert check.as_number("lam", 1, least=1, most=1) == 1.0
    assert check.as_array("a", 3, None).shape == ()
    assert check.as_array("a", [1, np.inf], 1, infinite=True)[1] == np.inf
    with pytest.raises(ValueError, match="a must be finite, got 2 non-finite"):
        check.as_array("a", [np.nan, -np.inf, np.inf], None, infinite=True)
    X, Y = check.as_samples(X=[[1, 2]], Y=[[3]])
    assert X.dtype == Y.dtype == float and X.shape == (1, 2)


@check.takes(law=dict, f=callable, other=int | str)
def decorated(law, f=len, other=None):
    """A function with a door."""
    return law, f, other


def test_a_door_refuses_the_wrong_kind_by_name():
    assert decorated({}, other=None) == ({}, len, None)
    assert decorated.__doc__ == "A function with a door."
    with pytest.raises(ValueError, match="law must be a dict, got list"):
        decorated([])
    with pytest.raises(ValueError, match="law must be a dict, got NoneType"):
        decorated(None)
    with pytest.raises(ValueError, match="f must be callable, got int"):
        decorated({}, 3)
    with pytest.raises(ValueError, match="other must be a int or str, got float"):
        decorated({}, other=1.5)
    with pytest.raises(TypeError, match="law"):
        decorated()


def test_the_same_seed_gives_the_same_bits_and_a_generator_goes_on():
    assert check.as_rng(3).random() == check.as_rng(np.int64(3)).random()
    rng = np.random.default_rng(0)
    assert check.as_rng(rng) is rng
    assert check.as_rng(np.random.SeedSequence(3)).random() == check.as_rng(3).random()


def test_what_an_object_keeps_is_nobody_elses():
    given = np.ones(3)
    kept = check.frozen(given)
    given[0] = 5
    assert kept.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 5


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint8, np.float32, float])
def test_labels_of_any_numeric_kind_are_integers(kind):
    labels = check.as_labels("y", np.array([0, 1, 1]).astype(kind))
    assert labels.dtype == np.int64 and labels.tolist() == [0, 1, 1]
