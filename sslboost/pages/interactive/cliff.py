"""The cliff at n0 = m, to walk along: on the front page, and in chapter 4's phase diagram."""

import matplotlib.pyplot as plt
import numpy as np

from sslboost.bounds import past_threshold
from sslboost.bounds import past_threshold_simulation as simulation
from sslboost.core.validation import as_count, takes
from sslboost.pages.figures import PALETTE
from sslboost.pages.interactive.parts import Drag, Move, Reading, as_pair, slider
from sslboost.pages.interactive.widget import show

#: The front page's population: directions that say nothing about z, the share of the label that x
#: explains, and what that share explains of z.
M, LAW = 80, {"k2": 0.8, "kappa2": 0.8}
LABELS = tuple(range(10, 801, 10))
WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
SIMULATED = (100, 160, 280, 480, 760)

#: The positions of the phase diagram.
RATIOS = (0.5, 0.7, 0.9, 1, 1.1, 1.2, 1.4, 1.7, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 60)
LAMBDAS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)


def figure(repetitions=20):
    """Draw the risk against the labels spent on a processor, with sliders for them and for lambda.

    Parameters
    ----------
    repetitions : int
        Simulated processors behind each interval.

    Returns
    -------
    sslboost.pages.interactive.widget.Interactive

    Raises
    ------
    ValueError
        If ``repetitions`` is no count above 1.

    Source: slide "Remark of Theorem 2"; chapter 4.
    """
    repetitions = as_count("repetitions", repetitions, least=2)
    fig, ax = plt.subplots(figsize=(4.8, 4))
    weights, labels = np.array(WEIGHTS)[:, None], np.array(LABELS)
    grid = np.unique(np.concatenate([[4], np.linspace(M, 2 * M, 41), np.linspace(2 * M, 800, 41)]))
    curves = past_threshold.limit(grid / M, weights, **LAW).risk
    risk = past_threshold.limit(labels / M, weights, **LAW).risk.T
    low, high = _simulated(repetitions)
    bars = np.stack([low, high, np.full_like(low, np.nan)], axis=-1).reshape(len(WEIGHTS), -1)
    ax.axhline(1 - LAW["k2"], color=PALETTE["blue"], label="plain self-supervised learning")
    ax.axvline(M, color=PALETTE["grey"], ls=":")
    ax.text(M + 8, 0.05, "$n_0 = m$", color=PALETTE["grey"])
    orange = {"color": PALETTE["orange"], "solid_capstyle": "round"}
    curve = ax.plot([], [], **orange, label="with a processor learned from $n_0$ labels")[0]
    bar = ax.plot([], [], **orange, lw=5)[0]
    ax.set(xlim=(0, 800), ylim=(0, 1.08), xlabel="labels spent on the processor, $n_0$")
    ax.set_ylabel("risk in the end (1 = guessing)")
    fig.legend(loc="outside upper left")
    return show(
        fig,
        "Risk with a processor against the labels spent on it: it stays at that of guessing until "
        "there are as many labels as input directions that say nothing about the pretext label, "
        "then falls, and stays above that of plain self-supervised learning. Simulated points lie "
        "on the curve.",
        sliders={
            "n0": slider("labels spent on the processor, n_0", LABELS, 160),
            "lam": slider("weight λ on being useless for predicting z", WEIGHTS, 0.3),
        },
        moves=[
            Move(curve, ("lam",), grid, curves),
            Move(bar, ("lam",), np.repeat(SIMULATED, 3), bars),
            _dot(ax, ("n0", "lam"), labels[:, None], risk),
        ],
        says=(
            "With {n0} labels spent on a processor and λ = {lam} the risk in the end is {risk}. "
            f"Plain self-supervised learning has {1 - LAW['k2']:.2f}, and guessing has 1."
        ),
        readings={"risk": Reading(("n0", "lam"), np.char.mod("%.2f", risk))},
        drags=[Drag(ax, {"n0": labels}, {})],
    )


