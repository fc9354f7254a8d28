"""Mixed labels, permuted residuals, columns: exact values, and what is no sample."""

import numpy as np
import pandas as pd
import pingouin
import pytest
from causallearn.utils.cit import CIT
from scipy import stats
from statsmodels.multivariate.cancorr import CanCorr
from statsmodels.multivariate.multivariate_ols import _MultivariateOLS
from statsmodels.stats.multitest import multipletests

from sslboost import criteria


def sample(n=60, *, d_f=2, d_z=3, link=0.5, seed=0):
    """f, z, y, labels: slopes of y differ between three classes."""
    rng = np.random.default_rng(seed)
    labels, y = np.arange(n) % 3, rng.standard_normal((n, 1))
    f = labels[:, None] * y + rng.standard_normal((n, d_f))
    z = (labels - 1)[:, None] * y + rng.standard_normal((n, d_z))
    z[:, 0] += link * f[:, 0]
    return f, z, y, labels


def design(y, labels):
    """An intercept and a slope for every class, as columns."""
    one_hot = np.eye(3)[labels]
    return np.hstack([one_hot, *(one_hot * column[:, None] for column in y.T)])


def residuals(A, given):
    return A - given @ np.linalg.lstsq(given, A, rcond=None)[0]


# The scalar case: two functions of one partial correlation.


@pytest.mark.parametrize("d_y", [1, 3])
@pytest.mark.parametrize("link", [0.0, 0.4, 1.0])
def test_the_scalar_case_is_pingouin_s_and_the_correlation_that_of_fisher_s_z(d_y, link):
    """The p-value of t for the partial correlation r is ours and pingouin's, exactly. Fisher's
    p-value is Gaussian in atanh r, an approximation to it: the two share r, not the p-value."""
    rng = np.random.default_rng([d_y, int(10 * link)])
    n, y = 40, rng.standard_normal((40, d_y))
    f = y.sum(axis=1, keepdims=True) + rng.standard_normal((n, 1))
    z = link * f - y[:, :1] + rng.standard_normal((n, 1))
    ours = criteria.c1_test(f, z, y)
    names = [f"y{i}" for i in range(d_y)]
    frame = pd.DataFrame(np.hstack([f, z, y]), columns=["f", "z", *names])
    theirs = pingouin.partial_corr(frame, x="f", y="z", covar=names).loc["pearson"]
    assert ours.p_value == pytest.approx(theirs["p_val"], rel=1e-8)
    r = np.sqrt(ours.statistic / (ours.statistic + ours.df[1]))
    assert r == pytest.approx(abs(theirs["r"]), rel=1e-8)
    fisher = CIT(frame.to_numpy(), "fisherz")(0, 1, list(range(2, 2 + d_y)))
    gaussian = 2 * stats.norm.sf(np.sqrt(n - d_y - 3) * np.arctanh(r))
    assert gaussian == pytest.approx(fisher, rel=1e-8, abs=1e-8)
    assert ours.p_value != pytest.approx(fisher, rel=1e-8)  # it is not the same test
    # With one coordinate everything else that is Wilks' is the same number.
    assert criteria.c1_test_per_column(f, z, y).p_value == pytest.approx(ours.p_value, rel=1e-10)
    one_class = criteria.c1_test_mixed(f, z, y, np.zeros(n, int))
    assert one_class.p_value == pytest.approx(ours.p_value, rel=1e-10)


# Mixed labels.


@pytest.mark.parametrize(("d_f", "d_z"), [(2, 2), (2, 3), (3, 4)])
def test_mixed_is_wilks_of_a_regression_with_interactions(d_f, d_z):
    f, z, y, labels = sample(d_f=d_f, d_z=d_z)
    given = design(y, labels)
    contrast = np.hstack([np.zeros((d_z, given.shape[1])), np.eye(d_z)])
    fit = _MultivariateOLS(f, np.hstack([given, z])).fit()
    row = fit.mv_test([("z", contrast)]).results["z"]["stat"].loc["Wilks' lambda"]
    found = criteria.c1_test_mixed(f, z, y, 7 - 2 * labels)
    assert found.df == pytest.approx((row["Num DF"], row["Den DF"]))
    assert found.statistic == pytest.approx(row["F Value"], rel=1e-8)
    assert found.p_value == pytest.approx(row["Pr > F"], rel=1e-8)


