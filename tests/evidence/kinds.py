"""Kinds of arguments: for each a right value, and the wrong ones that users were seen to pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    Parameters
    ----------
    make : callable
        Makes a right value, afresh for every call.
    wrong : callable
        ``wrong(right)`` returns wrong values by name.
    called : tuple of str
        Names by which a message may call the argument, beside its own.
    optional : bool
        Whether None is right.
    """

    make: Callable[[], Any]
    wrong: Callable[[Any], dict[str, Any]]
    called: tuple[str, ...] = ()
    optional: bool = False

    def wrongs(self, *right):
        """The wrong values by name, beside a right one."""
        values = self.wrong(*right or [self.make()])
        return {k: v for k, v in values.items() if not (self.optional and v is None)}

    def named(self, *names):
        """The same kind, of which messages may speak by other names as well."""
        return replace(self, called=names)

    def but(self, *allowed):
        """The same kind, for which the named values are right."""
        return replace(self, wrong=lambda right: _without(self.wrong(right), *allowed))

    def also(self, **more):
        """The same kind, for which further values are wrong."""
        return replace(self, wrong=lambda right: self.wrong(right) | more)


def foreign():
    """Objects that are no number, no array of numbers, and nothing of this package."""
    masked = np.ma.masked_array(np.ones((3, 2)), mask=np.eye(3, 2))
    return {
        "None": None,
        "text": "three",
        "digits": "3",
        "bytes": b"3",
        "dict": {"a": 1},
        "set": {1, 2},
        "object": object(),
        "function": len,
        "class": int,
        "list of texts": ["a", "b"],
        "list of objects": [object(), None],
        "ragged list": [[1.0], [1.0, 2.0]],
        "complex number": 1 + 2j,
        "date": np.datetime64("2020-01-01"),
        "complex array": np.ones((3, 2), complex),
        "text array": np.array([["1", "2"], ["3", "4"]]),
        "date array": np.array(["2020-01-01"], "datetime64[D]"),
        "object array": np.array([1, None], object),
        "masked array": masked,
    }


def _without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


def array(make, *, tied=(), ndim=None):
    """An array; ``tied`` are the axes whose length other arguments fix."""

    def wrong(right):
        right = np.asarray(right, float)
        values = foreign() | {"number": 3.0} | _wrong_dtypes(right) | _not_finite(right)
        values["an axis more"] = right[None]
        values["an axis less"] = right[0]
        values["two axes more"] = right[None, None]
        for axis in range(right.ndim):
            values[f"axis {axis} empty"] = right.take([], axis)
            if axis in tied:
                values[f"axis {axis} longer"] = np.concatenate([right, right.take([0], axis)], axis)
                values[f"axis {axis} shorter"] = right.take(range(right.shape[axis] - 1), axis)
        return values

    return Kind(make, wrong)


def _wrong_dtypes(right):
    return {
        "complex of its shape": right + 0j,
        "masked of its shape": np.ma.masked_array(right, mask=np.arange(right.size) == 0),
        "texts of its shape": right.astype(str),
        "bytes of its shape": right.astype("S8"),
        "dates of its shape": np.zeros(right.shape, "datetime64[D]"),
        "objects of its shape": np.full(right.shape, None),
    }


def _not_finite(right):
    def with_first(value):
        changed = np.array(right)
        changed.flat[0] = value
        return changed

    return {f"with {value}": with_first(value) for value in (np.nan, np.inf, -np.inf)}


def number(value, **wrong):
    """A real number; ``wrong`` are those out of its range, by name."""
    more = {"nan": np.nan, "infinite": np.inf, "minus infinite": -np.inf, "true": True}
    more |= {"list of one": [0.5], "array of two": np.array([0.5, 0.6])}
    return Kind(lambda: value, lambda right: foreign() | more | wrong)


def numbers(value, **wrong):
    """A real number, or an array of some."""
    more = {"nan": np.nan, "infinite": np.inf, "with nan": np.array([0.5, np.nan])}
    return Kind(lambda: value, lambda right: foreign() | more | wrong)


def count(value, *, least=1, limit=True):
    """A whole number; ``limit`` says whether an enormous one is wrong."""
    wrong = {"fraction": 1.5, "whole float": float(value), "nan": np.nan, "infinite": np.inf}
    wrong |= {"true": True, "list of one": [value], "array of one": np.array([value])}
    wrong |= {f"{low}": low for low in (-(10**18), -1, least - 1)}
    wrong |= {"1e18": 10**18} if limit else {}
    return Kind(lambda: value, lambda right: foreign() | wrong)


