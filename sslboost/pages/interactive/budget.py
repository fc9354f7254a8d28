"""What every use of a budget of labels costs: the moving figure of chapter 10."""

import matplotlib.pyplot as plt
import numpy as np

from sslboost.pages.figures import PALETTE
from sslboost.pages.interactive.parts import Drag, Move, Reading, slider
from sslboost.pages.interactive.widget import show
from sslboost.population import copying_population
from sslboost.uses import budget

#: The population but for the signal and for what z tells of the rest: coordinates of z, inputs
#: beside as many, and the strength with which z copies inputs.
LAW = {"d": 10, "noise": 30, "copied": 1.5}
LABELS = (3, 5, 8, 11, 13, 15, 18, 22, 30, 40, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
#: Shares in per cent: of the label that x tells, and of the rest that z tells.
SIGNAL = (10, 20, 35, 50, 65, 80, 90)
RHO = (2, 10, 20, 40, 60, 80)

#: How every use is drawn, and the word that the sentence under the figure knows it by.
_LINES = {
    "x directly": ("direct", {"color": PALETTE["grey"]}),
    "plain SSL": ("plain", {"color": PALETTE["blue"]}),
    "minimum norm": ("norm", {"color": PALETTE["sky"]}),
    "reduced-rank SSL": ("reduced", {"color": PALETTE["gold"]}),
    "joint head": ("joint", {"color": PALETTE["orange"]}),
    "augmented head": ("augmented", {"color": PALETTE["green"]}),
    "slides' processor": ("slides", {"color": PALETTE["purple"], "lw": 2.4}),
    "told Δ": ("told", {"ls": ":"}),
}
_TOP = 1.6


def figure():
    """Draw the risk of every use against the labels, with sliders for what decides among them.

    Returns
    -------
    sslboost.pages.interactive.widget.Interactive

    Raises
    ------
    ValueError
        Never.

    Source: beyond the slides; the chapter on the label budget.
    """
    fig, ax = plt.subplots(figsize=(4.8, 4.6))
    grid = np.unique(np.geomspace(LABELS[0], LABELS[-1], 80).round().astype(int))
    curves, readings = _risks(grid), _readings(_risks(np.array(LABELS)))
    moves = []
    for use, (_, style) in _LINES.items():
        seen = np.minimum(curves[use], 2 * _TOP)  # what is infinite leaves through the top
        if use == "minimum norm":
            seen = np.where(grid > LAW["d"] + 1, np.nan, seen)  # from there on it is plain SSL
        line = ax.plot([], [], **{"color": plt.rcParams["text.color"]} | style, label=use)[0]
        moves.append(Move(line, ("signal", "rho"), grid, seen))
    least = 1 - np.array(SIGNAL)[:, None] / 100
    floor = ax.plot([], [], color=PALETTE["grey"], ls="--", lw=1)[0]
    moves.append(Move(floor, ("signal",), np.array(LABELS)[[0, -1]], np.repeat(least, 2, axis=1)))
    mark = ax.plot([], [], color=PALETTE["grey"], lw=6, alpha=0.4)[0]
    moves.append(Move(mark, ("labels",), np.array(LABELS)[:, None], np.array([0, _TOP])))
    ax.axhline(1, lw=1, color=plt.rcParams["text.color"])
    ax.text(LABELS[-1], 1.04, "guessing", ha="right")
    ax.set(xscale="log", xlim=(LABELS[0], LABELS[-1]), ylim=(0, _TOP))
    ax.set(xlabel="labelled samples, $n$", ylabel="risk (guessing: 1)")
    fig.legend(loc="outside upper left", ncols=2)
    return show(
        fig,
        "Risk of every use of the labels against their number: plain self-supervised learning and "
        "the heads that use the labelled z fall first, least squares on x later, the slides' "
        "processor last; with about as many labels as directions nothing is better than guessing.",
        sliders={
            "labels": slider("labelled samples n", LABELS, 50),
            "signal": slider("signal k²", SIGNAL, 50, "{} %".format),
            "rho": slider("share ρ", RHO, 40, "{} %".format),
        },
        moves=moves,
        says=(
            "Best with {labels} labels: {best}, with a risk of {risk}. Plain SSL has {plain}, "
            "minimum norm {norm}, the joint head {joint}, the augmented head {augmented}, "
            "reduced-rank SSL {reduced}, x directly {direct} and the slides' processor {slides}. "
            "Who is told Δ has {told}. No predictor can have less than {floor}."
        ),
        readings=readings,
        drags=[Drag(ax, {"labels": LABELS}, {})],
    )


def _risks(labels):
    """By use, and for who is told Delta, arrays (signals, rhos, labels)."""
    rows = [[_at(k / 100, r / 100, labels) for r in RHO] for k in SIGNAL]
    return {use: np.array([[one[use] for one in row] for row in rows]) for use in rows[0][0]}


def _at(k2, rho, labels):
    law = copying_population(k2, rho, **LAW)
    return budget.risks(law, labels) | {"told Δ": budget.told_delta(law, labels)}


def _readings(at):
    """Words at every position of the sliders."""
    by = ("signal", "rho", "labels")
    uses = {use: at[use] for use in budget.USES}
    words = {key: at[use] for use, (key, _) in _LINES.items()}
    words["risk"] = np.min(list(uses.values()), axis=0)
    found = {
        key: Reading(by, np.where(np.isinf(risk), "infinite", np.char.mod("%.3f", risk)))
        for key, risk in words.items()
    }
    found["best"] = Reading(by, budget.best(uses))
    least = 1 - np.array(SIGNAL) / 100
    return found | {"floor": Reading(("signal",), np.char.mod("%.2f", least))}
