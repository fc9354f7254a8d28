"""The drawing of the tail processor."""

import numpy as np
import pytest

from sslboost.pages import tail


def test_the_network_is_the_prediction_among_the_labels_and_leaves_it_beyond():
    top, _ = tail.drawing().axes
    found = {line.get_label(): line.get_xydata() for line in top.get_lines()}
    best, network, labels = (found[n] for n in ("best prediction", "tail network", "extra labels"))
    assert len(labels) == tail.LABELS
    end = np.abs(labels[:, 0]).max()
    inside = np.abs(best[:, 0]) <= end
    assert network[inside, 1] == pytest.approx(best[inside, 1])
    assert (network[-1, 1] < 0 < network[0, 1]) and (best[0, 1] < 0 < best[-1, 1])


def test_the_two_areas_are_equal():
    _, bottom = tail.drawing().axes
    signed = []
    for part in bottom.collections:
        for path in part.get_paths():
            x, y = path.vertices.T  # the shoelace formula, by the side on which the area lies
            area = abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2
            signed.append(np.sign(y.sum()) * area)
    assert max(signed) > 0 > min(signed)
    assert sum(signed) == pytest.approx(0, abs=0.01 * np.abs(signed).sum())
