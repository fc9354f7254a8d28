"""The data sets are what they are said to be, and nothing of a label is in an input."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

from sslboost.images.data import Cifar10
from sslboost.pages.real import sources


def pictures(colours):
    """CIFAR-10 of one picture for each given colour (red, green, blue)."""
    images = (
        np.zeros((len(colours), 3, 32, 32), "uint8") + np.array(colours, "uint8")[..., None, None]
    )
    labels = np.arange(len(colours)) % 10
    return Cifar10(images, labels, images, labels)


def test_triples_are_rows_that_match_and_classes_are_one_hot():
    X, Z = np.ones((4, 2)), np.ones((4, 1))
    Y = np.eye(2)[[0, 1, 1, 0]]
    assert len(sources.Triples("a", X, Z, Y, classes=True)) == 4
    with pytest.raises(ValueError, match="X and Z and Y must have the same number of rows"):
        sources.Triples("a", X[:3], Z, Y)
    for wrong in (Y / 2, np.ones_like(Y)):
        with pytest.raises(ValueError, match="Y must be one-hot where classes is true"):
            sources.Triples("a", X, Z, wrong, classes=True)
        assert sources.Triples("a", X, Z, wrong).classes is False


def test_a_digit_is_its_left_half_and_its_right_half():
    given, triples = load_digits(), sources.digits()
    assert triples.X.shape[0] == triples.Z.shape[0] == 1797
    for half, pixels in ((triples.X, given.images[..., :4]), (triples.Z, given.images[..., 4:])):
        columns = {column.tobytes() for column in pixels.reshape(1797, -1).T.copy()}
        assert all(column.tobytes() in columns for column in half.T.copy())
        assert ((half > 0).mean(axis=0) > 0.05).all()
    assert (triples.Y.argmax(axis=1) == given.target).all()


def test_what_is_known_of_a_patient_needs_no_laboratory():
    triples = sources.diabetes()
    assert triples.X[0].tolist() == [59, 2, 32.1, 101]
    assert triples.Z.shape == (442, 6)
    assert (triples.Y[:, 0] == load_diabetes().target).all()


def test_docstrings_are_words_of_which_every_fourth_is_hidden():
    triples = sources.docstrings()
    assert triples.X.shape[1] == 90
    assert triples.Z.shape[1] == 30
    assert triples.Y.shape[1] == len(sources.TOPICS)
    assert np.isin(triples.X, (0, 1)).all()
    assert len(np.unique(np.hstack([triples.X, triples.Z]), axis=0)) > 0.8 * len(triples)
    again = sources.docstrings()
    assert (again.X == triples.X).all()
    assert (again.Y == triples.Y).all()


def test_prose_ends_where_examples_begin():
    texts = list(sources._documents(["linalg", "fft"]))
    assert len(texts) > 100
    assert sum("Parameters\n" in text for text in texts) > 100
    assert sum(">>>" in text for text in texts) < len(texts) / 50
    assert not any("References\n    ---" in text for text in texts)


def test_grey_pictures_have_luminance_and_no_chroma():
    triples = sources.colours(pictures([(g, g, g) for g in range(0, 250, 25)]), n=10)
    assert triples.X.shape == (10, 64)
    assert triples.Z.shape == (10, 32)
    np.testing.assert_allclose(triples.X[:, 0], np.arange(0, 250, 25) / 255, atol=1e-12)
    np.testing.assert_allclose(triples.Z, 0, atol=1e-12)


def test_chroma_is_red_and_blue_less_luminance():
    triples = sources.colours(pictures([(255, 0, 0), (0, 255, 0), (0, 0, 255)] * 4), n=12)
    red, green, blue = 0.299, 0.587, 0.114
    expected = [[1 - red, -red], [-green, -green], [-blue, 1 - blue]]
    np.testing.assert_allclose(triples.Z[:3, [0, -1]], expected, atol=1e-12)


def test_halves_are_left_and_right():
    cifar = pictures([(9, 9, 9)] * 10)
    cifar.train_images[..., 16:] = 90
    triples = sources.halves(cifar, n=10)
    np.testing.assert_allclose(triples.X, 9 / 255, atol=1e-12)
    np.testing.assert_allclose(triples.Z, 90 / 255, atol=1e-12)
    with pytest.raises(ValueError, match="n must be at most 10"):
        sources.halves(cifar, n=11)


def test_random_features_take_the_place_of_x_alone():
    triples = sources.diabetes()
    made, again = (sources.random_features(triples, 50, "b", rng=3) for _ in range(2))
    assert made.name == "b"
    assert made.X.shape == (442, 50)
    assert np.abs(made.X).max() <= 1
    assert (made.X == again.X).all()
    assert (made.Z == triples.Z).all()
    assert (made.Y == triples.Y).all()


def test_a_gaussian_twin_has_the_moments_and_not_the_rows():
    triples = sources.diabetes()
    twin = sources.gaussian_twin(triples, rng=0)
    real, drawn = (np.cov(np.hstack([t.X, t.Z, t.Y]).T) for t in (triples, twin))
    root = np.linalg.cholesky(real)
    ratio = np.linalg.eigvalsh(np.linalg.solve(root, np.linalg.solve(root, drawn).T))
    # Davidson and Szarek (2001): singular values stray by more with probability below 1e-6.
    stray = np.sqrt(11 / 441) + np.sqrt(2 * np.log(2e6) / 441)
    assert (1 - stray) ** 2 < ratio[0] <= ratio[-1] < (1 + stray) ** 2
    assert np.unique(twin.X[:, 1]).size == 442
    assert np.unique(triples.X[:, 1]).size == 2