def test_mixed_per_class_combines_the_tests_of_the_classes():
    f, z, y, labels = sample()
    found = criteria.c1_test_mixed_per_class(f, z, y, labels)
    rows = [labels == c for c in range(3)]
    assert found.parts == tuple(criteria.c1_test(f[r], z[r], y[r]) for r in rows)
    fisher = stats.combine_pvalues([part.p_value for part in found.parts], method="fisher")
    assert (found.statistic, found.df) == (pytest.approx(fisher.statistic, rel=1e-12), (6,))
    assert found.p_value == pytest.approx(fisher.pvalue, rel=1e-12)


def test_y_that_is_constant_within_the_classes_leaves_the_classes_alone():
    f, z, _, labels = sample()
    y = np.sqrt(2.0) * labels[:, None]
    one_hot = np.eye(3)[labels]
    for found, alone in [
        (criteria.c1_test_mixed(f, z, y, labels), criteria.c1_test(f, z, one_hot)),
        (
            criteria.c1_test_mixed_per_class(f, z, y, labels),
            criteria.c1_test_per_class(f, z, labels),
        ),
    ]:
        assert found.df == alone.df
        assert found.p_value == pytest.approx(alone.p_value, rel=1e-10)


TESTS = [
    lambda f, z, y, c: criteria.c1_test_mixed(f, z, y, c),
    lambda f, z, y, c: criteria.c1_test_mixed_per_class(f, z, y, c),
    lambda f, z, y, c: criteria.c1_test_per_column(f, z, y, c),
    lambda f, z, y, c: criteria.c1_test_permuted_residuals(f, z, y, c, permutations=99, rng=1),
    lambda f, z, y, c: criteria.c2_test_permuted_residuals(y, f, z, permutations=99, rng=1),
    lambda f, z, y, c: criteria.ci_test_kernel(f, z, y, features=5, rng=1),
]


@pytest.mark.parametrize("test", TESTS)
def test_units_shifts_and_redundant_columns_change_nothing(test):
    f, z, y, labels = sample(link=0.4)
    plain = test(f, z, y, labels)
    wide = np.hstack([f, f @ [[1.0], [2.0]], np.full((60, 1), 0.1)])
    changed = test(1e6 * wide + 1e3, 1e-9 * z, 1e3 * y - 1e5, 9 - 4 * (2 - labels))
    assert changed.df == plain.df
    # RCIT draws its features for the coordinates that it is given, so that these may turn.
    if plain.df:
        assert changed.p_value == pytest.approx(plain.p_value, rel=1e-6)
    assert 1e-9 < plain.p_value < 1


@pytest.mark.parametrize("test", [t for t in TESTS if t is not TESTS[4]])
@pytest.mark.parametrize("shift", [0.0, 1e8])
def test_features_that_y_determines_meet_c1(test, shift):
    _, z, y, labels = sample()
    assert test(y @ [[1.0, 3.0]], z, y + shift, labels).p_value == 1


# Permuted residuals.


def test_permuted_residuals_are_freedman_and_lane_s_by_hand():
    """Every permutation anew: fit, permute within classes, fit again, canonical correlations."""
    f, z, y, labels = sample(link=0.5, seed=1)
    given = design(y, labels)
    rest_f, rest_z = residuals(f, given), residuals(z, given)

    def statistic(first):
        return np.mean(CanCorr(residuals(first, given), rest_z).cancorr ** 2)

    found = criteria.c1_test_permuted_residuals(f, z, y, labels, permutations=199, rng=5)
    assert found.statistic == pytest.approx(statistic(rest_f), rel=1e-10)
    rng, order = np.random.default_rng(5), np.argsort(labels, kind="stable")
    reached = 0
    for row in np.argsort(labels[order] + rng.random((199, 60)), axis=1):
        permuted = np.empty_like(f)
        permuted[order] = rest_f[order][row]
        assert (np.sort(labels[order][row]) == labels[order][row]).all()
        reached += statistic(given @ np.ones((6, 2)) + permuted) >= statistic(rest_f)
    assert found.p_value == (1 + reached) / 200
    assert 0.005 < found.p_value < 0.5


