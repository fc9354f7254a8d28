"""What labels buy in each of three ways to use them: the moving figure of chapter 1."""

import matplotlib.pyplot as plt
import numpy as np

from sslboost.core.validation import as_count
from sslboost.pages.figures import PALETTE
from sslboost.pages.interactive.parts import Drag, Move, Reading, slider
from sslboost.pages.interactive.widget import show
from sslboost.representation import risk

#: Features that the head has to weigh in each way, by the slider that says how many: they never
#: cross, for a pretext label has more coordinates than the label and fewer than the input.
FEATURES = {
    "d_y": (1, 2, 3, 4, 5, 6, 8),
    "d_z": (8, 10, 12, 16, 20, 30),
    "d_x": (30, 40, 60, 80, 120, 160),
}
LABELS = (5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000)
#: Share of the label's variance that the input explains, in per cent.
SIGNAL = (20, 30, 40, 50, 60, 70, 80, 90, 95)
#: Excess risk that is aimed at, as a share of the smallest risk that is possible.
TARGET = 0.1

_COLOURS = {"d_y": "green", "d_z": "blue", "d_x": "grey"}
_NAMES = {
    "d_y": "pretext, conditionally independent: $d_y$ features",
    "d_z": "pretext, otherwise: $d_z$ features",
    "d_x": "raw input: $d_x$ features",
}
_TOP = 1.6


def figure(repetitions=200):
    """Draw risk against labels for three ways to use them, with sliders for what it depends on.

    Parameters
    ----------
    repetitions : int
        Simulated fits behind each interval.

    Returns
    -------
    sslboost.pages.interactive.widget.Interactive

    Raises
    ------
    ValueError
        If ``repetitions`` is no count above 1.

    Source: slide "Why Does Pretext-Based SSL Work?".
    """
    repetitions = as_count("repetitions", repetitions, least=2)
    fig, ax = plt.subplots(figsize=(4.8, 4.3))
    grid = np.unique(np.geomspace(3, 3000, 90).round().astype(int))
    floors = 1 - np.array(SIGNAL) / 100
    moves, readings = [], {}

    def line(by, x, y, **style):
        moves.append(Move(ax.plot([], [], **style)[0], by, x, y))

    for way, counts in FEATURES.items():
        colour, by = PALETTE[_COLOURS[way]], (way, "signal")
        curves = np.array([[[_risk(k, n, s) for n in grid] for s in SIGNAL] for k in counts])
        line(by, grid, _seen(curves), color=colour, label=_NAMES[way])
        shown, low, high = _intervals(counts, repetitions)
        bars = np.stack([low, high, np.full_like(low, np.nan)], axis=-1).reshape(len(counts), -1)
        at = np.repeat(shown, 3, axis=-1)[:, None]
        y = floors[:, None] * (1 + bars[:, None])
        line(by, at, y, color=colour, lw=5.5, solid_capstyle="round")
        needed = [[_needed(k, s) for s in SIGNAL] for k in counts]
        x = np.repeat(np.array(needed)[..., None], 2, axis=-1)
        target = np.broadcast_to((1 + TARGET) * floors[:, None], x.shape)
        line(by, x, target, color=colour, lw=8, solid_capstyle="projecting")
        at_n2 = np.array([[[_risk(k, n, s) for s in SIGNAL] for n in LABELS] for k in counts])
        words = np.where(np.isinf(at_n2), "infinite", np.char.mod("%.3f", at_n2))
        words = np.where(np.isnan(at_n2), "beyond the formula (fewer labels than features)", words)
        readings[f"risk_{way}"] = Reading((way, "n2", "signal"), words)
        readings[f"need_{way}"] = Reading(by, np.char.mod("%d", needed))
    readings["floor"] = Reading(("signal",), np.char.mod("%.2f", floors))
    level = (1 + TARGET) * floors[:, None]
    line(("signal",), np.array([3, 3000]), level, color=PALETTE["gold"], ls=":", label="target")
    at = np.array(LABELS)[:, None]
    line(("n2",), at, np.array([0, _TOP]), color=PALETTE["orange"], lw=1.4)
    ax.axhline(1, color=PALETTE["grey"], lw=0.8)
    ax.text(2900, 1.02, "guessing", color=PALETTE["grey"], ha="right")
    ax.set(xscale="log", xlim=(3, 3000), ylim=(0, _TOP))
    ax.set(xlabel="labels $n_2$", ylabel="risk (1 = guessing)")
    fig.legend(loc="outside upper left")
    sliders = {
        "n2": slider("labels, n_2", LABELS, 100),
        "d_y": slider("coordinates of the label, d_y", FEATURES["d_y"], 2),
        "d_z": slider("coordinates of the pretext label, d_z", FEATURES["d_z"], 10),
        "d_x": slider("coordinates of the input, d_x", FEATURES["d_x"], 40),
        "signal": slider("what the input tells of the label", SIGNAL, 80, "{} %".format),
    }
    return show(
        fig,
        "Risk against the number of labels: simulated intervals lie on the exact curves; "
        "conditional independence needs the fewest labels, raw inputs the most.",
        sliders=sliders,
        moves=moves,
        says=(
            "Risk with {n2} labels: {risk_d_y} under conditional independence, {risk_d_z} on "
            "another pretext representation, {risk_d_x} on the raw input; with unlimited labels "
            "{floor} for all. The target takes {need_d_y}, {need_d_z} and {need_d_x} labels."
        ),
        readings=readings,
        drags=[Drag(ax, {"n2": LABELS}, {})],
    )


def _risk(k, labels, signal):
    """The risk as a share of that of guessing.

    It is infinite from k - 1 to k + 1 labels. With fewer it is finite again and depends on the
    scales of the features: NaN.
    """
    if labels > k + 1:
        return risk.expected_risk(_residual(signal), k, labels)
    return np.inf if labels >= k - 1 else np.nan


def _residual(signal):
    """Cov[y | x] of a label whose variances sum to 1: the risk depends on its trace alone."""
    return np.array([[1 - signal / 100]])


def _seen(curves):
    """Curves as they are drawn: none where the risk is infinite."""
    return np.where(np.isinf(curves), np.nan, curves)


def _needed(k, signal):
    """The fewest labels with which the excess is no larger than the target."""
    R = _residual(signal)
    return int(np.ceil(risk.sample_complexity(R, k, TARGET * R[0, 0]) * (1 - 1e-12)))


def _intervals(counts, repetitions):
    """Numbers of labels, and 95 % intervals of the excess at each, in units of the residual."""
    shown = np.array([np.geomspace(1.3 * k + 6, 2500, 5).astype(int) for k in counts])
    runs = np.array(
        [
            [risk.simulate_excess_risk([[1.0]], k, int(n), repetitions, rng=int(n)) for n in row]
            for k, row in zip(counts, shown, strict=True)
        ]
    )
    half = 1.96 * runs.std(axis=-1, ddof=1) / np.sqrt(runs.shape[-1])
    return shown, runs.mean(axis=-1) - half, runs.mean(axis=-1) + half
