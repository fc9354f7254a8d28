"""The kernel test: its seed, its peer, and a package that is missing."""

import sys

import numpy as np
import pytest
from causallearn.utils.KCI.KCI import KCI_CInd

from sslboost import criteria


def squares(n=300, link=1.0, seed=0):
    """f and z with z = f^2 less what y does, and y."""
    rng = np.random.default_rng(seed)
    y, rest = rng.standard_normal((n, 1)), rng.uniform(-1.7, 1.7, (n, 1))
    return y + rest, y + link * rest**2 + 0.3 * rng.standard_normal((n, 1)), y


def test_a_seed_gives_the_same_p_value_and_leaves_the_global_generator_alone():
    sample = squares(link=0.2)
    before = np.random.get_state()[1].copy()
    first = criteria.ci_test_kernel(*sample, rng=3)
    assert first == criteria.ci_test_kernel(*sample, rng=np.random.default_rng(3))
    assert first != criteria.ci_test_kernel(*sample, rng=4)
    assert (np.random.get_state()[1] == before).all()
    assert first.df == () and 0 < first.p_value < 1


def test_it_sees_what_the_partial_covariance_does_not():
    f, z, y = squares()
    assert criteria.c1_test(f, z, y).p_value > 0.01
    assert criteria.ci_test_kernel(f, z, y, rng=0).p_value < 1e-6
    f, z, y = squares(link=0.0, seed=1)
    assert criteria.ci_test_kernel(f, z, y, rng=0).p_value > 0.01


def test_it_decides_as_the_kernel_test_without_random_features():
    """KCI, of which RCIT is the approximation: clear cases come out alike."""
    for link, low, high in [(0.0, 0.01, 1.0), (1.0, 0.0, 0.01)]:
        sample = squares(n=200, link=link, seed=2)
        theirs = KCI_CInd().compute_pvalue(*sample)[0]
        ours = criteria.ci_test_kernel(*sample, features=20, rng=0).p_value
        assert low <= theirs <= high and low <= ours <= high


def test_what_is_linear_in_y_is_removed_however_many_columns_y_has():
    """Ten columns of y, more than the random features can tell: still independent given y."""
    rng = np.random.default_rng(1)
    y = rng.standard_normal((250, 10))
    f, z = (y.sum(axis=1, keepdims=True) + rng.standard_normal((250, 1)) for _ in range(2))
    assert criteria.ci_test_kernel(f, z, y, rng=0).p_value > 0.01
    # Control: of a part of y the rest remains.
    assert criteria.ci_test_kernel(f, z, y[:, :5], rng=0).p_value < 0.01


def test_a_missing_package_says_which_extra_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "causallearn.utils.RCIT.RCIT", None)
    with pytest.raises(ImportError, match=r"causal-learn: pip install 'sslboost\[nonlinear\]'"):
        criteria.ci_test_kernel(*squares(), rng=0)
