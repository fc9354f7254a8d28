"""Real data as (x, z, y): images, digits, patients and the documentation of a library."""

import importlib
import re
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer
from sklearn.preprocessing import StandardScaler

from sslboost.core.validation import (
    as_count,
    as_rng,
    as_samples,
    frozen,
    takes,
)
from sslboost.criteria import empirical
from sslboost.images.data import CLASSES, Cifar10

#: Modules of SciPy whose docstrings are read, by what they are about: the class.
TOPICS = {
    "cluster": ("cluster.vq", "cluster.hierarchy"),
    "fft": ("fft",),
    "integrate": ("integrate",),
    "interpolate": ("interpolate",),
    "linalg": ("linalg",),
    "ndimage": ("ndimage",),
    "optimize": ("optimize",),
    "signal": ("signal", "signal.windows"),
    "sparse": ("sparse", "sparse.linalg", "sparse.csgraph"),
    "spatial": ("spatial", "spatial.distance", "spatial.transform"),
    "special": ("special",),
    "stats": ("stats", "stats.qmc", "stats.mstats", "stats.contingency", "stats.sampling"),
}

#: Where the prose of a docstring ends: what follows is names and code.
_END = re.compile(r"\n\s*(?:Examples|References|See Also)\s*\n\s*-{3,}")

#: Red, green and blue in the luminance of a picture (ITU-R BT.601).
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class Triples:
    """Rows of input, pretext label and label.

    Parameters
    ----------
    name : str
    X, Z, Y : arrays (n, d_x), (n, d_z), (n, d_y)
    classes : bool
        Whether Y is one-hot.

    Raises
    ------
    ValueError
        If the rows do not match, or Y is not one-hot where it is said to be.
    """

    name: str
    X: np.ndarray
    Z: np.ndarray
    Y: np.ndarray
    classes: bool = False

    def __post_init__(self):
        for field, kind in (("name", str), ("classes", bool)):
            if not isinstance(getattr(self, field), kind):
                came = getattr(self, field)
                raise ValueError(f"{field} must be a {kind.__name__}, got {came!r:.80}")
        arrays = as_samples(least=2, X=self.X, Z=self.Z, Y=self.Y)
        Y = arrays[2]
        if self.classes and not (np.isin(Y, (0, 1)).all() and (Y.sum(axis=1) == 1).all()):
            raise ValueError("Y must be one-hot where classes is true, got other values")
        for field, array in zip("XZY", arrays, strict=True):
            object.__setattr__(self, field, frozen(array))

    def __len__(self):
        return len(self.X)


@takes(triples=Triples, name=str)
def random_features(triples, width, name, rng=0):
    """Return the same rows with random features of the standardised x in its place.

    Parameters
    ----------
    triples : Triples
    width : int
        Number of features ``cos(w' x + b)``, w Gaussian of mean square 1 / d_x, b any phase.
    name : str
        Of the result.
    rng : numpy.random.Generator or int

    Returns
    -------
    Triples

    Raises
    ------
    ValueError
        If the width is no positive integer.

    Source: Rahimi and Recht (2007).
    """
    width, rng = as_count("width", width), as_rng(rng)
    X = StandardScaler().fit_transform(triples.X)
    weights = rng.standard_normal((X.shape[1], width)) / np.sqrt(X.shape[1])
    features = np.cos(X @ weights + rng.uniform(0, 2 * np.pi, width))
    return Triples(name, features, triples.Z, triples.Y, triples.classes)


@takes(triples=Triples)
def gaussian_twin(triples, rng=0):
    """Return as many Gaussian rows with the second moments of a data set.

    Parameters
    ----------
    triples : Triples
    rng : numpy.random.Generator or int

    Returns
    -------
    Triples
        Without classes.
    """
    population = empirical(triples.X, triples.Z, triples.Y)
    return Triples(f"{triples.name}, Gaussian", *population.sample(len(triples), rng))


def digits():
    """Return handwritten digits: from the left half of an image its class; z is the right half.

    Returns
    -------
    Triples
        1,797 rows of 32 pixels and 32 pixels, ten classes.

    Source: Alpaydin and Kaynak (1998), as shipped by scikit-learn.
    """
    given = load_digits()
    used = (given.images > 0).mean(axis=0) > 0.05
    left = np.arange(8) < 4
    X, Z = given.images[:, used & left], given.images[:, used & ~left]
    return Triples("digits", X, Z, _one_hot(given.target), classes=True)