def test_permuted_residuals_see_c2_where_a_part_is_lost():
    rng = np.random.default_rng(8)
    x = rng.standard_t(2, (80, 3))
    y = (x.sum(axis=1, keepdims=True) + rng.standard_normal((80, 1)) > 0) * 1.0
    lost = criteria.c2_test_permuted_residuals(x[:, :1], x, y, permutations=199, rng=0)
    kept = criteria.c2_test_permuted_residuals(
        x.sum(axis=1, keepdims=True), x, y, permutations=199, rng=0
    )
    assert (lost.p_value, lost.df) == (0.005, ())
    assert kept.p_value > 0.01
    assert criteria.c2_test_permuted_residuals(x, x, y, permutations=9).p_value == 1


def test_a_permutation_that_y_explains_counts_no_direction():
    """One row that its own column of y fits: f lands there, and nothing of it is left."""
    n = 9
    y, f = np.eye(n)[:, :1], np.eye(n)[:, 1:2]
    z = np.random.default_rng(0).standard_normal((n, 1))
    found = criteria.c1_test_permuted_residuals(f, z, y, permutations=499, rng=0)
    assert 0 < found.p_value < 1 and found.statistic < 1


def test_many_permutations_are_the_same_in_any_batch(monkeypatch):
    from sslboost.criteria import permuted

    sampled = sample(link=0.2)
    whole = criteria.c1_test_permuted_residuals(*sampled, permutations=50, rng=2)
    monkeypatch.setattr(permuted, "_BATCH", 1)
    assert criteria.c1_test_permuted_residuals(*sampled, permutations=50, rng=2) == whole


# Columns.


@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_holm_is_statsmodels(k):
    p = np.random.default_rng(k).random(k) ** 3
    assert criteria.holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-15)
    assert criteria.holm(np.full(k, 0.02)) == pytest.approx(np.full(k, min(1.0, k * 0.02)))


def test_every_column_is_wilks_of_that_column():
    f, z, y, labels = sample(link=1.0)
    z[:, 2] = y[:, 0]
    found = criteria.c1_test_per_column(f, z, y)
    raw = [criteria.c1_test(f, z[:, [j]], y) for j in range(3)]
    for part, one in zip(found.parts[:2], raw[:2], strict=True):
        assert part.statistic == pytest.approx(one.statistic, rel=1e-9)
        assert part.df == one.df
    assert found.parts[2].p_value == raw[2].p_value == 1
    adjusted = multipletests([one.p_value for one in raw], method="holm")[1]
    assert [part.p_value for part in found.parts] == pytest.approx(adjusted, rel=1e-8)
    assert found.statistic == found.parts[0].statistic
    assert found.p_value == pytest.approx(min(adjusted), rel=1e-8)
    mixed = criteria.c1_test_per_column(f, z[:, :2], y, labels)
    one = criteria.c1_test_mixed(f, z[:, [0]], y, labels)
    assert mixed.parts[0].statistic == pytest.approx(one.statistic, rel=1e-9)
    same = criteria.c1_test_per_column(f, f, y)
    assert same.statistic > 1e9 and same.p_value < 1e-99


# More columns than rows, and what is no sample.


