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
    return {use.name: use.risk for use in report.uses}


def flat(text):
    """Text without its line breaks."""
    return " ".join(str(text).split())


def test_a_report_says_the_same_as_text_table_dictionary_and_figure(report):
    text, html = str(report), report._repr_html_()
    as_dict = json.loads(report.to_json())
    assert report.verdict in flat(text) and report.verdict in flat(html).replace("&#x27;", "'")
    assert " %" in text and " %" not in html
    assert as_dict["verdict"] == report.verdict and as_dict["best"] == report.best
    assert "<table>" in html and "<svg" in html and "aria-label" in html
    for use in report.uses:
        assert use.name in text
    assert [effect["name"] for effect in as_dict["effects"]] == [e.name for e in report.effects]
    figure = report.plot()
    assert isinstance(figure, matplotlib.figure.Figure)
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert set(shown) == {use.name for use in report.uses}
    assert shown[-1] == min(report.uses, key=lambda use: use.risk).name
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
    by_name = {use["name"]: use for use in few.to_dict()["uses"]}
    assert by_name["plain SSL"]["risk"] is None and by_name["plain SSL"]["ratio"] is None
    assert few.reference == "guessing" and "guessing" in few.best + few.verdict
    nothing = advise(
        *np.split(np.random.default_rng(0).standard_normal((400, 8)), [4, 7], 1), labels=9
    )
    assert nothing.best == "guessing" and "mean of y" in nothing.verdict


def test_the_mean_of_y_costs_what_a_mean_costs_and_units_are_its_variance(report):
    for n in (2, 40):
        found = advise(*sample(), labels=n, bootstrap=0)
        assert risks(found)["guessing"] == pytest.approx(1 + 1 / n)
    y = sample()[2]
    assert report.variance == pytest.approx(y.var(ddof=1), rel=0.05)
    scaled = advise(*sample()[:2], 1e3 * y, labels=40, bootstrap=0)
    assert risks(scaled) == pytest.approx(risks(report))
    assert scaled.variance == pytest.approx(1e6 * report.variance)


def test_a_use_is_compared_with_the_better_of_plain_ssl_and_guessing():
    few, many = (advise(*sample(), labels=n, bootstrap=0) for n in (7, 100))
    assert risks(few)["guessing"] < risks(few)["plain SSL"] < math.inf
    assert (few.reference, many.reference) == ("guessing", "plain SSL")
    for found in (few, many):
        of = risks(found)[found.reference]
        for use in found.uses:
            if math.isfinite(use.risk):
                assert use.ratio == pytest.approx(use.risk / of)
        assert f"against {found.reference}" in flat(found)


def test_a_gain_that_is_sure_and_tiny_is_said_to_be_too_little():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 3))
    z = x @ rng.standard_normal((3, 3)) + rng.standard_normal((20_000, 3))
    y = x.sum(axis=1) + z[:, 0] + rng.standard_normal(20_000)
    found = advise(x, z, y, labels=1500, bootstrap=20)
    assert found.best == "joint head"
    assert "excludes plain SSL, but the gain is too little to matter" in found.verdict
    assert "too little" not in advise(x, z, y, labels=12, bootstrap=20).verdict


def test_uses_that_need_what_no_sample_gives_are_not_compared(report):
    assert not {"conditional-loss processor", "slides' processor"} & {u.name for u in report.uses}
    assert "minimum norm" not in risks(report)
    assert "minimum norm" in risks(advise(*sample(d=(9, 7, 1)), labels=4, bootstrap=0))


def test_numbers_are_numbers_and_text_is_legible(report):
    as_dict = advise(*sample(), labels=4, bootstrap=5).to_dict()
    for use in as_dict["uses"]:
        assert all(isinstance(v, float | None) for key, v in use.items() if key != "name")
    assert "x: 4 columns, rank 4: x0, x1, x2, x3" in flat(report) and "1 columns" not in str(report)
    wide = advise(*sample(d=(20, 3, 1)), bootstrap=0)
    assert "x10, x11 and 8 more" in flat(wide)


def test_a_column_that_varies_only_where_labels_are_missing_is_left_out():
    x, z, y = sample(500)
    y[100:] = np.nan
    x[:100, 3] = 0
    with pytest.warns(AdviceWarning, match="1 column holds one value only in the labelled rows"):
        found = advise(x, z, y, labels=40, bootstrap=5)
    without = advise(x[:, :3], z, y, labels=40, bootstrap=5)
    assert risks(found) == pytest.approx(risks(without))
    twice = x.copy()
    twice[:100, 3] = 2 * x[:100, 0] + 1
    with pytest.warns(AdviceWarning, match="left out: x3"):
        assert risks(advise(twice, z, y, labels=40, bootstrap=5)) == pytest.approx(risks(without))
    # A column of z that is one of x in the labelled rows alone.
    z[:100, 0] = x[:100, 0]
    with pytest.warns(AdviceWarning, match="x tells a part of z exactly"):
        found = advise(x[:, :3], z, y, labels=40, bootstrap=5)
    assert all(np.isfinite(list(risks(found).values())))


def test_numbers_with_gaps_are_categories_where_somebody_says_so():
    x, z, codes = classes()
    y = pd.Series(codes, dtype="Int64")
    y[::4] = pd.NA
    found = advise(x, z, y.astype("category"), bootstrap=0)
    assert (found.rows, found.labelled) == (300, 225)
    assert risks(advise(x, z, y, categorical=["y"], bootstrap=0)) == pytest.approx(risks(found))


def test_whole_numbers_are_asked_whether_they_are_names():
    x, z, codes = classes()
    with pytest.warns(AdviceWarning, match="'y0' has 3 whole values: if they name classes"):
        advise(x, z, codes, bootstrap=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advise(x, z, codes, categorical=["y"], bootstrap=0)
        advise(x, z, codes > 0, bootstrap=0)
        advise(x, z, codes + 0.5, bootstrap=0)
        advise(x, z, np.arange(300), bootstrap=0)


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
    assert [found.dimensions["x"][key] for key in ("columns", "rank")] == [6, 4]
    assert [found.dimensions["z"][key] for key in ("columns", "rank")] == [4, 3]


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
        assert [found.dimensions["y"][key] for key in ("columns", "rank")] == [3, 2]
    # The variance is the Brier score of the shares, times n / (n - 1).
    shares = np.bincount(codes) / 300
    assert expected.variance == pytest.approx(1 - np.sum(shares**2), rel=0.02)


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
        "1 column holds one value only and is left out: x4",
    ),
    "a copy": (
        lambda x, z, y: (x, np.hstack([z, 1e-9 * z[:, :1] + 7]), y),
        "1 column holds what the columns before tell and is left out: z3",
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
    assert any(said in line for line in found.warnings) and said in flat(found)
    assert all(use.risk >= 0 for use in found.uses)


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
    "NaN in x": (
        holed("x", np.nan),
        "X must have no missing or infinite values, got 1 missing in 'x0' among rows 0 to 299",
    ),
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
        ({"labels": 1}, "labels must be an integer of at least 2"),
        ({"bootstrap": -1}, "bootstrap must be"),
        ({"rng": "a"}, "rng must be"),
        ({"categorical": "y"}, "categorical must hold"),
        ({"categorical": ["w"]}, "categorical must hold"),
    ],
)
def test_wrong_settings_are_refused_by_name(given, said):
    with pytest.raises(ValueError, match=said):
        advise(*sample(), **given)