def counts(*values):
    """A sequence of whole numbers."""

    def each(wrong):
        return (*values[:-1], wrong)

    inside = {"fraction": 1.5, "text": "3", "None": None, "negative": -1, "zero": 0, "true": True}
    inside |= {"nan": np.nan, "enormous": 10**18}
    more = {f"{name} inside": each(value) for name, value in inside.items()}
    return Kind(lambda: values, lambda right: foreign() | {"number": 3, "empty": ()} | more)


def seed(value=0):
    """A seed that is a whole number of at least 0."""
    return count(value, least=0, limit=False)


def rng():
    """A generator, a seed, or None."""
    wrong = {"minus one": -1, "fraction": 1.5, "true": True, "nan": np.nan}
    wrong |= {"old generator": np.random.RandomState(0), "torch's": torch.Generator()}
    return Kind(lambda: np.random.default_rng(0), lambda right: foreign() | wrong).but("None")


def flag(value=False):
    """A truth value."""
    return Kind(lambda: value, lambda right: foreign() | {"two": 2, "fraction": 0.5})


def choice(value):
    """One of several names."""
    wrong = {"other case": value.upper(), "blank after": f"{value} ", "empty": "", "number": 3}
    return Kind(lambda: value, lambda right: foreign() | wrong)


def choices(*values):
    """A sequence of names."""
    wrong = {"unknown inside": (*values, "unknown"), "number inside": (3,), "empty": ()}
    return Kind(lambda: values, lambda right: foreign() | wrong | {"number": 3})


def text(value):
    """Words: anything but a string is wrong."""
    return Kind(lambda: value, lambda right: _without(foreign(), "text", "digits"))


def function(value):
    """Something that can be called."""
    return Kind(lambda: value, lambda right: _without(foreign(), "function", "class"))


def thing(make):
    """An object of a class of this package, or of another library."""
    return Kind(make, lambda right: foreign() | {"number": 3, "array": np.ones((3, 2))})


def path(make):
    """A path of a file: a string or a ``PathLike``."""
    wrong = _without(foreign(), "text", "digits", "bytes")
    return Kind(make, lambda right: wrong | {"number": 3, "zero byte": "a\0b"})


def rows(make, *, empty=True):
    """Rows of a table, each a dict; ``empty`` says whether none at all is wrong."""
    more = {"numbers": [1, 2], "empty dicts": [{}], "number": 3} | ({"none": []} if empty else {})
    return Kind(make, lambda right: foreign() | more)


def images(make):
    """Bytes (n, 3, 32, 32) as a tensor."""

    def wrong(right):
        return foreign() | {
            "floats": right.float() / 255,
            "whole floats": right.float(),
            "int64": right.long(),
            "channels last": right.permute(0, 2, 3, 1),
            "one image": right[0],
            "one channel": right[:, :1],
            "an axis more": right[None],
            "no image": right[:0],
            "texts": "images",
        }

    return Kind(make, wrong)


def tensor(make, *, tied=()):
    """A tensor of numbers; ``tied`` are the axes whose length other arguments fix."""

    def wrong(right):
        values = foreign() | {"number": 3.0, "an axis more": right[None], "an axis less": right[0]}
        values |= {"array": right.numpy(), "complex of its shape": right + 0j}
        values["with nan"] = torch.where(right == right.flatten()[0], torch.nan, right)
        for axis in tied:
            values[f"axis {axis} shorter"] = right.narrow(axis, 0, right.shape[axis] - 1)
            values[f"axis {axis} empty"] = right.narrow(axis, 0, 0)
        return values

    return Kind(make, wrong)


def labels(make, *, classes=None, tensor=False):
    """Whole numbers, one for each row; ``classes`` is how many there are, where that is fixed."""
    kind = torch.as_tensor if tensor else np.asarray

    def wrong(right):
        plain = np.asarray(right)
        values = _without(array(make, tied=(0,)).wrong(plain), "an axis less")
        changed = {"a half": 0.5}
        changed |= {"negative": -1, "a class too many": classes} if classes else {}
        for name, value in changed.items():
            values[name] = kind(np.concatenate([plain[:-1], [value]]))
        return values

    return Kind(make, wrong)


#: What is only carried along into a result, and may be anything.
CARRIED = Kind(lambda: "carried", lambda right: {})

#: What is left out of the call.
NOTHING = None
