"""Tables and the figure of the recorded table, against values worked out by hand."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from sslboost.pages.cifar10 import plots, report

#: Accuracies over seeds 0 and 1: mean 0.3 and error sd/√2 = 0.01 for these two.
PAIR = (0.29, 0.31)


def row(arm, seed, accuracy, **columns):
    """A row of the table; what is not told is as for plain SSL."""
    plain = {"psi": "none", "adversary": None, "pretext": "rotation", "n0": None, "labels": "full"}
    plain |= {"features": "hidden", "layer": "stage 1 at 4 x 4"}
    more = {"pretext_accuracy": 0.5, "train_y_error": None}
    return {"arm": arm, "seed": seed, "accuracy": accuracy} | plain | more | columns


def pair(arm, accuracies=PAIR, **columns):
    return [row(arm, seed, accuracy, **columns) for seed, accuracy in enumerate(accuracies)]


def layered(arm, accuracies=PAIR, **columns):
    """The best layer; the last one, half as good; an earlier one; two layers side by side."""
    rows = pair(arm, accuracies, **columns)
    for layer, share in (("stage 2", 0.5), ("stage 1", 0.4), ("stages 1 + 2", 0.3)):
        of_layer = {"features": "layer", "layer": f"{layer} at 4 x 4"}
        rows += pair(arm, tuple(share * a for a in accuracies), **columns | of_layer)
    return rows


@pytest.fixture
def table():
    """Two n0, both adversaries, all readings, both labels; and the other arms."""
    runs = []
    for labels in ("full", "half"):
        runs += pair("input", (0.2, 0.22), labels=labels, features="input")
        for arm, first in (("random", 0.22), ("ssl", 0.5)):
            runs += layered(arm, (first, first + 0.02), labels=labels)
        runs += pair("ssl", (0.1, 0.12), labels=labels, features="output")
        for n0, adversary, (features, psi) in product(
            (1000, 2500), ("linear", "network"), report.READINGS
        ):
            lower = 0.2 * (psi == "linear" and adversary == "network" and n0 == 1000)
            lower += 0.28 * (psi == "network" and adversary == "linear" and n0 == 1000)
            accuracies = tuple(a - lower for a in PAIR)
            columns = {"n0": n0, "adversary": adversary, "psi": psi, "labels": labels}
            kind = layered if features == "hidden" else pair
            runs += kind("processor", accuracies, **columns | {"features": features})
    linear = {"adversary": "linear", "psi": "linear", "features": "output"}
    runs += pair("beyond", (0.4, 0.42), n0=10000, **linear)
    runs += pair("head", (0.5, 0.52), n0=2500)
    runs += [row("encoder", 0, 0.55, n0=1000)]
    provenance = {"profile": "smoke", "seconds": 61.7, "versions": {"numpy": "2", "torch": "3"}}
    provenance |= {"command": "first && second", "commit": "abc"}
    return {"provenance": provenance, "runs": runs}


def test_the_estimate_is_the_mean_and_its_standard_error(table):
    found = report.estimate(table["runs"], arm="ssl", labels="full", features="hidden")
    assert found == pytest.approx((0.51, 0.01))
    three = [row("a", seed, accuracy) for seed, accuracy in enumerate((0.1, 0.2, 0.6))]
    # Deviations -0.2, -0.1, 0.3: variance 0.14 / 2, over three seeds.
    assert report.estimate(three) == pytest.approx((0.3, np.sqrt(0.07 / 3)))
    mean, error = report.estimate(three[:1], "pretext_accuracy")
    assert mean == 0.5 and np.isnan(error)
    assert np.isnan(report.estimate([])).all() and np.isnan(report.estimate(three, arm="b")).all()
    assert np.isnan(report.estimate(three, "train_y_error")).all()


def test_the_separation_pairs_the_seeds():
    better = {"arm": "a"}, [row("a", s, a) for s, a in enumerate((0.5, 0.7, 0.9))]
    worse = {"arm": "b"}, [row("b", s, a) for s, a in ((2, 0.5), (1, 0.4), (0, 0.3))]
    # Differences 0.2, 0.3, 0.4: mean 0.3, standard deviation 0.1.
    found = report.separation(better[1] + worse[1], better[0], worse[0])
    assert found == pytest.approx(0.3 / (0.1 / np.sqrt(3)))
    assert report.separation(better[1] + worse[1], worse[0], better[0]) == pytest.approx(-found)


def test_differences_that_all_seeds_share_are_infinitely_separated():
    runs = [row(arm, seed, a) for arm, a in (("a", 0.75), ("b", 0.5)) for seed in (0, 1)]
    a, b = {"arm": "a"}, {"arm": "b"}
    assert [report.separation(runs, *two) for two in ((a, b), (b, a), (a, a))] == [
        np.inf,
        -np.inf,
        0.0,
    ]


def test_the_processor_table_holds_the_slides_and_every_reading(table, cells):
    head, *hidden = cells(report.processor_table(table, "full", "hidden"))
    assert head == ["the head sees", "1k", "2.5k"]
    assert hidden[::4] == [["linear adversary", "", ""], ["network adversary", "", ""]]
    assert hidden[1] == hidden[5] == ["layers of f", "30.0 (1.0)", "30.0 (1.0)"]
    assert hidden[2][1:] == ["2.0 (1.0)", "30.0 (1.0)"] and len(hidden) == 8
    _, slides, *outputs = cells(report.processor_table(table, "full", "output"))
    assert slides == ["slides", "9.95 (0.05)", "–"]
    assert outputs[7] == ["linear ψ of f(x)", "10.0 (1.0)", "30.0 (1.0)"]
    assert len(outputs) == 10


def test_other_weights_of_the_pretext_term_are_no_part_of_the_slides_table(table, cells):
    shown = cells(report.processor_table(table, "full", "output"))
    nearest = report.nearest_to_chance(table, labels="full", pretext="rotation")
    without = [
        dict(row, lam=0.0, accuracy=0.9) for row in table["runs"] if row["arm"] == "processor"
    ]
    more = table | {"runs": [*table["runs"], *without]}
    assert cells(report.processor_table(more, "full", "output")) == shown
    assert report.nearest_to_chance(more, labels="full", pretext="rotation") == nearest
    plots.labels_figure(more)
    again = table | {"runs": [*table["runs"], *(dict(row, lam=1.0) for row in without)]}
    with pytest.raises(ValueError, match="one row for each seed"):
        report.processor_table(again, "full", "output")


def test_readings_that_were_not_measured_have_no_row(table, cells):
    without = [row for row in table["runs"] if (row["arm"], row["psi"]) != ("processor", "none")]
    lines = cells(report.processor_table(table | {"runs": without}, "half", "hidden"))
    assert len(lines) == 1 + 2 * 3 and not any("layers of f" == line[0] for line in lines)
    alone = [row for row in without if row["features"] != "hidden" or row["adversary"] != "linear"]
    _, first, *lines = cells(report.processor_table(table | {"runs": alone}, "half", "hidden"))
    assert first[0] == "network adversary" and len(lines) == 2


def test_last_layers_leave_the_slides_out(table, cells):
    _, *lines = cells(report.processor_table(table, "half", "hidden", last=True))
    assert lines[0][0] == "linear adversary"
    assert lines[1] == ["layers of f", "15.0 (0.5)", "15.0 (0.5)"] and lines[2][2] == "15.0 (0.5)"


def test_the_baseline_table_holds_every_arm(table, cells):
    head, pretext, pixels, random, plain = cells(report.baseline_table(table))
    assert len(head) == 6 and pretext == ["rotation", *[""] * 5]
    assert pixels == ["pixels", "21.0 (1.0)", "–", "21.0 (1.0)", "–", "0.500"]
    assert random[2] == "11.5 (0.5)" and plain[1] == "51.0 (1.0)"
    none = [r | {"pretext_accuracy": None} for r in table["runs"] if r["arm"] != "random"]
    _, _, pixels, random, _ = cells(report.baseline_table(table | {"runs": none}))
    assert pixels[-1] == "–" and random[1:] == ["–"] * 5


def drawn_on(ax):
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, (handle[0] for handle in handles), strict=True))


def test_the_figure_draws_accuracy_against_labels(table):
    outputs, hidden = plots.labels_figure(table).axes
    assert len(drawn_on(outputs)) == 4 and len(drawn_on(hidden)) == 3 + 2
    linear = drawn_on(outputs)["processor: linear ψ of f(x)"]
    assert linear.get_xdata().tolist() == [1000, 2500, 10000]
    assert linear.get_ydata() == pytest.approx([30, 30, 41])
    assert drawn_on(hidden)["plain SSL, labels to the head"].get_ydata() == pytest.approx([51])
    assert drawn_on(hidden)["plain SSL, labels to the encoder"].get_ydata() == pytest.approx([55])
    linear = "processor: linear ψ of f(x)"
    (drawn,) = (bars for bars in outputs.containers if bars.get_label() == linear)
    low, high = drawn[2][0].get_segments()[0][:, 1]
    seeds = [29, 31]  # the standard error of two is half of their distance
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 1) * stats.sem(seeds))
    assert high - low > 2 * 1.96 * 2 * stats.sem(seeds)  # the normal interval is far shorter
    for ax, plain in ((outputs, 11), (hidden, 51)):  # each with the plain SSL of its own heads
        lines = [line.get_ydata() for line in ax.get_lines()]
        levels = {values[0] for values in lines if len(values) and len(set(values)) == 1}
        assert 10 in levels and any(abs(level - plain) < 1e-9 for level in levels)


def test_the_reading_nearest_to_chance_is_found_for_every_n0(table):
    found = report.nearest_to_chance(table, labels="full", pretext="rotation")
    assert found[0] == (1000, "network", "linear", pytest.approx(0.1))
    assert found[1][0] == 2500 and found[1][3] == pytest.approx(0.3)


def test_the_collapse_table_stands_beside_the_slides(cells):
    full, half = {1000: [0.1, 0.1], 500: [0.09, 0.13]}, {1000: [0.2], 500: [0.1, 0.1]}
    head, *rows = cells(report.collapse_table(full, half))
    assert head == ["labels", "1k", "0.5k"]
    assert rows == [
        ["Full", "", ""],
        ["slides", "9.95 (0.05)", "–"],
        ["decay 0.05", "10.00 (0.00)", "11.00 (2.00)"],
        ["Half", "", ""],
        ["slides", "10.00 (0.07)", "–"],
        ["decay 0.05", "20.00", "10.00 (0.00)"],
    ]


def test_the_provenance_table_shows_every_fact(table, cells):
    shown = dict(cells(report.provenance_table(table)))
    assert shown["seconds"] == "62" and shown["versions"] == "numpy 2, torch 3"
    assert shown["command"] == "first\nsecond" and shown["profile"] == "smoke"


TABLES = [
    lambda table: report.processor_table(table, "full", "hidden"),
    report.baseline_table,
    plots.labels_figure,
    report.nearest_to_chance,
    report.provenance_table,
]


@pytest.mark.parametrize("function", TABLES)
@pytest.mark.parametrize(
    "wrong", [None, [], {}, {"provenance": {"profile": "x"}}, {"provenance": 1, "runs": []}]
)
def test_what_is_no_recorded_table_is_named(function, wrong):
    with pytest.raises(ValueError, match=r"table must"):
        function(wrong)


@pytest.mark.parametrize("function", TABLES)
@pytest.mark.parametrize("change", [{"accuracy": "x"}, {"seed": None}, {"n0": None}])
def test_rows_that_are_none_are_named(table, function, change):
    next(row for row in table["runs"] if row["arm"] == "processor").update(change)
    with pytest.raises(ValueError, match="runs of the table must hold"):
        function(table)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: report.processor_table(t, "third", "hidden"), "table must hold rows of .*third"),
        (
            lambda t: report.processor_table(t, ["full"], "hidden"),
            "labels must be text, a number or None",
        ),
        (
            lambda t: report.processor_table(t, "full", "hidden", last="psi"),
            "last must be True or False",
        ),
        (lambda t: report.processor_table(t, "full", "layer"), "features must be one of output"),
        (lambda t: plots.labels_figure(t, pretext="x"), "table must hold rows of"),
        (lambda t: report.nearest_to_chance(t, colour=1), "a column must be one of arm"),
        (lambda t: report.estimate(t["runs"], arm="processor"), "values must leave one row"),
        (lambda t: report.estimate(t["runs"], "none"), "runs must hold none in every row"),
        (lambda t: report.estimate(t["runs"], 3), "column must be the name of one"),
        (lambda t: report.estimate(t["runs"], none=3), "runs must hold none in every row"),
        (lambda t: report.estimate(t["runs"], arm=[1]), "arm must be text, a number or None"),
        (lambda t: report.estimate("runs"), "runs must be a list of dicts"),
        (lambda t: report.separation(t["runs"], {}, {}), "better must leave one row for each seed"),
        (lambda t: report.separation(t["runs"], 3, {}), "better must be a dict of columns"),
        (lambda t: report.separation(t["runs"], {1: 2}, {}), "better must be a dict of columns"),
        (
            lambda t: report.separation(
                t["runs"],
                {"arm": "ssl", "labels": "full", "features": "hidden"},
                {"arm": "encoder"},
            ),
            r"better and worse must share two seeds or more, got \[\[0, 1\], \[0\]\]",
        ),
        (lambda t: report.collapse_table([], {}), "full must hold accuracies for every n0"),
        (lambda t: report.collapse_table({1: [1]}, {2: [1]}), "half must hold accuracies for"),
        (lambda t: report.collapse_table({1: "a"}, {1: [1]}), "full.1. must be a numeric array"),
        (lambda t: report.collapse_table({"a": [1]}, {"a": [1]}), "n0 of full must be a pos"),
    ],
)
def test_malformed_calls_are_named(table, call, says):
    with pytest.raises(ValueError, match=says):
        call(table)
