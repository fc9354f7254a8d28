"""Estimators in scikit-learn's conventions: what they learn, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sslboost import uses
from sslboost.advice import PretextClassifier, PretextRegressor
from sslboost.representation import fit_linear, fit_ssl

#: Checks of scikit-learn that must fail, and why.
EXPECTED = {
    PretextRegressor: {
        "check_sample_weight_equivalence_on_dense_data": "rows fall into other folds than weights",
    },
    PretextClassifier: {
        "check_sample_weight_equivalence_on_dense_data": "rows fall into other folds than weights",
        "check_classifiers_classes": "-1 is no class: it stands for a row without a label",
    },
}
PLAIN = {"augmentation": 0.0, "penalties": (1e-12,)}


def draw(n, rng, d=8, rho=0.8, k2=0.5, beta=None):
    """x, z and y for which some processor meets both criteria, and E[y | x].

    z = x / s + noise, and y reads x and what is new in z with the coefficients of chapter 9.
    """
    x, new, noise = (rng.standard_normal(shape) for shape in ((n, d), (n, d), n))
    beta = np.eye(d)[0] if beta is None else beta
    kappa2 = rho * k2 / (1 - k2)  # over the variance of what is new in z
    c = 1 / k2 - 1
    known = np.sqrt(k2) * x @ beta
    y = known + np.sqrt(k2) * c * np.sqrt(kappa2) * new @ beta
    return x, np.sqrt(kappa2) * x + new, y + np.sqrt((1 - k2) * (1 - rho)) * noise, known


def few_labels(n, labels, rng, **law):
    """Samples whose first rows alone are labelled, and fresh x with what is best predicted."""
    X, Z, y, _ = draw(n, rng, **law)
    y[labels:] = np.nan
    fresh, _, _, known = draw(2000, rng, **law)
    return (X, y, Z), fresh, known


@pytest.mark.parametrize("kind", EXPECTED)
def test_scikit_learn_finds_an_estimator_of_its_kind(kind):
    results = check_estimator(kind(), on_skip=None, expected_failed_checks=EXPECTED[kind])
    ended = {result["check_name"]: result["status"] for result in results}
    assert {name for name, status in ended.items() if status == "xfail"} == set(EXPECTED[kind])
    assert len(ended) > 40


def test_weights_are_repetitions_where_no_fold_chooses():
    rng = np.random.default_rng(0)
    X, Z, y, _ = draw(40, rng)
    weights = rng.integers(0, 3, size=40)
    weighted = PretextRegressor(augmentation=0.7, penalties=(0.1,)).fit(X, y, Z, weights)
    rows = np.repeat(np.arange(40), weights)
    repeated = PretextRegressor(augmentation=0.7, penalties=(0.1,)).fit(X[rows], y[rows], Z[rows])
    assert weighted.predict(X) == pytest.approx(repeated.predict(X), rel=1e-9)
    assert weighted.predict(X) != pytest.approx(clone(weighted).fit(X, y, Z).predict(X), rel=1e-3)


def test_without_augmentation_it_is_the_pretext_and_the_head_of_the_book():
    rng = np.random.default_rng(1)
    (X, y, Z), fresh, _ = few_labels(300, 60, rng)
    y += 3  # means count for nothing
    g = fit_ssl(X, Z, X[:60], y[:60, None], intercept=True)
    found = PretextRegressor(**PLAIN).fit(X, y, Z)
    assert found.predict(fresh) == pytest.approx(g(fresh)[:, 0], abs=1e-8)
    assert found.augmentation_ == 0.0 and found.rank_ == 8
    other = PretextRegressor(**PLAIN).fit(X[:60], y[:60], Z[:60])  # without the unlabelled rows
    z_of_one_column = PretextRegressor(**PLAIN).fit(X, y, Z[:, 0])
    assert other.predict(fresh) == pytest.approx(found.predict(fresh), abs=1e-8)  # psi is onto
    assert z_of_one_column.predict(fresh) != pytest.approx(found.predict(fresh), abs=1e-2)


@pytest.mark.parametrize("kind", ["augmented", "joint"])
def test_the_heads_are_those_of_the_book(kind):
    rng = np.random.default_rng(2)
    (X, y, Z), fresh, _ = few_labels(500, 60, rng)
    X, Z, fresh = X @ (mix := rng.standard_normal((8, 8))), Z @ mix, fresh @ mix
    psi = fit_linear(X - X.mean(axis=0), Z - Z.mean(axis=0))
    F, Z_0 = psi(X - X.mean(axis=0)), Z - Z.mean(axis=0)
    few = [rows[:60] - rows[:60].mean(axis=0) for rows in (F, Z_0, y[:, None])]
    if kind == "augmented":
        W = uses.heads.fit_augmented(*few, uses.heads.shift(F, Z_0), 0.6)
        how, other = {"augmentation": 0.6}, {"augmentation": 1.2}
    else:
        W = uses.heads.fit_joint(*few)
        how = {"augmentation": "joint", "innovations": (1e-14,)}
        other = {"augmentation": "joint", "innovations": (0.1,)}
    expected = np.diff(W(psi(fresh))[:, 0])  # up to the intercept, which the book's heads leave out
    found, wrong = (
        np.diff(PretextRegressor(penalties=(1e-14,), **own).fit(X, y, Z).predict(fresh))
        for own in (how, other)
    )
    assert found == pytest.approx(expected, abs=1e-8)
    assert wrong != pytest.approx(expected, abs=1e-3)


def test_a_joint_head_without_innovations_is_plain():
    rng = np.random.default_rng(7)
    (X, y, Z), fresh, _ = few_labels(500, 60, rng)
    how = {"augmentation": "joint", "penalties": (1e-3,)}
    deaf = PretextRegressor(innovations=(np.inf,), **how).fit(X, y, Z).predict(fresh)
    plain = PretextRegressor(augmentation=0.0, penalties=(1e-3,)).fit(X, y, Z).predict(fresh)
    heard = PretextRegressor(innovations=(1e-3,), **how).fit(X, y, Z).predict(fresh)
    assert deaf == pytest.approx(plain, abs=1e-12)
    assert heard != pytest.approx(plain, abs=1e-3)
    told = PretextRegressor(innovations=(1e-3,), **how).fit(X, y, X)  # x tells all of this z
    of_x = PretextRegressor(augmentation=0.0, penalties=(1e-3,)).fit(X, y, X)
    assert told.predict(fresh) == pytest.approx(of_x.predict(fresh), abs=1e-6)


def test_the_labelled_z_buys_what_the_theorem_says_and_nothing_where_it_is_noise():
    """Were the augmentation of no use, it would win all ten draws once in a thousand times."""
    won, kept, left_out = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        (X, y, Z), fresh, known = few_labels(1000, 40, rng)
        excess = [
            np.mean((PretextRegressor(augmentation=c).fit(X, y, Z).predict(fresh) - known) ** 2)
            for c in ("cv", "joint", 0.0)
        ]
        won.append(max(excess[:2]) < excess[2])
        unrelated = X + rng.standard_normal(X.shape)  # what is new in this z tells nothing of y
        kept.append(PretextRegressor().fit(X, y, unrelated).augmentation_)
        deaf = PretextRegressor(augmentation="joint").fit(X, y, unrelated)
        left_out.append(deaf.innovation_penalty_)
    assert all(won)
    assert np.median(kept) <= 0.1 and np.median(left_out) >= 1


def test_columns_of_x_may_be_the_pretext():
    rng = np.random.default_rng(3)
    (X, y, Z), fresh, _ = few_labels(200, 50, rng)
    given = PretextRegressor().fit(X, y, Z)
    names = [f"x{i}" for i in range(8)] + [f"z{i}" for i in range(8)]
    frame = pd.DataFrame(np.hstack([X, Z]), columns=names)
    unseen = pd.DataFrame(np.hstack([fresh, np.full_like(fresh, np.nan)]), columns=names)
    for pretext, data, new in [
        (names[8:], frame, unseen),
        (range(8, 16), frame.to_numpy(), unseen.to_numpy()),
    ]:
        found = PretextRegressor(pretext).fit(data, y)
        assert found.predict(new) == pytest.approx(given.predict(fresh), abs=1e-10)
        assert found.n_features_in_ == 16
    assert list(PretextRegressor(names[8:]).fit(frame, y).feature_names_in_) == names


def test_rows_without_z_teach_the_head_alone():
    rng = np.random.default_rng(4)
    X, Z, y, _ = draw(100, rng)
    hidden = Z.copy()
    hidden[60:, 3] = np.nan  # one unknown number hides the row
    how = {"rank": 2, "augmentation": 0.0, "penalties": (1e-6,)}
    found, twin = PretextRegressor(**how).fit(X, y, hidden), PretextRegressor(**how)
    hidden[60:] = np.nan
    assert np.array_equal(found.predict(X), twin.fit(X, y, hidden).predict(X))
    assert found.predict(X) != pytest.approx(twin.fit(X, y, Z).predict(X), abs=1e-3)


@pytest.mark.parametrize("kind", [PretextRegressor, PretextClassifier])
def test_no_answer_depends_on_units_or_shifts(kind):
    rng = np.random.default_rng(5)
    X, Z, y, _ = draw(120, rng)
    y = y if kind is PretextRegressor else (y > 0).astype(int)
    X = np.column_stack([X, X[:, 0], np.full(120, 0.1)])  # a column twice, and a constant one
    units = 10.0 ** rng.integers(-9, 10, size=10)
    first = kind().fit(X, y, Z)
    second = kind().fit(X * units + 1e3 * units, y, Z * 1e9 - 1e8)
    assert second.predict(X * units + 1e3 * units) == pytest.approx(first.predict(X), abs=1e-6)
    assert second.augmentation_ == first.augmentation_


def test_it_goes_through_pipelines_and_searches():
    rng = np.random.default_rng(6)
    X, Z, y, _ = draw(150, rng)
    with sklearn.config_context(enable_metadata_routing=True):
        head = PretextRegressor().set_fit_request(Z=True)
        found = make_pipeline(StandardScaler(), head).fit(X, y, Z=Z)
        assert found.score(X, y) == pytest.approx(PretextRegressor().fit(X, y, Z).score(X, y))
        search = GridSearchCV(head, {"rank": [1, 8], "augmentation": [0.0, "cv"]}, cv=3)
        assert search.fit(X, y, Z=Z).best_params_["rank"] == 8
    named = PretextRegressor(rank=3).set_output(transform="pandas").fit(X, y, Z).transform(X)
    assert list(named.columns) == [f"pretextregressor{i}" for i in range(3)]
    assert named.shape == (150, 3)


def test_psi_predicts_the_canonical_variates_of_z():
    rng = np.random.default_rng(7)
    X, Z, y, _ = draw(400, rng)
    found = PretextRegressor(rank=4).fit(X, y, Z)
    psi = found.transform(X)
    assert np.cov(psi.T, bias=True) == pytest.approx(np.diag(found.correlations_**2), abs=1e-10)
    assert (np.diff(found.correlations_) <= 0).all() and found.correlations_.max() < 1


def test_folds_may_be_the_callers():
    rng = np.random.default_rng(8)
    X, Z, y, _ = draw(60, rng)
    own = PretextRegressor(cv=ShuffleSplit(3, random_state=0)).fit(X, y, Z)
    assert own.penalty_ in own.penalties
    one = PretextRegressor(penalties=(0.5, 2.0)).fit(X[:1], y[:1])  # no fold to choose by
    assert one.penalty_ == 0.5 and one.predict(X) == pytest.approx(np.full(60, y[0]))
    light = np.zeros(60)
    light[7] = 1.0  # the fold that holds this row leaves nothing to learn from
    assert PretextRegressor(cv=2).fit(X, y, sample_weight=light).predict(X[:1]) == pytest.approx(
        y[7]
    )


def test_a_target_of_many_columns_and_of_one():
    rng = np.random.default_rng(9)
    X, Z, y, _ = draw(60, rng)
    two = PretextRegressor(**PLAIN).fit(X, np.column_stack([y, -2 * y + 1]), Z)
    one = PretextRegressor(**PLAIN).fit(X, y, Z)
    assert two.predict(X) == pytest.approx(
        np.column_stack([one.predict(X), 1 - 2 * one.predict(X)])
    )
    assert two.coef_.shape == (2, 8) and one.coef_.shape == (8,)
    assert X @ one.coef_ + one.intercept_ == pytest.approx(one.predict(X))


@pytest.mark.parametrize("unlabelled", [-1, np.nan, None])
def test_classes_may_be_numbers_or_names_and_missing(unlabelled):
    rng = np.random.default_rng(10)
    X, Z, y, _ = draw(300, rng)
    codes = np.digitize(y, [-0.5, 0.5])
    names = codes if unlabelled is not None else np.array(["low", "middle", "high"], object)[codes]
    given = names.astype(float if unlabelled is not None else object)
    given[100:] = unlabelled
    found = PretextClassifier().fit(X, given, Z)
    assert len(found.classes_) == 3
    assert found.score(X[100:], names[100:]) > 0.5  # a third by chance, .02 the standard deviation
    fewer = PretextClassifier().fit(X[:100], given[:100], Z[:100])
    assert not np.array_equal(fewer.coef_, found.coef_)  # psi was learned from 300 rows
    two = PretextClassifier().fit(X, (codes > 1).astype(int), Z)
    assert np.array_equal(two.decision_function(X) > 0, two.predict(X) == 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": None}, "requires y to be passed"),
        ({"y": np.full(20, np.nan)}, "y must hold labels"),
        ({"weights": np.zeros(20)}, "weight"),
        ({"weights": -np.ones(20)}, "[Nn]egative"),
        ({"Z": np.full((20, 2), np.nan)}, "Z must be known"),
        ({"Z": np.full((20, 2), np.inf)}, "Z contains infinity"),
        ({"Z": np.zeros((19, 2))}, "inconsistent numbers of samples"),
        ({"Z": np.full((20, 2), "1")}, "dtype"),
        ({"Z": np.ones((20, 2)) * 1j}, "Complex"),
        ({"X": np.ma.masked_equal(np.eye(20), 1)}, "masked"),
        ({"y": np.ma.masked_equal(np.arange(20.0), 3)}, "masked"),
        ({"X": np.full((20, 2), np.nan)}, "NaN"),
        ({"pretext": [0], "Z": np.ones((20, 1))}, "Z must be None where pretext"),
        ({"pretext": "x"}, "pretext must be a sequence"),
        ({"pretext": 3}, "pretext must be a sequence"),
        ({"pretext": ["x"]}, "pretext must name columns of X, got 'x'"),
        ({"pretext": [4]}, "pretext must be at most 3, got 4"),
        ({"pretext": []}, "pretext must be some of the 4 columns"),
        ({"pretext": [1, 1]}, "each once"),
        ({"pretext": range(4)}, "pretext must be some of the 4 columns"),
        ({"rank": 0}, "rank must be a positive integer"),
        ({"augmentation": -1}, "augmentation must be at least 0"),
        ({"augmentation": "best"}, "augmentation must be a number"),
        ({"augmentation": "joint", "innovations": (0.0,)}, "innovations must be above 0"),
        ({"augmentation": "joint", "innovations": ("few",)}, "innovations must be a number"),
        ({"penalties": (0.0,)}, "penalties must be above 0"),
        ({"cv": 1}, "cv must be"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(change, message):
    rng = np.random.default_rng(11)
    given = {"X": rng.standard_normal((20, 4)), "y": rng.standard_normal(20), "Z": None}
    own = {name: change[name] for name in change.keys() & {"X", "y", "Z"}}
    how = {name: change[name] for name in change.keys() - {"X", "y", "Z", "weights"}}
    with pytest.raises(ValueError, match=message):
        PretextRegressor(**how).fit(**(given | own), sample_weight=change.get("weights"))


def test_columns_beside_the_pretext_must_be_known():
    X = np.ones((20, 4)) * np.arange(20.0)[:, None]
    X[3, 0] = np.nan
    with pytest.raises(ValueError, match="columns of X beside pretext contains NaN"):
        PretextRegressor([3]).fit(X, np.arange(20.0))


@pytest.mark.parametrize("y", [[-1] * 20, [-1] * 10 + [1] * 10, np.linspace(0, 1, 20)])
def test_labels_that_are_no_two_classes_are_refused(y):
    with pytest.raises(ValueError, match=r"y must hold at least 2 classes|Unknown label type"):
        PretextClassifier().fit(np.eye(20), y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        PretextClassifier().fit(np.eye(20), None)