def _dot(ax, by, x, y):
    """Where the reader is."""
    x, y = (np.repeat(one[..., None], 2, axis=-1) for one in np.broadcast_arrays(x, y))
    style = {"color": PALETTE["purple"], "lw": 11, "solid_capstyle": "round", "zorder": 5}
    return Move(ax.plot([], [], **style, clip_on=False)[0], by, x, y)


def _simulated(repetitions):
    """95 % intervals (weights, counts) of the risk, for processors learned from common samples."""
    shares = np.zeros((len(WEIGHTS), len(SIMULATED), repetitions))
    for j, n0 in enumerate(SIMULATED):
        rng = np.random.default_rng(n0)
        for r in range(repetitions):
            problem = simulation.draw_spectral(M, n0, LAW["k2"], rng)
            shares[:, j, r] = [simulation.minimise(problem, w, LAW["kappa2"])[0] for w in WEIGHTS]
    risks = 1 - LAW["k2"] * shares
    half = 1.96 * risks.std(axis=-1, ddof=1) / np.sqrt(repetitions)
    return risks.mean(axis=-1) - half, risks.mean(axis=-1) + half


@takes(alt=str)
def walk(axes, alt, *, k2, kappa2, n2, rank_z):
    """Let a reader walk through a drawn phase diagram, and draw the risk along the way below it.

    Parameters
    ----------
    axes : sequence of 2 matplotlib.axes.Axes
        Of one figure: the phase diagram, of lambda against n0 / m, and below it an empty one.
    alt : str
        A sentence that states the finding.
    k2, kappa2 : float
        As in :func:`sslboost.bounds.past_threshold.limit`.
    n2, rank_z : int
        Downstream labels, and the rank of cov_xz: what plain self-supervised learning fits.

    Returns
    -------
    sslboost.pages.interactive.widget.Interactive

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: slide "Remark of Theorem 2"; chapter 4.
    """
    plane, below = as_pair(axes)
    rank_z = as_count("rank_z", rank_z)
    n2 = as_count("n2", n2, least=rank_z + 2)
    ratios, lams = np.array(RATIOS), np.array(LAMBDAS)
    grid = np.concatenate([[0.5], 1 + np.geomspace(1e-4, 59, 150)])
    curves = past_threshold.limit(grid, lams[:, None], k2, kappa2).risk
    risk = past_threshold.limit(ratios[:, None], lams, k2, kappa2).risk
    # Up to m there is no feature to fit, and past it there is one.
    processed = risk * np.where(ratios > 1, (n2 - 1) / (n2 - 2), 1)[:, None]
    plain = (1 - k2) * (n2 - 1) / (n2 - rank_z - 1)
    curve = below.plot([], [], color=PALETTE["orange"])[0]
    below.axhline(1 - k2, ls="--", color=PALETTE["grey"])
    below.text(0.55, 1 - k2 + 0.03, "best possible", color=PALETTE["grey"])
    below.set(xscale="log", xlim=plane.get_xlim(), ylim=(0, 1.08), yticks=[0, 0.5, 1])
    below.set(xlabel="extra labels, $n_0/m$", ylabel="downstream risk")
    return show(
        plane.figure,
        alt,
        sliders={
            "ratio": slider("extra labels, n_0/m", RATIOS, 3),
            "lam": slider("weight, λ", LAMBDAS, 0.1),
        },
        moves=[
            Move(curve, ("lam",), grid, curves),
            _dot(plane, ("ratio", "lam"), ratios[:, None], lams),
            _dot(below, ("ratio", "lam"), ratios[:, None], risk),
        ],
        says=(
            "With {ratio} times m extra labels and λ = {lam} the risk is {risk} if downstream "
            f"labels are unlimited. With {n2} of them it is {{processed}}, and plain "
            f"self-supervised learning has {plain:.3f}: the processor {{verdict}}."
        ),
        readings={
            "risk": Reading(("ratio", "lam"), np.char.mod("%.3f", risk)),
            "processed": Reading(("ratio", "lam"), np.char.mod("%.3f", processed)),
            "verdict": Reading(("ratio", "lam"), np.where(processed < plain, "wins", "loses")),
        },
        drags=[Drag(plane, {"ratio": ratios}, {"lam": lams}), Drag(below, {"ratio": ratios}, {})],
    )
