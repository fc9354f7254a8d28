"""Drawing of the tail processor in one dimension, for chapter 6."""

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from sslboost.bounds import model_dependent, trained_capacity
from sslboost.pages import figures

#: Extra labels of the drawing: few, so that the tail begins where one can see it.
LABELS, SEED = 12, 0
REACH = 4.4

ALT = (
    "Among the extra labels the network follows the best prediction, a straight line; beyond the "
    "outermost of them it plunges the other way. What it agrees with the prediction in the middle "
    "it takes back in the tails, so that the two areas are equal and the covariance is zero."
)


def drawing():
    """Draw the tail processor and the two areas that make its covariance vanish.

    Returns
    -------
    matplotlib.figure.Figure

    Source: chapter 6, the tail.
    """
    population = trained_capacity.study_population()
    X, _, Y = population.sample(LABELS, SEED)
    direction = population.whitening.unwhiten(population.U)[:, 0]
    along = population.block("x", "x") @ direction  # u(along) = 1
    tail, yhat = model_dependent.tail_processor(population, X), population.best_linear("y", "x")
    slope = float((yhat @ along)[0])
    u = np.linspace(-REACH, REACH, 1441)
    f = slope * tail(u[:, None] * along)[:, 0]
    end = np.abs(X @ direction).max()

    fig, (top, bottom) = plt.subplots(2, 1, figsize=(4.8, 5.4), sharex=True, height_ratios=[3, 2])
    for ax in (top, bottom):
        for edge in (-end, end):
            ax.axvline(edge, color=figures.PALETTE["gold"], ls=":", lw=1.4)
        ax.axhline(0, color=figures.PALETTE["grey"], lw=0.8, zorder=0)
    top.plot(u, slope * u, "--", color=figures.PALETTE["blue"], label="best prediction")
    top.plot(u, f, color=figures.PALETTE["orange"], label="tail network")
    top.plot(X @ direction, Y[:, 0], "o", color=figures.PALETTE["green"], label="extra labels")
    top.set(ylabel="prediction of $y$", ylim=(-9, 9))
    top.legend(loc="upper center")
    product = u * f * stats.norm.pdf(u)
    for part, colour, words in [
        (product >= 0, "blue", "agrees with the best prediction"),
        (product <= 0, "orange", "disagrees"),
    ]:
        style = {"color": figures.PALETTE[colour], "alpha": 0.6, "lw": 0, "label": words}
        bottom.fill_between(u, 0, product, where=part, **style)
    bottom.set(xlabel="$x$, in standard deviations", ylabel="share of the\ncovariance")
    bottom.set(yticks=[0])
    bottom.set_ylim(top=2.6 * product.max())
    bottom.legend(loc="upper center")
    return fig
