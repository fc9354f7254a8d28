"""What a figure with sliders shows at a position."""

import matplotlib.pyplot as plt
import pytest

from sslboost.pages import figures


@pytest.fixture(autouse=True)
def style():
    figures.use()
    yield
    plt.close("all")


@pytest.fixture
def at():
    """Return the words that a figure says at a position, given by the values of its sliders."""

    def read(shown, *values):
        sliders = shown.data["sliders"]
        place = [list(one).index(value) for one, value in zip(sliders, values, strict=True)]
        said = {}
        for part in shown.data["parts"]:
            if "words" in part:
                state = 0
                for slider in part["by"]:
                    state = state * len(sliders[slider]) + place[slider]
                said[part["target"].split('"')[1]] = part["words"][state]
        return said

    return read
