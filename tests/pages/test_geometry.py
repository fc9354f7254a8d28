"""The drawings of directions and angles show the limit that they are drawn from."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from sslboost.bounds import past_threshold
from sslboost.pages import geometry


def arrows(ax):
    """Where the arrows end that have a colour of their own, one for each colour."""
    ends = {}
    for text in ax.texts:
        if (arrow := getattr(text, "arrow_patch", None)) and arrow.get_alpha() is None:
            ends[to_hex(arrow.get_edgecolor())] = text.xy
    return ends


def test_fewer_labels_tilt_the_processor_from_U_into_N():
    (ax,) = geometry.directions().axes
    ends = arrows(ax)
    along_U, along_N = geometry._AXES[0], geometry._AXES[2]
    assert ends[geometry.PALETTE["green"]] == pytest.approx(along_U)
    assert ends[geometry.PALETTE["purple"]] == pytest.approx(along_N)
    t = past_threshold.limit(2.0, geometry._LAM, geometry._K2, geometry._KAPPA2).t
    tilted = np.sqrt(t) * along_U + np.sqrt(1 - t) * along_N
    assert 0.1 < t < 0.9
    assert ends[geometry.PALETTE["orange"]] == pytest.approx(tilted)


def test_what_is_left_over_is_the_training_error_of_the_limit():
    at, past = geometry.angles().axes
    gold = geometry.PALETTE["gold"]
    assert all(line.get_color() != gold for line in at.get_lines())
    (left,) = (line for line in past.get_lines() if line.get_color() == gold)
    length = np.hypot(*np.diff(left.get_xydata(), axis=0)[0])
    t = past_threshold.limit(2.0, geometry._LAM, geometry._K2, geometry._KAPPA2).t
    assert length**2 == pytest.approx(past_threshold.best_fit(t, 2.0, geometry._K2))
