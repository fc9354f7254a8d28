"""What the minimiser of the loss keeps as its weight grows: the moving figures of chapter 3."""

import numpy as np
from matplotlib.axes import Axes

from sslboost import criteria, processor
from sslboost.core.validation import as_number, takes
from sslboost.pages.figures import PALETTE, as_all
from sslboost.pages.interactive.parts import Drag, Move, Reading, as_pair, slider
from sslboost.pages.interactive.widget import show
from sslboost.population import GaussianPopulation

#: The weights that there are to choose from, as multiples of lambda*: never at lambda* itself nor
#: at 4 lambda*, where minimisers of several ranks are equally good.
SHARES = (
    0.05,
    0.1,
    0.2,
    0.3,
    0.5,
    0.7,
    0.9,
    0.97,
    1.03,
    1.1,
    1.3,
    1.6,
    2,
    2.5,
    3,
    3.5,
    3.9,
    4.1,
    4.5,
)
_STEERED = {"lam": slider("weight of the pretext term, λ", SHARES, 0.5, "{:g} λ*".format)}


@takes(alt=str)
def gaps(axes, populations, alt, *, star):
    """Let a reader move lambda through two drawn panels, of the C1 gap and of the label's loss.

    Parameters
    ----------
    axes : sequence of 2 matplotlib.axes.Axes
        Of one figure: against lambda, the C1 gap, and the share of the label that is lost.
    populations : dict of str to GaussianPopulation
        By name; the curves of each are drawn.
    alt : str
        A sentence that states the finding.
    star : float
        The critical weight, in multiples of which lambda is given.

    Returns
    -------
    sslboost.pages.interactive.widget.Interactive

    Raises
    ------
    ValueError
        If these are no such things.

    Source: slide "Rationality of The Loss"; chapter 3.
    """
    axes = as_pair(axes)
    as_all("populations", populations, GaussianPopulation, named=True)
    lams = np.array(SHARES) * as_number("star", star, above=0)
    moves = [_line(ax, lams) for ax in axes]
    readings, sentences = {}, []
    for name, population in populations.items():
        kept, c1, lost = _measured(population, lams)
        for ax, y in zip(axes, (c1, lost), strict=True):
            moves.append(_dots(ax, lams, y[:, None], PALETTE["blue"]))
        words = {"kept": "%d", "c1": "%.2f", "lost": "%.0f"}
        for key, values in zip(words, (kept, c1, 100 * lost), strict=True):
            readings[f"{key}_{name}"] = Reading(("lam",), _rounded(words[key], values))
        sentences.append(
            f"{name} {{kept_{name}}} (C1 gap {{c1_{name}}}, {{lost_{name}}} % of the label lost)"
        )
    says = "Directions that the minimiser keeps at {lam}: " + ", ".join(sentences) + "."
    return show(
        axes[0].figure,
        alt,
        sliders=_STEERED,
        moves=moves,
        says=says,
        readings=readings,
        drags=[Drag(ax, {"lam": lams}, {}) for ax in axes],
    )


@takes(ax=Axes, population=GaussianPopulation, alt=str)
def worth(ax, population, alt):
    """Let a reader move lambda through a drawn panel of what directions are worth.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Of the worth of directions against lambda.
    population : GaussianPopulation
        A member of S.
    alt : str
        A sentence that states the finding.

    Returns
    -------
    sslboost.pages.interactive.widget.Interactive

    Raises
    ------
    ValueError
        If these are no such things.

    Source: slide "Rationality of The Loss"; chapter 3.
    """
    star = processor.lambda_star(population)
    lams = np.array(SHARES) * star
    label = np.array([_on_U(population, lam) for lam in lams])
    kept, c1, lost = _measured(population, lams)
    keeps = np.where(label > 0, label, np.nan)
    drops = np.where(label > 0, np.nan, label)
    return show(
        ax.figure,
        alt,
        sliders=_STEERED,
        moves=[
            _line(ax, lams),
            _dots(ax, lams, drops, PALETTE["grey"]),
            _dots(ax, lams, keeps, PALETTE["blue"]),
        ],
        says=(
            "At {lam} the minimiser keeps {kept} of the "
            f"{population.U.shape[1]} label directions and none of the others. "
            "Its C1 gap is {c1}, and {lost} % of the label is lost."
        ),
        readings={
            "kept": Reading(("lam",), _rounded("%d", kept)),
            "c1": Reading(("lam",), _rounded("%.2f", c1)),
            "lost": Reading(("lam",), _rounded("%.0f", 100 * lost)),
        },
        drags=[Drag(ax, {"lam": lams}, {})],
    )


def _measured(population, lams):
    """How many directions the least minimiser keeps, its C1 gap, and the share of y it loses."""
    rows = []
    for lam in lams:
        optimum = processor.population_optimum(population, population.d_y, float(lam))
        lost = criteria.c2_gap(population, optimum.matrix) / np.sum(population.K_y**2)
        rows.append((optimum.rank, criteria.c1_gap(population, optimum.matrix), lost))
    return np.array(rows).T


def _on_U(population, lam):
    """Eigenvalues of M_y - lam M_z on the label's directions."""
    gain, cost = population.U.T @ population.K_y, population.U.T @ population.K_z
    return np.linalg.eigvalsh(gain @ gain.T - lam * cost @ cost.T)


def _rounded(form, values):
    """Values in words, rounding errors without their sign."""
    return np.char.mod(form, np.where(np.abs(values) < 1e-9, 0, values))


def _line(ax, lams):
    """Where the weight is; the axis along it is that of the panel."""
    (line,) = ax.plot([], [], color=PALETTE["blue"], lw=1.2)
    return Move(line, ("lam",), lams[:, None], np.array(ax.get_ylim()))


def _dots(ax, lams, y, colour):
    """Dots at the heights y (weights, dots)."""
    (line,) = ax.plot([], [], color=colour, lw=9, solid_capstyle="round", zorder=5)
    y = np.stack([y, y, np.full_like(y, np.nan)], axis=-1).reshape(len(lams), -1)
    return Move(line, ("lam",), lams[:, None], y)
