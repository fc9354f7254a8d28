"""A small stand-in for CIFAR-10, and what a figure or a table of the pages holds."""

import re
from html import unescape

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sslboost.images.data import Cifar10, Split


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def cifar():
    """Random images: 60 to train on and 30 to test, as many of every class."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 3, 32, 32), dtype=np.uint8)
    labels = np.tile(np.arange(10), 9)
    return Cifar10(images[:60], labels[:60], images[60:], labels[60:])


@pytest.fixture(scope="session")
def parts():
    """The first 20 images as extra part, 20 as pretext part, 20 as downstream part."""
    return Split(*np.arange(60).reshape(3, 20))


@pytest.fixture
def cells():
    """The text of every cell of a table, row by row."""

    def read(shown):
        rows = re.findall(r"<tr>(.*?)</tr>", shown._repr_html_(), re.S)
        return [
            [unescape(c) for c in re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.S)] for row in rows
        ]

    return read