def diabetes():
    """Return patients: from what needs no laboratory, the progression of their disease in a year.

    x is age, sex, body mass index and blood pressure; z are six measurements of the blood serum.

    Returns
    -------
    Triples
        442 rows of 4 and 6 numbers, one label.

    Source: Efron et al. (2004), as shipped by scikit-learn.
    """
    given = load_diabetes(as_frame=True, scaled=False)
    asked = ["age", "sex", "bmi", "bp"]
    X, Z = given.data[asked], given.data.drop(columns=asked)
    return Triples("diabetes", X.to_numpy(), Z.to_numpy(), given.target.to_numpy()[:, None])


def docstrings(words=120, masked=4):
    """Return SciPy's documentation: from the words that are shown, what a function is about.

    A row is the prose of one public docstring, cut off before its references and examples, and
    says which of the most frequent words occur in it. Words that name a class are left out. Every
    ``masked``-th word of the alphabet is z, the others are x.

    Parameters
    ----------
    words : int
        Size of the vocabulary.
    masked : int

    Returns
    -------
    Triples
        One row for each set of words, one class for each of :data:`TOPICS`.

    Raises
    ------
    ValueError
        If an argument is no count of at least 2.
    """
    words, masked = as_count("words", words, least=2), as_count("masked", masked, least=2)
    found = {}
    for topic, modules in TOPICS.items():
        for text in _documents(modules):
            found.setdefault(" ".join(sorted(set(re.findall("[a-z]{3,}", text.lower())))), topic)
    vectorizer = CountVectorizer(
        binary=True,
        max_features=words,
        max_df=0.5,
        stop_words=sorted(ENGLISH_STOP_WORDS | set(TOPICS)),
        token_pattern="[a-z]{3,}",
    )
    bag = vectorizer.fit_transform(found).toarray().astype(float)
    hidden = np.arange(bag.shape[1]) % masked == masked - 1
    topics = _one_hot(list(found.values()))
    return Triples("docstrings", bag[:, ~hidden], bag[:, hidden], topics, classes=True)


def _documents(modules):
    """The prose of what SciPy's modules list as public."""
    for module in modules:
        module = importlib.import_module(f"scipy.{module}")
        for name in sorted(module.__all__):
            text = getattr(getattr(module, name), "__doc__", None)
            if isinstance(text, str):
                yield _END.split(text)[0]


@takes(cifar=Cifar10)
def colours(cifar, n=6000):
    """Return CIFAR-10 at 8 x 8: from the luminance of an image its class; z is its chroma at 4 x 4.

    Parameters
    ----------
    cifar : Cifar10
    n : int
        Number of training images to take, the first ones.

    Returns
    -------
    Triples
        Rows of 64 and 2 x 16 numbers, ten classes.

    Raises
    ------
    ValueError
        If n is no count of at most 50,000.

    Source: Zhang et al. (2016), colourisation; Krizhevsky (2009).
    """
    small, luminance, labels = _small(cifar, n)
    chroma = (small[:, [0, 2]] - luminance[:, None]).reshape(len(small), 2, 4, 2, 4, 2)
    Z = chroma.mean(axis=(3, 5)).reshape(len(small), -1)
    return Triples("colours", luminance.reshape(len(small), -1), Z, labels, classes=True)


@takes(cifar=Cifar10)
def halves(cifar, n=6000):
    """Return CIFAR-10 at 8 x 8 in grey: from the left half its class; z is the right half.

    Parameters
    ----------
    cifar : Cifar10
    n : int
        Number of training images to take, the first ones.

    Returns
    -------
    Triples
        Rows of 32 and 32 numbers, ten classes.

    Raises
    ------
    ValueError
        If n is no count of at most 50,000.

    Source: Pathak et al. (2016), inpainting; Krizhevsky (2009).
    """
    _, luminance, labels = _small(cifar, n)
    left, right = luminance[:, :, :4], luminance[:, :, 4:]
    X, Z = (half.reshape(len(half), -1) for half in (left, right))
    return Triples("halves", X, Z, labels, classes=True)


def _small(cifar, n):
    """Colours (n, 3, 8, 8) and luminance (n, 8, 8), between 0 and 1, and one-hot classes."""
    n = as_count("n", n, least=10, most=len(cifar.train_images))
    cells = cifar.train_images[:n].reshape(n, 3, 8, 4, 8, 4)
    small = cells.sum(axis=(3, 5), dtype=np.uint16) / (16 * 255)
    luminance = np.tensordot(small, _LUMINANCE, ([1], [0]))
    return small, luminance, np.eye(len(CLASSES))[cifar.train_labels[:n]]


def _one_hot(labels):
    classes, positions = np.unique(labels, return_inverse=True)
    return np.eye(len(classes))[positions]