@pytest.mark.parametrize("wide", [0, 1, 2])
@pytest.mark.parametrize(
    "test",
    [
        lambda f, z, y: criteria.c1_test(f, z, y),
        lambda f, z, y: criteria.c2_test(y, f, z),
        lambda f, z, y: criteria.c1_test_per_class(f, z, np.arange(30) % len(y.T)),
        lambda f, z, y: criteria.c1_test_pooled(f, z, np.arange(30) % len(y.T)),
        lambda f, z, y: criteria.c1_test_permuted(f, z, np.arange(30) % len(y.T)),
        lambda f, z, y: criteria.c1_test_mixed(f, z, y, np.arange(30) % 2),
        lambda f, z, y: criteria.c1_test_mixed_per_class(f, z, y, np.arange(30) % 2),
        lambda f, z, y: criteria.c1_test_permuted_residuals(f, z, y),
        lambda f, z, y: criteria.c2_test_permuted_residuals(y, f, z),
        lambda f, z, y: criteria.ci_test_kernel(f, z, y, features=3),
    ],
)
def test_more_columns_than_rows_are_refused(test, wide):
    """Then every sample fits exactly, dependent or not, and no p-value tells them apart."""
    rng = np.random.default_rng(4)
    widths = [1, 1, 2]
    assert 0 <= test(*(rng.standard_normal((30, w)) for w in widths)).p_value <= 1
    widths[wide] = 31
    with pytest.raises(ValueError, match=r"n must exceed|n less one|class 0 must vary"):
        test(*(rng.standard_normal((30, w)) for w in widths))


def test_columns_one_at_a_time_may_outnumber_the_rows():
    """Only F and y have to leave rows; of 50 columns of z Holm names the one that breaks (C1)."""
    rng = np.random.default_rng(6)
    f, z, y = (rng.standard_normal((30, d)) for d in (2, 50, 1))
    z[:, 17] += 3 * f[:, 0]
    parts = criteria.c1_test_per_column(f, z, y).parts
    assert np.flatnonzero([part.p_value <= 0.01 for part in parts]).tolist() == [17]
    with pytest.raises(ValueError, match="n must exceed one more than the ranks of F"):
        criteria.c1_test_per_column(rng.standard_normal((30, 28)), z, y)


ONE = np.ones((9, 1))
BAD = [
    (criteria.c1_test_mixed, ("f", "z", ONE, "c"), "Y must vary"),
    (criteria.c1_test_mixed, (ONE, "z", "y", "c"), "F must vary"),
    (criteria.c1_test_mixed, ("f", "z", "y", np.zeros(8, int)), "one label for each of 9 rows"),
    (criteria.c1_test_mixed, ("f", "z", "y", np.arange(9)), "n must exceed the ranks"),
    (criteria.c1_test_mixed_per_class, ("f", "z", ONE, "c"), "Y must vary"),
    (criteria.c1_test_mixed_per_class, ("f", "z", "y", np.arange(9)), "F in class 0 must vary"),
    (criteria.c1_test_mixed_per_class, ("f", "z", "y", "c"), "ranks of F in class 1"),
    (criteria.c1_test_permuted_residuals, ("f", "z", ONE), "Y must vary"),
    (criteria.c1_test_permuted_residuals, ("f", "z", "y", np.full(9, 0.5)), "whole numbers"),
    (criteria.c2_test_permuted_residuals, ("f", "z", ONE), "Y must vary"),
    (criteria.c2_test_permuted_residuals, (ONE, "z", "y"), "F must vary"),
    (criteria.c1_test_per_column, ("f", np.hstack([np.eye(9)[:, :1], ONE]), "y"), r"columns \[1\]"),
    (criteria.c1_test_per_column, (ONE, "z", "y"), "F must vary"),
    (criteria.ci_test_kernel, ("f", "z", "y"), "8 times features"),
    (criteria.ci_test_kernel, ("f", ONE, "y"), "Z must vary"),
    (criteria.holm, ([],), "at least one p-value"),
    (criteria.holm, ([0.5, 1.5],), "between 0 and 1, got 1.5"),
    (criteria.holm, ([0.5, -0.5],), "between 0 and 1, got -0.5"),
]


@pytest.mark.parametrize(("function", "arguments", "message"), BAD)
def test_bad_samples_are_named(function, arguments, message):
    rng = np.random.default_rng(22)
    good = {name: rng.standard_normal((9, d)) for name, d in [("f", 1), ("z", 2), ("y", 1)]}
    good["c"] = np.arange(9) // 5
    with pytest.raises(ValueError, match=message):
        function(*(good[a] if isinstance(a, str) else a for a in arguments))
