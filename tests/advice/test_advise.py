"""Advice on samples: what it says, from where, and what it refuses or warns of."""

import json
import math
import warnings

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from sslboost.advice import AdviceWarning, advise
from sslboost.population import GaussianPopulation, isotropic_population


def sample(n=300, seed=0, d=(4, 3, 1)):
    """Rows of a population in general position."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((sum(d), sum(d) + 4))
    return GaussianPopulation(root @ root.T, *d).sample(n, rng)


@pytest.fixture(scope="module")
def report():
    return advise(*sample(), labels=40, bootstrap=40)


def risks(report):
    return {use.name: use.risk for use in report.uses if use.risk is not None}


def test_a_report_says_the_same_as_text_table_dictionary_and_figure(report):
    text, html = str(report), report._repr_html_()
    as_dict = json.loads(report.to_json())
    assert report.verdict in text and report.verdict in html.replace("&#x27;", "'")
    assert as_dict["verdict"] == report.verdict and as_dict["best"] == report.best
    assert "<table>" in html and "<svg" in html and "aria-label" in html
    for use in report.uses:
        assert use.name in text
    assert [effect["name"] for effect in as_dict["effects"]] == [e.name for e in report.effects]
    figure = report.plot()
    assert isinstance(figure, matplotlib.figure.Figure)
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    finite = [u for u in report.uses if u.risk is not None and math.isfinite(u.risk)]
    assert set(shown) == {use.name for use in finite}
    assert shown[-1] == min(finite, key=lambda use: use.risk).name
    assert all("hold" in limit or limit for limit in report.limits)


def test_the_same_seed_gives_the_same_intervals_and_none_are_given_without_a_bootstrap(report):
    again = advise(*sample(), labels=40, bootstrap=40)
    assert again.to_dict() == report.to_dict()
    bare = advise(*sample(), labels=40, bootstrap=0)
    assert risks(bare) == pytest.approx(risks(report), rel=1e-9)
    assert all(use.low is None and use.ratio_low is None for use in bare.uses)
    assert advise(*sample(), labels=40, bootstrap=40, rng=1).to_dict() != report.to_dict()


def test_where_both_criteria_can_be_met_the_augmented_head_is_advised_with_certainty():
    rows = isotropic_population(0.5, 0.9, 8).sample(2000, np.random.default_rng(0))
    found = advise(*rows, labels=20, bootstrap=60)
    assert found.best == "augmented head"
    assert "excludes plain SSL" in found.verdict and "not exclude" not in found.verdict
    existence = found.effects[-1]
    assert existence.name == "existence" and existence.p_value > 0.01
    innovation = found.effects[1]
    assert innovation.low < 0.9 < innovation.high


def test_where_x_and_z_are_independent_given_y_the_first_criterion_is_not_rejected():
    rng = np.random.default_rng(3)
    y = rng.standard_normal((1000, 1))
    x, z = (y @ rng.standard_normal((1, d)) + rng.standard_normal((1000, d)) for d in (4, 3))
    held, failed = advise(x, z, y, bootstrap=0), advise(*sample(1000), bootstrap=0)
    assert held.effects[2].p_value > 0.01 > failed.effects[2].p_value
    assert held.effects[2].estimate < 0.02 < failed.effects[2].estimate
    assert any("not rejected" in reason for reason in held.reasons)


def test_few_labels_are_told_apart_from_none_that_help(report):
    few = advise(*sample(), labels=4, bootstrap=0)
    assert risks(few)["plain SSL"] == math.inf
    assert few.to_dict()["uses"][3]["risk"] == "infinite"
    nothing = advise(
        *np.split(np.random.default_rng(0).standard_normal((400, 8)), [4, 7], 1), labels=9
    )
    assert nothing.best == "guessing" and "mean of y" in nothing.verdict


def test_rows_without_a_label_teach_psi():
    x, z, y = sample(4000)
    known = y.copy()
    known[200:] = np.nan
    found = advise(x, z, known, labels=40, bootstrap=0)
    assert (found.rows, found.labelled) == (4000, 200)
    few = advise(x[:200], z[:200], y[:200], labels=40, bootstrap=0)
    all_of_them = advise(x, z, y, labels=40, bootstrap=0)
    assert risks(found) != pytest.approx(risks(few), rel=1e-3)
    # Both are estimates of one number, from 200 labels and from 4,000.
    assert risks(found)["plain SSL"] == pytest.approx(risks(all_of_them)["plain SSL"], rel=0.4)


def test_units_shifts_copies_and_the_order_of_columns_change_nothing():
    x, z, y = sample()
    expected = advise(x, z, y, labels=40, bootstrap=0)
    rng = np.random.default_rng(0)
    units_x, units_z = 10.0 ** rng.integers(-9, 10, 4), 10.0 ** rng.integers(-9, 10, 3)
    with pytest.warns(AdviceWarning, match="left out"):
        found = advise(
            np.hstack([x, x[:, :1] * 3, np.full((300, 1), 1e6 + 0.1)])[:, ::-1] * 1e3 + 5,
            np.hstack([z * units_z, -z[:, 1:2]]),
            y,
            labels=40,
            bootstrap=0,
        )
    scaled = advise(x * units_x, z * units_z, y + 1e6, labels=40, bootstrap=0)
    for other in (found, scaled):
        assert risks(other) == pytest.approx(risks(expected), rel=1e-6)
        for a, b in zip(other.effects, expected.effects, strict=True):
            assert a.estimate == pytest.approx(b.estimate, abs=1e-6)
            if b.p_value:
                assert a.p_value == pytest.approx(b.p_value, rel=1e-4)
    assert found.dimensions["x"] == {"columns": 6, "rank": 4}
    assert found.dimensions["z"] == {"columns": 4, "rank": 3}


def classes(n=300, seed=0):
    x, z, y = sample(n, seed)
    return x, z, np.digitize(y[:, 0], np.quantile(y[:, 0], [0.3, 0.7]))


def test_classes_are_counted_alike_as_text_categories_codes_and_indicators():
    x, z, codes = classes()
    names = np.array(["low", "mid", "high"])[codes]
    expected = advise(x, z, np.eye(3)[codes], labels=40, bootstrap=0)
    for y, how in [
        (names, {}),
        (names.astype(object), {}),
        (pd.Series(names, dtype="category"), {}),
        (codes, {"categorical": ["y"]}),
        (pd.Series(codes).astype("category"), {}),
    ]:
        found = advise(x, z, y, labels=40, bootstrap=0, **how)
        assert risks(found) == pytest.approx(risks(expected), rel=1e-9)
        assert found.dimensions["y"] == {"columns": 3, "rank": 2}
    # The risk of guessing is the Brier score of the shares, times (n + 1) / n or less.
    shares = np.bincount(codes) / 300
    assert risks(expected)["guessing"] == pytest.approx(1 - np.sum(shares**2), rel=0.02)


def test_categories_in_z_count_as_indicators():
    x, _, codes = classes()
    names = np.array(["low", "mid", "high"])[codes]
    y = sample()[2]
    found = advise(x, pd.DataFrame({"z": names}), y, labels=40, bootstrap=0)
    expected = advise(x, np.eye(3)[codes][:, :2], y, labels=40, bootstrap=0)
    assert risks(found)["plain SSL"] == pytest.approx(risks(expected)["plain SSL"], rel=1e-9)


def test_missing_classes_are_rows_without_a_label():
    x, z, codes = classes()
    names = np.array(["low", "mid", "high"], object)[codes]
    names[::4] = None
    found = advise(x, z, names, bootstrap=0)
    assert (found.rows, found.labelled) == (300, 225)
    assert advise(x, z, pd.Series(names, dtype="category"), bootstrap=0).labelled == 225


WARNED = {
    "y is in x": (lambda x, z, y: (np.hstack([x, y]), z, y), "x tells a part of y exactly"),
    "y is a sum in x": (
        lambda x, z, y: (np.hstack([x, 1e6 * (y + x[:, :1])]), z, y),
        "x tells a part of y exactly",
    ),
    "y is in z": (lambda x, z, y: (x, np.hstack([z, y]), y), "z tells a part of y exactly"),
    "z is in x": (lambda x, z, y: (np.hstack([x, z]), z, y), "x tells a part of z exactly"),
    "a constant": (
        lambda x, z, y: (np.hstack([x, np.full((len(x), 1), 1e6 + 0.1)]), z, y),
        "1 columns hold one value only and are left out: x4",
    ),
    "a copy": (
        lambda x, z, y: (x, np.hstack([z, 1e-9 * z[:, :1] + 7]), y),
        "1 columns hold what the columns before tell and are left out: z3",
    ),
    "a class of one row": (
        lambda x, z, y: (
            x,
            z,
            np.where(np.arange(len(x)) == 5, "one", np.where(y[:, 0] > 0, "a", "b")),
        ),
        "class 'y0=one' has one row",
    ),
    "y in part": (
        lambda x, z, y: (
            x,
            z,
            np.hstack([y, np.where(np.arange(len(x))[:, None] < 9, np.nan, y**2)]),
        ),
        "9 rows have a part of y missing",
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_what_is_odd_is_warned_of_by_name_and_told_in_the_report(case):
    change, said = WARNED[case]
    with pytest.warns(AdviceWarning) as caught:
        found = advise(*change(*sample()), labels=40, bootstrap=5)
    assert any(said in str(warning.message) for warning in caught)
    assert any(said in line for line in found.warnings) and said in str(found)
    for use in found.uses:
        assert use.risk is None or use.risk >= 0


def test_nothing_is_warned_of_in_a_sample_that_is_as_it_should_be():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert advise(*sample(), bootstrap=5).warnings == ()


def holed(role, value):
    def change(x, z, y):
        parts = {"x": x.copy(), "z": z.copy(), "y": y.copy()}
        parts[role][7, 0] = value
        return tuple(parts.values())

    return change


REFUSED = {
    "NaN in x": (holed("x", np.nan), "X must have no missing or infinite values"),
    "infinity in x": (holed("x", np.inf), "X must have no missing or infinite values"),
    "NaN in z": (holed("z", np.nan), "Z must have no missing or infinite values"),
    "infinity in y": (holed("y", -np.inf), "Y must have no infinite values"),
    "numbers without squares": (holed("x", 1e200), "must be below 1e"),
    "small numbers without squares": (
        lambda x, z, y: (x * 1e-180, z, y),
        "must vary by more than 1e-140",
    ),
    "masked x": (lambda x, z, y: (np.ma.masked_less(x, 0), z, y), "X must have no mask"),
    "masked y": (lambda x, z, y: (x, z, np.ma.masked_less(y, 0)), "Y must have no mask"),
    "complex z": (lambda x, z, y: (x, z + 1j, y), "Z must be a numeric array"),
    "digits in x": (lambda x, z, y: (x.astype(str), z, y), "X must be a numeric array"),
    "digits in z": (
        lambda x, z, y: (x, z.round().astype(str), y),
        "Z must have at most|text such as",
    ),
    "digits in y": (
        lambda x, z, y: (x, z, y.round().clip(-2, 2).astype(int).astype(str)),
        "Y must hold numbers as numbers in 'y0', got text",
    ),
    "objects in x": (lambda x, z, y: (x.astype(object), z, y), "X must be a numeric array"),
    "objects in z": (lambda x, z, y: (x, z.round().astype(object), y), "Z must"),
    "objects in a frame": (
        lambda x, z, y: (pd.DataFrame(x.round()).astype(object), z, y),
        "X must hold numbers of a numeric dtype|X must have at most",
    ),
    "dates in a frame": (
        lambda x, z, y: (pd.DataFrame({"day": pd.date_range("2020", periods=len(x))}), z, y),
        "'day' must be a numeric array",
    ),
    "empty": (lambda x, z, y: (x[:0], z[:0], y[:0]), "X must hold at least one row"),
    "no columns": (lambda x, z, y: (x, z[:, :0], y), "Z must hold at least one column"),
    "rows apart": (lambda x, z, y: (x, z[:-1], y), "same number of rows, got X: 300, Z: 299"),
    "a vector for x": (lambda x, z, y: (x[:, 0], z, y), "X must have 2 axes"),
    "three axes": (lambda x, z, y: (x, z[..., None], y), "Z must have 2 axes"),
    "ragged": (lambda x, z, y: ([[1.0], [1.0, 2.0]], z, y), "X must be a numeric array"),
    "more columns than rows": (
        lambda x, z, y: (
            np.hstack([x] * 80) + np.random.default_rng(0).standard_normal((300, 320)),
            z,
            y,
        ),
        "Y must be known for more rows",
    ),
    "few labels": (
        lambda x, z, y: (x, z, np.where(np.arange(300)[:, None] < 8, y, np.nan)),
        "for 9 or more, got 8 rows",
    ),
    "no labels": (lambda x, z, y: (x, z, np.full_like(y, np.nan)), "Y must hold the label"),
    "one class": (lambda x, z, y: (x, z, np.full(300, "a")), "at least two categories in 'y0'"),
    "one class as numbers": (lambda x, z, y: (x, z, np.full(300, 0.1)), "Y must vary"),
    "constant x": (lambda x, z, y: (np.full_like(x, 0.1), z, y), "X must vary"),
    "constant z": (lambda x, z, y: (x, np.full_like(z, 1e6 + 0.1), y), "Z must vary"),
    "names of rows": (
        lambda x, z, y: (x, z, np.array([f"row {i}" for i in range(300)])),
        "Y must have at most 100 categories",
    ),
    "nothing": (lambda x, z, y: (x, z, None), "Y must be"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_advised_on_is_refused_by_name(case):
    change, said = REFUSED[case]
    with pytest.raises(ValueError, match=said):
        advise(*change(*sample()), bootstrap=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"labels": 0}, "labels must be"),
        ({"bootstrap": -1}, "bootstrap must be"),
        ({"rng": "a"}, "rng must be"),
        ({"categorical": "y"}, "categorical must hold"),
        ({"categorical": ["w"]}, "categorical must hold"),
    ],
)
def test_wrong_settings_are_refused_by_name(given, said):
    with pytest.raises(ValueError, match=said):
        advise(*sample(), **given)
